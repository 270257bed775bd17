/*
 * !output and !clip: who may say them, what is answered, and that what was typed is never repeated.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "chatbot/chatbot.h"

static struct {
    struct show_config config;
    struct synsets_known known;
    struct requests *requests;
    struct chatbot *bot;
    char reply[CHAT_REPLY_BYTES];
    bool twitch;
    int clip_rc, clips;
} s;

static int turn(void *context, const char **name, bool on)
{
    (void)context;
    if (strcasecmp(*name, "twitch") != 0)
        return -ENOENT;
    *name = "twitch";
    if (s.twitch == on)
        return -EALREADY;
    s.twitch = on;
    return 0;
}

static const char *get(void *context, int i, bool *on)
{
    static const char *const names[] = {"record", "twitch"};
    (void)context;
    *on = i == 0 || s.twitch;
    return i < 2 ? names[i] : NULL;
}

static int clip(void *context)
{
    (void)context;
    s.clips += s.clip_rc == 0;
    return s.clip_rc;
}

static int setup(void **state)
{
    (void)state;
    memset(&s, 0, sizeof s);
    option_defaults(&show_section, &s.config);
    for (int i = 0; i < SYNSET_COUNT; i++)
        s.known.known[i] = true;
    assert_int_equal(requests_open(&s.requests, &s.config, &s.known, 1, NULL), 0);
    return chatbot_open(&s.bot, s.requests, &s.known, 1, 3);
}

static void with_outputs(void)
{
    chatbot_set_outputs(s.bot, &(struct chatbot_outputs){turn, get, clip, NULL});
}

static int teardown(void **state)
{
    (void)state;
    chatbot_close(&s.bot);
    requests_close(&s.requests);
    return 0;
}

static const char *say(unsigned roles, const char *text)
{
    const struct chat_line line = {
        .origin = CHAT_IRC, .user = "moda", .roles = roles, .text = text, .bytes = strlen(text)};
    chatbot_line(s.bot, &line, 0, s.reply);
    return s.reply;
}

static void has(const char *reply, const char *part)
{
    if (!strstr(reply, part))
        fail_msg("\"%s\" does not say \"%s\"", reply, part);
}

static void moderators_switch(void **state)
{
    (void)state;
    with_outputs();
    has(say(CHAT_MODERATOR, "!output"), "record (on), twitch (off)");
    has(say(CHAT_MODERATOR, "!output TWITCH on"), "twitch begins");
    assert_true(s.twitch);
    has(say(CHAT_MODERATOR, "!output twitch ON"), "twitch is on already");
    has(say(CHAT_BROADCASTER, "!output twitch off"), "twitch comes to its end");
    assert_false(s.twitch);
}

static void viewers_do_not(void **state)
{
    (void)state;
    with_outputs();
    has(say(0, "!output twitch on"), "for moderators");
    has(say(CHAT_VIP | CHAT_SUBSCRIBER, "!clip"), "for moderators");
    assert_false(s.twitch);
    assert_int_equal(s.clips, 0);
}

static void nonsense_is_answered_and_not_repeated(void **state)
{
    (void)state;
    with_outputs();
    has(say(CHAT_MODERATOR, "!output badword on"), "Not there. I go to: record (on), twitch (off)");
    assert_null(strstr(s.reply, "badword"));
    has(say(CHAT_MODERATOR, "!output twitch badword"), "!output NAME on");
    assert_null(strstr(s.reply, "badword"));
    has(say(CHAT_MODERATOR, "!output twitch"), "!output NAME on");
    has(say(CHAT_MODERATOR, "!output a b c"), "Say it like this");
}

static void clips(void **state)
{
    (void)state;
    with_outputs();
    has(say(CHAT_MODERATOR, "!clip"), "Kept");
    assert_int_equal(s.clips, 1);
    s.clip_rc = -EBUSY;
    has(say(CHAT_MODERATOR, "!clip"), "just now");
    s.clip_rc = -ENOENT;
    has(say(CHAT_MODERATOR, "!clip"), "output clip on");
    s.clip_rc = -ENOTCONN;
    has(say(CHAT_MODERATOR, "!clip"), "nothing to keep");
}

static void a_bot_without_outputs(void **state)
{
    (void)state;
    has(say(CHAT_MODERATOR, "!output"), "nowhere");
    has(say(CHAT_MODERATOR, "!output twitch on"), "nowhere");
    has(say(CHAT_MODERATOR, "!clip"), "remember nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(moderators_switch, setup, teardown),
        cmocka_unit_test_setup_teardown(viewers_do_not, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_answered_and_not_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(clips, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bot_without_outputs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
