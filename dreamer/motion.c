/*
 * motion - see motion.h. Speed and turn go to where they are wanted as a capacitor charges: nine tenths of the way
 * in BEND_S * ln(10) seconds.
 */
#include "dreamer/motion.h"

#include <math.h>

static const double speed_max = 2, turn_max = 12, for_max_s = 60; /* twice as fast; degrees per second */
static const double bend_s = 1.5;

void motion_init(struct motion *m, double zoom_per_frame, double degrees_per_frame)
{
    *m = (struct motion){.zoom = zoom_per_frame, .degrees = degrees_per_frame, .speed = 1, .rests = true};
}

static double within(double v, double low, double high)
{
    return v > low ? (v < high ? v : high) : low; /* a NaN is low */
}

void motion_wish(struct motion *m, const struct port_motion *wish, double now_s)
{
    m->wish = (struct port_motion){.speed = (float)within((double)wish->speed, 0, speed_max),
                                   .turn = (float)within((double)wish->turn, -turn_max, turn_max),
                                   .for_s = (float)within((double)wish->for_s, 0, for_max_s)};
    m->until_s = now_s + (double)m->wish.for_s;
    m->rests = false;
}

struct motion_frame motion_advance(struct motion *m, double now_s, double elapsed_s, int fps)
{
    bool wished = now_s < m->until_s;
    double speed = wished ? (double)m->wish.speed : 1, turn = wished ? (double)m->wish.turn : 0;
    if (m->rests)
        return (struct motion_frame){m->zoom, m->degrees};
    double part = 1 - exp(-elapsed_s / bend_s);
    m->speed += part * (speed - m->speed);
    m->turn += part * (turn - m->turn);
    if (!wished && fabs(m->speed - 1) < 0.01 && fabs(m->turn) < 0.05) {
        m->speed = 1;
        m->turn = 0;
        m->rests = true;
    }
    double standing = m->speed < 1 ? m->speed : 1; /* who stands still does not turn either */
    return (struct motion_frame){pow(m->zoom, m->speed), m->degrees * standing + m->turn / fps};
}
