/*
 * prior - what photographs look like, eight by eight pixels at a time.
 *
 * z = F (patch - 128) are the responses of up to 192 filters on 8x8x3 patches of the picture, mean-pooled by
 * p. The energy of a scale is the mean over patches and filters of log(1 + (z - mu)^2 / nu), Student-t, or of
 * (z - mu)^2, Gaussian. The system of 2015 took every patch (stride 1) at pools 1, 4, 8, 16, 32 of a picture
 * that is cropped to whole pooled pixels first (docs/original-2015.md, items 33 and 34); on a grid of stride
 * 4 whose offset is drawn anew each time the gradient is unbiased and sixteen times cheaper.
 */
#ifndef ENGINE_CPU_PRIOR_H
#define ENGINE_CPU_PRIOR_H

#include "common/error.h"
#include "common/pool.h"
#include "engine/backend.h"
#include "engine/model/prior_filters.h"

struct prior;

/* NULL as `source`: Student-t with the filters that are linked into the program. The arena is sized for
 * pictures up to max size; `pool` must outlive the prior. 0 or -errno with a line; *p is NULL then. */
int prior_open(struct prior **p, const struct prior_source *source, struct pool *pool, int max_width_px,
               int max_height_px, struct error *e);
void prior_close(struct prior **p);

/* Energy of one scale and its gradient, added to grad [3][h][w] (per 0..255 unit) times s->weight. s->stride 1
 * is dense. Offsets are picture pixels, 0..stride * pool_px - 1: their part within a pooled pixel moves the
 * pooling itself, so that drawing them anew leaves no blocks behind. A picture smaller than one patch at this
 * pool has energy 0 and no gradient. x: [3][height][width], 0..255. */
double prior_gradient(struct prior *p, const float *x, int width_px, int height_px,
                      const struct backend_prior *s, float *grad);

#endif
