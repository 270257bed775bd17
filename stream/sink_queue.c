/*
 * sink_queue - see sink_queue.h. A singly linked list: dropping from its middle is the rare case, and a list
 * is never full.
 */
#include "stream/sink_queue.h"

#include <pthread.h>
#include <stdlib.h>

#include <libavutil/mathematics.h>

#include "common/mem.h"
#include "common/thread.h"
#include "stream/encoder.h"

enum { DROP_MIN_PACKETS = 5 };

/* In the order of being missed. */
enum worth { UNREFERENCED, REFERENCED, SOUND, IDR };

struct node {
    struct node *next;
    AVPacket *packet;
    int64_t dts_us, put_us;
    enum worth worth;
};

struct sink_queue {
    struct sink_limits limits; /* immutable after open, as is the next field */
    bool lossless;

    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t changed;
    struct node *first, *last;
    int count;
    int64_t bytes;
    bool wait_idr; /* pictures were lost: no others before the next IDR */
    bool deaf;
    bool was_deaf; /* and no IDR has come since: pictures that are left out do not count as dropped */
    bool ended, aborted;
};

static enum worth worth_of(const AVPacket *p)
{
    if (p->stream_index == TRACK_AUDIO)
        return SOUND;
    if (p->flags & AV_PKT_FLAG_KEY)
        return IDR;
    return p->flags & AV_PKT_FLAG_DISPOSABLE ? UNREFERENCED : REFERENCED;
}

void sink_queue_open(struct sink_queue **out, const struct sink_limits *limits, bool lossless)
{
    struct sink_queue *q = *out = xcalloc(1, sizeof *q);
    q->limits = *limits;
    q->lossless = lossless;
    pthread_mutex_init(&q->lock, NULL);
    cond_init_monotonic(&q->changed);
}

static void node_free(struct node *n)
{
    av_packet_free(&n->packet);
    free(n);
}

static struct node *unlink_first_locked(struct sink_queue *q)
{
    struct node *n = q->first;
    q->first = n->next;
    if (!q->first)
        q->last = NULL;
    q->count--;
    q->bytes -= n->packet->size;
    return n;
}

static int drop_all_locked(struct sink_queue *q)
{
    int dropped = 0;
    for (; q->first; dropped++)
        node_free(unlink_first_locked(q));
    return dropped;
}

void sink_queue_close(struct sink_queue **out)
{
    struct sink_queue *q = *out;
    if (!q)
        return;
    drop_all_locked(q);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
    *out = NULL;
}

static void append_locked(struct sink_queue *q, struct node *n)
{
    if (q->last)
        q->last->next = n;
    else
        q->first = n;
    q->last = n;
    q->count++;
    q->bytes += n->packet->size;
}

/* How much of the stream waits. Live, no more than the time that it took to come: after a standstill of the encoder, or of the
 * machine, its sound comes all at once, and that is not the sink's fault. */
static int64_t span_us_locked(const struct sink_queue *q)
{
    if (!q->first)
        return 0;
    int64_t media_us = q->last->dts_us - q->first->dts_us, came_us = q->last->put_us - q->first->put_us;
    return q->lossless || media_us < came_us ? media_us : came_us;
}

/* Throws away every queued packet that is worth no more than `most`. */
static int drop_up_to_locked(struct sink_queue *q, enum worth most)
{
    int dropped = 0;
    struct node **link = &q->first, *kept = NULL;
    while (*link) {
        struct node *n = *link;
        if (n->worth > most) {
            kept = n;
            link = &n->next;
            continue;
        }
        *link = n->next;
        q->count--;
        q->bytes -= n->packet->size;
        node_free(n);
        dropped++;
    }
    q->last = kept;
    return dropped;
}

/* The head of the queue up to the next IDR behind it. With no IDR there, everything. */
static int drop_oldest_group_locked(struct sink_queue *q)
{
    int dropped = 0;
    do {
        node_free(unlink_first_locked(q));
        dropped++;
    } while (q->first && q->first->worth != IDR);
    if (!q->first)
        q->wait_idr = true;
    return dropped;
}

static bool over(int64_t value, int64_t limit)
{
    return limit > 0 && value > limit;
}

/* Makes room after `n` was appended; `n` itself may go. */
static int drop_locked(struct sink_queue *q)
{
    const struct sink_limits *l = &q->limits;
    int dropped = 0;
    if (q->count >= DROP_MIN_PACKETS && over(span_us_locked(q), l->drop_pictures_ms * 1000)) {
        dropped += drop_up_to_locked(q, REFERENCED);
        q->wait_idr = true;
    } else if (q->count >= DROP_MIN_PACKETS && over(span_us_locked(q), l->drop_unreferenced_ms * 1000)) {
        dropped += drop_up_to_locked(q, UNREFERENCED);
    }
    while (over(span_us_locked(q), l->hard_ms * 1000) || over(q->bytes, l->hard_bytes))
        dropped += drop_oldest_group_locked(q);
    return dropped;
}

static bool is_full_locked(const struct sink_queue *q)
{
    return over(q->bytes, q->limits.hard_bytes) ||
           over(span_us_locked(q), q->limits.hard_ms ? q->limits.hard_ms * 1000 : 10000000);
}

static struct node *node_new(const AVPacket *packet, int64_t now_us)
{
    struct node *n = xcalloc(1, sizeof *n);
    n->packet = av_packet_clone(packet);
    if (!n->packet) {
        free(n);
        return NULL;
    }
    int64_t ts = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    n->dts_us = av_rescale_q(ts, packet->time_base, AV_TIME_BASE_Q);
    n->put_us = now_us;
    n->worth = worth_of(packet);
    return n;
}

/* Takes `n` over. Returns how many packets were thrown away for it. */
static int admit_locked(struct sink_queue *q, struct node *n)
{
    if (q->deaf) {
        node_free(n);
        return 0;
    }
    if (n->worth == IDR)
        q->wait_idr = q->was_deaf = false;
    if (q->aborted || q->ended || (q->wait_idr && n->worth < SOUND)) {
        node_free(n);
        return q->was_deaf ? 0 : 1;
    }
    append_locked(q, n);
    return q->lossless ? 0 : drop_locked(q);
}

int sink_queue_put(struct sink_queue *q, const AVPacket *packet, int64_t now_us)
{
    struct node *n = node_new(packet, now_us);
    int dropped = 1; /* when there is no memory for it */
    pthread_mutex_lock(&q->lock);
    while (q->lossless && !q->aborted && is_full_locked(q))
        cond_wait_us(&q->changed, &q->lock, -1);
    if (n)
        dropped = admit_locked(q, n);
    else if (worth_of(packet) != SOUND)
        q->wait_idr = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return dropped;
}

void sink_queue_end(struct sink_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->ended = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void sink_queue_abort(struct sink_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->ended = q->aborted = true;
    drop_all_locked(q);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

AVPacket *sink_queue_take(struct sink_queue *q)
{
    AVPacket *packet = NULL;
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->ended)
        cond_wait_us(&q->changed, &q->lock, -1);
    if (q->first) {
        struct node *n = unlink_first_locked(q);
        packet = n->packet;
        free(n);
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    return packet;
}

void sink_queue_set_deaf(struct sink_queue *q, bool deaf)
{
    pthread_mutex_lock(&q->lock);
    drop_all_locked(q);
    q->deaf = deaf;
    q->was_deaf = q->wait_idr = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

struct sink_queue_fill sink_queue_fill(struct sink_queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct sink_queue_fill fill = {.packets = q->count, .bytes = q->bytes, .us = span_us_locked(q)};
    pthread_mutex_unlock(&q->lock);
    return fill;
}
