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
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/resolve.h"

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
    rc = dial_wait(resolver_fd(t->resolver), POLLIN, t, t->deadline_us);
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
