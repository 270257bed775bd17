/*
 * outage - the time without a source: when to ask it again, and what to say meanwhile.
 *
 * A source that is down is asked after 1, 2, 4 ... 60 s (with a quarter of jitter), however often it fails: whoever asks
 * more often is banned, or burns a processor. Its beginning is told once, then every ten minutes that it goes on, then
 * its end. No clock and no log in here: the caller brings the time and says the news.
 */
#ifndef STREAM_OUTAGE_H
#define STREAM_OUTAGE_H

#include <stdint.h>

#include "common/rng.h"

enum outage_news { OUTAGE_NOTHING, OUTAGE_BEGINS, OUTAGE_REMAINS, OUTAGE_ENDS };

/* Zeroed but for the jitter: there is none. Times are of any one clock that has begun before 0. */
struct outage {
    struct rng jitter;
    int failures;     /* in a row */
    int64_t since_us; /* its beginning; 0: there is none */
    int64_t told_us;  /* when the last news was told */
};

/* It has failed once more. *wait_us: how long to leave it alone. */
enum outage_news outage_fails(struct outage *o, int64_t now_us, int64_t *wait_us);

/* It gives nothing just now, but has not failed yet. */
enum outage_news outage_stalls(struct outage *o, int64_t now_us);

/* It gives something. */
enum outage_news outage_works(struct outage *o, int64_t now_us, double *lasted_s);

#endif
