/*
 * What lines from the server mean: sender, roles, text, removals.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "chatbot/irc/event.h"

static struct irc_event ev;

static void read_event(const char *line)
{
    struct irc_parsed p;
    assert_int_equal(irc_parse((struct irc_span){line, strlen(line)}, &p), 0);
    irc_event_read(&p, &ev);
}

static void a_line_of_chat(void **state)
{
    (void)state;
    read_event("@badges=moderator/1,subscriber/12;display-name=Bob\\sB;id=m-1;mod=1;room-id=7;user-id=42 "
               ":bob!bob@bob.tmi.twitch.tv PRIVMSG #chan :  gold\x02"
               "fish ");
    assert_int_equal(ev.kind, IRC_EV_TEXT);
    assert_string_equal(ev.channel, "#chan");
    assert_string_equal(ev.message.user, "bob");
    assert_string_equal(ev.message.display_name, "Bob B");
    assert_string_equal(ev.message.user_id, "42");
    assert_string_equal(ev.message.message_id, "m-1");
    assert_string_equal(ev.message.text, "goldfish");
    assert_int_equal(ev.message.roles, IRC_MODERATOR | IRC_SUBSCRIBER);
    assert_true(irc_event_passes(&ev));
}

static void the_nick_stands_in_for_a_missing_name(void **state)
{
    (void)state;
    static const char *const lines[] = {":bob!u@h PRIVMSG #chan :hi",
                                        "@badges=;display-name= :bob!u@h PRIVMSG #chan :hi",
                                        "@badges;display-name :bob PRIVMSG #chan hi"};
    for (int i = 0; i < 3; i++) {
        read_event(lines[i]);
        assert_string_equal(ev.message.display_name, "bob");
        assert_string_equal(ev.message.text, "hi");
        assert_int_equal(ev.message.roles, 0);
    }
}

static void badges_are_whole_words(void **state)
{
    (void)state;
    read_event("@badges=not-vip/1,vipx/1,broadcasters/1 :b!u@h PRIVMSG #c :x");
    assert_int_equal(ev.message.roles, 0);
    read_event("@badges=broadcaster/1,vip/1 :b!u@h PRIVMSG #c :x");
    assert_int_equal(ev.message.roles, IRC_BROADCASTER | IRC_VIP);
    read_event("@badges=founder/0 :b!u@h PRIVMSG #c :x");
    assert_int_equal(ev.message.roles, IRC_SUBSCRIBER);
}

static void mirrored_lines_are_foreign(void **state)
{
    (void)state;
    read_event("@room-id=7;source-room-id=8;source-id=x :b!u@h PRIVMSG #c :x");
    assert_int_equal(ev.kind, IRC_EV_FOREIGN);
    assert_false(irc_event_passes(&ev));
    read_event("@room-id=7;source-room-id=7 :b!u@h PRIVMSG #c :x");
    assert_int_equal(ev.kind, IRC_EV_TEXT);
}

static void removals(void **state)
{
    (void)state;
    read_event("@ban-duration=10 :tmi.twitch.tv CLEARCHAT #c :bob");
    assert_int_equal(ev.kind, IRC_EV_CLEAR_USER);
    assert_string_equal(ev.target, "bob");
    read_event(":tmi.twitch.tv CLEARCHAT #c");
    assert_int_equal(ev.kind, IRC_EV_CLEAR_USER);
    assert_string_equal(ev.target, "");
    read_event("@login=bob;target-msg-id=m-1 :tmi.twitch.tv CLEARMSG #c :text");
    assert_int_equal(ev.kind, IRC_EV_DELETE);
    assert_string_equal(ev.target, "bob");
    assert_string_equal(ev.id, "m-1");
    read_event("@login=bob :tmi.twitch.tv CLEARMSG #c :text");
    assert_int_equal(ev.kind, IRC_EV_IGNORED);
}

static void commands_without_parameters_are_harmless(void **state)
{
    (void)state;
    static const char *const lines[] = {"PRIVMSG", ":x PRIVMSG #c", "NOTICE *",    "KICK #c",
                                        "JOIN",    "CAP *",         ":a CLEARCHAT"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        read_event(lines[i]);
        assert_int_equal(ev.kind, IRC_EV_IGNORED);
    }
    read_event(":tmi.twitch.tv RECONNECT");
    assert_int_equal(ev.kind, IRC_EV_RECONNECT);
    read_event("PING");
    assert_int_equal(ev.kind, IRC_EV_PING);
    read_event("001");
    assert_int_equal(ev.kind, IRC_EV_NUMERIC);
    assert_string_equal(ev.message.text, "");
    read_event(":s ERROR :Closing Link");
    assert_int_equal(ev.kind, IRC_EV_ERROR);
    assert_string_equal(ev.message.text, "Closing Link");
}

static void nothing_stays_from_the_line_before(void **state)
{
    (void)state;
    read_event("@badges=vip/1;id=m-1;user-id=4;display-name=B :b!u@h PRIVMSG #c :\x01"
               "ACTION x\x01");
    assert_true(ev.message.is_action);
    read_event("PING");
    assert_string_equal(ev.message.text, "");
    assert_string_equal(ev.message.user, "");
    assert_string_equal(ev.message.display_name, "");
    assert_string_equal(ev.message.user_id, "");
    assert_string_equal(ev.message.message_id, "");
    assert_string_equal(ev.channel, "");
    assert_int_equal(ev.message.roles, 0);
    assert_false(ev.message.is_action);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_chat),
        cmocka_unit_test(the_nick_stands_in_for_a_missing_name),
        cmocka_unit_test(badges_are_whole_words),
        cmocka_unit_test(mirrored_lines_are_foreign),
        cmocka_unit_test(removals),
        cmocka_unit_test(commands_without_parameters_are_harmless),
        cmocka_unit_test(nothing_stays_from_the_line_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
