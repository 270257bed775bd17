/*
 * png - a picture of floats as a PNG file, for tests.
 */
#ifndef TESTS_STREAM_PNG_H
#define TESTS_STREAM_PNG_H

#include <stdlib.h>

#include "common/file.h"
#include "stream/picture.h"

/* 0 or -errno with a line. */
static inline int write_png(const char *path, const float *rgb, int width_px, int height_px, struct error *e)
{
    const struct picture_style png = {PICTURE_PNG, 8, 0, NULL};
    uint8_t *data;
    size_t bytes;
    int rc = picture_encode(&data, &bytes, &(struct picture_image){rgb, NULL, width_px, height_px}, &png, e);
    if (rc == 0)
        rc = file_write_place(path, data, bytes, 0644, e);
    free(data);
    return rc;
}

#endif
