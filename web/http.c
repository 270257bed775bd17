/*
 * http - see http.h.
 *
 * libmicrohttpd runs in its external epoll mode: our thread polls its descriptor, our bell and the clock, and
 * calls MHD_run. A connection whose answer has nothing to send is suspended and resumed after the next ring;
 * both happen on this thread, so none is lost between them. When the library meets a state that it calls
 * impossible it may not return: the thread ends there, the page with it, and the show goes on.
 */
#include "web/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"
#include "web/door.h"
#include "web/listen.h"

enum {
    CONNECTIONS = 256,
    CONNECTIONS_PER_ADDRESS = 32, /* on this machine itself all share one address: CONNECTIONS */
    MEMORY_BYTES = 12 << 10,      /* of a connection: request line and headers, then what is sent */
    BLOCK_BYTES = 32 << 10,
    REQUEST_US = 5000000,
    IDLE_US = 15000000, /* between two requests */
    ANSWER_US = 10000000,
    STREAM_US = 5000000,
    SEND_BYTES = 128 << 10, /* what the kernel holds for one that does not read; it doubles it */
};

#define NEVER INT64_MAX

static const char *const security_headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

static const char *const header_names[HTTP_HEADER_COUNT] = {
    [HTTP_HOST] = "Host",
    [HTTP_ORIGIN] = "Origin",
    [HTTP_FETCH_SITE] = "Sec-Fetch-Site",
    [HTTP_CONTENT_TYPE] = "Content-Type",
    [HTTP_CSRF] = "X-CSRF-Token",
    [HTTP_AUTHORIZATION] = "Authorization",
    [HTTP_IF_NONE_MATCH] = "If-None-Match",
};

/* One TCP connection. */
struct connection {
    struct connection *next, *previous;
    struct MHD_Connection *mhd;
    int fd;
    char peer[HTTP_PEER_BYTES];
    int64_t deadline_us; /* when it is given up; NEVER while we owe it something */
    int requests;        /* begun so far */
    bool by_door;
    bool suspended;
};

/* One request on a connection, from its request line to the end of its answer. */
struct exchange {
    struct http *http;
    struct connection *connection;
    char *target; /* owned */
    bool begun;   /* the headers were read */
    bool early;   /* answered before its body */
    int64_t whole_us;
    struct http_request request;
    struct http_source source;
    char body[HTTP_BODY_BYTES + 1];
};

struct http {
    struct http_params p;
    struct MHD_Daemon *daemon;
    int bell; /* eventfd */
    int port; /* -1: none */
    int door; /* listens there; -1: none */
    struct stop stop;
    struct thread thread;

    /* server's thread only */
    struct connection *connections;
    int count;
    bool broken; /* the library gave up */
};

/* The library tells its panic to a function without context. One server a process is all there is. */
static _Thread_local struct http *current;

/* ---- connections ---- */

static void name_peer(struct connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    c->by_door = a && a->sa_family == AF_UNIX;
    strcpy(c->peer, c->by_door ? "door" : "?");
    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, c->peer, sizeof c->peer);
    else if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, c->peer,
                  sizeof c->peer);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *h = context;
    struct connection *c = *slot;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *slot = c = xcalloc(1, sizeof *c);
        c->mhd = mhd;
        c->fd = info ? info->connect_fd : -1;
        setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BYTES}, sizeof(int));
        c->deadline_us = clock_real_us() + REQUEST_US;
        name_peer(c);
        c->next = h->connections;
        if (c->next)
            c->next->previous = c;
        h->connections = c;
        h->count++;
    } else if (c) {
        *(c->previous ? &c->previous->next : &h->connections) = c->next;
        if (c->next)
            c->next->previous = c->previous;
        h->count--;
        free(c);
        *slot = NULL;
    }
}

/* Gives up those whose time is over; the library finds them closed. */
static void sweep(struct http *h, int64_t now_us)
{
    for (struct connection *c = h->connections; c; c = c->next)
        if (now_us >= c->deadline_us) {
            shutdown(c->fd, SHUT_RDWR);
            c->deadline_us = NEVER;
        }
}

static void suspend(struct connection *c)
{
    if (c->suspended)
        return;
    c->suspended = true;
    c->deadline_us = NEVER;
    MHD_suspend_connection(c->mhd);
}

static void resume_all(struct http *h)
{
    for (struct connection *c = h->connections; c; c = c->next)
        if (c->suspended) {
            c->suspended = false;
            MHD_resume_connection(c->mhd);
        }
}

/* ---- answers ---- */

static ssize_t read_source(void *context, uint64_t position, char *out, size_t size)
{
    struct exchange *x = context;
    (void)position;
    ssize_t n = x->source.read(x->source.context, out, size);
    if (n < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0)
        suspend(x->connection);
    else
        x->connection->deadline_us = clock_real_us() + STREAM_US;
    return n;
}

static struct MHD_Response *make_response(struct exchange *x, struct http_answer *a)
{
    if (a->source.read) {
        x->source = a->source;
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_source, x, NULL);
    }
    if (a->owned)
        return MHD_create_response_from_buffer(a->body_bytes, a->owned, MHD_RESPMEM_MUST_FREE);
    return MHD_create_response_from_buffer(a->body_bytes, (void *)(uintptr_t)a->body, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_answer(struct exchange *x, struct http_answer *a)
{
    struct MHD_Response *r = make_response(x, a);
    if (!r)
        return MHD_NO;
    for (size_t i = 0; i < ARRAY_LEN(security_headers); i++)
        MHD_add_response_header(r, security_headers[i][0], security_headers[i][1]);
    if (a->type)
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
    for (int i = 0; i < a->header_count; i++)
        MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
    if (x->early)
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    x->connection->deadline_us = clock_real_us() + ANSWER_US;
    enum MHD_Result result = MHD_queue_response(x->connection->mhd, (unsigned)a->status, r);
    MHD_destroy_response(r);
    return result;
}

void http_add_header(struct http_answer *a, const char *name, const char *format, ...)
{
    if (a->header_count == HTTP_HEADERS_MAX)
        return;
    char *value = a->headers[a->header_count].value;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(value, sizeof a->headers[0].value, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof a->headers[0].value)
        return;
    for (const char *p = value; *p; p++)
        if (*p < ' ' || *p > '~')
            return;
    a->headers[a->header_count++].name = name;
}

/* ---- requests ---- */

static enum http_method method_of(const char *text)
{
    if (strcmp(text, MHD_HTTP_METHOD_GET) == 0)
        return HTTP_GET;
    if (strcmp(text, MHD_HTTP_METHOD_HEAD) == 0)
        return HTTP_HEAD;
    return strcmp(text, MHD_HTTP_METHOD_POST) == 0 ? HTTP_POST : HTTP_OTHER;
}

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_bytes, const char *value, size_t value_bytes)
{
    struct http_request *r = context;
    (void)kind;
    (void)name_bytes;
    for (int i = 0; value && i < HTTP_HEADER_COUNT; i++) {
        if (strcasecmp(name, header_names[i]) != 0)
            continue;
        if (r->header[i] || strlen(value) != value_bytes)
            r->repeated = true;
        r->header[i] = value;
    }
    return MHD_YES;
}

/* What the server itself does not take. 0 or a status. */
static int bounds_fault(struct MHD_Connection *mhd, const struct http_request *r)
{
    const char *length = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        return MHD_HTTP_BAD_REQUEST;
    if (!length)
        return r->method == HTTP_POST ? MHD_HTTP_LENGTH_REQUIRED : 0;
    char *end;
    errno = 0;
    unsigned long long bytes = strtoull(length, &end, 10);
    if (errno || *end || length[0] < '0' || length[0] > '9')
        return MHD_HTTP_BAD_REQUEST;
    return bytes > HTTP_BODY_BYTES ? MHD_HTTP_CONTENT_TOO_LARGE : 0;
}

static enum MHD_Result dispatch(struct exchange *x)
{
    struct http *h = x->http;
    struct http_answer a = {0};
    x->request.age_us = clock_real_us() - x->whole_us;
    if (h->p.handler(h->p.context, &x->request, &a))
        return send_answer(x, &a);
    suspend(x->connection);
    return MHD_YES;
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* The request line was read: the library has not decoded anything yet. */
static void *on_target(void *context, const char *target, struct MHD_Connection *mhd)
{
    struct exchange *x = xcalloc(1, sizeof *x);
    x->http = context;
    x->connection = connection_of(mhd);
    x->target = xstrdup(target);
    if (x->connection && x->connection->requests++ > 0)
        x->connection->deadline_us = clock_real_us() + REQUEST_US;
    return x;
}

static enum MHD_Result begin(struct exchange *x, const char *method)
{
    struct http_request *r = &x->request;
    x->begun = true;
    r->method = method_of(method);
    r->target = x->target;
    r->peer = x->connection->peer;
    r->by_door = x->connection->by_door;
    r->body = x->body;
    MHD_get_connection_values_n(x->connection->mhd, MHD_HEADER_KIND, take_header, r);
    r->fault = bounds_fault(x->connection->mhd, r);
    if (!r->fault)
        return MHD_YES;
    x->early = true;
    x->whole_us = clock_real_us();
    return dispatch(x);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **slot)
{
    struct exchange *x = *slot;
    (void)context;
    (void)url;
    (void)version;
    if (!x || !x->connection)
        return MHD_NO;
    x->connection->mhd = mhd;
    if (!x->begun)
        return begin(x, method);
    if (*upload_bytes > 0) {
        if (x->request.body_bytes + *upload_bytes > HTTP_BODY_BYTES)
            return MHD_NO; /* more than it announced */
        memcpy(x->body + x->request.body_bytes, upload, *upload_bytes);
        x->request.body_bytes += *upload_bytes;
        *upload_bytes = 0;
        return MHD_YES;
    }
    if (x->whole_us == 0)
        x->whole_us = clock_real_us();
    return dispatch(x);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *x = *slot;
    (void)context;
    (void)mhd;
    (void)code;
    if (!x)
        return;
    if (x->source.close)
        x->source.close(x->source.context);
    if (x->connection)
        x->connection->deadline_us = clock_real_us() + IDLE_US;
    free(x->target);
    free(x);
    *slot = NULL;
}

/* Nothing is decoded: the router takes the target as it was sent, and escapes in paths are refused there. */
static size_t leave_escapes(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

static void on_library_log(void *context, const char *format, va_list args)
{
    char text[256];
    (void)context;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("web", "%s", text);
}

static void on_panic(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    log_error("web", "the web server library stopped at %s:%u (%s); the show goes on without its page",
              file ? file : "?", line, reason ? reason : "no reason given");
    if (!current)
        abort();
    current->broken = true;
    pthread_exit(NULL);
}

/* ---- the thread ---- */

/* Those who came by the door. The library takes each over, also where it turns him away. */
static void let_in(struct http *h)
{
    const struct sockaddr_un nobody = {.sun_family = AF_UNIX};
    int fd;
    while ((fd = accept4(h->door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        MHD_add_connection(h->daemon, fd, (const struct sockaddr *)&nobody, sizeof nobody);
}

static int wait_ms(struct http *h, int64_t tick_us)
{
    int64_t left_us = tick_us - clock_real_us();
    MHD_UNSIGNED_LONG_LONG library_ms;
    int ms = left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
    if (MHD_get_timeout(h->daemon, &library_ms) == MHD_YES && library_ms < (unsigned)ms)
        ms = (int)library_ms;
    return ms;
}

static void *http_main(void *arg)
{
    struct http *h = current = arg;
    thread_lower_priority(0);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd fds[] = {{.fd = info->epoll_fd, .events = POLLIN},
                           {.fd = h->bell, .events = POLLIN},
                           {.fd = h->stop.fd, .events = POLLIN},
                           {.fd = h->door, .events = POLLIN}}; /* poll passes over -1 */
    int64_t tick_us = clock_real_us();
    while (!stop_requested(&h->stop)) {
        int ready = poll(fds, ARRAY_LEN(fds), wait_ms(h, tick_us));
        uint64_t rings;
        bool rang = ready > 0 && fds[1].revents && read(h->bell, &rings, sizeof rings) > 0;
        int64_t now_us = clock_real_us();
        if (rang || now_us >= tick_us) {
            if (h->p.tick)
                h->p.tick(h->p.context);
            sweep(h, now_us);
            resume_all(h);
            tick_us = now_us + HTTP_TICK_US;
        }
        if (ready > 0 && fds[3].revents)
            let_in(h);
        MHD_run(h->daemon);
    }
    resume_all(h);
    MHD_stop_daemon(h->daemon);
    h->daemon = NULL;
    return NULL;
}

/* ---- open and close ---- */

/* Takes `fd`, also on failure; -1: no port. */
static int start_daemon(struct http *h, int fd, struct error *e)
{
    unsigned per_address =
        h->p.no_port || listen_is_loopback(h->p.bind) ? CONNECTIONS : CONNECTIONS_PER_ADDRESS;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    h->port = fd < 0 ? -1 : listen_port(fd);
    if (fd < 0)
        flags |= MHD_USE_NO_LISTEN_SOCKET;
    else if (h->port < 0) {
        close(fd);
        return error_set(e, -h->port, "no port: %s", strerror(-h->port));
    }
    MHD_set_panic_func(on_panic, NULL);
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, h,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_URI_LOG_CALLBACK, on_target, h,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, h, fd < 0 ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_END);
    if (h->daemon)
        return 0;
    if (fd >= 0)
        close(fd);
    return error_set(e, EIO, "the web server does not start");
}

/* -1 where there is none, -errno where there must be one. */
static int open_door(struct http *h, struct error *e)
{
    if (!h->p.folder)
        return -1;
    int fd = door_open(h->p.folder, e);
    if (fd < 0 && !h->p.no_port)
        log_warn("web", "%s; `reverie status` cannot ask this show", e->text);
    return fd >= 0 || h->p.no_port ? fd : -1;
}

int http_open(struct http **out, const struct http_params *p, struct error *e)
{
    struct http *h = *out = xcalloc(1, sizeof *h);
    h->p = *p;
    h->stop.fd = h->door = -1;
    h->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int rc = h->bell < 0 ? -errno : stop_init(&h->stop);
    if (rc < 0) {
        error_set(e, -rc, "no event descriptor: %s", strerror(-rc));
        goto error;
    }
    rc = p->no_port ? -1 : listen_on(p->bind, p->port, e);
    if ((rc < 0 && !p->no_port) || (rc = start_daemon(h, rc, e)) < 0)
        goto error;
    h->door = rc = open_door(h, e);
    if (rc < 0 && p->no_port)
        goto error;
    if ((rc = thread_start(&h->thread, "web", http_main, h)) < 0) {
        error_set(e, -rc, "cannot start a thread: %s", strerror(-rc));
        goto error;
    }
    return 0;
error:
    http_close(out);
    return rc;
}

void http_close(struct http **out)
{
    struct http *h = *out;
    if (!h)
        return;
    if (h->stop.fd >= 0)
        stop_request(&h->stop);
    thread_join(&h->thread);
    if (h->daemon && !h->broken)
        MHD_stop_daemon(h->daemon); /* the thread never ran */
    if (h->stop.fd >= 0)
        stop_close(&h->stop);
    if (h->bell >= 0)
        close(h->bell);
    door_close(h->p.folder, h->door);
    free(h);
    *out = NULL;
}

int http_port(const struct http *h)
{
    return h->port;
}

void http_wake(struct http *h)
{
    uint64_t one = 1;
    ssize_t n = write(h->bell, &one, sizeof one); /* full: it has been rung */
    (void)n;
}

int http_connections(const struct http *h)
{
    return h->count;
}
