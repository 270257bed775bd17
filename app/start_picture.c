/*
 * start_picture - see start_picture.h.
 */
#include "app/start_picture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stream/picture.h"

/* Copies the middle out_w x out_h of x [3][h][w]. */
static void crop(const float *x, int w, int h, float *out, int out_w, int out_h)
{
    int left = (w - out_w) / 2, top = (h - out_h) / 2;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < out_h; y++)
            memcpy(out + ((size_t)c * out_h + y) * out_w, x + ((size_t)c * h + top + y) * w + left,
                   sizeof(float) * (size_t)out_w);
}

int start_picture(const char *path, struct option_size size, float **rgb, struct error *e)
{
    float *file = NULL, *scaled = NULL;
    int w, h;
    *rgb = NULL;
    int rc = picture_read(path, &file, &w, &h, e);
    if (rc < 0)
        return rc;
    double scale = fmax((double)size.width_px / w, (double)size.height_px / h);
    int cover_w = (int)fmax(lround(w * scale), size.width_px);
    int cover_h = (int)fmax(lround(h * scale), size.height_px);
    scaled = buffer_alloc(sizeof(float) * 3 * (size_t)cover_w * (size_t)cover_h);
    *rgb = buffer_alloc(sizeof(float) * 3 * (size_t)size.width_px * (size_t)size.height_px);
    if (!scaled || !*rgb || picture_scale(file, w, h, scaled, cover_w, cover_h) < 0) {
        rc = error_set(e, ENOMEM, "%s: no memory to scale it to %dx%d", path, cover_w, cover_h);
        free(*rgb);
        *rgb = NULL;
    } else {
        crop(scaled, cover_w, cover_h, *rgb, size.width_px, size.height_px);
    }
    free(scaled);
    free(file);
    return rc;
}
