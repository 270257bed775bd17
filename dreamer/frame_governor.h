/*
 * frame_governor - how many gradient steps every output frame gets, when each frame is freshly dreamed.
 *
 * A frame that takes longer than its share of time is late, and late frames are seen. So the cost of a frame,
 * smoothed, plus its mean deviation, must stay within 85 % of the time between two frames: the rest is the
 * reserve. When it does not, steps are given up at once; when more would fit for a while, they come back, and
 * each time that this proves wrong the while grows longer, so the count does not swing. A frame never has
 * less than one step. When even one is too much for good, the governor says that it is hopeless: the show
 * then goes back to keyframes. Offline the number is constant, because a render must not depend on the speed
 * of the machine. Pure arithmetic on what it is told; no clock, no thread.
 */
#ifndef DREAMER_FRAME_GOVERNOR_H
#define DREAMER_FRAME_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

struct frame_governor {
    bool offline;
    int fps;
    int steps_max; /* wanted for each frame */
    int steps;     /* what the next frame gets, 1..steps_max */
    bool measured;
    double step_us, rest_us; /* smoothed: one step; everything else in a frame */
    double deviation_us;     /* smoothed: how far frames are from what was expected */
    bool stalled;            /* the last frame took many times what was expected */
    int calm_frames;         /* in a row for which more steps would have fitted */
    int patience_frames;     /* so many of them bring steps back */
    int steady_frames;       /* since steps were given up last */
    double behind_us;        /* what the frames took for which one step was too much, in a row */
};

void frame_governor_init(struct frame_governor *g, bool offline, int steps_max, int fps);

/* What a frame took: `steps` steps, and all else. True when the number for the next frame has changed. */
bool frame_governor_measure(struct frame_governor *g, int steps, double steps_us, double rest_us);

/* Smoothed cost of a frame with so many steps; 0 before the first measurement. */
double frame_governor_cost_us(const struct frame_governor *g, int steps);

/* After a rehearsal: the first frame gets what has been seen to fit. Does one step, with the reserve? That
 * must hold before the show dreams frames unasked. */
bool frame_governor_begin(struct frame_governor *g);

/* For seconds now one step in each frame has taken longer than there is. */
bool frame_governor_is_hopeless(const struct frame_governor *g);

#endif
