/*
 * plate - a keyframe made ready for the camera: YUV planes of 14-bit samples, enlarged or shrunk once so that
 * plain bilinear sampling for each frame looks as if a better filter had been at work.
 *
 * Everything the camera does to colours is linear, so the change from RGB to YUV is done here, once for each
 * pixel of the keyframe, instead of for every frame: chroma then needs half of the samples in each direction.
 * Luma may be enlarged by a whole factor with a Catmull-Rom spline through the keyframe's pixels (index X of
 * the plane is index X / factor of the keyframe: no shift), and a keyframe larger than the output is first
 * averaged over shrink x shrink pixels. Sampling the enlarged plane bilinearly is close to sampling the
 * keyframe bicubically, at a quarter of the taps.
 *
 * A keyframe that comes as NV12 is the video's own bytes and is only widened: at scale 1 it is shown as it
 * is, to the byte, and it is zoomed into for moments only.
 */
#ifndef STREAM_PLATE_H
#define STREAM_PLATE_H

#include "common/pool.h"
#include "stream/camera_kernels.h"
#include "stream/frame.h"

enum { PLATE_SIDE_MAX = 16384, PLATE_UP_MAX = 4 };

struct plate_map { /* keyframe index p -> plane index p * scale + offset */
    double scale, offset_x, offset_y;
};

struct plate {
    int width_px, height_px; /* of the keyframe */
    struct sample_plane planes[3];
    struct plate_map maps[3];
    void *memory; /* what the planes lie in */
    float *luma;  /* [reduced height][luma_stride], scratch between the passes */
};

/* A keyframe, and how it is prepared. */
struct plate_source {
    const float *rgb; /* [3][height][width], 0..255 (what is outside is clipped, NaN becomes 0) */
    int width_px, height_px;
    int up;     /* 1..PLATE_UP_MAX: factor of luma */
    int shrink; /* >= 1: all planes are averaged by it, before that */
};

/* Pool may be NULL. 0; -EINVAL for sides outside of 1..PLATE_SIDE_MAX, also after enlarging; -ENOMEM: then the
 * plate is as it was. */
int plate_fill(struct plate *p, const struct plate_source *s, struct pool *pool);

/* nv12: luma [height][width], then [height / 2][width / 2] pairs of Cb, Cr, sited left. 0; -EINVAL for odd
 * sides or sides outside of 2..PLATE_SIDE_MAX; -ENOMEM: then the plate is as it was. */
int plate_fill_nv12(struct plate *p, const uint8_t *nv12, int width_px, int height_px);

/* What plate_fill_nv12 was given, byte for byte; `out` has the plate's size. */
void plate_copy(const struct plate *p, const struct frame *out);

/* Frees the memory and zeroes the plate. */
void plate_clear(struct plate *p);

#endif
