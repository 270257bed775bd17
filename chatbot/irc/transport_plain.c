/*
 * transport_plain - TCP and nothing more: for a server on the same machine, or a channel that
 * is read anonymously.
 */
#include "chatbot/irc/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chatbot/irc/dial.h"

struct plain {
    int fd_plus_one; /* zeroed: none */
};

static int plain_open(void *priv, const struct transport_target *target, struct error *e)
{
    struct plain *p = priv;
    int fd = dial(target, e);
    if (fd < 0)
        return fd;
    p->fd_plus_one = fd + 1;
    return 0;
}

static int plain_fd(void *priv)
{
    return ((struct plain *)priv)->fd_plus_one - 1;
}

static ssize_t result(ssize_t n)
{
    if (n >= 0)
        return n;
    return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static ssize_t plain_read(void *priv, void *data, size_t bytes)
{
    return result(recv(plain_fd(priv), data, bytes, 0));
}

static ssize_t plain_write(void *priv, const void *data, size_t bytes)
{
    return result(send(plain_fd(priv), data, bytes, MSG_NOSIGNAL));
}

static bool plain_is_local(void *priv)
{
    return dial_is_local(plain_fd(priv));
}

static void plain_close(void *priv)
{
    if (plain_fd(priv) >= 0)
        close(plain_fd(priv));
}

const struct transport_ops transport_plain = {
    .name = "plain",
    .description = "TCP without encryption",
    .encrypted = false,
    .priv_size = sizeof(struct plain),
    .open = plain_open,
    .fd = plain_fd,
    .read = plain_read,
    .write = plain_write,
    .is_local = plain_is_local,
    .close = plain_close,
};
