/*
 * bf16_emulation - the instructions of AVX512-BF16 and AMX-BF16 in plain C, for processors that lack them.
 *
 * A test defines BF16_EMULATED and includes this and then engine/cpu/bf16_avx512.c or bf16_amx.c: the kernels' own
 * source, with these in the place of the compiler's intrinsics. Only what those files use is here. The arithmetic is
 * that of the pseudo code in Intel's Software Developer's Manual, volume 2 (VDPBF16PS, VCVTNEPS2BF16, TDPBF16PS,
 * LDTILECFG): every step a fused multiplication and addition rounded to nearest, ties to even; denormals are zeros
 * on the way in and on the way out; of a pair vdpbf16ps takes the odd one first, and tdpbf16ps adds all even and all
 * odd ones up by themselves before it adds both to the sum. MXCSR has no say.
 */
#ifndef TESTS_ENGINE_BF16_EMULATION_H
#define TESTS_ENGINE_BF16_EMULATION_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- Numbers ---- */

static inline float without_denormal(float x)
{
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0.0f, x) : x;
}

static inline float fma_of_processor(float a, float b, float c)
{
    return without_denormal(fmaf(without_denormal(a), without_denormal(b), without_denormal(c)));
}

static inline float float_of_bf16(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint16_t convert_fp32_to_bfloat16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    switch (fpclassify(x)) {
    case FP_ZERO:
    case FP_SUBNORMAL:
        return bits >> 31 ? 0x8000 : 0;
    case FP_INFINITE:
        return (uint16_t)(bits >> 16);
    case FP_NAN:
        return (uint16_t)(bits >> 16 | 1u << 6);
    default:
        bits += 0x00007fffu + (bits >> 16 & 1u);
        return (uint16_t)(bits >> 16);
    }
}

/* ---- Vectors ---- */

typedef struct {
    float of[16];
} emulated_floats;
typedef struct {
    uint32_t of[16];
} emulated_words;
typedef struct {
    uint16_t of[32];
} emulated_pairs;
typedef struct {
    uint16_t of[16];
} emulated_halves;
#define __m512   emulated_floats
#define __m512i  emulated_words
#define __m512bh emulated_pairs
#define __m256i  emulated_halves
#define __m256bh emulated_halves

static inline emulated_floats emulated_load(const float *p)
{
    emulated_floats x;
    memcpy(&x, p, sizeof x);
    return x;
}
#define _mm512_loadu_ps emulated_load

static inline void emulated_store(float *p, emulated_floats x)
{
    memcpy(p, &x, sizeof x);
}
#define _mm512_storeu_ps emulated_store

static inline emulated_floats emulated_zero(void)
{
    return (emulated_floats){{0}};
}
#define _mm512_setzero_ps emulated_zero

static inline emulated_words emulated_broadcast(int32_t word)
{
    emulated_words x;
    for (int i = 0; i < 16; i++)
        x.of[i] = (uint32_t)word;
    return x;
}
#define _mm512_set1_epi32 emulated_broadcast

static inline emulated_words emulated_widen(emulated_halves h)
{
    emulated_words x;
    for (int i = 0; i < 16; i++)
        x.of[i] = h.of[i];
    return x;
}
#define _mm512_cvtepu16_epi32 emulated_widen

static inline emulated_words emulated_shift(emulated_words x, unsigned count)
{
    for (int i = 0; i < 16; i++)
        x.of[i] <<= count;
    return x;
}
#define _mm512_slli_epi32 emulated_shift

static inline emulated_words emulated_or(emulated_words a, emulated_words b)
{
    for (int i = 0; i < 16; i++)
        a.of[i] |= b.of[i];
    return a;
}
#define _mm512_or_si512 emulated_or

static inline emulated_halves emulated_round(emulated_floats x)
{
    emulated_halves h;
    for (int i = 0; i < 16; i++)
        h.of[i] = convert_fp32_to_bfloat16(x.of[i]);
    return h;
}
#define _mm512_cvtneps_pbh emulated_round

static inline emulated_floats emulated_dot(emulated_floats sum, emulated_pairs a, emulated_pairs b)
{
    for (int i = 0; i < 16; i++) {
        float odd =
            fma_of_processor(float_of_bf16(a.of[2 * i + 1]), float_of_bf16(b.of[2 * i + 1]), sum.of[i]);
        sum.of[i] = fma_of_processor(float_of_bf16(a.of[2 * i]), float_of_bf16(b.of[2 * i]), odd);
    }
    return sum;
}
#define _mm512_dpbf16_ps emulated_dot

/* ---- Tiles ---- */

/* Bytes beyond a tile's shape are zero; a shape that an instruction refuses (#UD) fails the test. */
static struct emulated_tile {
    int rows, row_bytes;
    uint8_t bytes[16][64];
} emulated_tiles[8];

static inline void emulated_shapes(const void *from)
{
    const uint8_t *p = from;
    uint16_t row_bytes[8];
    memcpy(row_bytes, p + 16, sizeof row_bytes);
    assert_int_equal(p[0], 1); /* palette */
    for (int i = 1; i < 16; i++)
        assert_int_equal(p[i], 0);
    memset(emulated_tiles, 0, sizeof emulated_tiles);
    for (int i = 0; i < 8; i++) {
        assert_true(p[48 + i] <= 16 && row_bytes[i] <= 64 && (p[48 + i] == 0) == (row_bytes[i] == 0));
        emulated_tiles[i].rows = p[48 + i];
        emulated_tiles[i].row_bytes = row_bytes[i];
    }
}
#define _tile_loadconfig emulated_shapes

static inline void emulated_release(void)
{
    memset(emulated_tiles, 0, sizeof emulated_tiles);
}
#define _tile_release emulated_release

static inline struct emulated_tile *tile_in_use(int number)
{
    assert_true(emulated_tiles[number].rows > 0);
    return &emulated_tiles[number];
}

static inline void emulated_tile_zero(int number)
{
    memset(tile_in_use(number)->bytes, 0, sizeof emulated_tiles->bytes);
}
#define _tile_zero emulated_tile_zero

static inline void emulated_tile_load(int number, const void *from, size_t stride)
{
    struct emulated_tile *t = tile_in_use(number);
    memset(t->bytes, 0, sizeof t->bytes);
    for (int r = 0; r < t->rows; r++)
        memcpy(t->bytes[r], (const uint8_t *)from + (size_t)r * stride, (size_t)t->row_bytes);
}
#define _tile_loadd emulated_tile_load

static inline void emulated_tile_store(int number, void *to, size_t stride)
{
    const struct emulated_tile *t = tile_in_use(number);
    for (int r = 0; r < t->rows; r++)
        memcpy((uint8_t *)to + (size_t)r * stride, t->bytes[r], (size_t)t->row_bytes);
}
#define _tile_stored emulated_tile_store

static inline float tile_half(const struct emulated_tile *t, int row, int column)
{
    uint16_t x;
    memcpy(&x, &t->bytes[row][column * 2], sizeof x);
    return float_of_bf16(x);
}

static inline void emulated_tile_dot(int to, int left, int right)
{
    struct emulated_tile *c = tile_in_use(to), *a = tile_in_use(left), *b = tile_in_use(right);
    assert_int_equal(c->rows, a->rows);
    assert_int_equal(a->row_bytes, 4 * b->rows);
    assert_int_equal(c->row_bytes, b->row_bytes);
    for (int m = 0; m < c->rows; m++)
        for (int n = 0; n < c->row_bytes / 4; n++) {
            float even = 0, odd = 0, sum;
            for (int k = 0; k < b->rows; k++) {
                even = fma_of_processor(tile_half(a, m, 2 * k), tile_half(b, k, 2 * n), even);
                odd = fma_of_processor(tile_half(a, m, 2 * k + 1), tile_half(b, k, 2 * n + 1), odd);
            }
            memcpy(&sum, &c->bytes[m][4 * n], sizeof sum);
            sum = fma_of_processor(1.0f, fma_of_processor(1.0f, even, odd), sum);
            memcpy(&c->bytes[m][4 * n], &sum, sizeof sum);
        }
}
#define _tile_dpbf16ps emulated_tile_dot

#endif
