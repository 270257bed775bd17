/*
 * Every type of option: what it takes, what it refuses and in which words, and that printing
 * and reading agree.
 */
#include "tests/config/fixture.h"

#include <stdio.h>

#include "common/rng.h"

enum { ZOOM, HOLD, MIRROR, CURVE, SIZE };
enum { FOLDER, TITLE, KEY, BUDGET };

static void defaults_fill_every_field(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_true(f.camera.zoom == 1.05);
    assert_int_equal(f.camera.hold_s, 60);
    assert_false(f.camera.mirror);
    assert_int_equal(f.camera.curve, 1);
    assert_int_equal(f.camera.size.width_px, 640);
    assert_int_equal(f.camera.size.height_px, 360);
    assert_string_equal(f.sink.folder, "recordings");
    assert_string_equal(f.sink.title, "");
    assert_string_equal(f.sink.key, "");
    assert_int_equal(f.sink.budget_mb, 0);
}

static void takes(struct fixture *f, const struct option *o, void *where, const char *text,
                  const char *printed)
{
    (void)f;
    char out[OPTION_PRINT_BYTES];
    struct error e = {""};
    if (option_parse(o, where, text, &e) != 0)
        fail_msg("%s refused \"%s\": %s", o->name, text, e.text);
    assert_string_equal(option_print(o, where, out, sizeof out), printed);
}

static void refuses(struct fixture *f, const struct option *o, void *where, const char *text,
                    const char *because)
{
    struct fixture before = *f;
    struct error e = {""};
    if (option_parse(o, where, text, &e) != -22)
        fail_msg("%s took \"%s\"", o->name, text);
    assert_has(e.text, because);
    assert_memory_equal(&before, f, sizeof before);
    assert_int_equal(option_parse(o, where, text, NULL), -22);
}

static void numbers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    const struct option *o = camera_rows;
    takes(&f, &o[ZOOM], &f.camera, "1", "1");
    takes(&f, &o[ZOOM], &f.camera, "1.5", "1.5");
    takes(&f, &o[ZOOM], &f.camera, "1.1e0", "1.1");
    takes(&f, &o[ZOOM], &f.camera, "1.0471975511965976", "1.0471975511965976");
    takes(&f, &o[HOLD], &f.camera, "1", "1");
    takes(&f, &o[HOLD], &f.camera, "3600", "3600");
    takes(&f, &o[HOLD], &f.camera, "+42", "42");
    takes(&f, &sink_rows[BUDGET], &f.sink, "9007199254740993", "9007199254740993");

    static const char *const bad_float[] = {"",    " ",    "1.6",   "0.99",  "nan", "inf",  "1e999",
                                            "1,2", "1.2x", "0x1p0", "--1",   "1 ",  " 1",   "-",
                                            "e",   ".",    "fast",  "1.2.3", "1-1", "1e0e0"};
    for (size_t i = 0; i < ARRAY_LEN(bad_float); i++)
        refuses(&f, &o[ZOOM], &f.camera, bad_float[i], "number from 1 to 1.5 per second");
    static const char *const bad_int[] = {
        "", "0", "3601", "-1", "1.0", "1e2", "0x10", "12 ", "5-3", "5+", "9999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad_int); i++)
        refuses(&f, &o[HOLD], &f.camera, bad_int[i], "whole number from 1 to 3600 s");
    refuses(&f, &sink_rows[BUDGET], &f.sink, "-1", "whole number of at least 0 MB");
    refuses(&f, &o[HOLD], &f.camera, "soon", "\"soon\" is not valid");
}

static void spans(void **state)
{
    (void)state;
    static const struct option o = {
        .name = "length_s", .type = OPTION_TYPE_SPAN, .min = 0.04, .max = 86400, .unit = "s"};
    static const struct {
        const char *text, *printed; /* printed NULL: refused */
    } cases[] = {{"90", "90"},        {"90s", "90"},     {"1m", "60"},       {"1.5m", "90"},
                 {"2h", "7200"},      {"1:30", "90"},    {"1:30.5", "90.5"}, {"0:01", "1"},
                 {"1:02:03", "3723"}, {"90:00", "5400"}, {"0.04", "0.04"},   {"24h", "86400"},
                 {"", NULL},          {"s", NULL},       {":", NULL},        {"1:", NULL},
                 {":30", NULL},       {"1:60", NULL},    {"1.5:00", NULL},   {"1:30m", NULL},
                 {"1mm", NULL},       {"1:2:3:4", NULL}, {"1m30s", NULL},    {"1 m", NULL},
                 {"1d", NULL},        {"-1m", NULL},     {"1e3", NULL},      {"0.01", NULL},
                 {"25h", NULL},       {"0", NULL},       {"1..5", NULL},     {"999999999h", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = 7;
        char out[OPTION_PRINT_BYTES];
        struct error e = {""};
        int rc = option_parse(&o, &value, cases[i].text, &e);
        if (rc != (cases[i].printed ? 0 : -22))
            fail_msg("\"%s\": %d %s", cases[i].text, rc, e.text);
        if (cases[i].printed)
            assert_string_equal(option_print(&o, &value, out, sizeof out), cases[i].printed);
        else
            assert_has(e.text, "expected time like 90s, 1.5m, 2h or 1:30 from 0.04 to 86400 s");
        assert_true(cases[i].printed || value == 7);
    }
}

static void words(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    const struct option *o = camera_rows;
    takes(&f, &o[MIRROR], &f.camera, "true", "true");
    takes(&f, &o[MIRROR], &f.camera, "off", "false");
    takes(&f, &o[MIRROR], &f.camera, "yes", "true");
    refuses(&f, &o[MIRROR], &f.camera, "1", "true or false");
    refuses(&f, &o[MIRROR], &f.camera, "", "true or false");
    takes(&f, &o[CURVE], &f.camera, "linear", "linear");
    takes(&f, &o[CURVE], &f.camera, "steep", "steep");
    refuses(&f, &o[CURVE], &f.camera, "smoth", "one of linear, smooth, steep; did you mean smooth?");
    refuses(&f, &o[CURVE], &f.camera, "", "one of linear");
    refuses(&f, &o[CURVE], &f.camera, "1", "one of linear");
}

static void sizes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    const struct option *o = &camera_rows[SIZE];
    takes(&f, o, &f.camera, "64x64", "64x64");
    takes(&f, o, &f.camera, "3840x2160", "3840x2160");
    takes(&f, o, &f.camera, "641x361", "641x361");
    static const char *const bad[] = {
        "",          "640",      "640x",     "x360",     "640x360x1",
        "640 x 360", "640*360",  "63x360",   "640x3841", "0x0",
        "-640x360",  "640x-360", "640x360 ", "640X360",  "99999999999999999999x64",
        "6.4e2x64"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refuses(&f, o, &f.camera, bad[i], "WIDTHxHEIGHT, each side from 64 to 3840 px");
}

static void strings(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    const struct option *o = &sink_rows[TITLE];
    takes(&f, o, &f.sink, "", "\"\"");
    takes(&f, o, &f.sink, "plain/word.mp4", "plain/word.mp4");
    takes(&f, o, &f.sink, "yes", "\"yes\"");
    takes(&f, o, &f.sink, "Null", "\"Null\"");
    takes(&f, o, &f.sink, "1", "\"1\"");
    takes(&f, o, &f.sink, "a: b # c", "\"a: b # c\"");
    takes(&f, o, &f.sink, "say \"hi\" \\ there", "\"say \\\"hi\\\" \\\\ there\"");
    takes(&f, o, &f.sink, "Gr\xc3\xbc\xc3\x9f dich", "\"Gr\xc3\xbc\xc3\x9f dich\"");

    char longest[OPTION_STRING_BYTES + 1], printed[OPTION_PRINT_BYTES];
    memset(longest, '"', sizeof longest);
    longest[OPTION_STRING_BYTES] = '\0';
    refuses(&f, o, &f.sink, longest, "the text has 512 bytes; at most 511 fit");
    longest[OPTION_STRING_BYTES - 1] = '\0';
    assert_int_equal(option_parse(o, &f.sink, longest, NULL), 0);
    assert_int_equal(strlen(option_print(o, &f.sink, printed, sizeof printed)), 2 * 511 + 2);

    static const char *const bad[] = {"a\nb",     "\x1b[2J",       "\x7f",     "\xff",        "\xc3",
                                      "\xc0\x80", "a\xed\xa0\x80", "\xc2\x85", "\xe2\x80\xa8"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refuses(&f, o, &f.sink, bad[i], "at byte");
}

static void secrets_are_never_shown(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    const struct option *o = &sink_rows[KEY];
    takes(&f, o, &f.sink, "live_123456", "\"***\"");
    assert_string_equal(f.sink.key, "live_123456");
    takes(&f, o, &f.sink, "", "\"\"");
    struct error e = {""};
    assert_int_equal(option_parse(o, &f.sink, "live_123456\n", &e), -22);
    assert_has(e.text, "the secret");
    assert_lacks(e.text, "live_123456");
}

static void long_values_are_quoted_short(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    char value[4096];
    memset(value, 'z', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    struct error e = {""};
    assert_int_equal(option_parse(&camera_rows[ZOOM], &f.camera, value, &e), -22);
    assert_has(e.text, "zzz...\" is not valid; expected number from 1 to 1.5");
}

/* Whatever number is stored, its printed form reads back as the same bits. */
static void printed_numbers_read_back(void **state)
{
    (void)state;
    struct camera_config c = {0};
    struct rng r = rng_make(1, 2);
    for (int i = 0; i < 20000; i++) {
        double value = 1.0 + 0.5 * (double)(rng_u64(&r) >> 11) * 0x1p-53;
        char out[OPTION_PRINT_BYTES];
        c.zoom = value;
        option_print(&camera_rows[ZOOM], &c, out, sizeof out);
        c.zoom = 0;
        assert_int_equal(option_parse(&camera_rows[ZOOM], &c, out, NULL), 0);
        assert_memory_equal(&c.zoom, &value, sizeof value);
    }
}

static void small_buffers_hold(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    strcpy(f.sink.title, "\"\"\"\"\"\"");
    for (size_t size = 1; size < 24; size++) {
        char out[25];
        memset(out, 0x77, sizeof out);
        option_print(&sink_rows[TITLE], &f.sink, out, size);
        assert_true(strlen(out) < size);
        option_expected(&camera_rows[CURVE], out, size);
        assert_true(strlen(out) < size);
        assert_int_equal(out[size], 0x77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_every_field),
        cmocka_unit_test(numbers),
        cmocka_unit_test(spans),
        cmocka_unit_test(words),
        cmocka_unit_test(sizes),
        cmocka_unit_test(strings),
        cmocka_unit_test(secrets_are_never_shown),
        cmocka_unit_test(long_values_are_quoted_short),
        cmocka_unit_test(printed_numbers_read_back),
        cmocka_unit_test(small_buffers_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
