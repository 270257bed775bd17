/*
 * When a dreamer's process counts as dead, when the next one is started, and when a GPU is given up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dreamer/vitals.h"

enum { SECOND = 1000000, LOOK = 250000 };

/* Looks four times a second for so long; the last verdict, or the first that is not good. */
static enum vitals_verdict pass(struct vitals *v, int64_t *now_us, double seconds, bool has_to, bool speaks)
{
    enum vitals_verdict verdict = VITALS_GOOD;
    for (int i = 0; i < (int)(seconds * 4) && verdict == VITALS_GOOD; i++) {
        *now_us += LOOK;
        if (speaks)
            vitals_heard(v);
        verdict = vitals_look(v, *now_us, has_to);
    }
    return verdict;
}

static int64_t born(struct vitals *v)
{
    vitals_init(v, 120 * (int64_t)SECOND, 1);
    vitals_born(v, 7);
    return 7;
}

static int64_t begun(struct vitals *v)
{
    int64_t now_us = born(v);
    vitals_ready(v);
    vitals_got_on(v);
    return now_us;
}

static void test_silence_is_a_hang(void **state)
{
    (void)state;
    struct vitals v;
    int64_t now_us = begun(&v);
    assert_int_equal(pass(&v, &now_us, 60, false, true), VITALS_GOOD);
    assert_int_equal(pass(&v, &now_us, 4.9, false, false), VITALS_GOOD);
    assert_int_equal(pass(&v, &now_us, 1, false, false), VITALS_SILENT);
}

/* It speaks, and its dream does not get on: that is a hang when the camera waits, and none while it does not. */
static void test_a_dream_that_is_stuck(void **state)
{
    (void)state;
    struct vitals v;
    int64_t now_us = begun(&v);
    assert_int_equal(pass(&v, &now_us, 60, false, true), VITALS_GOOD);
    assert_int_equal(pass(&v, &now_us, 19.9, true, true), VITALS_GOOD);
    assert_int_equal(pass(&v, &now_us, 1, true, true), VITALS_STUCK);
}

/* A large picture on a small machine: what a step takes is learned, and is no fault. */
static void test_slow_steps_are_learned(void **state)
{
    (void)state;
    struct vitals v;
    int64_t now_us = begun(&v);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pass(&v, &now_us, 10, true, true), VITALS_GOOD);
        vitals_got_on(&v);
    }
    assert_int_equal(vitals_patience_us(&v), 40 * SECOND);
    assert_int_equal(pass(&v, &now_us, 39.5, true, true), VITALS_GOOD);
    assert_int_equal(pass(&v, &now_us, 2, true, true), VITALS_STUCK);
}

/* This program stood still, not the other. */
static void test_own_standstill_does_not_count(void **state)
{
    (void)state;
    struct vitals v;
    int64_t now_us = begun(&v);
    for (int i = 0; i < 5; i++) {
        now_us += 3600 * (int64_t)SECOND;
        assert_int_equal(vitals_look(&v, now_us, true), VITALS_GOOD);
    }
}

static void test_starts(void **state)
{
    (void)state;
    struct vitals v;
    int64_t now_us = born(&v);
    assert_int_equal(pass(&v, &now_us, 100, false, false),
                     VITALS_GOOD); /* it loads, and cannot say anything */
    vitals_ready(&v);
    assert_int_equal(pass(&v, &now_us, 1000, false, true), VITALS_GOOD); /* the show has not begun */
    assert_int_equal(pass(&v, &now_us, 19, true, true), VITALS_GOOD);
    assert_int_equal(pass(&v, &now_us, 2, true, true), VITALS_NEVER_STARTED);

    now_us = born(&v);
    assert_int_equal(pass(&v, &now_us, 3, true, true), VITALS_GOOD);
    vitals_got_on(&v);
    vitals_born(&v, now_us); /* the second start is expected to be like the first */
    assert_int_equal(vitals_patience_us(&v), (10 + 4 * 3) * SECOND);
}

static void test_waits_grow_and_are_forgotten(void **state)
{
    (void)state;
    struct vitals v;
    int64_t now_us = born(&v), last_us = 0;
    for (int i = 0; i < 10; i++) {
        int64_t wait_us = vitals_died(&v, false);
        assert_in_range(wait_us, 370000, 38 * SECOND);
        if (i > 0 && i < 6)
            assert_true(wait_us > last_us);
        last_us = wait_us;
    }
    assert_true(last_us > 20 * SECOND);
    vitals_born(&v, now_us);
    vitals_ready(&v);
    vitals_got_on(&v);
    assert_int_equal(pass(&v, &now_us, 21, true, true), VITALS_STUCK); /* it worked for a while */
    vitals_born(&v, now_us);
    vitals_got_on(&v);
    for (int i = 0; i < 11; i++) {
        assert_int_equal(pass(&v, &now_us, 1, true, true), VITALS_GOOD);
        vitals_got_on(&v);
    }
    assert_int_equal(vitals_died(&v, false), 0);
    vitals_born(&v, now_us);
    assert_in_range(vitals_died(&v, false), 1, SECOND);
}

static void test_three_deaths_on_a_gpu(void **state)
{
    (void)state;
    struct vitals v;
    int64_t now_us = begun(&v);
    for (int i = 0; i < 20; i++)
        vitals_died(&v, false);
    assert_false(vitals_gives_up_gpu(&v));
    vitals_died(&v, true);
    vitals_died(&v, true);
    assert_false(vitals_gives_up_gpu(&v));
    vitals_born(&v, now_us); /* an hour of work, and they are forgotten */
    vitals_got_on(&v);
    assert_int_equal(pass(&v, &now_us, 3700, false, true), VITALS_GOOD);
    vitals_died(&v, true);
    vitals_born(&v, now_us);
    vitals_died(&v, true);
    assert_false(vitals_gives_up_gpu(&v));
    vitals_died(&v, true);
    assert_true(vitals_gives_up_gpu(&v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_is_a_hang),
        cmocka_unit_test(test_a_dream_that_is_stuck),
        cmocka_unit_test(test_slow_steps_are_learned),
        cmocka_unit_test(test_own_standstill_does_not_count),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_waits_grow_and_are_forgotten),
        cmocka_unit_test(test_three_deaths_on_a_gpu),
    };
    return cmocka_run_group_tests_name("vitals", tests, NULL, NULL);
}
