/*
 * bitrate - how much of the bit rate a thin line gets: less as soon as packets pile up, and slowly back.
 *
 * One encode feeds all outputs, so this follows the worst of the network sinks. The numbers: a queue that holds more
 * than 0.4 s cannot keep up, and two looks in a row (two seconds) are no chance. Down by a third, which empties the
 * queue at once; up by a quarter every three seconds once it has been nearly empty for six, so that a line that
 * carries half is tried again and again, gently. Between the floor and what the settings say.
 *
 * Pure; stream thread only.
 */
#ifndef STREAM_BITRATE_H
#define STREAM_BITRATE_H

#include <stdint.h>

struct bitrate {
    int64_t nominal_kbps, floor_kbps;
    int64_t kbps;   /* now */
    int slow, calm; /* looks in a row */
    int64_t looked_us;
};

void bitrate_init(struct bitrate *b, int64_t nominal_kbps, int64_t floor_kbps);

/* The time that waits in the fullest queue, and the real time. Returns the bit rate from now on. */
int64_t bitrate_look(struct bitrate *b, int64_t lag_us, int64_t now_us);

#endif
