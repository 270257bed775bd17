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
#include "common/resolve.h"
#include "config/option.h"

struct rtmp_config {
    bool enabled;
    char url[OPTION_STRING_BYTES];
    char stream_key[OPTION_STRING_BYTES];
    char ca_file[OPTION_STRING_BYTES]; /* "": the system's authorities */
};
extern const struct option_section rtmp_section;

/* The parts of rtmp.url, checked. */
struct rtmp_place {
    char scheme[16], host[256], path[OPTION_STRING_BYTES]; /* scheme in lower case */
    int port;                                              /* -1: the scheme's own */
};

/* 0 or -EINVAL with a line. */
int rtmp_place_split(const struct rtmp_config *c, struct rtmp_place *p, struct error *e);

/* Address with the key, for the libraries only; the caller's to free. From now on the log hides what is secret in it. */
char *rtmp_place_address(const struct rtmp_config *c, const struct rtmp_place *p);

/* Options of every connection: verified TLS, by the authorities that the settings name. */
void rtmp_place_options(const struct rtmp_config *c, AVDictionary **options);

/* Looks the host's name up before the libraries do it, because they could not be interrupted while a name server is
 * silent. Afterwards the answer is known to come at once. 0 or an AVERROR; ETIMEDOUT after 6 s, or when `stop` says so. */
int rtmp_place_look_up(struct resolver *resolver, const char *host, const AVIOInterruptCB *stop);

/* What sink_ops asks of a driver; see sink.h. `config` is a struct rtmp_config. */
int rtmp_place_valid(const void *config, struct error *e);
int rtmp_place_check(const void *config, char *text, size_t size, struct error *e);
int rtmp_place_reach(const void *config, char *text, size_t size, struct error *e);
int rtmp_place_most_kbps(const void *config, const char **who);

#endif
