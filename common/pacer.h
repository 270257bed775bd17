/*
 * pacer - hand-off H3, camera -> encoder: a constant frame rate on absolute deadlines.
 *
 * Frame n is due at start + n / fps, computed from the count and never by adding up, so nothing drifts in
 * weeks. The clock never waits for the picture: when encoding fell behind, pacer_wait says how many frames
 * are due, and the caller encodes the newest picture for the last of them and repeats or skips the others. When
 * the whole process stood still (a suspended machine) for longer than PACER_GAP_MAX_US the lost time is
 * given up: the recording goes on as if it had not been. On a virtual clock one frame is due at each call.
 *
 * It holds no lock: camera and encoder share a thread, and this is the only place where time enters it.
 */
#ifndef COMMON_PACER_H
#define COMMON_PACER_H

#include <stdint.h>

#include "common/clock.h"

enum { PACER_GAP_MAX_US = 30000000 };

struct pacer {
    struct clock *clock;
    int64_t start_us;
    int64_t frames; /* due so far */
    int fps;
    int64_t skipped_us; /* time given up after standstills */
};

void pacer_start(struct pacer *p, struct clock *clock, int fps);

/* Sleeps until the next frame is due. Returns how many are due now, >= 1. */
int pacer_wait(struct pacer *p);

#endif
