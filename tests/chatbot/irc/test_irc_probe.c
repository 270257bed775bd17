/*
 * Two things in one program. Without arguments: tests of the way from a host name to a socket. With
 * arguments: a probe, the whole bot on a real network, which test_irc_e2e.py drives against scripted servers.
 * The probe prints every callback as a line of JSON and takes commands on stdin:
 *
 *     counters     the end of stdin closes the bot and prints how long that took
 *
 * A chat line "say TEXT" is answered with TEXT.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chatbot/irc/dial.h"
#include "chatbot/irc/irc.h"
#include "chatbot/irc/tuning.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

/* A name server on a string: "5000:::1" answers ::1 after 5 s, "fail" never knows, "a,b" says b the
 * second time. */

struct oracle {
    const char *script;
    atomic_int asked;
};

static __attribute__((noinline)) int answer(const char *step, const char *port, struct addrinfo **list)
{
    char address[64];
    snprintf(address, sizeof address, "%.*s", (int)strcspn(step, ","), step);
    if (strcmp(address, "fail") == 0)
        return EAI_NONAME;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    return getaddrinfo(address, port, &hints, list);
}

/* Like resolver_main, which may be cancelled in here, it takes no address of a variable. */
static int consult(void *context, const char *host, const char *port, struct addrinfo **list)
{
    (void)host;
    struct oracle *o = context;
    const char *step = o->script;
    for (int n = atomic_fetch_add(&o->asked, 1); n > 0 && strchr(step, ','); n--)
        step = strchr(step, ',') + 1;
    size_t digits = strspn(step, "0123456789");
    if (digits > 0 && step[digits] == ':') {
        for (int ms = atoi(step); ms > 0; ms -= 10)
            usleep(10000);
        step += digits + 1;
    }
    return answer(step, port, list);
}

/* Tests */

struct scene {
    struct oracle oracle;
    struct stop stop;
    struct resolver *resolver;
    struct transport_target target;
    int listen_fd;
};

static int setup(void **state)
{
    struct scene *s = xcalloc(1, sizeof *s);
    *state = s;
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof a;
    s->listen_fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listen_fd >= 0 &&
        (bind(s->listen_fd, (struct sockaddr *)&a, size) < 0 || listen(s->listen_fd, 1) < 0 ||
         getsockname(s->listen_fd, (struct sockaddr *)&a, &size) < 0)) {
        close(s->listen_fd);
        s->listen_fd = -1; /* no IPv6 on this machine */
    }
    stop_init(&s->stop);
    resolver_open(&s->resolver, consult, &s->oracle);
    s->target = (struct transport_target){.host = "any.example",
                                          .port = ntohs(a.sin6_port),
                                          .resolver = s->resolver,
                                          .deadline_us = clock_real_us() + 2000000,
                                          .stop = &s->stop};
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    int64_t before = clock_real_us();
    resolver_close(&s->resolver);
    int slow = clock_real_us() - before > 1000000;
    stop_close(&s->stop);
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    free(s);
    return slow;
}

static void an_ipv6_address_will_do(void **state)
{
    struct scene *s = *state;
    struct error e;
    if (s->listen_fd < 0)
        skip();
    s->oracle.script = "::1";
    int fd = dial(&s->target, &e);
    assert_true(fd >= 0);
    assert_true(dial_is_local(fd));
    close(fd);
}

static void an_unknown_name_and_a_closed_port_are_told(void **state)
{
    struct scene *s = *state;
    struct error e;
    s->oracle.script = "fail,127.0.0.1";
    assert_int_equal(dial(&s->target, &e), -EHOSTUNREACH);
    assert_non_null(strstr(e.text, "cannot find any.example"));
    s->target.port = 1;
    assert_int_equal(dial(&s->target, &e), -ECONNREFUSED);
    assert_non_null(strstr(e.text, "cannot connect to any.example port 1"));
}

static void a_late_answer_serves_the_next_attempt(void **state)
{
    struct scene *s = *state;
    struct error e;
    if (s->listen_fd < 0)
        skip();
    s->oracle.script = "300:::1,fail";
    s->target.deadline_us = clock_real_us() + 50000;
    assert_int_equal(dial(&s->target, &e), -ETIMEDOUT);
    assert_int_equal(dial(&s->target, &e), -ETIMEDOUT);
    s->target.deadline_us = clock_real_us() + 2000000;
    int fd = dial(&s->target, &e);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(s->oracle.asked, 1);
    assert_int_equal(dial(&s->target, &e), -EHOSTUNREACH);
}

static void stopping_does_not_wait_for_a_name(void **state)
{
    struct scene *s = *state;
    struct error e;
    s->oracle.script = "60000:::1";
    stop_request(&s->stop);
    assert_int_equal(dial(&s->target, &e), -ECANCELED); /* and teardown closes the resolver at once */
}

/* The probe */

struct probe {
    int64_t start_us;
    bool quiet; /* lines are counted, not printed */
};

static void put_text(const char *key, const char *text)
{
    printf(",\"%s\":\"", key);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else
            putchar(*text);
    putchar('"');
}

static void begin_line(const struct probe *p, const char *event)
{
    flockfile(stdout);
    printf("{\"ms\":%lld,\"event\":\"%s\"", (long long)(clock_real_us() - p->start_us) / 1000, event);
}

static void end_line(void)
{
    printf("}\n");
    fflush(stdout);
    funlockfile(stdout);
}

static void on_line(void *context, const struct irc_message *m, struct irc_reply *reply)
{
    struct probe *p = context;
    if (strncmp(m->text, "say ", 4) == 0)
        snprintf(reply->text, sizeof reply->text, "%s", m->text + 4);
    if (p->quiet && !reply->text[0])
        return;
    begin_line(p, "line");
    put_text("user", m->user);
    put_text("name", m->display_name);
    put_text("user_id", m->user_id);
    put_text("id", m->message_id);
    put_text("text", m->text);
    printf(",\"roles\":%u,\"action\":%d", m->roles, m->is_action);
    end_line();
}

static void on_clear_user(void *context, const char *user)
{
    begin_line(context, "clear");
    put_text("user", user ? user : "");
    end_line();
}

static void on_delete(void *context, const char *id, const char *user)
{
    begin_line(context, "delete");
    put_text("id", id);
    put_text("user", user);
    end_line();
}

static void on_state(void *context, enum irc_state state, const char *text)
{
    static const char *const names[] = {"connecting", "joining", "online", "waiting", "alarm"};
    char clean[512];
    snprintf(clean, sizeof clean, "%s", text);
    log_redact(clean);
    begin_line(context, names[state]);
    put_text("text", clean);
    end_line();
}

static void print_counters(struct probe *p, struct irc *irc)
{
    struct irc_counters c;
    irc_counters(irc, &c);
    begin_line(p, "counters");
    printf(",\"attempts\":%lld,\"logins\":%lld,\"lines\":%lld,\"messages\":%lld,\"foreign\":%lld",
           (long long)c.attempts, (long long)c.logins, (long long)c.lines, (long long)c.messages,
           (long long)c.foreign);
    printf(
        ",\"malformed\":%lld,\"too_long\":%lld,\"lost\":%lld,\"sent\":%lld,\"merged\":%lld,\"dropped\":%lld",
        (long long)c.malformed, (long long)c.too_long, (long long)c.lost, (long long)c.sent,
        (long long)c.merged, (long long)c.dropped);
    end_line();
}

/* "ping=500" and the like, in milliseconds. */
static bool set_time(struct irc_tuning *t, const char *text)
{
    const struct {
        const char *name;
        int64_t *us;
    } times[] = {{"connect", &t->connect_us},
                 {"login", &t->login_us},
                 {"join", &t->join_us},
                 {"join_slow", &t->join_slow_us},
                 {"ping", &t->ping_us},
                 {"pong", &t->pong_us},
                 {"retry_min", &t->retry_min_us},
                 {"retry_max", &t->retry_max_us},
                 {"stable", &t->stable_us},
                 {"quick", &t->quick_us},
                 {"login_retry", &t->login_retry_us},
                 {"fallback", &t->fallback_us},
                 {"pause", &t->pause_us}};
    size_t n = strcspn(text, "=");
    for (size_t i = 0; text[n] && i < ARRAY_LEN(times); i++)
        if (strlen(times[i].name) == n && strncmp(times[i].name, text, n) == 0) {
            *times[i].us = strtoll(text + n + 1, NULL, 10) * 1000;
            return true;
        }
    return false;
}

static bool set_option(struct irc_config *c, const char *text)
{
    char name[32];
    size_t n = strcspn(text, "=");
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    for (size_t i = 0; text[n] && i < irc_section.count; i++)
        if (strcmp(irc_section.options[i].name, name) == 0)
            return option_parse(&irc_section.options[i], c, text + n + 1, NULL) == 0;
    return false;
}

static int probe_main(int argc, char **argv)
{
    struct irc_config config;
    struct irc_tuning tuning = irc_tuning_default;
    struct probe p = {.start_us = clock_real_us()};
    struct oracle oracle = {.script = NULL};
    struct error e = {""};
    option_defaults(&irc_section, &config);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "lookup=", 7) == 0)
            oracle.script = argv[i] + 7;
        else if (strcmp(argv[i], "quiet") == 0)
            p.quiet = true;
        else if (!set_time(&tuning, argv[i]) && !set_option(&config, argv[i]))
            return fprintf(stderr, "what is %s?\n", argv[i]), 2;
    }
    tuning.lookup = oracle.script ? consult : NULL;
    tuning.lookup_context = &oracle;
    const struct irc_events events = {.context = &p,
                                      .on_line = on_line,
                                      .on_clear_user = on_clear_user,
                                      .on_delete = on_delete,
                                      .on_state = on_state};
    struct irc *irc;
    if (irc_open(&irc, &config, &events, &tuning, &e) < 0)
        return fprintf(stderr, "%s\n", e.text), 1;
    for (char line[1024]; fgets(line, sizeof line, stdin);) {
        if (strcmp(line, "counters\n") == 0)
            print_counters(&p, irc);
    }
    int64_t before_us = clock_real_us();
    irc_close(&irc);
    begin_line(&p, "closed");
    printf(",\"took_ms\":%lld", (long long)(clock_real_us() - before_us) / 1000);
    end_line();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return probe_main(argc, argv);
#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(an_ipv6_address_will_do),
        SCENE(an_unknown_name_and_a_closed_port_are_told),
        SCENE(a_late_answer_serves_the_next_attempt),
        SCENE(stopping_does_not_wait_for_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
