/*
 * The camera against the formula, written down once more in plain double precision, and its promises about
 * time: nothing jumps, nothing ends, and threads and processors make no difference to a single byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "engine/cpu/image_warp.h"
#include "stream/plate.h"
#include "tests/stream/camera_pictures.h"

static bool same_frame(const struct frame *a, const struct frame *b)
{
    for (int i = 0; i < 3; i++) {
        size_t h = (size_t)(i == 0 ? a->height_px : (a->height_px + 1) / 2);
        if (memcmp(a->planes[i], b->planes[i], h * (size_t)a->strides[i]) != 0)
            return false;
    }
    return true;
}

/* ---- the formula once more ---- */

static double at_edge(const struct keyframe *k, int channel, int x, int y)
{
    x = x < 0 ? 0 : x >= k->width_px ? k->width_px - 1 : x;
    y = y < 0 ? 0 : y >= k->height_px ? k->height_px - 1 : y;
    return k->rgb[(channel * k->height_px + y) * k->width_px + x];
}

static double channel_value(const struct keyframe *k, int plane, int x, int y)
{
    double r = at_edge(k, 0, x, y), g = at_edge(k, 1, x, y), b = at_edge(k, 2, x, y);
    double luma = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
    if (plane == 0)
        return 16 + 219 * luma;
    return 128 + 224 * (plane == 1 ? (b / 255 - luma) / 1.8556 : (r / 255 - luma) / 1.5748);
}

static double catmull_rom(double d)
{
    d = fabs(d);
    return d < 1 ? 1.5 * d * d * d - 2.5 * d * d + 1 : d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
}

/* Index (x, y) of the plane enlarged by `up`. */
static double enlarged(const struct keyframe *k, int plane, int up, int x, int y)
{
    x = x < 0 ? 0 : x > (k->width_px - 1) * up ? (k->width_px - 1) * up : x;
    y = y < 0 ? 0 : y > (k->height_px - 1) * up ? (k->height_px - 1) * up : y;
    if (up == 1)
        return channel_value(k, plane, x, y);
    double sum = 0;
    for (int j = -1; j <= 2; j++)
        for (int i = -1; i <= 2; i++)
            sum += channel_value(k, plane, x / up + i, y / up + j) *
                   catmull_rom((double)x / up - x / up - i) * catmull_rom((double)y / up - y / up - j);
    return fmin(fmax(sum, 16), 235);
}

static double sample(const struct keyframe *k, int plane, int up, double x, double y)
{
    x = fmin(fmax(x * up, 0), (k->width_px - 1) * up);
    y = fmin(fmax(y * up, 0), (k->height_px - 1) * up);
    int x0 = (int)x, y0 = (int)y;
    double fx = x - x0, fy = y - y0;
    return (enlarged(k, plane, up, x0, y0) * (1 - fx) + enlarged(k, plane, up, x0 + 1, y0) * fx) * (1 - fy) +
           (enlarged(k, plane, up, x0, y0 + 1) * (1 - fx) + enlarged(k, plane, up, x0 + 1, y0 + 1) * fx) * fy;
}

struct expected {
    double value;
    bool sure; /* false on the border itself, where rounding decides */
};

/* What output index (px, py) of a `width` x `height` frame shows at position z, between two keyframes. */
static struct expected formula(const struct camera_config *config, const struct keyframe *older,
                               const struct keyframe *newer, double z, int plane, double px, double py,
                               int width, int height)
{
    const struct keyframe *keys[2] = {older, newer};
    double values[2], inside = 0,
                      t = (z - (double)older->z_frames) / (double)(newer->z_frames - older->z_frames);
    bool smooth = config->blend == CAMERA_SMOOTH;
    for (int i = 0; i < 2; i++) {
        const struct keyframe *k = keys[i];
        double n = z - (double)k->z_frames, zoom = pow(config->zoom, n / 25);
        double ex = (double)width / k->width_px, ey = (double)height / k->height_px;
        double e = smooth ? fmax(ex, ey) : fmin(ex, ey);
        double angle = -config->rotation / 25 * n * acos(-1) / 180;
        double dx = px - width / 2.0, dy = py - height / 2.0;
        double x = (cos(angle) * dx - sin(angle) * dy) / (zoom * e) + k->width_px / 2.0;
        double y = (sin(angle) * dx + cos(angle) * dy) / (zoom * e) + k->height_px / 2.0;
        int up = config->filter == CAMERA_BICUBIC && plane == 0 ? 2 : 1;
        values[i] = sample(k, plane, up, x, y);
        double low = smooth ? 0.5 : 0, beyond = smooth ? 0 : 1;
        inside = fmin(fmin(x + low, k->width_px - beyond - x), fmin(y + low, k->height_px - beyond - y)) *
                 zoom * e;
    }
    double weight = smooth ? t * t * (3 - 2 * t) : t;
    double feather = smooth ? (double)config->border_px * height / 720 * fmin(1, 4 * (1 - t)) : 0;
    double share = inside >= 0;
    if (feather >= 0.01) {
        share = fmin(fmax(inside / feather, 0), 1);
        share = share * share * (3 - 2 * share);
    }
    weight *= share;
    return (struct expected){values[0] * (1 - weight) + values[1] * weight,
                             feather >= 0.01 || fabs(inside) > 0.01};
}

static void compare_with_formula(const struct camera_config *config, int in_w, int in_h, int out_w, int out_h,
                                 double bound)
{
    struct camera *c = open_camera(config, out_w, out_h, NULL);
    struct keyframe older = noise(in_w, in_h, 40), newer = noise(in_w, in_h, 90);
    assert_int_equal(camera_push(c, &older), 0);
    assert_int_equal(camera_push(c, &newer), 0);
    struct frame f = new_frame(out_w, out_h);
    double worst = 0;
    for (int n = 0; n <= 50; n++, camera_advance(c)) {
        if (n != 0 && n != 7 && n != 25 && n != 41 && n != 50)
            continue;
        camera_render(c, &f);
        check_canaries(&f);
        for (int plane = 0; plane < 3; plane++) {
            int step = plane == 0 ? 1 : 2, w = (out_w + step - 1) / step, h = (out_h + step - 1) / step;
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    struct expected want = formula(config, &older, &newer, 40 + n, plane, x * step,
                                                   plane == 0 ? y : 2 * y + 0.5, out_w, out_h);
                    double off = fabs(f.planes[plane][y * f.strides[plane] + x] - want.value);
                    if (want.sure && off > worst)
                        worst = off;
                }
        }
    }
    if (worst > bound)
        fail_msg("%d x %d -> %d x %d: off by %.3f levels", in_w, in_h, out_w, out_h, worst);
    free(older.rgb);
    free(newer.rgb);
    free_frame(&f);
    camera_close(&c);
}

/* Half a level is the rounding of the byte; the rest is what fixed point may add. */
static void test_classic_frames_follow_the_formula_of_2015(void **state)
{
    (void)state;
    compare_with_formula(&classic, 105, 59, 128, 72, 0.65);
    compare_with_formula(&classic, 80, 45, 320, 180, 0.65);
    compare_with_formula(&classic, 840, 472, 1024, 576,
                         0.65); /* its own sizes, whose shapes differ a little */
}

static void test_modern_frames_follow_their_formula(void **state)
{
    (void)state;
    compare_with_formula(&modern, 128, 72, 256, 144, 0.65);
}

static void test_other_aspect_ratios_follow_the_formula(void **state)
{
    (void)state;
    compare_with_formula(&classic, 60, 60, 128, 72, 0.65);
    compare_with_formula(&modern, 90, 40, 129, 73, 0.65); /* odd sides: chroma has (n + 1) / 2 */
}

static void test_rotation_and_fast_zoom_follow_the_formula(void **state)
{
    (void)state;
    struct camera_config c = classic;
    c.rotation = -30;
    c.zoom = 1.5;
    compare_with_formula(&c, 80, 45, 160, 90, 0.7);
}

static void test_large_keyframes_are_averaged(void **state)
{
    (void)state;
    struct plate p = {0};
    struct keyframe k = noise(50, 31, 0);
    assert_int_equal(plate_fill(&p, &(struct plate_source){k.rgb, 50, 31, 1, 3}, NULL), 0);
    assert_int_equal(p.planes[0].width, 16);
    assert_int_equal(p.planes[0].height, 10);
    for (int y = 0; y < 10; y++)
        for (int x = 0; x < 16; x++) {
            double sum = 0;
            for (int i = 0; i < 9; i++)
                sum += channel_value(&k, 0, 3 * x + i % 3, 3 * y + i / 3) / 9;
            assert_true(fabs(p.planes[0].samples[y * p.planes[0].stride + x] / 64.0 - sum) < 0.02);
        }
    /* keyframe index 1 is the middle of the first nine pixels */
    assert_true(fabs(1 * p.maps[0].scale + p.maps[0].offset_x) < 1e-12);
    assert_int_equal(plate_fill(&p, &(struct plate_source){k.rgb, 2, 31, 1, 3}, NULL), -EINVAL);
    free(k.rgb);
    plate_clear(&p);
}

static void test_threads_change_no_byte(void **state)
{
    (void)state;
    struct frame first = {0};
    for (int threads = 0; threads <= 3; threads++) {
        random_state = 77;
        struct pool *pool = NULL;
        if (threads > 0)
            assert_int_equal(pool_open(&pool, threads), 0);
        struct camera *c = open_camera(&modern, 322, 181, pool);
        push(c, noise(160, 90, 0));
        push(c, noise(160, 90, 30));
        for (int i = 0; i < 11; i++)
            camera_advance(c);
        struct frame f = new_frame(322, 181);
        camera_render(c, &f);
        if (threads == 0) {
            first = f;
        } else {
            assert_true(same_frame(&first, &f));
            free_frame(&f);
        }
        camera_close(&c);
        pool_close(&pool);
    }
    free_frame(&first);
}

/* ---- time ---- */

/* Of a camera that has waited for a keyframe for some frames, whose horizon is a late blend away. */
static int64_t position(const struct camera *c)
{
    return camera_horizon(c) - 13;
}

static void test_black_and_still_before_the_first_keyframe(void **state)
{
    (void)state;
    struct camera *c = open_camera(&modern, 64, 36, NULL);
    struct frame f = new_frame(64, 36);
    camera_advance(c);
    assert_true(camera_wants_keyframe(c));
    camera_render(c, &f);
    check_canaries(&f);
    assert_int_equal(f.planes[0][35 * f.strides[0] + 63], 16);
    assert_int_equal(f.planes[2][17 * f.strides[2] + 31], 128);
    assert_string_equal(camera_caption(c), "");
    assert_int_equal(camera_request_id(c), 0);
    push(c, flat(255, 500));
    assert_int_equal(camera_horizon(c), 500); /* it stands there */
    assert_int_equal(middle_luma(c, &f), 235);
    assert_true(camera_wants_keyframe(c));
    free_frame(&f);
    camera_close(&c);
}

/* A dream that plans behind the horizon is on time again with the keyframe after a late one. */
static void test_one_late_keyframe_makes_no_other_late(void **state)
{
    (void)state;
    struct camera *c = open_camera(&modern, 64, 36, NULL); /* 25 frames/s: a late blend takes 13 */
    push(c, flat(0, 0));
    push(c, flat(50, 10));
    assert_int_equal(camera_horizon(c), 10);
    for (int z = 0; z < 14; z++)
        camera_advance(c); /* four frames too far */
    assert_true(camera_wants_keyframe(c));
    int64_t promised = camera_horizon(c);
    assert_in_range(promised, 26, 27);
    push(c, flat(100, 16));
    assert_int_equal(camera_horizon(c), promised);
    while (!camera_wants_keyframe(c))
        camera_advance(c);
    int64_t next_z = promised + 6; /* planned with the horizon; dreamed in time */
    push(c, flat(150, next_z));
    assert_int_equal(camera_horizon(c), next_z); /* no stretched blend any more */
    camera_close(&c);
}

static void test_the_caption_follows_what_prevails(void **state)
{
    (void)state;
    struct camera *c = open_camera(&modern, 64, 36, NULL);
    struct keyframe a = flat(10, 0), b = flat(200, 20);
    strcpy(a.caption, "goldfish");
    strcpy(b.caption, "volcano");
    a.request_id = 4;
    b.request_id = 9;
    push(c, a);
    assert_string_equal(camera_caption(c), "goldfish");
    push(c, b);
    assert_false(camera_wants_keyframe(c));
    for (int z = 0; z < 20; z++, camera_advance(c)) {
        assert_false(camera_wants_keyframe(c));
        assert_string_equal(camera_caption(c), z < 10 ? "goldfish" : "volcano");
        assert_int_equal(camera_request_id(c), z < 10 ? 4 : 9);
    }
    assert_true(camera_wants_keyframe(c));
    camera_close(&c);
}

static void test_a_late_keyframe_does_not_jump(void **state)
{
    (void)state;
    struct camera *c = open_camera(&classic, 64, 36, NULL);
    struct frame f = new_frame(64, 36);
    push(c, flat(0, 0));
    push(c, flat(255, 50));
    int last = 16;
    assert_true(largest_step(c, &f, 70, &last) <= 5); /* 219 levels in 50 frames; then 20 frames of waiting */
    assert_int_equal(last, 235);
    assert_true(camera_wants_keyframe(c));
    push(c, flat(0, 60)); /* its position has passed: half a second all the same */
    assert_int_equal(camera_horizon(c), 83);
    assert_true(largest_step(c, &f, 12, &last) <= 219 / 12 + 2);
    assert_false(camera_wants_keyframe(c));
    largest_step(c, &f, 2, &last);
    assert_int_equal(last, 16);
    assert_true(camera_wants_keyframe(c));
    push(c, flat(255, 76)); /* the newer one's position lies ahead, but too near */
    assert_true(largest_step(c, &f, 14, &last) <= 219 / 12 + 2);
    assert_int_equal(last, 235);
    free_frame(&f);
    camera_close(&c);
}

static void test_without_keyframes_it_lingers_then_stands_still(void **state)
{
    (void)state;
    struct camera_config config = modern;
    config.linger_s = 4;
    struct camera *c = open_camera(&config, 64, 36, NULL);
    push(c, flat(100, 0));
    for (int i = 0; i < 4 * 25; i++)
        camera_advance(c);
    assert_int_equal(position(c), 100); /* full speed so far */
    int64_t before = position(c);
    for (int i = 0; i < 10 * 25; i++)
        camera_advance(c);
    int64_t slowed = position(c) - before;
    assert_in_range(slowed, 110, 140); /* ten seconds at half speed on the average */
    before = position(c);
    for (int i = 0; i < 1000; i++)
        camera_advance(c);
    assert_true(position(c) - before <= 1);
    push(c, flat(200, position(c) + 50));
    while (!camera_wants_keyframe(c))
        camera_advance(c);
    camera_advance(c);
    camera_advance(c);
    before = position(c);
    for (int i = 0; i < 10; i++)
        camera_advance(c);
    assert_int_equal(position(c) - before, 10); /* at full speed again */
    camera_close(&c);
}

static void test_successive_frames_of_one_keyframe_are_alike(void **state)
{
    (void)state;
    /* a smooth picture that is only zoomed may change by little from frame to frame, also where the newer
     * one's border runs and when keyframes change places */
    struct camera *c = open_camera(&modern, 128, 72, NULL);
    struct frame f[2] = {new_frame(128, 72), new_frame(128, 72)};
    int most = 0;
    for (int z = 0, pushed = 0; z < 120; z++, camera_advance(c)) {
        while (camera_wants_keyframe(c))
            push(c, waves(64, 36, pushed++ * 25));
        camera_render(c, &f[z % 2]);
        for (int i = 0; z > 0 && i < 120 * 64; i++) {
            int at = (4 + i / 120) * f[0].strides[0] + 4 + i % 120;
            int change = abs(f[0].planes[0][at] - f[1].planes[0][at]);
            most = change > most ? change : most;
        }
    }
    assert_in_range(most, 1, 4);
    free_frame(&f[0]);
    free_frame(&f[1]);
    camera_close(&c);
}

/* The dream's next picture lies exactly on what the camera shows of the last one: when the newer keyframe is
 * only the older one warped, the change from one to the other cannot be seen. */
static void check_warp_against_camera(double x, double y)
{
    enum { W = 160, H = 90, N = 20 };
    struct camera_config config = classic;
    config.rotation = 10;
    config.zoom = 1.2;
    struct pool *pool;
    assert_int_equal(pool_open(&pool, 1), 0);
    struct keyframe older = waves(W, H, 0), newer = waves(W, H, N);
    image_warp(pool, older.rgb, newer.rgb, W, H,
               &(struct image_warp){{pow(camera_zoom_per_frame(&config, 25), N),
                                     camera_degrees_per_frame(&config, 25) * N, x, y},
                                    true});
    newer.x = x;
    newer.y = y;
    struct camera *alone = open_camera(&config, 2 * W, 2 * H, NULL),
                  *both = open_camera(&config, 2 * W, 2 * H, NULL);
    struct frame f[2] = {new_frame(2 * W, 2 * H), new_frame(2 * W, 2 * H)};
    push(both, older);
    assert_int_equal(camera_push(both, &newer), 0);
    older = waves(W, H, 0);
    older.x = x;
    older.y = y;
    push(alone, older);
    free(newer.rgb);
    int worst = 0;
    for (int n = 0; n <= N; n++, camera_advance(alone), camera_advance(both)) {
        camera_render(alone, &f[0]);
        camera_render(both, &f[1]);
        for (int i = 0; i < (2 * H - 20) * (2 * W - 20); i++) {
            int at = (10 + i / (2 * W - 20)) * f[0].strides[0] + 10 + i % (2 * W - 20);
            int off = abs(f[0].planes[0][at] - f[1].planes[0][at]);
            worst = off > worst ? off : worst;
        }
    }
    assert_in_range(worst, 0, 2);
    free_frame(&f[0]);
    free_frame(&f[1]);
    camera_close(&alone);
    camera_close(&both);
    pool_close(&pool);
}

static void test_the_dreams_warp_is_the_cameras(void **state)
{
    (void)state;
    check_warp_against_camera(0, 0);
    check_warp_against_camera(0.2, -0.15);
}

/* Where a keyframe says that it falls to, nothing moves; elsewhere everything does. A frame of another shape cuts the
 * picture and keeps the point. */
static void test_the_point_stands_still(void **state)
{
    (void)state;
    enum { W = 128, H = 128, OUT_W = 256, OUT_H = 192 };
    struct camera_config config = modern;
    config.zoom = 1.5;
    struct camera *c = open_camera(&config, OUT_W, OUT_H, NULL);
    struct keyframe k = waves(W, H, 0);
    k.x = 0.25;
    k.y = -0.125;
    push(c, k);
    struct frame before = new_frame(OUT_W, OUT_H), after = new_frame(OUT_W, OUT_H);
    camera_render(c, &before);
    for (int n = 0; n < 12; n++)
        camera_advance(c);
    camera_render(c, &after);
    int x = OUT_W / 2 + OUT_W / 4, y = OUT_H / 2 - OUT_W / 8; /* the picture is OUT_W high before it is cut */
    int there = y * before.strides[0] + x, moved = 0;
    assert_in_range(abs(before.planes[0][there] - after.planes[0][there]), 0, 3);
    for (int i = 0; i < OUT_W; i++)
        moved += abs(before.planes[0][i] - after.planes[0][i]) > 8;
    assert_true(moved > OUT_W / 4);
    free_frame(&before);
    free_frame(&after);
    camera_close(&c);
}

/* ---- odd input ---- */

static void test_broken_numbers_in_a_keyframe_do_no_harm(void **state)
{
    (void)state;
    struct camera *c = open_camera(&modern, 64, 36, NULL);
    struct keyframe k = flat(100, 0);
    for (int i = 0; i < 3 * 64 * 36; i++)
        k.rgb[i] = i % 5 == 0 ? NAN : i % 5 == 1 ? INFINITY : i % 5 == 2 ? -1e30f : 1e30f;
    push(c, k);
    struct frame f = new_frame(64, 36);
    camera_render(c, &f);
    check_canaries(&f);
    for (int i = 0; i < 64 * 36; i++)
        assert_in_range(f.planes[0][i / 64 * f.strides[0] + i % 64], 16, 235);
    free_frame(&f);
    camera_close(&c);
}

static void test_sizes(void **state)
{
    (void)state;
    struct camera *c;
    struct error e = {""};
    assert_int_equal(camera_open(&c, &(struct camera_params){&modern, 25, 0, 36, NULL}, &e), -EINVAL);
    assert_null(c);
    assert_non_null(strstr(e.text, "0 x 36"));
    assert_int_equal(camera_open(&c, &(struct camera_params){&modern, 0, 64, 36, NULL}, &e), -EINVAL);
    assert_int_equal(camera_open(&c, &(struct camera_params){&modern, 25, 64, 100000, NULL}, NULL), -EINVAL);
    camera_close(&c);

    c = open_camera(&modern, 64, 36, NULL);
    push(c, flat(255, 0));
    struct keyframe none = {.width_px = 0, .height_px = 36};
    assert_int_equal(camera_push(c, &none), -EINVAL);
    push(c, noise(2, 2, 10)); /* sizes may change from one to the next */
    push(c, noise(640, 3, 20));
    struct frame f = new_frame(64, 36);
    for (int i = 0; i < 15; i++, camera_advance(c))
        camera_render(c, &f);
    check_canaries(&f);
    free_frame(&f);
    camera_close(&c);
}

static void test_positions_far_apart_stay_in_bounds(void **state)
{
    (void)state;
    struct camera_config config = modern;
    config.zoom = 2;
    config.rotation = 30;
    for (int i = 0; i < 6; i++) {
        struct camera *c = open_camera(&config, 130, 74, NULL);
        struct frame f = new_frame(130, 74);
        push(c, noise(64, 36, 0));
        push(c, noise(64, 36, (int64_t[]){1, 3000, 1000000, -3000, -1000000, INT64_C(1) << 50}[i]));
        for (int n = 0; n < 30; n++, camera_advance(c))
            camera_render(c, &f);
        check_canaries(&f);
        free_frame(&f);
        camera_close(&c);
    }
}

static void test_the_dream_gets_the_same_geometry(void **state)
{
    (void)state;
    assert_true(fabs(pow(camera_zoom_per_frame(&modern, 25), 25) - 1.05) < 1e-12);
    assert_true(fabs(camera_degrees_per_frame(&modern, 25) - 0.01) < 1e-15);
    struct camera_config defaults;
    option_defaults(&camera_section, &defaults);
    assert_memory_equal(&defaults, &modern, sizeof defaults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classic_frames_follow_the_formula_of_2015),
        cmocka_unit_test(test_modern_frames_follow_their_formula),
        cmocka_unit_test(test_other_aspect_ratios_follow_the_formula),
        cmocka_unit_test(test_rotation_and_fast_zoom_follow_the_formula),
        cmocka_unit_test(test_large_keyframes_are_averaged),
        cmocka_unit_test(test_threads_change_no_byte),
        cmocka_unit_test(test_black_and_still_before_the_first_keyframe),
        cmocka_unit_test(test_one_late_keyframe_makes_no_other_late),
        cmocka_unit_test(test_the_caption_follows_what_prevails),
        cmocka_unit_test(test_a_late_keyframe_does_not_jump),
        cmocka_unit_test(test_without_keyframes_it_lingers_then_stands_still),
        cmocka_unit_test(test_successive_frames_of_one_keyframe_are_alike),
        cmocka_unit_test(test_the_dreams_warp_is_the_cameras),
        cmocka_unit_test(test_the_point_stands_still),
        cmocka_unit_test(test_broken_numbers_in_a_keyframe_do_no_harm),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_positions_far_apart_stay_in_bounds),
        cmocka_unit_test(test_the_dream_gets_the_same_geometry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
