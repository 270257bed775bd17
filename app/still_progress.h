/*
 * still_progress - how far a still is and how long it will take; and whether somebody has had enough of it.
 *
 * On a terminal a line that is drawn over, elsewhere a line every half minute. A step costs what its picture's area
 * costs, so octaves count by their sizes. The first SIGINT or SIGTERM asks for an end in good order, the second ends the
 * program at once.
 */
#ifndef APP_STILL_PROGRESS_H
#define APP_STILL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct still_progress {
    int64_t steps, all_steps;
    double pixels, all_pixels; /* of those steps */
    int64_t began_us, said_us; /* real time */
    bool is_terminal;
};

/* From here on signals ask to stop. */
void still_progress_begin(struct still_progress *p, int64_t all_steps, double all_pixels);

/* A step of a picture of so many pixels is done (a part of one: `is_whole` false). True: it is time to say what the
 * network sees, too. */
bool still_progress_step(struct still_progress *p, double pixels, bool is_whole);

/* "seen" behind the line, on a terminal. */
void still_progress_belief(const struct still_progress *p, const double *belief, int count);

/* The line is done with. */
void still_progress_end(const struct still_progress *p);

bool still_is_stopped(void);

#endif
