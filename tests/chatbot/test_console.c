/*
 * Lines from a terminal and from a script file, through to the log on stderr, which is caught in a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "chatbot/chatbot.h"
#include "common/log.h"
#include "common/mem.h"

static const struct show_config config = {.hold_s = 60, .idle_s = 30, .queue_max = 8, .daydream = true};

struct scene {
    struct synsets_known known;
    struct requests *requests;
    struct chatbot *bot;
    struct clock clock;
    int caught, stderr_fd; /* the file that stderr goes to, and where it went before */
    char log[1 << 16];
};

static void open_show(struct scene *s)
{
    char path[] = "/tmp/reverie-test-XXXXXX";
    for (int i = 0; i < SYNSET_COUNT; i++)
        s->known.known[i] = true;
    assert_int_equal(requests_open(&s->requests, &config, &s->known, 1, NULL), 0);
    assert_int_equal(chatbot_open(&s->bot, s->requests, &s->known, 1, 3), 0);
    clock_init_virtual(&s->clock, 5000000);
    s->caught = mkstemp(path);
    assert_true(s->caught >= 0);
    unlink(path);
    fflush(stderr);
    s->stderr_fd = dup(STDERR_FILENO);
    dup2(s->caught, STDERR_FILENO);
}

static void close_show(struct scene *s)
{
    dup2(s->stderr_fd, STDERR_FILENO);
    close(s->stderr_fd);
    close(s->caught);
    chatbot_close(&s->bot);
    requests_close(&s->requests);
}

static const char *read_log(struct scene *s)
{
    ssize_t n = pread(s->caught, s->log, sizeof s->log - 1, 0);
    s->log[n > 0 ? n : 0] = '\0';
    return s->log;
}

static int count_lines(struct scene *s)
{
    int count = 0;
    for (const char *c = read_log(s); *c; c++)
        count += *c == '\n';
    return count;
}

/* Waits until the log has that many lines; false after five seconds. */
static bool log_grows_to(struct scene *s, int lines)
{
    for (int i = 0; i < 5000 && count_lines(s) < lines; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return count_lines(s) == lines;
}

static void put(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        assert_true(n > 0);
        bytes += n;
        count -= (size_t)n;
    }
}

static void test_lines(void **state)
{
    (void)state;
    static struct scene s;
    struct console *c;
    int fds[2];
    open_show(&s);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(console_open(&c, s.bot, fds[0], &s.clock, 2000000, NULL), 0);
    put(fds[1], "gold", 4);
    put(fds[1], "fish\n\n  \nqq", 11);
    assert_true(log_grows_to(&s, 1)); /* blank lines have no answer */
    assert_non_null(strstr(read_log(&s), "chat: "));
    assert_non_null(strstr(read_log(&s), "goldfish"));
    assert_non_null(strstr(read_log(&s), "in about 3 s"));
    struct request next[1];
    assert_int_equal(requests_list(s.requests, NULL, next, 1), 1);
    assert_string_equal(next[0].user, "operator");
    assert_true(next[0].immediate);
    put(fds[1],
        "qq\r\npi\0zz\xff\xfe"
        "a\n",
        13); /* NUL and broken UTF-8 are left out of "pizza" */
    assert_true(log_grows_to(&s, 3));
    assert_null(strstr(read_log(&s), "qqqq")); /* nothing is repeated that is no word of ours */
    assert_non_null(strstr(read_log(&s), "pizza"));
    put(fds[1], "volcano", 7); /* no line end, then the end of the input */
    close(fds[1]);
    assert_true(log_grows_to(&s, 4));
    assert_non_null(strstr(read_log(&s), "volcano"));
    console_close(&c);
    assert_null(c);
    console_close(&c);
    close(fds[0]);
    close_show(&s);
}

/* 10 MB without a line end: one message, and the line after it counts again. */
static void test_overlong(void **state)
{
    (void)state;
    static struct scene s;
    static char block[1 << 20];
    struct console *c;
    int fds[2];
    open_show(&s);
    memset(block, 'g', sizeof block);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(console_open(&c, s.bot, fds[0], &s.clock, 0, NULL), 0);
    for (int i = 0; i < 10; i++)
        put(fds[1], block, sizeof block);
    put(fds[1], "\ngoldfish\n", 10);
    assert_true(log_grows_to(&s, 2));
    assert_non_null(strstr(read_log(&s), "more than 2047 bytes"));
    put(fds[1], block, SYNSETS_LINE_BYTES - 1); /* the longest that is taken */
    put(fds[1], "\n", 1);
    assert_true(log_grows_to(&s, 3));
    assert_null(strstr(strstr(read_log(&s), "bytes") + 1, "bytes"));
    put(fds[1], block, SYNSETS_LINE_BYTES);
    close(fds[1]);
    assert_true(log_grows_to(&s, 4));
    assert_non_null(strstr(strstr(read_log(&s), "bytes") + 1, "bytes")); /* a byte more is too long */
    console_close(&c);
    close(fds[0]);
    close_show(&s);
}

/* Closing while nobody types, and opening on what ends at once or is no terminal at all. */
static void test_close(void **state)
{
    (void)state;
    static struct scene s;
    struct console *c;
    int fds[2];
    open_show(&s);
    assert_int_equal(pipe(fds), 0);
    int64_t began_us = clock_real_us();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(console_open(&c, s.bot, fds[0], &s.clock, 0, NULL), 0);
        put(fds[1], "gold", i % 2 ? 4 : 0); /* half a line must not keep it */
        console_close(&c);
    }
    assert_true(clock_real_us() - began_us < 5000000);
    close(fds[0]);
    close(fds[1]);
    int null = open("/dev/null", O_RDONLY), folder = open("/tmp", O_RDONLY);
    const int odd[] = {null, folder, fds[0]}; /* ends at once; cannot be read; not open */
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        assert_int_equal(console_open(&c, s.bot, odd[i], &s.clock, 0, NULL), 0);
        console_close(&c);
    }
    close(null);
    close(folder);
    assert_int_equal(count_lines(&s), 0);
    close_show(&s);
}

static void write_script(char *path, const char *bytes, size_t count)
{
    strcpy(path, "/tmp/reverie-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    put(fd, bytes, count);
    close(fd);
}

static void test_script(void **state)
{
    (void)state;
    static struct scene s;
    static const char text[] =
        "# a show\n\n0 ann goldfish\n  1.5\tbob   volcano + pizza  \r\n# later\n1.5 eve !queue\n9 ann ant";
    char path[32];
    struct script *script;
    struct error e = {""};
    struct request now, next[4];
    write_script(path, text, sizeof text - 1);
    assert_int_equal(script_open(&script, path, &e), 0);
    unlink(path);
    open_show(&s);
    script_feed(script, s.bot, 0);
    assert_int_equal(count_lines(&s), 2); /* the line and its reply */
    assert_true(requests_turn(s.requests, 0, &now));
    assert_string_equal(now.user, "ann");
    script_feed(script, s.bot, 1.4);
    assert_int_equal(count_lines(&s), 2);
    script_feed(script, s.bot, 2);
    assert_int_equal(count_lines(&s), 6);
    assert_int_equal(requests_list(s.requests, NULL, next, 4), 1);
    assert_string_equal(next[0].user, "bob");
    assert_int_equal(next[0].count, 2);
    assert_false(next[0].immediate);
    assert_non_null(strstr(read_log(&s), "@bob "));
    assert_non_null(strstr(read_log(&s), "in about 62 s")); /* 60 s from 0, at 1.5, and 3 s to the screen */
    assert_non_null(strstr(read_log(&s), "@eve 1 waiting: 1. volcano + pizza (@bob)."));
    script_feed(script, s.bot, 100);
    script_feed(script, s.bot, 1000);
    assert_int_equal(count_lines(&s), 8);
    close_show(&s);
    script_close(&script);
    assert_null(script);
    script_close(&script);
}

static void test_script_faults(void **state)
{
    (void)state;
    static char longest[SYNSETS_LINE_BYTES + 16] = "1 ann ";
    memset(longest + 6, 'g', SYNSETS_LINE_BYTES);
    const struct {
        const char *text;
        size_t bytes;
        const char *fault;
    } cases[] = {
        {"0 ann goldfish\n-1 ann ant\n", 0, ":2: \"-1\" is not a time"},
        {"nan ann goldfish\n", 0, ":1: \"nan\" is not a time"},
        {"1e3 ann goldfish\n", 0, ":1: \"1e3\" is not a time"},
        {"0x10 ann goldfish\n", 0, ":1: \"0x10\" is not a time"},
        {". ann goldfish\n", 0, ":1: \".\" is not a time"},
        {"1.2.3 ann goldfish\n", 0, ":1: \"1.2.3\" is not a time"},
        {"99999999999999999999 ann goldfish\n", 0, ":1: \"99999999999999999999\" is not a time"},
        {"goldfish\n", 0, ":1: \"goldfish\" is not a time"},
        {"\n\n5\n", 0, ":3: the user is missing"},
        {"5 ann\n", 0, ":1: the text is missing"},
        {"5 ann  \r\n", 0, ":1: the text is missing"},
        {"5 ann ant\n# x\n4.9 ann ant\n", 0, ":3: 4.9 is earlier than the line before (5)"},
        {"5 ann a\0nt\n", 11, ":1: a NUL byte"},
        {longest, 0, ":1: more than 2047 bytes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[32];
        struct script *script = NULL;
        struct error e = {""};
        write_script(path, cases[i].text, cases[i].bytes ? cases[i].bytes : strlen(cases[i].text));
        assert_int_equal(script_open(&script, path, &e), -EINVAL);
        unlink(path);
        assert_null(script);
        if (strncmp(e.text, path, strlen(path)) != 0 || !strstr(e.text, cases[i].fault))
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].fault);
    }
    struct script *script;
    struct error e = {""};
    assert_int_equal(script_open(&script, "/nowhere/script", &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nowhere/script: No such file"));
    assert_int_equal(script_open(&script, "/tmp", &e), -EISDIR);
    assert_non_null(strstr(e.text, "/tmp: is a folder"));
}

/* As many lines as there may be, and one more. */
static void test_script_bound(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        char path[] = "/tmp/reverie-test-XXXXXX";
        struct script *script;
        struct error e = {""};
        FILE *f = fdopen(mkstemp(path), "w");
        assert_non_null(f);
        for (int i = 0; i < SCRIPT_LINES_MAX + more; i++)
            fprintf(f, "%d u ant\n", i);
        fclose(f);
        assert_int_equal(script_open(&script, path, &e), more ? -EINVAL : 0);
        assert_int_equal(strstr(e.text, ":100001: more than 100000 lines") != NULL, more);
        script_close(&script);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_overlong),
        cmocka_unit_test(test_close),         cmocka_unit_test(test_script),
        cmocka_unit_test(test_script_faults), cmocka_unit_test(test_script_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
