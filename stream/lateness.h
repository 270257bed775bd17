/*
 * lateness - what is done about frames that are due before the last one is encoded.
 *
 * Media time follows the clock, whatever the machine can do: a viewer of a late stream waits, and waits longer each
 * minute. So after a hiccup the missed frames are repeats of the last one (a constant frame rate is what servers and
 * players like best), but only while there is time to catch up; on a machine that is too slow for the settings they are
 * skipped: their places in time stay empty, the sound goes on, and the next frame has its true time stamp.
 *
 * Skipping for three seconds in a row is an overload. It is told once, with what to change, and reminded of; when it
 * lasts, a ladder is climbed, one rung at a time: a faster preset, and where the settings allow it every second frame
 * only. Nothing climbs down again: what was too much once is too much.
 *
 * Pure: time and costs come in, decisions go out. Stream thread only.
 */
#ifndef STREAM_LATENESS_H
#define STREAM_LATENESS_H

#include <stdbool.h>
#include <stdint.h>

enum lateness_news {
    LATENESS_NOTHING,
    LATENESS_OVERLOADED, /* it has begun, or is reminded of */
    LATENESS_PERSISTS,   /* time for the next rung */
    LATENESS_RELIEVED
};

struct lateness {
    int fps;
    double frame_us; /* what rendering and encoding a frame takes, lately */
    int64_t window_us;
    int due, skipped; /* in the present window */
    double share;     /* of due frames that were skipped in the last one */
    int bad, good;    /* windows in a row */
    bool is_overloaded;
    int64_t rung_us, told_us; /* since when the present rung was given a chance; when it was told last */
};

void lateness_init(struct lateness *l, int fps);

/* A frame was rendered and encoded in so much time, or a repeat encoded. */
void lateness_cost(struct lateness *l, int64_t us);

/* Of the frames that are due besides the newest, `done` were made good by repeats, which took so long, and `left` >= 1 are
 * left. True: repeat once more, and ask again. False: all that are left are skipped. */
bool lateness_repeat(struct lateness *l, int left, int done, int64_t took_us);

/* Once per frame, with the real time. */
enum lateness_news lateness_watch(struct lateness *l, int64_t now_us);

#endif
