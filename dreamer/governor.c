/*
 * governor - see governor.h.
 */
#include "dreamer/governor.h"

#include <math.h>

/* Timings vary from keyframe to keyframe, the more the busier the machine is; beyond this the camera's own
 * patience helps, at the price of a half second's glide. */
static const double reserve = 1.2;
static const double smoothing = 0.3; /* weight of the newest measurement */

void governor_init(struct governor *g, bool offline, int steps, int fps, int min_frames, int max_frames)
{
    *g = (struct governor){.offline = offline,
                           .steps = steps,
                           .fps = fps,
                           .min_frames = min_frames,
                           .max_frames = max_frames > min_frames ? max_frames : min_frames};
}

static double frames_for(const struct governor *g, int steps)
{
    return reserve * (g->rest_us + steps * g->step_us) * g->fps / 1e6;
}

struct governor_plan governor_next(const struct governor *g, int64_t z_frames, int64_t camera_frames)
{
    struct governor_plan plan = {.frames = g->fps, .steps = g->steps};
    if (g->offline || !g->measured) {
        if (plan.frames > g->max_frames)
            plan.frames = g->max_frames;
        if (plan.frames < g->min_frames)
            plan.frames = g->min_frames;
        if (!g->offline && plan.steps > 2)
            plan.steps = 2; /* the first one: learn quickly what a step costs */
        return plan;
    }
    while (plan.steps > 1 && frames_for(g, plan.steps) > g->max_frames)
        plan.steps--;
    plan.frames = (int)fmin(ceil(frames_for(g, plan.steps)), 1e6);
    if (plan.frames < g->min_frames)
        plan.frames = g->min_frames;
    if (camera_frames > z_frames) /* the last keyframe came late: aim behind the glide into it */
        plan.frames += (int)(camera_frames - z_frames);
    return plan;
}

void governor_measure(struct governor *g, int steps, double steps_us, double rest_us)
{
    double step_us = steps > 0 ? steps_us / steps : g->step_us;
    double w = g->measured ? smoothing : 1.0;
    g->step_us += w * (step_us - g->step_us);
    g->rest_us += w * (rest_us - g->rest_us);
    g->measured = true;
}
