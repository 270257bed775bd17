/*
 * kernel - how the kernels of the picture are written.
 *
 * They are kept to what C and CUDA have in common, so that the tests can compile them for the host and run
 * them there, block by block. Each takes one struct by value, walks over its pixels with a stride (any grid
 * does, KERNEL_BLOCKS is ours), and leaves sums as one partial per block. Who needs a sum adds the partials
 * itself, always in the same order: no atomics, no waiting for the host, the same bits every time. Partials
 * may only be read by a later kernel of the stream than the one that wrote them.
 *
 * PIXEL_FN is for arithmetic on one pixel, which both sides compile; KERNEL(name, struct args) begins a
 * kernel, whose arguments are called `a`; LAUNCH starts it and gives a cudaError_t.
 */
#ifndef ENGINE_CUDA_MODULE_KERNEL_H
#define ENGINE_CUDA_MODULE_KERNEL_H

#include <cuda_runtime_api.h>

enum { KERNEL_THREADS = 256, KERNEL_BLOCKS = 512 }; /* threads: a power of two */

#ifdef __CUDACC__
#define PIXEL_FN  static __host__ __device__ __forceinline__
#define DEVICE_FN static __device__ __forceinline__
#define KERNEL(name, args)                                                                                   \
    static __global__ void __launch_bounds__(KERNEL_THREADS) name(const __grid_constant__ args a)
#define LAUNCH(name, blocks, args, stream)                                                                   \
    (name<<<(blocks), KERNEL_THREADS, 0, (stream)>>>(args), cudaGetLastError())
#else
#define PIXEL_FN static inline
#endif

/* Pixels (row_, x_) of this thread, in a picture of `rows` (planes stacked) by `width`. */
#define EACH_PIXEL(row_, x_, rows, width)                                                                    \
    for (int span_ = ((width) + (int)blockDim.x - 1) / (int)blockDim.x, block_ = (int)blockIdx.x,            \
             row_ = block_ / span_, x_ = block_ % span_ * (int)blockDim.x + (int)threadIdx.x;                \
         block_ < (rows)*span_; block_ += (int)gridDim.x, row_ = block_ / span_,                             \
             x_ = block_ % span_ * (int)blockDim.x + (int)threadIdx.x)                                       \
        if (x_ < (width))

/* Items 0..count-1 of this thread. */
#define EACH_ITEM(i_, count)                                                                                 \
    for (int i_ = (int)blockIdx.x * (int)blockDim.x + (int)threadIdx.x; i_ < (count);                        \
         i_ += (int)gridDim.x * (int)blockDim.x)

#endif
