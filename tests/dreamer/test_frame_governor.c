/*
 * The frame governor's promises: it holds 15 % in reserve, gives steps up at once and takes them back slowly,
 * is not moved by one stall, and knows when it is beaten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dreamer/frame_governor.h"

enum { FPS = 30, PERIOD_US = 33333, MANY = 2000 };

static struct frame_governor live(int steps_max)
{
    struct frame_governor g;
    frame_governor_init(&g, false, steps_max, FPS);
    return g;
}

/* `frames` frames on a machine where a step costs so much. Returns how often the number changed. */
static int run(struct frame_governor *g, int frames, double step_us, double rest_us)
{
    int changes = 0;
    for (int i = 0; i < frames; i++)
        changes += frame_governor_measure(g, g->steps, g->steps * step_us, rest_us);
    return changes;
}

static void test_takes_what_fits_with_the_reserve(void **state)
{
    (void)state;
    for (int step_us = 500; step_us < 30000; step_us += 700) {
        struct frame_governor g = live(100);
        run(&g, MANY, step_us, 2000);
        double used = (g.steps * step_us + 2000.0) / PERIOD_US;
        assert_true(used <= 0.85 || g.steps == 1);
        /* no step more would have left the reserve, but for the gap that keeps it from swinging */
        assert_true(used + (double)step_us / PERIOD_US > 0.80);
    }
}

static void test_never_more_than_wanted_nor_less_than_one(void **state)
{
    (void)state;
    struct frame_governor g = live(4);
    assert_int_equal(g.steps, 1); /* the first frame: nothing is known */
    run(&g, MANY, 10, 10);
    assert_int_equal(g.steps, 4);
    run(&g, 2, 1e6, 0); /* once may be a stall; twice is not */
    assert_int_equal(g.steps, 1);
}

static void test_gives_up_at_once_and_takes_back_slowly(void **state)
{
    (void)state;
    struct frame_governor g = live(100);
    run(&g, MANY, 5000, 1000);
    assert_int_equal(g.steps, 5);
    int frames = 0;
    for (; frames < 10 && g.steps > 2; frames++)
        run(&g, 1, 10000, 1000);
    assert_in_range(frames, 1, 8);
    run(&g, 300, 10000, 1000);
    assert_int_equal(g.steps, 2);
    for (frames = 0; g.steps == 2 && frames < 1000; frames++)
        run(&g, 1, 5000, 1000);
    assert_in_range(frames, FPS / 2, 3 * FPS);
}

static void test_does_not_swing(void **state)
{
    (void)state;
    struct frame_governor g = live(100);
    run(&g, 300, 5600, 0); /* five take 84 % of the time: more than is begun with, less than is held */
    assert_int_equal(run(&g, MANY, 5600, 0), 0);
    run(&g, 200, 5800, 0); /* 87 %: more than is held */
    assert_int_equal(g.steps, 4);

    /* A machine that is now a little faster, now a little slower, two seconds each. */
    int changes = 0;
    for (int i = 0; i < 120; i++)
        changes += run(&g, 2 * FPS, i % 2 ? 4300 : 7000, 0);
    assert_in_range(changes, 0, 40); /* each swing makes it wait longer */
}

static uint32_t noise_state = 1;

static double noise(void)
{
    noise_state = noise_state * 1664525 + 1013904223;
    return (double)(noise_state >> 8) / (1 << 24);
}

/* Steps look at views of different sizes: some cost a fifth of others. */
static void test_unequal_frames_leave_more_in_reserve(void **state)
{
    (void)state;
    struct frame_governor even = live(100), uneven = live(100);
    run(&even, MANY, 3000, 1000);
    int late = 0;
    for (int i = 0; i < MANY; i++) {
        double steps_us = 0;
        for (int k = 0; k < uneven.steps; k++)
            steps_us += 1000 + 4000 * noise();
        late += steps_us + 1000 > PERIOD_US;
        frame_governor_measure(&uneven, uneven.steps, steps_us, 1000);
    }
    assert_true(uneven.steps < even.steps);
    assert_in_range(uneven.steps, 5, 8);
    assert_in_range(late, 0, MANY / 200);
}

static void test_one_stall_is_forgiven(void **state)
{
    (void)state;
    struct frame_governor g = live(100);
    run(&g, MANY, 5000, 1000);
    frame_governor_measure(&g, g.steps, 2e6, 1000); /* two seconds: the driver came back */
    assert_in_range(g.steps, 2, 5);
    assert_false(frame_governor_is_hopeless(&g));
    run(&g, 10 * FPS, 5000, 1000);
    assert_int_equal(g.steps, 5);
    frame_governor_measure(&g, g.steps, g.steps * 5000, 2e6); /* the same outside of the steps */
    run(&g, 3 * FPS, 5000, 1000);
    assert_int_equal(g.steps, 5);
}

static void test_hopeless(void **state)
{
    (void)state;
    struct frame_governor g = live(8);
    run(&g, MANY, 4000, 1000);
    int frames = 0;
    for (; !frame_governor_is_hopeless(&g) && frames < 1000; frames++)
        run(&g, 1, 600000, 1000); /* another processor took over */
    assert_in_range(frames, 5, 20);

    g = live(8);
    run(&g, FPS, 34000, 1000);
    assert_false(frame_governor_is_hopeless(&g)); /* it may pass */
    run(&g, 4 * FPS, 34000, 1000);                /* a little too slow, but for seconds */
    assert_true(frame_governor_is_hopeless(&g));

    g = live(8);
    run(&g, MANY, 30000, 1000); /* within the time, if not within the reserve: late now and then, no more */
    assert_false(frame_governor_is_hopeless(&g));
    assert_int_equal(g.steps, 1);
    frame_governor_measure(&g, 1, 10e6, 1000); /* one stall, however long, does not decide */
    assert_false(frame_governor_is_hopeless(&g));
    run(&g, MANY, 30000, 1000);
    assert_false(frame_governor_is_hopeless(&g));
}

static void test_begins_only_where_a_step_fits(void **state)
{
    (void)state;
    struct frame_governor g = live(8);
    assert_false(frame_governor_begin(&g));
    run(&g, 8, 25000, 1000);
    assert_true(frame_governor_begin(&g));
    assert_int_equal(g.steps, 1);
    g = live(8);
    run(&g, 8, 26500, 1000);
    assert_false(frame_governor_begin(&g));
    g = live(8);
    run(&g, 8, 5000, 1000);
    assert_int_equal(g.steps, 1); /* nothing is taken back in eight frames */
    assert_true(frame_governor_begin(&g));
    assert_int_equal(g.steps, 5);
}

static void test_offline_is_constant(void **state)
{
    (void)state;
    struct frame_governor g;
    frame_governor_init(&g, true, 6, FPS);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(g.steps, 6);
        assert_false(frame_governor_measure(&g, 6, 1e5 * i, 1e6));
    }
    assert_false(frame_governor_is_hopeless(&g));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_what_fits_with_the_reserve),
        cmocka_unit_test(test_never_more_than_wanted_nor_less_than_one),
        cmocka_unit_test(test_gives_up_at_once_and_takes_back_slowly),
        cmocka_unit_test(test_does_not_swing),
        cmocka_unit_test(test_unequal_frames_leave_more_in_reserve),
        cmocka_unit_test(test_one_stall_is_forgiven),
        cmocka_unit_test(test_hopeless),
        cmocka_unit_test(test_begins_only_where_a_step_fits),
        cmocka_unit_test(test_offline_is_constant),
    };
    return cmocka_run_group_tests_name("frame_governor", tests, NULL, NULL);
}
