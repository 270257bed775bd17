/*
 * kernel_check - what the tests of kernels share: numbers that provoke, canaries, a
 * scale-free distance, maps.
 */
#ifndef TESTS_ENGINE_KERNEL_CHECK_H
#define TESTS_ENGINE_KERNEL_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "engine/cpu/kernels.h"
#include "tests/common/normal.h"

static const float canary = -12345.5f;
static const double tolerance = 1e-11; /* NMSE; rounding alone is some 1e-13 */
static struct rng rng;

/* Mostly normal; often zero, tiny, equal to others, or large: where comparisons and masks go wrong. */
static inline float number(void)
{
    switch (rng_below(&rng, 8)) {
    case 0:
        return 0.0f;
    case 1:
        return -1.0f;
    case 2:
        return 1e-20f;
    case 3:
        return 40.0f * rng_normal(&rng);
    default:
        return rng_normal(&rng);
    }
}

static inline float *numbers(size_t count)
{
    float *p = buffer_alloc(count * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < count; i++)
        p[i] = number();
    return p;
}

static inline float *canaries(size_t count)
{
    float *p = buffer_alloc(count * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < count; i++)
        p[i] = canary;
    return p;
}

/* Sum of squared differences over sum of squares, gathered value by value. */
struct distance {
    double error, norm;
};

static inline void differ(struct distance *d, float is, double should)
{
    d->error += ((double)is - should) * ((double)is - should);
    d->norm += should * should;
}

static inline void assert_near(const struct distance *d)
{
    assert_true(d->error <= tolerance * d->norm);
}

typedef void check_fn(const struct kernels *k);

static inline void each_tier(check_fn *check)
{
    static const enum cpu_tier tiers[] = {CPU_TIER_C, CPU_TIER_AVX2, CPU_TIER_AVX512};
    for (size_t i = 0; i < ARRAY_LEN(tiers); i++) {
        const struct kernels *k = kernels_pick(tiers[i]);
        rng = rng_make(7, i);
        for (int round = 0; k && round < 4; round++)
            check(k);
    }
}

/* ---- Maps ---- */

static inline struct map map_make(int w, int h, int channels)
{
    struct map m = {.w = w, .h = h, .channels = channels};
    m.stride_px = (w + 3) / 4 * 4 + 4;
    m.rows_px = (h + 3) / 4 * 4 + 4;
    size_t pixels = (size_t)m.stride_px * (size_t)m.rows_px, bits = pixels * (size_t)channels / GROUP;
    m.data = canaries(pixels * (size_t)channels);
    m.alive = xcalloc(bits, sizeof *m.alive);
    for (int b = 0; b < 2; b++)
        m.which[b] = xcalloc(bits, sizeof *m.which[b]);
    for (size_t i = 0; i < bits; i++) {
        m.alive[i] = (uint16_t)rng_u64(&rng);
        m.which[0][i] = (uint16_t)rng_u64(&rng);
        m.which[1][i] = (uint16_t)rng_u64(&rng);
    }
    return m;
}

static inline void map_free(struct map *m)
{
    free(m->data);
    free(m->alive);
    free(m->which[0]);
    free(m->which[1]);
}

static inline size_t pixel_at(const struct map *m, int y, int x)
{
    return (size_t)(y + 1) * (size_t)m->stride_px + (size_t)(x + 1);
}

static inline float *map_at(const struct map *m, int y, int x, int c)
{
    return &m->data[pixel_at(m, y, x) * (size_t)m->channels + (size_t)c];
}

static inline bool bit_at(const struct map *m, const uint16_t *bits, int y, int x, int c)
{
    return bits[pixel_at(m, y, x) * (size_t)(m->channels / GROUP) + (size_t)(c / GROUP)] >> c % GROUP & 1;
}

/* Numbers within the picture, zeros around it. */
static inline void map_fill(const struct map *m)
{
    for (int y = -1; y < m->rows_px - 1; y++)
        for (int x = -1; x < m->stride_px - 1; x++)
            for (int c = 0; c < m->channels; c++)
                *map_at(m, y, x, c) = y >= 0 && x >= 0 && y < m->h && x < m->w ? number() : 0.0f;
}

static const struct {
    int w, h, channels;
} shapes[] = {{8, 8, 16}, {13, 7, 32}, {5, 9, 48}, {1, 2, 16}, {22, 6, 16}};

/* A cmocka test called `name` out of check_`name`. */
#define TEST_OF(name)                                                                                        \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        each_tier(check_##name);                                                                             \
    }

#endif
