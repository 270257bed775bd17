/*
 * frame_governor - see frame_governor.h.
 */
#include "dreamer/frame_governor.h"

#include <math.h>

static const double held = 0.85;      /* share of a frame's time that may be used */
static const double begins = 0.80;    /* share below which more steps are tried: what is held, less a gap */
static const double smoothing = 0.12; /* weight of the newest measurement */
static const double outlier = 4; /* times what is expected: one stall says nothing about the next frame */
static const double hopeless_us = 3e6, stall_us = 1e6;

enum { PATIENCE_MS = 500, PATIENCE_MAX_MS = 16000, FORGET_MS = 60000 };

static int frames_in(const struct frame_governor *g, int ms)
{
    int frames = ms * g->fps / 1000;
    return frames > 1 ? frames : 1;
}

static double period_us(const struct frame_governor *g)
{
    return 1e6 / g->fps;
}

void frame_governor_init(struct frame_governor *g, bool offline, int steps_max, int fps)
{
    *g = (struct frame_governor){
        .offline = offline, .fps = fps, .steps_max = steps_max, .steps = offline ? steps_max : 1};
    g->patience_frames = frames_in(g, PATIENCE_MS);
}

double frame_governor_cost_us(const struct frame_governor *g, int steps)
{
    return g->rest_us + steps * g->step_us;
}

static bool fits(const struct frame_governor *g, int steps, double share)
{
    return frame_governor_cost_us(g, steps) + g->deviation_us <= share * period_us(g);
}

/* The largest number that fits; at least one. */
static int most(const struct frame_governor *g, double share)
{
    int steps = g->steps_max;
    while (steps > 1 && !fits(g, steps, share))
        steps--;
    return steps;
}

static void smooth(struct frame_governor *g, int steps, double steps_us, double rest_us)
{
    double step_us = steps > 0 ? steps_us / steps : g->step_us;
    if (!g->measured) {
        g->step_us = step_us;
        g->rest_us = rest_us;
        g->measured = true;
        return;
    }
    double expected_us = frame_governor_cost_us(g, steps), cost_us = steps_us + rest_us;
    double most_us = fmax(outlier * expected_us, g->stalled ? cost_us : 0);
    g->stalled = cost_us > outlier * expected_us;
    if (cost_us > most_us) { /* what is over belongs to the steps and the rest alike */
        step_us *= most_us / cost_us;
        rest_us *= most_us / cost_us;
    }
    g->deviation_us += smoothing * (fmin(fabs(cost_us - expected_us), most_us) - g->deviation_us);
    g->step_us += smoothing * (step_us - g->step_us);
    g->rest_us += smoothing * (rest_us - g->rest_us);
}

static void give_up(struct frame_governor *g)
{
    bool again = g->steady_frames >= frames_in(g, PATIENCE_MS); /* not one slide's next step down */
    int longest = frames_in(g, PATIENCE_MAX_MS);
    g->steps = most(g, held);
    g->calm_frames = g->steady_frames = 0;
    if (again)
        g->patience_frames = 2 * g->patience_frames < longest ? 2 * g->patience_frames : longest;
}

static void take_back(struct frame_governor *g)
{
    int steps = most(g, begins);
    g->calm_frames = steps > g->steps ? g->calm_frames + 1 : 0;
    if (++g->steady_frames == frames_in(g, FORGET_MS))
        g->patience_frames = frames_in(g, PATIENCE_MS);
    if (g->calm_frames >= g->patience_frames) {
        g->steps = steps;
        g->calm_frames = 0;
    }
}

static void watch(struct frame_governor *g, double cost_us)
{
    bool behind = g->steps == 1 && frame_governor_cost_us(g, 1) > period_us(g);
    g->behind_us = behind ? g->behind_us + fmin(cost_us, stall_us) : 0;
}

bool frame_governor_measure(struct frame_governor *g, int steps, double steps_us, double rest_us)
{
    int before = g->steps;
    smooth(g, steps, steps_us, rest_us);
    if (g->offline)
        return false;
    if (!fits(g, g->steps, held) && g->steps > 1)
        give_up(g);
    else
        take_back(g);
    watch(g, steps_us + rest_us);
    return g->steps != before;
}

bool frame_governor_begin(struct frame_governor *g)
{
    if (g->measured && !g->offline)
        g->steps = most(g, begins);
    return g->measured && fits(g, 1, begins);
}

bool frame_governor_is_hopeless(const struct frame_governor *g)
{
    return !g->offline && g->behind_us >= hopeless_us;
}
