/*
 * How the bot behaves in a channel as its settings say, and what it does for people there.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "tests/chatbot/scene.h"
#include "tests/show/banned.h"

static void open_show(const struct chatbot_manners *m)
{
    const struct chatbot_manners manners = {.prefix = "", .ignore = "", .words_link = "", .reward = ""};
    open_scene("mybot", m ? m : &manners);
}

static const char *hear(struct chat_line line, const char *user, const char *text, double now_s)
{
    line.origin = CHAT_IRC;
    line.user = user;
    line.text = text;
    line.bytes = strlen(text);
    chatbot_ask(s.bot, &line, now_s, s.reply, &s.outcome);
    return s.reply;
}

static const char *say(const char *user, unsigned roles, const char *text, double now_s)
{
    return hear((struct chat_line){.roles = roles}, user, text, now_s);
}

static void has(const char *reply, const char *part)
{
    if (!strstr(reply, part))
        fail_msg("\"%s\" does not say \"%s\"", reply, part);
}

static void turn(double now_s)
{
    struct request now;
    requests_turn(s.requests, now_s, &now);
}

static void another_prefix_leaves_the_old_one_to_others(void **state)
{
    (void)state;
    const struct chatbot_manners m = {
        .prefix = "?", .ignore = "skip", .words_link = "https://words.example/", .reward = ""};
    open_show(&m);
    assert_string_equal(say("ann", 0, "!dream goldfish", 0), "");
    assert_string_equal(say("ann", 0, "!goldfish", 0), "");
    has(say("ann", 0, "?dream goldfish", 0), "goldfish");
    has(say("ann", 0, "?help", 0), "?dream");
    assert_null(strstr(s.reply, "!dream"));
    assert_string_equal(say("ann", 0, "?skip", 0), ""); /* switched off by chat.ignore */
    has(say("ann", 0, "?words", 0), "https://words.example/");
}

static void the_bot_is_as_quiet_as_it_is_told(void **state)
{
    (void)state;
    static const struct {
        enum chat_replies replies;
        bool bare, command, moderator;
    } cases[] = {{CHAT_REPLIES_ALL, true, true, true},
                 {CHAT_REPLIES_ADDRESSED, false, true, true},
                 {CHAT_REPLIES_MODERATORS, false, false, true},
                 {CHAT_REPLIES_NONE, false, false, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct chatbot_manners m = {
            .prefix = "!", .ignore = "", .words_link = "", .reward = "", .replies = cases[i].replies};
        set_up_scene(NULL);
        open_show(&m);
        assert_int_equal(*say("ann", 0, "goldfish", 0) != '\0', cases[i].bare);
        assert_int_equal(s.outcome.result, CHAT_TAKEN); /* quiet, not deaf */
        assert_int_equal(*say("ben", 0, "!dream pizza", 0) != '\0', cases[i].command);
        assert_int_equal(*say("moda", CHAT_MODERATOR, "!queue", 0) != '\0', cases[i].moderator);
        if (i + 1 < ARRAY_LEN(cases))
            close_scene(NULL);
    }
}

static void wishes_may_cost_points_or_bits(void **state)
{
    (void)state;
    const struct chatbot_manners m = {
        .prefix = "!", .ignore = "", .words_link = "", .reward = "rew-1", .bits_min = 100};
    open_show(&m);
    assert_string_equal(say("ann", 0, "goldfish", 0), "");
    assert_int_equal(s.outcome.result, CHAT_UNPAID);
    has(say("ann", 0, "!dream goldfish", 0), "eward");
    hear((struct chat_line){.reward = "rew-2"}, "ann", "goldfish", 0);
    assert_int_equal(s.outcome.result, CHAT_UNPAID);
    has(hear((struct chat_line){.reward = "rew-1"}, "ann", "my goldfish", 0), "goldfish");
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    hear((struct chat_line){.bits = 99}, "ben", "pizza", 0);
    assert_int_equal(s.outcome.result, CHAT_UNPAID);
    hear((struct chat_line){.bits = 100}, "ben", "pizza", 0);
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    say("moda", CHAT_MODERATOR, "lion", 0);
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
}

static void a_new_name_is_the_same_person(void **state)
{
    (void)state;
    struct person who;
    s.config.cooldown_s = 100;
    s.config.vote_min = 2;
    open_show(NULL);
    const struct chat_line troll = {.user_id = "4242", .display_name = "Troll"};
    hear(troll, "troll", "goldfish", 0);
    turn(0);
    hear(troll, "troll_2", "pizza", 10);
    assert_int_equal(s.outcome.result, CHAT_COOLDOWN);
    has(hear(troll, "troll", "!skip", 11), "1 of 2");
    has(hear(troll, "troll_3", "!skip", 12), "1 of 2");
    assert_true(rules_find(s.rules, "TROLL_3", &who));
    has(say("moda", CHAT_MODERATOR, "!ban troll", 13), "listen to @Troll");
    assert_string_equal(hear(troll, "troll_4", "!queue", 14), "");
    has(say("moda", CHAT_MODERATOR, "!unban troll", 15), "Welcome back");
    assert_string_not_equal(hear(troll, "troll_4", "!queue", 16), "");
}

static void bans_end(void **state)
{
    (void)state;
    open_show(NULL);
    assert_int_equal(rules_ban_until(s.rules, "ann", (int64_t)time(NULL) - 1), 0);
    assert_false(is_banned(s.rules, "ann"));
    assert_int_equal(rules_ban_until(s.rules, "ann", (int64_t)time(NULL) + 60), 0);
    assert_true(is_banned(s.rules, "ann"));
    has(say("moda", CHAT_MODERATOR, "!ban ann forever", 0), "minutes");
    has(say("moda", CHAT_MODERATOR, "!ban ben 5", 0), "heard nobody");
    has(s.reply, "5 min");
    assert_null(strstr(s.reply, "ben"));
}

static void a_thing_rests_and_subscribers_are_favoured(void **state)
{
    (void)state;
    s.config.repeat_s = 600;
    s.config.favour_subscribers = true;
    s.config.queue_max = 3;
    open_show(NULL);
    say("ann", 0, "goldfish", 0);
    turn(0);
    say("ben", 0, "pizza", 1);
    turn(61);
    has(say("cid", 0, "goldfish", 62), "in about 10 min");
    assert_int_equal(s.outcome.result, CHAT_COOLDOWN);
    say("moda", CHAT_MODERATOR, "goldfish", 62);
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    has(say("moda", CHAT_MODERATOR, "!last", 63), "goldfish (@ann)");
    say("dan", 0, "lion", 63);
    say("eva", 0, "tench", 63);
    has(say("fay", 0, "mushroom", 63), "3 wishes");
    say("pam", CHAT_BROADCASTER, "volcano", 64); /* always fits */
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
    has(say("moda", CHAT_MODERATOR, "!remove 3", 65), "tench (@eva)");
    has(say("moda", CHAT_MODERATOR, "!remove pam", 65), "volcano (@pam)");
    say("sue", CHAT_SUBSCRIBER, "mushroom", 66);
    has(say("gil", 0, "!queue", 67), "1. goldfish (@moda), 2. mushroom (@sue), 3. lion (@dan)");
    say("moda", CHAT_MODERATOR, "!remove sue", 68);
    say("ron", 0, "!random", 69);
    assert_int_equal(s.outcome.result, CHAT_TAKEN);
}

static void viewers_are_told_when_theirs_is_on(void **state)
{
    (void)state;
    char text[CHAT_REPLY_BYTES];
    const struct chatbot_manners m = {
        .prefix = "!", .ignore = "", .words_link = "", .reward = "", .tell_when_on = true};
    open_show(&m);
    say("ann", 0, "goldfish", 0);
    turn(0);
    assert_false(chatbot_notice(s.bot, text));
    chatbot_shown(s.bot, 1);
    chatbot_shown(s.bot, 99);
    assert_true(chatbot_notice(s.bot, text));
    assert_string_equal(text, "@ann, yours is on now: goldfish.");
    assert_false(chatbot_notice(s.bot, text));
}

static void times_are_left_open_for_later(void **state)
{
    (void)state;
    open_show(NULL);
    hear((struct chat_line){.times_later = true}, "ann", "goldfish", 0);
    has(s.reply, "on your screen " CHAT_WHEN);
    assert_null(strstr(s.reply, "in about"));
    assert_true(s.outcome.on_screen_s >= 3);
    assert_string_equal(s.outcome.brief, "@ann goldfish");
    assert_false(s.outcome.urgent);
    say("moda", CHAT_MODERATOR, "!skip", 1);
    assert_true(s.outcome.urgent);
}

static void what_is_forbidden_goes_at_once(void **state)
{
    (void)state;
    struct request next;
    char path[] = "/tmp/reverie-banned-XXXXXX";
    struct error e = {""};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    text_copy(s.config.banned_file, sizeof s.config.banned_file, path);
    open_show(NULL);
    say("ann", 0, "goldfish", 0);
    turn(0);
    say("ben", 0, "lion", 1);
    say("snakefan", 0, "pizza", 1);
    say("moda", CHAT_MODERATOR, "!forbid lion", 2);
    say("moda", CHAT_MODERATOR, "!forbid *snakef*", 2);
    assert_int_equal(requests_list(s.requests, NULL, &next, 1), 1);
    assert_string_equal(next.user, REQUEST_SOMEBODY);
    assert_int_equal(write(fd, "pizza\n", 6), 6);
    close(fd);
    assert_int_equal(chatbot_reload(s.bot, &e), 0);
    assert_int_equal(requests_list(s.requests, NULL, NULL, 0), 0);
    say("ann", 0, "!dream pizza", 3);
    assert_int_equal(s.outcome.result, CHAT_FORBIDDEN);
    unlink(path);
    assert_true(chatbot_reload(s.bot, &e) < 0);
    say("ann", 0, "!dream pizza", 4);
    assert_int_equal(s.outcome.result, CHAT_FORBIDDEN);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up_scene, close_scene)
    const struct CMUnitTest tests[] = {
        CASE(another_prefix_leaves_the_old_one_to_others),
        CASE(the_bot_is_as_quiet_as_it_is_told),
        CASE(wishes_may_cost_points_or_bits),
        CASE(a_new_name_is_the_same_person),
        CASE(bans_end),
        CASE(a_thing_rests_and_subscribers_are_favoured),
        CASE(viewers_are_told_when_theirs_is_on),
        CASE(times_are_left_open_for_later),
        CASE(what_is_forbidden_goes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
