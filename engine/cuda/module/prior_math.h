/*
 * prior_math - the prior's arithmetic on one patch, one response, one pixel: what engine/cpu/prior.c and
 * engine/cpu/prior_kernels.c do in loops. Compiled for the device and, by the tests, for the host.
 */
#ifndef ENGINE_CUDA_MODULE_PRIOR_MATH_H
#define ENGINE_CUDA_MODULE_PRIOR_MATH_H

#include <math.h>

#include "engine/cuda/module/prior_kernels.h"

/* Patch `index` of the list: its scale, row and column. Returns 0 when it is left out this time. */
struct prior_patch {
    int scale, row, column;
};

PIXEL_FN int prior_find(const struct prior_grid *g, int index, struct prior_patch *p)
{
    p->scale = 0;
    while (p->scale + 1 < g->scale_count && index >= g->scales[p->scale + 1].first)
        p->scale++;
    const struct prior_scale *s = &g->scales[p->scale];
    p->row = (index - s->first) / s->columns;
    p->column = (index - s->first) % s->columns;
    return p->row < g->places[p->scale].rows && p->column < g->places[p->scale].columns;
}

/* Element k (of [3][8][8]) of a patch, pooled, minus 128. */
PIXEL_FN float prior_element(const struct prior_grid *g, const struct prior_patch *p, int k,
                             const float *picture)
{
    const struct prior_scale *s = &g->scales[p->scale];
    const struct prior_place *at = &g->places[p->scale];
    int channel = k / (PRIOR_SIDE * PRIOR_SIDE);
    int x = at->left + (at->grid_x + p->column * s->stride + k % PRIOR_SIDE) * s->pool;
    int y = at->top + (at->grid_y + p->row * s->stride + k / PRIOR_SIDE % PRIOR_SIDE) * s->pool;
    const float *from = picture + ((long)channel * g->height + y) * g->width + x;
    if (s->pool == 1)
        return *from - 128;
    float sum = 0;
    for (int j = 0; j < s->pool; j++)
        for (int i = 0; i < s->pool; i++)
            sum += from[(long)j * g->width + i];
    return sum * (1.0f / (float)(s->pool * s->pool)) - 128;
}

/* Energy of a response and its slope. */
PIXEL_FN float prior_law_slope(const struct prior_law *l, float u)
{
    return l->kind == PRIOR_GAUSSIAN ? 2 * u : 2 / l->nu * u / (1 + u * u / l->nu);
}

PIXEL_FN double prior_law_energy(const struct prior_law *l, float u)
{
    double square = (double)u * (double)u;
    return l->kind == PRIOR_GAUSSIAN ? square : log1p(square / (double)l->nu);
}

/* The patches of one direction that cover pooled pixel `i`: *low..*high, empty when *high < *low. */
PIXEL_FN void prior_cover(int i, int grid, int stride, int patches, int *low, int *high)
{
    int from_first = i - grid; /* pixel 0..7 of the first patch, and so on */
    *high = from_first < 0 ? -1 : from_first / stride;
    *high = *high < patches ? *high : patches - 1;
    *low = from_first < PRIOR_SIDE ? 0 : (from_first - PRIOR_SIDE) / stride + 1;
}

/* What a chunk's patches of scale `k` bring to picture pixel (x, y), added to v [3]. */
PIXEL_FN void prior_collect(const struct prior_grid *g, const struct prior_chunk *chunk, int k, int x, int y,
                            const float *patches, float v[3])
{
    const struct prior_scale *s = &g->scales[k];
    const struct prior_place *at = &g->places[k];
    if (x < at->left || y < at->top)
        return;
    int px = (x - at->left) / s->pool, py = (y - at->top) / s->pool; /* pooled */
    int left, right, top, bottom;
    prior_cover(px, at->grid_x, s->stride, at->columns, &left, &right);
    prior_cover(py, at->grid_y, s->stride, at->rows, &top, &bottom);
    float sum[3] = {0, 0, 0};
    for (int row = top; row <= bottom; row++)
        for (int column = left; column <= right; column++) {
            int n = s->first + row * s->columns + column - chunk->first;
            if (n < 0 || n >= chunk->count)
                continue;
            int inside =
                (py - at->grid_y - row * s->stride) * PRIOR_SIDE + px - at->grid_x - column * s->stride;
            const float *from = patches + (long)n * PRIOR_DIM + inside;
            for (int c = 0; c < 3; c++)
                sum[c] += from[c * PRIOR_SIDE * PRIOR_SIDE];
        }
    float share = 1.0f / (float)(s->pool * s->pool);
    for (int c = 0; c < 3; c++)
        v[c] += sum[c] * share;
}

#endif
