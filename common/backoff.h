/*
 * backoff - how long to wait before the next try: doubling from the first wait to the most, each with a share of
 * chance, so that many who were cut off at one moment do not come back at one moment.
 */
#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H

#include <stdint.h>

#include "common/rng.h"

/* Between `least` and `most` times `us`, by chance. */
static inline int64_t backoff_jitter_us(struct rng *rng, int64_t us, double least, double most)
{
    return (int64_t)((double)us * (least + (most - least) * (double)rng_uniform(rng)));
}

/* The wait after `failures` tries in a row have failed (0: the first has), +-25 %. 0 < first_us <= most_us. */
static inline int64_t backoff_us(struct rng *rng, int failures, int64_t first_us, int64_t most_us)
{
    int64_t us = first_us;
    for (int i = 0; i < failures && us < most_us; i++)
        us = us <= most_us / 2 ? 2 * us : most_us;
    return backoff_jitter_us(rng, us < most_us ? us : most_us, 0.75, 1.25);
}

#endif
