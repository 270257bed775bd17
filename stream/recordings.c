/*
 * recordings - see recordings.h.
 */
#include "stream/recordings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

enum { NAME_TRIES = 1000, FRESH_S = 60, DAY_S = 86400 };

int64_t recordings_free_mb(const char *dir)
{
    struct statvfs v;
    if (statvfs(dir, &v) < 0)
        return INT64_MAX;
    return (int64_t)((double)v.f_bavail * (double)v.f_frsize / 1e6);
}

int recordings_create(const char *dir, unsigned *serial, char **path)
{
    char stamp[32];
    struct tm t;
    time_t now = time(NULL);
    localtime_r(&now, &t);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &t);
    for (int i = 0; i < NAME_TRIES; i++) {
        *path = xasprintf("%s/%s-%03u.mp4", dir, stamp, (*serial)++ % 1000);
        int fd = open(*path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            return fd;
        int rc = -errno;
        free(*path);
        *path = NULL;
        if (rc != -EEXIST)
            return rc;
    }
    return -EEXIST;
}

/* ---- what has to go ---- */

/* For scandir: a 9 stands for any digit. */
static int is_ours(const struct dirent *d)
{
    static const char form[] = "99999999-999999-999.mp4";
    const char *name = d->d_name;
    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == '9' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
            return 0;
    return 1;
}

static int64_t held_bytes(const struct stat *st)
{
    return (int64_t)st->st_blocks * 512;
}

/* A file that may go, or not. */
static bool look_at(int dir_fd, const char *name, struct stat *st, time_t now)
{
    return fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode) &&
           now - st->st_mtime > FRESH_S;
}

static double total_bytes(int dir_fd, struct dirent **names, int count)
{
    double total = 0;
    struct stat st;
    for (int i = 0; i < count; i++)
        if (fstatat(dir_fd, names[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            total += (double)held_bytes(&st);
    return total;
}

/* Why this one has to go, or NULL. */
static const char *reason(const char *dir, const struct recordings_limits *limits, const struct stat *st,
                          double total, time_t now)
{
    if (limits->days > 0 && (now - st->st_mtime) / DAY_S >= limits->days)
        return "it is older than record.keep_days";
    if (limits->gb > 0 && total > limits->gb * 1e9)
        return "all together are more than record.keep_gb";
    if (limits->free_mb > 0 && recordings_free_mb(dir) < limits->free_mb)
        return "less than record.min_free_mb is free";
    return NULL;
}

/* The recording and what describes it. */
static bool remove_all(int dir_fd, const char *name)
{
    static const char *const endings[] = {".json", ".vtt"};
    char beside[64];
    if (unlinkat(dir_fd, name, 0) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        snprintf(beside, sizeof beside, "%.*s%s", (int)strcspn(name, "."), name, endings[i]);
        unlinkat(dir_fd, beside, 0);
    }
    return true;
}

/* The names are times, so their order is that of age. */
int recordings_tidy(const char *dir, const struct recordings_limits *limits)
{
    struct dirent **names = NULL;
    int removed = 0, dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = dir_fd < 0 ? 0 : scandirat(dir_fd, ".", &names, is_ours, alphasort);
    double total = count > 0 ? total_bytes(dir_fd, names, count) : 0;
    for (int i = 0; i < count; i++) {
        struct stat st;
        time_t now = time(NULL);
        const char *why =
            look_at(dir_fd, names[i]->d_name, &st, now) ? reason(dir, limits, &st, total, now) : NULL;
        if (why && remove_all(dir_fd, names[i]->d_name)) {
            log_info("record", "removed %s/%s (%.1f MB): %s", dir, names[i]->d_name,
                     (double)held_bytes(&st) / 1e6, why);
            total -= (double)held_bytes(&st);
            removed++;
        } else if (why) {
            log_warn("record", "cannot remove %s/%s, though %s: %s", dir, names[i]->d_name, why,
                     strerror(errno));
        }
    }
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    if (dir_fd >= 0)
        close(dir_fd);
    return removed;
}
