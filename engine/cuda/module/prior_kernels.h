/*
 * prior_kernels - the patch prior on the device, around two matrix products: launchers of prior_kernels.cu.
 *
 * The patches of all scales form one long list: scale after scale, row after row of the densest grid that any
 * offset gives. A step's offset leaves out some at the ends of rows and columns; those are zeros in every
 * matrix, so that sizes never change and a graph can be replayed. The list is worked on in chunks.
 */
#ifndef ENGINE_CUDA_MODULE_PRIOR_KERNELS_H
#define ENGINE_CUDA_MODULE_PRIOR_KERNELS_H

#include "engine/backend.h"
#include "engine/cuda/module/kernel.h"
#include "engine/model/prior_filters.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One scale as it always is. */
struct prior_scale {
    int pool, stride;  /* picture pixels; pooled pixels */
    int columns, rows; /* at most */
    int first;         /* its place in the list of patches */
};

/* Where it lies this time; in device memory. See prior_gradient (engine/cpu/prior.h). */
struct prior_place {
    int left, top;      /* where pooling begins, picture pixels 0..pool - 1 */
    int grid_x, grid_y; /* where the grid begins, pooled pixels */
    int columns, rows;  /* patches, up to those of the scale */
    float weight;       /* of one response */
};

struct prior_grid {
    int width, height; /* of the picture */
    int scale_count;
    struct prior_scale scales[BACKEND_SCALES_MAX];
    const struct prior_place *places; /* device [scale_count] */
};

/* Part of the list. */
struct prior_chunk {
    int first, count;
};

/* What a response is worth. */
struct prior_law {
    const float *offset; /* device [192]: u = z + offset, of patches from which 128 was taken */
    float nu;
    int kind; /* enum prior_kind */
};

/* patches [count][192] = the chunk's patches of the picture, minus 128. */
struct prior_take {
    struct prior_grid grid;
    struct prior_chunk chunk;
    const float *picture; /* [3][height][width] */
    float *patches;
};
cudaError_t prior_take(const struct prior_take *a, cudaStream_t stream);

/* z [count][192] becomes weight * slope of the energy; `energy` [count] (may be NULL) receives the sum over
 * each patch's responses, without weight. */
struct prior_slope {
    struct prior_grid grid;
    struct prior_chunk chunk;
    struct prior_law law;
    float *z;
    double *energy;
};
cudaError_t prior_slope(const struct prior_slope *a, cudaStream_t stream);

/* gradient [3][height][width] = or (behind the first chunk) += what the patches [count][192] bring to each
 * pixel. With the last chunk `squares` receives those of the whole (see kernel.h), NULL before. */
struct prior_give {
    struct prior_grid grid;
    struct prior_chunk chunk;
    const float *patches;
    float *gradient;
    double *squares;
};
cudaError_t prior_give(const struct prior_give *a, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
