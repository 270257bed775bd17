/*
 * bf16_avx512 - products by vdpbf16ps, which multiplies a pair of bf16 per lane and adds both products to a float.
 *
 * 14 rows by two panels are 28 sums in registers: per pair of inputs two loads of weights and 14 of broadcast inputs
 * serve 28 instructions, so that these are what a core waits for. Compiled for x86-64-v4 with AVX512-BF16.
 * tests/engine/cpu/test_bf16.c compiles this file once more with the intrinsics in plain C (bf16_emulation.h), which is
 * why vectors are moved by memcpy where their types differ: casts would not do there.
 */
#include "engine/cpu/bf16.h"

#if defined(__AVX512BF16__) || defined(BF16_EMULATED)
#include "engine/cpu/kernels.h"
#ifndef BF16_EMULATED
#include <immintrin.h>
#endif

enum { ROWS = 14 };

#define INLINE static inline __attribute__((always_inline))

INLINE void round_16(const float *from, uint16_t *to)
{
    __m256bh x = _mm512_cvtneps_pbh(_mm512_loadu_ps(from));
    memcpy(to, &x, sizeof x);
}

static void round_rows(const float *from, size_t from_plane, int planes, int count, uint16_t *to,
                       size_t to_plane)
{
    for (int p = 0; p < planes; p++, from += from_plane, to += to_plane)
        for (int i = 0; i < count; i += 16)
            round_16(from + i, to + i);
}

/* Two rows of 16 side by side. */
INLINE void pair_16(const float *from, uint16_t *to)
{
    uint16_t rows[2][GROUP];
    __m256i even, odd;
    round_16(from, rows[0]);
    round_16(from + GROUP, rows[1]);
    memcpy(&even, rows[0], sizeof even);
    memcpy(&odd, rows[1], sizeof odd);
    __m512i x =
        _mm512_or_si512(_mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
    memcpy(to, &x, sizeof x);
}

static void pair_rows(const float *from, size_t from_plane, int planes, int depth, uint16_t *to,
                      size_t to_plane)
{
    for (int p = 0; p < planes; p++, from += from_plane, to += to_plane)
        for (int i = 0; i < depth; i += 2)
            pair_16(from + i * GROUP, to + i * GROUP);
}

INLINE __m512bh load_weights(const uint16_t *pairs)
{
    __m512bh x;
    memcpy(&x, pairs, sizeof x);
    return x;
}

INLINE __m512bh broadcast_pair(const uint16_t *a)
{
    int32_t pair;
    __m512bh x;
    memcpy(&pair, a, sizeof pair);
    __m512i all = _mm512_set1_epi32(pair);
    memcpy(&x, &all, sizeof x);
    return x;
}

INLINE void multiply_rows(const uint16_t *a, size_t lda, int depth, const uint16_t *pairs,
                          size_t panel_stride, float *c, size_t ldc, int add, const int rows,
                          const int panels)
{
    __m512 sum[ROWS][2];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int s = 0; s < panels; s++)
            sum[r][s] = add ? _mm512_loadu_ps(c + (size_t)r * ldc + s * GROUP) : _mm512_setzero_ps();
    for (int x = 0; x < depth; x += 2, pairs += 2 * GROUP) {
        __m512bh w[2];
#pragma GCC unroll 2
        for (int s = 0; s < panels; s++)
            w[s] = load_weights(pairs + (size_t)s * panel_stride);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            __m512bh of = broadcast_pair(a + (size_t)r * lda + x);
#pragma GCC unroll 2
            for (int s = 0; s < panels; s++)
                sum[r][s] = _mm512_dpbf16_ps(sum[r][s], of, w[s]);
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int s = 0; s < panels; s++)
            _mm512_storeu_ps(c + (size_t)r * ldc + s * GROUP, sum[r][s]);
}

/* `parts` times `rows` rows against all panels. */
INLINE void multiply_parts(const uint16_t *a, size_t lda, int parts, int depth, const uint16_t *pairs,
                           size_t panel_stride, int panels, float *c, size_t ldc, int add, const int rows)
{
    for (int p = 0; p < panels; p += 2, pairs += 2 * panel_stride, c += 2 * GROUP)
        for (int i = 0; i < parts; i++) {
            size_t first = (size_t)(i * rows);
            if (p + 1 < panels)
                multiply_rows(a + first * lda, lda, depth, pairs, panel_stride, c + first * ldc, ldc, add,
                              rows, 2);
            else
                multiply_rows(a + first * lda, lda, depth, pairs, panel_stride, c + first * ldc, ldc, add,
                              rows, 1);
        }
}

#define OPERAND uint16_t
#include "engine/cpu/kernels_split_impl.h"

static const struct bf16_kernels table = {
    .name = "avx512-bf16", .round = round_rows, .pair = pair_rows, .multiply = multiply};
const struct bf16_kernels *const bf16_avx512 = &table;
#else
const struct bf16_kernels *const bf16_avx512 = NULL;
#endif
