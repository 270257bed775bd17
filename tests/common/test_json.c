/*
 * JSON: what is written is read again as it was, whatever bytes the texts held; what is no JSON, or more than a reader
 * wants to know, is refused with its place; a reader that asks for the wrong thing gets nothing.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/rng.h"

static struct json *parse(const char *text)
{
    struct json *j;
    struct error e = {""};
    if (json_parse(&j, text, strlen(text), &e))
        fail_msg("%s: %s", text, e.text);
    return j;
}

static void writes_one_line(void **state)
{
    (void)state;
    struct json *j = json_new_object(), *list = json_new_list();
    json_put_text(j, "t", "q\" b\\ \x01 tab\t \xff ü 🍕");
    json_put_whole(j, "n", -42);
    json_add_text(list, "a");
    json_add_text(list, "b\"c</script>");
    json_put(j, "l", list);
    json_put(j, "none", json_new_list());
    char *line = json_print(j, 0);
    assert_string_equal(
        line, "{\"t\":\"q\\\" b\\\\ tab ü 🍕\",\"n\":-42,\"l\":[\"a\",\"b\\\"c</script>\"],\"none\":[]}\n");
    json_close(&j);
    assert_null(j);
    json_close(&j);

    j = parse(line);
    int64_t n;
    assert_string_equal(json_text(json_member(j, "t")), "q\" b\\ tab ü 🍕");
    assert_true(json_whole(json_member(j, "n"), &n) && n == -42);
    assert_int_equal(json_count(json_member(j, "l")), 2);
    assert_string_equal(json_text(json_item(json_member(j, "l"), 1)), "b\"c</script>");
    assert_int_equal(json_count(json_member(j, "none")), 0);
    char *again = json_print(j, 0);
    assert_string_equal(again, line);
    free(again);
    free(line);
    json_close(&j);
}

static void writes_figures_as_told(void **state)
{
    (void)state;
    struct json *j = json_new_object();
    json_put_real(j, "a", 0.1234567, 3);
    json_put_real(j, "b", 5, 1);
    json_put_real(j, "c", -1234567.005, 2);
    json_put_real(j, "nan", NAN, 2);
    json_put_real(j, "inf", -INFINITY, 2);
    json_put_whole(j, "least", INT64_MIN);
    json_put_whole(j, "most", INT64_MAX);
    char *line = json_print(j, 0);
    assert_string_equal(line, "{\"a\":0.123,\"b\":5.0,\"c\":-1234567.0,\"nan\":null,\"inf\":null,"
                              "\"least\":-9223372036854775808,\"most\":9223372036854775807}\n");
    free(line);
    json_put_whole(j, "a", 1); /* instead of the other */
    char *pages = json_print(j, 2);
    assert_non_null(strstr(pages, "{\n  \"a\": 1,\n  \"b\": 5.0,\n"));
    free(pages);
    json_close(&j);
}

static void reads_escapes(void **state)
{
    (void)state;
    struct json *j = parse(" { \"a\" : \"\\u00fc\\n\\u20ac\\ud83c\\udf55\" } ");
    assert_string_equal(json_text(json_member(j, "a")), "ü\n€🍕");
    json_close(&j);
}

static void wrong_questions_get_nothing(void **state)
{
    (void)state;
    struct json *j = parse("{\"t\":\"x\",\"r\":1.0,\"b\":true,\"o\":{},\"l\":[1],\"z\":null}");
    static const char *const keys[] = {"t", "r", "b", "o", "l", "z", "missing"};
    int64_t n = 7;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct json *m = json_member(j, keys[i]);
        assert_true((json_text(m) != NULL) == (i == 0));
        assert_false(json_whole(m, &n));
        assert_int_equal(json_count(m), i == 4);
        assert_null(json_item(m, i == 4));
        assert_null(json_item(m, -1));
        assert_null(json_member(m, "x"));
    }
    assert_int_equal(n, 7);
    assert_null(json_text(NULL));
    json_close(&j);
}

static void refused(const char *text, size_t bytes)
{
    struct json *j = (struct json *)&j;
    struct error e = {""};
    if (json_parse(&j, text, bytes, &e) != -EINVAL)
        fail_msg("%.40s is read", text);
    assert_null(j);
    assert_true(e.text[0]);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const rubbish[] = {"",
                                          "x",
                                          "{",
                                          "{}x",
                                          "{\"a\"}",
                                          "{\"a\":}",
                                          "{\"a\":1",
                                          "{\"a\":1,}",
                                          "{,}",
                                          "{\"a\":\"",
                                          "{\"a\":\"\\",
                                          "{\"a\":\"\\u00",
                                          "[\"b\"",
                                          "[\"b\",]",
                                          "[\"\\ud800\"]",
                                          "[\"\\u0000\"]",
                                          "{\"\\u0000\":1}",
                                          "[99999999999999999999]",
                                          "[01]",
                                          "[1e999]",
                                          "[\"\xff\"]",
                                          "[\"\xc0\xaf\"]",
                                          "[\"\xed\xa0\x80\"]",
                                          "['a']",
                                          "[NaN]",
                                          "[\"\n\"]",
                                          "{\"a\":1,\"a\":2}",
                                          "{\"o\":{\"a\":1,\"a\":1}}",
                                          "[1] [2]",
                                          "\xef\xbb\xbf[]"};
    for (size_t i = 0; i < ARRAY_LEN(rubbish); i++)
        refused(rubbish[i], strlen(rubbish[i]));
    refused("[]\0[]", 5);
}

static void bounds_hold(void **state)
{
    (void)state;
    char *text = xmalloc(JSON_BYTES_MAX + 1);
    struct json *j;
    memset(text, ' ', JSON_BYTES_MAX + 1);
    memcpy(text, "[]", 2);
    assert_int_equal(json_parse(&j, text, JSON_BYTES_MAX, NULL), 0);
    json_close(&j);
    refused(text, JSON_BYTES_MAX + 1);
    memset(text, '[', JSON_BYTES_MAX); /* depth */
    refused(text, JSON_BYTES_MAX);
    for (int i = 0; i < JSON_BYTES_MAX; i++)
        text[i] = "{\"a\":"[i % 5];
    refused(text, JSON_BYTES_MAX);
    free(text);
}

/* Damaged lines: read or refused, never beyond their ends (each is as large as it is, for AddressSanitizer). */
static void damaged_lines_are_survived(void **state)
{
    (void)state;
    static const char good[] =
        "{\"wish\":[\"n01443537\",\"n09472597\"],\"id\":12,\"user\":\"Ann \\u00fc\",\"login\":\"\"}";
    struct rng rng = rng_make(1, 1);
    int read = 0;
    for (int i = 0; i < 20000; i++) {
        size_t length = i % 4 ? sizeof good - 1 : rng_below(&rng, sizeof good);
        char *line = xmalloc(length + (length == 0));
        memcpy(line, good, length);
        for (uint32_t k = rng_below(&rng, 3); k > 0 && length > 0; k--)
            line[rng_below(&rng, (uint32_t)length)] = (char)rng_below(&rng, 256);
        struct json *j;
        int rc = json_parse(&j, line, length, NULL);
        assert_true(rc == 0 || rc == -EINVAL);
        for (int k = 0; rc == 0 && k < json_count(json_member(j, "wish")); k++)
            assert_true(json_text(json_item(json_member(j, "wish"), k)) || true);
        read += rc == 0;
        json_close(&j);
        free(line);
    }
    assert_true(read > 1000);
}

/* Whatever bytes a text holds, the line is JSON, is one line, and is no way out of the quotes. */
static void foreign_texts_stay_inside(void **state)
{
    (void)state;
    struct rng rng = rng_make(2, 1);
    for (int i = 0; i < 5000; i++) {
        char text[64];
        size_t length = rng_below(&rng, sizeof text);
        for (size_t k = 0; k < length; k++)
            text[k] = rng_below(&rng, 3) ? "\"\\{}[]:,/u\n\xe2\x80\xa8"[rng_below(&rng, 14)]
                                         : (char)(1 + rng_below(&rng, 255));
        text[length] = '\0';
        struct json *j = json_new_object();
        json_put_text(j, "text", text);
        json_put_whole(j, "end", 1);
        char *line = json_print(j, 0);
        json_close(&j);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        j = parse(line);
        int64_t end = 0;
        assert_non_null(json_text(json_member(j, "text")));
        assert_true(json_whole(json_member(j, "end"), &end) && end == 1);
        json_close(&j);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_one_line),
        cmocka_unit_test(writes_figures_as_told),
        cmocka_unit_test(reads_escapes),
        cmocka_unit_test(wrong_questions_get_nothing),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(damaged_lines_are_survived),
        cmocka_unit_test(foreign_texts_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
