/*
 * bf16_emulation_neon - the instructions of engine/cpu/bf16_neon.c in plain C, for processors that lack them.
 *
 * A test defines BF16_EMULATED and includes this and then the driver's own source. Only what that uses is here. bfmmla is
 * written from the pseudo code of the Arm Architecture Reference Manual (BFMatMulAddH, BFDotAdd, FPAdd_BF16, BFRound) with
 * FPCR.EBF clear: two products of a pair are added up, and that is added to the sum, each addition rounded to odd;
 * overflow is infinity, a denormal is a zero before and after, a NaN is the default one. A sum of two floats may have more
 * bits than a double: it is rounded to odd there first, which loses nothing for a second rounding to odd (Boldo and
 * Melquiond 2008).
 */
#ifndef TESTS_ENGINE_BF16_EMULATION_NEON_H
#define TESTS_ENGINE_BF16_EMULATION_NEON_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- Numbers ---- */

/* A double, which is exact or odd, to a float. */
static inline float float_to_odd(double x)
{
    static const uint32_t default_nan = 0x7fc00000;
    float f;
    uint32_t bits;
    if (isnan(x)) {
        memcpy(&f, &default_nan, sizeof f);
        return f;
    }
    if (fabs(x) >= 0x1p128)
        return copysignf(INFINITY, (float)x);
    if (fabs(x) < 0x1p-126)
        return (float)copysign(0.0, x);
    f = (float)x;
    if ((double)f == x)
        return f;
    memcpy(&bits, &f, sizeof bits);
    bits = (bits - (fabs((double)f) > fabs(x))) | 1; /* towards zero, then odd */
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The sum of both, exact or odd. */
static inline double sum_to_odd(double a, double b)
{
    double sum = a + b, of_b = sum - a, lost = (a - (sum - of_b)) + (b - of_b);
    int64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if (!isfinite(sum) || lost == 0 || (bits & 1))
        return sum;
    bits += (lost > 0) == (sum > 0) ? 1 : -1;
    memcpy(&sum, &bits, sizeof sum);
    return sum;
}

static inline float zero_for_denormal(float x)
{
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0.0f, x) : x;
}

static inline float add_of_processor(float a, float b)
{
    return float_to_odd(sum_to_odd((double)zero_for_denormal(a), (double)zero_for_denormal(b)));
}

static inline float float_of_half(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return zero_for_denormal(f);
}

/* The product of two bf16 has 16 bits and is exact. */
static inline float multiply_of_processor(uint16_t a, uint16_t b)
{
    return float_to_odd((double)float_of_half(a) * (double)float_of_half(b));
}

static inline float dot_of_processor(float sum, const uint16_t *a, const uint16_t *b)
{
    return add_of_processor(
        sum, add_of_processor(multiply_of_processor(a[0], b[0]), multiply_of_processor(a[1], b[1])));
}

/* ---- Vectors ---- */

typedef struct {
    float of[4];
} emulated_floats;
typedef struct {
    float of[2];
} emulated_two_floats;
typedef struct {
    uint32_t of[4];
} emulated_words;
typedef struct {
    uint16_t of[8];
} emulated_halves;
typedef struct {
    uint16_t of[4];
} emulated_four_halves;
#define float32x4_t  emulated_floats
#define float32x2_t  emulated_two_floats
#define uint32x4_t   emulated_words
#define uint16x8_t   emulated_halves
#define uint16x4_t   emulated_four_halves
#define bfloat16x8_t emulated_halves
#define bfloat16x4_t emulated_four_halves

#define EMULATED_LOAD(name, type, number)                                                                    \
    static inline type name(const number *p)                                                                 \
    {                                                                                                        \
        type x;                                                                                              \
        memcpy(&x, p, sizeof x);                                                                             \
        return x;                                                                                            \
    }
#define EMULATED_STORE(name, type, number)                                                                   \
    static inline void name(number *p, type x)                                                               \
    {                                                                                                        \
        memcpy(p, &x, sizeof x);                                                                             \
    }
#define EMULATED_COMBINE(name, type, half)                                                                   \
    static inline type name(half low, half high)                                                             \
    {                                                                                                        \
        type x;                                                                                              \
        memcpy(&x.of[0], &low, sizeof low);                                                                  \
        memcpy(&x.of[sizeof x / sizeof x.of[0] / 2], &high, sizeof high);                                    \
        return x;                                                                                            \
    }
EMULATED_LOAD(emulated_vld1q_f32, emulated_floats, float)
EMULATED_LOAD(emulated_vld1_f32, emulated_two_floats, float)
EMULATED_LOAD(emulated_vld1q_u16, emulated_halves, uint16_t)
EMULATED_LOAD(emulated_vld1_u16, emulated_four_halves, uint16_t)
EMULATED_STORE(emulated_vst1_f32, emulated_two_floats, float)
EMULATED_STORE(emulated_vst1_u16, emulated_four_halves, uint16_t)
EMULATED_COMBINE(emulated_vcombine_f32, emulated_floats, emulated_two_floats)
EMULATED_COMBINE(emulated_vcombine_u16, emulated_halves, emulated_four_halves)
#define vld1q_f32              emulated_vld1q_f32
#define vld1_f32               emulated_vld1_f32
#define vld1q_u16              emulated_vld1q_u16
#define vld1_u16               emulated_vld1_u16
#define vst1_f32               emulated_vst1_f32
#define vst1_u16               emulated_vst1_u16
#define vcombine_f32           emulated_vcombine_f32
#define vcombine_u16           emulated_vcombine_u16
#define vreinterpretq_bf16_u16 /* one type here */
#define vreinterpret_u16_bf16  /* one type here */

static inline emulated_four_halves emulated_create(uint64_t bits)
{
    emulated_four_halves x;
    for (int i = 0; i < 4; i++)
        x.of[i] = (uint16_t)(bits >> 16 * i);
    return x;
}
#define vcreate_u16 emulated_create

static inline emulated_floats emulated_all(float f)
{
    return (emulated_floats){{f, f, f, f}};
}
#define vdupq_n_f32 emulated_all

static inline emulated_words emulated_all_words(uint32_t w)
{
    return (emulated_words){{w, w, w, w}};
}
#define vdupq_n_u32 emulated_all_words

static inline emulated_two_floats emulated_low(emulated_floats x)
{
    return (emulated_two_floats){{x.of[0], x.of[1]}};
}
#define vget_low_f32 emulated_low

static inline emulated_two_floats emulated_high(emulated_floats x)
{
    return (emulated_two_floats){{x.of[2], x.of[3]}};
}
#define vget_high_f32 emulated_high

static inline emulated_words emulated_bits(emulated_floats x)
{
    emulated_words w;
    memcpy(&w, &x, sizeof w);
    return w;
}
#define vreinterpretq_u32_f32 emulated_bits

static inline emulated_floats emulated_of_bits(emulated_words w)
{
    emulated_floats x;
    memcpy(&x, &w, sizeof x);
    return x;
}
#define vreinterpretq_f32_u32 emulated_of_bits

static inline emulated_words emulated_and(emulated_words a, emulated_words b)
{
    for (int i = 0; i < 4; i++)
        a.of[i] &= b.of[i];
    return a;
}
#define vandq_u32 emulated_and

static inline emulated_words emulated_or(emulated_words a, emulated_words b)
{
    for (int i = 0; i < 4; i++)
        a.of[i] |= b.of[i];
    return a;
}
#define vorrq_u32 emulated_or

static inline emulated_words emulated_test(emulated_words a, emulated_words b)
{
    for (int i = 0; i < 4; i++)
        a.of[i] = a.of[i] & b.of[i] ? 0xffffffff : 0;
    return a;
}
#define vtstq_u32 emulated_test

/* BFCVTN: to nearest, ties to even; denormals stay, a NaN becomes a quiet one. */
static inline emulated_four_halves emulated_convert(emulated_floats x)
{
    emulated_four_halves h;
    for (int i = 0; i < 4; i++) {
        uint32_t bits;
        memcpy(&bits, &x.of[i], sizeof bits);
        h.of[i] = (uint16_t)(isnan(x.of[i]) ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
    return h;
}
#define vcvt_bf16_f32 emulated_convert

/* BFMMLA: 2x2 += [2][4] times the transpose of [2][4]. */
static inline emulated_floats emulated_multiply(emulated_floats sum, emulated_halves a, emulated_halves b)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 4; k += 2)
                sum.of[2 * i + j] = dot_of_processor(sum.of[2 * i + j], &a.of[4 * i + k], &b.of[4 * j + k]);
    return sum;
}
#define vbfmmlaq_f32 emulated_multiply

#endif
