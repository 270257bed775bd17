/*
 * rtmp_place - where sink_rtmp pushes to: its settings, the address made of them, and what can be said of it without
 * pushing anything.
 *
 * The stream key is part of the address that the libraries see. It is registered with the log as a secret, a key that
 * was put into rtmp.url as well, and only scheme and host are ever printed.
 */
#ifndef STREAM_RTMP_PLACE_H
#define STREAM_RTMP_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include <libavformat/avio.h>

#include "common/error.h"
#include "config/option.h"
#include "stream/sink.h"

struct rtmp_config {
    bool enabled;
    char url[OPTION_STRING_BYTES];
    char stream_key[OPTION_STRING_BYTES];
    char backup_url[OPTION_STRING_BYTES]; /* "": none */
    char ca_file[OPTION_STRING_BYTES];    /* "": the system's authorities */
    double renew;                         /* s */
    bool overlap;
};
extern const struct option_section rtmp_section, rtmp_kind;

enum rtmp_which { RTMP_FIRST, RTMP_BACKUP };

/* The parts of an address, checked. */
struct rtmp_place {
    const char *url, *row; /* the whole, of the settings, and its name there */
    char scheme[16], host[256], path[OPTION_STRING_BYTES]; /* scheme in lower case */
    int port;                                              /* -1: the scheme's own */
};

/* 0 or -EINVAL with a line. */
int rtmp_place_split(const struct sink_setup *o, enum rtmp_which which, struct rtmp_place *p,
                     struct error *e);

/* Address with the key, for the libraries only; the caller's to free. From now on the log hides what is secret in it. */
char *rtmp_place_address(const struct rtmp_config *c, const struct rtmp_place *p);

/* Options of every connection: verified TLS, by the authorities that the settings name. */
void rtmp_place_options(const struct rtmp_config *c, AVDictionary **options);

/* What sink_ops asks of a driver; see sink.h. o->config is a struct rtmp_config. */
int rtmp_place_valid(const struct sink_setup *o, struct error *e);
int rtmp_place_check(const struct sink_setup *o, char *text, size_t size, struct error *e);
int rtmp_place_reach(const struct sink_setup *o, char *text, size_t size, struct error *e);
int rtmp_place_most_kbps(const struct sink_setup *o, const char **who);

#endif
