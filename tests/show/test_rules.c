/*
 * The rules, alone and as chat meets them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "chatbot/chatbot.h"
#include "common/mem.h"
#include "common/text.h"
#include "show/rules.h"
#include "tests/show/banned.h"

struct scene {
    struct show_config config;
    struct synsets_known known;
    struct rules *rules;
    struct requests *requests;
    struct chatbot *bot;
    char reply[CHAT_REPLY_BYTES];
};

static void open_show(struct scene *s)
{
    struct error e;
    for (int i = 0; i < SYNSET_COUNT; i++)
        s->known.known[i] = true;
    assert_int_equal(rules_open(&s->rules, &s->config, &e), 0);
    rules_restrict(s->rules, &s->known);
    assert_int_equal(requests_open(&s->requests, &s->config, &s->known, 1, NULL), 0);
    assert_int_equal(chatbot_open(&s->bot, s->requests, &s->known, 1, 3), 0);
    chatbot_set_rules(s->bot, s->rules);
}

static void defaults(struct scene *s)
{
    memset(s, 0, sizeof *s);
    option_defaults(&show_section, &s->config);
}

static void close_show(struct scene *s)
{
    chatbot_close(&s->bot);
    requests_close(&s->requests);
    rules_close(&s->rules);
    assert_null(s->rules);
    rules_close(&s->rules);
}

static const char *say(struct scene *s, const char *user, unsigned roles, const char *text, double now_s)
{
    struct chat_line line = {.origin = CHAT_IRC,
                             .user = user,
                             .roles = roles,
                             .text = text,
                             .bytes = strlen(text),
                             .message_id = text};
    chatbot_line(s->bot, &line, now_s, s->reply);
    return s->reply;
}

static const struct person *login_only(const char *login)
{
    static struct person who;
    text_copy(who.login, sizeof who.login, login);
    return &who;
}

static void has(const char *reply, const char *part)
{
    if (!strstr(reply, part))
        fail_msg("\"%s\" does not say \"%s\"", reply, part);
}

static struct request turn(struct scene *s, double now_s)
{
    struct request now;
    requests_turn(s->requests, now_s, &now);
    requests_list(s->requests, &now, NULL, 0);
    return now;
}

static void test_moderators(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    snprintf(s.config.moderators, sizeof s.config.moderators, "@Zoe, mick;%s", " pat");
    open_show(&s);
    static const char *const commands[] = {"!hold",  "!pause",     "!resume",
                                           "!clear", "!ban troll", "!unban troll"};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        has(say(&s, "ann", CHAT_VIP | CHAT_SUBSCRIBER, commands[i], 0), "for moderators");
        assert_null(strstr(say(&s, "ann", CHAT_MODERATOR, commands[i], 0), "for moderators"));
        assert_null(strstr(say(&s, "ann", CHAT_BROADCASTER, commands[i], 0), "for moderators"));
        assert_null(strstr(say(&s, "zoe", 0, commands[i], 0), "for moderators"));
        assert_null(strstr(say(&s, "PAT", 0, commands[i], 0), "for moderators"));
    }
    close_show(&s);
}

static void test_bans(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    open_show(&s);
    say(&s, "troll", 0, "goldfish", 0);
    assert_int_equal(turn(&s, 0).synset[0], 1);
    say(&s, "troll", 0, "pizza", 1);
    has(say(&s, "mod", CHAT_MODERATOR, "!ban @Troll", 2), "gone too");
    has(say(&s, "mod", CHAT_MODERATOR, "!ban troll", 2), "already");
    assert_int_equal(requests_list(s.requests, NULL, NULL, 0), 0);
    assert_string_equal(say(&s, "troll", 0, "volcano", 3), "");
    assert_string_equal(say(&s, "troll", 0, "!queue", 3), "");
    assert_int_equal(turn(&s, 4).id, 0); /* what was on is gone */
    has(say(&s, "mod", CHAT_MODERATOR, "!unban TROLL", 5), "Welcome back");
    has(say(&s, "mod", CHAT_MODERATOR, "!unban TROLL", 5), "never banned");
    has(say(&s, "troll", 0, "volcano", 6), "volcano");
    has(say(&s, "mod", CHAT_MODERATOR, "!ban", 6), "!ban USER");

    char user[32];
    for (int i = 0; i < RULES_BANS_MAX; i++) {
        snprintf(user, sizeof user, "user%d", i);
        assert_int_equal(rules_ban(s.rules, user), 0);
    }
    assert_int_equal(rules_ban(s.rules, "one more"), -ENOSPC);
    assert_int_equal(rules_unban(s.rules, "user0"), 0);
    assert_true(is_banned(s.rules, "USER1023"));
    assert_false(is_banned(s.rules, "user0"));
    close_show(&s);
}

static void test_pause_and_clear(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    open_show(&s);
    say(&s, "ann", 0, "goldfish", 0);
    turn(&s, 0);
    say(&s, "bob", 0, "pizza", 1);
    say(&s, "mod", CHAT_MODERATOR, "!pause", 2);
    assert_true(rules_is_paused(s.rules));
    assert_null(strstr(say(&s, "eve", 0, "volcano", 3), "volcano"));
    assert_true(s.reply[0]);
    has(say(&s, "mod", CHAT_MODERATOR, "volcano", 3), "volcano");
    assert_int_equal(requests_list(s.requests, NULL, NULL, 0), 2);
    has(say(&s, "mod", CHAT_MODERATOR, "!clear", 4), "2 wishes");
    say(&s, "mod", CHAT_MODERATOR, "!resume", 5);
    has(say(&s, "eve", 0, "volcano", 6), "volcano");
    has(say(&s, "mod", CHAT_MODERATOR, "!clear", 7), "One wish");
    close_show(&s);
}

static void test_votes(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    open_show(&s);
    say(&s, "u0", 0, "goldfish", 0);
    turn(&s, 0);
    for (int i = 1; i < 10; i++) { /* ten are here: five votes */
        char user[8];
        snprintf(user, sizeof user, "u%d", i);
        assert_string_equal(say(&s, user, 0, "hello there", 1), "");
    }
    has(say(&s, "u1", 0, "!skip", 2), "1 of 5");
    has(say(&s, "U1", 0, "!skip", 2), "1 of 5"); /* one a viewer */
    has(say(&s, "u2", 0, "!skip", 2), "2 of 5");
    has(say(&s, "u3", 0, "!skip", 2), "3 of 5");
    assert_int_equal(turn(&s, 3).id, 1);
    has(say(&s, "u4", 0, "!skip", 4), "4 of 5");
    has(say(&s, "u5", 0, "!skip", 4), "5 of 5");
    assert_int_equal(turn(&s, 5).id, 0);
    has(say(&s, "u6", 0, "!skip", 6), "1 of 5");    /* another turn, another vote */
    has(say(&s, "u1", 0, "!skip", 1000), "2 of 3"); /* the others are no longer here: the least counts */
    has(say(&s, "mod", CHAT_MODERATOR, "!skip", 1001), "Next");
    close_show(&s);

    defaults(&s);
    s.config.vote_share = 0;
    open_show(&s);
    turn(&s, 0);
    has(say(&s, "u1", 0, "!skip", 2), "moderators");
    close_show(&s);
}

static void test_cooldown(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    s.config.cooldown_s = 30;
    open_show(&s);
    has(say(&s, "ann", 0, "goldfish", 0), "goldfish");
    turn(&s, 0);
    has(say(&s, "ann", 0, "pizza", 10), "in 20 s");
    has(say(&s, "bob", 0, "pizza", 10), "pizza");
    has(say(&s, "ann", 0, "volcano", 30), "volcano");
    say(&s, "mod", CHAT_MODERATOR, "volcano", 31);
    has(say(&s, "mod", CHAT_MODERATOR, "pizza", 32), "pizza");
    has(say(&s, "ann", 0, "!queue", 33), "waiting"); /* questions are free */
    close_show(&s);
}

static void test_hold_command(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    open_show(&s);
    say(&s, "ann", 0, "goldfish", 0);
    turn(&s, 0);
    say(&s, "bob", 0, "pizza", 1);
    has(say(&s, "mod", CHAT_MODERATOR, "!hold 200", 2), "200 s");
    assert_int_equal(turn(&s, 201).synset[0], 1);
    assert_int_equal(turn(&s, 202).id, 2);
    has(say(&s, "mod", CHAT_MODERATOR, "!hold forever", 203), "from 1 to");
    has(say(&s, "mod", CHAT_MODERATOR, "!hold 99999999999999999999", 203), "from 1 to");
    close_show(&s);
}

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

/* Whoever talks in between, a cooldown stays and nobody votes twice. */
static void test_many_chatters(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    s.config.cooldown_s = 600;
    s.config.vote_min = 3;
    open_show(&s);
    int needed;
    rules_heard(s.rules, login_only("eve"), 0);
    rules_wished(s.rules, "eve", 0);
    assert_int_equal(rules_vote(s.rules, "eve", 1, 0, &needed), 1);
    for (int i = 0; i < 120000; i++) {
        char login[32];
        snprintf(login, sizeof login, "chatter%d", i);
        rules_heard(s.rules, login_only(login), 1 + i * 1e-4);
    }
    assert_true(rules_cooldown_s(s.rules, "eve", 14) > 580);
    assert_int_equal(rules_vote(s.rules, "eve", 1, 14, &needed), 1);
    assert_true(needed > 1000);
    assert_int_equal(rules_vote(s.rules, "chatter119999", 1, 14, &needed), 2);
    rules_heard(s.rules, login_only("ann"), 5000); /* all others have fallen silent */
    assert_int_equal(rules_vote(s.rules, "ann", 2, 5000, &needed), 1);
    assert_int_equal(needed, 3);
    close_show(&s);
}

static bool forbids(struct rules *rules, const char *wish)
{
    struct synsets_known all;
    struct synsets_result r;
    memset(&all, true, sizeof all);
    synsets_resolve(wish, strlen(wish), &all, &r);
    return rules_forbids_wish(rules, wish, &r);
}

/* What moderators forbid and allow while the show is on, and the file read again. */
static void test_words_change(void **state)
{
    (void)state;
    struct scene s;
    struct error e;
    defaults(&s);
    char path[] = "/tmp/reverie-test-XXXXXX";
    write_file(path, "grumpf\n");
    snprintf(s.config.banned_file, sizeof s.config.banned_file, "%s", path);
    open_show(&s);
    unsigned version = rules_version(s.rules);
    assert_true(forbids(s.rules, "GRUMPFS"));
    assert_true(rules_forbids_name(s.rules, "xXgrumpfXx"));
    assert_int_equal(rules_forbid(s.rules, "spider"), 0);
    assert_int_equal(rules_forbid(s.rules, "spider"), -EEXIST);
    assert_true(forbids(s.rules, "tarantula"));
    assert_true(rules_version(s.rules) != version);
    assert_int_equal(rules_allow(s.rules, "grumpf"), 0);
    assert_false(forbids(s.rules, "grumpf"));

    FILE *f = fopen(path, "w");
    fputs("wobble*\n@trudy\n", f);
    fclose(f);
    assert_int_equal(rules_reload(s.rules, &e), 0);
    assert_true(forbids(s.rules, "wobbler"));
    assert_true(is_banned(s.rules, "trudy"));
    assert_true(forbids(s.rules, "tarantula")); /* what moderators said stays */

    f = fopen(path, "w");
    fputs("**\n", f);
    fclose(f);
    assert_int_equal(rules_reload(s.rules, &e), -EINVAL);
    assert_non_null(strstr(e.text, ":1: "));
    assert_true(forbids(s.rules, "wobbler")); /* all as it was */

    assert_true(forbids(s.rules, "tarantula + goldfish"));
    assert_false(forbids(s.rules, "goldfish"));
    close_show(&s);
    unlink(path);
}

static void test_banned_file(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    char path[] = "/tmp/reverie-test-XXXXXX";
    write_file(path, "# not here\n\nspider\nGuillotine\ngrumpf\n@mallory\n  night night  \n");
    snprintf(s.config.banned_file, sizeof s.config.banned_file, "%s", path);
    open_show(&s);
    static const char *const refused[] = {"tarantula",
                                          "spider",
                                          "guillotine",
                                          "!dream Grumpf goldfish",
                                          "!dream night, night!",
                                          "!dream goldfish + spider"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        say(&s, "ann", 0, refused[i], 0);
        assert_true(s.reply[0]);
        assert_null(strstr(s.reply, "on your screen"));
    }
    assert_int_equal(requests_list(s.requests, NULL, NULL, 0), 0);
    has(say(&s, "ann", 0, "goldfish", 0), "goldfish");
    assert_string_equal(say(&s, "Mallory", 0, "goldfish", 0), "");
    has(say(&s, "grumpf", 0, "pizza", 0), "pizza"); /* heard, but the screen does not show that name */
    struct request next[2];
    assert_int_equal(requests_list(s.requests, NULL, next, 2), 2);
    assert_string_equal(next[1].user, "somebody");
    struct synsets_known left = {{true}};
    memset(&left, true, sizeof left);
    assert_true(rules_restrict(s.rules, &left) < SYNSET_COUNT - 6);
    for (int i = 0; i < 3000; i++) /* no daydream either */
        assert_true(left.known[turn(&s, 200 + 30 * i).synset[0]]);
    close_show(&s);
    unlink(path);

    struct error e;
    struct rules *h;
    assert_int_equal(rules_open(&h, &s.config, &e), -ENOENT);
    assert_null(h);
    assert_non_null(strstr(e.text, path));

    assert_int_equal(mkfifo(path, 0600), 0); /* nobody waits for who might write into it */
    assert_int_equal(rules_open(&h, &s.config, &e), -EINVAL);
    unlink(path);
    FILE *f = fopen(path, "w"); /* a NUL hides nothing of a line that is too long */
    fputs("ok\nok", f);
    fputc('\0', f);
    fprintf(f, "%0300d\n", 1);
    fclose(f);
    assert_int_equal(rules_open(&h, &s.config, &e), -EINVAL);
    assert_non_null(strstr(e.text, ":2: "));
    unlink(path);
}

static void test_deleted_lines(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    open_show(&s);
    say(&s, "ann", 0, "goldfish", 0);
    turn(&s, 0);
    say(&s, "bob", 0, "pizza", 1);
    say(&s, "eve", 0, "volcano", 1);
    chatbot_delete(s.bot, "pizza"); /* the id that `say` gives it */
    chatbot_delete(s.bot, "");
    chatbot_delete(s.bot, NULL);
    assert_int_equal(requests_list(s.requests, NULL, NULL, 0), 1);
    chatbot_clear_user(s.bot, "ANN");
    assert_string_equal(turn(&s, 2).user, "eve");
    chatbot_clear_user(s.bot, NULL);
    assert_int_equal(turn(&s, 3).id, 0);
    close_show(&s);
}

static void test_lottery(void **state)
{
    (void)state;
    struct scene s;
    defaults(&s);
    s.config.order = SHOW_LOTTERY;
    open_show(&s);
    say(&s, "ann", 0, "goldfish", 0);
    turn(&s, 0);
    has(say(&s, "bob", 0, "pizza", 1), "pizza");
    has(s.reply, "1");
    has(s.reply, "in about 62 s");
    close_show(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moderators),      cmocka_unit_test(test_bans),
        cmocka_unit_test(test_pause_and_clear), cmocka_unit_test(test_votes),
        cmocka_unit_test(test_cooldown),        cmocka_unit_test(test_hold_command),
        cmocka_unit_test(test_banned_file),     cmocka_unit_test(test_words_change),
        cmocka_unit_test(test_many_chatters),   cmocka_unit_test(test_deleted_lines),
        cmocka_unit_test(test_lottery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
