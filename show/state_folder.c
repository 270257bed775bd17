/*
 * state_folder - see state_folder.h.
 */
#include "show/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"

_Static_assert(STATE_PATH_BYTES >= PATH_MAX, "realpath fits");

/* A variable that names folders, the first of which is taken; those that are not absolute do not count
 * (XDG Base Directory Specification). False: it names none. */
static bool take_variable(const char *name, const char *below, char out[STATE_PATH_BYTES])
{
    const char *value = getenv(name);
    if (!value || value[0] != '/')
        return false;
    int n = snprintf(out, STATE_PATH_BYTES, "%.*s%s", (int)strcspn(value, ":"), value, below);
    return n < STATE_PATH_BYTES;
}

bool state_folder_find(const char *state_dir, char out[STATE_PATH_BYTES])
{
    if (!state_dir[0])
        return false;
    if (strcmp(state_dir, "auto") != 0)
        return snprintf(out, STATE_PATH_BYTES, "%s", state_dir) < STATE_PATH_BYTES;
    return take_variable("STATE_DIRECTORY", "", out) || take_variable("XDG_STATE_HOME", "/reverie", out) ||
           take_variable("HOME", "/.local/state/reverie", out);
}

int state_folder_make_private(const char *path, struct error *e)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0) {
        int code = errno;
        return error_set(e, code, "%s: %s", path,
                         code == ELOOP ? "is a link, which is not followed here" : strerror(code));
    }
    int rc = fstat(fd, &st) < 0        ? -errno
             : !S_ISREG(st.st_mode)    ? -EINVAL
             : (st.st_mode & 077) == 0 ? 0
             : fchmod(fd, 0600) == 0   ? 0
                                       : -errno;
    close(fd);
    if (rc == -EINVAL)
        return error_set(e, EINVAL, "%s: is not a regular file", path);
    return rc < 0 ? error_set(e, -rc, "%s: cannot be made private: %s", path, strerror(-rc)) : 0;
}

int state_folder_lock(const char *folder, char real[STATE_PATH_BYTES], int *out, struct error *e)
{
    *out = -1;
    int rc = file_make_folders(folder, 0700, e);
    if (rc < 0)
        return rc;
    if (!realpath(folder, real)) {
        int code = errno;
        return error_set(e, code, "%s: %s", folder, strerror(code));
    }
    char *path = xasprintf("%s/lock", real);
    int fd = -1;
    rc = state_folder_make_private(path, e);
    if (rc == 0 && (fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)) < 0)
        rc = error_set(e, errno, "%s: cannot be opened", path);
    if (rc == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int code = errno == EWOULDBLOCK ? EBUSY : errno;
        rc = error_set(e, code, "%s: %s", real,
                       code == EBUSY ? "another show keeps its state there; choose another show.state_dir"
                                     : strerror(code));
    }
    free(path);
    if (rc < 0 && fd >= 0)
        close(fd);
    else
        *out = fd;
    return rc;
}

int state_folder_set_aside(const char *path, const char *const *ends, struct error *e)
{
    char *aside = xasprintf("%s.damaged-%lld", path, (long long)time(NULL));
    int rc = 0;
    for (; *ends && rc == 0; ends++) {
        char *from = xasprintf("%s%s", path, *ends), *to = xasprintf("%s%s", aside, *ends);
        if (rename(from, to) < 0 && errno != ENOENT)
            rc = error_set(e, errno, "%s: cannot be set aside: %s", from, strerror(errno));
        free(from);
        free(to);
    }
    if (rc == 0)
        log_warn("show", "%s is damaged; it is %s now, and a new one begins without its wishes and bans",
                 path, aside);
    free(aside);
    return rc;
}
