/*
 * history - see history.h.
 */
#include "web/history.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct page {
    struct history_entry entry;
    uint8_t *jpeg; /* owned */
    size_t bytes;
};

struct history {
    pthread_mutex_t lock;           /* leaf; guards all below */
    struct page pages[HISTORY_MAX]; /* id n stands at n % HISTORY_MAX */
    int64_t newest;                 /* id; 0: none yet */
};

struct history *history_new(void)
{
    struct history *h = xcalloc(1, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    for (int i = 0; i < HISTORY_MAX; i++)
        free(h->pages[i].jpeg);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

int64_t history_add(struct history *h, const struct history_entry *entry, const uint8_t *jpeg, size_t bytes)
{
    uint8_t *copy = xmalloc(bytes ? bytes : 1);
    memcpy(copy, jpeg, bytes);
    pthread_mutex_lock(&h->lock);
    int64_t id = ++h->newest;
    struct page *p = &h->pages[id % HISTORY_MAX];
    uint8_t *old = p->jpeg;
    *p = (struct page){.entry = *entry, .jpeg = copy, .bytes = bytes};
    p->entry.id = id;
    pthread_mutex_unlock(&h->lock);
    free(old);
    return id;
}

void history_forget(struct history *h, int64_t wish_id)
{
    pthread_mutex_lock(&h->lock);
    for (int i = 0; i < HISTORY_MAX; i++)
        if (wish_id && h->pages[i].entry.dream.id == wish_id)
            h->pages[i].entry.dream.by[0] = '\0';
    pthread_mutex_unlock(&h->lock);
}

int history_list(struct history *h, int64_t before, struct history_entry *out, int max)
{
    int count = 0;
    pthread_mutex_lock(&h->lock);
    int64_t id = before > 0 && before <= h->newest ? before - 1 : h->newest;
    for (; id > 0 && id > h->newest - HISTORY_MAX && count < max; id--)
        out[count++] = h->pages[id % HISTORY_MAX].entry;
    pthread_mutex_unlock(&h->lock);
    return count;
}

uint8_t *history_picture(struct history *h, int64_t id, size_t *bytes)
{
    uint8_t *copy = NULL;
    if (id <= 0)
        return NULL;
    pthread_mutex_lock(&h->lock);
    const struct page *p = &h->pages[id % HISTORY_MAX];
    if (p->entry.id == id) {
        copy = xmalloc(p->bytes ? p->bytes : 1);
        memcpy(copy, p->jpeg, p->bytes);
        *bytes = p->bytes;
    }
    pthread_mutex_unlock(&h->lock);
    return copy;
}
