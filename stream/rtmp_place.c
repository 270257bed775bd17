/*
 * rtmp_place - see rtmp_place.h.
 */
#include "stream/rtmp_place.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libavformat/avformat.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "config/config.h"
#include "stream/av_log.h"
#include "stream/live_link.h"

enum {
    TWITCH_MOST_KBPS = 6000,
};

#define S struct rtmp_config
#define RTMP_ROWS                                                                                            \
    OPTION_STRING(S, url, "", 0,                                                                             \
                  "Address without the key: rtmps://HOST/app (Twitch: rtmp://live.twitch.tv/app). "          \
                  "?bandwidthtest=true at its end tests without going live."),                               \
        OPTION_STRING(S, stream_key, "", OPTION_SECRET, "The stream key of the channel."),                   \
        OPTION_STRING(                                                                                       \
            S, backup_url, "", 0,                                                                            \
            "A second ingest for the same key, as url: when that has failed twice in a row, every "          \
            "second try goes there (YouTube: rtmps://b.rtmps.youtube.com/live2?backup=1). Empty: none."),    \
        OPTION_STRING(S, ca_file, "", 0,                                                                     \
                      "PEM file with the authorities that the server's certificate is checked against, for " \
                      "an ingest of your own. Empty: those of the system."),                                 \
        OPTION_SPAN(S, renew, "47h", 5, 2000000,                                                             \
                    "A connection is renewed when it is so old: Twitch ends those of 48 hours."),            \
        OPTION_BOOL(S, overlap, "true",                                                                      \
                    "To renew it make the new connection first, then close the old one. Where the server "   \
                    "refuses a second one with the same key (nginx-rtmp), and with false, the old one is "   \
                    "closed first; not a picture is missing either way.")

static const struct option rows[] = {
    OPTION_BOOL(S, enabled, "false", "Push the show to an ingest server."),
    RTMP_ROWS,
};
const struct option_section rtmp_section =
    OPTION_SECTION("rtmp", S, rows, "Live: H.264 and AAC to an RTMP or RTMPS server.");

static const struct option kind_rows[] = {
    OPTION_BOOL(S, enabled, "true", OUTPUT_ENABLED_TEXT),
    RTMP_ROWS,
};
const struct option_section rtmp_kind = OPTION_SECTION(
    "rtmp", S, kind_rows, "Live, as the section rtmp does it, to one more RTMP or RTMPS server.");
#undef S

/* The environment variable that the key comes from. */
static char *key_variable(const struct option_section *section, char out[CONFIG_VARIABLE_BYTES])
{
    const struct option *o = section->options;
    while (o->offset != offsetof(struct rtmp_config, stream_key))
        o++;
    return config_variable(section, o, out);
}

/* A key that was put into rtmp.url is as secret as one that was not: everything behind the app's name. */
static void hide_path(const char *path)
{
    const char *rest = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    if (rest)
        log_add_secret(rest + 1);
}

int rtmp_place_split(const struct sink_setup *o, enum rtmp_which which, struct rtmp_place *p, struct error *e)
{
    const struct rtmp_config *c = o->config;
    p->url = which == RTMP_BACKUP ? c->backup_url : c->url;
    p->row = which == RTMP_BACKUP ? "backup_url" : "url";
    char variable[CONFIG_VARIABLE_BYTES];
    av_url_split(p->scheme, sizeof p->scheme, NULL, 0, p->host, sizeof p->host, &p->port, p->path,
                 sizeof p->path, p->url);
    for (char *letter = p->scheme; *letter; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    bool known = strcmp(p->scheme, "rtmp") == 0 || strcmp(p->scheme, "rtmps") == 0;
    known = known && strncmp(p->url + strlen(p->scheme), "://", 3) == 0;
    bool is_place = p->host[0] != '\0' && strcmp(p->host, c->stream_key) != 0; /* a key that went astray */
    if (known && is_place && strlen(p->path) >= 2 && p->path[0] == '/')
        return 0;
    return error_set(e, EINVAL,
                     "%s.%s must look like rtmps://HOST/app (the key comes from the environment: %s)",
                     o->section->name, p->row, key_variable(o->section, variable));
}

/* The key goes behind the path and before a query: rtmp://host/app/KEY?bandwidthtest=true. */
char *rtmp_place_address(const struct rtmp_config *c, const struct rtmp_place *p)
{
    log_add_secret(c->stream_key);
    hide_path(p->path);
    const char *rest = p->url + strlen(p->scheme), *query = strchr(rest, '?');
    int bytes = query ? (int)(query - rest) : (int)strlen(rest);
    while (bytes > 0 && rest[bytes - 1] == '/')
        bytes--;
    return xasprintf("%s%.*s%s%s%s", p->scheme, bytes, rest, c->stream_key[0] ? "/" : "", c->stream_key,
                     query ? query : "");
}

void rtmp_place_options(const struct rtmp_config *c, AVDictionary **options)
{
    av_dict_set(options, "tls_verify", "1", 0); /* off by default; the system's authorities are used */
    if (c->ca_file[0])
        av_dict_set(options, "ca_file", c->ca_file, 0);
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

/* It is opened by its name for each connection: what would block then is found out now. */
static int check_ca_file(const struct sink_setup *o, struct error *e)
{
    const struct rtmp_config *c = o->config;
    struct stat st;
    if (!c->ca_file[0])
        return 0;
    int fd = file_open_regular(c->ca_file, &st, e);
    if (fd < 0)
        return error_prefix(e, fd, "%s.ca_file", o->section->name);
    close(fd);
    return 0;
}

/* One of both addresses. */
static int is_valid(const struct sink_setup *o, enum rtmp_which which, struct error *e)
{
    const struct rtmp_config *c = o->config;
    struct rtmp_place p;
    int rc = rtmp_place_split(o, which, &p, e);
    if (rc == 0 && c->stream_key[0] && holds_key(c, &p))
        return error_set(e, EINVAL,
                         "%s.%s holds a stream key behind the app's name, and there is one in the "
                         "environment too; end %s.%s with the app, as in %s://HOST/app",
                         o->section->name, p.row, o->section->name, p.row, p.scheme);
    return rc;
}

int rtmp_place_valid(const struct sink_setup *o, struct error *e)
{
    const struct rtmp_config *c = o->config;
    int rc = is_valid(o, RTMP_FIRST, e);
    if (rc == 0 && c->backup_url[0])
        rc = is_valid(o, RTMP_BACKUP, e);
    return rc == 0 ? check_ca_file(o, e) : rc;
}

int rtmp_place_check(const struct sink_setup *o, char *text, size_t size, struct error *e)
{
    const struct rtmp_config *c = o->config;
    char variable[CONFIG_VARIABLE_BYTES];
    struct rtmp_place p;
    int rc = rtmp_place_valid(o, e);
    if (rc == 0)
        rc = rtmp_place_split(o, RTMP_FIRST, &p, e);
    if (rc < 0)
        return rc;
    key_variable(o->section, variable);
    if (holds_key(c, &p))
        return error_set(
            e, EINVAL,
            "%s.url holds a stream key, which everybody sees who sees the settings; end it with the app's "
            "name and put the key into %s",
            o->section->name, variable);
    if (c->stream_key[0] == '\0')
        return error_set(e, EINVAL, "no stream key: set %s, or %s_FILE to a file that only you can read",
                         variable, variable);
    snprintf(text, size, "%s://%s, a key is there%s", p.scheme, p.host,
             strcmp(p.scheme, "rtmp") == 0 ? "; it will travel unencrypted, rtmps:// hides it" : "");
    return 0;
}

static int is_late(void *deadline_us)
{
    return clock_real_us() > *(int64_t *)deadline_us;
}

/* Connects and hangs up. 0 or an AVERROR. */
static int try_place(const struct rtmp_config *c, const struct rtmp_place *p, bool is_encrypted, int port)
{
    int64_t deadline_us = clock_real_us() + LIVE_CONNECT_US;
    AVIOInterruptCB stop = {is_late, &deadline_us};
    AVIOContext *io = NULL;
    AVDictionary *options = NULL;
    struct resolver *resolver;
    int rc = resolver_open(&resolver, NULL, NULL);
    if (rc == 0)
        rc = live_look_up(resolver, p->host, &stop);
    resolver_close(&resolver);
    if (rc < 0)
        return rc;
    char *address = xasprintf(strchr(p->host, ':') ? "%s://[%s]:%d" : "%s://%s:%d",
                              is_encrypted ? "tls" : "tcp", p->host, port);
    if (is_encrypted)
        rtmp_place_options(c, &options);
    av_log_forget();
    rc = avio_open2(&io, address, AVIO_FLAG_READ_WRITE, &stop, &options);
    avio_closep(&io);
    av_dict_free(&options);
    free(address);
    return rc;
}

/* Name, TCP and, for rtmps, TLS with the server's certificate; not a byte of RTMP. */
int rtmp_place_reach(const struct sink_setup *o, char *text, size_t size, struct error *e)
{
    struct rtmp_place p;
    int rc = rtmp_place_split(o, RTMP_FIRST, &p, e);
    if (rc < 0)
        return rc;
    bool is_encrypted = strcmp(p.scheme, "rtmps") == 0;
    int port = p.port > 0 ? p.port : is_encrypted ? 443 : 1935;
    int64_t began_us = clock_real_us();
    rc = try_place(o->config, &p, is_encrypted, port);
    if (rc < 0)
        return error_set(e, EHOSTUNREACH, "%s port %d cannot be reached: %s; check %s.url and the network",
                         p.host, port, av_error_describe(rc).text, o->section->name);
    snprintf(text, size, "%s port %d answers%s (%.0f ms)", p.host, port,
             is_encrypted ? ", its certificate is right" : "", (double)(clock_real_us() - began_us) / 1000);
    return 0;
}

int rtmp_place_most_kbps(const struct sink_setup *o, const char **who)
{
    static const char *const twitch[] = {"twitch.tv", "live-video.net"};
    struct rtmp_place p;
    *who = "Twitch";
    if (rtmp_place_split(o, RTMP_FIRST, &p, NULL) < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(twitch); i++) {
        size_t n = strlen(p.host), d = strlen(twitch[i]);
        if (n >= d && strcasecmp(p.host + n - d, twitch[i]) == 0)
            return TWITCH_MOST_KBPS;
    }
    return 0;
}
