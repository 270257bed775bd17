/*
 * The formulas that several rooms share: BT.709's numbers against its two defining ones, Catmull-Rom's weights against what makes them a spline, waits between tries against their bounds.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "common/backoff.h"
#include "common/colour.h"
#include "common/spline.h"

static void colours_are_those_of_bt709(void **state)
{
    (void)state;
    const double red = COLOUR_LUMA(double, 1, 0, 0), blue = COLOUR_LUMA(double, 0, 0, 1);
    assert_true(red == 0.2126 && blue == 0.0722);
    assert_true(fabs(COLOUR_LUMA(double, 1, 1, 1) - 1) < 1e-15);
    assert_true(fabs(COLOUR_CB_RANGE(double) - 2 * (1 - blue)) < 1e-15);
    assert_true(fabs(COLOUR_CR_RANGE(double) - 2 * (1 - red)) < 1e-15);
    assert_int_equal(COLOUR_Y_STEPS, 219);
    assert_int_equal(COLOUR_C_STEPS, 224);
    assert_int_equal(COLOUR_GREY_C, (COLOUR_C_MIN + COLOUR_C_MAX) / 2);
}

/* Asked for in float they are the numbers that a literal with f would be: arithmetic has not changed with them. */
static void float_constants_are_the_nearest(void **state)
{
    (void)state;
    assert_true(COLOUR_LUMA(float, 1, 0, 0) == 0.2126f);
    assert_true(COLOUR_LUMA(float, 0, 1, 0) == 0.7152f);
    assert_true(COLOUR_LUMA(float, 0, 0, 1) == 0.0722f);
    assert_true(COLOUR_CB_RANGE(float) == 1.8556f);
    assert_true(COLOUR_CR_RANGE(float) == 1.5748f);
    assert_int_equal(sizeof COLOUR_LUMA(float, 1.0f, 1.0f, 1.0f), sizeof(float));
}

/* Neighbours that lie on a parabola: the spline goes through it (it is exact up to the second degree). */
static void splines_follow_parabolas(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++) {
        double t = i / 64.0, w[4], sum = 0, at = 0, on = 0;
        float narrow[4];
        spline_weights(t, w);
        spline_weights_float((float)t, narrow);
        for (int k = 0; k < 4; k++) {
            double x = k - 1;
            sum += w[k];
            at += w[k] * x;
            on += w[k] * (3 * x * x - 2 * x + 1);
            assert_true(fabs(w[k] - (double)narrow[k]) < 1e-6);
        }
        assert_true(fabs(sum - 1) < 1e-12);
        assert_true(fabs(at - t) < 1e-12);
        assert_true(fabs(on - (3 * t * t - 2 * t + 1)) < 1e-12);
    }
}

static void splines_meet_their_points(void **state)
{
    (void)state;
    double w[4];
    spline_weights(0, w);
    assert_true(w[0] == 0 && w[1] == 1 && w[2] == 0 && w[3] == 0);
    spline_weights(0.5, w);
    assert_true(w[0] == -0.0625 && w[1] == 0.5625 && w[2] == 0.5625 && w[3] == -0.0625);
}

static void waits_double_up_to_the_most(void **state)
{
    (void)state;
    struct rng rng = rng_make(1, 1);
    int64_t centre = 500000, low = INT64_MAX, high = 0;
    for (int failures = 0; failures < 100; failures++) {
        for (int i = 0; i < 200; i++) {
            int64_t us = backoff_us(&rng, failures, 500000, 30000000);
            assert_true(us >= centre * 3 / 4 && us <= centre * 5 / 4);
            low = us < low ? us : low;
            high = us > high ? us : high;
        }
        centre = 2 * centre < 30000000 ? 2 * centre : 30000000;
    }
    assert_true(low < 400000 && high > 36000000);                             /* chance has used its room */
    assert_true(backoff_us(&rng, 1000000, INT64_MAX / 4, INT64_MAX / 2) > 0); /* no overflow on the way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_are_those_of_bt709),  cmocka_unit_test(float_constants_are_the_nearest),
        cmocka_unit_test(splines_follow_parabolas),    cmocka_unit_test(splines_meet_their_points),
        cmocka_unit_test(waits_double_up_to_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
