/*
 * Lines from an IRC server: cutting them out of a stream, taking them apart, writing them again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "common/rng.h"
#include "tests/chatbot/irc/irc_invariants.h"

enum { FUZZ_LINES = 100000 };

static struct irc_span span(const char *s)
{
    return (struct irc_span){s, strlen(s)};
}

static struct irc_parsed parsed(const char *line)
{
    struct irc_parsed p;
    assert_int_equal(irc_parse(span(line), &p), 0);
    return p;
}

static void assert_span(struct irc_span s, const char *expected)
{
    assert_int_equal(s.bytes, strlen(expected));
    assert_memory_equal(s.start, expected, s.bytes);
}

static struct irc_splitter splitter;

/* The lines of `data` fed in pieces, joined by '|'. */
static const char *split(const char *data, size_t bytes, size_t piece)
{
    static char all[4096];
    size_t n = 0;
    irc_splitter_init(&splitter);
    for (size_t at = 0, take; at < bytes; at += take) {
        size_t room;
        char *space = irc_splitter_space(&splitter, &room);
        take = bytes - at < piece ? bytes - at : piece;
        take = take < room ? take : room;
        memcpy(space, data + at, take);
        irc_splitter_added(&splitter, take);
        for (struct irc_span line; irc_splitter_next(&splitter, &line);)
            n += (size_t)snprintf(all + n, sizeof all - n, "%.*s|", (int)line.bytes, line.start);
    }
    all[n] = '\0';
    return all;
}

static void splits_at_any_packet_border(void **state)
{
    (void)state;
    static const char data[] = "one\r\n\r\n\ntwo\nthree\r\r\n\r\nfour\r\nrest";
    for (size_t piece = 1; piece <= sizeof data; piece++)
        assert_string_equal(split(data, sizeof data - 1, piece), "one|two|three|four|");
}

static void a_line_that_is_too_long_is_lost_alone(void **state)
{
    (void)state;
    static char data[3 * IRC_LINE_BYTES];
    memset(data, 'x', sizeof data);
    memcpy(data, "before\n", 7);
    memcpy(data + sizeof data - 8, "\nafter\r\n", 8);
    assert_string_equal(split(data, sizeof data, 1000), "before|after|");
    assert_int_equal(splitter.too_long, 1);
}

static void the_longest_line_passes(void **state)
{
    (void)state;
    static char data[IRC_LINE_BYTES];
    memset(data, 'y', sizeof data);
    data[sizeof data - 1] = '\n';
    irc_splitter_init(&splitter);
    size_t room;
    char *space = irc_splitter_space(&splitter, &room);
    assert_int_equal(room, IRC_LINE_BYTES);
    memcpy(space, data, sizeof data);
    irc_splitter_added(&splitter, sizeof data);
    struct irc_span line;
    assert_true(irc_splitter_next(&splitter, &line));
    assert_int_equal(line.bytes, IRC_LINE_BYTES - 1);
    assert_int_equal(splitter.too_long, 0);
}

static void takes_a_tagged_line_apart(void **state)
{
    (void)state;
    struct irc_parsed p =
        parsed("@badges=vip/1;id=a-b;empty=;flag :nick!user@host PRIVMSG  #chan   :hello : world");
    assert_span(p.source, "nick!user@host");
    assert_span(irc_nick(&p), "nick");
    assert_true(irc_is(&p, "privmsg"));
    assert_false(irc_is(&p, "PRIVMSGS"));
    assert_int_equal(p.param_count, 2);
    assert_span(p.params[0], "#chan");
    assert_span(p.params[1], "hello : world");
    char value[16];
    assert_true(irc_tag(&p, "id", value, sizeof value));
    assert_string_equal(value, "a-b");
    assert_true(irc_tag(&p, "flag", value, sizeof value));
    assert_string_equal(value, "");
    assert_true(irc_tag(&p, "empty", value, sizeof value));
    assert_false(irc_tag(&p, "badge", value, sizeof value));
    assert_false(irc_tag(&p, "mpty", value, sizeof value));
}

static void undoes_tag_escapes(void **state)
{
    (void)state;
    struct irc_parsed p = parsed("@a=x\\sy\\:z\\\\w\\q\\;b=1;b=2;c=\xd0\x96\xd0\x96\xd0\x96;d=tail\\ PING");
    char value[32], small[4];
    irc_tag(&p, "a", value, sizeof value);
    assert_string_equal(value, "x y;z\\wq");
    irc_tag(&p, "b", value, sizeof value);
    assert_string_equal(value, "2");
    irc_tag(&p, "c", small, sizeof small);
    assert_string_equal(small, "\xd0\x96");
    irc_tag(&p, "d", value, sizeof value);
    assert_string_equal(value, "tail");
}

static void knows_numerics_and_refuses_what_is_no_command(void **state)
{
    (void)state;
    struct irc_parsed p = parsed(":tmi.twitch.tv 001 bot :Welcome");
    assert_int_equal(irc_numeric(&p), 1);
    p = parsed("PING :x");
    assert_int_equal(irc_numeric(&p), 0);
    static const char *const bad[] = {"@",  "@a",      ":",        ": ",       " ",         "@a :b",
                                      ":a", "12 x",    "1234 x",   ":a 0x1 c", "@a=b :c  ", "PRIV-MSG #a :b",
                                      "::", "\x01 #a", "PR1VMSG a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(irc_parse(span(bad[i]), &p), -EINVAL);
}

static void the_fifteenth_parameter_takes_the_rest(void **state)
{
    (void)state;
    struct irc_parsed p = parsed("MODE 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
    assert_int_equal(p.param_count, 15);
    assert_span(p.params[14], "15 16 17");
}

static const char *rebuilt(const char *line, size_t bytes)
{
    static char out[IRC_CLEAN_BYTES + 1];
    struct irc_parsed p;
    assert_int_equal(irc_parse((struct irc_span){line, bytes}, &p), 0);
    irc_rebuild(&p, 0x2a, out);
    return out;
}

static void rebuilds_short_and_clean(void **state)
{
    (void)state;
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {"@id=1 :nick!u@h PRIVMSG #c :he\x01llo\x02 \x1b[31mred", ":nick!s2a@b PRIVMSG #c :hello [31mred"},
        {"RECONNECT", ":-!s2a@b RECONNECT :-"},
        {":tmi.twitch.tv RECONNECT", ":tmi.twitch.tv!s2a@b RECONNECT :-"},
        {":n privmsg #c :", ":n!s2a@b PRIVMSG #c :-"},
        {":n CLEARCHAT #c", ":n!s2a@b CLEARCHAT :#c"},
        {":a:b\xc3\xa9!u@h 353 bot = #c :x y", ":a_b__!s2a@b 353 bot = #c :x y"},
        {":n MODE 1 2 3 4 5 6 7 8 9 10 11 12", ":n!s2a@b MODE 1 2 3 4 5 6 7 8 :12"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(rebuilt(cases[i].line, strlen(cases[i].line)), cases[i].expected);
    assert_string_equal(rebuilt(":n PRIVMSG #c :a\0b", 18), ":n!s2a@b PRIVMSG #c :ab");
}

static void cuts_long_text_on_a_character(void **state)
{
    (void)state;
    char line[4096];
    for (int shift = 0; shift < 4; shift++) {
        int n = sprintf(line, ":n!u@h PRIVMSG #c :%.*s", shift, "abc");
        for (int i = 0; i < 500; i++)
            n += sprintf(line + n, "\xf0\x9f\x98\x80");
        const char *out = rebuilt(line, (size_t)n);
        assert_true(strlen(out) <= IRC_CLEAN_BYTES && strlen(out) > IRC_CLEAN_BYTES - 4);
        assert_int_equal(text_line_bytes(out, strlen(out)), strlen(out));
    }
}

static void sequence_numbers_come_back(void **state)
{
    (void)state;
    assert_true(irc_sequence("nick!s2a@b") == 0x2a);
    static const char *const bad[] = {"nick!user@host", "nick", "n!s@b", "n!s2a@bx", "n!s2ag@b", "n!s-1@b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_true(irc_sequence(bad[i]) == 0);
    assert_true(irc_sequence(NULL) == 0);
}

static void assert_text(const char *in, size_t bytes, const char *expected, bool action)
{
    char out[64];
    bool is_action;
    size_t n = irc_text((struct irc_span){in, bytes}, out, sizeof out, &is_action);
    assert_string_equal(out, expected);
    assert_int_equal(n, strlen(expected));
    assert_int_equal(is_action, action);
}

static void chat_text_loses_what_steers_or_hides(void **state)
{
    (void)state;
    static const struct {
        const char *in, *expected;
    } cases[] = {
        {"plain", "plain"},
        {"\x03"
         "04,01red\x03 \x02"
         "bold\x0f \x04"
         "ff0000hex",
         "red bold hex"},
        {"\x03"
         "4,red",
         ",red"},
        {"\x1b[1;31mred\x1b[0m \x1b]0;title", "red ]0;title"},
        {"del\x7f bell\x07", "del bell"},
        {"over\xc0\xafshort \xed\xa0\x80surrogate \xff\xfe", "overshort surrogate"},
        {"rtl\xe2\x80\xae evil \xe2\x81\xa6x\xe2\x81\xa9", "rtl evil x"},
        {"goldfish \xf3\xa0\x80\x80", "goldfish"},
        {"goldfish\xcd\x8f", "goldfish"},
        {"goldfish \xe2\x80\x8d\xe2\x80\x8c", "goldfish"},
        /* A joiner joins emoji; between plain letters it only hides a word from who looks for it. */
        {"a\xe2\x80\x8d"
         "b",
         "ab"},
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"},
        {"\xf0\xa0\x9c\x8e\xef\xb7\xbd", "\xf0\xa0\x9c\x8e\xef\xb7\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_text(cases[i].in, strlen(cases[i].in), cases[i].expected, false);
    assert_text("a\0b", 3, "ab", false);
    char zalgo[256] = "e";
    for (int i = 0; i < 100; i++)
        strcat(zalgo, "\xcc\x81");
    assert_text(zalgo, strlen(zalgo), "e\xcc\x81\xcc\x81\xcc\x81", false);
}

static void actions_are_text_and_other_requests_are_nothing(void **state)
{
    (void)state;
    assert_text("\1ACTION waves\1", 14, "waves", true);
    assert_text("\1ACTION waves", 13, "waves", true);
    assert_text("\1ACTION\1", 8, "", true);
    assert_text("\1ACTIONS\1", 9, "", false);
    assert_text("\1VERSION\1", 9, "", false);
    assert_text("\1DCC SEND x 1 2\1", 16, "", false);
    assert_text("\1", 1, "", false);
    assert_text("", 0, "", false);
}

/* Lines that a server might send, as raw material. */
static const char *const seeds[] = {
    "@badge-info=;badges=broadcaster/1,subscriber/"
    "0;display-name=\xe6\xb0\xb4;emotes=25:0-4;id=9-8;mod=0;room-id=1;"
    "tmi-sent-ts=16;user-id=12 :bob!bob@bob.tmi.twitch.tv PRIVMSG #chan :Kappa goldfish + \xf0\x9f\x8c\x8b",
    ":bob!bob@h PRIVMSG #chan :\x01"
    "ACTION dances\x01",
    "@ban-duration=600;room-id=1 :tmi.twitch.tv CLEARCHAT #chan :bob",
    "@login=bob;target-msg-id=9-8 :tmi.twitch.tv CLEARMSG #chan :Kappa",
    ":tmi.twitch.tv RECONNECT",
    "PING :tmi.twitch.tv",
    ":tmi.twitch.tv CAP * ACK :twitch.tv/tags twitch.tv/commands",
    ":bot.tmi.twitch.tv 353 bot = #chan :bot",
    "@msg-id=msg_duplicate :tmi.twitch.tv NOTICE #chan :no",
    "\x03"
    "04,01\x1b[31m\xe2\x80\xae\xcc\x81\xcc\x81",
};

static size_t mutate(struct rng *rng, char *line, size_t bytes, size_t size)
{
    static const char spice[] = "@:;= \\\r\n\0\x01\x03\x1b\x7f\xff\xc0\xe2\xf0,!";
    for (uint32_t n = rng_below(rng, 8); n > 0; n--) {
        size_t at = rng_below(rng, (uint32_t)bytes + 1);
        uint32_t what = rng_below(rng, 6);
        if (what < 2 && bytes > 0) {
            line[at % bytes] = what ? (char)rng_u64(rng) : spice[rng_below(rng, sizeof spice)];
        } else if (what == 2 && bytes < size) {
            memmove(line + at + 1, line + at, bytes - at);
            line[at] = spice[rng_below(rng, sizeof spice)];
            bytes++;
        } else if (what == 3) {
            bytes = at;
        } else if (what == 4) {
            size_t count = rng_below(rng, 2000);
            count = bytes + count > size ? size - bytes : count;
            memset(line + bytes, spice[rng_below(rng, sizeof spice)], count);
            bytes += count;
        } else {
            const char *seed = seeds[rng_below(rng, sizeof seeds / sizeof *seeds)];
            size_t count = strlen(seed) > size - bytes ? size - bytes : strlen(seed);
            memcpy(line + bytes, seed, count);
            bytes += count;
        }
    }
    return bytes;
}

static void survives_mutated_lines(void **state)
{
    (void)state;
    struct rng rng = rng_make(6, 1);
    static char line[8192];
    irc_splitter_init(&splitter);
    int lines = 0;
    for (int i = 0; i < FUZZ_LINES; i++) {
        const char *seed = seeds[rng_below(&rng, sizeof seeds / sizeof *seeds)];
        memcpy(line, seed, strlen(seed));
        size_t bytes = mutate(&rng, line, strlen(seed), sizeof line - 1);
        line[bytes++] = '\n';
        lines += irc_check_stream(&splitter, line, bytes, 1 + rng_below(&rng, 3000));
    }
    assert_true(lines > FUZZ_LINES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_any_packet_border),
        cmocka_unit_test(a_line_that_is_too_long_is_lost_alone),
        cmocka_unit_test(the_longest_line_passes),
        cmocka_unit_test(takes_a_tagged_line_apart),
        cmocka_unit_test(undoes_tag_escapes),
        cmocka_unit_test(knows_numerics_and_refuses_what_is_no_command),
        cmocka_unit_test(the_fifteenth_parameter_takes_the_rest),
        cmocka_unit_test(rebuilds_short_and_clean),
        cmocka_unit_test(cuts_long_text_on_a_character),
        cmocka_unit_test(sequence_numbers_come_back),
        cmocka_unit_test(chat_text_loses_what_steers_or_hides),
        cmocka_unit_test(actions_are_text_and_other_requests_are_nothing),
        cmocka_unit_test(survives_mutated_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
