/*
 * dial - see dial.h.
 */
#include "chatbot/irc/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

enum resolver_state { RESOLVER_IDLE, RESOLVER_BUSY, RESOLVER_DONE };

struct resolver {
    dial_lookup_fn *lookup; /* immutable after open, with its context */
    void *context;
    int done_fd; /* readable: an answer is there, or about to be */

    struct thread thread; /* chat thread only, with the question, which does not change while BUSY */
    char *host, *port;
    struct addrinfo *list; /* the helper's until it is joined, then the chat thread's */

    pthread_mutex_t lock; /* guards what follows */
    enum resolver_state state;
    int code; /* EAI_ */
};

static int system_lookup(void *context, const char *host, const char *port, struct addrinfo **list)
{
    (void)context;
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    return getaddrinfo(host, port, &hints, list);
}

int resolver_open(struct resolver **out, dial_lookup_fn *lookup, void *context)
{
    struct resolver *r = xcalloc(1, sizeof *r);
    r->lookup = lookup ? lookup : system_lookup;
    r->context = context;
    pthread_mutex_init(&r->lock, NULL);
    r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *out = r;
    if (r->done_fd >= 0)
        return 0;
    int rc = -errno;
    resolver_close(out);
    return rc;
}

/* May be cancelled inside lookup. It has no variable whose address is taken: what a cancelled thread leaves
 * on its stack would confuse AddressSanitizer. */
static void *resolver_main(void *arg)
{
    struct resolver *r = arg;
    int code = r->lookup(r->context, r->host, r->port, &r->list);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_mutex_lock(&r->lock);
    r->code = code;
    r->state = RESOLVER_DONE;
    pthread_mutex_unlock(&r->lock);
    eventfd_write(r->done_fd, 1);
    return NULL;
}

static enum resolver_state resolver_state(struct resolver *r)
{
    pthread_mutex_lock(&r->lock);
    enum resolver_state state = r->state;
    pthread_mutex_unlock(&r->lock);
    return state;
}

/* Joins the helper and forgets question and answer; a helper that is still busy is cancelled. */
static void resolver_reset(struct resolver *r)
{
    if (r->thread.running && resolver_state(r) == RESOLVER_BUSY)
        pthread_cancel(r->thread.id);
    thread_join(&r->thread);
    if (r->list)
        freeaddrinfo(r->list);
    r->list = NULL;
    r->state = RESOLVER_IDLE;
    free(r->host);
    free(r->port);
    r->host = r->port = NULL;
    uint64_t count;
    ssize_t n = read(r->done_fd, &count, sizeof count);
    (void)n;
}

void resolver_close(struct resolver **r)
{
    if (!*r)
        return;
    resolver_reset(*r);
    if ((*r)->done_fd >= 0)
        close((*r)->done_fd);
    pthread_mutex_destroy(&(*r)->lock);
    free(*r);
    *r = NULL;
}

static int resolver_ask(struct resolver *r, const char *host, int port)
{
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    if (r->host && strcmp(r->host, host) == 0 && strcmp(r->port, port_text) == 0)
        return 0; /* asked already: that answer is still on its way, or has come meanwhile */
    resolver_reset(r);
    r->host = xstrdup(host);
    r->port = xstrdup(port_text);
    r->state = RESOLVER_BUSY;
    int rc = thread_start(&r->thread, "chat-dns", resolver_main, r);
    if (rc < 0)
        resolver_reset(r);
    return rc;
}

/* Hands the answer over: *list belongs to the caller. */
static int resolver_take(struct resolver *r, struct addrinfo **list)
{
    thread_join(&r->thread);
    int code = r->code;
    *list = r->list;
    r->list = NULL;
    resolver_reset(r);
    return code;
}

int dial_wait(int fd, short events, const struct transport_target *target, int64_t deadline_us)
{
    struct pollfd fds[2] = {{.fd = target->stop->fd, .events = POLLIN}, {.fd = fd, .events = events}};
    for (;;) {
        int64_t left_us = deadline_us - clock_real_us();
        int rc = poll(fds, 2, left_us > 0 ? (int)(left_us / 1000 + 1) : 0);
        if (stop_requested(target->stop))
            return -ECANCELED;
        if (rc > 0 && fds[1].revents)
            return 0;
        if (rc < 0 && errno != EINTR)
            return -errno;
        if (left_us <= 0)
            return -ETIMEDOUT;
    }
}

static int resolve(const struct transport_target *t, struct addrinfo **list, struct error *e)
{
    int rc = resolver_ask(t->resolver, t->host, t->port);
    if (rc < 0)
        return error_set(e, -rc, "cannot start a thread to look up %s: %s", t->host, strerror(-rc));
    rc = dial_wait(t->resolver->done_fd, POLLIN, t, t->deadline_us);
    if (rc == -ECANCELED)
        return error_set(e, ECANCELED, "stopped");
    if (rc < 0)
        return error_set(e, -rc, "looking up %s takes too long; is the name server reachable?", t->host);
    int code = resolver_take(t->resolver, list);
    if (code != 0)
        return error_set(e, EHOSTUNREACH, "cannot find %s: %s", t->host, gai_strerror(code));
    return 0;
}

static int connect_to(const struct addrinfo *a, const struct transport_target *t, int64_t deadline_us)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int rc = fd < FD_SETSIZE ? 0 : -EMFILE; /* the IRC library waits in select() */
    if (rc == 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0)
        rc = errno == EINPROGRESS || errno == EINTR ? dial_wait(fd, POLLOUT, t, deadline_us) : -errno;
    int failure = 0;
    socklen_t size = sizeof failure;
    if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0)
        rc = -failure;
    if (rc < 0) {
        close(fd);
        return rc;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

int dial(const struct transport_target *t, struct error *e)
{
    struct addrinfo *list = NULL;
    int rc = resolve(t, &list, e);
    if (rc < 0)
        return rc;
    int left = 0;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        left++;
    rc = -EHOSTUNREACH;
    for (const struct addrinfo *a = list; a && rc < 0 && rc != -ECANCELED; a = a->ai_next, left--) {
        int64_t now = clock_real_us();
        rc = connect_to(a, t, now + (t->deadline_us - now) / left);
    }
    if (list)
        freeaddrinfo(list);
    if (rc == -EMFILE)
        return error_set(e, EMFILE,
                         "more than %d files are open: too many for the chat; lower `ulimit -n` to 1024",
                         FD_SETSIZE);
    if (rc < 0)
        return error_set(e, -rc, "cannot connect to %s port %d: %s", t->host, t->port, strerror(-rc));
    return rc;
}

bool dial_is_local(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } peer = {0};
    socklen_t size = sizeof peer;
    if (getpeername(fd, &peer.any, &size) < 0)
        return false;
    if (peer.any.sa_family == AF_INET)
        return (ntohl(peer.v4.sin_addr.s_addr) >> 24) == 127;
    return peer.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&peer.v6.sin6_addr);
}
