/*
 * A line that carries less than the stream, and then more again, with the queue that it makes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream/bitrate.h"

enum { NOMINAL = 3000, FLOOR = 800, STEP_US = 40000 };

struct line {
    struct bitrate b;
    int64_t now_us;
    double lag_s, worst_s;
    int64_t least_kbps, settled_us;
};

/* The queue grows by what the line does not carry; beyond two seconds it is dropped. */
static void carry(struct line *l, int64_t line_kbps, double seconds)
{
    int64_t end_us = l->now_us + (int64_t)(seconds * 1e6);
    for (; l->now_us < end_us; l->now_us += STEP_US) {
        double in = (double)l->b.kbps, out = (double)line_kbps;
        l->lag_s += STEP_US / 1e6 * (in - out) / in;
        l->lag_s = l->lag_s < 0 ? 0 : l->lag_s > 2 ? 2 : l->lag_s;
        l->worst_s = l->lag_s > l->worst_s ? l->lag_s : l->worst_s;
        bitrate_look(&l->b, (int64_t)(l->lag_s * 1e6), l->now_us);
        assert_in_range(l->b.kbps, FLOOR, NOMINAL);
        l->least_kbps = l->b.kbps < l->least_kbps ? l->b.kbps : l->least_kbps;
        if (l->b.kbps <= line_kbps && !l->settled_us)
            l->settled_us = l->now_us;
    }
}

static struct line begin(void)
{
    struct line l = {.now_us = 1000000, .least_kbps = NOMINAL};
    bitrate_init(&l.b, NOMINAL, FLOOR);
    return l;
}

static void test_half_the_line_and_back(void **state)
{
    (void)state;
    struct line l = begin();
    carry(&l, 10000, 20);
    assert_int_equal(l.b.kbps, NOMINAL);
    l.settled_us = 0;
    int64_t began_us = l.now_us;
    carry(&l, 1500, 60);
    assert_in_range(l.settled_us - began_us, 0, 6000000);
    assert_true(l.worst_s < 2);
    l.now_us += STEP_US;
    began_us = l.now_us;
    carry(&l, 10000, 30);
    assert_int_equal(l.b.kbps, NOMINAL); /* within 30 s */
}

static void test_floor_and_no_floor(void **state)
{
    (void)state;
    struct line l = begin();
    carry(&l, 100, 60);
    assert_int_equal(l.b.kbps, FLOOR);
    bitrate_init(&l.b, NOMINAL, NOMINAL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(bitrate_look(&l.b, 2000000, l.now_us += 1000000), NOMINAL);
    bitrate_init(&l.b, 500, FLOOR); /* a floor above the bit rate */
    assert_int_equal(bitrate_look(&l.b, 2000000, l.now_us += 1000000), 500);
    assert_int_equal(bitrate_look(&l.b, 2000000, l.now_us += 1000000), 500);
}

static void test_a_hiccup_changes_nothing(void **state)
{
    (void)state;
    struct line l = begin();
    carry(&l, 10000, 20);
    carry(&l, 1500, 0.7);
    carry(&l, 10000, 20);
    assert_int_equal(l.least_kbps, NOMINAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_the_line_and_back),
        cmocka_unit_test(test_floor_and_no_floor),
        cmocka_unit_test(test_a_hiccup_changes_nothing),
    };
    return cmocka_run_group_tests_name("bitrate", tests, NULL, NULL);
}
