/*
 * cuda_walk - the network's kernels without a GPU: every thread of every block, one after the other, with the
 * arithmetic that the device has (engine/cuda/module/net_arithmetic.h). Where the kernel has a barrier, all
 * threads of a block walk up to it before any goes on.
 */
#ifndef TESTS_ENGINE_CUDA_WALK_H
#define TESTS_ENGINE_CUDA_WALK_H

#include <stdlib.h>

#include "common/mem.h"
#include "engine/cuda/module/check_arithmetic.h"
#include "engine/cuda/module/net_arithmetic.h"

static inline void walk_rgb_forward(enum cuda_storage s, struct rgb_forward a)
{
    struct rgb_forward_shared *shared = xmalloc(sizeof *shared);
    int strip = rgb_strip(a.channels), blocks = RGB_GROUPS * CUDA_GROUP;
    for (int bz = 0; bz < (a.channels + blocks - 1) / blocks; bz++)
        for (int by = 0; by < (a.h + RGB_ROWS - 1) / RGB_ROWS; by++)
            for (int bx = 0; bx < (a.w + strip - 1) / strip; bx++) {
                memset(shared, 0xff, sizeof *shared); /* NaN: what is read was written */
                for (int t = 0; t < RGB_THREADS; t++)
                    rgb_forward_stage(&a, shared, bx, by, bz, t);
                for (int t = 0; t < RGB_THREADS; t++)
                    rgb_forward_rows(&a, s, shared, bx, by, bz, t);
            }
    free(shared);
}

static inline void walk_rgb_backward(enum cuda_storage s, struct rgb_backward a)
{
    size_t patch_bytes = (size_t)BACK_PATCH_H * BACK_PATCH_STRIDE * CUDA_GROUP * cuda_storage_bytes(s);
    void *patch = xmalloc(patch_bytes);
    float weight[BACK_WEIGHTS], (*sums)[3][RGB_QUAD] = xmalloc(BACK_THREADS * sizeof *sums);
    for (int by = 0; by < (a.h + BACK_H - 1) / BACK_H; by++)
        for (int bx = 0; bx < (a.w + BACK_W - 1) / BACK_W; bx++) {
            memset(sums, 0, BACK_THREADS * sizeof *sums);
            for (int group = 0; group < a.channels / CUDA_GROUP; group++) {
                memset(patch, 0xff, patch_bytes);
                for (int t = 0; t < BACK_THREADS; t++)
                    rgb_backward_stage(&a, s, patch, weight, bx, by, group, t);
                for (int t = 0; t < BACK_THREADS; t++)
                    rgb_backward_add(s, patch, weight, t, sums[t]);
            }
            for (int t = 0; t < BACK_THREADS; t++)
                rgb_backward_store(&a, bx, by, t, sums[t]);
        }
    free(sums);
    free(patch);
}

static inline void walk_pool_forward(enum cuda_storage s, struct pool p, const void *in, const float *bias,
                                     void *out, uint8_t *winners)
{
    for (size_t i = 0; i < (size_t)(p.w / 2 * (p.h / 2) * p.channels / CUDA_GROUP); i++)
        pool_forward(&p, s, in, bias, out, winners, i);
}

static inline void walk_pool_backward(enum cuda_storage s, struct pool p, const void *gradient,
                                      const uint8_t *winners, void *out)
{
    for (size_t i = 0; i < (size_t)((p.w + 1) / 2 * ((p.h + 1) / 2) * p.channels / CUDA_GROUP); i++)
        pool_backward(&p, s, gradient, winners, out, i);
}

static inline void walk_columns_gather(enum cuda_storage s, struct columns c, const void *map, void *columns)
{
    int positions = columns_w(&c) * columns_h(&c);
    for (size_t i = 0; i < (size_t)(positions * c.kernel * c.kernel * c.channels / CUDA_GROUP); i++)
        columns_gather(&c, s, map, columns, i);
}

static inline void walk_columns_scatter(enum cuda_storage s, struct columns c, const void *columns,
                                        const void *alive, void *map)
{
    for (size_t i = 0; i < (size_t)(c.w * c.h * c.channels / CUDA_GROUP); i++)
        columns_scatter(&c, s, columns, alive, map, i);
}

static inline double walk_objective_on_logits(enum cuda_storage s, struct objective_on_logits o)
{
    double sum = 0;
    for (int position = 0; position < o.positions; position++) {
        for (int group = 0; group < o.width / CUDA_GROUP; group++)
            sum += (double)objective_group(&o, s, position, group);
        sum += (double)objective_biases(&o, position);
    }
    return sum;
}

static inline double walk_objective_on_layer(enum cuda_storage s, struct objective_on_layer o)
{
    double sum = 0;
    for (size_t i = 0; i < o.count / CUDA_GROUP; i++)
        sum += (double)objective_layer(&o, s, i);
    return sum;
}

/* As one block. */
static inline void walk_check(enum cuda_storage s, const void *map, size_t count, double sums[CHECK_SUMS])
{
    for (int k = 0; k < CHECK_SUMS; k++)
        sums[k] = 0;
    for (size_t i = 0; i < count / CUDA_GROUP; i++) {
        float few[CHECK_SUMS] = {0};
        check_group(s, map, (uint32_t)i, few);
        for (int k = 0; k < CHECK_SUMS; k++)
            sums[k] += (double)few[k];
    }
}

#endif
