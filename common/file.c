/*
 * file - see file.h.
 */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/mem.h"

enum { FIRST_BYTES = 4095 };

/* ---- reading ---- */

/* "No file, please" on many a command line. */
static bool is_null_device(const struct stat *st)
{
    struct stat null;
    return S_ISCHR(st->st_mode) && stat("/dev/null", &null) == 0 && st->st_rdev == null.st_rdev;
}

int file_open_regular(const char *path, struct stat *st, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, st) < 0) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return error_set(e, code, "%s: %s", path, strerror(code));
    }
    if (S_ISREG(st->st_mode) || is_null_device(st))
        return fd;
    close(fd);
    if (S_ISDIR(st->st_mode))
        return error_set(e, EISDIR, "%s: is a folder, not a regular file", path);
    return error_set(e, EINVAL, "%s: is not a regular file", path);
}

ssize_t file_read(int fd, void *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, (char *)out + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Files of /proc and the like say that they are empty, and any file may grow: the size is only where to begin. */
static int read_growing(int fd, size_t expected, size_t max, char **text, size_t *bytes)
{
    size_t room = expected > FIRST_BYTES ? expected : FIRST_BYTES, used = 0;
    room = (room < max ? room : max) + 1;
    char *out = xmalloc(room + 1);
    for (;;) {
        ssize_t n = file_read(fd, out + used, room - used);
        used += n > 0 ? (size_t)n : 0;
        if (n < 0 || used > max) {
            free(out);
            return n < 0 ? (int)n : -EFBIG;
        }
        if (used < room)
            break;
        room = room < max / 2 ? 2 * room : max + 1;
        out = xrealloc(out, room + 1);
    }
    out[used] = '\0';
    *text = out;
    *bytes = used;
    return 0;
}

int file_read_all(const char *path, size_t max, char **text, size_t *bytes, struct error *e)
{
    struct stat st;
    size_t count = 0;
    *text = NULL;
    int fd = file_open_regular(path, &st, e);
    if (fd < 0)
        return fd;
    int rc = read_growing(fd, (size_t)st.st_size, max, text, &count);
    close(fd);
    if (bytes)
        *bytes = count;
    if (rc == -EFBIG)
        return error_set(e, EFBIG, "%s: holds more than %zu bytes", path, max);
    return rc < 0 ? error_set(e, -rc, "%s: cannot be read: %s", path, strerror(-rc)) : 0;
}

/* ---- writing ---- */

size_t file_write(int fd, const void *data, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = write(fd, (const char *)data + done, bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

/* Some kinds of file systems have nothing to sync and say EINVAL. */
static int sync_to_disk(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL ? 0 : -errno;
}

/* A folder that may be written but not read cannot be opened: then the rename is as safe as it gets. */
static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash          ? xstrdup(".")
                   : slash == path ? xstrdup("/")
                                   : xasprintf("%.*s", (int)(slash - path), path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? 0 : sync_to_disk(fd);
    if (fd >= 0)
        close(fd);
    free(folder);
    return rc;
}

/* O_EXCL: nobody's link or file is written through. */
static int create_part(const char *part, mode_t mode)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(part, flags, mode);
    if (fd < 0 && errno == EEXIST && unlink(part) == 0)
        fd = open(part, flags, mode);
    return fd < 0 ? -errno : fd;
}

static int write_part(int fd, const void *data, size_t bytes)
{
    struct stat st;
    if (file_write(fd, data, bytes) < bytes)
        return -errno;
    int rc = sync_to_disk(fd);
    if (rc == 0 && fstat(fd, &st) < 0)
        rc = -errno;
    return rc == 0 && st.st_nlink == 0 ? -EBUSY : rc; /* another writer has thrown our part away */
}

/* A device or a FIFO of that name would be replaced by a file. */
static int check_replaceable(const char *path, struct error *e)
{
    struct stat st;
    if (lstat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
        return 0;
    return error_set(e, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "%s: is there and is not a regular file",
                     path);
}

int file_write_whole(const char *path, const void *data, size_t bytes, mode_t mode, struct error *e)
{
    int checked = check_replaceable(path, e);
    if (checked < 0)
        return checked;
    char *part = xasprintf("%s.part", path);
    int fd = create_part(part, mode), rc = fd < 0 ? fd : write_part(fd, data, bytes);
    if (fd >= 0 && close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(part, path) != 0)
        rc = -errno;
    if (rc < 0 && fd >= 0 && rc != -EBUSY)
        unlink(part);
    if (rc == 0)
        rc = sync_folder_of(path);
    free(part);
    return rc < 0 ? error_set(e, -rc, "%s: cannot be written: %s", path, strerror(-rc)) : 0;
}

/* ---- folders ---- */

/* Some folder on the way may be there and not be ours to write: only what the last mkdir says counts. */
static int make_folders(char *path, mode_t mode)
{
    struct stat st;
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, mode);
        *slash = '/';
    }
    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    return stat(path, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_make_folders(const char *path, mode_t mode, struct error *e)
{
    char *copy = xstrdup(path);
    int rc = path[0] ? make_folders(copy, mode) : -EINVAL;
    free(copy);
    return rc < 0 ? error_set(e, -rc, "%s: cannot be made: %s", path, strerror(-rc)) : 0;
}

/* ---- Would it work? ---- */

/* `path` itself, or the nearest above it that is there. */
static void nearest_there(const char *path, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", path);
    while (out[0] && access(out, F_OK) < 0) {
        char *slash = strrchr(out, '/');
        *(slash && slash > out ? slash : slash ? slash + 1 : out) = '\0';
        if (slash == out)
            return;
    }
    if (!out[0])
        strcpy(out, ".");
}

/* By doing it: what access() says of a read-only or special file system is not the truth. */
static int try_folder(const char *folder)
{
    char trial[PATH_MAX + 32];
    snprintf(trial, sizeof trial, "%s/.reverie-check.XXXXXX", folder);
    if (!mkdtemp(trial))
        return -errno;
    rmdir(trial);
    return 0;
}

int file_check_folder(const char *path, int64_t *free_mb, struct error *e)
{
    char folder[PATH_MAX];
    struct stat st;
    struct statvfs v;
    nearest_there(path, folder);
    int rc = stat(folder, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? try_folder(folder) : -ENOTDIR;
    if (rc < 0)
        return error_set(e, -rc, "%s: nothing can be made in %s: %s", path, folder, strerror(-rc));
    if (free_mb)
        *free_mb =
            statvfs(folder, &v) < 0 ? INT64_MAX : (int64_t)((double)v.f_bavail * (double)v.f_frsize / 1e6);
    return 0;
}

/* Folder of a path. */
static void folder_of(const char *path, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash)
        slash[slash == out] = '\0';
    else
        strcpy(out, ".");
}

/* A file whose mode lets nobody write is meant to stay as it is, whatever root could do. */
static int check_there(const char *path, const struct stat *st)
{
    if (S_ISDIR(st->st_mode))
        return -EISDIR;
    if (!(st->st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
        return -EACCES;
    return access(path, W_OK) < 0 ? -errno : 0;
}

int file_check_target(const char *path, bool *is_special, struct error *e)
{
    char folder[PATH_MAX], target[PATH_MAX];
    struct stat st;
    if (is_special)
        *is_special = false;
    if (!path[0])
        return error_set(e, EINVAL, "the name of the file to write is empty");
    bool is_there = stat(path, &st) == 0;
    int rc = is_there ? check_there(path, &st) : 0;
    if (rc == -EISDIR)
        return error_set(e, EISDIR, "%s: is a folder; name a file in it", path);
    if (rc < 0)
        return error_set(e, -rc, "%s: cannot be written: %s", path, strerror(-rc));
    if (is_there && !S_ISREG(st.st_mode)) {
        if (is_special)
            *is_special = true;
        return 0;
    }
    folder_of(is_there && realpath(path, target) ? target : path, folder);
    rc = stat(folder, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? try_folder(folder) : -ENOTDIR;
    return rc < 0 ? error_set(e, -rc, "%s: cannot be written: %s", path, strerror(-rc)) : 0;
}

/* ---- A place that a person has named ---- */

static int write_special(const char *path, const void *data, size_t bytes, struct error *e)
{
    int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC), rc = fd < 0 ? -errno : 0;
    if (rc == 0 && file_write(fd, data, bytes) < bytes)
        rc = -errno;
    if (fd >= 0 && close(fd) != 0 && rc == 0)
        rc = -errno;
    return rc < 0 ? error_set(e, -rc, "%s: cannot be written: %s", path, strerror(-rc)) : 0;
}

/* A link to nothing yet: the file that it names is made, so that it has a real path. */
static int make_linked(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

int file_write_place(const char *path, const void *data, size_t bytes, mode_t mode, struct error *e)
{
    char target[PATH_MAX];
    struct stat st, own;
    bool is_there = stat(path, &st) == 0, is_link = lstat(path, &own) == 0 && S_ISLNK(own.st_mode);
    if (is_there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return write_special(path, data, bytes, e);
    int rc = is_there ? check_there(path, &st) : is_link ? make_linked(path) : 0;
    if (rc == 0 && is_link && !realpath(path, target))
        rc = -errno;
    if (rc < 0)
        return error_set(e, -rc, "%s: cannot be written: %s", path, strerror(-rc));
    return file_write_whole(is_link ? target : path, data, bytes, mode, e);
}
