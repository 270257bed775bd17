/*
 * sink_queue - hand-off H4, encoder -> one sink: packets by reference, bounded in milliseconds,
 * one leaf lock.
 *
 * In a live show the encoder never waits here. What a slow sink does not take in time is thrown away in the
 * order in which it is missed least, as OBS Studio does it (rtmp-stream.c): pictures that no other picture
 * refers to first; then all pictures until the next IDR; sound and IDRs stay. Only when even those pile up to
 * the hard limit, whole groups of pictures go, oldest first, with their sound. What remains can always be
 * decoded from its first IDR on. Time is the stream's, but what came at once has not waited: a burst after a standstill of the
 * encoder is no slow sink.
 *
 * Offline nothing may be lost: a queue opened as `lossless` makes the encoder wait instead.
 */
#ifndef STREAM_SINK_QUEUE_H
#define STREAM_SINK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/packet.h>

/* 0 means no such limit. */
struct sink_limits {
    int64_t drop_unreferenced_ms; /* queued time beyond which unreferenced pictures go */
    int64_t drop_pictures_ms;     /* beyond which all but IDRs and sound go */
    int64_t hard_ms;              /* beyond which whole groups of pictures go */
    int64_t hard_bytes;           /* the same, in payload bytes */
};

struct sink_queue;

void sink_queue_open(struct sink_queue **q, const struct sink_limits *limits, bool lossless);
void sink_queue_close(struct sink_queue **q); /* both sides have ended; NULL is fine */

/* Encoder side. Adds a reference to `packet` (whose stream_index and time_base are set), at this real time. Returns how many
 * packets were thrown away for it, itself perhaps included. Waits only when lossless. */
int sink_queue_put(struct sink_queue *q, const AVPacket *packet, int64_t now_us);

/* Nothing more will come: take hands out what is left and then NULL. */
void sink_queue_end(struct sink_queue *q);

/* Throws everything away, for good: put and take return at once from now on. From any thread. */
void sink_queue_abort(struct sink_queue *q);

/* Sink side. The oldest packet, to be freed by the caller; waits for one. NULL: the end. */
AVPacket *sink_queue_take(struct sink_queue *q);

/* Sink side. While it is deaf (connecting, which takes seconds) the queue is empty and forgets what comes;
 * that is not counted. Afterwards the first picture that it takes in is an IDR. */
void sink_queue_set_deaf(struct sink_queue *q, bool deaf);

struct sink_queue_fill {
    int packets;
    int64_t bytes; /* payload */
    int64_t us;    /* from the oldest to the newest, by the stream or by the clock: the less */
};
struct sink_queue_fill sink_queue_fill(struct sink_queue *q);

#endif
