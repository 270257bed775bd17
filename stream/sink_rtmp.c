/*
 * sink_rtmp - pushes the show to an ingest server (Twitch, YouTube, nginx-rtmp) as FLV over RTMP or RTMPS.
 *
 * It never gives up: a connection that fails or ends is made again after 0.5 s, doubling to 30 s, each
 * time with a quarter of jitter so that many streamers do not come back at once. Only 30 s of good sending
 * count as success and start the series afresh, because a server that dislikes the stream key says nothing
 * and closes. Each connection has a fresh muxer, begins with an IDR and counts its time from 0; after 47
 * hours it is renewed on purpose, before the server's limit of 48 (and long before the 31-bit milliseconds
 * of FLV run out).
 *
 * What is said is what is true: connected is not on the air, which is said when the server has taken five seconds of
 * the stream, and every fall from it is told. Of the stream only half a second is ever in the kernel's buffer, so that
 * on a thin line pictures are dropped by the queue's rules and viewers are not left behind.
 *
 * Nothing here waits without a limit: the libraries' own rw_timeout, a deadline in the interrupt callback for
 * each operation, and name resolution that can be left.
 */
#include "stream/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "stream/av_log.h"
#include "stream/mux.h"
#include "stream/rtmp_place.h"

enum {
    BACKOFF_FIRST_US = 500000,
    BACKOFF_MOST_US = 30000000,
    STABLE_US = 30000000,
    CONNECT_US = 12000000, /* name, TCP, TLS and RTMP handshake together */
    WRITE_US = 8000000,
    ON_AIR_US = 5000000,  /* of data taken: now it can be said */
    REMIND_US = 60000000, /* between warnings while nothing gets on the air */
    BUFFER_LEAST = 65536, /* bytes; of the socket */
    ROLL_HOURS = 47,
};

enum rtmp_state { DOWN, CONNECTED, SENDING };

struct rtmp_sink {
    char *address;   /* with the key: for the libraries only */
    char where[300]; /* scheme and host: for people */
    char host[256];
    struct resolver *resolver;
    enum rtmp_state state; /* CONNECTED: accepted, waiting for an IDR */
    struct mux mux;
    AVIOContext *io;
    int64_t io_deadline_us; /* the libraries give up then */
    int64_t retry_us;       /* DOWN: when to try again */
    int64_t sending_us;     /* SENDING: since when */
    bool on_air;            /* SENDING: the server has taken enough to say so */
    int64_t warned_us;      /* when a fall was last told; 0: none since it was on air */
    int attempts;           /* in a row without success */
    int early_closes;       /* of these, how often a server took the stream and hung up */
    struct rng jitter;
};

static bool rtmp_enabled(const void *config)
{
    return ((const struct rtmp_config *)config)->enabled;
}

/* ---- waiting with limits ---- */

/* The libraries ask every 100 ms whether to give up. */
static int should_stop(void *context)
{
    const struct sink *s = context;
    const struct rtmp_sink *r = s->priv;
    return sink_aborted(s) || clock_real_us() > r->io_deadline_us || (r->state == DOWN && sink_ending(s));
}

/* ---- connections ---- */

static void disconnect(struct sink *s, int64_t patience_us)
{
    struct rtmp_sink *r = s->priv;
    r->io_deadline_us = clock_real_us() + patience_us;
    if (r->state == SENDING && patience_us > 0)
        av_write_trailer(r->mux.format);
    if (r->mux.format)
        r->mux.format->pb = NULL;
    avio_closep(&r->io);
    mux_close(&r->mux);
    r->state = DOWN;
    r->on_air = false;
}

static void plan_retry(struct rtmp_sink *r)
{
    r->retry_us = clock_real_us() + backoff_us(&r->jitter, r->attempts++, BACKOFF_FIRST_US, BACKOFF_MOST_US);
}

/* Why, in words: `rc` as the libraries say it hides more than it tells. */
static void explain(const struct rtmp_sink *r, int rc, char *out, size_t size)
{
    bool too_long = clock_real_us() > r->io_deadline_us;
    struct av_error_text words = av_error_describe(rc);
    if (rc == 0)
        out[0] = '\0';
    else if (rc == AVERROR_EXIT && too_long)
        snprintf(out, size,
                 r->state == SENDING ? ": the server took nothing for %d s" : ": no answer for %d s",
                 (r->state == SENDING ? WRITE_US : CONNECT_US) / 1000000);
    else if (r->state == DOWN && rc == AVERROR(EIO) && !strchr(words.text, '('))
        snprintf(out, size, ": the server refused the stream; it may not know the application or the key");
    else
        snprintf(out, size, ": %s", words.text);
}

static const char *advice(const struct rtmp_sink *r)
{
    return r->early_closes > 1
               ? "A server that takes the stream and hangs up again and again usually dislikes the stream key"
               : "Check rtmp.url, the key and the network";
}

/* Ends the connection after a fault; `rc` is an AVERROR, or 0 when `what` says it all. A fall from the air is always
 * told; failing again and again once a minute. */
static void fail(struct sink *s, const char *what, int rc)
{
    struct rtmp_sink *r = s->priv;
    int64_t now_us = clock_real_us();
    bool was_sending = r->state == SENDING, was_on_air = r->on_air;
    bool was_good = was_sending && now_us - r->sending_us >= STABLE_US;
    char why[AV_ERROR_TEXT_BYTES + 8];
    explain(r, rc, why, sizeof why);
    disconnect(s, 0);
    r->attempts = was_good ? 0 : r->attempts;
    r->early_closes = was_good ? 0 : r->early_closes + was_sending;
    plan_retry(r);
    sink_tell(s, STATS_SINK_RETRYING);
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
    if (sink_ending(s))
        return;
    bool is_second_close = was_sending && r->early_closes == 2;
    bool tell = was_on_air || is_second_close || r->warned_us == 0 || now_us - r->warned_us > REMIND_US;
    r->warned_us = tell ? now_us : r->warned_us;
    log_write(tell ? LOG_WARN : LOG_DEBUG, "rtmp", "%s: %s%s%s; trying again in %.0f s. %s", r->where,
              was_on_air ? "off the air, " : "", what, why, (double)(r->retry_us - now_us) / 1e6 + 0.5,
              advice(r));
}

/* Half a second of the stream: what is in the kernel's hands cannot be dropped any more, and would be seen late. */
static int64_t buffer_bytes(const struct sink *s)
{
    int64_t bytes =
        (s->tracks->parameters[TRACK_VIDEO]->bit_rate + s->tracks->parameters[TRACK_AUDIO]->bit_rate) / 8 / 2;
    return bytes > BUFFER_LEAST ? bytes : BUFFER_LEAST;
}

static void connect_now(struct sink *s)
{
    struct rtmp_sink *r = s->priv;
    r->io_deadline_us = clock_real_us() + CONNECT_US;
    av_log_forget();
    AVIOInterruptCB stop = {should_stop, s};
    int rc = rtmp_place_look_up(r->resolver, r->host, &stop);
    if (rc < 0) {
        fail(s, rc == AVERROR(ETIMEDOUT) ? "no name server answers" : "the name of the host is not known", 0);
        return;
    }
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "rw_timeout", WRITE_US, 0);
    av_dict_set_int(&options, "send_buffer_size", buffer_bytes(s), 0);
    rtmp_place_options(s->config, &options);
    rc = avio_open2(&r->io, r->address, AVIO_FLAG_WRITE, &stop, &options);
    av_dict_free(&options);
    if (rc >= 0)
        rc = mux_open(&r->mux, "flv", s->tracks);
    if (rc < 0) {
        fail(s, "cannot connect", rc);
        return;
    }
    r->mux.format->pb = r->io;
    r->mux.format->interrupt_callback = stop;
    r->state = CONNECTED;
}

/* What the encoder makes meanwhile would be old afterwards. */
static void attempt(struct sink *s)
{
    sink_set_deaf(s, true);
    connect_now(s);
    sink_set_deaf(s, false);
}

static void go_live(struct sink *s, const AVPacket *idr)
{
    struct rtmp_sink *r = s->priv;
    AVDictionary *options = NULL;
    av_dict_set(&options, "flvflags", "no_duration_filesize", 0);
    r->io_deadline_us = clock_real_us() + WRITE_US;
    int rc = mux_begin(&r->mux, idr, MUX_ZERO_DTS, &options);
    av_dict_free(&options);
    if (rc < 0) {
        fail(s, "the server does not take the stream", rc);
        return;
    }
    r->state = SENDING;
    r->on_air = false;
    r->sending_us = clock_real_us();
    log_info("rtmp", "connected to %s; on the air when it has taken the stream for %d s", r->where,
             ON_AIR_US / 1000000);
}

static void send_packet(struct sink *s, const AVPacket *packet)
{
    struct rtmp_sink *r = s->priv;
    int64_t now_us = clock_real_us();
    r->io_deadline_us = now_us + WRITE_US;
    av_log_forget();
    int rc = mux_write(&r->mux, packet);
    if (rc >= 0 && r->io->error < 0)
        rc = r->io->error;
    if (rc < 0) {
        fail(s, "the connection broke", rc);
        return;
    }
    sink_sent(s, packet->size);
    if (!r->on_air && now_us - r->sending_us > ON_AIR_US) {
        r->on_air = true;
        sink_tell(s, STATS_SINK_OK);
        log_info("rtmp", "on the air: %s", r->where);
    }
    if (now_us - r->sending_us > STABLE_US) {
        r->attempts = r->early_closes = 0;
        r->warned_us = 0;
    }
}

/* ---- the driver ---- */

static int rtmp_open(struct sink *s, struct error *e)
{
    const struct rtmp_config *c = s->config;
    struct rtmp_sink *r = s->priv;
    struct rtmp_place p;
    int rc = rtmp_place_valid(c, e);
    if (rc == 0)
        rc = rtmp_place_split(c, &p, e);
    if (rc < 0)
        return rc;
    r->address = rtmp_place_address(c, &p);
    memcpy(r->host, p.host, sizeof r->host);
    snprintf(r->where, sizeof r->where, "%s://%s", p.scheme, p.host);
    sink_tell(s, STATS_SINK_RETRYING);
    r->jitter = rng_make((uint64_t)clock_real_us(), (uint64_t)getpid());
    rc = resolver_open(&r->resolver, NULL, NULL);
    return rc < 0 ? error_set(e, -rc, "rtmp: no way to look names up: %s", strerror(-rc)) : 0;
}

static void rtmp_write(struct sink *s, AVPacket *packet)
{
    struct rtmp_sink *r = s->priv;
    bool idr = packet->stream_index == TRACK_VIDEO && (packet->flags & AV_PKT_FLAG_KEY);
    if (r->state == SENDING && idr && clock_real_us() - r->sending_us > ROLL_HOURS * INT64_C(3600000000)) {
        log_info("rtmp", "renewing the connection after %d hours", ROLL_HOURS);
        disconnect(s, WRITE_US);
        r->retry_us = 0;
    }
    if (r->state == DOWN && clock_real_us() >= r->retry_us && !sink_ending(s))
        attempt(s);
    else if (r->state == CONNECTED && idr)
        go_live(s, packet);
    if (r->state == SENDING)
        send_packet(s, packet);
}

/* Ends the stream in order, so that the server does not wait for us to come back. */
static void rtmp_finish(struct sink *s)
{
    disconnect(s, 2000000);
}

static void rtmp_close(struct sink *s)
{
    struct rtmp_sink *r = s->priv;
    resolver_close(&r->resolver);
    free(r->address);
}

const struct sink_ops sink_rtmp = {
    .name = "rtmp",
    .description = "live to an RTMP or RTMPS server",
    .section = &rtmp_section,
    .config_size = sizeof(struct rtmp_config),
    .priv_size = sizeof(struct rtmp_sink),
    .limits = {.drop_unreferenced_ms = 700, .drop_pictures_ms = 900, .hard_ms = 2000},
    .live_only = true,
    .constant_rate = true,
    .enabled = rtmp_enabled,
    .valid = rtmp_place_valid,
    .check = rtmp_place_check,
    .reach = rtmp_place_reach,
    .most_kbps = rtmp_place_most_kbps,
    .open = rtmp_open,
    .write = rtmp_write,
    .finish = rtmp_finish,
    .close = rtmp_close,
};
