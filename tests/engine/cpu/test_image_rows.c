/*
 * test_image_rows - kernels that name their vectors, against plain loops of the same formula: to the bit where the
 * compiler contracts nothing (x86-64 without extensions), within rounding elsewhere.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/rng.h"
#include "engine/cpu/image_kernels.h"
#include "engine/cpu/prior_kernels.h"

enum { WIDTH_MAX = 67, LANES = 16, POOL_MAX = 5, GUARD = 3 };

#if defined(__x86_64__)
static const double tolerance = 0;
#else
static const double tolerance = 2e-5;
#endif

static void assert_same(const float *a, const float *b, int n, const char *what, int width)
{
    for (int i = 0; i < n; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= tolerance * fmax(1, fabs((double)b[i]))))
            fail_msg("%s of %d: number %d is %.9g, not %.9g", what, width, i, (double)a[i], (double)b[i]);
}

static float plain_settle(float v, float delta, float grey, const struct image_step *s)
{
    v += delta + s->shift + s->contrast * (s->centre - v) + s->chroma * (grey - v);
    float up = v - grey - s->glare, down = grey - v - s->glare;
    v -= s->glare_pull * (up > 0 ? up : 0);
    v += s->glare_pull * (down > 0 ? down : 0);
    float over = v - (255.0f - s->margin), under = s->margin - v;
    v -= s->margin_pull * (over > 0 ? over : 0);
    v += s->margin_pull * (under > 0 ? under : 0);
    v = v < 0 ? 0 : v;
    return v > 255 ? 255 : v;
}

static double added(const float lanes[LANES])
{
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += (double)lanes[k];
    return sum;
}

static void plain_update(float x[3][WIDTH_MAX + GUARD], float m[3][WIDTH_MAX + GUARD], int n,
                         const struct image_step *s, struct image_sums *sums)
{
    float mean[LANES] = {0}, square[LANES] = {0}, chroma[LANES] = {0}, extreme[LANES] = {0};
    for (int i = 0; i < n; i++) {
        int k = i % LANES;
        float grey = (x[0][i] + x[1][i] + x[2][i]) * (1.0f / 3.0f), d[3];
        for (int c = 0; c < 3; c++)
            x[c][i] = plain_settle(x[c][i], s->step * m[c][i], grey, s);
        grey = (x[0][i] + x[1][i] + x[2][i]) * (1.0f / 3.0f);
        for (int c = 0; c < 3; c++)
            d[c] = x[c][i] - grey;
        mean[k] += grey;
        square[k] += grey * grey;
        chroma[k] += (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) * (1.0f / 3.0f);
        float beyond = 0;
        for (int c = 0; c < 3; c++)
            beyond += x[c][i] < 4 || x[c][i] > 251 ? 1.0f : 0;
        extreme[k] += beyond;
    }
    sums->mean += added(mean);
    sums->square += added(square);
    sums->chroma += added(chroma);
    sums->extreme += added(extreme);
}

static void the_update_is_the_plain_formula(void **state)
{
    (void)state;
    const struct image_step step = {.step = 1.7f,
                                    .shift = 0.3f,
                                    .centre = 117,
                                    .contrast = -0.01f,
                                    .chroma = 0.03f,
                                    .margin = 24,
                                    .margin_pull = 0.25f,
                                    .glare = 60,
                                    .glare_pull = 0.1f};
    struct rng r = rng_make(5, 0);
    for (int n = 1; n <= WIDTH_MAX; n++) {
        float x[3][WIDTH_MAX + GUARD], m[3][WIDTH_MAX + GUARD], expected[3][WIDTH_MAX + GUARD];
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < WIDTH_MAX + GUARD; i++) {
                x[c][i] = 255 * rng_uniform(&r);
                m[c][i] = 120 * rng_uniform(&r) - 60;
            }
        memcpy(expected, x, sizeof x);
        struct image_sums sums = {.mean = 3}, expected_sums = {.mean = 3};
        image_row_update((float *const[]){x[0], x[1], x[2]}, (const float *const[]){m[0], m[1], m[2]}, n,
                         &step, &sums);
        plain_update(expected, m, n, &step, &expected_sums);
        for (int c = 0; c < 3; c++)
            assert_same(x[c], expected[c], WIDTH_MAX + GUARD, "update", n); /* nothing behind the row */
        const float got[] = {(float)sums.mean, (float)sums.square, (float)sums.chroma, (float)sums.extreme};
        const float want[] = {(float)expected_sums.mean, (float)expected_sums.square,
                              (float)expected_sums.chroma, (float)expected_sums.extreme};
        assert_same(got, want, 4, "sums", n);
        assert_true(sums.bad == 0);
    }
}

static void pools_are_plain_means(void **state)
{
    (void)state;
    enum { PITCH = WIDTH_MAX * POOL_MAX };
    static float in[POOL_MAX * PITCH], spread[POOL_MAX * PITCH], expected_spread[POOL_MAX * PITCH];
    struct rng r = rng_make(6, 0);
    for (int i = 0; i < POOL_MAX * PITCH; i++)
        in[i] = 255 * rng_uniform(&r);
    for (int p = 1; p <= POOL_MAX; p++)
        for (int n = 1; n <= WIDTH_MAX; n++) {
            float out[WIDTH_MAX + GUARD] = {0}, expected[WIDTH_MAX + GUARD] = {0};
            const float part = 1.0f / (float)(p * p);
            prior_pool_row(in, PITCH, p, n, out);
            memcpy(spread, in, sizeof in);
            memcpy(expected_spread, in, sizeof in);
            for (int x = 0; x < n; x++) {
                float sum = 0;
                for (int i = 0; i < p * p; i++)
                    sum += in[i / p * PITCH + x * p + i % p];
                expected[x] = sum * part;
                for (int i = 0; i < p * p; i++)
                    expected_spread[i / p * PITCH + x * p + i % p] += expected[x] * part;
            }
            assert_same(out, expected, WIDTH_MAX + GUARD, "pool", n);
            prior_unpool_row(expected, n, p, spread, PITCH);
            assert_same(spread, expected_spread, POOL_MAX * PITCH, "unpool", n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_update_is_the_plain_formula),
        cmocka_unit_test(pools_are_plain_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
