/*
 * The governor's promises: enough frames for the measured cost, never rarer than allowed, constants offline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dreamer/governor.h"

static void test_offline_is_constant(void **state)
{
    (void)state;
    struct governor g;
    governor_init(&g, true, 10, 25, 25, 25);
    for (int i = 0; i < 5; i++) {
        struct governor_plan p = governor_next(&g, 25 * i, 1000 * i);
        assert_int_equal(p.frames, 25);
        assert_int_equal(p.steps, 10);
        governor_measure(&g, 10, 1e6 * (i + 1), 1e5);
    }
}

static void test_first_live_keyframe_is_quick(void **state)
{
    (void)state;
    struct governor g;
    governor_init(&g, false, 10, 25, 5, 50);
    struct governor_plan p = governor_next(&g, 0, 0);
    assert_true(p.steps <= 2);
    assert_in_range(p.frames, 5, 50);
}

static void test_interval_covers_the_cost(void **state)
{
    (void)state;
    struct governor g;
    governor_init(&g, false, 10, 25, 5, 50);
    governor_measure(&g, 10, 1000000, 100000); /* 1.1 s for a keyframe: 27.5 frames */
    struct governor_plan p = governor_next(&g, 100, 90);
    assert_int_equal(p.steps, 10);
    assert_in_range(p.frames, 28, 34);
}

static void test_fast_machines_keep_the_least_distance(void **state)
{
    (void)state;
    struct governor g;
    governor_init(&g, false, 10, 25, 5, 50);
    governor_measure(&g, 10, 1000, 100);
    assert_int_equal(governor_next(&g, 100, 90).frames, 5);
}

static void test_slow_machines_give_up_steps(void **state)
{
    (void)state;
    struct governor g;
    governor_init(&g, false, 10, 25, 5, 50);
    governor_measure(&g, 10, 3900000,
                     50000); /* 0.4 s a step: at most four in two seconds, reserve included */
    struct governor_plan p = governor_next(&g, 100, 90);
    assert_int_equal(p.steps, 4);
    assert_true(p.frames <= 50);

    governor_init(&g, false, 10, 25, 5, 50);
    governor_measure(&g, 1, 9000000,
                     0); /* one step takes longer than allowed: still one, and honest about it */
    p = governor_next(&g, 100, 90);
    assert_int_equal(p.steps, 1);
    assert_true(p.frames >= 225);
}

static void test_aims_ahead_of_a_camera_that_has_passed(void **state)
{
    (void)state;
    struct governor g;
    governor_init(&g, false, 10, 25, 5, 50);
    governor_measure(&g, 10, 400000, 0);
    int on_time = governor_next(&g, 100, 100).frames;
    assert_int_equal(governor_next(&g, 100, 130).frames, on_time + 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offline_is_constant),
        cmocka_unit_test(test_first_live_keyframe_is_quick),
        cmocka_unit_test(test_interval_covers_the_cost),
        cmocka_unit_test(test_fast_machines_keep_the_least_distance),
        cmocka_unit_test(test_slow_machines_give_up_steps),
        cmocka_unit_test(test_aims_ahead_of_a_camera_that_has_passed),
    };
    return cmocka_run_group_tests_name("governor", tests, NULL, NULL);
}
