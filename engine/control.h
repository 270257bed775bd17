/*
 * control - how a step of `modern` keeps a picture that is dreamed on for hours from drifting into
 * darkness or glare.
 *
 * Three slow controllers look at the picture that the last step left behind and take back a small part of
 * what it is off, never so much that it could be seen. One formula for all: the CPU backend and the CUDA
 * kernels include this file.
 */
#ifndef ENGINE_CONTROL_H
#define ENGINE_CONTROL_H

#include <math.h>

#include "engine/step.h"

#ifdef __CUDACC__
#define IMAGE_CONTROL_FN static __host__ __device__ __forceinline__
#else
#define IMAGE_CONTROL_FN static inline
#endif

/* Where the picture is led, contrast 0: nowhere; see engine/dream/options.c. */
struct image_aim {
    double brightness, contrast, colour_max, glare; /* levels */
};

/* What sums mean: mean and deviation of grey, deviation of the channels from grey, levels. */
struct image_state {
    double mean, contrast, colour;
};

IMAGE_CONTROL_FN struct image_state image_state_of(const struct image_sums *s, double pixels)
{
    struct image_state state;
    double mean = s->mean / pixels, variance = s->square / pixels - mean * mean;
    state.mean = mean;
    state.contrast = sqrt(variance > 0 ? variance : 0);
    state.colour = sqrt(s->chroma / pixels);
    return state;
}

IMAGE_CONTROL_FN float image_control_within(double v, double low, double high)
{
    return (float)(v < low ? low : v > high ? high : v);
}

/* `weight` per root mean square; nothing where there is nothing to scale. */
IMAGE_CONTROL_FN float image_per_rms(double weight, double root_mean_square)
{
    return root_mean_square > 1e-20 ? (float)(weight / root_mean_square) : 0.0f;
}

/* The update that moves a picture by `levels` along a momentum of that root mean square. `sums`: of the
 * picture behind the last step; all 0 when nothing is known. */
IMAGE_CONTROL_FN struct image_step image_control(const struct image_aim *aim, const struct image_sums *sums,
                                                 double pixels, double levels, double momentum_rms)
{
    struct image_step step = {0, 0, 0, 0, 0, 12, 0.25f, 0, 0};
    struct image_state state = image_state_of(sums, pixels);
    step.step = image_per_rms(levels, momentum_rms);
    if (state.contrast == 0 || aim->contrast <= 0)
        return step;
    step.margin = 24; /* wide enough that a strong push does not reach the ends */
    step.glare = (float)aim->glare;
    step.glare_pull = 0.1f;
    step.centre = (float)state.mean;
    step.shift = image_control_within(0.05 * (aim->brightness - state.mean), -1, 1);
    step.contrast = image_control_within(0.05 * (state.contrast / aim->contrast - 1), -0.01, 0.05);
    step.chroma = image_control_within(0.1 * (state.colour / aim->colour_max - 1), 0, 0.05);
    return step;
}

#endif
