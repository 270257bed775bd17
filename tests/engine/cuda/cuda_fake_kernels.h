/*
 * cuda_fake_kernels - launches of the network's kernels on the pretended machine: they are walked through.
 */
#ifndef TESTS_ENGINE_CUDA_FAKE_KERNELS_H
#define TESTS_ENGINE_CUDA_FAKE_KERNELS_H

#include "tests/engine/cuda/cuda_fake.h"

void launch_rgb_forward(cudaStream_t stream, enum cuda_storage storage, struct rgb_forward a)
{
    (void)stream;
    walk_rgb_forward(storage, a);
}

void launch_rgb_backward(cudaStream_t stream, enum cuda_storage storage, struct rgb_backward a)
{
    (void)stream;
    walk_rgb_backward(storage, a);
}

void launch_pool_forward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *in,
                         const float *bias, void *out, uint8_t *winners)
{
    (void)stream;
    walk_pool_forward(storage, p, in, bias, out, winners);
}

void launch_pool_backward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *gradient,
                          const uint8_t *winners, void *out)
{
    (void)stream;
    walk_pool_backward(storage, p, gradient, winners, out);
}

void launch_bias_relu(cudaStream_t stream, enum cuda_storage storage, void *map, const float *bias,
                      int channels, size_t pixels)
{
    (void)stream;
    for (size_t i = 0; i < pixels * (size_t)(channels / CUDA_GROUP); i++)
        bias_relu(storage, map, bias, channels, i);
}

void launch_keep_alive(cudaStream_t stream, enum cuda_storage storage, void *gradient, const void *activation,
                       size_t count)
{
    (void)stream;
    for (size_t i = 0; i < count / CUDA_GROUP; i++)
        keep_alive(storage, gradient, activation, i);
}

void launch_columns_gather(cudaStream_t stream, enum cuda_storage storage, struct columns c, const void *map,
                           void *columns)
{
    (void)stream;
    walk_columns_gather(storage, c, map, columns);
}

void launch_columns_scatter(cudaStream_t stream, enum cuda_storage storage, struct columns c,
                            const void *columns, const void *alive, void *map)
{
    (void)stream;
    walk_columns_scatter(storage, c, columns, alive, map);
}

void launch_head_forward(cudaStream_t stream, enum cuda_storage storage, const float *sum, const float *bias,
                         int positions, int channels, bool has_relu, void *hidden)
{
    (void)stream;
    for (size_t i = 0; i < (size_t)(positions * channels / CUDA_GROUP); i++)
        head_forward(storage, sum, bias, channels, has_relu, hidden, i);
}

void launch_head_backward(cudaStream_t stream, enum cuda_storage storage, const float *sum,
                          const void *hidden, int positions, int channels, void *gradient)
{
    (void)stream;
    for (size_t i = 0; i < (size_t)(positions * channels / CUDA_GROUP); i++)
        head_backward(storage, sum, hidden, gradient, i);
}

void launch_head_logits(cudaStream_t stream, const float *sum, const float *bias, int classes,
                        int padded_classes, int positions, float activation, float *logits)
{
    (void)stream;
    for (size_t i = 0; i < (size_t)(classes * positions); i++)
        head_logits(sum, bias, padded_classes, positions, activation, logits, i);
}

int launch_objective_on_logits(cudaStream_t stream, enum cuda_storage storage, struct objective_on_logits o,
                               double *parts)
{
    (void)stream;
    *parts = walk_objective_on_logits(storage, o);
    return 1;
}

int launch_objective_on_layer(cudaStream_t stream, enum cuda_storage storage, struct objective_on_layer o,
                              double *parts)
{
    (void)stream;
    *parts = walk_objective_on_layer(storage, o);
    return 1;
}

void launch_objective_value(cudaStream_t stream, const double *parts, int count, double factor,
                            const struct cuda_target *target, double mean, double *value)
{
    (void)stream;
    *value = objective_value(parts, count, factor, target, mean);
}

int launch_check(cudaStream_t stream, enum cuda_storage storage, const void *map, size_t count, double *parts)
{
    (void)stream;
    walk_check(storage, map, count, parts);
    return 1;
}

#endif
