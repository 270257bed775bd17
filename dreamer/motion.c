/*
 * motion - see motion.h. Speed and turn go to where they are wanted as a capacitor charges: nine tenths of the way
 * in BEND_S * ln(10) seconds; the point that the camera falls to does so too, more slowly while it only follows.
 */
#include "dreamer/motion.h"

#include <math.h>

static const double speed_max = 3, turn_max = 12, for_max_s = 60; /* thrice as fast; degrees per second */
static const double seen_max = 0.2, aim_max = 0.35; /* off the middle: the inner two fifths, and on demand */
static const double bend_s = 1.5, follow_s = 4;

void motion_init(struct motion *m, double zoom_per_frame, double degrees_per_frame)
{
    *m = (struct motion){.zoom = zoom_per_frame, .degrees = degrees_per_frame, .speed = 1, .rests = true};
}

static double within(double v, double low, double high)
{
    return v > low ? (v < high ? v : high) : low; /* a NaN is low */
}

void motion_see(struct motion *m, double x, double y)
{
    m->seen_x = isfinite(x) ? within(x, -seen_max, seen_max) : 0;
    m->seen_y = isfinite(y) ? within(y, -seen_max, seen_max) : 0;
}

void motion_wish(struct motion *m, const struct port_motion *wish, double now_s)
{
    m->wish = (struct port_motion){.speed = (float)within((double)wish->speed, 0, speed_max),
                                   .turn = (float)within((double)wish->turn, -turn_max, turn_max),
                                   .for_s = (float)within((double)wish->for_s, 0, for_max_s),
                                   .aims = wish->aims == 1,
                                   .x = (float)within((double)wish->x, -aim_max, aim_max),
                                   .y = (float)within((double)wish->y, -aim_max, aim_max)};
    m->until_s = now_s + (double)m->wish.for_s;
    m->rests = false;
}

static void aim(struct motion *m, bool wished, double elapsed_s)
{
    bool aims = wished && m->wish.aims;
    double part = 1 - exp(-elapsed_s / (wished ? bend_s : follow_s));
    double x = aims ? (double)m->wish.x : m->seen_x, y = aims ? (double)m->wish.y : m->seen_y;
    m->x += part * (x - m->x);
    m->y += part * (y - m->y);
}

struct motion_frame motion_advance(struct motion *m, double now_s, double elapsed_s, int fps)
{
    bool wished = now_s < m->until_s;
    double speed = wished ? (double)m->wish.speed : 1, turn = wished ? (double)m->wish.turn : 0;
    aim(m, wished, elapsed_s);
    if (m->rests)
        return (struct motion_frame){m->zoom, m->degrees, m->x, m->y};
    double part = 1 - exp(-elapsed_s / bend_s);
    m->speed += part * (speed - m->speed);
    m->turn += part * (turn - m->turn);
    if (!wished && fabs(m->speed - 1) < 0.01 && fabs(m->turn) < 0.05) {
        m->speed = 1;
        m->turn = 0;
        m->rests = true;
    }
    double standing = m->speed < 1 ? m->speed : 1; /* who stands still does not turn either */
    return (struct motion_frame){pow(m->zoom, m->speed), m->degrees * standing + m->turn / fps, m->x, m->y};
}
