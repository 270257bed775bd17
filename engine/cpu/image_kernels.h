/*
 * image_kernels - the inner loops over rows of float pictures; private to engine/cpu/. Plain C that compilers
 * turn into vector code; rows never overlap unless a parameter says so.
 */
#ifndef ENGINE_CPU_IMAGE_KERNELS_H
#define ENGINE_CPU_IMAGE_KERNELS_H

#include <stdint.h>

#include "engine/step.h"

/* out[i] = weight * in[i], or += with `accumulate`. */
void image_row_scale(float *out, const float *in, float weight, int n, int accumulate);

/* Horizontal resampling of one row: out[i] = sum over t < taps of
 * weight[i * taps + t] * in[index[i * taps + t]]. */
void image_row_gather(float *out, const float *in, const int *index, const float *weight, int taps, int n);

/* The same with a list per output: its entries are start[i]..start[i + 1] - 1. */
void image_row_gather_lists(float *out, const float *in, const int *start, const int *index,
                            const float *weight, int n);

/* Four rows by [1 3 3 1] / 8 into one, in [n], then every second pixel by the same filter: out [out_n],
 * out_n = (n + 1) / 2. `line` [n + 4] is scratch. */
void image_row_halve(float *out, const float *const rows[4], float *line, int n);

/* The way up: (3 near + far) / 4 of two rows of n_small pixels, then the same along the row: out [n],
 * n = 2 n_small or one less; out = a * out + b * that. `line` [n_small + 2] is scratch. */
void image_row_double(float *out, const float *near, const float *far, float *line, int n_small, int n,
                      float a, float b);

/* Sum of squares; one sum per lane first, so the order is fixed and the compiler may use vectors. */
double image_row_squares(const float *x, int n);

/* x[i] += sigma * (two uniform numbers' sum, scaled to mean 0 and deviation 1), numbers hashed
 * from (key, i). */
void image_row_noise(float *x, int n, uint32_t key, float sigma);

/* m = keep * m + a * g - b * p. Returns the sum of m's squares. */
double image_row_momentum(float *m, const float *g, const float *p, int n, float keep, float a, float b);

/* Three rows: what differs from their mean is multiplied by `gain`. */
void image_row_colour(float *const rows[3], int n, float gain);

/* g = prior - gradient; m = 0.9 g + 0.1 m; v = 0.999 g^2 + 0.001 v; x = clip(x - ...). Returns how many
 * values were not finite. */
double image_row_classic(float *x, float *m, float *v, const float *gradient, const float *prior, int n,
                         const struct classic_step *s);

/* Three rows r, g, b with their momentum rows: x = clip(x + step * m + pulls). Adds to `sums`. */
void image_row_update(float *const x[3], const float *const m[3], int n, const struct image_step *s,
                      struct image_sums *sums);

/* out = clip(x) of one bicubic row: see image_warp. (sx, sy) is the source place of pixel 0, (dx, dy) the
 * step per pixel; `planes` planes of [height][width]. With `clip`, values are kept in 0..255. */
void image_row_bicubic(float *const *out, const float *const *in, int planes, int width, int height, int n,
                       double sx, double sy, double dx, double dy, int clip);

#endif
