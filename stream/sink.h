/*
 * sink - the family of outputs: each takes the encoder's packets somewhere (a file, an ingest server, a
 * digest, nowhere).
 *
 * Every sink has a thread, a queue and, where it muxes, a muxer context of its own. So a slow, dead or full
 * sink never touches another sink, the encoder or the dream; faults are dealt with inside the driver, which
 * warns once and tries again for ever. A driver file exports its `struct sink_ops` and nothing else;
 * sink.c lists them, and is the only caller of their functions.
 */
#ifndef STREAM_SINK_H
#define STREAM_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/stats.h"
#include "config/option.h"
#include "stream/encoder.h"
#include "stream/sink_queue.h"

struct sink_internal;

/* What a driver sees of itself. Immutable while the thread runs, but for what priv points to. */
struct sink {
    const struct sink_ops *ops;
    const void *config; /* the struct of ops->section */
    const struct encoder_tracks *tracks;
    struct stats *stats;
    struct stats_sink *row; /* of stats, for this driver; may be NULL */
    void *priv;             /* ops->priv_size bytes, zeroed before open; sink thread only after open */
    struct sink_internal *in;
};

struct sink_ops {
    const char *name; /* short: thread name and log part */
    const char *description;
    const struct option_section *section; /* (optional) its options; NULL: it has none */
    size_t config_size, priv_size;        /* bytes; 0: none */
    struct sink_limits limits;            /* of its queue in a live show */
    bool live_only;                       /* left out of an offline render */
    bool constant_rate;                   /* its server counts on the full bit rate: pad easy pictures */

    /* Should there be one? Any thread. (optional: NULL means only when no other sink is enabled) */
    bool (*enabled)(const void *config);

    /* (optional) Can these settings work at all? Looks at nothing else. 0 or -EINVAL with a line. Any thread. */
    int (*valid)(const void *config, struct error *e);

    /* (optional) Would it work? Looks at the place without sending anything. 0 and a line about what it found in
     * `text`, 1 when that is a warning, or -errno with a line. Any thread. */
    int (*check)(const void *config, char *text, size_t size, struct error *e);

    /* (optional) The same for the network: connects to the other end and hangs up. May take seconds. */
    int (*reach)(const void *config, char *text, size_t size, struct error *e);

    /* (optional) The most that the other end is known to take, and its name in *who; 0: nobody knows. */
    int (*most_kbps)(const void *config, const char **who);

    /* Checks the options and prepares. On the thread of stream_open; must not wait for a disk or a network.
     * 0 or -errno with a line that begins with the section's name. close follows also on failure. */
    int (*open)(struct sink *s, struct error *e);

    /* One packet, in the common order of both tracks; the first one may be any. Sink thread. May wait, but
     * must return soon once sink_aborted. `packet` stays the caller's. */
    void (*write)(struct sink *s, AVPacket *packet);

    /* (optional) From the picture with this pts on another dream is shown; text NULL: the request was withdrawn, and its
     * names are to be forgotten. Stream thread; must not wait. */
    void (*shown)(struct sink *s, int64_t request_id, const char *text, const char *by, int64_t pts);

    /* (optional) No packet follows: finalise. Sink thread, once. */
    void (*finish)(struct sink *s);

    /* (optional) Frees what priv holds; half-opened is fine. After the thread has ended. */
    void (*close)(struct sink *s);
};

/* For drivers: true when the show's end waits for this sink no longer. For interrupt
 * callbacks, any thread. */
bool sink_aborted(const struct sink *s);

/* For drivers: how it is doing, and that so many bytes more have gone out. Opened, it counts as ok. Any thread. */
void sink_tell(struct sink *s, enum stats_sink_state state);
void sink_sent(struct sink *s, int64_t bytes);

/* For drivers: the end was announced (the queue may still hold packets). */
bool sink_ending(const struct sink *s);

/* For drivers: see sink_queue_set_deaf. */
void sink_set_deaf(struct sink *s, bool deaf);

/* The driver that stream_config_set_page sets up. */
extern const struct sink_ops sink_page;

/* The registry, in the order of the sections in the config file; ends with NULL. */
extern const struct sink_ops *const sink_registry[];

/* What a sink is opened for; everything must outlive it. */
struct sink_params {
    const void *config; /* the struct of ops->section; NULL: it has none */
    const struct encoder_tracks *tracks;
    struct stats *stats;
    bool offline; /* no clock drives the show: its queue waits and drops nothing */
};

/* Opens the driver and starts its thread. 0 or -errno with a line; *s is NULL then. */
int sink_open(struct sink **s, const struct sink_ops *ops, const struct sink_params *p, struct error *e);

/* Hands over one packet; never waits in a live show. Encoder's thread. */
void sink_put(struct sink *s, const AVPacket *packet);

/* See sink_ops.shown. Stream thread. */
void sink_shown(struct sink *s, int64_t request_id, const char *text, const char *by, int64_t pts);

/* How much of the stream waits in the queue of a sink that has a line to feed (ops->constant_rate), else 0. Any
 * thread. */
int64_t sink_lag_us(const struct sink *s);

/* The end, in three parts so that all sinks drain at once: announce it to each; wait for each until a common
 * deadline (real time, clock_real_us); join and free, aborting one that is late. close alone does all three
 * without patience; NULL is fine. */
void sink_end(struct sink *s);
void sink_wait(struct sink *s, int64_t deadline_us);
void sink_close(struct sink **s);

#endif
