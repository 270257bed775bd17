/*
 * sums - adding up over a grid: a partial per block, then all partials by whoever needs the total.
 *
 * Trees in shared memory and a fixed grid make every sum come out the same, bit by bit, each time. Every
 * thread of a block has to call these. Included by .cu files only.
 */
#ifndef ENGINE_BACKEND_CUDA_SUMS_CUH
#define ENGINE_BACKEND_CUDA_SUMS_CUH

#include "engine/cuda/module/kernel.h"

/* The block's sum of v, for all its threads. */
DEVICE_FN double block_sum(double v)
{
    __shared__ double lanes[KERNEL_THREADS];
    int me = (int)threadIdx.x;
    __syncthreads(); /* whoever still reads the last sum */
    lanes[me] = v;
    __syncthreads();
    for (int half = (int)blockDim.x / 2; half > 0; half /= 2) {
        if (me < half)
            lanes[me] += lanes[me + half];
        __syncthreads();
    }
    return lanes[0];
}

/* Leaves the block's sum of v in partials [KERNEL_BLOCKS]. */
DEVICE_FN void block_leave(double v, double *partials)
{
    double sum = block_sum(v);
    if (threadIdx.x == 0)
        partials[blockIdx.x] = sum;
}

/* The total of partials [KERNEL_BLOCKS] that an earlier kernel left, for all threads. */
DEVICE_FN double grid_total(const double *partials)
{
    double sum = 0;
    for (int i = (int)threadIdx.x; i < KERNEL_BLOCKS; i += (int)blockDim.x)
        sum += partials[i];
    return block_sum(sum);
}

#endif
