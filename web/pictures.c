/*
 * pictures - see pictures.h.
 */
#include "web/pictures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/thread.h"

enum { FRESH_US = 1000000, RETRY_US = 20000, FAILED_US = 1000000 };

struct kind {
    struct web_picture_want want;
    bool used, ordered;
    int64_t after;   /* the order: later than this frame */
    int64_t used_us; /* when it was asked for last */
    struct picture *newest;
    int failure;       /* -errno of the last try */
    int64_t failed_us; /* and when that was */
};

struct pictures {
    const struct web_show *show; /* immutable, as the next three */
    void *context;
    void (*wake)(void *context);
    void *wake_context;
    struct thread thread;

    pthread_mutex_t lock; /* leaf; guards all below and every picture's holders */
    pthread_cond_t changed;
    bool ending;
    struct kind kinds[PICTURES_KINDS];
};

/* Under the lock. */
static void let_go(struct picture *p)
{
    if (p && --p->holders == 0) {
        free(p->made.bytes);
        free(p);
    }
}

static bool is_same(const struct web_picture_want *a, const struct web_picture_want *b)
{
    return a->png == b->png && a->width_px == b->width_px && a->height_px == b->height_px &&
           a->contain == b->contain && a->palette == b->palette && a->dither == b->dither;
}

/* The kind, or a place for it; NULL: all places are waited for. */
static struct kind *find(struct pictures *p, const struct web_picture_want *want)
{
    struct kind *oldest = NULL;
    for (int i = 0; i < PICTURES_KINDS; i++) {
        struct kind *k = &p->kinds[i];
        if (k->used && is_same(&k->want, want))
            return k;
        if (!k->ordered && (!oldest || k->used_us < oldest->used_us))
            oldest = k;
    }
    if (oldest) {
        let_go(oldest->newest);
        *oldest = (struct kind){.want = *want, .used = true};
    }
    return oldest;
}

static bool is_good(const struct kind *k, int64_t after, int64_t now_us)
{
    if (!k->newest)
        return false;
    return after < 0 ? now_us - k->newest->made_us < FRESH_US : k->newest->made.frame > after;
}

int pictures_get(struct pictures *p, const struct web_picture_want *want, int64_t after,
                 const struct picture **out)
{
    int rc = 0;
    int64_t now_us = clock_real_us();
    *out = NULL;
    pthread_mutex_lock(&p->lock);
    struct kind *k = find(p, want);
    if (!k) {
        rc = -EBUSY;
    } else if (is_good(k, after, now_us)) {
        k->newest->holders++;
        *out = k->newest;
    } else if (k->failure && now_us - k->failed_us < FAILED_US) {
        rc = k->failure;
    } else {
        rc = -EAGAIN;
        k->ordered = true;
        k->after = after;
        pthread_cond_signal(&p->changed);
    }
    if (k)
        k->used_us = now_us;
    pthread_mutex_unlock(&p->lock);
    return rc;
}

void pictures_release(struct pictures *p, const struct picture *picture)
{
    pthread_mutex_lock(&p->lock);
    let_go((struct picture *)(uintptr_t)picture);
    pthread_mutex_unlock(&p->lock);
}

/* Under the lock. The kind that waits longest is the one whose picture is oldest. */
static struct kind *next_order(struct pictures *p)
{
    struct kind *best = NULL;
    for (int i = 0; i < PICTURES_KINDS; i++) {
        struct kind *k = &p->kinds[i];
        if (k->ordered &&
            (!best || !k->newest || (best->newest && k->newest->made_us < best->newest->made_us)))
            best = k;
    }
    return best;
}

/* Makes one, outside of the lock. False: nothing came of it yet. */
static bool make(struct pictures *p, struct kind *k)
{
    struct web_picture_want want = k->want;
    int64_t after = k->after;
    struct picture *made = xcalloc(1, sizeof *made);
    pthread_mutex_unlock(&p->lock);
    int rc = p->show->picture(p->context, &want, after, &made->made);
    pthread_mutex_lock(&p->lock);
    made->made_us = clock_real_us();
    made->holders = 1;
    if (rc == -EAGAIN) {
        let_go(made);
        return false;
    }
    k->ordered = false; /* an ordered kind keeps its place, so this is still the one */
    k->failure = rc;
    if (rc < 0) {
        k->failed_us = made->made_us;
        let_go(made);
    } else {
        let_go(k->newest);
        k->newest = made;
    }
    return true;
}

static void *pictures_main(void *arg)
{
    struct pictures *p = arg;
    thread_lower_priority(0);
    pthread_mutex_lock(&p->lock);
    while (!p->ending) {
        struct kind *k = next_order(p);
        bool made = k && make(p, k);
        if (made) {
            pthread_mutex_unlock(&p->lock);
            p->wake(p->wake_context);
            pthread_mutex_lock(&p->lock);
        } else if (!p->ending) {
            cond_wait_us(&p->changed, &p->lock, k ? RETRY_US : -1);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int pictures_open(struct pictures **out, const struct web_show *show, void *context,
                  void (*wake)(void *context), void *wake_context)
{
    struct pictures *p = *out = xcalloc(1, sizeof *p);
    p->show = show;
    p->context = context;
    p->wake = wake;
    p->wake_context = wake_context;
    pthread_mutex_init(&p->lock, NULL);
    cond_init_monotonic(&p->changed);
    int rc = thread_start(&p->thread, "pictures", pictures_main, p);
    if (rc < 0)
        pictures_close(out);
    return rc;
}

void pictures_close(struct pictures **out)
{
    struct pictures *p = *out;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    thread_join(&p->thread);
    for (int i = 0; i < PICTURES_KINDS; i++)
        let_go(p->kinds[i].newest);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *out = NULL;
}
