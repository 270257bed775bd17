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

/* One output as the settings have it: a section of the file, or an item of its list `outputs`. */
struct sink_setup {
    const struct sink_ops *ops;
    const char *name; /* "rtmp", "twitch": of its lines in the log, its row in the state table, its thread */
    const struct option_section *section; /* "rtmp", "outputs.twitch"; NULL: it has no settings */
    const void *config;                   /* what they fill; ops->config_size bytes */
};

/* What a driver sees of itself. Immutable while the thread runs, but for what priv points to. */
struct sink {
    const struct sink_ops *ops;
    const char *name;                     /* as in struct sink_setup, as are the next two */
    const struct option_section *section; /* for people who are told which setting to look at */
    const void *config;
    const struct encoder_tracks *tracks;
    struct stats *stats;
    struct stats_sink *row; /* of stats, for this driver; may be NULL */
    void *priv;             /* ops->priv_size bytes, zeroed before open; sink thread only after open */
    struct sink_internal *in;
};

struct sink_ops {
    const char
        *name; /* short; of the one that has a section of its own also in the log and the state table */
    const char *description;
    const struct option_section *section; /* (optional) its own section of the file */
    const struct option_section *kind;    /* (optional) as an item of `outputs`: may be there many times */
    size_t config_size, priv_size;        /* bytes; 0: none */
    struct sink_limits limits;            /* of its queue in a live show */
    bool live_only;                       /* left out of an offline render */
    bool constant_rate;                   /* its server counts on the full bit rate: pad easy pictures */

    /* Should there be one? Any thread. (optional: NULL means only when no other sink is enabled) */
    bool (*enabled)(const void *config);

    /* (optional) Can these settings work at all? Looks at nothing else. 0 or -EINVAL with a line. Any thread. */
    int (*valid)(const struct sink_setup *o, struct error *e);

    /* (optional) Would it work? Looks at the place without sending anything. 0 and a line about what it found in
     * `text`, 1 when that is a warning, or -errno with a line. Any thread. */
    int (*check)(const struct sink_setup *o, char *text, size_t size, struct error *e);

    /* (optional) The same for the network: connects to the other end and hangs up. May take seconds. */
    int (*reach)(const struct sink_setup *o, char *text, size_t size, struct error *e);

    /* (optional) The most that the other end is known to take, and its name in *who; 0: nobody knows. */
    int (*most_kbps)(const struct sink_setup *o, const char **who);

    /* (optional: NULL means none) The folder that it writes files to, "" for none. Any thread. */
    void (*folder)(const void *config, char out[OPTION_STRING_BYTES]);

    /* Checks the options and prepares. On the thread of stream_open; must not wait for a disk or a network.
     * 0 or -errno with a line that begins with the section's name. close follows also on failure. */
    int (*open)(struct sink *s, struct error *e);

    /* One packet, in the common order of both tracks; the first one may be any. Sink thread. May wait, but
     * must return soon once sink_aborted. `packet` stays the caller's. */
    void (*write)(struct sink *s, AVPacket *packet);

    /* (optional) From the picture with this pts on another dream is shown; text NULL: the request was withdrawn, and its
     * names are to be forgotten. Stream thread; must not wait. */
    void (*shown)(struct sink *s, int64_t request_id, const char *text, const char *by, int64_t pts);

    /* (optional) Somebody wants what it has of the last minute. Stream thread; must not wait. */
    void (*keep)(struct sink *s);

    /* (optional) No packet follows: finalise. Sink thread, once. */
    void (*finish)(struct sink *s);

    /* (optional) Frees what priv holds; half-opened is fine. After the thread has ended. */
    void (*close)(struct sink *s);
};

/* For drivers: of the row `enabled`, which every kind has. */
#define OUTPUT_ENABLED_TEXT                                                                                  \
    "On from the beginning of the show. Moderators and the operator switch it with !output NAME on, !output NAME off."

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
/* The digest; its `config` may ask for one of the pictures, too. */
extern const struct sink_ops sink_md5;
bool sink_md5_wants_pictures(const void *config);

/* The driver that stream_config_rehearse sets up. */
extern const struct sink_ops sink_stand_in;

/* The recording. */
extern const struct sink_ops sink_mp4;

/* The registry, in the order of the sections in the config file; ends with NULL. */
extern const struct sink_ops *const sink_registry[];

/* What a sink is opened for; everything must outlive it, the name even the state table. */
struct sink_params {
    const void *config; /* the struct of ops->section; NULL: it has none */
    const struct encoder_tracks *tracks;
    struct stats *stats;
    bool offline;                         /* no clock drives the show: its queue waits and drops nothing */
    const char *name;                     /* NULL: ops->name */
    const struct option_section *section; /* NULL: ops->section */
};

/* Opens the driver and starts its thread. 0 or -errno with a line; *s is NULL then. */
int sink_open(struct sink **s, const struct sink_ops *ops, const struct sink_params *p, struct error *e);

/* Hands over one packet; never waits in a live show. Encoder's thread. */
void sink_put(struct sink *s, const AVPacket *packet);

/* See sink_ops.shown. Stream thread. */
void sink_shown(struct sink *s, int64_t request_id, const char *text, const char *by, int64_t pts);

/* See sink_ops.keep. Stream thread. */
void sink_keep(struct sink *s);

/* Does it work, as far as its driver has told, or is it about to for the first time? Any thread. */
bool sink_is_up(const struct sink *s);

/* How far it is behind: as much of the stream as waits in its queue, which the state table is told. While packets are
 * thrown away, and a little longer, at least the limit at which they are: a line that is too thin by half empties its queue again and again in that way, and would
 * look well at every second look. Any thread. */
int64_t sink_lag_us(const struct sink *s);

/* The end, in three parts so that all sinks drain at once: announce it to each; wait for each until a common
 * deadline (real time, clock_real_us); join and free, aborting one that is late. close alone does all three
 * without patience; NULL is fine. */
void sink_end(struct sink *s);
void sink_wait(struct sink *s, int64_t deadline_us);
void sink_close(struct sink **s);

/* For who cannot wait: has its thread nothing more to do (close returns at once)? And: give up what is left. */
bool sink_is_done(struct sink *s);
void sink_abort(struct sink *s);

#endif
