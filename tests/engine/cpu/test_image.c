/*
 * image: resampling and its transpose, pyramid and warp against what they should do, written out plainly; the
 * same bytes from any number of threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "common/rng.h"
#include "engine/cpu/image_kernels.h"
#include "engine/cpu/image_pyramid.h"
#include "engine/cpu/image_resample.h"
#include "engine/cpu/image_warp.h"
#include "tests/common/normal.h"

static float *noise(int w, int h, uint64_t seed)
{
    size_t n = 3 * (size_t)w * (size_t)h;
    float *x = xmalloc(n * sizeof *x);
    struct rng r = rng_make(seed, 2);
    for (size_t i = 0; i < n; i++)
        x[i] = 20 * rng_normal(&r) + 100;
    return x;
}

static int mirrored(int i, int n)
{
    while (i < 0 || i >= n)
        i = i < 0 ? -1 - i : 2 * n - 1 - i;
    return i;
}

/* One view pixel by the definition: a two-dimensional triangle around its place. */
static double view_pixel(const float *plane, int w, int h, const struct image_view *v, int i, int j)
{
    double x = (i + 0.5 - v->offset_x) / v->scale - 0.5, y = (j + 0.5 - v->offset_y) / v->scale - 0.5;
    double radius = v->scale < 1 ? 1 / v->scale : 1, sum = 0, weights = 0;
    for (int b = (int)floor(y - radius); b <= y + radius + 1; b++)
        for (int a = (int)floor(x - radius); a <= x + radius + 1; a++) {
            double k = fmax(0, 1 - fabs(a - x) / radius) * fmax(0, 1 - fabs(b - y) / radius);
            sum += k * plane[mirrored(b, h) * w + mirrored(a, w)];
            weights += k;
        }
    return sum / weights;
}

static const struct image_view views[] = {
    {50, 40, 1, 0, 0},          {64, 64, 1, 9, 14},   {40, 32, 0.5, 7.25, 3.5},
    {32, 32, 0.26, 10, 11.125}, {70, 60, 1.3, 2, -5}, {33, 17, 0.2, 0.5, -20},
};

static void views_follow_the_definition(void **state)
{
    (void)state;
    enum { W = 50, H = 40 };
    struct pool *pool;
    struct image_resampler *r;
    struct error e;
    assert_int_equal(pool_open(&pool, 2), 0);
    assert_int_equal(
        image_resampler_open(&r, pool, &(struct image_resampler_params){W, H, 70, 64, 0.2, false}, &e), 0);
    float *x = noise(W, H, 1);
    for (size_t k = 0; k < ARRAY_LEN(views); k++) {
        const struct image_view *v = &views[k];
        float *out = noise(v->width_px, v->height_px, 2);
        image_view_plan(r, v);
        image_view_sample(r, x, out);
        for (int c = 0; c < 3; c++)
            for (int j = 0; j < v->height_px; j++)
                for (int i = 0; i < v->width_px; i++) {
                    double expected = view_pixel(x + c * W * H, W, H, v, i, j);
                    double got = out[(c * v->height_px + j) * v->width_px + i];
                    if (fabs(got - expected) > 2e-3)
                        fail_msg("view %zu, pixel %d,%d,%d: %f, not %f", k, c, i, j, got, expected);
                }
        free(out);
    }
    free(x);
    image_resampler_close(&r);
    pool_close(&pool);
}

/* <A x, y> = <x, A' y> for all x and y says that one is the other's transpose. */
static void adjoint_is_the_transpose(void **state)
{
    (void)state;
    enum { W = 50, H = 40 };
    struct pool *pool;
    struct image_resampler *r;
    struct error e;
    assert_int_equal(pool_open(&pool, 2), 0);
    assert_int_equal(
        image_resampler_open(&r, pool, &(struct image_resampler_params){W, H, 70, 64, 0.2, false}, &e), 0);
    float *x = noise(W, H, 3), *back = noise(W, H, 4);
    for (size_t k = 0; k < ARRAY_LEN(views); k++) {
        const struct image_view *v = &views[k];
        int n = 3 * v->width_px * v->height_px;
        float *y = noise(v->width_px, v->height_px, 5), *out = noise(v->width_px, v->height_px, 6);
        for (int i = 0; i < n; i++)
            y[i] -= 100;
        image_view_plan(r, v);
        image_view_sample(r, x, out);
        image_view_adjoint(r, y, back);
        double there = 0, here = 0, size = 0;
        for (int i = 0; i < n; i++) {
            there += (double)out[i] * (double)y[i];
            size += fabs((double)out[i] * (double)y[i]);
        }
        for (int i = 0; i < 3 * W * H; i++)
            here += (double)x[i] * (double)back[i];
        if (fabs(there - here) > 1e-5 * size)
            fail_msg("view %zu: %g, not %g", k, here, there);
        free(out);
        free(y);
    }
    free(back);
    free(x);
    image_resampler_close(&r);
    pool_close(&pool);
}

static double plane_rms(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum / n);
}

/* A fine stripe of 5 on a coarse wave of 100 (200 times the power): afterwards the stripe is one
 * of four bands. */
static void pyramid_evens_out_octaves(void **state)
{
    (void)state;
    enum { W = 101, H = 75, N = 3 * W * H };
    struct pool *pool;
    struct image_pyramid *p;
    struct error e;
    assert_int_equal(pool_open(&pool, 2), 0);
    assert_int_equal(image_pyramid_open(&p, pool, W, H, &e), 0);
    float *x = xmalloc(N * sizeof *x), *same = xmalloc(N * sizeof *same);
    for (int i = 0; i < N; i++) {
        x[i] = 100 * sinf((float)(i % W) * 0.2f) + (i % W % 2 ? 5 : -5);
        same[i] = 512 * x[i];
    }
    image_pyramid_normalise(p, x, W, H, &(struct image_octaves){.levels = 4, .gain = 1, .finest_gain = 1});
    image_pyramid_normalise(p, same, W, H, &(struct image_octaves){.levels = 4, .gain = 1, .finest_gain = 1});
    for (int i = 0; i < N; i++)
        assert_float_equal(x[i], same[i], 1e-3);
    double fine = 0, coarse = 0;
    for (int i = 0; i + 1 < W; i++) {
        float d = x[30 * W + i + 1] - x[30 * W + i], s = x[30 * W + i + 1] + x[30 * W + i];
        fine += (double)(d * d);
        coarse += (double)(s * s);
    }
    if (fine < coarse / 12 || fine > coarse)
        fail_msg("power of the stripe %g, of the wave %g", fine, coarse);
    assert_true(plane_rms(x, N) > 0.8 && plane_rms(x, N) < 4.5);
    free(same);
    free(x);

    float zero[3 * 8 * 8] = {0};
    image_pyramid_normalise(p, zero, 8, 8,
                            &(struct image_octaves){.levels = 5, .gain = 1.6, .finest_gain = 1});
    for (int i = 0; i < 3 * 8 * 8; i++)
        assert_true(zero[i] == 0);
    image_pyramid_close(&p);
    pool_close(&pool);
}

/* One band, and bands whose factors are all alike, must give the picture back, scaled. */
static void pyramid_keeps_what_it_takes_apart(void **state)
{
    (void)state;
    enum { W = 43, H = 38, N = 3 * W * H };
    struct pool *pool;
    struct image_pyramid *p;
    struct error e;
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_int_equal(image_pyramid_open(&p, pool, W, H, &e), 0);
    float *x = noise(W, H, 1), *copy = noise(W, H, 1);
    double size = plane_rms(x, N);
    image_pyramid_normalise(p, x, W, H, &(struct image_octaves){.levels = 1, .gain = 1.6, .finest_gain = 1});
    for (int i = 0; i < N; i++)
        assert_float_equal(x[i] * size, copy[i], 1e-2);
    free(x);
    free(copy);
    image_pyramid_close(&p);
    pool_close(&pool);
}

static void warp_maps_places_as_the_camera_does(void **state)
{
    (void)state;
    enum { W = 60, H = 44, N = 3 * W * H };
    struct pool *pool;
    assert_int_equal(pool_open(&pool, 2), 0);
    float *x = noise(W, H, 1), *out = noise(W, H, 2);
    image_warp(pool, x, out, W, H, &(struct image_warp){{1, 0, 0, 0}, false});
    for (int i = 0; i < N; i++)
        assert_float_equal(out[i], x[i], 1e-4);

    /* Ramps: plane 0 holds its own column, plane 1 its row, so the output says where it came from. */
    for (int i = 0; i < W * H; i++) {
        x[i] = (float)(i % W);
        x[W * H + i] = (float)(i / W);
    }
    double zoom = 1.3, degrees = 9, a = -degrees * M_PI / 180;
    image_warp(pool, x, out, W, H, &(struct image_warp){{zoom, degrees, 0, 0}, true});
    for (int j = 5; j < H - 5; j++)
        for (int i = 5; i < W - 5; i++) {
            double u = i - W / 2.0, v = j - H / 2.0;
            assert_float_equal(out[j * W + i], (cos(a) * u - sin(a) * v) / zoom + W / 2.0, 1e-3);
            assert_float_equal(out[W * H + j * W + i], (sin(a) * u + cos(a) * v) / zoom + H / 2.0, 1e-3);
        }
    image_warp(pool, x, out, W, H, &(struct image_warp){{zoom, degrees, 0.2, -0.25}, true});
    for (int j = 8; j < H / 2; j++)
        for (int i = 8; i < W - 5; i++) {
            double u = i - 0.7 * W, v = j - 0.25 * H;
            assert_float_equal(out[j * W + i], (cos(a) * u - sin(a) * v) / zoom + 0.7 * W, 1e-3);
            assert_float_equal(out[W * H + j * W + i], (sin(a) * u + cos(a) * v) / zoom + 0.25 * H, 1e-3);
        }
    image_warp(pool, x, out, W, H,
               &(struct image_warp){{0.5, 0, 0, 0}, true}); /* zooming out: edges are repeated */
    assert_float_equal(out[0], 0, 1e-4);
    assert_float_equal(out[W - 1], W - 1, 1e-3);
    free(out);
    free(x);
    pool_close(&pool);
}

/* Item 41 of 2015: p_in = R(theta) / zoom * (p_out - size / 2) + size / 2 with theta = -0.01
 * degrees a frame, the cubic of scikit-image (its cubic_interpolation, through rows, then columns),
 * edges repeated, clipped. */
static double cubic_2015(double x, const double f[4])
{
    return f[1] + 0.5 * x *
                      (f[2] - f[0] +
                       x * (2 * f[0] - 5 * f[1] + 4 * f[2] - f[3] + x * (3 * (f[1] - f[2]) + f[3] - f[0])));
}

static double warped_2015(const float *plane, int w, int h, double zoom, double theta, int i, int j)
{
    double u = i - w / 2.0, v = j - h / 2.0;
    double x = (cos(theta) * u - sin(theta) * v) / zoom + w / 2.0;
    double y = (sin(theta) * u + cos(theta) * v) / zoom + h / 2.0;
    int x0 = (int)floor(x), y0 = (int)floor(y);
    double rows[4], values[4];
    for (int b = 0; b < 4; b++) {
        int py = y0 - 1 + b < 0 ? 0 : y0 - 1 + b >= h ? h - 1 : y0 - 1 + b;
        for (int a = 0; a < 4; a++) {
            int px = x0 - 1 + a < 0 ? 0 : x0 - 1 + a >= w ? w - 1 : x0 - 1 + a;
            values[a] = (double)plane[py * w + px];
        }
        rows[b] = cubic_2015(x - x0, values);
    }
    return fmin(fmax(cubic_2015(y - y0, rows), 0), 255);
}

static void warp_is_that_of_2015(void **state)
{
    (void)state;
    enum { W = 97, H = 63 };
    struct pool *pool;
    assert_int_equal(pool_open(&pool, 2), 0);
    float *x = noise(W, H, 8), *out = noise(W, H, 9);
    for (int i = 0; i < 3 * W * H; i++)
        x[i] = fminf(fmaxf(100 + 4 * (x[i] - 100), 0), 255); /* full contrast: overshoots are clipped */
    static const int frames[] = {1, 11, 250};
    for (size_t k = 0; k < ARRAY_LEN(frames); k++) {
        double zoom = pow(1.05, frames[k] / 25.0), degrees = 0.01 * frames[k], worst = 0;
        image_warp(pool, x, out, W, H, &(struct image_warp){{zoom, degrees, 0, 0}, true});
        for (int c = 0; c < 3; c++)
            for (int j = 0; j < H; j++)
                for (int i = 0; i < W; i++) {
                    double should = warped_2015(x + c * W * H, W, H, zoom, -degrees * M_PI / 180, i, j);
                    worst = fmax(worst, fabs((double)out[(c * H + j) * W + i] - should));
                }
        if (worst > 0.01) /* of 255 */
            fail_msg("%d frames on: off by %g levels", frames[k], worst);
    }
    free(out);
    free(x);
    pool_close(&pool);
}

static void noise_is_what_it_says(void **state)
{
    (void)state;
    enum { N = 200000 };
    float *x = xcalloc(N, sizeof *x);
    image_row_noise(x, N, 12345, 7);
    double sum = 0, square = 0, neighbours = 0;
    for (int i = 0; i < N; i++) {
        sum += (double)x[i];
        square += (double)x[i] * (double)x[i];
        neighbours += i ? (double)x[i] * (double)x[i - 1] : 0;
    }
    assert_float_equal(sum / N, 0, 0.1);
    assert_float_equal(sqrt(square / N), 7, 0.1);
    assert_float_equal(neighbours / N, 0, 0.5);
    free(x);
}

static void updates_notice_bad_numbers(void **state)
{
    (void)state;
    enum { N = 37 };
    float x[3][N], m[3][N];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < N; i++) {
            x[c][i] = 100.3f;
            m[c][i] = 0.7f;
        }
    float *const rows[3] = {x[0], x[1], x[2]};
    const float *const moves[3] = {m[0], m[1], m[2]};
    struct image_step step = {.step = 2};
    struct image_sums sums = {0};
    m[1][33] = 1000;
    image_row_update(rows, moves, N, &step, &sums);
    assert_float_equal(x[0][36], 101.7, 1e-4);
    assert_float_equal(x[1][33], 255, 0);
    assert_float_equal(sums.extreme, 1, 0);
    assert_float_equal(sums.bad, 0, 0);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        m[2][i * 18] = bad[i];
        sums = (struct image_sums){0};
        image_row_update(rows, moves, N, &step, &sums);
        assert_true(sums.bad > 0);
        m[2][i * 18] = 0;
        x[2][i * 18] = 50;
    }
}

/* 100 levels off its grey where 80 are the limit: a tenth of the excess goes back, and no more is touched. */
static void updates_bend_glare_back(void **state)
{
    (void)state;
    enum { N = 19 };
    float x[3][N], m[3][N] = {{0}};
    for (int i = 0; i < N; i++) {
        x[0][i] = i == 18 ? 200 : 150;
        x[1][i] = i == 18 ? 50 : 100;
        x[2][i] = i == 18 ? 50 : 80;
    }
    float *const rows[3] = {x[0], x[1], x[2]};
    const float *const still[3] = {m[0], m[1], m[2]};
    struct image_sums sums = {0};
    const struct image_step step = {.glare = 80, .glare_pull = 0.1f};
    image_row_update(rows, still, N, &step, &sums);
    assert_float_equal(x[0][18], 200 - 0.1 * 20, 1e-4);
    assert_float_equal(x[1][18], 50, 1e-4);
    for (int i = 0; i < 18; i++)
        assert_true(x[0][i] == 150 && x[1][i] == 100 && x[2][i] == 80);
    for (int i = 0; i < N; i++) { /* and too little of a colour */
        x[0][i] = x[1][i] = 200;
        x[2][i] = 20;
    }
    image_row_update(rows, still, N, &step, &sums);
    assert_float_equal(x[2][7], 20 + 0.1 * 40, 1e-4);
    assert_float_equal(x[0][7], 200, 1e-4);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    enum { W = 90, H = 70, V = 64 };
    float *x = noise(W, H, 1), *first = NULL;
    struct error e;
    for (int threads = 1; threads <= 3; threads++) {
        struct pool *pool;
        struct image_resampler *r;
        struct image_pyramid *p;
        assert_int_equal(pool_open(&pool, threads), 0);
        assert_int_equal(
            image_resampler_open(&r, pool, &(struct image_resampler_params){W, H, V, V, 0.25, false}, &e), 0);
        assert_int_equal(image_pyramid_open(&p, pool, V, V, &e), 0);
        float *view = noise(V, V, 2), *back = noise(W, H, 2), *turned = noise(W, H, 3);
        image_view_plan(r, &(struct image_view){V, V, 0.4, 3.3, 7.7});
        image_view_sample(r, x, view);
        image_pyramid_normalise(p, view, V, V,
                                &(struct image_octaves){.levels = 4, .gain = 1.5, .finest_gain = 0.5});
        image_view_adjoint(r, view, back);
        image_warp(pool, back, turned, W, H, &(struct image_warp){{1.01, 0.1, 0, 0}, false});
        if (first)
            assert_memory_equal(turned, first, 3 * W * H * sizeof *first);
        free(first);
        first = turned;
        free(view);
        free(back);
        image_pyramid_close(&p);
        image_resampler_close(&r);
        pool_close(&pool);
    }
    free(first);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_follow_the_definition),
        cmocka_unit_test(adjoint_is_the_transpose),
        cmocka_unit_test(pyramid_evens_out_octaves),
        cmocka_unit_test(pyramid_keeps_what_it_takes_apart),
        cmocka_unit_test(warp_maps_places_as_the_camera_does),
        cmocka_unit_test(warp_is_that_of_2015),
        cmocka_unit_test(noise_is_what_it_says),
        cmocka_unit_test(updates_notice_bad_numbers),
        cmocka_unit_test(updates_bend_glare_back),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
