/*
 * What outlives a restart: lines of JSON, the log with its bounds and troubles, the queue and the bans.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "chatbot/chatbot.h"
#include "show/journal.h"
#include "show/record.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/rng.h"

static char folder[] = "/tmp/reverie-test-XXXXXX";

static char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/reverie-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {
        "requests.jsonl", "requests.jsonl.1", "state.jsonl", "state.jsonl.part", "log", "log.1", "s",
        "s.part"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static char *read_text(const char *name)
{
    static char text[1 << 20];
    FILE *f = fopen(path_of(name), "r");
    text[0] = '\0';
    if (!f)
        return text;
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static char *no_state(void *context, size_t *bytes)
{
    (void)context;
    *bytes = 0;
    return NULL;
}

static struct journal *open_journal(int64_t file_bytes)
{
    struct journal_params p = {.folder = folder,
                               .log_name = "log",
                               .state_name = "s",
                               .file_bytes = file_bytes,
                               .tick_ms = 5,
                               .state = no_state};
    struct journal *j;
    struct error e = {""};
    if (journal_open(&j, &p, &e))
        fail_msg("%s", e.text);
    return j;
}

static void test_log(void **state)
{
    (void)state;
    write_text("log", "{\"torn\":"); /* a crash in the middle of a line */
    struct journal *j = open_journal(0);
    journal_write(j, "one\n", 4);
    journal_write(j, "two\n", 4);
    journal_close(&j);
    assert_null(j);
    journal_close(&j);
    assert_string_equal(read_text("log"), "{\"torn\":\none\ntwo\n");

    j = open_journal(64);
    for (int i = 0; i < 100; i++) {
        char line[32];
        int n = snprintf(line, sizeof line, "line %d of many lines\n", i);
        journal_write(j, line, (size_t)n);
        if (i % 10 == 9)
            usleep(12000); /* so that there are several ticks */
    }
    journal_close(&j);
    assert_non_null(strstr(read_text("log"), "line 99 "));
    assert_true(strlen(read_text("log.1")) > 0);
    assert_true(strlen(read_text("log")) + strlen(read_text("log.1")) < 100 * 22); /* the oldest are gone */
}

/* A full disk: one warning, nothing hangs, and how much is missing stands in the log when there
 * is room again. */
static void test_full_disk(void **state)
{
    (void)state;
    struct journal *j = open_journal(0);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 200; i++)
        journal_write(j, "0123456789\n", 11);
    usleep(60000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    journal_write(j, "again\n", 6);
    journal_close(&j);
    const char *text = read_text("log");
    assert_non_null(strstr(text, "\n{\"event\":\"lost\",\"lines\":"));
    assert_non_null(strstr(text, "}\nagain\n"));
}

static void test_no_folder(void **state)
{
    (void)state;
    struct journal_params p = {.folder = "/proc/nowhere/x", .log_name = "l", .state_name = "s"};
    struct journal *j;
    struct error e = {""};
    assert_true(journal_open(&j, &p, &e) < 0);
    assert_null(j);
    assert_non_null(strstr(e.text, "/proc/nowhere/x"));
    char *text;
    assert_int_equal(journal_read_state("/proc/nowhere", "s", 100, &text, &e), 0);
    assert_null(text);
}

struct scene {
    struct show_config config;
    struct synsets_known known;
    struct rules *rules;
    struct requests *requests;
    struct chatbot *bot;
    struct record *record;
};

static void open_show(struct scene *s)
{
    struct error e = {""};
    option_defaults(&show_section, &s->config);
    snprintf(s->config.state_dir, sizeof s->config.state_dir, "%s", folder);
    for (int i = 0; i < SYNSET_COUNT; i++)
        s->known.known[i] = i != 2;
    assert_int_equal(rules_open(&s->rules, &s->config, &e), 0);
    assert_int_equal(requests_open(&s->requests, &s->config, &s->known, 1, NULL), 0);
    if (record_open(&s->record, &s->config, s->requests, s->rules, &e))
        fail_msg("%s", e.text);
    assert_int_equal(chatbot_open(&s->bot, s->requests, &s->known, 1, 3), 0);
    chatbot_set_rules(s->bot, s->rules);
    chatbot_set_record(s->bot, s->record);
}

static void close_show(struct scene *s)
{
    record_close(&s->record);
    chatbot_close(&s->bot);
    requests_close(&s->requests);
    rules_close(&s->rules);
}

static void say(struct scene *s, const char *user, unsigned roles, const char *text, double now_s)
{
    char reply[CHAT_REPLY_BYTES];
    struct chat_line line = {.origin = CHAT_IRC,
                             .user = user,
                             .display_name = "Dr. \"X\"",
                             .roles = roles,
                             .text = text,
                             .bytes = strlen(text),
                             .message_id = "id-1"};
    chatbot_line(s->bot, &line, now_s, reply);
    assert_true(reply[0]);
}

static void assert_json(const char *line)
{
    struct json *j;
    struct error e = {""};
    if (json_parse(&j, line, strlen(line), &e))
        fail_msg("%s: %s", line, e.text);
    json_close(&j);
}

static void test_restart(void **state)
{
    (void)state;
    struct scene s;
    struct request now, next[8];
    open_show(&s);
    say(&s, "ann", 0, "goldfish", 0);
    requests_turn(s.requests, 0, &now);
    say(&s, "bob", 0, "pizza + volcano", 1);
    say(&s, "eve", 0, "zebra", 2);
    say(&s, "mod", CHAT_MODERATOR, "!ban troll", 3);
    requests_turn(s.requests, 60.5, &now); /* bob's */
    say(&s, "bob", 0, "volcano, pizza", 61);
    chatbot_clear_user(s.bot, "zed");
    close_show(&s);

    const char *log = read_text("requests.jsonl");
    assert_non_null(strstr(
        log,
        "\"event\":\"asked\",\"id\":2,\"user\":\"Dr. \\\"X\\\"\",\"login\":\"bob\",\"wnid\":[\"n07873807\","
        "\"n09472597\"],\"name\":\"pizza + volcano\",\"text\":\"pizza + volcano\"}\n"));
    assert_non_null(strstr(log, "\"event\":\"ended\",\"id\":1,\"turn\":1,\"on_ms\":60500}\n"));
    assert_non_null(strstr(log, "\"event\":\"shown\",\"turn\":2,\"id\":2,"));
    assert_non_null(strstr(log, "\"event\":\"removed\",\"login\":\"zed\"}\n"));
    char *rest = strdup(log), *all = rest;
    for (const char *line; (line = strsep(&rest, "\n")) && *line;)
        assert_json(line);
    free(all);

    open_show(&s);
    assert_int_equal(requests_list(s.requests, NULL, next, 8), 2);
    assert_string_equal(next[0].login, "eve");
    assert_string_equal(next[0].message_id, "id-1");
    assert_int_equal(next[0].synset[0], 340);
    assert_string_equal(next[1].user, "Dr. \"X\"");
    assert_int_equal(next[1].count, 2);
    assert_true(rules_is_banned(s.rules, "TROLL"));
    say(&s, "fay", 0, "castle", 0);
    requests_list(s.requests, NULL, next, 8);
    assert_true(next[2].id > next[1].id);
    close_show(&s);
}

/* Whatever stands in the file, the show begins; what is good is kept. */
static void test_damaged_state(void **state)
{
    (void)state;
    write_text("state.jsonl", "\xff\xfe{]\n"
                              "{\"wish\":[\"n01484850\"],\"id\":1,\"user\":\"lacking\"}\n"
                              "{\"wish\":[\"n00000000\"],\"id\":2,\"user\":\"unheard of\"}\n"
                              "{\"wish\":[],\"id\":2,\"user\":\"nothing\"}\n"
                              "{\"wish\":[\"n01443537\"],\"id\":-7,\"user\":\"before all\"}\n"
                              "{\"wish\":[\"n01443537\"],\"user\":\"no id\"}\n"
                              "{\"wish\":[\"n01443537\"],\"id\":5,\"user\":\"good\"}\n"
                              "{\"wish\":[\"n01443537\"],\"id\":6,\"user\":\"Good\"}\n"
                              "{\"ban\":\"\"}\n{\"ban\":\"troll\"}\n"
                              "{\"wish\":[\"n01443537\"],\"id\":8,\"us");
    struct scene s;
    struct request next[8];
    open_show(&s);
    assert_int_equal(requests_list(s.requests, NULL, next, 8), 1);
    assert_string_equal(next[0].user, "good");
    assert_true(rules_is_banned(s.rules, "troll"));
    close_show(&s);
}

/* A state that cannot be read is not replaced by an empty one. */
static void test_unreadable_state(void **state)
{
    (void)state;
    char path[256];
    struct show_config c;
    struct record *m;
    struct error e = {""};
    option_defaults(&show_section, &c);
    snprintf(c.state_dir, sizeof c.state_dir, "%s", folder);
    snprintf(path, sizeof path, "%s/state.jsonl", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(record_open(&m, &c, NULL, NULL, &e), -EISDIR);
    assert_null(m);
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.text, "bans"));
    assert_int_equal(rmdir(path), 0); /* it is still there */
}

static void test_off(void **state)
{
    (void)state;
    struct show_config c;
    struct record *m;
    struct error e;
    option_defaults(&show_section, &c);
    assert_int_equal(record_open(&m, &c, NULL, NULL, &e), 0);
    assert_null(m);
    record_asked(m, NULL, NULL);
    record_removed(m, NULL, NULL);
    record_close(&m);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_log),        IN_FOLDER(test_full_disk),     cmocka_unit_test(test_no_folder),
        IN_FOLDER(test_restart),    IN_FOLDER(test_damaged_state), IN_FOLDER(test_unreadable_state),
        cmocka_unit_test(test_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
