/*
 * animation - a short film without sound in one file: MP4 (H.264), animated WebP, GIF.
 *
 * The file is made in memory, so a place that cannot seek can have it and a file appears whole. One thread.
 */
#ifndef STREAM_ANIMATION_H
#define STREAM_ANIMATION_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct animation_params {
    const char *path; /* its end says the format: .mp4, .webp, .gif */
    int width_px, height_px, fps;
    int quality;      /* 1..100 */
    const char *note; /* kept as the file's comment where it can have one, NULL: none */
};

struct animation;

/* 0; -EINVAL with a line for a name with another end, or a size that the format cannot hold. */
int animation_valid(const struct animation_params *p, struct error *e);

/* 0 or -errno with a line; *a is NULL then. */
int animation_open(struct animation **a, const struct animation_params *p, struct error *e);
void animation_close(struct animation **a); /* NULL is fine; what was not finished is gone */

/* The next frame, [3][height][width] 0..255. 0 or -errno with a line. */
int animation_add(struct animation *a, const float *rgb, struct error *e);

/* The same from bytes, [height][width][3]. */
int animation_add_rgb24(struct animation *a, const uint8_t *rgb, struct error *e);

/* The whole file: *data is new memory. Once, after the last frame. 0 or -errno with a line. */
int animation_finish(struct animation *a, uint8_t **data, size_t *bytes, struct error *e);

#endif
