/*
 * door - see door.h. A socket's path has 107 bytes at most, a folder's far more: the folder is opened, and named by its
 * descriptor.
 */
#include "web/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

/* The socket's address by way of the folder's descriptor, which is to be closed after its use; or -errno. */
static int find(const char *folder, struct sockaddr_un *address)
{
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/" DOOR_NAME, fd);
    return fd;
}

int door_open(const char *folder, struct error *e)
{
    struct sockaddr_un address;
    int at = find(folder, &address), code = 0;
    if (at < 0)
        return error_set(e, -at, "%s: %s", folder, strerror(-at));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && unlinkat(at, DOOR_NAME, 0) < 0 && errno != ENOENT)
        code = errno;
    /* The mode is the file's from its first moment on: bind takes it from the socket (Linux). */
    if (fd < 0 || code || fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, BACKLOG) < 0) {
        code = code ? code : errno;
        if (fd >= 0)
            close(fd);
        fd = error_set(e, code, "%s/" DOOR_NAME " cannot be opened: %s", folder, strerror(code));
    }
    close(at);
    return fd;
}

void door_close(const char *folder, int fd)
{
    struct sockaddr_un address;
    if (fd < 0)
        return;
    close(fd);
    int at = find(folder, &address);
    if (at < 0)
        return;
    unlinkat(at, DOOR_NAME, 0);
    close(at);
}

int door_knock(const char *folder, int patience_s, struct error *e)
{
    struct sockaddr_un address;
    const struct timeval patience = {.tv_sec = patience_s};
    int at = find(folder, &address);
    if (at < 0)
        return error_set(e, -at, "%s: %s", folder, strerror(-at));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        fd = error_set(e, code, "%s/" DOOR_NAME ": %s", folder, strerror(code));
    }
    close(at);
    return fd;
}
