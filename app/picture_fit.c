/*
 * picture_fit - see picture_fit.h.
 */
#include "app/picture_fit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stream/picture.h"

/* Copies the middle out_w x out_h of x [3][h][w]. */
static void crop(const float *x, int w, int h, float *out, int out_w, int out_h)
{
    int left = (w - out_w) / 2, top = (h - out_h) / 2;
    for (int y = 0; y < 3 * out_h; y++)
        memcpy(out + (size_t)y * (size_t)out_w,
               x + ((size_t)(y / out_h) * (size_t)h + (size_t)(top + y % out_h)) * (size_t)w + left,
               sizeof(float) * (size_t)out_w);
}

int picture_fit(const float *rgb, int w, int h, struct option_size size, float **out, struct error *e)
{
    double scale = fmax((double)size.width_px / w, (double)size.height_px / h);
    int cover_w = (int)fmax((double)lround(w * scale), size.width_px);
    int cover_h = (int)fmax((double)lround(h * scale), size.height_px);
    int rc = 0;
    float *scaled = buffer_alloc(sizeof(float) * 3 * (size_t)cover_w * (size_t)cover_h);
    *out = buffer_alloc(sizeof(float) * 3 * (size_t)size.width_px * (size_t)size.height_px);
    if (!scaled || !*out || picture_scale(rgb, w, h, scaled, cover_w, cover_h) < 0) {
        rc = error_set(e, ENOMEM, "no memory to bring a picture of %dx%d to %dx%d", w, h, size.width_px,
                       size.height_px);
        free(*out);
        *out = NULL;
    } else {
        crop(scaled, cover_w, cover_h, *out, size.width_px, size.height_px);
    }
    free(scaled);
    return rc;
}

int picture_fit_file(const char *path, struct option_size size, float **out, struct error *e)
{
    float *rgb;
    int w, h;
    *out = NULL;
    int rc = picture_read(path, &rgb, &w, &h, e);
    if (rc < 0)
        return rc;
    rc = picture_fit(rgb, w, h, size, out, e);
    free(rgb);
    return rc < 0 ? error_prefix(e, rc, "%s", path) : 0;
}
