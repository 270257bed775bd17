/*
 * test_bf16_amx - products by AMX: the driver's own source compiled once more with tiles in plain C
 * (bf16_emulation.h). Where the processor has them, the driver itself must give the same bits.
 */
#include "tests/engine/cpu/bf16_check.h"

#define BF16_EMULATED
#include "tests/engine/cpu/bf16_emulation.h"
#define bf16_amx    bf16_amx_emulated
#define bf16_avx512 (&bf16_rounded) /* what it rounds with */
extern const struct bf16_kernels *const bf16_amx_emulated;
#include "engine/cpu/bf16_amx.c"
#undef bf16_amx

/* Two rows by one column by hand: even and odd ones are added up by themselves, then to the sum. */
static void the_emulation_does_as_the_manual_says(void **state)
{
    (void)state;
    float sums[2] = {1, 0x1p30f};
    const uint16_t a[2][4] = {{bf16_of(2), bf16_of(3), bf16_of(4), bf16_of(5)},
                              {bf16_of(-0x1p30f), bf16_of(1), bf16_of(0x1p30f), bf16_of(1)}};
    const uint16_t b[2][2] = {{bf16_of(1), bf16_of(10)}, {bf16_of(1), bf16_of(100)}};
    struct shapes s = {.palette = 1, .rows = {2, 2, 2}, .row_bytes = {4, 8, 4}};
    emulated_shapes(&s);
    emulated_tile_load(0, sums, sizeof(float));
    emulated_tile_load(1, a, sizeof a[0]);
    emulated_tile_load(2, b, sizeof b[0]);
    emulated_tile_dot(0, 1, 2);
    emulated_tile_store(0, sums, sizeof(float));
    assert_true(sums[0] == 1 + 2 + 30 + 4 + 500);
    assert_true(sums[1] == 0x1p30f + 128); /* 110, to the next float */
    emulated_release();
}

static void it_multiplies(void **state)
{
    (void)state;
    rng = rng_make(6, 1);
    check_product(bf16_amx_emulated);
    check_blocks(bf16_amx_emulated);
    assert_true(bf16_is_sound(bf16_amx_emulated));
}

static void the_processor_gives_the_same_bits(void **state)
{
    (void)state;
    const struct bf16_kernels *k = bf16_pick(CPU_TIER_AMX);
    rng = rng_make(7, 1);
    if (!k) {
        print_message("no AMX here: its driver was checked by emulation only\n");
        skip();
    }
    check_same_bits(k, bf16_amx_emulated, number);
    check_round(k, convert_fp32_to_bfloat16);
    check_pair(k, convert_fp32_to_bfloat16, place_in_pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_emulation_does_as_the_manual_says),
        cmocka_unit_test(it_multiplies),
        cmocka_unit_test(the_processor_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
