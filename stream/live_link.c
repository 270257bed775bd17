/*
 * live_link - see live_link.h.
 */
#include "stream/live_link.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

enum {
    RESOLVE_US = 6000000,
    LOOK_MS = 50,         /* how often a question looks whether it is still wanted */
    BUFFER_LEAST = 32768, /* bytes; of the socket */
};

/* The libraries ask every 100 ms whether to give up. */
static int should_stop(void *context)
{
    const struct live_link *l = context;
    return sink_aborted(l->sink) || clock_real_us() > l->deadline_us ||
           (l->state == LIVE_DOWN && sink_ending(l->sink));
}

int live_look_up(struct resolver *resolver, const char *host, const AVIOInterruptCB *stop)
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

/* Why, in words: `rc` as the libraries say it hides more than it tells. 0: `what` says it all. */
static int fail(struct live_link *l, const char *what, int rc)
{
    bool too_long = clock_real_us() > l->deadline_us, sending = l->state == LIVE_SENDING;
    struct av_error_text words = av_error_describe(rc);
    l->what = what;
    if (rc == 0)
        l->why[0] = '\0';
    else if (rc == AVERROR_EXIT && too_long)
        snprintf(l->why, sizeof l->why,
                 sending ? ": the server took nothing for %d s" : ": no answer for %d s",
                 (sending ? LIVE_WRITE_US : LIVE_CONNECT_US) / 1000000);
    else if (l->state == LIVE_DOWN && rc == AVERROR(EIO) && !strchr(words.text, '('))
        snprintf(l->why, sizeof l->why,
                 ": the server refused the stream; it may not know the application or the key");
    else
        snprintf(l->why, sizeof l->why, ": %s", words.text);
    return -1;
}

/* Half a second of the stream: what is in the kernel's hands cannot be dropped any more, and would be seen late. Linux
 * gives twice what is asked for, and most of that to the data (socket(7), SO_SNDBUF). */
static int64_t buffer_bytes(const struct sink *s)
{
    int64_t bytes =
        (s->tracks->parameters[TRACK_VIDEO]->bit_rate + s->tracks->parameters[TRACK_AUDIO]->bit_rate) / 8 / 4;
    return bytes > BUFFER_LEAST ? bytes : BUFFER_LEAST;
}

static int open_connection(struct live_link *l, const AVIOInterruptCB *stop)
{
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "rw_timeout", LIVE_WRITE_US, 0);
    av_dict_set_int(&options, "send_buffer_size", buffer_bytes(l->sink), 0);
    if (l->protocol->connect_options)
        l->protocol->connect_options(l->sink, &options);
    int rc = avio_open2(&l->io, l->target->address, AVIO_FLAG_WRITE, stop, &options);
    av_dict_free(&options);
    return rc;
}

int live_link_connect(struct live_link *l, const struct live_target *target)
{
    const AVIOInterruptCB stop = {should_stop, l};
    l->target = target;
    l->deadline_us = clock_real_us() + LIVE_CONNECT_US;
    av_log_forget();
    if (!l->resolver && resolver_open(&l->resolver, NULL, NULL) < 0)
        return fail(l, "no way to look names up", 0);
    int rc = live_look_up(l->resolver, target->host, &stop);
    if (rc < 0)
        return fail(
            l, rc == AVERROR(ETIMEDOUT) ? "no name server answers" : "the name of the host is not known", 0);
    rc = open_connection(l, &stop);
    if (rc >= 0)
        rc = mux_open(&l->mux, l->protocol->format, l->sink->tracks);
    if (rc < 0)
        return fail(l, "cannot connect", rc);
    l->mux.format->pb = l->io;
    l->mux.format->interrupt_callback = stop;
    l->state = LIVE_CONNECTED;
    return 0;
}

int live_link_begin(struct live_link *l, const AVPacket *idr)
{
    AVDictionary *options = NULL;
    if (l->protocol->mux_options)
        l->protocol->mux_options(&options);
    l->deadline_us = clock_real_us() + LIVE_WRITE_US;
    av_log_forget();
    int rc = mux_begin(&l->mux, idr, MUX_ZERO_DTS, &options);
    av_dict_free(&options);
    if (rc < 0)
        return fail(l, "the server does not take the stream", rc);
    l->state = LIVE_SENDING;
    l->sending_us = clock_real_us();
    return 0;
}

int live_link_send(struct live_link *l, const AVPacket *packet)
{
    l->deadline_us = clock_real_us() + LIVE_WRITE_US;
    av_log_forget();
    int rc = mux_write(&l->mux, packet);
    if (rc >= 0 && l->io->error < 0)
        rc = l->io->error;
    return rc < 0 ? fail(l, "the connection broke", rc) : 0;
}

void live_link_close(struct live_link *l, int64_t patience_us)
{
    l->deadline_us = clock_real_us() + patience_us;
    if (l->state == LIVE_SENDING && patience_us > 0)
        av_write_trailer(l->mux.format);
    if (l->mux.format)
        l->mux.format->pb = NULL;
    avio_closep(&l->io);
    mux_close(&l->mux);
    l->state = LIVE_DOWN;
}

void live_link_free(struct live_link *l)
{
    live_link_close(l, 0);
    resolver_close(&l->resolver);
}
