/*
 * image_resample - the picture as the network sees it this time: scaled, shifted, mirrored at its borders.
 *
 * A view maps its pixel i to the picture's place (i + 0.5 - offset) / scale - 0.5. Sampling is a triangle as
 * wide as a view pixel (never narrower than a picture pixel), so shrinking does not alias; the adjoint, which
 * carries gradients back, is the exact transpose. Weights and their transposes are made once per view, by
 * image_view_plan; nothing is allocated after open. Rows are spread over the pool; results do not depend on
 * the number of threads.
 */
#ifndef ENGINE_IMAGE_RESAMPLE_H
#define ENGINE_IMAGE_RESAMPLE_H

#include "common/error.h"
#include "common/pool.h"

struct image_view {
    int width_px, height_px;   /* of the view */
    double scale;              /* view pixels per picture pixel */
    double offset_x, offset_y; /* where the picture's corner lies in the view, view pixels */
};

/* One direction of a view: the taps of every view pixel, and the same entries sorted by picture pixel. */
struct image_axis {
    int size, view; /* pixels of the picture and of the view */
    int taps;       /* per view pixel */
    int *index;     /* [view][taps] picture pixels */
    float *weight;  /* [view][taps] */
    int *start; /* [size + 2]: picture pixel k has entries start[k]..start[k + 1] - 1; the last: scratch */
    int *back;  /* [view * taps] view pixels */
    float *back_weight; /* [view * taps] */
};

/* Taps at a scale; fewer at a larger one. */
int image_axis_taps(double scale);

/* Fills the arrays, which hold enough for image_axis_taps(scale), for a->size picture pixels. For backends
 * that resample by themselves. */
void image_axis_plan(struct image_axis *a, int view, double scale, double offset);

struct image_resampler;

/* For pictures of exactly width x height and views up to max_view; scales from min_scale on. */
int image_resampler_open(struct image_resampler **r, struct pool *pool, int width_px, int height_px,
                         int max_view_width_px, int max_view_height_px, double min_scale, struct error *e);
void image_resampler_close(struct image_resampler **r);

void image_view_plan(struct image_resampler *r, const struct image_view *v);

/* picture [3][height][width] -> view [3][view height][view width] of the plan. */
void image_view_sample(struct image_resampler *r, const float *picture, float *view);

/* Transpose of image_view_sample; written over `picture`. */
void image_view_adjoint(struct image_resampler *r, const float *view, float *picture);

#endif
