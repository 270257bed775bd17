/*
 * The caption: it draws what it is given, wherever that comes from, inside of the frame and nowhere else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/keyframes.h"
#include "common/mem.h"
#include "stream/caption_text.h"
#include "stream/overlay.h"

enum { GREY = 120, CANARY = 0xa5, CANARY_BYTES = 5, FPS = 25 };

static struct frame new_frame(int width, int height)
{
    struct frame f = {.width_px = width, .height_px = height};
    for (int i = 0; i < 3; i++) {
        int w = i == 0 ? width : (width + 1) / 2, h = i == 0 ? height : (height + 1) / 2;
        f.strides[i] = w + CANARY_BYTES;
        f.planes[i] = xmalloc((size_t)(f.strides[i] * h));
        memset(f.planes[i], CANARY, (size_t)(f.strides[i] * h));
        for (int y = 0; y < h; y++)
            memset(f.planes[i] + y * f.strides[i], GREY, (size_t)w);
    }
    return f;
}

/* What of a plane was drawn on: the rectangle around all bytes that are not grey any more. */
struct changed {
    int left, top, right, bottom; /* right and bottom are behind the last */
    int count, darkest, brightest;
};

static struct changed changed_in(const struct frame *f, int plane)
{
    int w = plane == 0 ? f->width_px : (f->width_px + 1) / 2,
        h = plane == 0 ? f->height_px : (f->height_px + 1) / 2;
    struct changed c = {w, h, 0, 0, 0, 255, 0};
    for (int y = 0; y < h; y++) {
        const uint8_t *row = f->planes[plane] + y * f->strides[plane];
        for (int x = w; x < f->strides[plane]; x++)
            assert_int_equal(row[x], CANARY);
        for (int x = 0; x < w; x++) {
            c.darkest = row[x] < c.darkest ? row[x] : c.darkest;
            c.brightest = row[x] > c.brightest ? row[x] : c.brightest;
            if (row[x] == GREY)
                continue;
            c.count++;
            c.left = x < c.left ? x : c.left;
            c.top = y < c.top ? y : c.top;
            c.right = x + 1 > c.right ? x + 1 : c.right;
            c.bottom = y + 1 > c.bottom ? y + 1 : c.bottom;
        }
    }
    return c;
}

static void free_frame(struct frame *f)
{
    for (int i = 0; i < 3; i++)
        free(f->planes[i]);
}

static struct overlay_config defaults(void)
{
    struct overlay_config c;
    option_defaults(&overlay_section, &c);
    return c;
}

static struct overlay *open_overlay(const struct overlay_config *config, int width, int height)
{
    struct overlay *o;
    struct error e = {""};
    if (overlay_open(&o, config, FPS, width, height, &e) != 0)
        fail_msg("%s", e.text);
    return o;
}

/* Luma changes of a text when it is fully there. */
static struct changed drawn(const struct overlay_config *config, int width, int height, const char *text,
                            size_t n)
{
    struct overlay *o = open_overlay(config, width, height);
    struct frame lost = new_frame(width, height), f = new_frame(width, height);
    overlay_set_text(o, text, n);
    for (int i = 0; i < FPS; i++)
        overlay_draw(o, &lost);
    overlay_draw(o, &f);
    struct changed c = changed_in(&f, 0);
    changed_in(&f, 1);
    changed_in(&f, 2);
    free_frame(&lost);
    free_frame(&f);
    overlay_close(&o);
    return c;
}

static struct changed drawn_text(const char *text)
{
    struct overlay_config config = defaults();
    return drawn(&config, 640, 360, text, strlen(text));
}

static void test_text_is_written_top_left(void **state)
{
    (void)state;
    struct changed c = drawn_text("goldfish + volcano \u2014 @user");
    assert_in_range(c.left, 0, 16);
    assert_in_range(c.top, 0, 16);
    assert_in_range(c.right, 120, 400);
    assert_in_range(c.bottom, 15, 50);
    assert_int_equal(c.brightest, 235);
    assert_in_range(c.darkest, 16, 70); /* the shadow */
}

static void test_other_corners(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    config.position = OVERLAY_BOTTOM_RIGHT;
    struct changed c = drawn(&config, 641, 361, "volcano", 7);
    assert_in_range(c.left, 400, 640);
    assert_in_range(c.top, 310, 350);
    config.position = OVERLAY_TOP_RIGHT;
    c = drawn(&config, 640, 360, "volcano", 7);
    assert_in_range(c.left, 400, 640);
    assert_in_range(c.bottom, 15, 50);
    config.position = OVERLAY_BOTTOM_LEFT;
    c = drawn(&config, 640, 360, "volcano", 7);
    assert_in_range(c.right, 40, 200);
    assert_in_range(c.top, 310, 350);
}

static void test_nothing_to_say_draws_nothing(void **state)
{
    (void)state;
    assert_int_equal(drawn_text("").count, 0);
    assert_int_equal(drawn_text(" \t\n ").count, 0);
    assert_int_equal(drawn_text("\xff\xfe\x01\x1b").count, 0);
    struct overlay_config config = defaults();
    config.enabled = false;
    assert_int_equal(drawn(&config, 640, 360, "volcano", 7).count, 0);
}

static void test_long_text_ends_inside_the_frame(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'W', sizeof text);
    struct overlay_config config = defaults();
    struct changed c = drawn(&config, 640, 360, text, 500);
    assert_in_range(c.right, 560, 640);
    assert_in_range(c.bottom, 15, 50); /* one line */
    c = drawn(&config, 640, 360, text, sizeof text);
    assert_in_range(c.right, 560, 640);
    config.style = OVERLAY_CLASSIC;
    c = drawn(&config, 640, 360, text, 500);
    assert_in_range(c.right, 560, 636);
}

static void test_any_script_fits(void **state)
{
    (void)state;
    static const char *const words[] = {
        "\u041a\u0438\u0442 \u0438 \u0432\u0443\u043b\u043a\u0430\u043d ",
        "\u0633\u0645\u0643\u0629 \u0630\u0647\u0628\u064a\u0629 \u05d3\u05d2 ",
        "\u91d1\u9b5a\uff0b\u706b\u5c71\ufdfd",
        "\U0001f420\U0001f30b\U0001f1e9\U0001f1ea\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b",
        "\u0915\u094d\u0937\u0e01\u0e33\u0f40\u0f7c",
        "\u202etxet\u2066\u2069 \u00ad\ufeff",
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_true(drawn_text(words[i]).count > 0);
        char text[KEYFRAME_CAPTION_BYTES] = "";
        while (strlen(text) + strlen(words[i]) < sizeof text)
            strcat(text, words[i]);
        struct changed c = drawn_text(text);
        assert_in_range(c.right, 100, 640);
        assert_in_range(c.bottom, 15, 120);
    }
}

static void test_markup_is_shown_as_it_is(void **state)
{
    (void)state;
    int plain = drawn_text("x").right, tagged = drawn_text("<b>x</b>").right,
        entity = drawn_text("&lt;").right;
    assert_true(tagged > 3 * plain);
    assert_true(entity > drawn_text("<").right + 10);
}

static void test_bytes_are_cleaned_and_bounded(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    uint32_t seed = 5;
    for (int round = 0; round < 60; round++) {
        char bytes[700];
        size_t n = seed % sizeof bytes;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (char)(seed >> 24);
        }
        drawn(&config, 160, 90, bytes, n);
    }
    struct changed whole = drawn_text("volcano");
    struct changed part = drawn(&config, 640, 360, "volcano and more", 7);
    assert_int_equal(whole.right, part.right);
}

static void test_it_fades_in_and_out(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    config.fade_s = 0.4; /* ten frames */
    struct overlay *o = open_overlay(&config, 640, 360);
    int brightest[40];
    for (int i = 0; i < 40; i++) {
        if (i < 15)
            overlay_set_text(o, "goldfish", 8); /* the same again changes nothing */
        else
            overlay_set_text(o, "", 0);
        struct frame f = new_frame(640, 360);
        overlay_draw(o, &f);
        brightest[i] = changed_in(&f, 0).brightest;
        free_frame(&f);
    }
    assert_in_range(brightest[0], GREY + 5, GREY + 25);
    assert_in_range(brightest[4], GREY + 40, GREY + 80);
    assert_int_equal(brightest[9], 235);
    assert_int_equal(brightest[14], 235);
    assert_in_range(brightest[19], GREY + 30, GREY + 80);
    assert_int_equal(brightest[25], GREY);
    assert_int_equal(brightest[39], GREY);
    overlay_close(&o);
}

static int next_frame_changes(struct overlay *o)
{
    struct frame f = new_frame(640, 360);
    overlay_draw(o, &f);
    int count = changed_in(&f, 0).count;
    free_frame(&f);
    return count;
}

static void test_a_withdrawn_text_is_gone_in_the_next_frame(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    struct overlay *o = open_overlay(&config, 640, 360);
    overlay_set_text(o, "goldfish  @rude", 15);
    for (int i = 0; i < FPS; i++)
        next_frame_changes(o);
    assert_true(next_frame_changes(o) > 0);
    overlay_withdraw(o);
    assert_int_equal(next_frame_changes(o), 0);
    overlay_set_text(o, "goldfish", 8); /* the next one comes as ever */
    for (int i = 0; i < FPS; i++)
        next_frame_changes(o);
    assert_true(next_frame_changes(o) > 0);
    overlay_withdraw(o); /* also while another one is on its way */
    overlay_set_text(o, "pizza", 5);
    overlay_withdraw(o);
    assert_int_equal(next_frame_changes(o), 0);
    overlay_close(&o);
}

static void test_a_new_text_waits_until_the_old_has_gone(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    config.fade_s = 0.2;
    struct overlay *o = open_overlay(&config, 640, 360);
    int right[20];
    for (int i = 0; i < 20; i++) {
        const char *text = i < 8 ? "goldfish goldfish goldfish" : i < 10 ? "never seen" : "ant";
        overlay_set_text(o, text, strlen(text));
        struct frame f = new_frame(640, 360);
        overlay_draw(o, &f);
        right[i] = changed_in(&f, 0).right;
        free_frame(&f);
    }
    assert_in_range(right[7], 120, 500);
    assert_true(abs(right[10] - right[7]) <= 3); /* still going */
    assert_in_range(right[19], 20, 100);
    for (int i = 0; i < 20; i++)
        assert_true(right[i] == 0 || abs(right[i] - right[7]) <= 3 || abs(right[i] - right[19]) <= 3);
    overlay_close(&o);
}

static void test_classic_is_the_box_of_2015(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    config.style = OVERLAY_CLASSIC;
    config.fade_s = 0;
    struct overlay *o = open_overlay(&config, 1024, 576);
    struct frame f = new_frame(1024, 576);
    overlay_set_text(o, "goldfish", 8);
    overlay_draw(o, &f); /* there at once */
    struct changed c = changed_in(&f, 0);
    assert_int_equal(c.left, 4);
    assert_int_equal(c.top, 4);
    assert_in_range(c.bottom, 4 + 20, 4 + 36); /* letters of 20 px */
    int white = 0;
    for (int y = 4; y < c.bottom - 1; y++)
        for (int x = 4; x < c.right - 1; x++) {
            int v = f.planes[0][y * f.strides[0] + x];
            assert_true(v == 16 || v == 235); /* not anti-aliased */
            white += v == 235;
        }
    assert_in_range(white, 100, 2000);
    free_frame(&f);
    overlay_close(&o);
}

static void test_colours_stay_neutral_and_legal(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    struct overlay *o = open_overlay(&config, 640, 360);
    struct frame f = new_frame(640, 360);
    overlay_set_text(o, "HHHHHHHHH", 9);
    for (int i = 0; i < 60; i++)
        overlay_draw(o, &f); /* many times on one frame: as opaque as it gets */
    struct changed luma = changed_in(&f, 0), chroma = changed_in(&f, 1);
    assert_in_range(luma.brightest, 234, 235);
    assert_in_range(luma.darkest, 16, 30);
    assert_in_range(chroma.brightest, 127, 128); /* white and black have no colour */
    assert_in_range(chroma.darkest, GREY, GREY);
    assert_in_range(chroma.left * 2, luma.left - 2, luma.left + 2);
    free_frame(&f);
    overlay_close(&o);
}

static void test_small_frames(void **state)
{
    (void)state;
    static const int sizes[][2] = {{2, 2}, {3, 3}, {16, 9}, {33, 200}, {400, 4}, {64, 36}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (int style = OVERLAY_MODERN; style <= OVERLAY_CLASSIC; style++)
            for (int position = OVERLAY_TOP_LEFT; position <= OVERLAY_BOTTOM_RIGHT; position++) {
                struct overlay_config config = defaults();
                config.style = style;
                config.position = position;
                config.size_px = 200;
                drawn(&config, sizes[i][0], sizes[i][1], "goldfish \U0001f30b", 13);
            }
}

static void test_bad_sizes_are_refused(void **state)
{
    (void)state;
    struct overlay_config config = defaults();
    struct overlay *o;
    struct error e;
    assert_int_equal(overlay_open(&o, &config, FPS, 0, 10, &e), -EINVAL);
    assert_null(o);
    assert_int_equal(overlay_open(&o, &config, 0, 10, 10, NULL), -EINVAL);
    overlay_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_written_top_left),
        cmocka_unit_test(test_other_corners),
        cmocka_unit_test(test_nothing_to_say_draws_nothing),
        cmocka_unit_test(test_long_text_ends_inside_the_frame),
        cmocka_unit_test(test_any_script_fits),
        cmocka_unit_test(test_markup_is_shown_as_it_is),
        cmocka_unit_test(test_bytes_are_cleaned_and_bounded),
        cmocka_unit_test(test_it_fades_in_and_out),
        cmocka_unit_test(test_a_withdrawn_text_is_gone_in_the_next_frame),
        cmocka_unit_test(test_a_new_text_waits_until_the_old_has_gone),
        cmocka_unit_test(test_classic_is_the_box_of_2015),
        cmocka_unit_test(test_colours_stay_neutral_and_legal),
        cmocka_unit_test(test_small_frames),
        cmocka_unit_test(test_bad_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
