/*
 * live - a sink's stream to a server that takes it live, whatever the protocol: what sink_rtmp and sink_srt share.
 *
 * It never gives up: a connection that fails or ends is made again after 0.5 s, doubling to 30 s, each time with a
 * quarter of jitter so that many streamers do not come back at once. Only 30 s of good sending count as success and
 * start the series afresh, because a server that dislikes the stream key says nothing and closes; one that took five seconds
 * is asked again after two. When the first target has failed twice in a row, every second try goes to the backup, if there is
 * one.
 *
 * What is said is what is true: connected is not on the air, which is said when the server has taken five seconds of
 * the stream, and every fall from it is told. Of the stream only half a second is ever in the kernel's buffer, so that
 * on a thin line pictures are dropped by the queue's rules and viewers are not left behind.
 *
 * A connection is renewed on purpose before it reaches the server's limit (Twitch: 48 hours; and the 31-bit milliseconds
 * of FLV), without a picture missing. With overlap: a helper thread makes the new connection while the old one goes on,
 * the change comes with an IDR, then the helper closes the old one. A server that ends the old connection as soon as
 * the new one comes (Twitch) gets the pictures since the last IDR again. One that refuses a second connection, and who
 * wants no overlap, gets the old one closed at an IDR and that IDR as the first picture of the new one.
 */
#ifndef STREAM_LIVE_H
#define STREAM_LIVE_H

#include "common/rng.h"
#include "common/thread.h"
#include "stream/held.h"
#include "stream/live_link.h"

enum { LIVE_TARGETS_MAX = 2 };

enum live_renewal { LIVE_NOT_RENEWING, LIVE_RENEWING, LIVE_PARTING /* the old one is being closed */ };

/* In the sink's priv, zeroed. Sink thread only, but for what the helper works on. */
struct live {
    /* Before live_open: */
    const struct live_protocol *protocol;
    struct live_target targets[LIVE_TARGETS_MAX]; /* the first one, and its backup */
    int target_count;
    int64_t renew_us; /* 0: never */
    bool overlap;

    struct sink *sink;
    struct live_link links[2];
    struct live_link *now, *next; /* of links */
    int64_t retry_us;             /* down: when to try again */
    bool on_air;                  /* the server has taken enough to say so */
    int64_t warned_us;            /* when a fall was last told; 0: none since it was on air */
    int attempts;                 /* in a row without success */
    int early_closes;             /* of these, how often a server took the stream and hung up */
    struct rng jitter;

    enum live_renewal renewal;
    struct thread helper;
    atomic_bool helper_done;
    int helper_rc;     /* of the connecting, once it is done */
    struct held group; /* RENEWING: since the last IDR */
};

/* For a sink's write, finish and close. */
void live_open(struct live *l, struct sink *s);
void live_write(struct live *l, const AVPacket *packet);
void live_finish(
    struct live *l); /* ends the stream in order, so that the server does not wait for us to come back */
void live_close(struct live *l); /* half-opened is fine; frees the targets' addresses */

#endif
