/*
 * prior - what photographs look like, eight by eight pixels at a time.
 *
 * z = F (patch - 128) are the responses of 192 learned filters on 8x8x3 patches of the picture, mean-pooled
 * by p. Student-t energy per scale: mean over patches and filters of log(1 + (z - mu)^2 / nu). The original
 * took every patch (stride 1) at pools 1, 4, 8, 16, 32 (original-2015 items 33-34); on a grid of stride 4
 * whose offset is drawn anew each time the gradient is unbiased and sixteen times cheaper.
 */
#ifndef ENGINE_PRIOR_H
#define ENGINE_PRIOR_H

#include "common/pool.h"
#include "common/error.h"

struct prior;

/* Filters from a file, or NULL/"": the ones that are linked into the program. The arena is sized for pictures
 * up to max size; `pool` must outlive the prior. */
int prior_open(struct prior **p, const char *path, struct pool *pool, int max_width_px, int max_height_px,
               struct error *e);
void prior_close(struct prior **p);

/* Energy of one scale and its gradient, added to grad [3][h][w] (per 0..255 unit) times `weight`. `stride` 1
 * is dense. Offsets are picture pixels, 0..stride * pool_px - 1: their part within a pooled pixel moves the
 * pooling itself, so that drawing them anew leaves no blocks behind. A picture smaller than one patch at this
 * pool has energy 0 and no gradient. */
double prior_gradient(struct prior *p, const float *x, int width_px, int height_px, int pool_px, int stride,
                      int offset_x, int offset_y, float weight, float *grad);

#endif
