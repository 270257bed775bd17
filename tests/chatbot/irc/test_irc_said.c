/*
 * What is left of a line without the chat's own marks, and how a room is set.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "chatbot/irc/event.h"
#include "chatbot/irc/modes.h"
#include "common/mem.h"

static struct irc_event ev;

static void read_event(const char *line)
{
    struct irc_parsed p;
    assert_int_equal(irc_parse((struct irc_span){line, strlen(line)}, &p), 0);
    irc_event_read(&p, &ev);
}

static void emotes_cheers_and_reply_names_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *tags, *text, *said;
    } cases[] = {
        {"emotes=25:5-9", "lion Kappa", "lion"},
        {"emotes=25:0-4", "Kappa lion", "lion"},
        {"emotes=25:0-4,11-15/1902:17-21", "Kappa lion Kappa Keepo", "lion"},
        {"emotes=emotesv2_a1b2:0-4", "Kappa lion", "lion"},
        {"emotes=25:2-6", "\xf0\x9f\xa6\x81 Kappa", "\xf0\x9f\xa6\x81"}, /* counted in characters */
        {"emotes=25:0-4", "\1ACTION Kappa lion\1", "lion"},
        {"emotes=25:0-4", "Kappa", ""},
        {"emotes=25:900-4,-1-2,x/:/25:", "lion", "lion"},
        {"emotes=", "lion Kappa", "lion Kappa"},
        {"bits=100", "cheer100 lion", "lion"},
        {"bits=100", "lion PogChamp100", "lion"},
        {"x=1", "lion Cheer100", "lion"},
        {"x=1", "mp3 lion", "mp3 lion"},
        {"reply-parent-msg-id=a;reply-parent-user-login=ann", "@Ann goldfish", "goldfish"},
        {"reply-parent-user-login=ann", "@Ann !dream goldfish", "!dream goldfish"},
        {"x=1", "@Ann goldfish", "@Ann goldfish"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[256];
        snprintf(line, sizeof line, "@%s :b!u@h PRIVMSG #c :%s", cases[i].tags, cases[i].text);
        read_event(line);
        assert_string_equal(ev.message.said, cases[i].said);
        assert_int_equal(ev.message.said_bytes, strlen(cases[i].said));
    }
}

static void announcements_and_rewards_are_heard(void **state)
{
    (void)state;
    read_event("@badges=moderator/1;display-name=Mod;login=mod;msg-id=announcement;room-id=7;user-id=9 "
               ":tmi.twitch.tv USERNOTICE #c :goldfish");
    assert_int_equal(ev.kind, IRC_EV_TEXT);
    assert_string_equal(ev.message.user, "mod");
    assert_string_equal(ev.message.display_name, "Mod");
    assert_int_equal(ev.message.roles, IRC_MODERATOR);
    assert_string_equal(ev.message.said, "goldfish");
    read_event("@login=ann;msg-id=resub :tmi.twitch.tv USERNOTICE #c"); /* without a text */
    assert_int_equal(ev.kind, IRC_EV_IGNORED);
    read_event(
        "@login=ann;msg-id=sharedchatnotice;room-id=7;source-room-id=8 :tmi.twitch.tv USERNOTICE #c :x");
    assert_int_equal(ev.kind, IRC_EV_FOREIGN);
    read_event("@bits=150;custom-reward-id=92af-1;reply-parent-user-login=bot :b!u@h PRIVMSG #c :@bot lion");
    assert_string_equal(ev.message.reward, "92af-1");
    assert_string_equal(ev.message.reply_to, "bot");
    assert_int_equal(ev.message.bits, 150);
    read_event(":b!u@h PRIVMSG #c :lion");
    assert_string_equal(ev.message.reward, "");
    assert_string_equal(ev.message.reply_to, "");
    assert_int_equal(ev.message.bits, 0);
}

static void rooms_are_obeyed_and_told_once(void **state)
{
    (void)state;
    struct irc_modes m = {.slow_s = 0};
    char advice[IRC_ADVICE_BYTES];
    read_event("@emote-only=0;slow=120 :tmi.twitch.tv ROOMSTATE #c");
    irc_modes_take(&m, &ev, advice);
    assert_non_null(strstr(advice, "120 s"));
    assert_non_null(strstr(advice, "/mod"));
    assert_true(irc_modes_gap_s(&m) == 120);
    read_event("@followers-only=10 :tmi.twitch.tv ROOMSTATE #c"); /* others stay as they are */
    irc_modes_take(&m, &ev, advice);
    assert_string_equal(advice, "");
    assert_true(irc_modes_gap_s(&m) == 120);
    read_event("@badges=moderator/1;mod=1 :tmi.twitch.tv USERSTATE #c");
    irc_modes_take(&m, &ev, advice);
    assert_true(irc_modes_gap_s(&m) == 0);
    read_event("@badges=;mod=0 :tmi.twitch.tv USERSTATE #c");
    irc_modes_take(&m, &ev, advice);
    read_event("@emote-only=1;slow=0 :tmi.twitch.tv ROOMSTATE #c");
    irc_modes_take(&m, &ev, advice);
    assert_non_null(strstr(advice, "emotes"));
    assert_true(irc_modes_mute(&m) && irc_modes_gap_s(&m) == 0);
}

static void refusals_pause_and_are_told_once(void **state)
{
    (void)state;
    static const struct {
        const char *id, *advice;
        double pause_s;
    } cases[] = {
        {"msg_followersonly", "follow", 30},
        {"msg_subsonly", "subscribers", 30},
        {"msg_emoteonly", "emotes", 30},
        {"msg_requires_verified_phone_number", "phone", 30},
        {"msg_rejected_mandatory", "AutoMod", 0},
        {"msg_timedout", "timed out", 60},
        {"msg_banned", "/unban", 60},
        {"msg_channel_suspended", "suspended", 60},
        {"msg_ratelimit", "too often", 30},
        {"msg_r9k", "repeat", 0},
    };
    struct irc_modes m = {.slow_s = 0};
    char advice[IRC_ADVICE_BYTES], line[256];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(line, sizeof line, "@msg-id=%s :tmi.twitch.tv NOTICE #c :No.", cases[i].id);
        read_event(line);
        assert_true(irc_modes_refused(&m, &ev, 30, advice) == cases[i].pause_s);
        assert_non_null(strstr(advice, cases[i].advice));
        assert_true(irc_modes_refused(&m, &ev, 30, advice) == cases[i].pause_s);
        assert_string_equal(advice, "");
    }
    read_event(
        "@msg-id=msg_slowmode :tmi.twitch.tv NOTICE #c :You will be able to talk again in 12 seconds.");
    assert_true(irc_modes_refused(&m, &ev, 30, advice) == 12);
    assert_non_null(strstr(advice, "slow mode"));
    assert_true(irc_modes_gap_s(&m) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emotes_cheers_and_reply_names_are_cut),
        cmocka_unit_test(announcements_and_rewards_are_heard),
        cmocka_unit_test(rooms_are_obeyed_and_told_once),
        cmocka_unit_test(refusals_pause_and_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
