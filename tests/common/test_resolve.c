/*
 * The resolver against lookups that answer, fail, take their time or never come back: nobody waits longer than they
 * want to, a late answer is not lost, and another question ends the one before.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/resolve.h"

enum { PATIENCE_MS = 20000 };

static _Atomic int asked, may_answer;

__attribute__((noinline)) static void count_question(void)
{
    atomic_fetch_add(&asked, 1);
}

__attribute__((noinline)) static int slow_ones_wait(void)
{
    return !atomic_load(&may_answer);
}

/* "slow" answers when it may, "never" not at all, "unknown" is; every other name is 127.0.0.1. Where it may be
 * cancelled no address of a variable is taken, as in resolver_main; atomics take one of their own. */
static int oracle(void *context, const char *host, const char *port, struct addrinfo **list)
{
    (void)context;
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    count_question();
    if (strcmp(host, "unknown") == 0)
        return EAI_NONAME;
    while (strcmp(host, "never") == 0 || (strcmp(host, "slow") == 0 && slow_ones_wait()))
        usleep(1000);
    return getaddrinfo("127.0.0.1", port, &hints, list);
}

static struct resolver *open_resolver(resolver_lookup_fn *lookup)
{
    struct resolver *r;
    atomic_store(&asked, 0);
    atomic_store(&may_answer, 0);
    assert_int_equal(resolver_open(&r, lookup, NULL), 0);
    return r;
}

static int answered_within_ms(struct resolver *r, int ms)
{
    struct pollfd p = {.fd = resolver_fd(r), .events = POLLIN};
    return poll(&p, 1, ms);
}

static void assert_answer(struct resolver *r, int port)
{
    struct addrinfo *list;
    assert_int_equal(answered_within_ms(r, PATIENCE_MS), 1);
    assert_int_equal(resolver_take(r, &list), 0);
    assert_non_null(list);
    struct sockaddr_in address;
    memcpy(&address, list->ai_addr, sizeof address);
    assert_int_equal(ntohs(address.sin_port), port);
    freeaddrinfo(list);
    assert_int_equal(answered_within_ms(r, 0), 0);
}

static void answers_come(void **state)
{
    (void)state;
    struct resolver *r = open_resolver(oracle);
    for (int port = 1; port < 20; port++) {
        assert_int_equal(resolver_ask(r, "host", port), 0);
        assert_answer(r, port);
    }
    struct addrinfo *list;
    assert_int_equal(resolver_ask(r, "unknown", 1), 0);
    assert_int_equal(answered_within_ms(r, PATIENCE_MS), 1);
    assert_int_equal(resolver_take(r, &list), EAI_NONAME);
    assert_null(list);
    resolver_close(&r);
    assert_null(r);
    resolver_close(&r);
}

static void addresses_need_no_name_server(void **state)
{
    (void)state;
    struct resolver *r = open_resolver(NULL);
    assert_int_equal(resolver_ask(r, "127.0.0.1", 6667), 0);
    assert_answer(r, 6667);
    resolver_close(&r);
}

static void late_answers_serve_the_next(void **state)
{
    (void)state;
    struct resolver *r = open_resolver(oracle);
    for (int i = 0; i < 3; i++) { /* given up, and asked again */
        assert_int_equal(resolver_ask(r, "slow", 5), 0);
        assert_int_equal(answered_within_ms(r, 10), 0);
    }
    atomic_store(&may_answer, 1);
    assert_int_equal(resolver_ask(r, "slow", 5), 0);
    assert_answer(r, 5);
    assert_int_equal(atomic_load(&asked), 1);
    resolver_close(&r);
}

static void another_question_ends_the_one_before(void **state)
{
    (void)state;
    struct resolver *r = open_resolver(oracle);
    int64_t began_us = clock_real_us();
    assert_int_equal(resolver_ask(r, "never", 5), 0);
    assert_int_equal(answered_within_ms(r, 10), 0);
    assert_int_equal(resolver_ask(r, "host", 7), 0);
    assert_answer(r, 7);
    assert_int_equal(resolver_ask(r, "host", 8), 0); /* answered, and not taken */
    assert_int_equal(answered_within_ms(r, PATIENCE_MS), 1);
    assert_int_equal(resolver_ask(r, "host", 9), 0);
    assert_answer(r, 9);
    assert_int_equal(resolver_ask(r, "never", 5), 0);
    resolver_close(&r); /* while it is busy */
    assert_true(clock_real_us() - began_us < PATIENCE_MS * INT64_C(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come),
        cmocka_unit_test(addresses_need_no_name_server),
        cmocka_unit_test(late_answers_serve_the_next),
        cmocka_unit_test(another_question_ends_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
