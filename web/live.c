/*
 * live - see live.h.
 */
#include "web/live.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

struct fragment {
    int holders; /* under the lock: the ring and viewers */
    bool group;
    size_t bytes;
    uint8_t data[];
};

struct live {
    pthread_mutex_t lock; /* leaf; guards everything below, and `holders` */
    struct fragment *header;
    int64_t generation; /* of the header; 0: none yet */
    char type[LIVE_TYPE_BYTES];
    struct fragment *ring[LIVE_FRAGMENTS]; /* number n stands at n % LIVE_FRAGMENTS */
    int64_t first, end;                    /* numbers of the oldest one, and of the next to come */
    int64_t newest_group;                  /* -1: none in the ring */
    double end_s;
    int viewers;
    int64_t sent_bytes, skips;
};

struct live_viewer {
    struct live *live;
    int64_t generation;
    int64_t next;             /* number of the fragment after `current` */
    struct fragment *current; /* held; NULL: between two */
    size_t sent;              /* bytes of it */
};

static struct fragment *make(const uint8_t *data, size_t bytes, bool group)
{
    struct fragment *f = xmalloc(sizeof *f + bytes);
    *f = (struct fragment){.holders = 1, .group = group, .bytes = bytes};
    memcpy(f->data, data, bytes);
    return f;
}

/* Under the lock. */
static void let_go(struct fragment *f)
{
    if (f && --f->holders == 0)
        free(f);
}

static void empty_ring(struct live *l)
{
    for (; l->first < l->end; l->first++)
        let_go(l->ring[l->first % LIVE_FRAGMENTS]);
    l->newest_group = -1;
}

struct live *live_new(void)
{
    struct live *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    l->newest_group = -1;
    return l;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    empty_ring(l);
    let_go(l->header);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void live_begin(struct live *l, const uint8_t *header, size_t bytes, const char *type)
{
    struct fragment *f = make(header, bytes, false);
    pthread_mutex_lock(&l->lock);
    empty_ring(l);
    let_go(l->header);
    l->header = f;
    l->generation++;
    text_copy(l->type, sizeof l->type, type);
    pthread_mutex_unlock(&l->lock);
}

void live_add(struct live *l, const uint8_t *data, size_t bytes, bool group, double end_s)
{
    struct fragment *f = make(data, bytes, group);
    pthread_mutex_lock(&l->lock);
    if (l->end - l->first == LIVE_FRAGMENTS) {
        let_go(l->ring[l->first % LIVE_FRAGMENTS]);
        if (l->newest_group == l->first++)
            l->newest_group = -1;
    }
    if (group)
        l->newest_group = l->end;
    l->ring[l->end++ % LIVE_FRAGMENTS] = f;
    l->end_s = end_s;
    pthread_mutex_unlock(&l->lock);
}

struct live_viewer *live_join(struct live *l, char type[LIVE_TYPE_BYTES])
{
    struct live_viewer *v = NULL;
    pthread_mutex_lock(&l->lock);
    if (l->newest_group >= 0) {
        v = xcalloc(1, sizeof *v);
        *v = (struct live_viewer){
            .live = l, .generation = l->generation, .next = l->newest_group, .current = l->header};
        l->header->holders++;
        l->viewers++;
        text_copy(type, LIVE_TYPE_BYTES, l->type);
    }
    pthread_mutex_unlock(&l->lock);
    return v;
}

/* Under the lock, between two fragments: is there a next one? False: not yet. */
static bool advance(struct live *l, struct live_viewer *v)
{
    bool behind = v->next < l->first || l->end - v->next > LIVE_BEHIND_MAX;
    if (behind && l->newest_group > v->next) {
        v->next = l->newest_group;
        l->skips++;
    }
    if (v->next < l->first || v->next >= l->end)
        return false;
    v->current = l->ring[v->next++ % LIVE_FRAGMENTS];
    v->current->holders++;
    v->sent = 0;
    return true;
}

ssize_t live_read(void *viewer, char *out, size_t size)
{
    struct live_viewer *v = viewer;
    struct live *l = v->live;
    size_t n = 0;
    pthread_mutex_lock(&l->lock);
    bool over = v->generation != l->generation || (v->next < l->first && l->newest_group < 0);
    while (!over && n < size && (v->current || advance(l, v))) {
        size_t left = v->current->bytes - v->sent, part = left < size - n ? left : size - n;
        memcpy(out + n, v->current->data + v->sent, part);
        n += part;
        v->sent += part;
        if (v->sent == v->current->bytes) {
            let_go(v->current);
            v->current = NULL;
        }
    }
    l->sent_bytes += (int64_t)n;
    pthread_mutex_unlock(&l->lock);
    return over ? -1 : (ssize_t)n;
}

void live_leave(void *viewer)
{
    struct live_viewer *v = viewer;
    pthread_mutex_lock(&v->live->lock);
    let_go(v->current);
    v->live->viewers--;
    pthread_mutex_unlock(&v->live->lock);
    free(v);
}

void live_look(struct live *l, struct live_state *s)
{
    pthread_mutex_lock(&l->lock);
    *s = (struct live_state){
        .end_s = l->end_s, .viewers = l->viewers, .sent_bytes = l->sent_bytes, .skips = l->skips};
    text_copy(s->type, sizeof s->type, l->generation ? l->type : "");
    pthread_mutex_unlock(&l->lock);
}
