/*
 * picture_fit - pictures brought to a size that they do not have, as CSS's "object-fit: cover" does it: scaled
 * until they cover it, what is over is cut, the middle stays.
 */
#ifndef APP_PICTURE_FIT_H
#define APP_PICTURE_FIT_H

#include "common/error.h"
#include "config/option.h"

/* *out: [3][height][width] of `size` from rgb [3][height_px][width_px]; the caller frees it. 0 or -ENOMEM
 * with one line; *out is NULL then. */
int picture_fit(const float *rgb, int width_px, int height_px, struct option_size size, float **out,
                struct error *e);

/* The same from a file. 0 or -errno with one line naming the file. */
int picture_fit_file(const char *path, struct option_size size, float **out, struct error *e);

#endif
