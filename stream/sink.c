/*
 * sink - see sink.h: the registry, and the thread that feeds a driver from its queue.
 */
#include "stream/sink.h"

#include <string.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "common/thread.h"

enum {
    REPORT_US = 30000000,
    DROPS_US = 1500000, /* a drop counts for so long: longer than from one look at the bit rate to the next */
};

extern const struct sink_ops sink_rtmp, sink_srt, sink_hls, sink_clip, sink_null;

const struct sink_ops *const sink_registry[] = {&sink_mp4, &sink_rtmp, &sink_srt,      &sink_hls,  &sink_clip,
                                                &sink_md5, &sink_page, &sink_stand_in, &sink_null, NULL};

struct sink_internal {
    struct sink_queue *queue; /* immutable after open */
    struct thread thread;     /* of the thread that opens and closes */

    atomic_bool aborted;
    _Atomic int64_t dropped;    /* packets, so far */
    _Atomic int64_t dropped_us; /* when last; INT64_MIN / 2: never */
    int64_t reported;           /* sink thread: of these, told to the log */
    int64_t reported_us;        /* sink thread: when */

    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t changed;
    bool ending, done;
};

bool sink_aborted(const struct sink *s)
{
    return atomic_load(&s->in->aborted);
}

bool sink_ending(const struct sink *s)
{
    pthread_mutex_lock(&s->in->lock);
    bool ending = s->in->ending;
    pthread_mutex_unlock(&s->in->lock);
    return ending;
}

void sink_tell(struct sink *s, enum stats_sink_state state)
{
    stats_sink_tell(s->row, state);
}

void sink_sent(struct sink *s, int64_t bytes)
{
    if (s->row)
        atomic_fetch_add(&s->row->bytes, bytes);
}

void sink_set_deaf(struct sink *s, bool deaf)
{
    sink_queue_set_deaf(s->in->queue, deaf);
}

/* Said by the sink's own thread: the encoder must not wait for a stalled terminal either. */
static void report_drops(struct sink *s)
{
    struct sink_internal *in = s->in;
    int64_t dropped = atomic_load(&in->dropped), now_us = clock_real_us();
    if (dropped == in->reported || now_us - in->reported_us < REPORT_US)
        return;
    log_warn(s->name, "too slow for the stream: %lld packets dropped so far; the show goes on",
             (long long)dropped);
    in->reported = dropped;
    in->reported_us = now_us;
}

static void *sink_main(void *arg)
{
    struct sink *s = arg;
    AVPacket *packet;
    s->in->reported_us = clock_real_us() - REPORT_US;
    while ((packet = sink_queue_take(s->in->queue))) {
        s->ops->write(s, packet);
        av_packet_free(&packet);
        report_drops(s);
    }
    if (s->ops->finish)
        s->ops->finish(s);
    pthread_mutex_lock(&s->in->lock);
    s->in->done = true;
    pthread_cond_broadcast(&s->in->changed);
    pthread_mutex_unlock(&s->in->lock);
    return NULL;
}

int sink_open(struct sink **out, const struct sink_ops *ops, const struct sink_params *p, struct error *e)
{
    struct sink *s = *out = xcalloc(1, sizeof *s);
    s->ops = ops;
    s->name = p->name ? p->name : ops->name;
    s->section = p->section ? p->section : ops->section;
    s->config = p->config;
    s->tracks = p->tracks;
    s->stats = p->stats;
    s->row = stats_sink(p->stats, s->name);
    s->priv = xcalloc(1, ops->priv_size);
    sink_tell(s, STATS_SINK_OK);
    s->in = xcalloc(1, sizeof *s->in);
    atomic_store(&s->in->dropped_us, INT64_MIN / 2);
    pthread_mutex_init(&s->in->lock, NULL);
    cond_init_monotonic(&s->in->changed);
    sink_queue_open(&s->in->queue, &ops->limits, p->offline);

    int rc = ops->open(s, e);
    if (rc == 0) {
        char thread[16];
        text_copy(thread, sizeof thread, s->name);
        rc = thread_start(&s->in->thread, thread, sink_main, s);
        if (rc < 0)
            error_set(e, -rc, "%s: cannot start a thread: %s", s->name, strerror(-rc));
    }
    if (rc < 0)
        sink_close(out);
    return rc;
}

void sink_put(struct sink *s, const AVPacket *packet)
{
    int dropped = sink_queue_put(s->in->queue, packet, clock_real_us());
    if (dropped > 0) {
        atomic_fetch_add(&s->in->dropped, dropped);
        atomic_store(&s->in->dropped_us, clock_real_us());
        stats_add(s->stats, STAT_SINK_PACKETS_DROPPED, dropped);
        if (s->row)
            atomic_fetch_add(&s->row->dropped, dropped);
    }
}

void sink_shown(struct sink *s, int64_t request_id, const char *text, const char *by, int64_t pts)
{
    if (s->ops->shown)
        s->ops->shown(s, request_id, text, by, pts);
}

void sink_keep(struct sink *s)
{
    if (s->ops->keep)
        s->ops->keep(s);
}

bool sink_is_up(const struct sink *s)
{
    int state = s->row ? atomic_load(&s->row->state) : STATS_SINK_OK;
    return state == STATS_SINK_OK || state == STATS_SINK_CONNECTING;
}

static int64_t queued_us(const struct sink *s)
{
    int64_t us = sink_queue_fill(s->in->queue).us;
    if (s->row)
        atomic_store(&s->row->queued_us, us);
    return us;
}

int64_t sink_lag_us(const struct sink *s)
{
    int64_t us = queued_us(s), limit_us = s->ops->limits.drop_pictures_ms * 1000;
    bool drops = clock_real_us() - atomic_load(&s->in->dropped_us) < DROPS_US;
    return drops && us < limit_us ? limit_us : us;
}

void sink_end(struct sink *s)
{
    pthread_mutex_lock(&s->in->lock);
    s->in->ending = true;
    pthread_cond_broadcast(&s->in->changed);
    pthread_mutex_unlock(&s->in->lock);
    sink_queue_end(s->in->queue);
}

void sink_wait(struct sink *s, int64_t deadline_us)
{
    int64_t left_us;
    pthread_mutex_lock(&s->in->lock);
    while (!s->in->done && (left_us = deadline_us - clock_real_us()) > 0)
        cond_wait_us(&s->in->changed, &s->in->lock, left_us);
    pthread_mutex_unlock(&s->in->lock);
}

bool sink_is_done(struct sink *s)
{
    pthread_mutex_lock(&s->in->lock);
    bool done = s->in->done;
    pthread_mutex_unlock(&s->in->lock);
    return done;
}

void sink_abort(struct sink *s)
{
    sink_end(s);
    atomic_store(&s->in->aborted, true);
    sink_queue_abort(s->in->queue);
}

void sink_close(struct sink **out)
{
    struct sink *s = *out;
    if (!s)
        return;
    if (s->in->thread.running) {
        sink_abort(s); /* finds the queue empty, unless the sink is late */
        thread_join(&s->in->thread);
    }
    if (s->ops->close)
        s->ops->close(s);
    sink_tell(s, STATS_SINK_ENDED);
    if (s->row)
        atomic_store(&s->row->queued_us, 0);
    sink_queue_close(&s->in->queue);
    pthread_cond_destroy(&s->in->changed);
    pthread_mutex_destroy(&s->in->lock);
    free(s->in);
    free(s->priv);
    free(s);
    *out = NULL;
}
