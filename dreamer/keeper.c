/*
 * keeper - see keeper.h.
 */
#include "dreamer/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"

enum { WRITE_BYTES_PER_S = 50000 };

static const int64_t EVERY_LEAST_US = 60000000;

struct keeper {
    const char *path; /* immutable after open, as are the next four */
    const struct dream_config *config;
    const struct model *model;
    size_t bytes;
    int64_t every_us;
    struct thread thread;

    int64_t offered_us; /* keeper_offer's thread: real time when one was taken last; 0: never */
    bool is_told;       /* the keeper's thread: that it cannot be written */

    pthread_mutex_t lock; /* leaf; guards all below; the bytes of `next` only while it is not being written */
    pthread_cond_t changed;
    struct snapshot *next;
    bool has_next, writes, is_over;
};

/* What nobody needs in another show, and whose names are not to be kept. */
static void make_anonymous(struct snapshot *s, const struct dream_config *c)
{
    s->z_frames = 0;
    s->target.number = s->target.request_id = 0;
    memset(s->target.caption, 0, sizeof s->target.caption);
    snapshot_seal(s, c);
}

static void write_next(struct keeper *k)
{
    struct error e = {""};
    int rc = snapshot_check(k->next, k->bytes, k->config, k->model, &e);
    if (rc < 0) {
        log_debug("dreamer", "a snapshot is not kept: %s",
                  e.text); /* torn, while everything else stood still */
        return;
    }
    make_anonymous(k->next, k->config);
    rc = file_write_whole(k->path, k->next, k->bytes, 0600, &e);
    if (rc < 0 && !k->is_told)
        log_warn("dreamer", "%s; where the dream is cannot be kept for the next show", e.text);
    k->is_told = rc < 0;
}

static void *keeper_main(void *arg)
{
    struct keeper *k = arg;
    thread_lower_priority(0);
    pthread_mutex_lock(&k->lock);
    while (!k->is_over || k->has_next) {
        if (!k->has_next) {
            cond_wait_us(&k->changed, &k->lock, -1);
            continue;
        }
        k->has_next = false;
        k->writes = true;
        pthread_mutex_unlock(&k->lock);
        write_next(k);
        pthread_mutex_lock(&k->lock);
        k->writes = false;
        pthread_cond_broadcast(&k->changed);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

int keeper_open(struct keeper **out, const char *path, const struct dream_config *c, const struct model *m,
                struct error *e)
{
    struct keeper *k = *out = xcalloc(1, sizeof *k);
    k->path = path;
    k->config = c;
    k->model = m;
    k->bytes = snapshot_bytes(c);
    k->every_us = (int64_t)k->bytes * 1000000 / WRITE_BYTES_PER_S;
    if (k->every_us < EVERY_LEAST_US)
        k->every_us = EVERY_LEAST_US;
    pthread_mutex_init(&k->lock, NULL);
    cond_init_monotonic(&k->changed);
    k->next = buffer_alloc(k->bytes);
    int rc = k->next ? thread_start(&k->thread, "keeper", keeper_main, k) : -ENOMEM;
    if (rc == 0)
        return 0;
    keeper_close(out);
    return error_set(e, -rc, "the dream cannot be kept for the next show: %s", strerror(-rc));
}

int64_t keeper_every_us(const struct keeper *k)
{
    return k->every_us;
}

void keeper_offer(struct keeper *k, const struct snapshot *s, bool last)
{
    int64_t now_us = clock_real_us();
    if (!k || (!last && k->offered_us && now_us - k->offered_us < k->every_us))
        return;
    pthread_mutex_lock(&k->lock);
    while (last && k->writes) /* the end of the show may wait for the disk for a moment */
        cond_wait_us(&k->changed, &k->lock, -1);
    if (!k->writes) {
        memcpy(k->next, s, k->bytes);
        k->offered_us = now_us;
        k->has_next = true;
        pthread_cond_broadcast(&k->changed);
    }
    pthread_mutex_unlock(&k->lock);
}

void keeper_close(struct keeper **out)
{
    struct keeper *k = *out;
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->is_over = true;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
    thread_join(&k->thread);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
    free(k->next);
    free(k);
    *out = NULL;
}

static struct snapshot *aligned_copy(const char *bytes, size_t size)
{
    struct snapshot *s = buffer_alloc(size + SNAPSHOT_HEAD_BYTES); /* never less than a head */
    if (s)
        memcpy(s, bytes, size);
    return s;
}

struct snapshot *keeper_read(const char *path, const struct dream_config *c, const struct model *m)
{
    char *bytes;
    size_t size;
    struct error e = {""};
    int rc = file_read_all(path, snapshot_bytes(c), &bytes, &size, &e);
    if (rc == -ENOENT)
        return NULL;
    struct snapshot *s = rc == 0 ? aligned_copy(bytes, size) : NULL;
    if (rc == 0)
        rc = s ? snapshot_check(s, size, c, m, &e) : error_set(&e, ENOMEM, "no memory");
    free(bytes);
    if (rc == 0)
        return s;
    free(s);
    if (rc == -ESTALE || rc == -EFBIG)
        log_info("dreamer", "the dream begins anew; %s was left by another one", path);
    else
        log_warn("dreamer", "%s: %s; the dream begins anew", path, e.text);
    return NULL;
}
