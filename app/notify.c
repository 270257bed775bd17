/*
 * notify - see notify.h.
 */
#include "app/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

/* A name that begins with @ is in Linux's abstract namespace: its first byte is NUL on the wire. */
static int connect_to(const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length >= sizeof to.sun_path)
        return -1;
    memcpy(to.sun_path, name, length);
    if (name[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, bytes) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void notify_open(struct notify *n)
{
    const char *name = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"),
               *pid = getenv("WATCHDOG_PID");
    *n = (struct notify){.fd = name ? connect_to(name) : -1};
    if (usec && (!pid || strtol(pid, NULL, 10) == (long)getpid()))
        n->every_us = strtoll(usec, NULL, 10) / 4;
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void notify_say(const struct notify *n, const char *state)
{
    if (n->fd >= 0)
        (void)!send(n->fd, state, strlen(state), MSG_NOSIGNAL);
}

void notify_frame(struct notify *n)
{
    int64_t now_us = clock_real_us();
    if (!n->ready)
        notify_say(n, "READY=1");
    n->ready = true;
    if (n->every_us <= 0 || now_us - n->alive_us < n->every_us)
        return;
    notify_say(n, "WATCHDOG=1");
    n->alive_us = now_us;
}
