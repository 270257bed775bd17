/*
 * image_pyramid - evens out a gradient's octaves.
 *
 * A picture is taken apart into a Laplacian pyramid, every band is divided by its own root mean square and
 * multiplied by gain^level (level 0 is the finest, which `finest` weighs once more), and put together again.
 * Without this the finest octave, in which networks are noisiest, rules the picture (the "Laplacian gradient
 * normalisation" of the DeepDream notebook, 2015).
 */
#ifndef ENGINE_CPU_IMAGE_PYRAMID_H
#define ENGINE_CPU_IMAGE_PYRAMID_H

#include "common/error.h"
#include "common/pool.h"

struct image_pyramid;

int image_pyramid_open(struct image_pyramid **p, struct pool *pool, int max_width_px, int max_height_px,
                       struct error *e);
void image_pyramid_close(struct image_pyramid **p);

/* x [3][height][width] in place. `levels` counts the bands, the coarsest (what is left over) included; fewer
 * are made when the picture gets smaller than four pixels. */
void image_pyramid_normalise(struct image_pyramid *p, float *x, int width_px, int height_px, int levels,
                             double gain, double finest);

#endif
