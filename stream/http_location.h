/*
 * http_location - where an address leads before anybody goes there.
 *
 * libavformat either follows a redirect by itself, and has asked the next host before anybody can look at its name, or
 * not at all, and then does not tell where it would have led. This asks the one question that is missing: a GET whose
 * answer's head is read, and nothing behind it.
 */
#ifndef STREAM_HTTP_LOCATION_H
#define STREAM_HTTP_LOCATION_H

#include <libavformat/avio.h>

/* Asks `url` (http or https). 0 and the address that it leads to, made whole, the caller's to free; -ENOENT: it leads
 * nowhere else; or AVERROR. `options` are those of the connection (TLS, time-outs). */
int http_location(const char *url, const AVIOInterruptCB *stop, AVDictionary *options, char **location);

#endif
