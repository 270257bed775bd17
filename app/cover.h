/*
 * cover - pictures brought to a size that they do not have: scaled until they cover it, what is over is cut,
 * the middle stays.
 */
#ifndef APP_COVER_H
#define APP_COVER_H

#include "common/error.h"
#include "config/option.h"

/* *out: [3][height][width] of `size` from rgb [3][height_px][width_px]; the caller frees it. 0 or -ENOMEM
 * with one line; *out is NULL then. */
int cover(const float *rgb, int width_px, int height_px, struct option_size size, float **out,
          struct error *e);

/* The same from a file. 0 or -errno with one line naming the file. */
int cover_file(const char *path, struct option_size size, float **out, struct error *e);

#endif
