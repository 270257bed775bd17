/*
 * bf16 - products of the 3x3 layers with both factors rounded to bfloat16 and sums in float: what processors since
 * 2020 multiply at two (AVX512-BF16), four (Arm's FEAT_BF16) or sixteen times (AMX) the rate of floats.
 *
 * Only what goes into the 36 products of a tile is rounded, V and U of kernels.h, and the head's weights where they are
 * kept (net_rounding.c); the transforms before and behind the products, the first layer, all sums of the head and the
 * prior stay what they are. A driver is one const struct of functions:
 *   avx512-bf16       vdpbf16ps
 *   amx-bf16          tdpbf16ps
 *   neon-bf16         bfmmla
 *   bf16 by rounding  the same numbers out of ordinary instructions. It is slower than fp32 and there to measure
 *                     what bf16 costs in exactness, on a machine that does not have it.
 * V is rows of bf16, as kernels.h has them of floats. How U lies in `pairs`, as many numbers as packed floats, is a driver's
 * own affair: its `pair` writes what its `multiply` reads. All but neon-bf16, which has one of its own, have
 *   pairs    [panel of 16 outputs][inputs / 2][16][2]: two inputs side by side
 * Sums are made in an order that does not depend on how work is cut into blocks of rows, as in kernels.h.
 */
#ifndef ENGINE_CPU_BF16_H
#define ENGINE_CPU_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/recipe.h"

struct bf16_kernels {
    const char *name;

    /* to[planes, to_plane apart][count] = from[planes, from_plane apart][count], rounded. `count` is a multiple
     * of 16. Rounds to nearest, ties to even; denormals become zero, a NaN stays one. */
    void (*round)(const float *from, size_t from_plane, int planes, int count, uint16_t *to, size_t to_plane);
    /* The same of U of a panel: [depth, even][16] to pairs. A panel may be written in parts, of which all but the last
     * have a depth that is a multiple of 16. */
    void (*pair)(const float *from, size_t from_plane, int planes, int depth, uint16_t *to, size_t to_plane);
    /* c[rows][16 * panels] (+)= a[rows][depth] * pairs. `depth` is even; row strides lda, ldc; `pairs` advances by
     * panel_stride numbers per panel. */
    void (*multiply)(const uint16_t *a, size_t lda, int rows, int depth, const uint16_t *pairs,
                     size_t panel_stride, int panels, float *c, size_t ldc, int add);
};

/* NULL where the compiler could not make them. */
extern const struct bf16_kernels *const bf16_avx512, *const bf16_amx, *const bf16_neon;
extern const struct bf16_kernels bf16_rounded;
#if defined(__x86_64__)
extern const struct bf16_kernels bf16_rounded_avx2;
#endif

static inline bool bf16_is_tier(enum cpu_tier tier)
{
    return tier >= CPU_TIER_AVX512BF16;
}

/* The driver of a tier; NULL when this processor lacks it, and of tiers without bf16. What is handed out has multiplied
 * rightly on this processor once (bf16_is_sound). */
const struct bf16_kernels *bf16_pick(enum cpu_tier tier);
/* The best tier with bf16 that this processor has in hardware; CPU_TIER_AUTO when it has none. */
enum cpu_tier bf16_best_tier(void);
/* Multiplies numbers of an odd size and compares with the same in double precision. */
bool bf16_is_sound(const struct bf16_kernels *k);

/* One float to bf16, as `round` does it (vcvtneps2bf16 in Intel's Software Developer's Manual, volume 2). */
static inline uint16_t bf16_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7f800000) == 0)
        return (uint16_t)(bits >> 16 & 0x8000);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float bf16_float(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

#endif
