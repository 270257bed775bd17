/*
 * live - see live.h.
 */
#include "stream/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"

enum {
    BACKOFF_FIRST_US = 500000,
    BACKOFF_MOST_US = 30000000,
    STABLE_US = 30000000,
    ON_AIR_US = 5000000,  /* of data taken: now it can be said */
    REMIND_US = 60000000, /* between warnings while nothing gets on the air */
    GOODBYE_US = 2000000,
    FIRST_TRIES = 2, /* before the backup is tried */
    HEARD_TRIES = 2, /* after a fall from the air the series goes on here at most: with 2 s */
    ADVICE_BYTES = 160,
    GROUP_BYTES = 16 << 20,
};

/* ---- falling, and the way up ---- */

static const char *advice(const struct live *l, char out[ADVICE_BYTES])
{
    if (l->early_closes > 1)
        snprintf(
            out, ADVICE_BYTES,
            "A server that takes the stream and hangs up again and again usually dislikes the stream key");
    else
        snprintf(out, ADVICE_BYTES, "Check %s.url, the key and the network", l->sink->section->name);
    return out;
}

static void plan_retry(struct live *l)
{
    l->retry_us = clock_real_us() + backoff_us(&l->jitter, l->attempts++, BACKOFF_FIRST_US, BACKOFF_MOST_US);
}

/* Ends the connection after a fault. A fall from the air is always told; failing again and again once a minute. */
static void fall(struct live *l)
{
    struct live_link *link = l->now;
    int64_t now_us = clock_real_us();
    bool was_sending = link->state == LIVE_SENDING, was_on_air = l->on_air;
    bool was_good = was_sending && now_us - link->sending_us >= STABLE_US;
    char what_to_do[ADVICE_BYTES];
    live_link_close(link, 0);
    l->on_air = false;
    if (was_on_air && l->attempts > HEARD_TRIES)
        l->attempts = HEARD_TRIES;
    l->attempts = was_good ? 0 : l->attempts;
    l->early_closes = was_good ? 0 : l->early_closes + was_sending;
    plan_retry(l);
    sink_tell(l->sink, STATS_SINK_RETRYING);
    stats_add(l->sink->stats, STAT_SINK_ERRORS, 1);
    if (sink_ending(l->sink))
        return;
    bool is_second_close = was_sending && l->early_closes == 2;
    bool tell = was_on_air || is_second_close || l->warned_us == 0 || now_us - l->warned_us > REMIND_US;
    l->warned_us = tell ? now_us : l->warned_us;
    log_write(tell ? LOG_WARN : LOG_DEBUG, l->sink->name, "%s: %s%s%s; trying again in %.0f s. %s",
              link->target->where, was_on_air ? "off the air, " : "", link->what, link->why,
              (double)(l->retry_us - now_us) / 1e6 + 0.5, advice(l, what_to_do));
}

static const struct live_target *choose_target(const struct live *l)
{
    bool backup = l->target_count > 1 && l->attempts >= FIRST_TRIES && (l->attempts - FIRST_TRIES) % 2 == 0;
    return &l->targets[backup ? 1 : 0];
}

/* What the encoder makes meanwhile would be old afterwards. */
static void attempt(struct live *l)
{
    const struct live_target *target = choose_target(l);
    if (target != l->targets && l->now->target == l->targets)
        log_info(l->sink->name, "%s stays down; trying the backup, %s", l->targets->where, target->where);
    sink_set_deaf(l->sink, true);
    int rc = live_link_connect(l->now, target);
    sink_set_deaf(l->sink, false);
    if (rc < 0)
        fall(l);
}

static void begin(struct live *l, const AVPacket *idr)
{
    l->on_air = false;
    if (live_link_begin(l->now, idr) < 0)
        fall(l);
    else
        log_info(l->sink->name, "connected to %s; on the air when it has taken the stream for %d s",
                 l->now->target->where, ON_AIR_US / 1000000);
}

/* It went well once more. */
static void note_success(struct live *l, const AVPacket *packet)
{
    int64_t sending_us = clock_real_us() - l->now->sending_us;
    sink_sent(l->sink, packet->size);
    if (!l->on_air && sending_us > ON_AIR_US) {
        l->on_air = true;
        sink_tell(l->sink, STATS_SINK_OK);
        log_info(l->sink->name, "on the air: %s", l->now->target->where);
    }
    if (sending_us > STABLE_US) {
        l->attempts = l->early_closes = 0;
        l->warned_us = 0;
    }
}

/* ---- renewal ---- */

static void *connect_next(void *arg)
{
    struct live *l = arg;
    l->helper_rc = live_link_connect(l->next, l->now->target);
    if (l->helper_rc < 0)
        live_link_close(l->next, 0);
    atomic_store(&l->helper_done, true);
    return NULL;
}

static void *close_next(void *arg)
{
    struct live *l = arg;
    live_link_close(l->next, GOODBYE_US);
    atomic_store(&l->helper_done, true);
    return NULL;
}

/* False: there is no thread for it. */
static bool start_helper(struct live *l, enum live_renewal renewal, void *(*work)(void *))
{
    atomic_store(&l->helper_done, false);
    if (thread_start(&l->helper, "renewal", work, l) < 0)
        return false;
    l->renewal = renewal;
    return true;
}

static void end_helper(struct live *l)
{
    thread_join(&l->helper);
    l->renewal = LIVE_NOT_RENEWING;
    held_clear(&l->group);
}

/* The old connection ends and a new one follows at this IDR, which the queue keeps meanwhile. */
static void renew_in_turn(struct live *l, const AVPacket *idr)
{
    const struct live_target *target = l->now->target;
    live_link_close(l->now, GOODBYE_US);
    if (live_link_connect(l->now, target) < 0 || live_link_begin(l->now, idr) < 0)
        fall(l);
    else
        log_info(l->sink->name, "the connection to %s is renewed", target->where);
}

/* The new connection takes over at an IDR, with the first `held` packets of the group; the old one is closed aside. */
static void change_over(struct live *l, const AVPacket *idr, int held)
{
    struct live_link *old = l->now;
    thread_join(&l->helper);
    l->now = l->next;
    l->next = old;
    int rc = live_link_begin(l->now, idr);
    for (int i = 0; i < held && rc == 0; i++)
        rc = live_link_send(l->now, l->group.packets[l->group.first + i]);
    if (!start_helper(l, LIVE_PARTING, close_next)) {
        live_link_close(l->next, 0);
        l->renewal = LIVE_NOT_RENEWING;
    }
    held_clear(&l->group);
    if (rc < 0)
        fall(l);
    else
        log_info(l->sink->name, "the connection to %s is renewed", l->now->target->where);
}

static void begin_renewal(struct live *l, const AVPacket *idr)
{
    log_info(l->sink->name, "renewing the connection after %.1f hours",
             (double)(clock_real_us() - l->now->sending_us) / 3.6e9);
    if (!l->overlap || !start_helper(l, LIVE_RENEWING, connect_next))
        renew_in_turn(l, idr);
}

/* The helper has ended. Without a second connection the first one has to go before. */
static void finish_renewal(struct live *l, const AVPacket *packet, bool idr)
{
    bool refused = l->helper_rc < 0, replaced = l->now->state == LIVE_DOWN;
    int held = l->group.end - l->group.first;
    if (!refused && replaced && held > 0) {
        change_over(l, l->group.packets[l->group.first], held);
    } else if (!refused && idr) {
        change_over(l, packet, 0);
    } else if (refused && replaced) {
        end_helper(l);
        fall(l);
    } else if (refused && idr) {
        log_info(l->sink->name, "%s takes no second connection (%s%s): one after the other",
                 l->now->target->where, l->next->what, l->next->why);
        end_helper(l);
        renew_in_turn(l, packet);
    }
}

static void tend_renewal(struct live *l, const AVPacket *packet, bool idr)
{
    bool done = atomic_load(&l->helper_done);
    bool due = l->renew_us > 0 && l->now->state == LIVE_SENDING &&
               clock_real_us() - l->now->sending_us > l->renew_us;
    if (l->renewal == LIVE_RENEWING && done)
        finish_renewal(l, packet, idr);
    else if (l->renewal == LIVE_PARTING && done)
        end_helper(l);
    else if (l->renewal == LIVE_NOT_RENEWING && idr && due && !sink_ending(l->sink))
        begin_renewal(l, packet);
}

/* ---- packets ---- */

/* While a renewal is under way a broken connection is what some servers do with the older one. */
static void lose(struct live *l)
{
    if (l->renewal == LIVE_RENEWING)
        live_link_close(l->now, 0);
    else
        fall(l);
}

void live_write(struct live *l, const AVPacket *packet)
{
    bool idr = packet->stream_index == TRACK_VIDEO && (packet->flags & AV_PKT_FLAG_KEY);
    bool renewing = l->renewal == LIVE_RENEWING;
    tend_renewal(l, packet, idr);
    if (l->renewal == LIVE_RENEWING)
        held_add(&l->group, packet);
    if (l->now->state == LIVE_DOWN && !renewing && clock_real_us() >= l->retry_us && !sink_ending(l->sink))
        attempt(l);
    else if (l->now->state == LIVE_CONNECTED && idr)
        begin(l, packet);
    if (l->now->state != LIVE_SENDING)
        return;
    if (live_link_send(l->now, packet) < 0)
        lose(l);
    else
        note_success(l, packet);
}

void live_finish(struct live *l)
{
    live_link_close(l->now, GOODBYE_US);
}

void live_open(struct live *l, struct sink *s)
{
    l->sink = s;
    for (int i = 0; i < 2; i++)
        l->links[i] = (struct live_link){.sink = s, .protocol = l->protocol};
    l->now = &l->links[0];
    l->next = &l->links[1];
    l->group.most_bytes = GROUP_BYTES;
    l->jitter = rng_make((uint64_t)clock_real_us(), (uint64_t)getpid());
    sink_tell(s, STATS_SINK_CONNECTING);
}

void live_close(struct live *l)
{
    thread_join(&l->helper); /* it has seen the end, and hurries */
    for (int i = 0; i < 2; i++)
        live_link_free(&l->links[i]);
    held_free(&l->group);
    for (int i = 0; i < l->target_count; i++)
        free(l->targets[i].address);
}
