/*
 * test_bf16 - products in bf16: the drivers that round, and the one for AVX512-BF16, whose own source is compiled here
 * once more with the instructions in plain C (bf16_emulation.h), so that it is checked on every machine. Where the
 * processor has them, the driver itself must give the same bits.
 */
#include "tests/engine/cpu/bf16_check.h"

#define BF16_EMULATED
#include "tests/engine/cpu/bf16_emulation.h"
#define bf16_avx512 bf16_avx512_emulated
extern const struct bf16_kernels *const bf16_avx512_emulated;
#include "engine/cpu/bf16_avx512.c"
#undef bf16_avx512

/* All that can be had here; the emulated one first. */
static int all_drivers(const struct bf16_kernels *out[4])
{
    int count = 0;
    out[count++] = bf16_avx512_emulated;
    out[count++] = &bf16_rounded;
    if (bf16_pick(CPU_TIER_ROUNDED) != &bf16_rounded)
        out[count++] = bf16_pick(CPU_TIER_ROUNDED);
    if (bf16_pick(CPU_TIER_AVX512BF16))
        out[count++] = bf16_pick(CPU_TIER_AVX512BF16);
    return count;
}

/* Numbers whose products and sums are never denormal. */
static float plain_number(void)
{
    return rng_below(&rng, 8) ? rng_normal(&rng) : 0.0f;
}

/* ---- The emulation itself, by hand from the manual's pseudo code ---- */

static float dot(float sum, float even_a, float even_b, float odd_a, float odd_b)
{
    emulated_floats c = emulated_zero();
    emulated_pairs a = {{0}}, b = {{0}};
    c.of[3] = sum;
    a.of[6] = bf16_of(even_a);
    b.of[6] = bf16_of(even_b);
    a.of[7] = bf16_of(odd_a);
    b.of[7] = bf16_of(odd_b);
    return emulated_dot(c, a, b).of[3];
}

static void the_emulation_does_as_the_manual_says(void **state)
{
    (void)state;
    assert_true(dot(5, 2, 3, 4, 0.5f) == 13);
    assert_true(dot(0x1p30f, 1, 1, -0x1p30f, 1) == 1);      /* the odd one first */
    assert_true(dot(0x1p30f, -0x1p30f, 1, 1, 1) == 0);      /* which is lost here */
    assert_true(dot(0, 0x1p-70f, 0x1p-70f, 0, 0) == 0);     /* a denormal on the way out */
    assert_true(dot(0x1p-130f, 0, 0, 0, 0) == 0);           /* and in */
    assert_true(dot(1, 1, 0x1p-24f, 0, 0) == 1);            /* ties to even, down */
    assert_true(dot(1, 3, 0x1p-24f, 0, 0) == 1 + 0x1p-22f); /* and up */
    assert_true(isnan(dot(0, INFINITY, 0, 0, 0)));
    assert_int_equal(convert_fp32_to_bfloat16(1.00390625f), 0x3f80);
    assert_int_equal(convert_fp32_to_bfloat16(1.01171875f), 0x3f82);
    assert_int_equal(convert_fp32_to_bfloat16(-0x1p-130f), 0x8000);
    assert_int_equal(convert_fp32_to_bfloat16(3.4e38f), 0x7f80);
}

/* ---- The drivers ---- */

static void every_driver_rounds_as_the_instruction(void **state)
{
    (void)state;
    const struct bf16_kernels *all[4];
    rng = rng_make(3, 1);
    for (int i = 0, count = all_drivers(all); i < count; i++) {
        check_round(all[i], convert_fp32_to_bfloat16);
        check_pair(all[i], convert_fp32_to_bfloat16, place_in_pairs);
    }
}

static void every_driver_multiplies(void **state)
{
    (void)state;
    const struct bf16_kernels *all[4];
    rng = rng_make(4, 1);
    for (int i = 0, count = all_drivers(all); i < count; i++) {
        check_product(all[i]);
        check_blocks(all[i]);
        assert_true(bf16_is_sound(all[i]));
    }
}

static void every_driver_gives_the_same_bits(void **state)
{
    (void)state;
    const struct bf16_kernels *all[4];
    rng = rng_make(5, 1);
    for (int i = 1, count = all_drivers(all); i < count; i++)
        check_same_bits(all[i], bf16_avx512_emulated, plain_number);
    /* Denormals too, where both flush them. */
    if (bf16_pick(CPU_TIER_AVX512BF16))
        check_same_bits(bf16_pick(CPU_TIER_AVX512BF16), bf16_avx512_emulated, number);
    else
        print_message("no AVX512-BF16 here: its driver was checked by emulation only\n");
}

/* ---- What is picked ---- */

static void swapped(const uint16_t *a, size_t lda, int rows, int depth, const uint16_t *pairs,
                    size_t panel_stride, int panels, float *c, size_t ldc, int add)
{
    bf16_rounded.multiply(a, lda, rows, depth, pairs, panel_stride, panels, c, ldc, add);
    float first = c[0];
    c[0] = c[1];
    c[1] = first;
}

static void without_the_last_pair(const uint16_t *a, size_t lda, int rows, int depth, const uint16_t *pairs,
                                  size_t panel_stride, int panels, float *c, size_t ldc, int add)
{
    bf16_rounded.multiply(a, lda, rows, depth - 2, pairs, panel_stride, panels, c, ldc, add);
}

static void a_driver_that_multiplies_wrongly_is_found_out(void **state)
{
    (void)state;
    struct bf16_kernels k = bf16_rounded;
    assert_true(bf16_is_sound(&k));
    k.multiply = swapped;
    assert_false(bf16_is_sound(&k));
    k.multiply = without_the_last_pair;
    assert_false(bf16_is_sound(&k));
}

static void tiers_without_bf16_have_no_driver(void **state)
{
    (void)state;
    static const enum cpu_tier tiers[] = {CPU_TIER_AUTO, CPU_TIER_C, CPU_TIER_AVX2, CPU_TIER_AVX512};
    for (size_t i = 0; i < ARRAY_LEN(tiers); i++) {
        assert_null(bf16_pick(tiers[i]));
        assert_false(bf16_is_tier(tiers[i]));
    }
    assert_true(bf16_is_tier(CPU_TIER_ROUNDED));
    assert_non_null(bf16_pick(CPU_TIER_ROUNDED));
    assert_true(bf16_best_tier() == CPU_TIER_AUTO || bf16_pick(bf16_best_tier()));
    assert_true(bf16_best_tier() != CPU_TIER_ROUNDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_emulation_does_as_the_manual_says),
        cmocka_unit_test(every_driver_rounds_as_the_instruction),
        cmocka_unit_test(every_driver_multiplies),
        cmocka_unit_test(every_driver_gives_the_same_bits),
        cmocka_unit_test(a_driver_that_multiplies_wrongly_is_found_out),
        cmocka_unit_test(tiers_without_bf16_have_no_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
