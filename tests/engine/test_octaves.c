/*
 * octaves: settings hold where the network sees the picture small, and lose their grain where it sees it as large as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/octaves.h"

static void a_small_view_has_the_settings(void **state)
{
    (void)state;
    for (double scale = 0.02; scale <= 0.5; scale *= 1.5) {
        struct octaves_weight w = octaves_at(0.85, 0.5, scale);
        assert_true(w.gain == 0.85 && w.finest == 0.5);
    }
}

static void a_full_view_has_less_of_the_finest_octave(void **state)
{
    (void)state;
    struct octaves_weight w = octaves_at(0.85, 0.5, 1);
    assert_float_equal(w.gain, 1.30, 0.01);
    assert_float_equal(w.finest, 0.14, 0.005);
}

/* A view that is a little larger is weighed a little otherwise: views of neighbouring sizes must not flicker. */
static void nothing_jumps_between_them(void **state)
{
    (void)state;
    struct octaves_weight last = octaves_at(1, 1, 0.4);
    for (double scale = 0.41; scale <= 1; scale += 0.01) {
        struct octaves_weight w = octaves_at(1, 1, scale);
        assert_true(w.gain >= last.gain && w.gain < 1.02 * last.gain);
        assert_true(w.finest <= last.finest && w.finest > 0.95 * last.finest);
        last = w;
    }
    assert_true(last.gain > 1.3 && last.finest < 0.45);
}

/* Who wants no finest octave gets none at any scale. */
static void nothing_stays_nothing(void **state)
{
    (void)state;
    assert_true(octaves_at(1, 0, 1).finest == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_view_has_the_settings),
        cmocka_unit_test(a_full_view_has_less_of_the_finest_octave),
        cmocka_unit_test(nothing_jumps_between_them),
        cmocka_unit_test(nothing_stays_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
