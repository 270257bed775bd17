/*
 * prior - the patch prior on a GPU: prior_gradient (engine/cpu/prior.h) for all scales of a step at once.
 *
 * cuda_prior_plan fixes what never changes while a step's pools and strides stay the same: the list of
 * patches, its chunks, the libraries' choice for the two matrix products. cuda_prior_place fills in what
 * changes with every step and is read from device memory. cuda_prior_gradient only puts work on the stream
 * and may be captured.
 */
#ifndef ENGINE_CUDA_MODULE_PRIOR_H
#define ENGINE_CUDA_MODULE_PRIOR_H

#include "engine/backend.h"
#include "engine/cuda/module/device.h"
#include "engine/cuda/module/prior_kernels.h"

struct cuda_prior;

/* One matrix product of `count` patches, both ways. */
struct cuda_prior_product {
    int count; /* 0: none */
    cublasLtMatmulAlgo_t there, back;
};

/* A layout of patches and how it is computed. All zero: none. */
struct cuda_prior_plan {
    struct prior_grid grid;                /* without places */
    int patches, chunk;                    /* all together, and at once */
    struct cuda_prior_product whole, rest; /* of full chunks, and of the last one */
};

/* Device bytes of everything but the picture, in pieces of the arena. */
size_t cuda_prior_bytes(const struct dream_config *c);

/* Loads the filters and carves its buffers. `d` must outlive it. 0, or -errno with a line; *p
 * is NULL then. */
int cuda_prior_open(struct cuda_prior **p, struct cuda_device *d, const struct dream_config *c,
                    struct error *e);
void cuda_prior_close(struct cuda_prior **p); /* NULL is fine */

/* Does the plan fit the step's scales? Its offsets and weights do not matter. */
bool cuda_prior_is_planned(const struct cuda_prior_plan *plan, const struct backend_step *s);

/* 0, -EIO, -ENOTSUP when there is no product for a size. Nothing is put on the stream. */
int cuda_prior_plan(struct cuda_prior *p, const struct backend_step *s, struct cuda_prior_plan *plan);

/* What `places` [BACKEND_SCALES_MAX] on the device shall hold for the step. */
void cuda_prior_place(const struct cuda_prior *p, const struct cuda_prior_plan *plan,
                      const struct backend_step *s, struct prior_place *places);

/* Puts on `stream`: gradient [3][height][width] = sum over scales of weight * gradient; leaves its squares
 * (kernel.h). 0 or -EIO. */
int cuda_prior_gradient(struct cuda_prior *p, const struct cuda_prior_plan *plan,
                        const struct prior_place *places, const float *picture, float *gradient,
                        double *squares, cudaStream_t stream);

/* The same, and waits; energy [scales] receives the mean of each scale. `host_places`:
 * what `places` holds. */
int cuda_prior_measure(struct cuda_prior *p, const struct cuda_prior_plan *plan,
                       const struct prior_place *places, const struct prior_place *host_places,
                       const float *picture, float *gradient, double *squares, double *energy);

#endif
