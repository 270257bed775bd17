/*
 * net_kernels - grids, shared memory and barriers around net_arithmetic.h.
 *
 * Each kernel exists once per way of storing numbers, as a template whose parameter the arithmetic takes for
 * a constant. Everything here moves memory more than it computes; accesses are 16 bytes (8 channels) wide and
 * neighbouring threads have neighbouring groups.
 */
#include "engine/cuda/module/net_kernels.h"

#define THREADS 256
static_assert(OBJECTIVE_BLOCKS_MAX * THREADS < 1u << 31, "counted in 32 bits");

/* Calls f<storage> for a storage known only at run time. */
#define FOR_STORAGE(storage, launch)                                                                         \
    switch (storage) {                                                                                       \
    case CUDA_STORAGE_BF16: {                                                                                \
        constexpr enum cuda_storage S = CUDA_STORAGE_BF16;                                                   \
        launch;                                                                                              \
        break;                                                                                               \
    }                                                                                                        \
    case CUDA_STORAGE_FP16: {                                                                                \
        constexpr enum cuda_storage S = CUDA_STORAGE_FP16;                                                   \
        launch;                                                                                              \
        break;                                                                                               \
    }                                                                                                        \
    default: {                                                                                               \
        constexpr enum cuda_storage S = CUDA_STORAGE_FP32;                                                   \
        launch;                                                                                              \
        break;                                                                                               \
    }                                                                                                        \
    }

static unsigned blocks_for(size_t threads)
{
    return (unsigned)((threads + THREADS - 1) / THREADS);
}

static __device__ uint32_t this_thread(void)
{
    return blockIdx.x * THREADS + threadIdx.x;
}

/* ---- The first layer ---- */

template <enum cuda_storage S>
__global__ void __launch_bounds__(RGB_THREADS, 3) rgb_forward(struct rgb_forward a)
{
    __shared__ struct rgb_forward_shared shared;
    rgb_forward_stage(&a, &shared, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x);
    __syncthreads();
    rgb_forward_rows(&a, S, &shared, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x);
}

void launch_rgb_forward(cudaStream_t stream, enum cuda_storage storage, struct rgb_forward a)
{
    int groups = a.channels / CUDA_GROUP, strip = rgb_strip(a.channels);
    dim3 grid((a.w + strip - 1) / strip, (a.h + RGB_ROWS - 1) / RGB_ROWS,
              (groups + RGB_GROUPS - 1) / RGB_GROUPS);
    FOR_STORAGE(storage, (rgb_forward<S><<<grid, RGB_THREADS, 0, stream>>>(a)))
}

template <enum cuda_storage S>
__global__ void __launch_bounds__(BACK_THREADS, 2) rgb_backward(struct rgb_backward a)
{
    __shared__ uint4 patch[BACK_PATCH_H * BACK_PATCH_STRIDE * (S == CUDA_STORAGE_FP32 ? 2 : 1)];
    __shared__ float weight[BACK_WEIGHTS];
    float sum[3][RGB_QUAD] = {{0}};
    for (int group = 0; group < a.channels / CUDA_GROUP; group++) {
        __syncthreads();
        rgb_backward_stage(&a, S, patch, weight, blockIdx.x, blockIdx.y, group, threadIdx.x);
        __syncthreads();
        rgb_backward_add(S, patch, weight, threadIdx.x, sum);
    }
    rgb_backward_store(&a, blockIdx.x, blockIdx.y, threadIdx.x, sum);
}

void launch_rgb_backward(cudaStream_t stream, enum cuda_storage storage, struct rgb_backward a)
{
    dim3 grid((a.w + BACK_W - 1) / BACK_W, (a.h + BACK_H - 1) / BACK_H);
    FOR_STORAGE(storage, (rgb_backward<S><<<grid, BACK_THREADS, 0, stream>>>(a)))
}

/* ---- Pools ---- */

template <enum cuda_storage S>
__global__ void pool_forward_all(struct pool p, const void *in, const float *bias, void *out,
                                 uint8_t *winners, uint32_t count)
{
    if (this_thread() < count)
        pool_forward(&p, S, in, bias, out, winners, this_thread());
}

void launch_pool_forward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *in,
                         const float *bias, void *out, uint8_t *winners)
{
    size_t count = (size_t)(p.w / 2) * (size_t)(p.h / 2) * (size_t)(p.channels / CUDA_GROUP);
    FOR_STORAGE(storage, (pool_forward_all<S>
                          <<<blocks_for(count), THREADS, 0, stream>>>(p, in, bias, out, winners, count)))
}

template <enum cuda_storage S>
__global__ void pool_backward_all(struct pool p, const void *gradient, const uint8_t *winners, void *out,
                                  uint32_t count)
{
    if (this_thread() < count)
        pool_backward(&p, S, gradient, winners, out, this_thread());
}

void launch_pool_backward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *gradient,
                          const uint8_t *winners, void *out)
{
    size_t count = (size_t)((p.w + 1) / 2) * (size_t)((p.h + 1) / 2) * (size_t)(p.channels / CUDA_GROUP);
    FOR_STORAGE(storage, (pool_backward_all<S>
                          <<<blocks_for(count), THREADS, 0, stream>>>(p, gradient, winners, out, count)))
}

/* ---- What is not fused to a convolution ---- */

template <enum cuda_storage S>
__global__ void bias_relu_all(void *map, const float *bias, int channels, uint32_t count)
{
    if (this_thread() < count)
        bias_relu(S, map, bias, channels, this_thread());
}

void launch_bias_relu(cudaStream_t stream, enum cuda_storage storage, void *map, const float *bias,
                      int channels, size_t pixels)
{
    size_t count = pixels * (size_t)(channels / CUDA_GROUP);
    FOR_STORAGE(storage,
                (bias_relu_all<S><<<blocks_for(count), THREADS, 0, stream>>>(map, bias, channels, count)))
}

template <enum cuda_storage S>
__global__ void keep_alive_all(void *gradient, const void *activation, uint32_t count)
{
    if (this_thread() < count)
        keep_alive(S, gradient, activation, this_thread());
}

void launch_keep_alive(cudaStream_t stream, enum cuda_storage storage, void *gradient, const void *activation,
                       size_t count)
{
    count /= CUDA_GROUP;
    FOR_STORAGE(storage,
                (keep_alive_all<S><<<blocks_for(count), THREADS, 0, stream>>>(gradient, activation, count)))
}

/* ---- fc6's windows ---- */

template <enum cuda_storage S>
__global__ void columns_gather_all(struct columns c, const void *map, void *columns, uint32_t count)
{
    if (this_thread() < count)
        columns_gather(&c, S, map, columns, this_thread());
}

void launch_columns_gather(cudaStream_t stream, enum cuda_storage storage, struct columns c, const void *map,
                           void *columns)
{
    size_t count = (size_t)columns_w(&c) * (size_t)columns_h(&c) * (size_t)(c.kernel * c.kernel) *
                   (size_t)(c.channels / CUDA_GROUP);
    FOR_STORAGE(storage,
                (columns_gather_all<S><<<blocks_for(count), THREADS, 0, stream>>>(c, map, columns, count)))
}

template <enum cuda_storage S>
__global__ void columns_scatter_all(struct columns c, const void *columns, const void *alive, void *map,
                                    uint32_t count)
{
    if (this_thread() < count)
        columns_scatter(&c, S, columns, alive, map, this_thread());
}

void launch_columns_scatter(cudaStream_t stream, enum cuda_storage storage, struct columns c,
                            const void *columns, const void *alive, void *map)
{
    size_t count = (size_t)c.w * (size_t)c.h * (size_t)(c.channels / CUDA_GROUP);
    FOR_STORAGE(storage, (columns_scatter_all<S>
                          <<<blocks_for(count), THREADS, 0, stream>>>(c, columns, alive, map, count)))
}

/* ---- The head ---- */

template <enum cuda_storage S>
__global__ void head_forward_all(const float *sum, const float *bias, int channels, bool has_relu,
                                 void *hidden, uint32_t count)
{
    if (this_thread() < count)
        head_forward(S, sum, bias, channels, has_relu, hidden, this_thread());
}

void launch_head_forward(cudaStream_t stream, enum cuda_storage storage, const float *sum, const float *bias,
                         int positions, int channels, bool has_relu, void *hidden)
{
    size_t count = (size_t)positions * (size_t)(channels / CUDA_GROUP);
    FOR_STORAGE(storage, (head_forward_all<S><<<blocks_for(count), THREADS, 0, stream>>>(
                             sum, bias, channels, has_relu, hidden, count)))
}

template <enum cuda_storage S>
__global__ void head_backward_all(const float *sum, const void *hidden, void *gradient, uint32_t count)
{
    if (this_thread() < count)
        head_backward(S, sum, hidden, gradient, this_thread());
}

void launch_head_backward(cudaStream_t stream, enum cuda_storage storage, const float *sum,
                          const void *hidden, int positions, int channels, void *gradient)
{
    size_t count = (size_t)positions * (size_t)(channels / CUDA_GROUP);
    FOR_STORAGE(storage, (head_backward_all<S>
                          <<<blocks_for(count), THREADS, 0, stream>>>(sum, hidden, gradient, count)))
}

static __global__ void head_logits_all(const float *sum, const float *bias, int padded_classes, int positions,
                                       float activation, float *logits, uint32_t count)
{
    if (this_thread() < count)
        head_logits(sum, bias, padded_classes, positions, activation, logits, this_thread());
}

void launch_head_logits(cudaStream_t stream, const float *sum, const float *bias, int classes,
                        int padded_classes, int positions, float activation, float *logits)
{
    size_t count = (size_t)classes * (size_t)positions;
    head_logits_all<<<blocks_for(count), THREADS, 0, stream>>>(sum, bias, padded_classes, positions,
                                                               activation, logits, count);
}

/* ---- Objectives ---- */

/* Adds what the block's threads have, pair by pair: the same sum whoever comes first. */
static __device__ void block_part(double mine, double *part)
{
    __shared__ double sums[THREADS];
    sums[threadIdx.x] = mine;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    if (threadIdx.x == 0)
        *part = sums[0];
}

template <enum cuda_storage S>
__global__ void __launch_bounds__(THREADS) on_logits(struct objective_on_logits o, double *parts)
{
    double sum = 0;
    for (int position = blockIdx.x; position < o.positions; position += gridDim.x) {
        for (int group = threadIdx.x; group < o.width / CUDA_GROUP; group += THREADS)
            sum += objective_group(&o, S, position, group);
        if (threadIdx.x == 0)
            sum += objective_biases(&o, position);
    }
    block_part(sum, parts + blockIdx.x);
}

int launch_objective_on_logits(cudaStream_t stream, enum cuda_storage storage, struct objective_on_logits o,
                               double *parts)
{
    int blocks = o.positions < OBJECTIVE_BLOCKS_MAX ? o.positions : OBJECTIVE_BLOCKS_MAX;
    FOR_STORAGE(storage, (on_logits<S><<<blocks, THREADS, 0, stream>>>(o, parts)))
    return blocks;
}

template <enum cuda_storage S>
__global__ void __launch_bounds__(THREADS) on_layer(struct objective_on_layer o, double *parts)
{
    double sum = 0;
    uint32_t groups = (uint32_t)(o.count / CUDA_GROUP);
    for (uint32_t i = this_thread(); i < groups; i += gridDim.x * THREADS)
        sum += objective_layer(&o, S, i);
    block_part(sum, parts + blockIdx.x);
}

int launch_objective_on_layer(cudaStream_t stream, enum cuda_storage storage, struct objective_on_layer o,
                              double *parts)
{
    size_t all = blocks_for(o.count / CUDA_GROUP);
    int blocks = all < OBJECTIVE_BLOCKS_MAX ? (int)all : OBJECTIVE_BLOCKS_MAX;
    FOR_STORAGE(storage, (on_layer<S><<<blocks, THREADS, 0, stream>>>(o, parts)))
    return blocks;
}

static __global__ void value_of(const double *parts, int count, double factor,
                                const struct cuda_target *target, double mean, double *value)
{
    *value = objective_value(parts, count, factor, target, mean);
}

void launch_objective_value(cudaStream_t stream, const double *parts, int count, double factor,
                            const struct cuda_target *target, double mean, double *value)
{
    value_of<<<1, 1, 0, stream>>>(parts, count, factor, target, mean, value);
}

/* ---- Checks ---- */

template <enum cuda_storage S>
__global__ void __launch_bounds__(THREADS) check_all(const void *map, uint32_t groups, double *parts)
{
    double sums[CHECK_SUMS] = {0};
    for (uint32_t i = this_thread(); i < groups; i += gridDim.x * THREADS) {
        float few[CHECK_SUMS] = {0};
        check_group(S, map, i, few);
        for (int k = 0; k < CHECK_SUMS; k++)
            sums[k] += few[k];
    }
    for (int k = 0; k < CHECK_SUMS; k++) {
        block_part(sums[k], parts + k * gridDim.x + blockIdx.x);
        __syncthreads(); /* before the next sum's numbers take the place of this one's */
    }
}

int launch_check(cudaStream_t stream, enum cuda_storage storage, const void *map, size_t count, double *parts)
{
    size_t all = blocks_for(count / CUDA_GROUP);
    int blocks = all < CHECK_BLOCKS_MAX ? (int)all : CHECK_BLOCKS_MAX;
    FOR_STORAGE(storage, (check_all<S><<<blocks, THREADS, 0, stream>>>(map, count / CUDA_GROUP, parts)))
    return blocks;
}
