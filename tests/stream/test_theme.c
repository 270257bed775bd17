/*
 * Themes of what is written on the picture: where each draws, in which colours, how far from the edges; the bar of belief;
 * and that nothing of it comes back into the dream's pictures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "stream/overlay.h"
#include "stream/signs.h"
#include "tests/stream/camera_pictures.h"

enum { GREY = 120, FPS = 25, WIDTH = 640, HEIGHT = 360 };

static const struct signs_content busy = {.front = 0.4,
                                          .upper = "!1 goldfish",
                                          .lower = "!2 pizza",
                                          .won = "goldfish wins",
                                          .lines = {"next: volcano  @bob, in about 24 s", "83 % sure"},
                                          .has_belief = true,
                                          .belief = 0.83};

static struct overlay_config settings(int theme)
{
    struct overlay_config c;
    option_defaults(&overlay_section, &c);
    c.theme = theme;
    c.belief = c.meter = true;
    return c;
}

static struct overlay *open_overlay(const struct overlay_config *c)
{
    struct overlay *o;
    struct error e = {""};
    if (overlay_open(&o, c, FPS, WIDTH, HEIGHT, &e) != 0)
        fail_msg("%s", e.text);
    return o;
}

static void wipe(const struct frame *f)
{
    for (int i = 0; i < 3; i++)
        for (int y = 0; y < (i ? (f->height_px + 1) / 2 : f->height_px); y++)
            memset(f->planes[i] + y * f->strides[i], i ? 128 : GREY,
                   (size_t)(i ? (f->width_px + 1) / 2 : f->width_px));
}

/* One second of this caption and these signs; the last frame stays in `f`. */
static void show(struct overlay *o, const struct frame *f, const char *caption, const struct signs_content *c)
{
    for (int i = 0; i < FPS; i++) {
        wipe(f);
        overlay_set_text(o, caption, strlen(caption));
        overlay_draw(o, f);
        overlay_draw_signs(o, c, f);
    }
    check_canaries(f);
}

static bool is_drawn(const struct frame *f, int x, int y)
{
    return f->planes[0][y * f->strides[0] + x] != GREY;
}

/* How many pixels are drawn on outside of the rectangle that keeps so far from the edges. */
static int drawn_beyond(const struct frame *f, int x_px, int y_px)
{
    int count = 0;
    for (int y = 0; y < f->height_px; y++)
        for (int x = 0; x < f->width_px; x++)
            if (x < x_px || y < y_px || x >= f->width_px - x_px || y >= f->height_px - y_px)
                count += is_drawn(f, x, y);
    return count;
}

static void all_keeps_to_the_safe_area(void **state)
{
    (void)state;
    struct frame f = new_frame(WIDTH, HEIGHT);
    for (int i = 0; i < 3 * 4 * 3; i++) {
        struct overlay_config c = settings(i % 3);
        c.position = i / 3 % 4;
        c.safe_percent = (const double[]){8, 12.5, 20}[i / 12];
        struct overlay *o = open_overlay(&c);
        show(o, &f, "goldfish + pizza and more than fits into any line of any theme at all  @ann", &busy);
        int shadow = 6; /* less than a quarter of a letter */
        int x_px = (int)(c.safe_percent / 100 * WIDTH) - shadow,
            y_px = (int)(c.safe_percent / 100 * HEIGHT) - shadow;
        if (drawn_beyond(&f, x_px, y_px) != 0)
            fail_msg("theme %d, position %d, %.1f %%: %d pixels too far out", c.theme, c.position,
                     c.safe_percent, drawn_beyond(&f, x_px, y_px));
        assert_true(drawn_beyond(&f, WIDTH / 2 - 1, HEIGHT / 2 - 1) > 1000);
        overlay_close(&o);
    }
    free_frame(&f);
}

/* Rows of the left half that are drawn on. */
static void rows_drawn(const struct frame *f, int *top, int *bottom)
{
    *top = f->height_px;
    *bottom = 0;
    for (int y = 0; y < f->height_px; y++)
        for (int x = 0; x < f->width_px / 2; x++)
            if (is_drawn(f, x, y)) {
                *top = y < *top ? y : *top;
                *bottom = y + 1;
            }
}

static void the_lower_third_is_in_the_lower_third(void **state)
{
    (void)state;
    struct overlay_config c = settings(OVERLAY_LOWER_THIRD);
    struct overlay *o = open_overlay(&c);
    struct frame f = new_frame(WIDTH, HEIGHT);
    const struct signs_content none = {.front = -1}, some = {.front = -1, .lines = {"next: volcano"}};
    int top, bottom, brightest = 0, stripe_x = WIDTH / 20 + 1, middle = HEIGHT * 17 / 20;
    show(o, &f, "", &none);
    assert_int_equal(drawn_beyond(&f, WIDTH, HEIGHT), 0); /* no plate without a caption */
    show(o, &f, "goldfish  @ann", &none);
    rows_drawn(&f, &top, &bottom);
    assert_in_range(top, HEIGHT * 2 / 3, HEIGHT * 4 / 5);
    assert_in_range(bottom, HEIGHT * 9 / 10, HEIGHT * 19 / 20);
    int plate_top = top, plate = f.planes[0][middle * f.strides[0] + WIDTH / 2];
    assert_true(plate < GREY - 30); /* darker, and the picture shows through */
    assert_true(plate > 20);
    for (int x = 0; x < WIDTH; x++)
        for (int y = 0; y < HEIGHT; y++)
            brightest =
                f.planes[0][y * f.strides[0] + x] > brightest ? f.planes[0][y * f.strides[0] + x] : brightest;
    assert_true(brightest > 220);
    assert_true(f.planes[1][middle / 2 * f.strides[1] + stripe_x / 2] < 100); /* amber */
    show(o, &f, "goldfish  @ann", &some);
    rows_drawn(&f, &top, &bottom);
    assert_int_equal(top, plate_top); /* lines find their room in the plate */
    overlay_withdraw(o);
    show(o, &f, "", &none);
    assert_int_equal(drawn_beyond(&f, WIDTH, HEIGHT), 0);
    overlay_close(&o);
    c.position = OVERLAY_TOP_RIGHT;
    o = open_overlay(&c);
    show(o, &f, "goldfish  @ann", &none);
    assert_false(is_drawn(&f, WIDTH / 4, middle));
    assert_true(is_drawn(&f, WIDTH - stripe_x - 1, middle));
    overlay_close(&o);
    free_frame(&f);
}

static bool is_same_frame(const struct frame *a, const struct frame *b)
{
    for (int i = 0; i < 3; i++)
        for (int y = 0; y < (i ? HEIGHT / 2 : HEIGHT); y++)
            if (memcmp(a->planes[i] + y * a->strides[i], b->planes[i] + y * b->strides[i],
                       (size_t)(i ? WIDTH / 2 : WIDTH)) != 0)
                return false;
    return true;
}

/* The look of 2015 is the one that caption.style had already, and it is there with the first frame. */
static void the_look_of_2015(void **state)
{
    (void)state;
    struct overlay_config then = settings(OVERLAY_CLASSIC_2015), style = settings(OVERLAY_PLAIN);
    struct frame f = new_frame(WIDTH, HEIGHT), g = new_frame(WIDTH, HEIGHT);
    style.style = OVERLAY_CLASSIC;
    struct overlay *a = open_overlay(&then), *b = open_overlay(&style);
    wipe(&f);
    overlay_set_text(a, "goldfish & volcano", 18);
    overlay_draw(a, &f);
    show(b, &g, "goldfish & volcano", &(struct signs_content){.front = -1});
    assert_true(is_same_frame(&f, &g));
    assert_int_equal(f.planes[0][4 * f.strides[0] + 4], 16); /* the box begins at 4, 4 */
    assert_int_equal(f.planes[0][3 * f.strides[0] + 4], GREY);
    overlay_close(&a);
    overlay_close(&b);
    free_frame(&f);
    free_frame(&g);
}

/* Whatever a theme brings, colour and font of the settings are what is drawn. */
static void the_settings_go_over_the_theme(void **state)
{
    (void)state;
    struct frame usual = new_frame(WIDTH, HEIGHT), own = new_frame(WIDTH, HEIGHT);
    for (int theme = 0; theme < 3; theme++) {
        struct overlay_config c = settings(theme);
        struct overlay *o = open_overlay(&c);
        show(o, &usual, "goldfish", &busy);
        overlay_close(&o);
        snprintf(c.font, sizeof c.font, "Monospace Bold");
        o = open_overlay(&c);
        show(o, &own, "goldfish", &busy);
        assert_false(is_same_frame(&usual, &own));
        overlay_close(&o);
        snprintf(c.colour, sizeof c.colour, "#0000ff");
        o = open_overlay(&c);
        show(o, &own, "goldfish", &busy);
        overlay_close(&o);
        int bluest = 0, least = 255;
        for (int y = 0; y < HEIGHT / 2; y++)
            for (int x = 0; x < WIDTH / 2; x++) {
                int v = own.planes[1][y * own.strides[1] + x];
                bluest = v > bluest ? v : bluest;
                least = v < least ? v : least;
            }
        assert_true(bluest > 220);
        assert_true(least >= 127); /* nothing amber is left */
    }
    free_frame(&usual);
    free_frame(&own);
}

/* Bright pixels in the row below the lines. */
static int filled(struct overlay *o, const struct frame *f, double belief)
{
    const struct signs_content c = {.front = -1, .has_belief = true, .belief = belief};
    int most = 0;
    for (int i = 0; i < 2; i++)
        show(o, f, "", &c);
    for (int y = 0; y < HEIGHT; y++) {
        int count = 0;
        for (int x = 0; x < WIDTH; x++)
            count += f->planes[0][y * f->strides[0] + x] > 190;
        most = count > most ? count : most;
    }
    return most;
}

static void the_bar_is_as_full_as_the_belief(void **state)
{
    (void)state;
    struct frame f = new_frame(WIDTH, HEIGHT);
    struct overlay_config c = settings(OVERLAY_PLAIN);
    for (int theme = 0; theme < 3; theme++) {
        c.theme = theme;
        struct overlay *o = open_overlay(&c);
        int full = filled(o, &f, 1), half = filled(o, &f, 0.5), none = filled(o, &f, 0);
        assert_true(full > 40 && full < WIDTH / 4);
        assert_in_range(half, full / 2 - 2, full / 2 + 2);
        assert_true(none <= 1);
        assert_int_equal(filled(o, &f, 7), full); /* nonsense stays inside */
        overlay_close(&o);
    }
    c.meter = false;
    struct overlay *o = open_overlay(&c);
    assert_true(filled(o, &f, 1) <= 1);
    overlay_close(&o);
    free_frame(&f);
}

/* It does not jump: half of the way takes some frames. */
static void the_bar_glides(void **state)
{
    (void)state;
    struct frame f = new_frame(WIDTH, HEIGHT);
    struct overlay_config c = settings(OVERLAY_PLAIN);
    struct overlay *o = open_overlay(&c);
    int full = filled(o, &f, 1);
    filled(o, &f, 0);
    const struct signs_content wanted = {.front = -1, .has_belief = true, .belief = 1};
    wipe(&f);
    overlay_draw_signs(o, &wanted, &f);
    int most = 0;
    for (int y = 0; y < HEIGHT; y++) {
        int count = 0;
        for (int x = 0; x < WIDTH; x++)
            count += f.planes[0][y * f.strides[0] + x] > 190;
        most = count > most ? count : most;
    }
    assert_in_range(most, 1, full / 4);
    overlay_close(&o);
    free_frame(&f);
}

/* Two cameras are given the same pictures; over the frames of one all is written that there is. Both keep showing the
 * same, and the keyframes that the dream lent are as they were. */
static void nothing_comes_back(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        struct camera *clean = open_camera(&modern, WIDTH, HEIGHT, NULL),
                      *written = open_camera(&modern, WIDTH, HEIGHT, NULL);
        struct overlay_config c = settings(OVERLAY_LOWER_THIRD);
        struct overlay *o = open_overlay(&c);
        struct frame f = new_frame(WIDTH, HEIGHT), g = new_frame(WIDTH, HEIGHT);
        for (int z = 0; z < 20; z++) {
            struct keyframe k = noise(WIDTH, HEIGHT, z);
            k.is_frame = mode == 1;
            size_t bytes = (size_t)WIDTH * HEIGHT * (mode ? 3 : 24) / 2;
            if (mode) {
                free(k.rgb);
                k.rgb = NULL;
                k.nv12 = xmalloc(bytes);
                for (size_t i = 0; i < bytes; i++)
                    k.nv12[i] = (uint8_t)random32();
            }
            void *lent = mode ? (void *)k.nv12 : (void *)k.rgb;
            uint8_t *before = xmalloc(bytes);
            memcpy(before, lent, bytes);
            bool wanted = camera_wants_keyframe(clean);
            assert_true(wanted == camera_wants_keyframe(written));
            if (wanted)
                assert_true(camera_push(clean, &k) == 0 && camera_push(written, &k) == 0);
            camera_render(clean, &f);
            camera_render(written, &g);
            assert_true(is_same_frame(&f, &g));
            overlay_set_text(o, "goldfish  @ann", 14);
            overlay_draw(o, &g);
            overlay_draw_signs(o, &busy, &g);
            assert_false(is_same_frame(&f, &g));
            camera_render(written, &g); /* over what was written */
            assert_true(is_same_frame(&f, &g));
            assert_memory_equal(before, lent, bytes);
            camera_advance(clean);
            camera_advance(written);
            free(before);
            free(lent);
        }
        overlay_close(&o);
        camera_close(&clean);
        camera_close(&written);
        free_frame(&f);
        free_frame(&g);
    }
}

/* As a_frame_costs_little of test_signs.c, for the dearest theme: all texts change each second, the bar with each frame. */
static double cost_ms(int theme)
{
    struct overlay_config c = settings(theme);
    struct overlay *o;
    struct error e = {""};
    struct frame f = new_frame(1280, 720);
    struct timespec from, to;
    double least_ms = 1e9;
    assert_int_equal(overlay_open(&o, &c, FPS, 1280, 720, &e), 0);
    for (int run = 0; run < 5; run++) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        for (int frame = 0; frame < 250; frame++) {
            struct signs_content now = busy;
            now.won[0] = '\0';
            now.belief = frame % 100 < 50;
            snprintf(now.lines[SIGNS_NEXT], SIGNS_TEXT_BYTES, "next: volcano  @bob, in about %d s",
                     frame / 25 + 10 * run);
            overlay_set_text(o, "goldfish + pizza  @ann", 22);
            overlay_draw(o, &f);
            overlay_draw_signs(o, &now, &f);
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        double ms =
            ((double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6) / 250;
        least_ms = ms < least_ms ? ms : least_ms;
    }
    overlay_close(&o);
    free_frame(&f);
    return least_ms;
}

static void a_frame_costs_little(void **state)
{
    (void)state;
    static const char *const names[] = {"plain", "classic2015", "lower-third"};
    for (int theme = 0; theme < 3; theme++) {
        double ms = cost_ms(theme);
        print_message("%s, with all signs and the bar: %.3f ms a frame of 1280x720\n", names[theme], ms);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        assert_true(ms <= 1);
#endif
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keeps_to_the_safe_area),
        cmocka_unit_test(the_lower_third_is_in_the_lower_third),
        cmocka_unit_test(the_look_of_2015),
        cmocka_unit_test(the_settings_go_over_the_theme),
        cmocka_unit_test(the_bar_is_as_full_as_the_belief),
        cmocka_unit_test(the_bar_glides),
        cmocka_unit_test(nothing_comes_back),
        cmocka_unit_test(a_frame_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
