/*
 * start_picture - a picture file as the beginning of a dream: read, cover the dream's size, crop in the
 * middle.
 */
#ifndef APP_START_PICTURE_H
#define APP_START_PICTURE_H

#include "common/error.h"
#include "config/option.h"

/* *rgb: [3][height][width] of `size`, 0..255; the caller frees it. 0 or -errno with one line naming the file.
 */
int start_picture(const char *path, struct option_size size, float **rgb, struct error *e);

#endif
