/*
 * picture - still images in and out, through libavcodec: PNG, JPEG, WebP, BMP, GIF's first frame.
 *
 * The only place that decodes pictures from outside. Sizes are bounded (PICTURE_SIDE_MAX) before
 * memory is taken.
 */
#ifndef STREAM_PICTURE_H
#define STREAM_PICTURE_H

#include "common/error.h"

enum { PICTURE_SIDE_MAX = 16384 };

/* Transparent pixels lie over grey; photographs are turned upright (EXIF). *rgb: [3][height][width], 0..255,
 * caller frees with free(). 0 or -errno with one line naming the file. */
int picture_read(const char *path, float **rgb, int *width_px, int *height_px, struct error *e);

/* Writes a PNG (through a temporary name and rename, so no half file is ever seen). Values are rounded and
 * clipped. 0 or -errno with one line. */
int picture_write_png(const char *path, const float *rgb, int width_px, int height_px, struct error *e);

/* Area-averaging when shrinking, bicubic when growing: [3][h][w] -> [3][out_h][out_w]; 0 or -ENOMEM. */
int picture_scale(const float *rgb, int width_px, int height_px, float *out, int out_width_px,
                  int out_height_px);

#endif
