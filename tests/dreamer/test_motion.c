/*
 * motion: wishes bend it gently and within limits, and it comes back to exactly what the settings say.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dreamer/motion.h"

enum { FPS = 25 };
static const double zoom = 1.002, degrees = 0.01;

static void without_a_wish_nothing_is_touched(void **state)
{
    (void)state;
    struct motion m;
    motion_init(&m, zoom, degrees);
    for (int i = 0; i < 100; i++) {
        struct motion_frame f = motion_advance(&m, i, 1, FPS);
        assert_true(f.zoom == zoom && f.degrees == degrees);
    }
}

/* Seconds until the settings' numbers are back; on the way no second changes the speed by much. */
static int comes_back_after(const struct port_motion *wish, double *slowest, double *fastest,
                            double *most_turn)
{
    struct motion m;
    motion_init(&m, zoom, degrees);
    motion_wish(&m, wish, 0);
    double before = log(zoom);
    *slowest = *fastest = 1;
    *most_turn = 0;
    for (int i = 1; i < 1000; i++) {
        struct motion_frame f = motion_advance(&m, i * 0.1, 0.1, FPS);
        double speed = log(f.zoom) / log(zoom);
        *slowest = fmin(*slowest, speed);
        *fastest = fmax(*fastest, speed);
        *most_turn = fmax(*most_turn, fabs(f.degrees * FPS));
        assert_true(f.zoom >= 1 && fabs(log(f.zoom) - before) < 0.15 * log(zoom));
        assert_true(fabs(f.x) <= 0.35 && fabs(f.y) <= 0.35);
        before = log(f.zoom);
        if (i * 0.1 > fmin((double)wish->for_s, 60) && f.zoom == zoom && f.degrees == degrees)
            return i / 10;
    }
    return 1000;
}

static void a_wish_bends_it_for_a_while(void **state)
{
    (void)state;
    double slowest, fastest, turn;
    assert_in_range(
        comes_back_after(&(struct port_motion){.speed = 0, .for_s = 10}, &slowest, &fastest, &turn), 10, 20);
    assert_true(slowest < 0.01 && fastest == 1);
    assert_in_range(
        comes_back_after(&(struct port_motion){.speed = 2, .for_s = 10}, &slowest, &fastest, &turn), 10, 20);
    assert_true(fastest > 1.9 && fastest <= 2);
    assert_in_range(comes_back_after(&(struct port_motion){.speed = 1, .turn = 10, .for_s = 10}, &slowest,
                                     &fastest, &turn),
                    10, 25);
    assert_true(turn > 9 && turn < 11);
}

static void wishes_beyond_the_limits_are_cut(void **state)
{
    (void)state;
    double slowest, fastest, turn;
    const struct port_motion wild[] = {{1e9F, 1e9F, 10, 1, 1e9F, -1e9F},
                                       {-5, -1e9F, 10, 1, NAN, 7},
                                       {NAN, NAN, 10, 0, NAN, NAN},
                                       {INFINITY, -INFINITY, 10, 1, INFINITY, -INFINITY}};
    for (int i = 0; i < 4; i++) {
        assert_true(comes_back_after(&wild[i], &slowest, &fastest, &turn) < 40);
        assert_true(slowest >= 0 && fastest <= 3 && turn <= 12.3);
    }
    assert_true(
        comes_back_after(&(struct port_motion){.speed = 2, .for_s = 1e9F}, &slowest, &fastest, &turn) < 75);
}

/* It drifts after what is seen, never far from the middle and never by a jerk. */
static void it_follows_what_is_seen(void **state)
{
    (void)state;
    struct motion m;
    struct motion_frame f = {0}, before;
    motion_init(&m, zoom, degrees);
    motion_see(&m, 0.15, -9);
    for (int i = 1; i <= 200; i++) {
        before = f;
        f = motion_advance(&m, i * 0.1, 0.1, FPS);
        assert_true(f.zoom == zoom && f.degrees == degrees);
        assert_true(fabs(f.x - before.x) < 0.006 && fabs(f.y - before.y) < 0.006);
    }
    assert_float_equal(f.x, 0.15, 0.005);
    assert_float_equal(f.y, -0.2, 0.005);
    motion_see(&m, NAN, INFINITY);
    for (int i = 1; i <= 200; i++)
        f = motion_advance(&m, 20 + i * 0.1, 0.1, FPS);
    assert_true(fabs(f.x) < 0.005 && fabs(f.y) < 0.005);
}

static void a_wish_leans_to_a_side_and_fades_back(void **state)
{
    (void)state;
    struct motion m;
    struct motion_frame f = {0};
    motion_init(&m, zoom, degrees);
    motion_see(&m, 0.1, 0);
    motion_wish(&m, &(struct port_motion){.speed = 1, .for_s = 10, .aims = 1, .x = -0.35F}, 0);
    for (int i = 1; i < 100; i++)
        f = motion_advance(&m, i * 0.1, 0.1, FPS);
    assert_float_equal(f.x, -0.35, 0.01);
    for (int i = 1; i < 300; i++)
        f = motion_advance(&m, 10 + i * 0.1, 0.1, FPS);
    assert_float_equal(f.x, 0.1, 0.01);
    assert_true(f.zoom == zoom);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_wish_nothing_is_touched),
        cmocka_unit_test(a_wish_bends_it_for_a_while),
        cmocka_unit_test(wishes_beyond_the_limits_are_cut),
        cmocka_unit_test(it_follows_what_is_seen),
        cmocka_unit_test(a_wish_leans_to_a_side_and_fades_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
