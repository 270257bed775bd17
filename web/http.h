/*
 * http - the server of the page: connections, bounds and clocks. What is asked and answered is the handler's.
 *
 * One thread owns everything: it polls, calls the handler, copies what answers send, and sweeps. So nothing in
 * here needs a lock, and a producer only rings (http_wake). The library, libmicrohttpd, reads and writes HTTP;
 * the bounds that it lacks are here:
 *
 *   - a request is whole within REQUEST_US, however its bytes dribble (the library counts silence only);
 *   - a body has a Content-Length of at most HTTP_BODY_BYTES, and no other coding;
 *   - an answer that nobody reads is given up after ANSWER_US, a stream whose reader does not keep up after
 *     STREAM_US;
 *   - request line and headers fit into the connection's memory, and there are at most CONNECTIONS of them.
 *
 * Every answer of ours carries the same security headers. The library's own (to bytes that are no HTTP) are
 * fixed texts, close the connection and hold nothing of what was sent.
 *
 * Besides its port, or instead of it, it can listen at a door (door.h); the handler is told which way a request came.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

enum { HTTP_BODY_BYTES = 2048, HTTP_HEADERS_MAX = 6, HTTP_PEER_BYTES = 48 };

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };

/* The headers that anybody here looks at. */
enum http_header {
    HTTP_HOST,
    HTTP_ORIGIN,
    HTTP_FETCH_SITE,
    HTTP_CONTENT_TYPE,
    HTTP_CSRF,
    HTTP_AUTHORIZATION,
    HTTP_IF_NONE_MATCH,
    HTTP_HEADER_COUNT
};

/* One request; all of it belongs to the server and lives until it is answered. */
struct http_request {
    enum http_method method;
    const char *target;                    /* path and query as they were sent: nothing is decoded */
    const char *header[HTTP_HEADER_COUNT]; /* NULL: absent */
    bool repeated;                         /* one of them came twice, or held a NUL */
    int fault;        /* 0, or the status that the server itself answers with: 400, 411, 413 */
    const char *body; /* of `body_bytes`, and a NUL behind */
    size_t body_bytes;
    const char *peer; /* address without port */
    bool by_door;     /* it came by the door, which only the show's own user can open */
    int64_t age_us;   /* since the request was whole */
};

/* An answer that goes on. Both functions run on the server's thread. */
struct http_source {
    void *context;
    /* Copies at most `size` bytes. Their number; 0: none now, asked again after the next ring; -1: the end. */
    ssize_t (*read)(void *context, char *out, size_t size);
    void (*close)(void *context);
};

/* What the handler fills in. Zeroed before. */
struct http_answer {
    int status;
    const char *type; /* media type; static */
    const void *body; /* copied */
    size_t body_bytes;
    void *owned;               /* instead of body: freed with free() by the server */
    struct http_source source; /* instead of both, when `read` is set */
    struct {
        const char *name; /* static */
        char value[128];  /* of printable ASCII */
    } headers[HTTP_HEADERS_MAX];
    int header_count;
};

/* true: answered. false: ask me again after the next ring (or HTTP_TICK_US). */
typedef bool http_handler(void *context, struct http_request *r, struct http_answer *a);

enum { HTTP_TICK_US = 100000 };

struct http_params {
    const char *bind;   /* an IP address */
    int port;           /* 0: any that is free */
    bool no_port;       /* the door alone */
    const char *folder; /* the door's; it must outlive the server. NULL: no door */
    http_handler *handler;
    /* (optional) Called every HTTP_TICK_US and after each ring, before those that wait are asked again. */
    void (*tick)(void *context);
    void *context;
};

struct http;

/* Binds, listens and starts the thread. 0; -EADDRINUSE and the like with one line; *h is NULL then. A door that cannot
 * be opened beside a port is a warning in the log. */
int http_open(struct http **h, const struct http_params *p, struct error *e);
/* Drops every connection and joins, within a second. NULL is fine. */
void http_close(struct http **h);

int http_port(const struct http *h); /* that it listens on; -1: none */

/* There is something new for those who wait. From any thread; never waits. */
void http_wake(struct http *h);

/* Adds a header to the answer; what does not fit or is not printable ASCII is left out. */
void http_add_header(struct http_answer *a, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For the handler: connections now. */
int http_connections(const struct http *h);

#endif
