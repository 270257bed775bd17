/*
 * requests - see requests.h; here: what waits. A ring would save the moves, but a place in the queue must survive
 * replacing and cancelling in the middle; a few hundred entries are moved faster than anybody types.
 */
#include "show/requests_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"

enum { RNG_STREAM_LOTTERY = 0x6c6f, RNG_STREAM_MIXTURES = 0x6d78 };

int requests_open(struct requests **out, const struct show_config *c, const struct synsets_known *known,
                  uint64_t seed, struct stats *stats)
{
    *out = NULL;
    struct requests *r = xcalloc(1, sizeof *r);
    r->config = *c;
    r->known = *known;
    r->stats = stats;
    r->queue_max = c->queue_max > 0 ? (int)c->queue_max : 1;
    r->queue = xcalloc((size_t)r->queue_max + REQUESTS_RESERVED, sizeof *r->queue);
    for (int s = 0; s < SYNSET_COUNT; s++)
        r->on_until_s[s] = -INFINITY;
    r->lottery = rng_make(seed, RNG_STREAM_LOTTERY);
    r->mixtures = rng_make(seed, RNG_STREAM_MIXTURES);
    daydream_init(&r->daydream, known, seed);
    pthread_mutex_init(&r->lock, NULL);
    if (r->daydream.count == 0) {
        requests_close(&r);
        return -EINVAL;
    }
    *out = r;
    return 0;
}

void requests_close(struct requests **r)
{
    if (!*r)
        return;
    pthread_mutex_destroy(&(*r)->lock);
    free((*r)->queue);
    free(*r);
    *r = NULL;
}

static void count(struct requests *r, enum stat_id id)
{
    if (r->stats)
        stats_add(r->stats, id, 1);
}

bool requests_is_lottery(const struct requests *r)
{
    return r->config.order == SHOW_LOTTERY;
}

bool requests_favours(const struct requests *r)
{
    return r->config.favour_subscribers;
}

void requests_refused(struct requests *r)
{
    count(r, STAT_REQUESTS_REFUSED);
}

/* ---- the queue ---- */

double requests_advance(struct requests *r, double now_s)
{
    if (now_s > r->latest_s)
        r->latest_s = now_s;
    return r->latest_s;
}

const char *requests_login_of(const struct request *q)
{
    return q->login[0] ? q->login : q->user;
}

/* The place of this viewer's wish in the queue, or -1. */
static int find_user(const struct requests *r, const char *login)
{
    for (int i = 0; i < r->count; i++)
        if (strcasecmp(requests_login_of(&r->queue[i]), login) == 0)
            return i;
    return -1;
}

void requests_remove_at(struct requests *r, int place)
{
    r->count--;
    memmove(r->queue + place, r->queue + place + 1, (size_t)(r->count - place) * sizeof *r->queue);
}

bool requests_is_valid(const struct requests *r, const struct request *q)
{
    if (q->count < 1 || q->count > REQUESTS_SUBJECTS_MAX || q->change.at < 0 || q->change.at >= q->count)
        return false;
    for (int i = 0; i < q->count; i++)
        if (q->synset[i] < 0 || q->synset[i] >= SYNSET_COUNT || !r->known.known[q->synset[i]])
            return false;
    return true;
}

/* ---- asking ---- */

static int add_waiting(struct requests *r, struct request *q, double now_s, double *eta_s, bool *replaced)
{
    int place = find_user(r, requests_login_of(q));
    q->round = place >= 0 ? r->queue[place].round : requests_next_round(r, requests_login_of(q));
    if (place >= 0) {
        *eta_s = requests_wait_s(r, place, now_s);
        if (request_is_same(&r->queue[place], q)) {
            q->id = r->queue[place].id;
            return -EALREADY;
        }
        *replaced = true;
    } else {
        if (r->count >= r->queue_max + (q->reserved ? REQUESTS_RESERVED : 0))
            return -EBUSY;
        place = r->count++;
        for (; place > 0 && r->queue[place - 1].round > q->round; place--)
            r->queue[place] = r->queue[place - 1];
        if (q->favoured && place > 0 && r->queue[place - 1].round == q->round &&
            !r->queue[place - 1].favoured && !r->queue[place - 1].reserved) {
            r->queue[place] = r->queue[place - 1];
            place--;
        }
        *eta_s = requests_wait_s(r, place, now_s);
    }
    q->id = ++r->last_id;
    r->queue[place] = *q;
    return 0;
}

int requests_add(struct requests *r, struct request *q, double now_s, double *eta_s, bool *replaced)
{
    *eta_s = 0;
    *replaced = false;
    q->id = 0;
    int rc = 0;
    pthread_mutex_lock(&r->lock);
    now_s = requests_advance(r, now_s);
    if (!requests_is_valid(r, q)) {
        rc = -EINVAL;
    } else if (r->started && r->now.id && !r->skip && !r->operator_next.id && request_is_same(&r->now, q)) {
        q->id = r->now.id;
        rc = -EALREADY;
    } else if (q->immediate) {
        *replaced = r->operator_next.id != 0;
        q->id = ++r->last_id;
        r->operator_next = *q;
    } else {
        rc = add_waiting(r, q, now_s, eta_s, replaced);
    }
    pthread_mutex_unlock(&r->lock);
    if (rc == 0)
        count(r, STAT_REQUESTS);
    else if (rc == -EBUSY)
        count(r, STAT_REQUESTS_REFUSED);
    return rc;
}

int requests_where(struct requests *r, const char *user, double now_s, double *eta_s)
{
    pthread_mutex_lock(&r->lock);
    int place = find_user(r, user);
    *eta_s = place < 0 ? 0 : requests_wait_s(r, place, requests_advance(r, now_s));
    pthread_mutex_unlock(&r->lock);
    return place + 1;
}

/* ---- taking back ---- */

int requests_cancel(struct requests *r, const char *user)
{
    pthread_mutex_lock(&r->lock);
    int place = find_user(r, user);
    if (place >= 0)
        requests_remove_at(r, place);
    pthread_mutex_unlock(&r->lock);
    return place < 0 ? -ENOENT : 0;
}

int requests_remove(struct requests *r, int64_t id)
{
    int rc = -ENOENT;
    pthread_mutex_lock(&r->lock);
    for (int i = 0; rc && i < r->count; i++)
        if (r->queue[i].id == id) {
            requests_remove_at(r, i);
            rc = 0;
        }
    if (rc && id && r->operator_next.id == id) {
        r->operator_next.id = 0;
        rc = 0;
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

int requests_clear(struct requests *r)
{
    pthread_mutex_lock(&r->lock);
    int removed = r->count;
    r->count = 0;
    pthread_mutex_unlock(&r->lock);
    return removed;
}

void requests_hide_name(struct requests *r, int64_t id)
{
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < r->count; i++)
        if (r->queue[i].id == id)
            text_copy(r->queue[i].user, sizeof r->queue[i].user, REQUEST_SOMEBODY);
    pthread_mutex_unlock(&r->lock);
}

/* ---- of an earlier run ---- */

int requests_restore(struct requests *r, const struct request *q)
{
    pthread_mutex_lock(&r->lock);
    int rc = !requests_is_valid(r, q) || q->id < 0          ? -EINVAL
             : r->count == r->queue_max + REQUESTS_RESERVED ? -EBUSY
             : find_user(r, requests_login_of(q)) >= 0      ? -EEXIST
                                                            : 0;
    if (rc == 0) {
        r->queue[r->count] = *q;
        r->queue[r->count].round = r->round;
        r->queue[r->count].immediate = false;
        r->count++;
    }
    if (rc == 0 && q->id > r->last_id)
        r->last_id = q->id;
    pthread_mutex_unlock(&r->lock);
    return rc;
}

void requests_continue(struct requests *r, int64_t last_id)
{
    pthread_mutex_lock(&r->lock);
    if (last_id > r->last_id)
        r->last_id = last_id;
    pthread_mutex_unlock(&r->lock);
}
