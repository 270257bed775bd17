/*
 * withdrawn - requests whose captions must not be shown any more.
 *
 * Any thread adds; the stream's thread learns of them between two frames, so that each holds from a certain frame on.
 * Only the last ones are kept, which is enough: a caption lives for minutes and is withdrawn at most once.
 */
#ifndef STREAM_WITHDRAWN_H
#define STREAM_WITHDRAWN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WITHDRAWN_MAX = 1024 };

/* All zero: none. */
struct withdrawn {
    _Atomic int64_t said[WITHDRAWN_MAX];
    atomic_uint claimed, count;   /* places given out, and how many times one was filled */
    unsigned learned;             /* the stream's thread: of `count` */
    int64_t known[WITHDRAWN_MAX]; /* the stream's thread: of `said` */
};

/* From any thread. */
void withdrawn_add(struct withdrawn *w, int64_t request_id);

/* What is new since the last time, into ids[]. Returns how many. The stream's thread, as is the next. */
int withdrawn_learn(struct withdrawn *w, int64_t ids[WITHDRAWN_MAX]);

bool withdrawn_is(const struct withdrawn *w, int64_t request_id);

#endif
