/*
 * prior_kernels - the inner loops of the prior; private to engine/cpu/prior*.c. Plain C that compilers turn
 * into vector code.
 */
#ifndef ENGINE_CPU_PRIOR_KERNELS_H
#define ENGINE_CPU_PRIOR_KERNELS_H

#include "engine/model/prior_filters.h"

/* Copies a patch out of a picture whose planes are `plane` floats apart and rows `pitch`: out [3][8][8]. */
void prior_patch_gather(const float *picture, long plane, long pitch, float out[PRIOR_DIM]);

/* Adds a patch to the picture at the same place. */
void prior_patch_scatter(float *picture, long plane, long pitch, const float patch[PRIOR_DIM]);

/* z [192] responses without offset, `offset` [192]. Returns the sum of the energies of u = z + offset; on
 * return z holds scale * the energy's slope at u. */
typedef double prior_energy(float z[PRIOR_DIM], const float offset[PRIOR_DIM], float nu, float scale);

prior_energy prior_student_t; /* log(1 + u^2 / nu) */
prior_energy prior_gaussian;  /* u^2; without use for nu */

/* Row `y` of the mean-pooled plane: out [width / p]. `in` is the plane's first of p rows. */
void prior_pool_row(const float *in, long pitch, int p, int out_width, float *out);

/* The way back: adds in[x / p] / p^2 to p rows of `out`. */
void prior_unpool_row(const float *in, int in_width, int p, float *out, long pitch);

#endif
