/*
 * Targets taken apart: what names a page, and what names nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "web/target.h"

static void test_paths(void **state)
{
    (void)state;
    struct target t;
    static const char *const bad[] = {
        "",       "x",        "//a",      "/a//b",     "/..",        "/a/../b",   "/%61",     "/a%00",
        "/a\\b",  "/a b",     "/<",       "http://h/", "*",          "/\xc3\xa4", "/a?x=%zz", "/a?x=%0",
        "/a?x=%", "/a?x=%00", "/a?x=%0a", "/a?x=%ff",  "/a?x=1&x=2", "/a?%00=1",  "/a?x=%c3"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (target_parse(bad[i], &t))
            fail_msg("%s is taken", bad[i]);
        assert_string_equal(t.path, "");
    }
    assert_true(target_parse("/", &t));
    assert_string_equal(t.path, "/");
    assert_true(target_parse("/history/12.jpg?", &t));
    assert_string_equal(t.path, "/history/12.jpg");
    assert_int_equal(t.count, 0);
}

static void test_values(void **state)
{
    (void)state;
    struct target t;
    assert_true(target_parse("/a?q=king%20penguin+x&&limit=8&empty=&bare&u=%C3%A4", &t));
    assert_string_equal(target_value(&t, "q"), "king penguin x");
    assert_string_equal(target_value(&t, "limit"), "8");
    assert_string_equal(target_value(&t, "empty"), "");
    assert_string_equal(target_value(&t, "bare"), "");
    assert_string_equal(target_value(&t, "u"), "\xc3\xa4");
    assert_null(target_value(&t, "none"));
}

static void test_bounds(void **state)
{
    (void)state;
    struct target t;
    char text[4096] = "/a?x=";
    memset(text + 5, 'y', TARGET_VALUE_BYTES - 1);
    text[5 + TARGET_VALUE_BYTES - 1] = '\0';
    assert_true(target_parse(text, &t));
    strcat(text, "y");
    assert_false(target_parse(text, &t));
    memset(text, 'a', TARGET_PATH_BYTES);
    text[0] = '/';
    text[TARGET_PATH_BYTES] = '\0';
    assert_false(target_parse(text, &t));
    text[TARGET_PATH_BYTES - 1] = '\0';
    assert_true(target_parse(text, &t));
    strcpy(text, "/a?");
    for (int i = 0; i < TARGET_VALUES_MAX; i++)
        sprintf(text + strlen(text), "k%d=1&", i);
    assert_true(target_parse(text, &t));
    strcat(text, "last=1");
    assert_false(target_parse(text, &t));
}

static void test_numbers(void **state)
{
    (void)state;
    struct target t;
    int64_t n;
    assert_true(target_parse("/a?x=7&y=-1&z=7x&w=99999999999999999999&v=%207&u=", &t));
    assert_true(target_number(&t, "x", 1, 8, 3, &n));
    assert_int_equal(n, 7);
    assert_true(target_number(&t, "none", 1, 8, 3, &n));
    assert_int_equal(n, 3);
    assert_false(target_number(&t, "x", 1, 6, 3, &n));
    assert_false(target_number(&t, "y", 0, 8, 3, &n));
    assert_true(target_number(&t, "y", -1, 8, 3, &n));
    static const char *const none[] = {"z", "w", "v", "u"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_false(target_number(&t, none[i], INT64_MIN, INT64_MAX, 3, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
