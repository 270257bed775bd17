/*
 * axis - the taps of one direction of a view; every backend that resamples takes them from here.
 */
#ifndef ENGINE_AXIS_H
#define ENGINE_AXIS_H

#include <stdbool.h>

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

/* Fills the arrays, which hold enough for image_axis_taps(scale), for a->size picture pixels. `is_one_way`: what a
 * view pixel takes from beyond the borders weighs nothing on the way back. For backends that resample by
 * themselves. */
void image_axis_plan(struct image_axis *a, int view, double scale, double offset, bool is_one_way);

#endif
