/*
 * http_location - see http_location.h. The head of an answer is lines up to an empty one (RFC 9112); of 16 kB at most.
 */
#include "stream/http_location.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libavformat/avformat.h>
#include <libavutil/base64.h>

#include "common/mem.h"

enum { HEAD_BYTES = 16384, PART_BYTES = 512, URL_BYTES = 4096 };

struct address {
    char scheme[8], user[PART_BYTES], host[256], path[URL_BYTES];
    int port;
};

static void split(const char *url, struct address *a)
{
    av_url_split(a->scheme, sizeof a->scheme, a->user, sizeof a->user, a->host, sizeof a->host, &a->port,
                 a->path, sizeof a->path, url);
    a->path[strcspn(a->path, "#")] = '\0';
}

static bool is_encrypted(const struct address *a)
{
    return strcasecmp(a->scheme, "https") == 0;
}

/* "example.org", "example.org:8000", "[::1]:8000". */
static char *authority(const struct address *a, bool with_port)
{
    const char *format = strchr(a->host, ':') ? "[%s]%s" : "%s%s";
    char port[16] = "";
    if (a->port > 0)
        snprintf(port, sizeof port, ":%d", a->port);
    else if (with_port)
        snprintf(port, sizeof port, ":%d", is_encrypted(a) ? 443 : 80);
    return xasprintf(format, a->host, port);
}

static bool has_line_break(const char *text)
{
    return text[strcspn(text, "\r\n")] != '\0';
}

/* The address that `to` means in the answer of `base`; the caller's to free. */
static char *resolve(const char *base, const char *to)
{
    struct address a;
    split(base, &a);
    if (strstr(to, "://") && strcspn(to, "/?#") > strcspn(to, ":"))
        return xstrdup(to);
    if (strncmp(to, "//", 2) == 0)
        return xasprintf("%s:%s", a.scheme, to);
    char *host = authority(&a, false);
    a.path[strcspn(a.path, "?")] = '\0';
    char *slash = strrchr(a.path, '/');
    int kept = to[0] == '/' ? 0 : slash ? (int)(slash - a.path) + 1 : 0;
    char *url =
        xasprintf("%s://%s%.*s%s%s", a.scheme, host, kept, a.path, to[0] == '/' || kept ? "" : "/", to);
    free(host);
    return url;
}

static char *request(const struct address *a)
{
    char encoded[AV_BASE64_SIZE(PART_BYTES)] = "";
    if (a->user[0])
        av_base64_encode(encoded, sizeof encoded, (const uint8_t *)a->user, (int)strlen(a->user));
    char *host = authority(a, false);
    char *text = xasprintf("GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Lavf\r\nAccept: */*\r\n%s%s%s"
                           "Connection: close\r\n\r\n",
                           a->path[0] == '/' ? "" : "/", a->path, host,
                           encoded[0] ? "Authorization: Basic " : "", encoded, encoded[0] ? "\r\n" : "");
    free(host);
    return text;
}

/* The empty line, or NULL: it has not come yet. */
static char *end_of_head(char *head)
{
    char *end = strstr(head, "\r\n\r\n"), *bare = strstr(head, "\n\n");
    return !end || (bare && bare < end) ? bare : end;
}

/* The head of the answer in `head`; 0 or AVERROR. */
static int read_head(AVIOContext *io, char head[HEAD_BYTES])
{
    int n = 0;
    head[0] = '\0';
    while (n < HEAD_BYTES - 1 && !end_of_head(head)) {
        int got = avio_read_partial(io, (uint8_t *)head + n, HEAD_BYTES - 1 - n);
        if (got <= 0)
            return got < 0 ? got : AVERROR_EOF;
        n += got;
        head[n] = '\0';
    }
    if (end_of_head(head))
        *end_of_head(head) = '\0';
    return 0;
}

/* Behind "Location:", or NULL: the answer is no redirect. Cuts the head there. */
static char *find_location(char *head)
{
    int code = 0;
    if (sscanf(head, "%*s %d", &code) != 1 || code < 300 || code > 399)
        return NULL;
    for (char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, "location:", 9) != 0)
            continue;
        char *value = line + 9 + strspn(line + 9, " \t");
        size_t n = strcspn(value, "\r\n");
        while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
            n--;
        value[n] = '\0';
        return value[0] ? value : NULL;
    }
    return NULL;
}

int http_location(const char *url, const AVIOInterruptCB *stop, AVDictionary *options, char **location)
{
    struct address a;
    AVIOContext *io = NULL;
    AVDictionary *own = NULL;
    *location = NULL;
    if (strlen(url) >= URL_BYTES || has_line_break(url))
        return AVERROR(EINVAL);
    split(url, &a);
    char *host = authority(&a, true), *text = request(&a), *head = xmalloc(HEAD_BYTES);
    char *where = xasprintf("%s://%s", is_encrypted(&a) ? "tls" : "tcp", host);
    av_dict_copy(&own, options, 0);
    int rc = avio_open2(&io, where, AVIO_FLAG_READ_WRITE, stop, &own);
    if (rc >= 0) {
        avio_write(io, (const uint8_t *)text, (int)strlen(text));
        avio_flush(io);
        rc = io->error < 0 ? io->error : read_head(io, head);
    }
    const char *to = rc >= 0 ? find_location(head) : NULL;
    if (to)
        *location = resolve(url, to);
    avio_closep(&io);
    av_dict_free(&own);
    free(where);
    free(head);
    free(text);
    free(host);
    return rc < 0 ? rc : to ? 0 : -ENOENT;
}
