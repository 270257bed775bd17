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
 * Nothing here waits without a limit: the libraries' own rw_timeout, a deadline in the interrupt callback for
 * each operation, and name resolution that can be left. The stream key is part of the address that the
 * libraries see; it is registered with the log as a secret, and only scheme and host are ever printed.
 */
#include "stream/sink.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/resolve.h"
#include "common/rng.h"
#include "stream/av_log.h"
#include "stream/mux.h"

enum {
    BACKOFF_FIRST_US = 500000,
    BACKOFF_MOST_US = 30000000,
    STABLE_US = 30000000,
    CONNECT_US = 12000000, /* name, TCP, TLS and RTMP handshake together */
    WRITE_US = 8000000,
    RESOLVE_US = 6000000,
    LOOK_MS = 50,          /* how often a question looks whether it is still wanted */
    REMIND_US = 600000000, /* between warnings while it stays down */
    ROLL_HOURS = 47,
    TWITCH_MOST_KBPS = 6000,
};

struct rtmp_config {
    bool enabled;
    char url[OPTION_STRING_BYTES];
    char stream_key[OPTION_STRING_BYTES];
};

static const struct option rows[] = {
    OPTION_BOOL(struct rtmp_config, enabled, "false", "Push the show to an ingest server."),
    OPTION_STRING(struct rtmp_config, url, "", 0,
                  "Address without the key: rtmps://HOST/app (Twitch: rtmp://live.twitch.tv/app). "
                  "?bandwidthtest=true at its end tests without going live."),
    OPTION_STRING(struct rtmp_config, stream_key, "", OPTION_SECRET, "The stream key of the channel."),
};
static const struct option_section section =
    OPTION_SECTION("rtmp", struct rtmp_config, rows, "Live: H.264 and AAC to an RTMP or RTMPS server.");

enum rtmp_state { DOWN, CONNECTED, LIVE };

struct rtmp_sink {
    char *address;   /* with the key: for the libraries only */
    char where[300]; /* scheme and host: for people */
    char host[256];
    struct resolver *resolver;
    enum rtmp_state state; /* CONNECTED: accepted, waiting for an IDR; LIVE: sending */
    struct mux mux;
    AVIOContext *io;
    int64_t io_deadline_us; /* the libraries give up then */
    int64_t retry_us;       /* DOWN: when to try again */
    int64_t live_us;        /* LIVE: since when */
    int64_t warned_us;      /* when the present trouble was last told; 0: it was not */
    int attempts;           /* in a row without success */
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

/* Looks the host's name up before the libraries do it, because they could not be interrupted while a name
 * server is silent. Afterwards the answer is known to come at once. */
static int look_up(struct resolver *resolver, const char *host, const AVIOInterruptCB *stop)
{
    struct pollfd answer = {.fd = resolver_fd(resolver), .events = POLLIN};
    int64_t until_us = clock_real_us() + RESOLVE_US;
    if (resolver_ask(resolver, host, 0) < 0)
        return AVERROR(EAGAIN);
    while (poll(&answer, 1, LOOK_MS) <= 0)
        if (stop->callback(stop->opaque) || clock_real_us() > until_us)
            return AVERROR(ETIMEDOUT);
    struct addrinfo *found;
    int code = resolver_take(resolver, &found);
    if (found)
        freeaddrinfo(found);
    return code == 0 ? 0 : AVERROR(EHOSTUNREACH);
}

/* ---- connections ---- */

static void disconnect(struct sink *s, int64_t patience_us)
{
    struct rtmp_sink *r = s->priv;
    r->io_deadline_us = clock_real_us() + patience_us;
    if (r->state == LIVE && patience_us > 0)
        av_write_trailer(r->mux.format);
    if (r->mux.format)
        r->mux.format->pb = NULL;
    avio_closep(&r->io);
    mux_close(&r->mux);
    r->state = DOWN;
}

static void plan_retry(struct rtmp_sink *r)
{
    r->retry_us = clock_real_us() + backoff_us(&r->jitter, r->attempts++, BACKOFF_FIRST_US, BACKOFF_MOST_US);
}

/* Ends the connection after a fault; `rc` is an AVERROR, or 0 when `what` says it all. Told when the trouble
 * begins and then every ten minutes. */
static void fail(struct sink *s, const char *what, int rc)
{
    struct rtmp_sink *r = s->priv;
    struct av_error_text why = rc < 0 ? av_error_describe(rc) : (struct av_error_text){""};
    int64_t now_us = clock_real_us();
    bool was_live = r->state == LIVE, closed_early = was_live && now_us - r->live_us < STABLE_US;
    disconnect(s, 0);
    if (was_live && !closed_early)
        r->attempts = 0;
    plan_retry(r);
    sink_tell(s, STATS_SINK_RETRYING);
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
    if (sink_ending(s))
        return;
    bool tell = r->warned_us == 0 || now_us - r->warned_us > REMIND_US;
    if (tell)
        r->warned_us = now_us;
    log_write(tell ? LOG_WARN : LOG_DEBUG, "rtmp",
              "%s: %s%s%s; trying again for as long as the show runs. %s", r->where, what,
              why.text[0] ? ": " : "", why.text,
              closed_early && r->attempts > 1
                  ? "A server that accepts and closes again and again usually dislikes the stream key"
                  : "Check rtmp.url, the key and the network");
}

static void connect_now(struct sink *s)
{
    struct rtmp_sink *r = s->priv;
    r->io_deadline_us = clock_real_us() + CONNECT_US;
    av_log_forget();
    AVIOInterruptCB stop = {should_stop, s};
    int rc = look_up(r->resolver, r->host, &stop);
    if (rc < 0) {
        fail(s, rc == AVERROR(ETIMEDOUT) ? "no name server answers" : "the name of the host is not known", 0);
        return;
    }
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "rw_timeout", WRITE_US, 0);
    av_dict_set(&options, "tls_verify", "1", 0); /* off by default; the system's authorities are used */
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
    r->state = LIVE;
    r->live_us = clock_real_us();
    sink_tell(s, STATS_SINK_OK);
    log_info("rtmp", "live on %s", r->where);
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
    if (now_us - r->live_us > STABLE_US) {
        r->attempts = 0;
        r->warned_us = 0;
    }
}

/* ---- the driver ---- */

/* The key goes behind the path and before a query: rtmp://host/app/KEY?bandwidthtest=true. */
static char *make_address(const struct rtmp_config *c)
{
    const char *query = strchr(c->url, '?');
    int path_bytes = query ? (int)(query - c->url) : (int)strlen(c->url);
    while (path_bytes > 0 && c->url[path_bytes - 1] == '/')
        path_bytes--;
    return xasprintf("%.*s%s%s%s", path_bytes, c->url, c->stream_key[0] ? "/" : "", c->stream_key,
                     query ? query : "");
}

/* A key that was put into rtmp.url is as secret as one that was not: everything behind the app's name. */
static void hide_path(const char *path)
{
    const char *rest = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    if (rest)
        log_add_secret(rest + 1);
}

/* The parts of rtmp.url, checked. */
struct rtmp_place {
    char scheme[16], host[256], path[OPTION_STRING_BYTES];
    int port; /* -1: the scheme's own */
};

static int split_url(const struct rtmp_config *c, struct rtmp_place *p, struct error *e)
{
    av_url_split(p->scheme, sizeof p->scheme, NULL, 0, p->host, sizeof p->host, &p->port, p->path,
                 sizeof p->path, c->url);
    bool known = strcmp(p->scheme, "rtmp") == 0 || strcmp(p->scheme, "rtmps") == 0;
    if (known && p->host[0] != '\0' && strlen(p->path) >= 2 && p->path[0] == '/')
        return 0;
    return error_set(e, EINVAL,
                     "rtmp.url must look like rtmps://HOST/app (the key comes from the environment: "
                     "REVERIE_RTMP_STREAM_KEY)");
}

/* A part of a path that nobody would name an app: long, with digits in it. */
static bool looks_like_key(const char *part, size_t bytes)
{
    enum { KEY_BYTES = 16 };
    size_t digits = 0;
    for (size_t i = 0; i < bytes; i++)
        digits += part[i] >= '0' && part[i] <= '9';
    return strncmp(part, "live_", 5) == 0 || (bytes >= KEY_BYTES && digits > 0);
}

/* Is the key part of rtmp.url, behind the app's name? With the one from the environment behind it the server would
 * look for an app of that name. Never quoted. */
static bool holds_key(const struct rtmp_config *c, const struct rtmp_place *p)
{
    const char *part = strchr(p->path + 1, '/');
    for (; part; part = strchr(part, '/')) {
        size_t n = strcspn(++part, "/?");
        if (n &&
            (looks_like_key(part, n) || (strlen(c->stream_key) == n && strncmp(c->stream_key, part, n) == 0)))
            return true;
    }
    return false;
}

static int rtmp_valid(const void *config, struct error *e)
{
    const struct rtmp_config *c = config;
    struct rtmp_place p;
    int rc = split_url(c, &p, e);
    if (rc == 0 && c->stream_key[0] && holds_key(c, &p))
        return error_set(
            e, EINVAL,
            "rtmp.url holds a stream key behind the app's name, and there is one in the environment too; "
            "end rtmp.url with the app, as in %s://%s/app",
            p.scheme, p.host);
    return rc;
}

static int rtmp_check(const void *config, char *text, size_t size, struct error *e)
{
    const struct rtmp_config *c = config;
    struct rtmp_place p;
    int rc = rtmp_valid(config, e);
    if (rc == 0)
        rc = split_url(c, &p, e);
    if (rc < 0)
        return rc;
    if (holds_key(c, &p))
        return error_set(
            e, EINVAL,
            "rtmp.url holds a stream key, which everybody sees who sees the settings; end it with the app's "
            "name and put the key into REVERIE_RTMP_STREAM_KEY");
    if (c->stream_key[0] == '\0')
        return error_set(
            e, EINVAL,
            "no stream key: set REVERIE_RTMP_STREAM_KEY, or REVERIE_RTMP_STREAM_KEY_FILE to a file "
            "that only you can read");
    snprintf(text, size, "%s://%s, a key is there%s", p.scheme, p.host,
             strcmp(p.scheme, "rtmp") == 0 ? "; it will travel unencrypted, rtmps:// hides it" : "");
    return 0;
}

static int is_late(void *deadline_us)
{
    return clock_real_us() > *(int64_t *)deadline_us;
}

/* Connects and hangs up. 0 or an AVERROR. */
static int try_place(const struct rtmp_place *p, bool is_encrypted, int port)
{
    int64_t deadline_us = clock_real_us() + CONNECT_US;
    AVIOInterruptCB stop = {is_late, &deadline_us};
    AVIOContext *io = NULL;
    AVDictionary *options = NULL;
    struct resolver *resolver;
    int rc = resolver_open(&resolver, NULL, NULL);
    if (rc == 0)
        rc = look_up(resolver, p->host, &stop);
    resolver_close(&resolver);
    if (rc < 0)
        return rc;
    char *address = xasprintf(strchr(p->host, ':') ? "%s://[%s]:%d" : "%s://%s:%d",
                              is_encrypted ? "tls" : "tcp", p->host, port);
    if (is_encrypted)
        av_dict_set(&options, "tls_verify", "1", 0);
    av_log_forget();
    rc = avio_open2(&io, address, AVIO_FLAG_READ_WRITE, &stop, &options);
    avio_closep(&io);
    av_dict_free(&options);
    free(address);
    return rc;
}

/* Name, TCP and, for rtmps, TLS with the server's certificate; not a byte of RTMP. */
static int rtmp_reach(const void *config, char *text, size_t size, struct error *e)
{
    struct rtmp_place p;
    int rc = split_url(config, &p, e);
    if (rc < 0)
        return rc;
    bool is_encrypted = strcmp(p.scheme, "rtmps") == 0;
    int port = p.port > 0 ? p.port : is_encrypted ? 443 : 1935;
    int64_t began_us = clock_real_us();
    rc = try_place(&p, is_encrypted, port);
    if (rc < 0)
        return error_set(e, EHOSTUNREACH, "%s port %d cannot be reached: %s; check rtmp.url and the network",
                         p.host, port, av_error_describe(rc).text);
    snprintf(text, size, "%s port %d answers%s (%.0f ms)", p.host, port,
             is_encrypted ? ", its certificate is right" : "", (double)(clock_real_us() - began_us) / 1000);
    return 0;
}

static int rtmp_most_kbps(const void *config, const char **who)
{
    static const char *const twitch[] = {"twitch.tv", "live-video.net"};
    struct rtmp_place p;
    *who = "Twitch";
    if (split_url(config, &p, NULL) < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(twitch); i++) {
        size_t n = strlen(p.host), d = strlen(twitch[i]);
        if (n >= d && strcasecmp(p.host + n - d, twitch[i]) == 0)
            return TWITCH_MOST_KBPS;
    }
    return 0;
}

static int rtmp_open(struct sink *s, struct error *e)
{
    const struct rtmp_config *c = s->config;
    struct rtmp_sink *r = s->priv;
    struct rtmp_place p;
    int rc = rtmp_valid(c, e);
    if (rc == 0)
        rc = split_url(c, &p, e);
    if (rc < 0)
        return rc;
    log_add_secret(c->stream_key);
    hide_path(p.path);
    r->address = make_address(c);
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
    if (r->state == LIVE && idr && clock_real_us() - r->live_us > ROLL_HOURS * INT64_C(3600000000)) {
        log_info("rtmp", "renewing the connection after %d hours", ROLL_HOURS);
        disconnect(s, WRITE_US);
        r->retry_us = 0;
    }
    if (r->state == DOWN && clock_real_us() >= r->retry_us && !sink_ending(s))
        attempt(s);
    else if (r->state == CONNECTED && idr)
        go_live(s, packet);
    if (r->state == LIVE)
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
    .section = &section,
    .config_size = sizeof(struct rtmp_config),
    .priv_size = sizeof(struct rtmp_sink),
    .limits = {.drop_unreferenced_ms = 700, .drop_pictures_ms = 900, .hard_ms = 2000},
    .live_only = true,
    .constant_rate = true,
    .enabled = rtmp_enabled,
    .valid = rtmp_valid,
    .check = rtmp_check,
    .reach = rtmp_reach,
    .most_kbps = rtmp_most_kbps,
    .open = rtmp_open,
    .write = rtmp_write,
    .finish = rtmp_finish,
    .close = rtmp_close,
};
