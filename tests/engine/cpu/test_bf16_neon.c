/*
 * test_bf16_neon - products by Arm's bfmmla: the driver's own source compiled once more with the instructions in plain C
 * (bf16_emulation_neon.h). Where the processor has them, the driver itself must give the same bits. Against the driver that
 * rounds to nearest only a bound holds: bfmmla rounds its sums to odd.
 */
#include "tests/engine/cpu/bf16_check.h"

#define BF16_EMULATED
#include "tests/engine/cpu/bf16_emulation_neon.h"
#define bf16_neon bf16_neon_emulated
extern const struct bf16_kernels *const bf16_neon_emulated;
#include "engine/cpu/bf16_neon.c"
#undef bf16_neon

/* ---- The emulation itself, by hand from the manual's pseudo code ---- */

static float dot(float sum, float first_a, float first_b, float second_a, float second_b)
{
    const uint16_t a[2] = {bf16_of(first_a), bf16_of(second_a)}, b[2] = {bf16_of(first_b), bf16_of(second_b)};
    return dot_of_processor(sum, a, b);
}

static void the_emulation_does_as_the_manual_says(void **state)
{
    (void)state;
    assert_true(dot(5, 2, 3, 4, 0.5f) == 13);
    assert_true(dot(1, 0x1p30f, 1, -0x1p30f, 1) == 1);                  /* a pair by itself first */
    assert_true(dot(1, 1, 0x1p-24f, 0, 0) == 1 + 0x1p-23f);             /* to odd: up */
    assert_true(dot(1 + 0x1p-23f, 1, 0x1p-24f, 0, 0) == 1 + 0x1p-23f);  /* odd already */
    assert_true(dot(1 + 0x1p-22f, -1, 0x1p-60f, 0, 0) == 1 + 0x1p-23f); /* and down */
    assert_true(dot(-1, 1, -0x1p-100f, 0, 0) == -1 - 0x1p-23f);         /* however little is lost */
    assert_true(dot(1, 1, 0x1p-126f, 1, -0x1p-126f) == 1);
    assert_true(dot(0, 0x1p-70f, 0x1p-70f, 0, 0) == 0); /* a denormal on the way out */
    assert_true(dot(0x1p-130f, 0, 0, 0, 0) == 0);       /* and in */
    assert_true(dot(0, 0x1p-126f, 1, 0, 0) == 0x1p-126f);
    assert_true(isinf(dot(3.4e38f, 0x1p120f, 0x1p7f, 0, 0))); /* not the largest number */
    assert_true(isnan(dot(0, INFINITY, 0, 0, 0)));
    assert_true(isnan(dot(INFINITY, -INFINITY, 1, 0, 0)));
}

/* Rows of the left one times rows of the right one. */
static void the_emulation_multiplies_two_by_two(void **state)
{
    (void)state;
    emulated_halves a, b;
    for (int i = 0; i < 8; i++) {
        a.of[i] = bf16_of((float)(i + 1));
        b.of[i] = bf16_of((float)(1 << i));
    }
    emulated_floats c = emulated_multiply((emulated_floats){{1, 2, 3, 4}}, a, b);
    assert_true(c.of[0] == 1 + 1 + 4 + 12 + 32);
    assert_true(c.of[1] == 2 + 16 * (1 + 4 + 12 + 32));
    assert_true(c.of[2] == 3 + 5 + 12 + 28 + 64);
    assert_true(c.of[3] == 4 + 16 * (5 + 12 + 28 + 64));
}

/* ---- The driver ---- */

static int place_in_quads(int depth, int x, int column)
{
    bool is_left_over = x / 4 * 4 + 4 > depth;
    return x / 4 * 4 * GROUP + (is_left_over ? column * 2 + x % 2 : column * 4 + x % 4);
}

static void check_all(const struct bf16_kernels *k)
{
    check_round(k, bf16_of);
    check_pair(k, bf16_of, place_in_quads);
    check_product(k);
    check_blocks(k);
    assert_true(bf16_is_sound(k));
}

static void it_rounds_and_multiplies(void **state)
{
    (void)state;
    rng = rng_make(11, 1);
    check_all(bf16_neon_emulated);
}

/* Both round each sum; the instruction by up to a last bit of 24, the other by half of one; one makes zeros of denormals. */
static void it_is_near_what_rounds_to_nearest(void **state)
{
    (void)state;
    rng = rng_make(12, 1);
    for (int rows = 1; rows <= 70; rows++) {
        struct product_case p = product_case_make(rows, number);
        float *c = copy_of_c(&p), *d = copy_of_c(&p);
        product_of(bf16_neon_emulated, &p, c);
        product_of(&bf16_rounded, &p, d);
        for (size_t i = 0; i < (size_t)rows * p.ldc; i++) {
            size_t row = i / p.ldc, column = i % p.ldc;
            if (column >= (size_t)p.panels * GROUP)
                continue;
            double size = p.add ? fabs((double)p.c[i]) : 0;
            for (size_t x = 0; x < (size_t)p.depth; x++)
                size += fabs((double)bf16_float(p.a[row * p.lda + x]) *
                             (double)p.b[(column / GROUP * (size_t)p.depth + x) * GROUP + column % GROUP]);
            assert_true(fabs((double)c[i] - (double)d[i]) <=
                        (p.depth + 1) * (1.5 * 0x1p-23 * size + 0x1p-126));
        }
        free(c);
        free(d);
        product_case_free(&p);
    }
}

static void the_processor_gives_the_same_bits(void **state)
{
    (void)state;
    const struct bf16_kernels *k = bf16_pick(CPU_TIER_NEONBF16);
    rng = rng_make(13, 1);
    if (!k) {
        print_message("no FEAT_BF16 of Arm here: its driver was checked by emulation only\n");
        skip();
    }
    check_all(k);
    check_same_bits(k, bf16_neon_emulated, number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_emulation_does_as_the_manual_says),
        cmocka_unit_test(the_emulation_multiplies_two_by_two),
        cmocka_unit_test(it_rounds_and_multiplies),
        cmocka_unit_test(it_is_near_what_rounds_to_nearest),
        cmocka_unit_test(the_processor_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
