/*
 * disk_watch - see disk_watch.h.
 */
#include "stream/disk_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"

enum { SYNC_US = 2000000, LOOK_US = 500000, HANGS_US = 5000000 };

struct disk_watch {
    const char *part, *folder; /* immutable */
    struct thread syncer, watcher;

    _Atomic int64_t writing_us, syncing_us; /* since when; 0: not at the moment */

    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t changed;
    bool ending;
    int fd; /* ours, a copy; -1: none */
};

/* Sleeps until the end comes. False: it has. */
static bool wait_us(struct disk_watch *w, int64_t us)
{
    int64_t end_us = clock_real_us() + us, left_us;
    pthread_mutex_lock(&w->lock);
    while (!w->ending && (left_us = end_us - clock_real_us()) > 0)
        cond_wait_us(&w->changed, &w->lock, left_us);
    bool ending = w->ending;
    pthread_mutex_unlock(&w->lock);
    return !ending;
}

static void sync_now(struct disk_watch *w, int fd)
{
    atomic_store(&w->syncing_us, clock_real_us());
    if (fd >= 0 && fdatasync(fd) < 0)
        log_debug(w->part, "cannot sync: %s", strerror(errno));
    atomic_store(&w->syncing_us, 0);
}

/* The copy is taken under the lock and synced outside of it, so that the writer never waits for the disk here. */
static void *sync_main(void *arg)
{
    struct disk_watch *w = arg;
    bool more = true;
    while (more) {
        more = wait_us(w, SYNC_US);
        pthread_mutex_lock(&w->lock);
        int fd = w->fd < 0 ? -1 : fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
        pthread_mutex_unlock(&w->lock);
        sync_now(w, fd);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static void *watch_main(void *arg)
{
    struct disk_watch *w = arg;
    int64_t hangs_us = 0; /* since when, once it is told */
    while (wait_us(w, LOOK_US)) {
        int64_t now_us = clock_real_us(), writing_us = atomic_load(&w->writing_us),
                syncing_us = atomic_load(&w->syncing_us);
        int64_t since_us = writing_us && (!syncing_us || writing_us < syncing_us) ? writing_us : syncing_us;
        if (!hangs_us && since_us && now_us - since_us > HANGS_US) {
            log_warn(
                w->part,
                "the disk of %s has answered nothing for %d s; the stream goes on, the recording waits and "
                "will have a gap. Check the disk or the network folder",
                w->folder, HANGS_US / 1000000);
            hangs_us = since_us;
        } else if (hangs_us && (!since_us || since_us > hangs_us)) {
            log_info(w->part, "the disk of %s answers again after %.0f s", w->folder,
                     (double)(now_us - hangs_us) / 1e6);
            hangs_us = 0;
        }
    }
    return NULL;
}

int disk_watch_open(struct disk_watch **out, const char *part, const char *folder, struct error *e)
{
    struct disk_watch *w = *out = xcalloc(1, sizeof *w);
    w->part = part;
    w->folder = folder;
    w->fd = -1;
    pthread_mutex_init(&w->lock, NULL);
    cond_init_monotonic(&w->changed);
    int rc = thread_start(&w->syncer, "disk-sync", sync_main, w);
    if (rc == 0)
        rc = thread_start(&w->watcher, "disk-watch", watch_main, w);
    if (rc == 0)
        return 0;
    disk_watch_close(out);
    return error_set(e, -rc, "%s: cannot start a thread: %s", part, strerror(-rc));
}

void disk_watch_close(struct disk_watch **out)
{
    struct disk_watch *w = *out;
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    thread_join(&w->watcher);
    thread_join(&w->syncer);
    if (w->fd >= 0)
        close(w->fd);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *out = NULL;
}

void disk_watch_file(struct disk_watch *w, int fd)
{
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    pthread_mutex_lock(&w->lock);
    int former = w->fd;
    w->fd = copy;
    pthread_mutex_unlock(&w->lock);
    if (former >= 0) {
        fdatasync(former);
        close(former);
    }
}

void disk_watch_begin(struct disk_watch *w)
{
    atomic_store(&w->writing_us, clock_real_us());
}

void disk_watch_end(struct disk_watch *w)
{
    atomic_store(&w->writing_us, 0);
}
