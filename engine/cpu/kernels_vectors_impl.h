/*
 * kernels_vectors_impl - vectors of LANES floats and what the kernels do with them.
 *
 * Arithmetic is the compiler's own. Only three things have no spelling in it that it translates well
 * and are intrinsics, with a plain form beside them: the larger of two vectors, the sign bits of a vector,
 * and the widening of short integers.
 */
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))

enum { VECTORS = GROUP / LANES };

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
typedef uint32_t uvec __attribute__((vector_size(LANES * 4)));
typedef float vec_in_memory __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

INLINE vec load(const float *p)
{
    return *(const vec_in_memory *)p;
}

INLINE void store(float *p, vec x)
{
    *(vec_in_memory *)p = x;
}

INLINE vec keep(vec x, ivec mask)
{
    return (vec)((ivec)x & mask);
}

INLINE vec larger(vec a, vec b)
{
#if LANES == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif LANES == 8
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    ivec m = b > a;
    return (vec)(((ivec)a & ~m) | ((ivec)b & m));
#endif
}

/* Halves as the upper half of LANES words; bytes with a sign times 256. */
INLINE ivec upper_bits(const uint16_t *p)
{
#if LANES == 16
    return (ivec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#elif LANES == 8
    return (ivec)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#elif defined(__aarch64__)
    return (ivec)vshll_n_u16(vld1_u16(p), 16);
#else
    ivec x = {0};
    for (int i = 0; i < LANES; i++)
        x[i] = (int32_t)((uint32_t)p[i] << 16);
    return x;
#endif
}

INLINE ivec below_bits(const int8_t *p)
{
#if LANES == 16
    return (ivec)_mm512_slli_epi32(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)), 8);
#elif LANES == 8
    return (ivec)_mm256_slli_epi32(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)), 8);
#else
    ivec x = {0};
    for (int i = 0; i < LANES; i++)
        x[i] = p[i] * 256;
    return x;
#endif
}

/* One bit per lane of a comparison's result. */
INLINE unsigned bits_of(ivec mask)
{
#if LANES == 16
    return _mm512_movepi32_mask((__m512i)mask);
#elif LANES == 8
    return (unsigned)_mm256_movemask_ps((__m256)mask);
#elif defined(__SSE2__)
    return (unsigned)_mm_movemask_ps((__m128)mask);
#elif defined(__aarch64__)
    const ivec lane = {1, 2, 4, 8};
    return vaddvq_u32((uint32x4_t)(mask & lane));
#else
    unsigned bits = 0;
    for (int i = 0; i < LANES; i++)
        bits |= ((unsigned)mask[i] & 1u) << i;
    return bits;
#endif
}

/* The way back: lanes of all ones where the bit is set. Bits from `shift` on belong to this vector. */
INLINE ivec mask_of(unsigned bits, int shift)
{
#if LANES == 16
    const ivec lane = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
#elif LANES == 8
    const ivec lane = {1, 2, 4, 8, 16, 32, 64, 128};
#else
    const ivec lane = {1, 2, 4, 8};
#endif
    ivec all = (ivec){0} + (int32_t)(bits >> shift);
    return (all & lane) == lane;
}
