/*
 * picture_kernels - what the device can do to the picture; launchers of the kernels in picture_view.cu and
 * picture_update.cu. Every call puts one kernel on the stream and says whether it started. All pointers are
 * the device's; pictures are [3][height][width] floats. May be captured in a graph: the structs are copied.
 *
 * A kernel's `squares` and `partials` receive sums for others, one double per block (see kernel.h).
 */
#ifndef ENGINE_CUDA_MODULE_PICTURE_KERNELS_H
#define ENGINE_CUDA_MODULE_PICTURE_KERNELS_H

#include <stdint.h>

#include "engine/control.h"
#include "engine/step.h"
#include "engine/cuda/module/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One direction of a view: as struct image_axis of engine/axis.h, on the device. */
struct picture_axis {
    int size, view;           /* pixels of the picture and of the view */
    int taps;                 /* per view pixel */
    const int *index;         /* [view][taps] picture pixels */
    const float *weight;      /* [view][taps] */
    const int *start;         /* [size + 1]: picture pixel k is in entries start[k]..start[k + 1] - 1 */
    const int *back;          /* [view * taps] view pixels */
    const float *back_weight; /* [view * taps] */
};

/* view = what the picture looks like through the axes, + noise where `keys` is not NULL. */
struct picture_sample {
    struct picture_axis x, y;
    const float *picture;
    float *view;
    const uint32_t *keys; /* [3 * view height] of the rows' noise */
    float noise;          /* levels */
};
cudaError_t picture_sample(const struct picture_sample *a, cudaStream_t stream);

/* gradient = the transpose of that on view_gradient, its colours times `colour`; leaves its squares. */
struct picture_adjoint {
    struct picture_axis x, y;
    const float *view_gradient;
    float *gradient;
    float colour;
    double *squares;
};
cudaError_t picture_adjoint(const struct picture_adjoint *a, cudaStream_t stream);

/* Two neighbouring levels of a pyramid; sizes of the coarse one are those of the fine one, halved up. */
struct picture_halve {
    const float *fine;
    float *coarse;
    int width, height; /* of the fine one */
};
cudaError_t picture_halve(const struct picture_halve *a, cudaStream_t stream);

/* fine -= up(coarse): what is left is a band; leaves its squares. */
struct picture_band {
    float *fine;
    const float *coarse;
    int width, height;
    double *squares;
};
cudaError_t picture_band(const struct picture_band *a, cudaStream_t stream);

/* band = weight / rms * band + up(coarse), where squares tell the band's rms; coarse NULL: there is none. */
struct picture_gather {
    float *band;
    const float *coarse;
    int width, height;
    const double *squares;
    double weight;
};
cudaError_t picture_gather(const struct picture_gather *a, cudaStream_t stream);

/* Leaves the squares of x. */
struct picture_squares {
    const float *x;
    int width, height;
    double *squares;
};
cudaError_t picture_squares(const struct picture_squares *a, cudaStream_t stream);

/* m = keep * m + g / rms(g) - prior_ratio * p / rms(p); leaves its squares. */
struct picture_momentum {
    float *m;
    const float *g, *p;
    int width, height;
    float keep;
    double prior_ratio;
    const double *g_squares, *p_squares;
    double *squares;
};
cudaError_t picture_momentum(const struct picture_momentum *a, cudaStream_t stream);

/* What the last step left behind. */
struct picture_state {
    struct image_sums sums; /* all 0: nothing is known */
    double bad;             /* sums.bad of all steps since the host looked */
};

enum { PICTURE_SUMS = 5 }; /* members of struct image_sums, in its order */

/* The picture moves along m by `levels`, led by the state before it; leaves its sums. */
struct picture_update {
    float *x;
    const float *m;
    int width, height;
    struct image_aim aim;
    double levels;
    const double *m_squares;
    const struct picture_state *state;
    double *partials; /* [PICTURE_SUMS][KERNEL_BLOCKS] */
};
cudaError_t picture_update(const struct picture_update *a, cudaStream_t stream);

/* The update of 2015; leaves sums. */
struct picture_classic {
    float *x, *m, *v;
    const float *g, *p;
    int width, height;
    const struct classic_step *step; /* device */
    double *partials;                /* [PICTURE_SUMS][KERNEL_BLOCKS] */
};
cudaError_t picture_classic(const struct picture_classic *a, cudaStream_t stream);

/* The end of a step: partials into the state. */
struct picture_total {
    const double *partials; /* [PICTURE_SUMS][KERNEL_BLOCKS] */
    struct picture_state *state;
};
cudaError_t picture_total(const struct picture_total *a, cudaStream_t stream);

/* image_warp; `out` may not be `in`. */
struct picture_warp {
    const float *in;
    float *out;
    int width, height;
    double cx, cy; /* what stays where it is, pixels */
    double dx, dy; /* input steps per output pixel to the right; (-dy, dx) per pixel down */
    int clip;
};
cudaError_t picture_warp(const struct picture_warp *a, cudaStream_t stream);

/* image_nv12; even sizes. */
struct picture_nv12 {
    const float *x;
    unsigned char *out; /* [height * 3 / 2][width] */
    int width, height;
};
cudaError_t picture_nv12(const struct picture_nv12 *a, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
