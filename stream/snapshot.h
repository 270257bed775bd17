/*
 * snapshot - the newest picture of the stream, for whoever asks now and then.
 *
 * The stream offers every picture, and that costs nothing while nobody asks: only then is one copied, and only when
 * the copy's lock is free, so that a frame is never late for it. One leaf lock.
 */
#ifndef STREAM_SNAPSHOT_H
#define STREAM_SNAPSHOT_H

#include "stream/frame.h"

struct snapshot;

/* 0 or -ENOMEM. */
int snapshot_open(struct snapshot **s, int width_px, int height_px);
void snapshot_close(struct snapshot **s); /* both sides have stopped; NULL is fine */

/* The stream's thread, once for each picture. */
void snapshot_offer(struct snapshot *s, const struct frame *f, int64_t number);

/*
 * Another thread, one at a time: waits at most `timeout_us` for a picture later than number `after` (-1: any) and
 * lends it until snapshot_return. 0; -EAGAIN: none came. *out's memory is the snapshot's.
 */
int snapshot_borrow(struct snapshot *s, int64_t after, int64_t timeout_us, struct frame *out,
                    int64_t *number);
void snapshot_return(struct snapshot *s);

#endif
