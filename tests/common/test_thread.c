/*
 * Named threads, waits that end in time, and the stop flag that poll() sees.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/thread.h"

struct seen {
    char name[16];
    bool blocks_signals;
};

static void *look_around(void *arg)
{
    struct seen *s = arg;
    sigset_t mask;
    pthread_getname_np(pthread_self(), s->name, sizeof s->name);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    s->blocks_signals =
        sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM) && sigismember(&mask, SIGPIPE);
    return NULL;
}

static void threads_are_named_and_deaf_to_signals(void **state)
{
    (void)state;
    struct seen s = {.name = ""};
    struct thread t = {0};
    sigset_t mask;
    assert_int_equal(thread_start(&t, "camera", look_around, &s), 0);
    assert_true(t.running);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGINT)); /* ours is as it was */
    thread_join(&t);
    assert_false(t.running);
    thread_join(&t); /* once more is fine */
    assert_true(s.blocks_signals);
}

struct gate {
    pthread_mutex_t lock; /* guards open */
    pthread_cond_t changed;
    bool open;
    struct seen seen;
};

static void *wait_at_gate(void *arg)
{
    struct gate *g = arg;
    pthread_mutex_lock(&g->lock);
    while (!g->open)
        cond_wait_us(&g->changed, &g->lock, -1);
    pthread_mutex_unlock(&g->lock);
    look_around(&g->seen);
    return NULL;
}

static void waits_end_by_signal_or_by_time(void **state)
{
    (void)state;
    struct gate g = {.open = false};
    struct thread t;
    pthread_mutex_init(&g.lock, NULL);
    cond_init_monotonic(&g.changed);

    int64_t began = clock_real_us();
    pthread_mutex_lock(&g.lock);
    while (cond_wait_us(&g.changed, &g.lock, 25000)) /* nobody signals: true would be a spurious wake-up */
        ;
    assert_in_range(clock_real_us() - began, 25000, 3000000);
    assert_false(cond_wait_us(&g.changed, &g.lock, 0));
    pthread_mutex_unlock(&g.lock);

    assert_int_equal(thread_start(&t, "waiter", wait_at_gate, &g), 0);
    pthread_mutex_lock(&g.lock);
    g.open = true;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.lock);
    thread_join(&t);
    assert_string_equal(g.seen.name, "waiter"); /* named before it got through */
    pthread_cond_destroy(&g.changed);
    pthread_mutex_destroy(&g.lock);
}

static struct stop from_handler;

static void on_signal(int number)
{
    (void)number;
    stop_request(&from_handler);
}

static void stop_wakes_poll(void **state)
{
    (void)state;
    struct stop s;
    assert_int_equal(stop_init(&s), 0);
    struct pollfd p = {.fd = s.fd, .events = POLLIN};
    assert_false(stop_requested(&s));
    assert_int_equal(poll(&p, 1, 0), 0);
    for (int i = 0; i < 3; i++) {
        errno = EDOM;
        stop_request(&s);
        assert_int_equal(errno, EDOM);
        assert_true(stop_requested(&s));
        assert_int_equal(poll(&p, 1, 0), 1); /* and stays readable for everybody else */
    }
    stop_close(&s);
    assert_int_equal(s.fd, -1);
    stop_close(&s);
    stop_request(&s); /* too late, but harmless */
}

static void stop_from_a_signal_handler(void **state)
{
    (void)state;
    struct sigaction act = {.sa_handler = on_signal}, old;
    assert_int_equal(stop_init(&from_handler), 0);
    sigaction(SIGUSR1, &act, &old);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &old, NULL);
    assert_true(stop_requested(&from_handler));
    stop_close(&from_handler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_named_and_deaf_to_signals),
        cmocka_unit_test(waits_end_by_signal_or_by_time),
        cmocka_unit_test(stop_wakes_poll),
        cmocka_unit_test(stop_from_a_signal_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
