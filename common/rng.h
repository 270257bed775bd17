/*
 * rng - counter-based random numbers: the n-th number of a stream depends on (seed, stream, n)
 * and nothing else.
 *
 * So a show can be rendered again from its seed whatever the thread count, and two parts (dream, daydream
 * order, replies) never disturb each other's sequence: each has a stream number of its own. The mixer is the
 * finaliser of SplitMix64 (Steele, Lea, Flood 2014). Not for secrets.
 */
#ifndef COMMON_RNG_H
#define COMMON_RNG_H

#include <math.h>
#include <stdint.h>

struct rng {
    uint64_t key;
    uint64_t counter;
};

static inline uint64_t rng_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline struct rng rng_make(uint64_t seed, uint64_t stream)
{
    return (struct rng){.key =
                            rng_mix(seed + 0x9e3779b97f4a7c15u) ^ rng_mix(stream * 0xd1342543de82ef95u + 1)};
}

static inline uint64_t rng_u64(struct rng *r)
{
    return rng_mix(r->key + ++r->counter * 0x9e3779b97f4a7c15u);
}

/* Uniform in 0..n-1; n > 0. The bias of the multiply is below 2^-32 for any n that fits in 32 bits. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((rng_u64(r) >> 32) * n) >> 32);
}

/* Uniform in [0, 1). */
static inline float rng_uniform(struct rng *r)
{
    return (float)(rng_u64(r) >> 40) * 0x1p-24f;
}

#endif
