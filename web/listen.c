/*
 * listen - see listen.h.
 */
#include "web/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static socklen_t make_address(const char *bind_to, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (void *)out;
    struct sockaddr_in6 *v6 = (void *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, bind_to, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, bind_to, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        return sizeof *v6;
    }
    return 0;
}

int listen_on(const char *bind_to, int port, struct error *e)
{
    struct sockaddr_storage address;
    socklen_t bytes = make_address(bind_to, port, &address);
    if (bytes == 0)
        return error_set(e, EINVAL, "web.bind \"%s\" is not an IP address, like 127.0.0.1", bind_to);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (fd < 0)
        return error_set(e, errno, "no socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, bytes) < 0 || listen(fd, BACKLOG) < 0) {
        int code = errno;
        close(fd);
        return error_set(e, code, "%s port %d cannot be opened: %s", bind_to, port, strerror(code));
    }
    return fd;
}

int listen_try(const char *bind_to, int port, struct error *e)
{
    int fd = listen_on(bind_to, port, e);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

int listen_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t bytes = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &bytes) < 0)
        return -errno;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&a)->sin6_port
                                         : ((struct sockaddr_in *)(void *)&a)->sin_port);
}

bool listen_is_loopback(const char *bind_to)
{
    return strncmp(bind_to, "127.", 4) == 0 || strcmp(bind_to, "::1") == 0;
}
