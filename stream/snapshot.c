/*
 * snapshot - see snapshot.h.
 */
#include "stream/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/thread.h"

struct snapshot {
    struct frame frame; /* over `pixels` */
    uint8_t *pixels;
    atomic_bool wanted;

    pthread_mutex_t lock; /* leaf; guards all below and the pixels while they are not lent */
    pthread_cond_t changed;
    bool lent;
    int64_t number; /* of the picture that is held; -1: none */
};

int snapshot_open(struct snapshot **out, int width_px, int height_px)
{
    struct snapshot *s = *out = xcalloc(1, sizeof *s);
    int half_px = (width_px + 1) / 2, half_rows_px = (height_px + 1) / 2;
    size_t luma = (size_t)width_px * (size_t)height_px, chroma = (size_t)half_px * (size_t)half_rows_px;
    s->number = -1;
    s->pixels = buffer_alloc(luma + 2 * chroma);
    s->frame = (struct frame){.width_px = width_px,
                              .height_px = height_px,
                              .planes = {s->pixels, s->pixels + luma, s->pixels + luma + chroma},
                              .strides = {width_px, half_px, half_px}};
    pthread_mutex_init(&s->lock, NULL);
    cond_init_monotonic(&s->changed);
    if (s->pixels)
        return 0;
    snapshot_close(out);
    return -ENOMEM;
}

void snapshot_close(struct snapshot **out)
{
    struct snapshot *s = *out;
    if (!s)
        return;
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s->pixels);
    free(s);
    *out = NULL;
}

static void copy(const struct frame *from, const struct frame *to)
{
    for (int plane = 0; plane < 3; plane++) {
        int rows_px = plane ? (from->height_px + 1) / 2 : from->height_px;
        for (int y = 0; y < rows_px; y++)
            memcpy(to->planes[plane] + (ptrdiff_t)y * to->strides[plane],
                   from->planes[plane] + (ptrdiff_t)y * from->strides[plane], (size_t)to->strides[plane]);
    }
}

void snapshot_offer(struct snapshot *s, const struct frame *f, int64_t number)
{
    bool fits = f->width_px == s->frame.width_px && f->height_px == s->frame.height_px;
    if (!atomic_load(&s->wanted) || !fits || pthread_mutex_trylock(&s->lock) != 0)
        return;
    if (!s->lent) {
        copy(f, &s->frame);
        s->number = number;
        atomic_store(&s->wanted, false);
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
}

int snapshot_borrow(struct snapshot *s, int64_t after, int64_t timeout_us, struct frame *out, int64_t *number)
{
    int64_t until_us = clock_real_us() + timeout_us, left_us;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->wanted, true);
    while ((atomic_load(&s->wanted) || s->number <= after) && (left_us = until_us - clock_real_us()) > 0) {
        atomic_store(&s->wanted, true);
        cond_wait_us(&s->changed, &s->lock, left_us);
    }
    bool there = !atomic_load(&s->wanted) && s->number > after;
    if (there) {
        s->lent = true;
        *out = s->frame;
        *number = s->number;
    }
    pthread_mutex_unlock(&s->lock);
    return there ? 0 : -EAGAIN;
}

void snapshot_return(struct snapshot *s)
{
    pthread_mutex_lock(&s->lock);
    s->lent = false;
    pthread_mutex_unlock(&s->lock);
}
