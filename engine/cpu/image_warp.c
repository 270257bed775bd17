/*
 * image_warp - see image_warp.h.
 */
#include "engine/cpu/image_warp.h"

#include <math.h>

#include "engine/cpu/image_kernels.h"

struct job {
    const float *in;
    float *out;
    int width, height;
    double cx, cy; /* what stays where it is */
    double dx, dy; /* input steps per output pixel to the right; (-dy, dx) per pixel down */
    bool clip;
};

static void warp_row(void *context, int y, int worker)
{
    (void)worker;
    const struct job *j = context;
    long plane = (long)j->width * j->height;
    float *out[3];
    const float *in[3];
    for (int c = 0; c < 3; c++) {
        out[c] = j->out + c * plane + (long)y * j->width;
        in[c] = j->in + c * plane;
    }
    double cx = j->cx, cy = j->cy, v = y - cy;
    image_row_bicubic(out, in, 3, j->width, j->height, j->width, cx - j->dx * cx - j->dy * v,
                      cy - j->dy * cx + j->dx * v, j->dx, j->dy, j->clip);
}

void image_warp(struct pool *pool, const float *in, float *out, int width_px, int height_px,
                const struct image_warp *warp)
{
    const struct image_move *by = &warp->by;
    double a = -by->degrees * M_PI / 180;
    struct job job = {.in = in,
                      .out = out,
                      .width = width_px,
                      .height = height_px,
                      .cx = width_px * (0.5 + by->x),
                      .cy = height_px * (0.5 + by->y),
                      .dx = cos(a) / by->zoom,
                      .dy = sin(a) / by->zoom,
                      .clip = warp->clip};
    pool_run(pool, warp_row, &job, height_px);
}
