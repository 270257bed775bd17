/*
 * picture_scale - resizing of still pictures: each side by itself, averaging over areas where it shrinks
 * and by a Catmull-Rom spline where it grows. Pixels are unit squares, so the centre of the picture
 * stays the centre.
 */
#include "stream/picture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/spline.h"

/* How one side is resized: out[i] = sum over j < taps of weights[i][j] * in[first[i] + j]. */
struct axis {
    int in, out, taps;
    int *first;     /* [out] */
    float *weights; /* [out][taps], each row adds up to 1 */
};

static void axis_clear(struct axis *a)
{
    free(a->first);
    free(a->weights);
}

/* The length that input pixel `at` has in common with the output pixel from `low` to `high`. */
static double overlap(int at, double low, double high)
{
    double d = fmin(high, at + 1) - fmax(low, at);
    return d > 0 ? d : 0;
}

static int axis_init(struct axis *a, int in, int out)
{
    const double ratio = (double)in / out;
    const int reach = out < in ? (int)ceil(ratio) + 1 : 4; /* input pixels that one output pixel can touch */
    *a = (struct axis){.in = in, .out = out, .taps = reach < in ? reach : in};
    a->first = buffer_alloc(sizeof *a->first * (size_t)out);
    a->weights = buffer_alloc(sizeof *a->weights * (size_t)out * (size_t)a->taps);
    if (!a->first || !a->weights)
        return -ENOMEM;
    for (int i = 0; i < out; i++) {
        float *w = a->weights + (size_t)i * (size_t)a->taps;
        double centre = (i + 0.5) * ratio - 0.5, sum = 0;
        int begin = out < in ? (int)floor(i * ratio) : (int)floor(centre) - 1;
        double four[4];
        spline_weights(centre - floor(centre), four);
        int first = begin < 0 ? 0 : begin > in - a->taps ? in - a->taps : begin;
        a->first[i] = first;
        for (int j = 0; j < a->taps; j++)
            w[j] = 0;
        for (int j = 0; j < reach; j++) {
            int at = begin + j, inside = at < 0 ? 0 : at >= in ? in - 1 : at;
            double v = out < in ? overlap(at, i * ratio, fmin((i + 1) * ratio, in)) : four[j];
            if (v != 0) {
                w[inside - first] += (float)v; /* beyond the edge: the edge again */
                sum += v;
            }
        }
        for (int j = 0; j < a->taps; j++)
            w[j] = (float)(w[j] / sum);
    }
    return 0;
}

static float clip(float v)
{
    return v > 0 ? (v < 255 ? v : 255) : 0;
}

/* in: [height][x->in] -> out: [height][x->out] */
static void scale_rows(const struct axis *x, const float *in, float *out, int height)
{
    for (int y = 0; y < height; y++, in += x->in, out += x->out) {
        for (int i = 0; i < x->out; i++) {
            const float *w = x->weights + (size_t)i * (size_t)x->taps, *at = in + x->first[i];
            float sum = 0;
            for (int j = 0; j < x->taps; j++)
                sum += w[j] * at[j];
            out[i] = sum;
        }
    }
}

/* in: [y->in][width] -> out: [y->out][width] */
static void scale_columns(const struct axis *y, const float *in, float *out, int width)
{
    for (int i = 0; i < y->out; i++, out += width) {
        for (int x = 0; x < width; x++)
            out[x] = 0;
        for (int j = 0; j < y->taps; j++) {
            const float w = y->weights[(size_t)i * (size_t)y->taps + (size_t)j];
            const float *row = in + ((size_t)y->first[i] + (size_t)j) * (size_t)width;
            for (int x = 0; x < width; x++)
                out[x] += w * row[x];
        }
        for (int x = 0; x < width; x++)
            out[x] = clip(out[x]);
    }
}

int picture_scale(const float *rgb, int width_px, int height_px, float *out, int out_width_px,
                  int out_height_px)
{
    struct axis x = {0}, y = {0};
    /* One colour: [height][out width]. */
    float *between = buffer_alloc(sizeof *between * (size_t)height_px * (size_t)out_width_px);
    int rc = between ? axis_init(&x, width_px, out_width_px) : -ENOMEM;
    if (rc == 0)
        rc = axis_init(&y, height_px, out_height_px);
    for (int c = 0; rc == 0 && c < 3; c++) {
        scale_rows(&x, rgb + (size_t)c * (size_t)width_px * (size_t)height_px, between, height_px);
        scale_columns(&y, between, out + (size_t)c * (size_t)out_width_px * (size_t)out_height_px,
                      out_width_px);
    }
    axis_clear(&x);
    axis_clear(&y);
    free(between);
    return rc;
}
