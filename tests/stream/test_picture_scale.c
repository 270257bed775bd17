/*
 * Resizing of still pictures: areas are averaged, ramps stay ramps, no level leaves its range.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "stream/picture.h"

static void test_shrinking_averages_areas(void **state)
{
    (void)state;
    float in[3 * 4 * 6], out[3 * 2 * 2];
    for (int i = 0; i < 72; i++)
        in[i] = (float)(i * 37 % 256);
    assert_int_equal(picture_scale(in, 6, 4, out, 2, 2), 0);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 4; i++) {
            double sum = 0;
            for (int k = 0; k < 6; k++)
                sum += in[c * 24 + (i / 2 * 2 + k / 3) * 6 + i % 2 * 3 + k % 3] / 6;
            assert_true(fabs(out[c * 4 + i] - sum) < 1e-3);
        }
    float odd[3 * 2]; /* 3 -> 2: one and a half pixels each */
    assert_int_equal(picture_scale((float[]){0, 90, 30, 9, 9, 9, 255, 0, 255}, 3, 1, odd, 2, 1), 0);
    assert_true(fabs(odd[0] - 30) < 1e-3 && fabs(odd[1] - 50) < 1e-3 && fabs(odd[2] - 9) < 1e-3);
    assert_true(fabs(odd[4] - 170) < 1e-3 && fabs(odd[5] - 170) < 1e-3);
}

static void test_growing_keeps_ramps_and_the_centre(void **state)
{
    (void)state;
    enum { W = 20, H = 6, OUT_W = 50, OUT_H = 6 };
    float in[3 * W * H], out[3 * OUT_W * OUT_H];
    for (int i = 0; i < 3 * W * H; i++)
        in[i] = (float)(10 + 10 * (i % W));
    assert_int_equal(picture_scale(in, W, H, out, OUT_W, OUT_H), 0);
    for (int i = 0; i < 3 * OUT_W * OUT_H; i++) {
        double x = (i % OUT_W + 0.5) * W / OUT_W - 0.5;
        if (x > 1 && x < W - 2)
            assert_true(fabs(out[i] - (10 + 10 * x)) < 1e-3);
    }
}

static void test_scaling_bounds(void **state)
{
    (void)state;
    static const int sizes[][4] = {{1, 1, 9, 9}, {9, 9, 1, 1},   {2, 3, 3, 2},
                                   {7, 5, 7, 5}, {3, 40, 40, 3}, {17, 2, 16, 2}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const int *s = sizes[i];
        int n = 3 * s[0] * s[1], m = 3 * s[2] * s[3];
        float *in = xmalloc(sizeof *in * (size_t)n), *out = xmalloc(sizeof *out * (size_t)m);
        for (int k = 0; k < n; k++)
            in[k] = 77;
        assert_int_equal(picture_scale(in, s[0], s[1], out, s[2], s[3]), 0);
        for (int k = 0; k < m; k++)
            assert_true(fabs(out[k] - 77) < 1e-3); /* one colour stays that colour */
        for (int k = 0; k < n; k++)
            in[k] = k * 31 % 7 < 3 ? 0 : 255;
        assert_int_equal(picture_scale(in, s[0], s[1], out, s[2], s[3]), 0);
        for (int k = 0; k < m; k++)
            assert_true(out[k] >= 0 && out[k] <= 255);
        if (s[0] == s[2] && s[1] == s[3])
            for (int k = 0; k < n; k++)
                assert_true(fabs(in[k] - out[k]) < 1e-3);
        free(in);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrinking_averages_areas),
        cmocka_unit_test(test_growing_keeps_ramps_and_the_centre),
        cmocka_unit_test(test_scaling_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
