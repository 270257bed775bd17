/*
 * image_pyramid - evens out a gradient's octaves.
 *
 * A picture is taken apart into a Laplacian pyramid, every band is divided by its own root mean square and
 * multiplied by gain^level (level 0 is the finest, which has a gain of its own), and put together again.
 * Without this the finest octave, in which networks are noisiest, rules the picture (the "Laplacian gradient
 * normalisation" of the DeepDream notebook, 2015).
 */
#ifndef ENGINE_CPU_IMAGE_PYRAMID_H
#define ENGINE_CPU_IMAGE_PYRAMID_H

#include <stdbool.h>

#include "common/error.h"
#include "common/pool.h"

struct image_pyramid;

/* What the octaves are made to weigh. */
struct image_octaves {
    int levels;         /* bands, the coarsest (what is left over) included */
    double gain;        /* of one octave over the next finer one */
    double finest_gain; /* of level 0, once more */
    bool drops_rest;    /* the coarsest, what is left over, becomes zero */
};

int image_pyramid_open(struct image_pyramid **p, struct pool *pool, int max_width_px, int max_height_px,
                       struct error *e);
void image_pyramid_close(struct image_pyramid **p);

/* x [3][height][width] in place. Fewer levels are made when the picture gets smaller than four pixels. */
void image_pyramid_normalise(struct image_pyramid *p, float *x, int width_px, int height_px,
                             const struct image_octaves *o);

#endif
