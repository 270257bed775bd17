/*
 * bf16_rounded_impl - bf16 by rounding: products in the order of vdpbf16ps out of ordinary vectors.
 *
 * The product of two bf16 is exact in a float, so a multiplication and an addition give what the instruction's fused
 * one gives, bit by bit, but for sums so small that it makes zeros of them. The including file defines LANES (a
 * divisor of 16), KERNELS and KERNEL_NAME.
 */
#include "engine/cpu/bf16.h"
#include "engine/cpu/kernels.h"
#include "engine/cpu/kernels_vectors_impl.h"

enum { ROWS = 6 };

static void round_rows(const float *from, size_t from_plane, int planes, int count, uint16_t *to,
                       size_t to_plane)
{
    for (int p = 0; p < planes; p++, from += from_plane, to += to_plane)
        for (int i = 0; i < count; i++)
            to[i] = bf16_of(from[i]);
}

static void pair_rows(const float *from, size_t from_plane, int planes, int depth, uint16_t *to,
                      size_t to_plane)
{
    for (int p = 0; p < planes; p++, from += from_plane, to += to_plane)
        for (int i = 0; i < depth * GROUP; i++)
            to[(i / GROUP / 2 * GROUP + i % GROUP) * 2 + i / GROUP % 2] = bf16_of(from[i]);
}

/* Upper and lower halves of words as floats: the odd and the even one of a pair. */
INLINE vec odd_of(ivec pairs)
{
    return (vec)(pairs & ((ivec){0} - 0x10000));
}

INLINE vec even_of(ivec pairs)
{
    return (vec)(pairs << 16);
}

INLINE ivec load_pairs(const uint16_t *p)
{
    ivec x;
    memcpy(&x, p, sizeof x);
    return x;
}

INLINE void multiply_rows(const uint16_t *a, size_t lda, int depth, const uint16_t *pairs, float *c,
                          size_t ldc, int add, const int rows)
{
    for (int s = 0; s < GROUP; s += LANES) {
        vec sum[ROWS];
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++)
            sum[r] = add ? load(c + (size_t)r * ldc + s) : (vec){0};
        for (int x = 0; x < depth; x += 2) {
            ivec w = load_pairs(pairs + (size_t)x * GROUP + 2 * s);
            vec odd = odd_of(w), even = even_of(w);
#pragma GCC unroll 6
            for (int r = 0; r < rows; r++) {
                const uint16_t *of = a + (size_t)r * lda + x;
                sum[r] += bf16_float(of[1]) * odd;
                sum[r] += bf16_float(of[0]) * even;
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++)
            store(c + (size_t)r * ldc + s, sum[r]);
    }
}

static void multiply(const uint16_t *a, size_t lda, int rows, int depth, const uint16_t *pairs,
                     size_t panel_stride, int panels, float *c, size_t ldc, int add)
{
    for (int p = 0; p < panels; p++, pairs += panel_stride, c += GROUP) {
        int r = 0;
        for (; r + ROWS <= rows; r += ROWS)
            multiply_rows(a + (size_t)r * lda, lda, depth, pairs, c + (size_t)r * ldc, ldc, add, ROWS);
        for (; r < rows; r++)
            multiply_rows(a + (size_t)r * lda, lda, depth, pairs, c + (size_t)r * ldc, ldc, add, 1);
    }
}

const struct bf16_kernels KERNELS = {
    .name = KERNEL_NAME, .round = round_rows, .pair = pair_rows, .multiply = multiply};
