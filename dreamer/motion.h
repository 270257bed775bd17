/*
 * motion - how the camera falls just now: the settings' zoom and rotation, bent for a while by whoever steers.
 *
 * A wish bends speed, turn and the point that the camera falls to within safe limits, gently, and wears off by itself.
 * Without one the settings' own numbers come back exactly, and the point drifts after what is dreamed, slowly, for a
 * viewer should feel led and not pulled. Pure arithmetic on show time.
 */
#ifndef DREAMER_MOTION_H
#define DREAMER_MOTION_H

#include <stdbool.h>

#include "dreamer/port.h"

struct motion {
    double zoom, degrees;  /* the settings', per output frame */
    double speed, turn;    /* now: times the zoom; degrees per second on top */
    double x, y;           /* now: the point that it falls to, off the middle, shares of the picture */
    double seen_x, seen_y; /* where what is dreamed was seen last, within limits */
    struct port_motion wish;
    double until_s; /* of the wish, show time */
    bool rests;     /* nothing is bent */
};

/* What one output frame moves by. */
struct motion_frame {
    double zoom, degrees;
    double x, y; /* the point that stands still, off the middle, shares of the picture */
};

void motion_init(struct motion *m, double zoom_per_frame, double degrees_per_frame);

/* What is dreamed is seen there; the camera drifts after it, within the inner two fifths. */
void motion_see(struct motion *m, double x, double y);

/* A wish, from `now_s` on; it takes the place of the last one. Numbers beyond the limits are cut to them. */
void motion_wish(struct motion *m, const struct port_motion *wish, double now_s);

/* Time goes on by `elapsed_s` to `now_s`: what a frame moves by from here on. */
struct motion_frame motion_advance(struct motion *m, double now_s, double elapsed_s, int fps);

#endif
