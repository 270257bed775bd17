/*
 * The line editor, key by key, and the widths that it counts with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "terminal/prompt.h"
#include "terminal/width.h"

static bool type(struct prompt *p, const char *keys)
{
    bool ended = false;
    for (; *keys; keys++)
        ended = prompt_key(p, *keys);
    return ended;
}

static void test_editing(void **state)
{
    (void)state;
    const struct {
        const char *keys, *text;
    } cases[] = {
        {"goldfish", "goldfish"},
        {"goldfisj\177h", "goldfish"},
        {"lion\033[D\033[D\177a", "laon"},
        {"ion\001l\005s", "lions"},
        {"ion\033[Hl\033[Fs", "lions"},
        {"a lion here\027\027tiger", "a tiger"},
        {"all of it\025new", "new"},
        {"abc\001\013", ""},
        {"abc\033[D\033[D\033[3~", "ac"},
        {"k\xc3\xa4se\177\177\177\177", ""},
        {"k\xc3\xa4\xf0\x9f\x90\x9f\177", "k\xc3\xa4"},
        {"a\001\177\033[Db", "ba"},
        {"a\tb\033[15~\033[1;5Cc\033OPd", "abcd"}, /* keys without a meaning, and tab */
        {"x\xe2\x80\xaey\xc3z\x80w\xff", "xyzw"},  /* turns the text; broken UTF-8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prompt *p = calloc(1, sizeof *p);
        assert_false(type(p, cases[i].keys));
        assert_string_equal(p->text, cases[i].text);
        assert_int_equal(p->bytes, strlen(p->text));
        assert_true(p->cursor <= p->bytes);
        free(p);
    }
}

static void test_lines_are_remembered(void **state)
{
    (void)state;
    struct prompt *p = calloc(1, sizeof *p);
    for (const char *line = "lion\0pizza\0pizza\0"; *line; line += strlen(line) + 1) {
        assert_false(type(p, line));
        assert_true(prompt_key(p, '\r'));
        assert_string_equal(p->text, line);
        prompt_clear(p);
    }
    assert_true(prompt_key(p, '\n')); /* an empty one is not */
    type(p, "\033[A");
    assert_string_equal(p->text, "pizza");
    type(p, "\033[A");
    assert_string_equal(p->text, "lion");
    type(p, "\033[A\033[A\033[B");
    assert_string_equal(p->text, "pizza");
    type(p, "\033[B\033[B");
    assert_string_equal(p->text, "");
    free(p);
}

static void test_anything_may_come(void **state)
{
    (void)state;
    struct prompt *p = calloc(1, sizeof *p);
    for (int i = 0; i < 200000; i++) {
        const char *text;
        int column;
        if (prompt_key(p, (char)(rand() % 3 ? 32 + rand() % 224 : rand() % 256)) && rand() % 4 == 0)
            prompt_clear(p);
        assert_true(p->bytes < sizeof p->text && p->cursor <= p->bytes && p->text[p->bytes] == '\0');
        if (i % 64 == 0) {
            size_t n = prompt_view(p, 20, &text, &column);
            assert_true(column >= 0 && column < 20);
            assert_true(width_of(text, n) < 20 && text + n <= p->text + p->bytes);
        }
    }
    free(p);
}

static void test_widths(void **state)
{
    (void)state;
    const char wide[] = "\xe9\x87\x91\xe9\xad\x9a e\xcc\x81"; /* two wide ones, a blank, e with an accent */
    assert_int_equal(width_of(wide, sizeof wide - 1), 6);
    assert_int_equal(width_cut(wide, sizeof wide - 1, 3), 3); /* the second does not fit */
    assert_int_equal(width_step(wide + 7, 3), 3);             /* the accent stays with its letter */
    assert_int_equal(width_wrap("one two three", 13, 9), 8);
    assert_int_equal(width_wrap("one two", 7, 7), 7);
    assert_int_equal(width_wrap("onetwothree", 11, 4), 4);
    assert_int_equal(width_wrap(wide, 6, 1), 3); /* at least one, wider than there is room */
    assert_true(width_is_proper("a", 1) && width_is_proper(" ", 1) && width_is_proper("\xf0\x9f\x90\x9f", 4));
    assert_false(width_is_proper("\033", 1) || width_is_proper("\xe2\x80\xae", 3) ||
                 width_is_proper("\xff", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_lines_are_remembered),
        cmocka_unit_test(test_anything_may_come),
        cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests_name("prompt", tests, NULL, NULL);
}
