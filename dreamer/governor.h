/*
 * governor - how far ahead the next keyframe lies, and how many steps it gets, so that it is ready in time.
 *
 * A keyframe that is N frames of zoom ahead must be finished before the camera has played the N frames before
 * it. Live: N is the measured cost of a keyframe in frames plus a reserve; when that would make keyframes
 * rarer than the operator allows, steps are given up instead. Offline: N and the steps are constants, because
 * a render must not depend on the speed of the machine. Pure arithmetic on what it is told; no clock, no
 * thread.
 */
#ifndef DREAMER_GOVERNOR_H
#define DREAMER_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

struct governor {
    bool offline;
    int steps; /* wanted for each keyframe */
    int fps;
    int min_frames; /* between keyframes */
    int max_frames;
    double step_us, rest_us; /* smoothed measurements: one step; everything else in a keyframe */
    bool measured;
};

struct governor_plan {
    int frames; /* the next keyframe's distance from the last one on the zoom axis */
    int steps;
};

void governor_init(struct governor *g, bool offline, int steps, int fps, int min_frames, int max_frames);

/* `z_frames` is the last keyframe's place on the zoom axis, `camera_frames` the point up to which the camera
 * is served with what it has taken. */
struct governor_plan governor_next(const struct governor *g, int64_t z_frames, int64_t camera_frames);

/* What the last keyframe took. */
void governor_measure(struct governor *g, int steps, double steps_us, double rest_us);

#endif
