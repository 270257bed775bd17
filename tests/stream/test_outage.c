/*
 * Outages: how often a dead source is asked, and what is said in an hour of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "stream/outage.h"

static const int64_t second_us = 1000000;

static void test_an_hour_of_failures(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct outage o = {.jitter = rng_make(seed, 0)};
        int64_t now_us = 5 * second_us, end_us = now_us + 3600 * second_us, wait_us;
        int asked = 0, early = 0, begins = 0, remains = 0;
        while (now_us < end_us) {
            enum outage_news news = outage_fails(&o, now_us, &wait_us);
            asked++;
            early += now_us < 25 * second_us;
            begins += news == OUTAGE_BEGINS;
            remains += news == OUTAGE_REMAINS;
            assert_in_range(wait_us, second_us * 3 / 4, 75 * second_us);
            now_us += wait_us;
        }
        assert_in_range(asked, 50, 90);
        assert_in_range(early, 4, 6); /* in the first 20 s */
        assert_int_equal(begins, 1);
        assert_in_range(remains, 4, 5); /* every ten minutes, and the try after */
        double lasted_s;
        assert_int_equal(outage_works(&o, end_us, &lasted_s), OUTAGE_ENDS);
        assert_true(lasted_s == 3600);
    }
}

static void test_a_stall_is_told_once_and_the_failure_after_it_is_the_same_outage(void **state)
{
    (void)state;
    struct outage o = {.jitter = rng_make(1, 0)};
    int64_t wait_us;
    double lasted_s;
    assert_int_equal(outage_works(&o, second_us, &lasted_s), OUTAGE_NOTHING);
    assert_int_equal(outage_stalls(&o, 2 * second_us), OUTAGE_BEGINS);
    assert_int_equal(outage_stalls(&o, 3 * second_us), OUTAGE_NOTHING);
    assert_int_equal(outage_fails(&o, 4 * second_us, &wait_us), OUTAGE_NOTHING);
    assert_in_range(wait_us, second_us * 3 / 4, second_us * 5 / 4); /* the first failure */
    assert_int_equal(outage_works(&o, 7 * second_us, &lasted_s), OUTAGE_ENDS);
    assert_true(lasted_s == 5);
    assert_int_equal(outage_works(&o, 8 * second_us, &lasted_s), OUTAGE_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour_of_failures),
        cmocka_unit_test(test_a_stall_is_told_once_and_the_failure_after_it_is_the_same_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
