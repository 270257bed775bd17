/*
 * libFuzzer over what a server of sound answers before it sends any: heads with redirects, a NUL between one and the next.
 * The sound is named http://127.0.0.1:8000, no name can be looked up, and nothing is connected to: whatever the heads say,
 * the library must be sent to that host and port and to no other. Which they are is told by the library's own reading of
 * the address. (avio_open2, avio_closep, resolver_open: see the Makefile.)
 */
#include <errno.h>
#include <strings.h>

#include <libavformat/avformat.h>
#include <libavutil/mem.h>

#include "common/resolve.h"
#include "stream/audio_net.h"
#include "tests/fuzz/fuzz.h"

#define HOST "127.0.0.1"
enum { PORT = 8000, BUFFER_BYTES = 4096, OPENINGS_MAX = 9 };

static struct {
    const uint8_t *heads;
    size_t bytes, at;
    int opened;
} server;

/* The next head, up to its NUL. */
static int serve(void *opaque, uint8_t *out, int size)
{
    (void)opaque;
    size_t left = server.bytes - server.at, n = strnlen((const char *)server.heads + server.at, left);
    n = n < (size_t)size ? n : (size_t)size;
    memcpy(out, server.heads + server.at, n);
    server.at += n;
    return n > 0 ? (int)n : AVERROR_EOF;
}

static int hear(void *opaque, uint8_t *text, int size)
{
    (void)opaque;
    must(memchr(text, '\0', (size_t)size) == NULL, "a question is text");
    return size;
}

static void check_place(const char *url)
{
    char scheme[16], user[1024], host[1024];
    int port = -1;
    av_url_split(scheme, sizeof scheme, user, sizeof user, host, sizeof host, &port, NULL, 0, url);
    if (port < 0)
        port = strcasecmp(scheme, "https") == 0 ? 443 : 80;
    must(strcmp(host, HOST) == 0 && port == PORT, "nobody leads it to another place of this machine");
    must(strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0 || strcmp(scheme, "tcp") == 0 ||
             strcmp(scheme, "tls") == 0 || strncmp(scheme, "crypto+", 7) == 0,
         "nor to another protocol");
}

int __wrap_avio_open2(AVIOContext **io, const char *url, int flags, const AVIOInterruptCB *stop,
                      AVDictionary **options);
int __wrap_avio_open2(AVIOContext **io, const char *url, int flags, const AVIOInterruptCB *stop,
                      AVDictionary **options)
{
    (void)flags, (void)stop, (void)options;
    *io = NULL;
    check_place(url);
    if (strncmp(url, "tcp:", 4) != 0 && strncmp(url, "tls:", 4) != 0) {
        must(++server.opened <= OPENINGS_MAX, "redirects have an end");
        return AVERROR(EIO); /* it would be one more */
    }
    unsigned char *buffer = av_malloc(BUFFER_BYTES);
    *io = buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 1, NULL, serve, hear, NULL) : NULL;
    if (!*io)
        av_free(buffer);
    return *io ? 0 : AVERROR(ENOMEM);
}

int __wrap_avio_closep(AVIOContext **io);
int __wrap_avio_closep(AVIOContext **io)
{
    if (*io)
        av_freep(&(*io)->buffer);
    avio_context_free(io);
    server.at += server.at < server.bytes; /* behind the NUL */
    return 0;
}

int __wrap_resolver_open(struct resolver **r, resolver_lookup_fn *lookup, void *context);
int __wrap_resolver_open(struct resolver **r, resolver_lookup_fn *lookup, void *context)
{
    (void)lookup, (void)context;
    *r = NULL;
    return -EAGAIN;
}

static int never(void *context)
{
    (void)context;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const AVIOInterruptCB stop = {never, NULL};
    struct audio_net *net = NULL;
    AVFormatContext *format = avformat_alloc_context();
    if (!format)
        return 0;
    server.heads = data;
    server.bytes = size;
    server.at = 0;
    server.opened = 0;
    int rc = audio_net_open(&net, format, "http://" HOST ":8000/radio", stop);
    must(rc < 0, "no sound comes of heads");
    const char *refused = audio_net_refused(net);
    must(memchr(refused, '\0', 400) != NULL, "what was refused is told, and ends");
    audio_net_close(&net);
    format->pb = NULL;
    avformat_free_context(format);
    return 0;
}
