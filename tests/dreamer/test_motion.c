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
    assert_in_range(comes_back_after(&(struct port_motion){1, 10, 10}, &slowest, &fastest, &turn), 10, 25);
    assert_true(turn > 9 && turn < 11);
}

static void wishes_beyond_the_limits_are_cut(void **state)
{
    (void)state;
    double slowest, fastest, turn;
    const struct port_motion wild[] = {
        {1e9F, 1e9F, 10}, {-5, -1e9F, 10}, {NAN, NAN, 10}, {INFINITY, -INFINITY, 10}};
    for (int i = 0; i < 4; i++) {
        assert_true(comes_back_after(&wild[i], &slowest, &fastest, &turn) < 40);
        assert_true(slowest >= 0 && fastest <= 2 && turn <= 12.3);
    }
    assert_true(comes_back_after(&(struct port_motion){2, 0, 1e9F}, &slowest, &fastest, &turn) < 75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_wish_nothing_is_touched),
        cmocka_unit_test(a_wish_bends_it_for_a_while),
        cmocka_unit_test(wishes_beyond_the_limits_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
