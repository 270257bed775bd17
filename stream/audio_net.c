/*
 * audio_net - see audio_net.h. Each connection is a libavformat I/O context of its own with ours around it, which
 * counts. Ours shows the inner one's options, because the HLS demuxer asks them where a redirect has led.
 */
#include "stream/audio_net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libavutil/mem.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/resolve.h"
#include "stream/http_location.h"

#define CODED "crypto+" /* a part of a stream that is decrypted as it comes */

enum {
    BUFFER_BYTES = 32768,
    STEP_BYTES = 32 << 20,
    STEP_LIST_BYTES = 2 << 20,
    STEP_OPENINGS = 64,
    STEP_US = 20000000,
    LOOK_UP_MS = 6000,
    REDIRECTS_MAX = 8,
};

struct place {
    char scheme[8], host[256];
    int port;
};

struct audio_net {
    AVIOInterruptCB stop;
    struct resolver *resolver;
    struct place named;                               /* by audio.source */
    AVIOContext *first;                               /* format->pb */
    int64_t left_bytes, left_list_bytes, deadline_us; /* of this step */
    int left_openings;
    char refused[400];
};

struct connection {
    struct audio_net *net;
    AVIOContext *inner;
    bool begun, is_list;
};

bool audio_net_is_address(const char *source)
{
    return strstr(source, "://") != NULL;
}

void audio_net_step(struct audio_net *n)
{
    if (!n)
        return;
    n->left_bytes = STEP_BYTES;
    n->left_list_bytes = STEP_LIST_BYTES;
    n->left_openings = STEP_OPENINGS;
    n->deadline_us = clock_real_us() + STEP_US;
}

const char *audio_net_refused(const struct audio_net *n)
{
    return n ? n->refused : "";
}

static int should_stop(void *context)
{
    struct audio_net *n = context;
    return n->stop.callback(n->stop.opaque) || clock_real_us() > n->deadline_us;
}

static int refuse(struct audio_net *n, const struct place *p, const char *why)
{
    snprintf(n->refused, sizeof n->refused, "it leads to %s://%.200s:%d, %s", p->scheme, p->host, p->port,
             why);
    return AVERROR(EACCES);
}

/* ---- which addresses ---- */

/* Networks that are not the internet's, as first address and length of the prefix in bits (IANA's special-purpose
 * registries). */
static bool is_private_4(uint32_t a /* host order */)
{
    static const struct {
        uint32_t net;
        int bits;
    } nets[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
                {0xac100000, 12}, {0xc0000000, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3}};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static bool is_private_6(const uint8_t *a /* [16] */)
{
    static const uint8_t zero[12], mapped[12] = {[10] = 0xff, [11] = 0xff}, nat64[12] = {0, 0x64, 0xff, 0x9b};
    uint32_t last = (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];
    if (memcmp(a, zero, 12) == 0 || memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
        return is_private_4(last);
    return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && a[1] & 0x80) || a[0] == 0xff;
}

static bool is_private(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return is_private_4(ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr));
    return a->sa_family != AF_INET6 || is_private_6(((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr);
}

/* What does not fit is refused: a host behind a name and password that are cut off would be another one. */
static bool split(const char *url, struct place *p)
{
    char port[8] = "";
    int end = 0;
    if (sscanf(url, "%7[a-zA-Z]://%255[^/?#]%n", p->scheme, p->host, &end) != 2 ||
        (url[end] && !strchr("/?#", url[end])))
        return false;
    char *host = strrchr(p->host, '@');
    host = host ? host + 1 : p->host; /* a name and password before it */
    char *colon = host[0] == '[' ? strstr(host, "]:") : strrchr(host, ':');
    if (colon) {
        colon += host[0] == '[';
        if (strlen(colon + 1) >= sizeof port)
            return false;
        snprintf(port, sizeof port, "%s", colon + 1);
        *colon = '\0';
    }
    size_t length = strlen(host);
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        host++;
    }
    memmove(p->host, host, strlen(host) + 1);
    p->port = port[0] ? atoi(port) : strcasecmp(p->scheme, "https") == 0 ? 443 : 80;
    return p->host[0] != '\0';
}

/* Any of the host's addresses: which one will be taken is not ours to say. */
static int look_up(struct audio_net *n, const struct place *p, bool *is_ours)
{
    struct addrinfo *list = NULL;
    struct pollfd fd = {.events = POLLIN};
    if (!n->resolver && resolver_open(&n->resolver, NULL, NULL) < 0)
        return AVERROR(ENOMEM);
    if (resolver_ask(n->resolver, p->host, p->port) < 0)
        return AVERROR(ENOMEM);
    fd.fd = resolver_fd(n->resolver);
    for (int waited_ms = 0; poll(&fd, 1, 100) == 0; waited_ms += 100)
        if (should_stop(n) || waited_ms >= LOOK_UP_MS)
            return AVERROR(ETIMEDOUT);
    if (resolver_take(n->resolver, &list) != 0)
        return AVERROR(EHOSTUNREACH);
    *is_ours = false;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        *is_ours |= is_private(a->ai_addr);
    freeaddrinfo(list);
    return 0;
}

static int allow(struct audio_net *n, const char *url)
{
    struct place p = {"", "", 0};
    bool is_ours = false;
    if (strncmp(url, CODED, strlen(CODED)) == 0)
        url += strlen(CODED);
    bool is_address = split(url, &p);
    if (!is_address)
        p.host[0] = '\0'; /* a password may be in it */
    if (!is_address || (strcasecmp(p.scheme, "http") != 0 && strcasecmp(p.scheme, "https") != 0))
        return refuse(n, &p, "which is no http or https address");
    if (strcasecmp(p.host, n->named.host) == 0 && p.port == n->named.port)
        return 0;
    int rc = look_up(n, &p, &is_ours);
    if (rc < 0)
        return rc;
    return is_ours ? refuse(n, &p, "which is on this machine or a private network") : 0;
}

/* ---- connections ---- */

static void set_limits(AVDictionary **options)
{
    av_dict_set(options, "rw_timeout", "8000000", 0);
    av_dict_set(options, "tls_verify", "1", 0);
}

static int count_read(void *opaque, uint8_t *data, int size)
{
    struct connection *c = opaque;
    struct audio_net *n = c->net;
    int got = avio_read_partial(c->inner, data, size);
    if (got <= 0)
        return got == 0 ? AVERROR_EOF : got;
    if (!c->begun)
        c->is_list = got >= 7 && memcmp(data, "#EXTM3U", 7) == 0;
    c->begun = true;
    n->left_bytes -= got;
    n->left_list_bytes -= c->is_list ? got : 0;
    if (n->left_bytes >= 0 && n->left_list_bytes >= 0)
        return got;
    snprintf(n->refused, sizeof n->refused, "it sends more than %d MB of %s at a time",
             (c->is_list ? STEP_LIST_BYTES : STEP_BYTES) >> 20,
             c->is_list ? "playlist" : "data before any sound");
    n->deadline_us = 0; /* some demuxers take a read that fails for the end, and go on */
    return AVERROR(EFBIG);
}

static int64_t pass_seek(void *opaque, int64_t offset, int whence)
{
    struct connection *c = opaque;
    return whence & AVSEEK_SIZE ? avio_size(c->inner) : avio_seek(c->inner, offset, whence);
}

static void *inner_of(void *object, void *previous)
{
    const AVIOContext *outer = object;
    return previous ? NULL : ((struct connection *)outer->opaque)->inner;
}

static const AVClass outer_class = {
    .class_name = "sound",
    .item_name = av_default_item_name,
    .version = LIBAVUTIL_VERSION_INT,
    .child_next = inner_of,
};

static void disconnect(AVIOContext **io)
{
    if (!*io)
        return;
    struct connection *c = (*io)->opaque;
    avio_closep(&c->inner);
    free(c);
    av_freep(&(*io)->buffer);
    avio_context_free(io);
}

/* Without following a redirect. */
static int open_there(struct audio_net *n, AVIOContext **io, const char *url, const AVDictionary *options)
{
    const AVIOInterruptCB stop = {should_stop, n};
    AVDictionary *own = NULL;
    av_dict_copy(&own, options, 0);
    av_dict_set(&own, "protocol_whitelist", "http,https,tls,tcp,crypto", 0);
    av_dict_set(&own, "max_redirects", "0", 0);
    set_limits(&own);
    int rc = avio_open2(io, url, AVIO_FLAG_READ, &stop, &own);
    bool follows =
        av_dict_get(own, "max_redirects", NULL, 0); /* left over: this libavformat does not know it */
    av_dict_free(&own);
    if (rc >= 0 && follows) {
        avio_closep(io);
        snprintf(n->refused, sizeof n->refused, "FFmpeg's libraries are too old to stay where they are sent");
        return AVERROR(EACCES);
    }
    return rc;
}

/* Where `url` leads, allowed; the caller's to free. NULL with *rc: nowhere, or not there. */
static char *follow(struct audio_net *n, const char *url, int *rc)
{
    const AVIOInterruptCB stop = {should_stop, n};
    size_t coded = strncmp(url, CODED, strlen(CODED)) == 0 ? strlen(CODED) : 0;
    AVDictionary *limits = NULL;
    char *to = NULL, *all;
    set_limits(&limits);
    int led = http_location(url + coded, &stop, limits, &to);
    av_dict_free(&limits);
    if (led != 0)
        return NULL;
    all = xasprintf("%.*s%s", (int)coded, url, to);
    free(to);
    *rc = allow(n, all);
    if (*rc >= 0)
        return all;
    free(all);
    return NULL;
}

/* Follows redirects, each when it is allowed. libavformat answers EIO where one would be needed. */
static int open_inner(struct audio_net *n, AVIOContext **io, const char *url, const AVDictionary *options)
{
    char *at = xstrdup(url), *next;
    int rc = open_there(n, io, at, options);
    for (int i = 0; rc == AVERROR(EIO) && i < REDIRECTS_MAX && (next = follow(n, at, &rc)); i++) {
        free(at);
        at = next;
        rc = open_there(n, io, at, options);
    }
    free(at);
    return rc;
}

static int connect_to(struct audio_net *n, AVIOContext **io, const char *url, AVDictionary **options)
{
    struct connection *c = xcalloc(1, sizeof *c);
    c->net = n;
    int rc = open_inner(n, &c->inner, url, options ? *options : NULL);
    unsigned char *buffer = rc >= 0 ? av_malloc(BUFFER_BYTES) : NULL;
    bool seekable = rc >= 0 && c->inner->seekable;
    *io = buffer
              ? avio_alloc_context(buffer, BUFFER_BYTES, 0, c, count_read, NULL, seekable ? pass_seek : NULL)
              : NULL;
    if (!*io) {
        av_free(buffer);
        avio_closep(&c->inner);
        free(c);
        return rc < 0 ? rc : AVERROR(ENOMEM);
    }
    (*io)->av_class = &outer_class;
    return 0;
}

/* What the demuxer asks for: parts, keys and lists. */
static int open_nested(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                       AVDictionary **options)
{
    struct audio_net *n = format->opaque;
    if (flags & AVIO_FLAG_WRITE)
        return AVERROR(EACCES);
    if (--n->left_openings < 0) {
        snprintf(n->refused, sizeof n->refused, "%d parts that it names give no sound", STEP_OPENINGS);
        n->deadline_us = 0;
        return AVERROR_EXIT;
    }
    int rc = allow(n, url);
    return rc < 0 ? rc : connect_to(n, io, url, options);
}

static int close_nested(AVFormatContext *format, AVIOContext *io)
{
    (void)format;
    disconnect(&io);
    return 0;
}

int audio_net_open(struct audio_net **out, AVFormatContext *format, const char *source, AVIOInterruptCB stop)
{
    struct audio_net *n = *out = xcalloc(1, sizeof *n);
    n->stop = stop;
    audio_net_step(n);
    format->opaque = n;
    format->interrupt_callback = (AVIOInterruptCB){should_stop, n};
    format->io_open = open_nested;
    format->io_close2 = close_nested;
    if (!split(source, &n->named))
        return AVERROR(EINVAL);
    int rc = allow(n, source);
    if (rc >= 0)
        rc = connect_to(n, &n->first, source, NULL);
    format->pb = n->first;
    return rc;
}

void audio_net_close(struct audio_net **out)
{
    if (!*out)
        return;
    disconnect(&(*out)->first);
    resolver_close(&(*out)->resolver);
    free(*out);
    *out = NULL;
}
