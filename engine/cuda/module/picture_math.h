/*
 * picture_math - what the kernels do to one pixel: the arithmetic of image_kernels.c, image_resample.c,
 * image_pyramid.c and image_warp.c once more, for a thread per pixel. Compiled for the device and, by the
 * tests, for the host, where it is compared with those loops.
 */
#ifndef ENGINE_CUDA_MODULE_PICTURE_MATH_H
#define ENGINE_CUDA_MODULE_PICTURE_MATH_H

#include <math.h>
#include <stdint.h>

#include "engine/step.h"
#include "engine/cuda/module/kernel.h"

PIXEL_FN int pixel_clamp(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* image_row_noise at pixel i of a row. */
PIXEL_FN float pixel_noise(uint32_t key, int i, float sigma)
{
    uint32_t h = key + (uint32_t)i;
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    return sigma * 2.4494897f / 65535.0f * (float)((int32_t)(h & 0xffff) + (int32_t)(h >> 16) - 65535);
}

/* One pixel of a picture [..][width] seen through taps in both directions. */
PIXEL_FN float pixel_sample(const float *plane, int width, const int *xi, const float *xw, int x_taps,
                            const int *yi, const float *yw, int y_taps)
{
    float sum = 0;
    for (int t = 0; t < x_taps; t++) {
        float column = 0;
        for (int u = 0; u < y_taps; u++)
            column += yw[u] * plane[(long)yi[u] * width + xi[t]];
        sum += xw[t] * column;
    }
    return sum;
}

/* image_row_halve: pixel (x, y) of the half-size picture; `plane` [height][width] is the fine one. */
PIXEL_FN float pixel_halve(const float *plane, int width, int height, int x, int y)
{
    const float *r0 = plane + (long)pixel_clamp(2 * y - 1, height) * width;
    const float *r1 = plane + (long)pixel_clamp(2 * y, height) * width;
    const float *r2 = plane + (long)pixel_clamp(2 * y + 1, height) * width;
    const float *r3 = plane + (long)pixel_clamp(2 * y + 2, height) * width;
    float v[4];
    for (int k = 0; k < 4; k++) {
        int i = pixel_clamp(2 * x - 1 + k, width);
        v[k] = 0.125f * (r0[i] + r3[i]) + 0.375f * (r1[i] + r2[i]);
    }
    return 0.125f * (v[0] + v[3]) + 0.375f * (v[1] + v[2]);
}

/* image_row_double: what the half-size plane [height][width] adds to pixel (x, y) of the fine one. */
PIXEL_FN float pixel_double(const float *plane, int width, int height, int x, int y)
{
    const float *near = plane + (long)(y / 2) * width;
    const float *far = plane + (long)pixel_clamp(y % 2 ? y / 2 + 1 : y / 2 - 1, height) * width;
    int i = x / 2, j = pixel_clamp(x % 2 ? i + 1 : i - 1, width);
    return 0.75f * (0.75f * near[i] + 0.25f * far[i]) + 0.25f * (0.75f * near[j] + 0.25f * far[j]);
}

/* image_row_colour. */
PIXEL_FN void pixel_colour(float v[3], float gain)
{
    float grey = (v[0] + v[1] + v[2]) * (1.0f / 3.0f);
    for (int c = 0; c < 3; c++)
        v[c] = grey + gain * (v[c] - grey);
}

PIXEL_FN float pixel_settle(float v, float delta, float grey, const struct image_step *s)
{
    v += delta + s->shift + s->contrast * (s->centre - v) + s->chroma * (grey - v);
    float up = v - grey - s->glare, down = grey - v - s->glare;
    v -= s->glare_pull * (up > 0 ? up : 0);
    v += s->glare_pull * (down > 0 ? down : 0);
    float over = v - (255.0f - s->margin), under = s->margin - v;
    v -= s->margin_pull * (over > 0 ? over : 0);
    v += s->margin_pull * (under > 0 ? under : 0);
    v = v < 0 ? 0 : v;
    return v > 255 ? 255 : v;
}

/* One pixel's part in struct image_sums. */
struct pixel_sums {
    float mean, square, chroma, extreme, bad;
};

PIXEL_FN void pixel_add(struct pixel_sums *s, const float v[3])
{
    float grey = (v[0] + v[1] + v[2]) * (1.0f / 3.0f), chroma = 0;
    for (int c = 0; c < 3; c++) {
        chroma += (v[c] - grey) * (v[c] - grey);
        s->extreme += v[c] < 4 || v[c] > 251 ? 1.0f : 0.0f;
    }
    s->mean += grey;
    s->square += grey * grey;
    s->chroma += chroma * (1.0f / 3.0f);
}

/* image_row_update: v [3] along m [3]. */
PIXEL_FN void pixel_update(float v[3], const float m[3], const struct image_step *step, struct pixel_sums *s)
{
    float grey = (v[0] + v[1] + v[2]) * (1.0f / 3.0f);
    float sound = grey + step->step * (m[0] + m[1] + m[2]); /* NaN when anything is */
    for (int c = 0; c < 3; c++)
        v[c] = pixel_settle(v[c], step->step * m[c], grey, step);
    pixel_add(s, v);
    s->bad += sound - sound == 0 ? 0.0f : 1.0f;
}

/* image_row_classic: one value with its moments; returns the new value. */
PIXEL_FN float pixel_classic(float x, float *m, float *v, float gradient, float prior,
                             const struct classic_step *step, float *bad)
{
    float g = prior - gradient;
    *m = 0.9f * g + 0.1f * *m;
    *v = 0.999f * g * g + 0.001f * *v;
    float next = x - step->rate * (*m * step->first) / (sqrtf(*v * step->second) + 1e-8f);
    *bad += next - next == 0 ? 0.0f : 1.0f;
    next = next < 0 ? 0 : next;
    return next > 255 ? 255 : next;
}

/* Catmull-Rom weights for a place t in 0..1 behind the second of four. */
PIXEL_FN void pixel_cubic(float t, float w[4])
{
    float u = 1 - t;
    w[0] = -0.5f * t * u * u;
    w[1] = 1 + t * t * (1.5f * t - 2.5f);
    w[2] = 1 + u * u * (1.5f * u - 2.5f);
    w[3] = -0.5f * u * t * t;
}

/* Where a warped pixel comes from: 4x4 input pixels and their weights. */
struct pixel_bicubic {
    int column[4], row[4];
    float wx[4], wy[4];
};

PIXEL_FN void pixel_bicubic_at(struct pixel_bicubic *b, double px, double py, int width, int height)
{
    int x0 = (int)floor(px), y0 = (int)floor(py);
    pixel_cubic((float)(px - x0), b->wx);
    pixel_cubic((float)(py - y0), b->wy);
    for (int k = 0; k < 4; k++) {
        b->row[k] = pixel_clamp(y0 - 1 + k, height);
        b->column[k] = pixel_clamp(x0 - 1 + k, width);
    }
}

PIXEL_FN float pixel_bicubic_take(const struct pixel_bicubic *b, const float *plane, int width)
{
    float v = 0;
    for (int k = 0; k < 4; k++) {
        const float *line = plane + (long)b->row[k] * width;
        v += b->wy[k] * (b->wx[0] * line[b->column[0]] + b->wx[1] * line[b->column[1]] +
                         b->wx[2] * line[b->column[2]] + b->wx[3] * line[b->column[3]]);
    }
    return v;
}

#endif
