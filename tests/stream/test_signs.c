/*
 * What stands on the picture besides the caption: the mark goes with the front, all of it keeps to the safe area, and
 * where nothing is to be said nothing is drawn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/mem.h"
#include "stream/overlay.h"

enum { GREY = 120, FPS = 25 };

static struct frame new_frame(int width, int height)
{
    struct frame f = {.width_px = width, .height_px = height};
    for (int i = 0; i < 3; i++) {
        f.strides[i] = i == 0 ? width : (width + 1) / 2;
        f.planes[i] = xmalloc((size_t)(f.strides[i] * height));
    }
    return f;
}

static void wipe(const struct frame *f)
{
    for (int i = 0; i < 3; i++)
        memset(f->planes[i], GREY, (size_t)(f->strides[i] * (i ? (f->height_px + 1) / 2 : f->height_px)));
}

static void free_frame(struct frame *f)
{
    for (int i = 0; i < 3; i++)
        free(f->planes[i]);
}

struct drawn {
    int left, top, right, bottom, count, brightest;
};

/* What of columns from..to of the luma was drawn on. */
static struct drawn drawn_in(const struct frame *f, int from, int to)
{
    struct drawn d = {.left = to, .top = f->height_px};
    for (int y = 0; y < f->height_px; y++)
        for (int x = from; x < to; x++) {
            int v = f->planes[0][y * f->strides[0] + x];
            if (v == GREY)
                continue;
            d.count++;
            d.left = x < d.left ? x : d.left;
            d.top = y < d.top ? y : d.top;
            d.right = x + 1 > d.right ? x + 1 : d.right;
            d.bottom = y + 1 > d.bottom ? y + 1 : d.bottom;
            d.brightest = v > d.brightest ? v : d.brightest;
        }
    return d;
}

static struct overlay *open_overlay(int style, int position, int width, int height)
{
    struct overlay_config c;
    struct overlay *o;
    struct error e = {""};
    option_defaults(&overlay_section, &c);
    c.style = style;
    c.position = position;
    c.belief = true;
    if (overlay_open(&o, &c, FPS, width, height, &e) != 0)
        fail_msg("%s", e.text);
    return o;
}

static struct drawn draw(struct overlay *o, const struct frame *f, const struct signs_content *c)
{
    wipe(f);
    overlay_draw_signs(o, c, f);
    return drawn_in(f, 0, f->width_px);
}

static void nothing_to_say_is_nothing_drawn(void **state)
{
    (void)state;
    struct frame f = new_frame(640, 360);
    struct overlay *o = open_overlay(OVERLAY_MODERN, OVERLAY_TOP_LEFT, 640, 360);
    const struct signs_content none = {.front = -1, .upper = "!1 goldfish", .lower = "!2 pizza"};
    assert_int_equal(draw(o, &f, &none).count, 0);
    const struct signs_content some = {.front = 0.5, .upper = "!1 goldfish", .lower = "!2 pizza", .won = "x"};
    assert_true(draw(o, &f, &some).count > 0);
    assert_int_equal(draw(o, &f, &none).count, 0); /* gone with the next frame */
    overlay_close(&o);
    struct overlay_config off;
    struct error e;
    option_defaults(&overlay_section, &off);
    off.enabled = false;
    assert_int_equal(overlay_open(&o, &off, FPS, 640, 360, &e), 0);
    assert_int_equal(draw(o, &f, &some).count, 0);
    overlay_close(&o);
    free_frame(&f);
}

/* In every look, size and corner: inside of the safe area but for the shadow, and the arrow where the front is. */
static void the_mark_goes_with_the_front(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1280, 720}, {640, 360}, {360, 640}, {128, 72}};
    for (int i = 0; i < 4 * 2 * 4; i++) {
        int width = sizes[i % 4][0], height = sizes[i % 4][1], position = i / 8;
        bool right = position == OVERLAY_TOP_LEFT || position == OVERLAY_BOTTOM_LEFT;
        struct frame f = new_frame(width, height);
        struct overlay *o = open_overlay(i / 4 % 2, position, width, height);
        int last = -1, first = 0;
        for (int step = 0; step <= 50; step++) {
            struct signs_content c = {.front = step / 50.0, .upper = "!1 goldfish", .lower = "!2 pizza"};
            struct drawn d = draw(o, &f, &c);
            int slack = height / 40 + 4, middle = (d.top + d.bottom) / 2;
            assert_true(d.count > 0 && d.brightest > 200);
            assert_true(d.left >= width / 20 - slack && d.right <= width - width / 20 + slack);
            assert_true(d.top >= height / 20 - slack && d.bottom <= height - height / 20 + slack);
            assert_true(right ? d.left > width / 4 : d.right < width * 3 / 4);
            if (step > 20 && step < 30 && height >= 360)
                assert_in_range(middle, (int)(c.front * height) - slack, (int)(c.front * height) + slack);
            assert_true(last < 0 || (middle >= last - 2 && middle - last <= height / 50 + 4));
            first = step == 0 ? middle : first;
            last = middle;
        }
        assert_true(height < 360 || last - first > height / 2);
        overlay_close(&o);
        free_frame(&f);
    }
}

static void lines_lie_beyond_the_caption(void **state)
{
    (void)state;
    struct frame f = new_frame(640, 360);
    for (int position = OVERLAY_TOP_LEFT; position <= OVERLAY_BOTTOM_RIGHT; position++) {
        struct overlay *o = open_overlay(OVERLAY_MODERN, position, 640, 360);
        struct signs_content c = {.front = -1, .lines = {"next: volcano  @bob, in about 24 s"}};
        struct drawn one = draw(o, &f, &c);
        snprintf(c.lines[1], sizeof c.lines[1], "seen 83 %%, also: geyser");
        struct drawn both = draw(o, &f, &c);
        bool bottom = position >= OVERLAY_BOTTOM_LEFT;
        bool right = position == OVERLAY_TOP_RIGHT || position == OVERLAY_BOTTOM_RIGHT;
        assert_true(bottom ? both.bottom == one.bottom && both.top < one.top - 10
                           : both.top == one.top && both.bottom > one.bottom + 10);
        assert_true(bottom ? one.bottom < 335 : one.top > 25);
        assert_true(right ? one.right > 600 && one.left > 200 : one.left < 40 && one.right < 440);
        memset(c.lines[0], 'W', sizeof c.lines[0] - 1); /* too long for any picture */
        assert_true(draw(o, &f, &c).right <= 640);
        overlay_close(&o);
    }
    free_frame(&f);
}

/* Colour and font are those of the settings; what is no colour is refused in words. */
static void colours_and_fonts(void **state)
{
    (void)state;
    static const char *const bad[] = {"red", "#12345", "#1234567", "#12345g", "ffffff", "#"};
    struct overlay_config c;
    struct overlay *o;
    struct error e = {""};
    struct frame f = new_frame(640, 360);
    const struct signs_content some = {.front = -1, .won = "goldfish wins"};
    option_defaults(&overlay_section, &c);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(c.colour, sizeof c.colour, "%s", bad[i]);
        assert_true(overlay_open(&o, &c, FPS, 640, 360, &e) < 0 && !o);
        assert_non_null(strstr(e.text, "caption.colour"));
    }
    snprintf(c.colour, sizeof c.colour, "#0000Ff");
    assert_int_equal(overlay_open(&o, &c, FPS, 640, 360, &e), 0);
    struct drawn blue = draw(o, &f, &some);
    assert_true(blue.count > 0 &&
                blue.brightest <= GREY + 1); /* pure blue is dark in luma, and bright in Cb */
    int most = 0;
    for (int i = 0; i < f.strides[1] * 180; i++)
        most = f.planes[1][i] > most ? f.planes[1][i] : most;
    assert_true(most > 200);
    overlay_close(&o);
    snprintf(c.font, sizeof c.font, "Monospace Bold, and \t no such thing at all 900");
    assert_int_equal(overlay_open(&o, &c, FPS, 640, 360, &e), 0);
    assert_true(draw(o, &f, &some).count > 0);
    overlay_close(&o);
    free_frame(&f);
}

/* Fifty seconds of a busy show at full size: every text changes each second. In processor time, for other programs run too. */
static void a_frame_costs_little(void **state)
{
    (void)state;
    struct frame f = new_frame(1280, 720);
    struct overlay *o = open_overlay(OVERLAY_MODERN, OVERLAY_TOP_LEFT, 1280, 720);
    struct timespec from, to;
    double least_ms = 1e9;
    for (int run = 0; run < 5; run++) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        for (int frame = 0; frame < 250; frame++) {
            struct signs_content c = {.front = frame / 250.0, .upper = "!1 goldfish", .lower = "!2 pizza"};
            int s = frame / 25 + 10 * run;
            snprintf(c.lines[SIGNS_NEXT], SIGNS_TEXT_BYTES, "next: volcano  @bob, in about %d s", s);
            snprintf(c.lines[SIGNS_BELIEF], SIGNS_TEXT_BYTES, "%d %% sure, also: geyser", s);
            overlay_set_text(o, "goldfish + pizza  @ann", 22);
            overlay_draw(o, &f);
            overlay_draw_signs(o, &c, &f);
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        double ms =
            ((double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6) / 250;
        least_ms = ms < least_ms ? ms : least_ms;
    }
    print_message("caption and signs: %.3f ms a frame of 1280x720\n", least_ms);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(least_ms <= 1);
#endif
    overlay_close(&o);
    free_frame(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_say_is_nothing_drawn),
        cmocka_unit_test(the_mark_goes_with_the_front),
        cmocka_unit_test(lines_lie_beyond_the_caption),
        cmocka_unit_test(a_frame_costs_little),
        cmocka_unit_test(colours_and_fonts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
