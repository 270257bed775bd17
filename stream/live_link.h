/*
 * live_link - one connection to a server that takes the stream live: made, begun at an IDR, fed, closed.
 *
 * Each has a fresh muxer and counts its time from 0. Nothing in it waits without a limit: the libraries' own
 * rw_timeout, a deadline in the interrupt callback for each operation, and name resolution that can be left. What went
 * wrong is kept in words, because the libraries' codes hide more than they tell. A link belongs to one thread at a time;
 * which one may change while nothing is under way.
 */
#ifndef STREAM_LIVE_LINK_H
#define STREAM_LIVE_LINK_H

#include <libavformat/avio.h>

#include "common/resolve.h"
#include "stream/av_log.h"
#include "stream/mux.h"
#include "stream/sink.h"

enum {
    LIVE_CONNECT_US = 12000000, /* name, TCP, TLS and the protocol's own handshake together */
    LIVE_WRITE_US = 8000000,
    LIVE_WHERE_BYTES = 300,
};

/* Where to. */
struct live_target {
    char *address;                /* with the key: for the libraries only; owned by who made it */
    char where[LIVE_WHERE_BYTES]; /* scheme and host: for people */
    char host[256];
};

/* How. */
struct live_protocol {
    const char *format; /* of libavformat */
    /* Adds to the options of a connection, and of its muxer; either may be NULL. */
    void (*connect_options)(const struct sink *s, AVDictionary **options);
    void (*mux_options)(AVDictionary **options);
};

enum live_state { LIVE_DOWN, LIVE_CONNECTED /* accepted, waits for an IDR */, LIVE_SENDING };

struct live_link {
    struct sink *sink; /* these two before the first call; all else zero */
    const struct live_protocol *protocol;

    const struct live_target *target;
    enum live_state state;
    int64_t sending_us; /* SENDING: since when */
    struct mux mux;
    AVIOContext *io;
    int64_t deadline_us; /* the libraries give up then */
    struct resolver *resolver;
    const char *what;                  /* the last fault: "cannot connect" */
    char why[AV_ERROR_TEXT_BYTES + 8]; /* ": ..." or "" */
};

/* Each returns 0, or -1 with the fault in `what` and `why`; then close it. */
int live_link_connect(struct live_link *l, const struct live_target *target);
int live_link_begin(struct live_link *l, const AVPacket *idr);
int live_link_send(struct live_link *l, const AVPacket *packet);

/* Says goodbye for so long, if it may, and hangs up. What is closed already is fine. */
void live_link_close(struct live_link *l, int64_t patience_us);

/* Closes it and frees what it keeps between connections. */
void live_link_free(struct live_link *l);

/* Looks the host's name up before the libraries do it, because they could not be interrupted while a name server is
 * silent. Afterwards the answer is known to come at once. 0 or an AVERROR; ETIMEDOUT after 6 s, or when `stop` says so. */
int live_look_up(struct resolver *resolver, const char *host, const AVIOInterruptCB *stop);

#endif
