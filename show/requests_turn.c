/*
 * requests_turn - what is on: the next in line after hold_s, in rounds so that nobody has a second turn before somebody
 * else's first; a moderator's hold and skip; a daydream when nobody has come.
 */
#include "show/requests_parts.h"

#include <strings.h>

#include "common/text.h"

/* How turns come late is learned from the last few. One that nobody was waiting for does not count. */
static const double LATE_WEIGHT = 0.2, LATE_MAX_S = 5;

/* ---- rounds ---- */

int64_t requests_next_round(const struct requests *r, const char *login)
{
    for (int i = 0; i < REQUESTS_SERVED_MAX; i++)
        if (r->served[i].round >= r->round && strcasecmp(r->served[i].login, login) == 0)
            return r->served[i].round + 1;
    return r->round;
}

/* This wish has been granted. Under the lock. */
static void remember_served(struct requests *r, const struct request *q)
{
    int at = r->served_at;
    for (int i = 0; i < REQUESTS_SERVED_MAX; i++)
        if (strcasecmp(r->served[i].login, requests_login_of(q)) == 0)
            at = i;
    text_copy(r->served[at].login, sizeof r->served[at].login, requests_login_of(q));
    r->served[at].round = q->round;
    if (at == r->served_at)
        r->served_at = (r->served_at + 1) % REQUESTS_SERVED_MAX;
    if (q->round > r->round)
        r->round = q->round;
}

/* ---- choosing ---- */

/* False: there is nothing else to dream. */
static bool start_daydream(struct requests *r, double now_s)
{
    int synset =
        daydream_next(&r->daydream, r->now.synset, r->started ? r->now.count : 0, r->on_until_s, now_s);
    struct request idea = {.count = 1, .synset = {synset}};
    if (r->started && r->now.count == 1 && r->now.synset[0] == synset)
        return false; /* the model knows nothing else */
    if (r->config.mixtures > 0 && rng_uniform(&r->mixtures) < r->config.mixtures) {
        int second = daydream_next(&r->daydream, &synset, 1, r->on_until_s, now_s);
        if (second != synset)
            idea.synset[idea.count++] = second;
    }
    r->now = idea;
    return true;
}

/* Whoever waits longest; in the lottery anybody, and all others have lost. Under the lock. */
static void take_next(struct requests *r)
{
    bool lottery = r->config.order == SHOW_LOTTERY;
    int place = lottery ? (int)rng_below(&r->lottery, (uint32_t)r->count) : 0;
    r->now = r->queue[place];
    requests_remove_at(r, place);
    if (lottery)
        r->count = 0;
    remember_served(r, &r->now);
}

/* Puts the next subject into r->now. False: everything stays. Under the lock. */
static bool choose(struct requests *r, double now_s)
{
    double on_s = now_s - r->since_s;
    if (r->operator_next.id) {
        r->now = r->operator_next;
        r->operator_next.id = 0;
        return true;
    }
    bool asked = r->started && r->now.id && !r->skip;
    if (asked && on_s < r->config.hold_s)
        return false;
    if (r->started && !r->skip && now_s < r->hold_until_s)
        return false;
    if (r->count > 0) {
        take_next(r);
        return true;
    }
    if (!r->started || r->skip)
        return start_daydream(r, now_s);
    return r->config.daydream && on_s >= r->config.idle_s + (asked ? r->config.hold_s : 0) &&
           start_daydream(r, now_s);
}

bool requests_turn(struct requests *r, double now_s, struct request *now)
{
    pthread_mutex_lock(&r->lock);
    now_s = requests_advance(r, now_s);
    struct request before = r->now;
    double on_s = now_s - r->since_s;
    for (int i = 0; r->started && i < r->now.count; i++)
        r->on_until_s[r->now.synset[i]] = now_s;
    bool due = r->started && r->now.id && !r->skip && !r->operator_next.id && r->waited &&
               r->hold_until_s <= r->since_s;
    bool changed = choose(r, now_s);
    if (changed && due && on_s - r->config.hold_s < LATE_MAX_S)
        r->late_s += LATE_WEIGHT * (on_s - r->config.hold_s - r->late_s);
    r->skip = false;
    r->waited = r->count > 0;
    if (changed) {
        r->started = true;
        r->since_s = now_s;
        r->hold_until_s = 0;
        r->now.turn = ++r->turns;
        r->shown[r->shown_at] = r->now;
        r->shown_at = (r->shown_at + 1) % REQUESTS_SHOWN_MAX;
        *now = r->now;
    }
    pthread_mutex_unlock(&r->lock);
    if (changed && r->on_turn)
        r->on_turn(r->turn_context, &before, on_s, now);
    return changed;
}

void requests_on_turn(struct requests *r,
                      void (*turned)(void *context, const struct request *before, double on_s,
                                     const struct request *now),
                      void *context)
{
    r->on_turn = turned;
    r->turn_context = context;
}

/* ---- moderators ---- */

void requests_skip(struct requests *r)
{
    pthread_mutex_lock(&r->lock);
    r->skip = true;
    pthread_mutex_unlock(&r->lock);
}

void requests_hold(struct requests *r, double until_s)
{
    pthread_mutex_lock(&r->lock);
    r->hold_until_s = until_s;
    pthread_mutex_unlock(&r->lock);
}
