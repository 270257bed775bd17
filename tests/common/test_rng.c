/*
 * Random numbers: the same ones as ever, spread evenly, streams that have nothing to do with one another.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "common/rng.h"
#include "tests/common/normal.h"

/* With key 0 this is SplitMix64 started at 0, whose first outputs are published. */
static void known_values(void **state)
{
    (void)state;
    struct rng r = {.key = 0};
    assert_true(rng_u64(&r) == 0xe220a8397b1dcdafu);
    assert_true(rng_u64(&r) == 0x6e789e6aa1b965f4u);
    assert_true(rng_u64(&r) == 0x06c45d188009454fu);
    assert_true(rng_u64(&r) == 0xf88bb8a8724c81ecu);
    r = (struct rng){.key = 1234567};
    assert_true(rng_u64(&r) == 6457827717110365317u);
    assert_true(rng_u64(&r) == 3203168211198807973u);
    assert_true(rng_u64(&r) == 9817491932198370423u);
}

/* Shows rendered before must render the same again: a change of rng_make would be seen here. */
static void seeds_keep_their_meaning(void **state)
{
    (void)state;
    struct rng r = rng_make(7, 1);
    assert_true(r.key == (rng_mix(7 + 0x9e3779b97f4a7c15u) ^ rng_mix(0xd1342543de82ef95u + 1)));
    uint64_t first = rng_u64(&r);
    r.counter = 0;
    assert_true(rng_u64(&r) == first); /* the counter is all the state there is */
}

static void below_is_even(void **state)
{
    (void)state;
    enum { BINS = 7, DRAWS = 70000 };
    struct rng r = rng_make(1, 1);
    int bins[BINS] = {0};
    for (int i = 0; i < DRAWS; i++)
        bins[rng_below(&r, BINS)]++; /* a sanitizer sees a bin that is not there */
    double chi2 = 0;
    for (int i = 0; i < BINS; i++)
        chi2 += (bins[i] - DRAWS / BINS) * (double)(bins[i] - DRAWS / BINS) / (DRAWS / BINS);
    assert_true(chi2 < 22.46); /* 99.9 % of honest generators, six degrees of freedom */
    for (int i = 0; i < 100; i++)
        assert_int_equal(rng_below(&r, 1), 0);
    bool high = false;
    for (int i = 0; i < 100; i++)
        high |= rng_below(&r, UINT32_MAX) > 0x80000000u;
    assert_true(high);
}

static void uniform_and_normal_have_their_moments(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    struct rng r = rng_make(2, 1);
    double u1 = 0, u2 = 0, n1 = 0, n2 = 0, n4 = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&r), n = rng_normal(&r);
        assert_true(u >= 0 && u < 1);
        assert_true(n > -8 && n < 8);
        u1 += u;
        u2 += u * u;
        n1 += n;
        n2 += n * n;
        n4 += n * n * n * n;
    }
    assert_true(fabs(u1 / DRAWS - 0.5) < 0.003);
    assert_true(fabs(u2 / DRAWS - 1.0 / 3) < 0.003);
    assert_true(fabs(n1 / DRAWS) < 0.01);
    assert_true(fabs(n2 / DRAWS - 1) < 0.015);
    assert_true(fabs(n4 / DRAWS - 3) < 0.12);
}

static void streams_are_strangers(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    for (uint64_t stream = 0; stream < 8; stream++) {
        struct rng a = rng_make(42, stream), b = rng_make(42, stream + 1), c = rng_make(43, stream);
        double ab = 0, ac = 0;
        for (int i = 0; i < DRAWS; i++) {
            double x = rng_uniform(&a) - 0.5;
            ab += x * (rng_uniform(&b) - 0.5) * 12;
            ac += x * (rng_uniform(&c) - 0.5) * 12;
        }
        assert_true(fabs(ab / DRAWS) < 0.035); /* five standard errors */
        assert_true(fabs(ac / DRAWS) < 0.035);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),          cmocka_unit_test(seeds_keep_their_meaning),
        cmocka_unit_test(below_is_even),         cmocka_unit_test(uniform_and_normal_have_their_moments),
        cmocka_unit_test(streams_are_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
