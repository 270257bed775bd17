/*
 * The way of a dream to a viewer's eyes: what is measured of it, and what is not believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>

#include "show/way.h"

static struct way *way;

static int set_up(void **state)
{
    (void)state;
    way = way_open(4, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    way_close(&way);
    return 0;
}

static void change(int id, double at_s, double lag_s)
{
    way_turned(way, id, "goldfish", at_s);
    way_shown(way, id, "goldfish", at_s + lag_s);
}

static void the_median_of_the_last_turns(void **state)
{
    (void)state;
    assert_float_equal(way_lag_s(way), 3, 1e-6); /* a guess */
    change(1, 10, 1.2);
    assert_float_equal(way_lag_s(way), 1.2, 1e-6);
    static const double lags[] = {1, 1.5, 0.9, 60, 1.1};
    for (int i = 0; i < 5; i++)
        change(2 + i, 20 + 100 * i, lags[i]);
    assert_float_equal(way_lag_s(way), 1.15, 1e-6); /* one that hung is one of many */
    way_turned(way, 10, "goldfish", 1000);
    way_shown(way, 10, "lion", 1001); /* another dream */
    way_shown(way, 9, "goldfish", 1001);
    assert_float_equal(way_lag_s(way), 1.15, 1e-6);
    for (int i = 0; i < 9; i++)
        change(20 + i, 2000 + 10 * i, 2);
    assert_float_equal(way_lag_s(way), 2, 1e-6);
    way_guess(way, 3);
    assert_float_equal(way_lag_s(way), 2, 1e-6); /* as it was */
    way_guess(way, 0.2);
    assert_float_equal(way_lag_s(way), 0.2, 1e-6); /* every frame is dreamed now */
}

static void what_viewers_tell(void **state)
{
    (void)state;
    assert_int_equal(way_seen(way, "ann", 5), -ENOENT); /* nothing has changed yet */
    change(1, 100, 1);
    assert_int_equal(way_seen(way, "ann", 101.05), -ERANGE); /* before it can have reached anybody */
    assert_int_equal(way_seen(way, "ann", 107), 0);
    assert_int_equal(way_seen(way, "ANN", 108), -EALREADY);
    assert_int_equal(way_seen(way, "bob", 107.5), 0);
    assert_float_equal(way_platform_s(way), 4, 1e-6); /* two are too few */
    assert_int_equal(way_seen(way, "cid", 109), 0);
    assert_float_equal(way_platform_s(way), 6.5, 1e-6);
    assert_int_equal(way_seen(way, "dan", 101 + WAY_PLATFORM_MAX_S + 1), -ERANGE);
    assert_int_equal(way_seen(way, "dan", 101 + 3 * WAY_PLATFORM_MAX_S), -ENOENT);
    for (int i = 0; i < 50; i++) { /* one who lies at every change is one */
        change(10 + i, 1000 + 100 * i, 1);
        assert_int_equal(way_seen(way, "liar", 1000 + 100 * i + 60), 0);
    }
    assert_true(way_platform_s(way) >= 6 && way_platform_s(way) <= 8);
    char key[32];
    change(100, 9000, 1);
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "v%d", i);
        int rc = way_seen(way, key, 9001 + 10);
        assert_true(rc == 0 || rc == -EALREADY);
    }
    assert_float_equal(way_platform_s(way), 10, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_median_of_the_last_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_viewers_tell, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
