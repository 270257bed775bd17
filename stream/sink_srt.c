/*
 * sink_srt - sends the show as MPEG-TS over SRT (Secure Reliable Transport) to a server that listens.
 *
 * SRT repeats lost packets for as long as `latency_ms` allows, so it suits lines that lose some; with a passphrase it
 * is encrypted (AES). What it does about connections is in live.h. Passphrase and stream id go to the library as
 * options of the connection, never as part of the address, which it prints.
 */
#include "stream/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <libavformat/avformat.h>

#include "common/log.h"
#include "common/mem.h"
#include "config/config.h"
#include "stream/live.h"

enum { PASSPHRASE_LEAST = 10, PASSPHRASE_MOST = 79, LINGER_S = 1 };

struct srt_config {
    bool enabled;
    char url[OPTION_STRING_BYTES];
    char passphrase[OPTION_STRING_BYTES];
    char stream_id[OPTION_STRING_BYTES];
    int64_t latency_ms;
};

#define S struct srt_config
static const struct option rows[] = {
    OPTION_BOOL(S, enabled, "true", OUTPUT_ENABLED_TEXT),
    OPTION_STRING(S, url, "", 0, "Address of the server, which listens: srt://HOST:PORT."),
    OPTION_STRING(
        S, passphrase, "", OPTION_SECRET,
        "The passphrase of the encryption, 10 to 79 characters, the same on the server. None: the stream "
        "travels unencrypted."),
    OPTION_STRING(S, stream_id, "", OPTION_SECRET,
                  "The stream id, where the server asks for one; it often holds a key or a password."),
    OPTION_INT(
        S, latency_ms, "1000", 20, 8000, "ms",
        "How long lost packets may be repeated, and how much later viewers see the show for it: three to four "
        "times the way to the server and back."),
};
static const struct option_section kind = OPTION_SECTION(
    "srt", S, rows, "Live: MPEG-TS over SRT to a server that listens, for lines that lose packets.");
#undef S

static bool srt_enabled(const void *config)
{
    return ((const struct srt_config *)config)->enabled;
}

/* The host's name, checked; *port is its. */
static int split(const struct sink_setup *o, char host[256], int *port, struct error *e)
{
    const struct srt_config *c = o->config;
    char scheme[16], path[OPTION_STRING_BYTES];
    av_url_split(scheme, sizeof scheme, NULL, 0, host, 256, port, path, sizeof path, c->url);
    bool right = strcasecmp(scheme, "srt") == 0 && host[0] && *port > 0 && *port < 65536;
    if (right && (path[0] == '\0' || strcmp(path, "/") == 0))
        return 0;
    return error_set(
        e, EINVAL,
        "%s.url must look like srt://HOST:PORT with nothing behind it; passphrase and stream id come "
        "from the environment, %s.latency_ms is a setting",
        o->section->name, o->section->name);
}

static int srt_valid(const struct sink_setup *o, struct error *e)
{
    const struct srt_config *c = o->config;
    char host[256];
    int port, rc = split(o, host, &port, e);
    size_t n = strlen(c->passphrase);
    if (rc == 0 && n > 0 && (n < PASSPHRASE_LEAST || n > PASSPHRASE_MOST))
        return error_set(e, EINVAL, "%s.passphrase has %zu characters; SRT takes %d to %d", o->section->name,
                         n, PASSPHRASE_LEAST, PASSPHRASE_MOST);
    return rc;
}

static int srt_check(const struct sink_setup *o, char *text, size_t size, struct error *e)
{
    const struct srt_config *c = o->config;
    char host[256];
    int port, rc = srt_valid(o, e);
    if (rc < 0)
        return rc;
    split(o, host, &port, NULL);
    snprintf(text, size, "srt://%s:%d, %s", host, port,
             c->passphrase[0] ? "encrypted" : "it will travel unencrypted, a passphrase hides it");
    return 0;
}

/* ---- connections ---- */

static void connect_options(const struct sink *s, AVDictionary **options)
{
    const struct srt_config *c = s->config;
    av_dict_set(options, "mode", "caller", 0);
    av_dict_set(options, "transtype", "live", 0);
    av_dict_set_int(options, "latency", c->latency_ms * 1000, 0);
    av_dict_set_int(options, "linger", LINGER_S, 0);
    if (c->passphrase[0])
        av_dict_set(options, "passphrase", c->passphrase, 0);
    if (c->stream_id[0])
        av_dict_set(options, "srt_streamid", c->stream_id, 0);
}

static const struct live_protocol protocol = {.format = "mpegts", .connect_options = connect_options};

static int srt_open(struct sink *s, struct error *e)
{
    const struct srt_config *c = s->config;
    const struct sink_setup o = {s->ops, s->name, s->section, c};
    struct live *l = s->priv;
    struct live_target *t = &l->targets[0];
    int port, rc = srt_valid(&o, e);
    if (rc < 0)
        return rc;
    log_add_secret(c->stream_id);
    split(&o, t->host, &port, NULL);
    bool is_v6 = strchr(t->host, ':');
    snprintf(t->where, sizeof t->where, is_v6 ? "srt://[%s]:%d" : "srt://%s:%d", t->host, port);
    t->address = xstrdup(t->where);
    l->target_count = 1;
    l->protocol = &protocol;
    live_open(l, s);
    return 0;
}

static void srt_write(struct sink *s, AVPacket *packet)
{
    live_write(s->priv, packet);
}

static void srt_finish(struct sink *s)
{
    live_finish(s->priv);
}

static void srt_close(struct sink *s)
{
    live_close(s->priv);
}

const struct sink_ops sink_srt = {
    .name = "srt",
    .description = "live to an SRT server",
    .kind = &kind,
    .config_size = sizeof(struct srt_config),
    .priv_size = sizeof(struct live),
    .limits = {.drop_unreferenced_ms = 700, .drop_pictures_ms = 900, .hard_ms = 2000},
    .live_only = true,
    .constant_rate = true,
    .enabled = srt_enabled,
    .valid = srt_valid,
    .check = srt_check,
    .open = srt_open,
    .write = srt_write,
    .finish = srt_finish,
    .close = srt_close,
};
