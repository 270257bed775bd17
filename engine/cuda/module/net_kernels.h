/*
 * net_kernels - the network's own kernels, as C calls that put them on a stream.
 *
 * What a kernel does stands in net_arithmetic.h. None of these reports: whoever launches asks cuda_launched
 * (device.h) behind each. Pointers are device memory; structs are passed by value. For C and C++.
 */
#ifndef ENGINE_CUDA_MODULE_NET_KERNELS_H
#define ENGINE_CUDA_MODULE_NET_KERNELS_H

#include <cuda_runtime_api.h>

#include "engine/cuda/module/check_arithmetic.h"
#include "engine/cuda/module/net_arithmetic.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OBJECTIVE_BLOCKS_MAX = 1024 }; /* parts of a sum */

void launch_rgb_forward(cudaStream_t stream, enum cuda_storage storage, struct rgb_forward a);
void launch_rgb_backward(cudaStream_t stream, enum cuda_storage storage, struct rgb_backward a);

void launch_pool_forward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *in,
                         const float *bias, void *out, uint8_t *winners);
void launch_pool_backward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *gradient,
                          const uint8_t *winners, void *out);

void launch_bias_relu(cudaStream_t stream, enum cuda_storage storage, void *map, const float *bias,
                      int channels, size_t pixels);
void launch_keep_alive(cudaStream_t stream, enum cuda_storage storage, void *gradient, const void *activation,
                       size_t count);

void launch_columns_gather(cudaStream_t stream, enum cuda_storage storage, struct columns c, const void *map,
                           void *columns);
void launch_columns_scatter(cudaStream_t stream, enum cuda_storage storage, struct columns c,
                            const void *columns, const void *alive, void *map);

void launch_head_forward(cudaStream_t stream, enum cuda_storage storage, const float *sum, const float *bias,
                         int positions, int channels, bool has_relu, void *hidden);
void launch_head_backward(cudaStream_t stream, enum cuda_storage storage, const float *sum,
                          const void *hidden, int positions, int channels, void *gradient);
void launch_head_logits(cudaStream_t stream, const float *sum, const float *bias, int classes,
                        int padded_classes, int positions, float activation, float *logits);

/* Both leave parts[..] of the objective; returns how many (at most OBJECTIVE_BLOCKS_MAX). */
int launch_objective_on_logits(cudaStream_t stream, enum cuda_storage storage, struct objective_on_logits o,
                               double *parts);
int launch_objective_on_layer(cudaStream_t stream, enum cuda_storage storage, struct objective_on_layer o,
                              double *parts);
/* factor * the sum of the parts - target->minus_mean * mean; `target` may be NULL. */
void launch_objective_value(cudaStream_t stream, const double *parts, int count, double factor,
                            const struct cuda_target *target, double mean, double *value);

/* Leaves parts [CHECK_SUMS][blocks] of the sums over a map of `count` numbers; returns the blocks. */
int launch_check(cudaStream_t stream, enum cuda_storage storage, const void *map, size_t count,
                 double *parts);

#ifdef __cplusplus
}
#endif
#endif
