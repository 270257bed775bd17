/*
 * What arrives on stderr: the shape of a line, secrets and control characters made harmless, whole lines from
 * many threads, and a show that goes on when nobody reads.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "common/thread.h"

enum { CAPTURE_BYTES = 60000 };

struct capture {
    int read_fd, stderr_fd;
    char text[CAPTURE_BYTES];
};

static void capture_begin(struct capture *c)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    c->read_fd = fds[0];
    c->stderr_fd = dup(STDERR_FILENO);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
}

/* Gives stderr back and returns what was written to it. */
static char *capture_end(struct capture *c)
{
    dup2(c->stderr_fd, STDERR_FILENO);
    close(c->stderr_fd);
    size_t n = 0;
    for (ssize_t got; (got = read(c->read_fd, c->text + n, sizeof c->text - 1 - n)) > 0;)
        n += (size_t)got;
    close(c->read_fd);
    c->text[n] = '\0';
    return c->text;
}

static struct capture capture;

static const char *after_head(const char *line)
{
    const char *text = strstr(line, ": ");
    assert_non_null(text);
    return text + 2;
}

static void lines_have_their_shape(void **state)
{
    (void)state;
    capture_begin(&capture);
    errno = ERANGE;
    log_info("sink", "recording to %s", "a.mp4");
    assert_int_equal(errno, ERANGE); /* a log line in an error path must not change the error */
    log_error("rtmp", "no");
    char *text = capture_end(&capture);
    int h, m, s, used = 0;
    assert_int_equal(sscanf(text, "%2d:%2d:%2d info  sink: recording to a.mp4%n", &h, &m, &s, &used), 3);
    assert_int_equal(text[used], '\n');
    used++;
    assert_string_equal(text + used + 8, " error rtmp: no\n");
}

static void levels_filter(void **state)
{
    (void)state;
    capture_begin(&capture);
    log_debug("x", "hidden");
    log_set_level(LOG_ERROR);
    log_warn("x", "hidden");
    log_error("x", "seen");
    log_set_level(LOG_DEBUG);
    log_debug("x", "seen too");
    log_set_level(LOG_INFO);
    char *text = capture_end(&capture);
    assert_null(strstr(text, "hidden"));
    assert_non_null(strstr(text, "error x: seen\n"));
    assert_non_null(strstr(text, "debug x: seen too\n"));
}

static void nothing_steers_the_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\nb", "a\\x0ab\n"},
        {"\x1b[2J\r\t\x7f", "\\x1b[2J\\x0d\\x09\\x7f\n"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m\n"}, /* C1: some terminals obey it in UTF-8 too */
        {"\x9b"
         "31m",
         "\\x9b31m\n"},
        {"\xff\xc3", "\\xff\\xc3\n"},
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8\n"},
        {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa0", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa0\n"},
        {"", "\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capture_begin(&capture);
        log_info("chat", "%s", cases[i].in);
        assert_string_equal(after_head(capture_end(&capture)), cases[i].out);
    }
}

static void long_lines_are_cut_whole(void **state)
{
    (void)state;
    char text[5000];
    for (int shift = 0; shift < 8; shift++) {
        for (int kind = 0; kind < 3; kind++) {
            static const char *const units[] = {"\xf0\x9f\x90\xa0", "\x01", "x"};
            text[0] = '\0';
            for (int i = 0; i < shift; i++)
                strcat(text, "y");
            for (int i = 0; i < 1000; i++)
                strcat(text, units[kind]);
            capture_begin(&capture);
            log_info("chat", "%s", text);
            char *line = capture_end(&capture);
            size_t n = strlen(line);
            assert_int_equal(line[n - 1], '\n');
            assert_in_range(n, kind == 2 ? 1000 : 2000, 2200);
            assert_int_equal(strcspn(line, "\n"), n - 1);
            /* The sink is where the character was cut by printf: nothing but that may be escaped there. */
            if (kind == 2)
                assert_int_equal(text_line_bytes(line, n - 1), n - 1);
            else
                assert_true(text_line_bytes(line, n - 1) == n - 1);
        }
    }
}

static void secrets_are_blanked(void **state)
{
    (void)state;
    log_add_secret(NULL);
    log_add_secret("abc"); /* too short to be one */
    log_add_secret("oauth:part");
    log_add_secret("oauth:part-and-whole"); /* holds the other one */
    log_add_secret("oauth:part-and-whole");
    log_add_secret("x%n-y\\d");
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"abc", "abc\n"},
        {"PASS oauth:part", "PASS ***\n"},
        {"oauth:part-and-whole", "***\n"},
        {"<oauth:part-and-whole><oauth:part>", "<***><***>\n"},
        {"oauth:partoauth:partoauth:part", "*********\n"},
        {"x%n-y\\d", "***\n"},
        {"cut: oauth:pa", "cut: ***\n"},
        {"cut: oauth:part-and-who", "cut: ***\n"},
        {"an oauth", "an oauth\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capture_begin(&capture);
        log_info("irc", "%s", cases[i].in);
        assert_string_equal(after_head(capture_end(&capture)), cases[i].out);
    }
}

/* However much text stands before the secret: no part of it that would help anybody comes out at the cut. */
static void a_cut_does_not_bare_a_secret(void **state)
{
    (void)state;
    static const char secret[] = "live_0123456789abcdefghijklmnopqrstuvwxyz";
    log_add_secret(secret);
    char text[4096];
    for (int before = 1980; before < 2060; before++) {
        snprintf(text, sizeof text, "%*s%s", before, "", secret);
        capture_begin(&capture);
        log_info("rtmp", "%s", text);
        assert_null(strstr(capture_end(&capture), "live_0"));
    }
}

static void many_secrets_fit(void **state)
{
    (void)state;
    char secret[32], line[32];
    for (int i = 0; i < 100; i++) {
        snprintf(secret, sizeof secret, "secret-number-%03d", i);
        log_add_secret(secret);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "a secret-number-%03d b", i);
        log_redact(line);
        assert_string_equal(line, "a *** b");
    }
}

enum { THREADS = 4, LINES = 100 };

static void *write_lines(void *arg)
{
    const char *mark = arg;
    for (int i = 0; i < LINES; i++)
        log_info("t", "%s%s%s%s", mark, mark, mark, mark);
    return NULL;
}

static void lines_of_threads_never_mix(void **state)
{
    (void)state;
    static char marks[THREADS][21] = {"aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccc",
                                      "dddddddddddddddddddd"};
    struct thread threads[THREADS];
    capture_begin(&capture);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "writer", write_lines, marks[i]), 0);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    int count = 0;
    for (char *line = strtok(capture_end(&capture), "\n"); line; line = strtok(NULL, "\n"), count++) {
        const char *text = after_head(line);
        assert_int_equal(strlen(text), 80);
        assert_int_equal(strspn(text, (char[]){text[0], '\0'}), 80);
    }
    assert_int_equal(count, THREADS * LINES);
}

static void a_stuck_reader_does_not_stop_the_show(void **state)
{
    (void)state;
    capture_begin(&capture);
    int flags = fcntl(capture.read_fd, F_GETFL);
    int64_t began = clock_real_us();
    for (int i = 0; i < 2000; i++) /* far more than a pipe holds */
        log_info("show", "%060d", i);
    assert_in_range(clock_real_us() - began, 0, 5000000);

    char drained[65536];
    fcntl(capture.read_fd, F_SETFL, flags | O_NONBLOCK);
    while (read(capture.read_fd, drained, sizeof drained) > 0)
        ;
    fcntl(capture.read_fd, F_SETFL, flags);
    log_info("show", "on again");
    log_info("show", "and on");
    char *text = capture_end(&capture);
    char *report = strstr(text, "warn  log: ");
    assert_non_null(report);
    assert_in_range(atoi(report + strlen("warn  log: ")), 500, 1999);
    assert_non_null(strstr(report, "lines were lost"));
    assert_non_null(strstr(report, "info  show: on again\n"));
    assert_null(strstr(report + 1, "warn  log: "));
}

static void no_stderr_at_all(void **state)
{
    (void)state;
    int kept = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = ERANGE;
    log_info("show", "nobody hears this");
    assert_int_equal(errno, ERANGE);
    dup2(kept, STDERR_FILENO);
    close(kept);
}

struct heard {
    int count;
    char text[200];
};

static void hear(void *context, enum log_level level, const char *part, const char *text)
{
    struct heard *h = context;
    h->count++;
    snprintf(h->text, sizeof h->text, "%d %s %s", (int)level, part, text);
}

static void warnings_are_heard(void **state)
{
    (void)state;
    struct heard h = {0};
    log_add_secret("hush-hush");
    log_listen(hear, &h);
    capture_begin(&capture);
    log_info("a", "not this");
    log_warn("rtmp", "no \x1b answer for hush-hush");
    assert_string_equal(h.text, "1 rtmp no \\x1b answer for ***");
    log_error("b", "and this");
    log_listen(NULL, NULL);
    log_error("b", "nobody hears");
    assert_non_null(strstr(capture_end(&capture), "nobody hears"));
    assert_int_equal(h.count, 2);
    assert_string_equal(h.text, "0 b and this");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_their_shape),
        cmocka_unit_test(levels_filter),
        cmocka_unit_test(nothing_steers_the_terminal),
        cmocka_unit_test(long_lines_are_cut_whole),
        cmocka_unit_test(secrets_are_blanked),
        cmocka_unit_test(a_cut_does_not_bare_a_secret),
        cmocka_unit_test(many_secrets_fit),
        cmocka_unit_test(lines_of_threads_never_mix),
        cmocka_unit_test(a_stuck_reader_does_not_stop_the_show),
        cmocka_unit_test(warnings_are_heard),
        cmocka_unit_test(no_stderr_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
