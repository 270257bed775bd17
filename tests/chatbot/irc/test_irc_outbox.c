/*
 * Replies under a server's limits, on a clock that the test holds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chatbot/irc/outbox.h"
#include "chatbot/irc/tuning.h"
#include "common/rng.h"
#include "common/text.h"

static struct irc_outbox box;
enum { LINES_MAX = 4096 };
static struct {
    int64_t at_us;
    char text[IRC_OUT_BYTES];
} said[LINES_MAX];
static int said_count;

static int setup(void **state)
{
    (void)state;
    irc_outbox_init(&box, &irc_tuning_default.limits);
    said_count = 0;
    return 0;
}

static bool push(const char *text)
{
    struct irc_reply reply = {.when_us = 0};
    text_copy(reply.text, sizeof reply.text, text);
    return irc_outbox_push(&box, &reply, "", 0);
}

/* Pops everything that may go until `end_us`, as the chat thread would. */
static void run_until(int64_t end_us)
{
    for (;;) {
        int64_t due = irc_outbox_due_us(&box);
        int64_t last = said_count ? said[said_count - 1].at_us : 0;
        int64_t now = due > last ? due : last;
        if (due == INT64_MAX || now > end_us)
            return;
        struct irc_out out;
        size_t n = irc_outbox_pop(&box, now, &out);
        text_copy(said[said_count].text, sizeof said[0].text, out.text);
        assert_true(n > 0 && n == strlen(said[said_count].text));
        said[said_count++].at_us = now;
    }
}

static int chars(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* The server's rules, checked on what was said. */
static void assert_limits(void)
{
    for (int i = 0; i < said_count; i++) {
        assert_true(chars(said[i].text) <= 500 && strlen(said[i].text) < IRC_OUT_BYTES);
        assert_null(strpbrk(said[i].text, "\r\n"));
        int in_window = 0;
        for (int j = 0; j <= i; j++) {
            if (said[j].at_us <= said[i].at_us - 30000000)
                continue;
            in_window++;
            if (j < i)
                assert_string_not_equal(said[j].text, said[i].text);
        }
        assert_true(in_window <= 18);
        if (i > 0)
            assert_true(said[i].at_us - said[i - 1].at_us >= 1100000);
    }
}

static bool was_said(const char *text)
{
    for (int i = 0; i < said_count; i++)
        if (strstr(said[i].text, text))
            return true;
    return false;
}

static void twenty_five_at_once_are_all_heard(void **state)
{
    (void)state;
    char text[64];
    for (int i = 0; i < 25; i++) {
        snprintf(text, sizeof text, "@viewer%02d goldfish it is", i);
        assert_true(push(text));
    }
    run_until(60000000);
    assert_limits();
    for (int i = 0; i < 25; i++) {
        snprintf(text, sizeof text, "@viewer%02d goldfish it is", i);
        assert_true(was_said(text));
    }
    assert_true(said[said_count - 1].at_us < 10000000);
    assert_true(box.merged > 0 && box.dropped == 0);
}

static void the_same_text_is_varied_within_a_window(void **state)
{
    (void)state;
    int64_t now = 0;
    struct irc_out out;
    for (int i = 0; i < 3; i++, now += 2000000) {
        push("hello");
        push("hello"); /* waits already */
        assert_true(irc_outbox_pop(&box, now, &out) > 0);
        assert_string_equal(out.text, i == 0 ? "hello" : i == 1 ? "hello (2)" : "hello (3)");
        assert_int_equal(box.waiting, 0);
    }
    push("hello");
    assert_true(irc_outbox_pop(&box, 31000000, &out) > 0);
    assert_string_equal(out.text, "hello");
}

static void long_text_is_cut_on_a_character(void **state)
{
    (void)state;
    char text[4001];
    struct irc_out out;
    memset(text, 'x', 600);
    text[600] = '\0';
    push(text);
    assert_int_equal(irc_outbox_pop(&box, 0, &out), 500);
    push(text);
    irc_outbox_pop(&box, 2000000, &out);
    assert_true(strlen(out.text) <= 500 && strstr(out.text, "x (2)"));

    text[0] = '\0';
    for (int i = 0; i < 1000; i++)
        strcat(text, "\xf0\x9f\x98\x80");
    push(text);
    assert_int_equal(irc_outbox_pop(&box, 4000000, &out), IRC_REPLY_BYTES - 1);
}

static void no_text_becomes_a_command(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"a\r\nQUIT :x", "a QUIT :x"}, {"/ban bob", "- /ban bob"}, {".ban bob", "- .ban bob"},
                 {"x\1y\1\x03z", "xyz"},        {"\r\nPRIVMSG", "PRIVMSG"}, {"  /me", "- /me"}};
    struct irc_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        push(cases[i].in);
        irc_outbox_pop(&box, (int64_t)i * 2000000, &out);
        assert_string_equal(out.text, cases[i].out);
    }
    push("\r\n \x01");
    assert_int_equal(box.waiting, 0);
}

static void a_pause_holds_everything(void **state)
{
    (void)state;
    struct irc_out out;
    push("now");
    irc_outbox_pause(&box, 5000000);
    irc_outbox_pause(&box, 1000000);
    assert_int_equal(irc_outbox_due_us(&box), 5000000);
    assert_int_equal(irc_outbox_pop(&box, 4999999, &out), 0);
    assert_int_equal(irc_outbox_pop(&box, 5000000, &out), 3);
}

static void a_full_queue_gives_up_the_oldest_and_says_so(void **state)
{
    (void)state;
    char text[512];
    for (int i = 0; i < IRC_OUT_WAITING_MAX + 8; i++) {
        memset(text, 'a' + i % 26, 480);
        snprintf(text + 480, 16, "%d", i);
        bool kept = push(text);
        assert_int_equal(kept, i < IRC_OUT_WAITING_MAX);
    }
    assert_int_equal(box.waiting, IRC_OUT_WAITING_MAX);
    assert_int_equal(box.dropped, 8);
    run_until(200000000);
    assert_int_equal(said[0].text[0], 'a' + 8); /* the oldest went, and the first line says so */
    assert_non_null(strstr(said[0].text, "(+8 more heard)"));
    assert_limits();
}

static void random_loads_keep_the_limits(void **state)
{
    (void)state;
    struct rng rng = rng_make(7, 2);
    int64_t now = 0;
    char text[700];
    while (said_count < 2000) {
        now += (int64_t)rng_below(&rng, 3000000);
        for (uint32_t n = rng_below(&rng, 6); n > 0; n--) {
            size_t bytes = rng_below(&rng, 12) ? rng_below(&rng, 60) : rng_below(&rng, 699);
            for (size_t i = 0; i < bytes; i++)
                text[i] = (char)(1 + rng_below(&rng, rng_below(&rng, 2) ? 255 : 4));
            text[bytes] = '\0';
            push(text);
        }
        run_until(now);
        if (said_count && said[said_count - 1].at_us > now)
            now = said[said_count - 1].at_us;
    }
    assert_limits();
}

static void urgent_lines_go_first_and_alone_and_have_room(void **state)
{
    (void)state;
    struct irc_reply urgent = {.urgent = true, .text = "one"};
    for (int i = 0; i < 60; i++) {
        char text[500];
        memset(text, 'a' + i % 26, 480);
        snprintf(text + 480, 16, "%d", i);
        push(text);
    }
    run_until(18000000); /* as much as the window takes */
    assert_int_equal(said_count, 14);
    irc_outbox_push(&box, &urgent, "", 18000000);
    strcpy(urgent.text, "two");
    irc_outbox_push(&box, &urgent, "", 18000000);
    run_until(20000000);
    assert_int_equal(said_count, 16);
    assert_string_equal(said[14].text, "one");
    assert_string_equal(said[15].text, "two");
    assert_true(said[15].at_us < 20000000);
    run_until(120000000);
    assert_limits();
}

static void times_are_those_of_the_sending(void **state)
{
    (void)state;
    struct irc_out out;
    struct irc_reply reply = {.text = "@ann Noted: tench, on your screen " IRC_WHEN ".", .when_us = 24000000};
    irc_outbox_push(&box, &reply, "", 0);
    irc_outbox_pause(&box, 9000000);
    assert_true(irc_outbox_pop(&box, 9000000, &out) > 0);
    assert_string_equal(out.text, "@ann Noted: tench, on your screen in about 15 s.");
    reply.when_us = 1000000;
    irc_outbox_push(&box, &reply, "", 9000000);
    irc_outbox_pop(&box, 12000000, &out);
    assert_string_equal(out.text, "@ann Noted: tench, on your screen by now.");
}

static void late_replies_become_one(void **state)
{
    (void)state;
    struct irc_reply reply = {.when_us = 90000000};
    for (int i = 0; i < 3; i++) {
        snprintf(reply.text, sizeof reply.text, "@v%d Noted: tench, on your screen " IRC_WHEN, i);
        snprintf(reply.brief, sizeof reply.brief, "@v%d tench", i);
        irc_outbox_push(&box, &reply, "id-1", i);
    }
    push("a line that is never late");
    irc_outbox_pause(&box, 11000000);
    run_until(20000000);
    assert_string_equal(said[0].text, "Heard: @v0 tench, @v1 tench, @v2 tench");
    assert_string_equal(said[1].text, "a line that is never late");
    assert_int_equal(said_count, 2);
}

static void a_lone_reply_goes_into_the_thread_without_the_name(void **state)
{
    (void)state;
    struct irc_out out;
    struct irc_reply reply = {.text = "@ann Noted: tench"};
    irc_outbox_push(&box, &reply, "id-1", 0);
    irc_outbox_pop(&box, 0, &out);
    assert_string_equal(out.parent, "id-1");
    assert_string_equal(out.text, "Noted: tench");
    for (int i = 0; i < 6; i++) {
        snprintf(reply.text, sizeof reply.text, "@v%d Noted", i);
        irc_outbox_push(&box, &reply, "id-2", 0);
    }
    irc_outbox_pop(&box, 2000000, &out);
    assert_string_equal(out.parent, "");
    assert_string_equal(out.text, "@v0 Noted | @v1 Noted | @v2 Noted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(twenty_five_at_once_are_all_heard, setup),
        cmocka_unit_test_setup(the_same_text_is_varied_within_a_window, setup),
        cmocka_unit_test_setup(long_text_is_cut_on_a_character, setup),
        cmocka_unit_test_setup(no_text_becomes_a_command, setup),
        cmocka_unit_test_setup(a_pause_holds_everything, setup),
        cmocka_unit_test_setup(a_full_queue_gives_up_the_oldest_and_says_so, setup),
        cmocka_unit_test_setup(urgent_lines_go_first_and_alone_and_have_room, setup),
        cmocka_unit_test_setup(times_are_those_of_the_sending, setup),
        cmocka_unit_test_setup(late_replies_become_one, setup),
        cmocka_unit_test_setup(a_lone_reply_goes_into_the_thread_without_the_name, setup),
        cmocka_unit_test_setup(random_loads_keep_the_limits, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
