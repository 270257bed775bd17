/*
 * picture - still images in and out, through libavcodec. In: PNG, JPEG, WebP, BMP, GIF's first frame. Out: PNG with 8
 * or 16 bits, JPEG, WebP.
 *
 * The only place that decodes pictures from outside. Sizes are bounded (PICTURE_SIDE_MAX) before
 * memory is taken.
 */
#ifndef STREAM_PICTURE_H
#define STREAM_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { PICTURE_SIDE_MAX = 16384 };

/* Transparent pixels lie over grey; photographs are turned upright (EXIF). *rgb: [3][height][width], 0..255,
 * caller frees with free(). 0 or -errno with one line naming the file. */
int picture_read(const char *path, float **rgb, int *width_px, int *height_px, struct error *e);

/* The same with what it is transparent by: *alpha [height][width], 0..255, NULL where all is opaque; colours are then
 * the file's own, grey where nothing shows. */
int picture_read_layered(const char *path, float **rgb, float **alpha, int *width_px, int *height_px,
                         struct error *e);

/* The text that picture_encode has left in a file. *note: the caller frees it. 0; -ENODATA with a line: there is none;
 * -errno with a line. */
int picture_read_note(const char *path, char **note, struct error *e);

/* ---- writing ---- */

enum picture_format { PICTURE_PNG, PICTURE_JPEG, PICTURE_WEBP };

/* How it is written. */
struct picture_style {
    enum picture_format format;
    int bits;         /* PNG: 8 or 16 a colour */
    int quality;      /* JPEG, WebP: 1..100, as libjpeg counts; WebP keeps every byte at 100 */
    const char *note; /* a text to keep inside, NULL: none */
};

/* The style that the end of a name asks for; names without an end are PNG. 0 or -EINVAL with a line that lists what
 * there is. */
int picture_format_of(const char *path, enum picture_format *format, struct error *e);

struct picture_image {
    const float *rgb;   /* [3][height][width] 0..255; values are rounded and clipped */
    const float *alpha; /* [height][width] 0..255, NULL: opaque. JPEG leaves it out */
    int width_px, height_px;
};

/* Whether the format can hold that size. 0 or -EINVAL with a line. */
int picture_fits(const struct picture_style *s, int width_px, int height_px, struct error *e);

/* The whole file in *data, which the caller frees. 0 or -errno with a line. */
int picture_encode(uint8_t **data, size_t *bytes, const struct picture_image *p,
                   const struct picture_style *s, struct error *e);

/* Area-averaging when shrinking, bicubic when growing: [3][h][w] -> [3][out_h][out_w]; 0 or -ENOMEM. */
int picture_scale(const float *rgb, int width_px, int height_px, float *out, int out_width_px,
                  int out_height_px);

#endif
