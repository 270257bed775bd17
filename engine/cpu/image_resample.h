/*
 * image_resample - the picture as the network sees it this time: scaled, shifted, mirrored at its borders.
 *
 * A view maps its pixel i to the picture's place (i + 0.5 - offset) / scale - 0.5. Sampling is a triangle as
 * wide as a view pixel (never narrower than a picture pixel), so shrinking does not alias; the adjoint, which
 * carries gradients back, is the exact transpose. Weights and their transposes are made once per view, by
 * image_view_plan; nothing is allocated after open. Rows are spread over the pool; results do not depend on
 * the number of threads.
 */
#ifndef ENGINE_CPU_IMAGE_RESAMPLE_H
#define ENGINE_CPU_IMAGE_RESAMPLE_H

#include <stdbool.h>

#include "common/error.h"
#include "common/pool.h"
#include "engine/axis.h"
#include "engine/step.h"

struct image_resampler;

struct image_resampler_params {
    int width_px, height_px; /* of the picture, exactly */
    int max_view_width_px, max_view_height_px;
    double min_scale;
    bool is_one_way; /* what is mirrored at the borders is seen, but no gradient comes back from it */
};

/* `pool` must outlive it. 0 or -ENOMEM with a line; *r is NULL then. */
int image_resampler_open(struct image_resampler **r, struct pool *pool,
                         const struct image_resampler_params *p, struct error *e);
void image_resampler_close(struct image_resampler **r);

void image_view_plan(struct image_resampler *r, const struct image_view *v);

/* picture [3][height][width] -> view [3][view height][view width] of the plan. */
void image_view_sample(struct image_resampler *r, const float *picture, float *view);

/* Transpose of image_view_sample; written over `picture`. */
void image_view_adjoint(struct image_resampler *r, const float *view, float *picture);

#endif
