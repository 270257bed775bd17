/*
 * bf16_neon - products by bfmmla (FEAT_BF16, Armv8.6, many cores of Armv8.2 to 8.5), which multiplies two rows of four
 * bf16 by two columns of four and adds that to 2x2 floats.
 *
 * Six rows by a panel of sixteen columns are 24 blocks of 2x2 sums in registers: per four inputs eight loads of weights
 * and six of halves of rows serve 24 instructions. So that a load of weights is two columns, the layout here is
 *   pairs    [panel of 16 outputs][inputs / 4][16][4], and where two inputs are left over [16][2] of them behind that
 * in which those two count as four, the last two of them zero. A row without a partner has a row of zeros.
 *
 * By the pseudo code of the Arm Architecture Reference Manual (BFMatMulAddH, BFDotAdd, FPAdd_BF16) the instruction adds
 * the products of a pair to one another and that to the sum, and rounds both additions to odd: the last bit is set
 * where anything was lost. Denormals are zeros on the way in and on the way out. FPCR has no say, but for its bit EBF
 * (FEAT_EBF16), which nobody sets here. Sums are up to 2^-23 off for each addition in place of the 2^-24 of other drivers,
 * within what bf16_sound.c allows, and are the same bits on every processor.
 * tests/engine/cpu/test_bf16_neon.c compiles this file once more with the intrinsics in plain C.
 */
#include "engine/cpu/bf16.h"

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) || defined(BF16_EMULATED)
#include "engine/cpu/kernels.h"
#ifndef BF16_EMULATED
#include <arm_neon.h>
#endif

enum { ROWS = 6, QUAD = 4, COLUMN_PAIRS = GROUP / 2 };

#define INLINE static inline __attribute__((always_inline))

/* ---- Rounding and layout ---- */

/* The instruction keeps denormals; here they become zero, with their sign. */
INLINE void round_4(const float *from, uint16_t *to)
{
    uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(from));
    uint32x4_t is_normal = vtstq_u32(bits, vdupq_n_u32(0x7f800000));
    bits = vandq_u32(bits, vorrq_u32(is_normal, vdupq_n_u32(0x80000000)));
    vst1_u16(to, vreinterpret_u16_bf16(vcvt_bf16_f32(vreinterpretq_f32_u32(bits))));
}

INLINE void round_count(const float *from, int count, uint16_t *to)
{
    for (int i = 0; i < count; i += 4)
        round_4(from + i, to + i);
}

static void round_rows(const float *from, size_t from_plane, int planes, int count, uint16_t *to,
                       size_t to_plane)
{
    for (int p = 0; p < planes; p++, from += from_plane, to += to_plane)
        round_count(from, count, to);
}

/* `inputs` rows of 16 to [16][inputs]. */
INLINE void interleave(const float *from, uint16_t *to, const int inputs)
{
    uint16_t rows[QUAD][GROUP];
    round_count(from, inputs * GROUP, rows[0]);
    for (int i = 0; i < GROUP; i++)
        for (int x = 0; x < inputs; x++)
            to[i * inputs + x] = rows[x][i];
}

static void pair_rows(const float *from, size_t from_plane, int planes, int depth, uint16_t *to,
                      size_t to_plane)
{
    for (int p = 0; p < planes; p++, from += from_plane, to += to_plane) {
        int x = 0;
        for (; x + QUAD <= depth; x += QUAD)
            interleave(from + x * GROUP, to + x * GROUP, QUAD);
        if (x < depth)
            interleave(from + x * GROUP, to + x * GROUP, 2);
    }
}

/* ---- Products ---- */

/* Two bf16, and two zeros. */
INLINE uint16x4_t load_2(const uint16_t *p)
{
    uint32_t pair;
    memcpy(&pair, p, sizeof pair);
    return vcreate_u16(pair);
}

INLINE bfloat16x8_t both(uint16x4_t first, uint16x4_t second)
{
    return vreinterpretq_bf16_u16(vcombine_u16(first, second));
}

/* Four inputs, or the last two, of row r and the one below; of `rows` rows. */
INLINE bfloat16x8_t two_rows(const uint16_t *a, size_t lda, int r, int rows, const int inputs)
{
    const uint16_t *first = a + (size_t)r * lda, *second = first + lda;
    if (r + 1 == rows)
        return both(inputs == QUAD ? vld1_u16(first) : load_2(first), vcreate_u16(0));
    return inputs == QUAD ? both(vld1_u16(first), vld1_u16(second)) : both(load_2(first), load_2(second));
}

INLINE bfloat16x8_t two_columns(const uint16_t *pairs, int pair, const int inputs)
{
    const uint16_t *p = pairs + pair * 2 * inputs;
    return inputs == QUAD ? vreinterpretq_bf16_u16(vld1q_u16(p)) : both(load_2(p), load_2(p + 2));
}

/* Blocks of 2x2 of rows r and r + 1. */
INLINE void load_sums(float32x4_t sum[COLUMN_PAIRS], const float *c, size_t ldc, int r, int rows, int add)
{
    const float *first = c + (size_t)r * ldc, *second = r + 1 < rows ? first + ldc : first;
    for (int s = 0; s < COLUMN_PAIRS; s++)
        sum[s] = add ? vcombine_f32(vld1_f32(first + 2 * s), vld1_f32(second + 2 * s)) : vdupq_n_f32(0);
}

INLINE void store_sums(const float32x4_t sum[COLUMN_PAIRS], float *c, size_t ldc, int r, int rows)
{
    float *first = c + (size_t)r * ldc;
    for (int s = 0; s < COLUMN_PAIRS; s++) {
        vst1_f32(first + 2 * s, vget_low_f32(sum[s]));
        if (r + 1 < rows)
            vst1_f32(first + ldc + 2 * s, vget_high_f32(sum[s]));
    }
}

INLINE void multiply_inputs(float32x4_t sum[ROWS / 2][COLUMN_PAIRS], const uint16_t *a, size_t lda,
                            const uint16_t *pairs, const int rows, const int inputs)
{
    bfloat16x8_t of[ROWS / 2];
#pragma GCC unroll 3
    for (int r = 0; r < rows; r += 2)
        of[r / 2] = two_rows(a, lda, r, rows, inputs);
#pragma GCC unroll 8
    for (int s = 0; s < COLUMN_PAIRS; s++) {
        bfloat16x8_t w = two_columns(pairs, s, inputs);
#pragma GCC unroll 3
        for (int r = 0; r < rows; r += 2)
            sum[r / 2][s] = vbfmmlaq_f32(sum[r / 2][s], of[r / 2], w);
    }
}

INLINE void multiply_rows(const uint16_t *a, size_t lda, int depth, const uint16_t *pairs, float *c,
                          size_t ldc, int add, const int rows)
{
    float32x4_t sum[ROWS / 2][COLUMN_PAIRS];
#pragma GCC unroll 3
    for (int r = 0; r < rows; r += 2)
        load_sums(sum[r / 2], c, ldc, r, rows, add);
    int x = 0;
    for (; x + QUAD <= depth; x += QUAD)
        multiply_inputs(sum, a + x, lda, pairs + x * GROUP, rows, QUAD);
    if (x < depth)
        multiply_inputs(sum, a + x, lda, pairs + x * GROUP, rows, 2);
#pragma GCC unroll 3
    for (int r = 0; r < rows; r += 2)
        store_sums(sum[r / 2], c, ldc, r, rows);
}

/* `parts` times `rows` rows against all panels. */
INLINE void multiply_parts(const uint16_t *a, size_t lda, int parts, int depth, const uint16_t *pairs,
                           size_t panel_stride, int panels, float *c, size_t ldc, int add, const int rows)
{
    for (int p = 0; p < panels; p++, pairs += panel_stride, c += GROUP)
        for (int i = 0; i < parts; i++) {
            size_t first = (size_t)(i * rows);
            multiply_rows(a + first * lda, lda, depth, pairs, c + first * ldc, ldc, add, rows);
        }
}

#define OPERAND uint16_t
#include "engine/cpu/kernels_split_impl.h"

static const struct bf16_kernels table = {
    .name = "neon-bf16", .round = round_rows, .pair = pair_rows, .multiply = multiply};
const struct bf16_kernels *const bf16_neon = &table;
#else
const struct bf16_kernels *const bf16_neon = NULL;
#endif
