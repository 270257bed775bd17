/*
 * resolve - see resolve.h.
 */
#include "common/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/thread.h"

enum resolver_state { RESOLVER_IDLE, RESOLVER_BUSY, RESOLVER_DONE };

struct resolver {
    resolver_lookup_fn *lookup; /* immutable after open, with its context */
    void *context;
    int done_fd; /* readable: an answer is there, or about to be */

    struct thread thread; /* caller's thread only, with the question, which does not change while BUSY */
    char *host, *port;
    struct addrinfo *list; /* the helper's until it is joined, then the caller's */

    pthread_mutex_t lock; /* leaf; guards what follows */
    enum resolver_state state;
    int code; /* EAI_ */
};

static int system_lookup(void *context, const char *host, const char *port, struct addrinfo **list)
{
    (void)context;
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    return getaddrinfo(host, port, &hints, list);
}

int resolver_open(struct resolver **out, resolver_lookup_fn *lookup, void *context)
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
    eventfd_t count;
    eventfd_read(r->done_fd, &count); /* fails when it is not readable, which is as well */
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

int resolver_ask(struct resolver *r, const char *host, int port)
{
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    if (r->host && strcmp(r->host, host) == 0 && strcmp(r->port, port_text) == 0)
        return 0; /* that answer is still on its way, or has come meanwhile */
    resolver_reset(r);
    r->host = xstrdup(host);
    r->port = xstrdup(port_text);
    r->state = RESOLVER_BUSY;
    int rc = thread_start(&r->thread, "resolver", resolver_main, r);
    if (rc < 0)
        resolver_reset(r);
    return rc;
}

int resolver_fd(const struct resolver *r)
{
    return r->done_fd;
}

int resolver_take(struct resolver *r, struct addrinfo **list)
{
    thread_join(&r->thread);
    int code = r->code;
    *list = r->list;
    r->list = NULL;
    resolver_reset(r);
    return code;
}
