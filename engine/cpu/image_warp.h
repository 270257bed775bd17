/*
 * image_warp - falls into a picture: zoom and turn about a point of it.
 *
 * Output index -> input index (x to the right, y down), the same map as the camera's, about the
 * point c = size (1/2 + (x, y)):
 *
 *     p_in = R(-degrees) / zoom * (p_out - c) + c,  R(a) = [cos a, -sin a; sin a, cos a]
 *
 * so positive degrees turn the picture clockwise. Catmull-Rom bicubic: a linear filter would wash out all
 * detail within a few seconds of warps. Edges are repeated.
 */
#ifndef ENGINE_CPU_IMAGE_WARP_H
#define ENGINE_CPU_IMAGE_WARP_H

#include <stdbool.h>

#include "common/pool.h"
#include "engine/step.h"

struct image_warp {
    struct image_move by;
    bool clip; /* keep values in 0..255 */
};

/* in and out [3][height][width], not the same. */
void image_warp(struct pool *pool, const float *in, float *out, int width_px, int height_px,
                const struct image_warp *warp);

#endif
