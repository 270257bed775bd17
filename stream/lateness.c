/*
 * lateness - see lateness.h.
 */
#include "stream/lateness.h"

enum {
    WINDOW_US = 1000000,
    BAD_WINDOWS = 3,   /* in a row: an overload, told within five seconds */
    GOOD_WINDOWS = 30, /* in a row: it is over */
    RUNG_US = 10000000,
    HEADWAY_US = 200000, /* repeats may take so much longer than what they make good: a hiccup among them */
};

static const int64_t REMIND_US = INT64_C(600) * 1000000;
static const double BAD_SHARE = 0.04; /* one frame a second at 25 fps */

void lateness_init(struct lateness *l, int fps)
{
    *l = (struct lateness){.fps = fps};
}

void lateness_cost(struct lateness *l, int64_t us)
{
    double weight = 2.0 / l->fps < 1 ? 2.0 / l->fps : 1; /* half a second or so */
    double most_us = 2e6 / l->fps;                       /* one that hangs says little about the next */
    l->frame_us += weight * ((us < most_us ? (double)us : most_us) - l->frame_us);
}

/* A repeat costs a frame's time. There is time to catch up while frames take well under their period; a second of
 * repeats is a freeze that nobody mistakes for a hiccup; and where repeats themselves are late, as when an encoder that
 * was only collecting pictures begins to work, every one of them makes it worse. */
bool lateness_repeat(struct lateness *l, int left, int done, int64_t took_us)
{
    double period_us = 1e6 / l->fps;
    bool makes_headway = (double)took_us - done * period_us < HEADWAY_US;
    if (!makes_headway && l->frame_us < period_us)
        l->frame_us = period_us; /* that is what frames cost now */
    bool can_catch_up = makes_headway && l->frame_us < 0.6 * period_us && left <= l->fps;
    l->due += can_catch_up ? 1 : left;
    l->skipped += can_catch_up ? 0 : left;
    return can_catch_up;
}

/* Where one frame takes seconds its window is as long, and counts twice; not more, because a single one is a standstill. */
static void end_window(struct lateness *l, int64_t now_us)
{
    int counts = now_us - l->window_us >= 2 * WINDOW_US ? 2 : 1;
    l->share = l->due > 0 ? (double)l->skipped / l->due : 0;
    bool is_bad = l->share > BAD_SHARE;
    l->bad = is_bad ? l->bad + counts : 0;
    l->good = is_bad ? 0 : l->good + 1;
    l->window_us = now_us;
    l->due = l->skipped = 0;
}

enum lateness_news lateness_watch(struct lateness *l, int64_t now_us)
{
    l->due++;
    if (l->window_us == 0)
        l->window_us = now_us;
    if (now_us - l->window_us < WINDOW_US)
        return LATENESS_NOTHING;
    end_window(l, now_us);
    if (!l->is_overloaded && l->bad >= BAD_WINDOWS) {
        l->is_overloaded = true;
        l->rung_us = l->told_us = now_us;
        return LATENESS_OVERLOADED;
    }
    if (l->is_overloaded && l->good >= GOOD_WINDOWS) {
        l->is_overloaded = false;
        return LATENESS_RELIEVED;
    }
    if (l->bad == 0 || !l->is_overloaded)
        return LATENESS_NOTHING;
    if (now_us - l->rung_us >= RUNG_US) {
        l->rung_us = now_us;
        return LATENESS_PERSISTS;
    }
    if (now_us - l->told_us >= REMIND_US) {
        l->told_us = now_us;
        return LATENESS_OVERLOADED;
    }
    return LATENESS_NOTHING;
}
