/*
 * What outlives a restart: the queue, the bans, what was asked and shown, and what older versions have left.
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
#include "common/json.h"
#include "common/mem.h"
#include "common/rng.h"
#include "show/record.h"
#include "tests/show/banned.h"

enum { TEXT_BYTES = 1 << 16 };

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
        "reverie.db",           "reverie.db-wal",         "reverie.db-shm",   "lock",
        "requests.jsonl.taken", "requests.jsonl.1.taken", "state.jsonl.taken"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
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
    s->config.keep_days = 0;
    snprintf(s->config.state_dir, sizeof s->config.state_dir, "%s", folder);
    for (int i = 0; i < SYNSET_COUNT; i++)
        s->known.known[i] = i != 2;
    assert_int_equal(rules_open(&s->rules, &s->config, &e), 0);
    assert_int_equal(requests_open(&s->requests, &s->config, &s->known, 1, NULL), 0);
    struct record_params p = {.config = &s->config, .requests = s->requests, .rules = s->rules, .seed = 42};
    if (record_open(&s->record, &p, &e))
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
                             .display_name = "Dr\\X",
                             .roles = roles,
                             .text = text,
                             .bytes = strlen(text),
                             .message_id = "id-1"};
    chatbot_line(s->bot, &line, now_s, reply);
    assert_true(reply[0]);
}

/* The events as text, a line each. */
static void add_row(void *context, const struct store_row *row)
{
    char *text = context, label[256] = "";
    size_t n = strlen(text);
    if (row->request.count)
        request_label(&row->request, label, sizeof label);
    snprintf(text + n, TEXT_BYTES - n, "%s %lld %lld %s/%s '%s' '%s' %lld %lld\n", row->event,
             (long long)row->request.id, (long long)row->request.turn, row->request.user, row->request.login,
             label, row->text, (long long)row->on_ms, (long long)row->seed);
}

static const char *read_log(void)
{
    static char text[TEXT_BYTES];
    struct store *s;
    struct error e = {""};
    text[0] = '\0';
    if (store_open_to_read(&s, folder, &e) < 0 ||
        store_each_event(s, 0, INT64_MIN, NULL, add_row, text, &e) < 0)
        fail_msg("%s", e.text);
    store_close(&s);
    return text;
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
    assert_int_equal(rules_forbid(s.rules, "flurb"), 0);
    requests_turn(s.requests, 60.5, &now); /* bob's */
    say(&s, "bob", 0, "volcano, pizza", 61);
    chatbot_clear_user(s.bot, "zed");
    close_show(&s);

    const char *log = read_log();
    assert_non_null(strstr(log, "asked 2 0 Dr\\X/bob 'pizza + volcano' 'pizza + volcano' -1 0\n"));
    assert_non_null(strstr(log, "shown 1 1 Dr\\X/ann 'goldfish' '' 60500 42\n"));
    assert_non_null(strstr(log, "shown 2 2 "));
    assert_non_null(strstr(log, "removed 0 0 / '' 'user' -1 0\n"));
    assert_non_null(strstr(log, "command 0 0 / '' 'mod: ban troll' -1 0\n"));

    open_show(&s);
    assert_int_equal(requests_list(s.requests, NULL, next, 8), 2);
    assert_string_equal(next[0].login, "eve");
    assert_string_equal(next[0].message_id, "id-1");
    assert_int_equal(next[0].synset[0], 340);
    assert_string_equal(next[1].user, "Dr\\X");
    assert_int_equal(next[1].count, 2);
    assert_true(is_banned(s.rules, "TROLL"));
    assert_true(rules_forbids_name(s.rules, "flurb"));
    assert_int_equal(rules_forbid(s.rules, "flurb"), -EEXIST);
    say(&s, "fay", 0, "castle", 0);
    requests_list(s.requests, NULL, next, 8);
    assert_int_equal(next[2].id, 5); /* numbers go on where they were */
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
    assert_true(is_banned(s.rules, "troll"));
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
    struct record_params p = {.config = &c};
    option_defaults(&show_section, &c);
    snprintf(c.state_dir, sizeof c.state_dir, "%s", folder);
    snprintf(path, sizeof path, "%s/state.jsonl", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(record_open(&m, &p, &e), -EISDIR);
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
    struct error e = {""};
    struct record_params p = {.config = &c};
    int64_t ids[4];
    option_defaults(&show_section, &c);
    c.state_dir[0] = '\0';
    assert_int_equal(record_open(&m, &p, &e), 0);
    assert_null(m);
    record_asked(m, NULL, NULL);
    record_removed(m, NULL, NULL);
    record_picture(m, 1, 0.5, NULL, 0);
    assert_int_equal(record_take_withdrawn(m, ids, 4), 0);
    assert_int_equal(record_each_shown(m, 10, NULL, NULL, &e), 0);
    record_close(&m);
}

/* The folder that nobody chose: a show goes on without it, and one that somebody chose must work. */
static void test_no_place(void **state)
{
    (void)state;
    struct show_config c;
    struct record *m;
    struct error e = {""};
    struct record_params p = {.config = &c};
    char text[512];
    option_defaults(&show_section, &c);
    assert_string_equal(c.state_dir, "auto");
    setenv("XDG_STATE_HOME", "/proc/nowhere", 1);
    assert_int_equal(record_open(&m, &p, &e), 0);
    assert_null(m);
    assert_int_equal(record_check(&c, text, sizeof text, &e), 1);
    assert_non_null(strstr(text, "/proc"));
    snprintf(c.state_dir, sizeof c.state_dir, "/proc/nowhere/x");
    assert_true(record_open(&m, &p, &e) < 0);
    assert_null(m);
    assert_non_null(strstr(e.text, "/proc/nowhere/x"));
    assert_true(record_check(&c, text, sizeof text, &e) < 0);
}

static void look_at_picture(void *context, const struct store_row *row)
{
    assert_int_equal(row->request.turn, 0);
    assert_int_equal(row->request.id, 1);
    assert_int_equal(row->jpeg_bytes, 4);
    assert_memory_equal(row->jpeg, "JPEG", 4);
    ++*(int *)context;
}

/* A picture comes after the next turn has begun, and is there for the next show; a moderator's removal reaches
 * requests of earlier shows. */
static void test_pictures(void **state)
{
    (void)state;
    struct scene s;
    struct request now;
    struct error e = {""};
    int64_t ids[4];
    int seen = 0;
    open_show(&s);
    say(&s, "ann", 0, "goldfish", 0);
    requests_turn(s.requests, 0, &now);
    say(&s, "bob", 0, "zebra", 1);
    requests_turn(s.requests, 61, &now);
    record_picture(s.record, 1, 0.5, (const uint8_t *)"JPEG", 4);
    close_show(&s);

    open_show(&s);
    assert_int_equal(record_each_shown(s.record, 10, look_at_picture, &seen, &e), 0);
    assert_int_equal(seen, 1);
    chatbot_clear_user(s.bot, "ANN");
    int n = 0;
    for (int ms = 0; ms < 5000 && n == 0; ms++, usleep(1000))
        n = record_take_withdrawn(s.record, ids, 4);
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], 1);
    close_show(&s);
    assert_null(strstr(read_log(), "ann"));
    assert_non_null(strstr(read_log(), "shown 2 2 "));
}

/* Files of versions before the database, once; what they hold follows the same rules. */
static void test_takeover(void **state)
{
    (void)state;
    static const char asked[] =
        "{\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"asked\",\"id\":7,\"user\":\"Ann\",\"login\":\"ann\","
        "\"wnid\":[\"n01443537\"],\"name\":\"goldfish\",\"text\":\"a goldfish\"}\n";
    write_text("requests.jsonl.1", asked);
    write_text(
        "requests.jsonl",
        "{\"at\":\"2026-01-02T03:04:06Z\",\"event\":\"shown\",\"turn\":1,\"id\":7,\"user\":\"Ann\",\"login\":"
        "\"ann\",\"wnid\":[\"n01443537\"],\"name\":\"goldfish\"}\n"
        "{\"at\":\"2026-01-02T03:05:06Z\",\"event\":\"ended\",\"id\":7,\"turn\":1,\"on_ms\":60000}\n"
        "{\"at\":\"2026-01-02T03:05:07Z\",\"event\":\"asked\",\"id\":8,\"user\":\"Eve\",\"login\":\"eve\","
        "\"wnid\":[\"n02391049\"],\"name\":\"zebra\",\"text\":\"zebra\"}\n"
        "{\"at\":\"2026-01-02T03:05:08Z\",\"event\":\"removed\",\"login\":\"eve\"}\n"
        "{\"torn\":");
    write_text("state.jsonl", "{\"wish\":[\"n02391049\"],\"id\":9,\"user\":\"bob\"}\n{\"ban\":\"troll\"}\n");
    struct scene s;
    struct request next[8];
    for (int i = 0; i < 2; i++) {
        open_show(&s);
        assert_int_equal(requests_list(s.requests, NULL, next, 8), 1);
        assert_int_equal(next[0].id, 9);
        assert_true(is_banned(s.rules, "troll"));
        close_show(&s);
        assert_int_equal(access(path_of("state.jsonl.taken"), F_OK), 0);
        assert_int_equal(access(path_of("requests.jsonl"), F_OK), -1);
        if (i == 0) /* as if the power had gone before the renaming */
            assert_int_equal(rename(path_of("requests.jsonl.1.taken"), path_of("requests.jsonl.1")), 0);
    }
    assert_string_equal(read_log(), "asked 7 0 Ann/ann 'goldfish' 'a goldfish' -1 0\n"
                                    "shown 7 1 Ann/ann 'goldfish' '' 60000 0\n"
                                    "asked 8 0 / 'zebra' '' -1 0\n"
                                    "removed 0 0 / '' 'user' -1 0\n");
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_restart),    IN_FOLDER(test_damaged_state),   IN_FOLDER(test_unreadable_state),
        cmocka_unit_test(test_off), cmocka_unit_test(test_no_place), IN_FOLDER(test_pictures),
        IN_FOLDER(test_takeover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
