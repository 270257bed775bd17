/*
 * prior_kernels - see prior_kernels.h. Every output element has one thread, which adds in a fixed order.
 */
#include "engine/cuda/module/prior_kernels.h"
#include "engine/cuda/module/prior_math.h"
#include "engine/cuda/module/sums.cuh"

KERNEL(take_kernel, struct prior_take)
{
    EACH_ITEM(i, a.chunk.count * PRIOR_DIM)
    {
        struct prior_patch p;
        int is_there = prior_find(&a.grid, a.chunk.first + i / PRIOR_DIM, &p);
        a.patches[i] = is_there ? prior_element(&a.grid, &p, i % PRIOR_DIM, a.picture) : 0.0f;
    }
}

cudaError_t prior_take(const struct prior_take *a, cudaStream_t stream)
{
    return LAUNCH(take_kernel, KERNEL_BLOCKS, *a, stream);
}

KERNEL(slope_kernel, struct prior_slope)
{
    EACH_ITEM(i, a.chunk.count * PRIOR_DIM)
    {
        struct prior_patch p;
        int is_there = prior_find(&a.grid, a.chunk.first + i / PRIOR_DIM, &p);
        float u = a.z[i] + a.law.offset[i % PRIOR_DIM];
        a.z[i] = is_there ? a.grid.places[p.scale].weight * prior_law_slope(&a.law, u) : 0.0f;
    }
}

/* A thread adds up one patch: this is for looking, not for steps. */
KERNEL(energy_kernel, struct prior_slope)
{
    EACH_ITEM(n, a.chunk.count)
    {
        struct prior_patch p;
        double sum = 0;
        if (prior_find(&a.grid, a.chunk.first + n, &p))
            for (int k = 0; k < PRIOR_DIM; k++)
                sum += prior_law_energy(&a.law, a.z[(long)n * PRIOR_DIM + k] + a.law.offset[k]);
        a.energy[n] = sum;
    }
}

cudaError_t prior_slope(const struct prior_slope *a, cudaStream_t stream)
{
    cudaError_t status = cudaSuccess;
    if (a->energy)
        status = LAUNCH(energy_kernel, KERNEL_BLOCKS, *a, stream);
    return status == cudaSuccess ? LAUNCH(slope_kernel, KERNEL_BLOCKS, *a, stream) : status;
}

KERNEL(give_kernel, struct prior_give)
{
    long plane = (long)a.grid.width * a.grid.height;
    double squares = 0;
    EACH_PIXEL(y, x, a.grid.height, a.grid.width)
    {
        float *to = a.gradient + (long)y * a.grid.width + x;
        float v[3] = {0, 0, 0};
        for (int k = 0; k < a.grid.scale_count; k++)
            prior_collect(&a.grid, &a.chunk, k, x, y, a.patches, v);
        for (int c = 0; c < 3; c++) {
            if (a.chunk.first > 0)
                v[c] += to[c * plane];
            to[c * plane] = v[c];
            squares += (double)(v[c] * v[c]);
        }
    }
    if (a.squares)
        block_leave(squares, a.squares);
}

cudaError_t prior_give(const struct prior_give *a, cudaStream_t stream)
{
    return LAUNCH(give_kernel, KERNEL_BLOCKS, *a, stream);
}
