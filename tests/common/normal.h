/*
 * normal - normally distributed numbers, for tests of what computes with pictures and weights.
 */
#ifndef TESTS_COMMON_NORMAL_H
#define TESTS_COMMON_NORMAL_H

#include <math.h>

#include "common/rng.h"

/* Standard normal, by Box and Muller; one of the two values is thrown away to keep the counter simple. */
static inline float rng_normal(struct rng *r)
{
    float u = ((float)(rng_u64(r) >> 40) + 1.0f) * 0x1p-24f;
    return sqrtf(-2.0f * logf(u)) * cosf(6.2831853f * rng_uniform(r));
}

#endif
