/*
 * requests_view - how things are: when whose turn comes, what is on, what waits and what was on; and how a wish is
 * written for people.
 */
#include "show/requests_parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"

/* ---- times ---- */

double requests_wait_s(const struct requests *r, int place, double now_s)
{
    double hold_s = r->config.hold_s, first_s = 0;
    if (r->operator_next.id) /* comes before all, and holds */
        first_s = hold_s;
    else if (r->started && r->now.id && !r->skip)
        first_s = r->since_s + hold_s - now_s;
    if (!r->operator_next.id && !r->skip && r->hold_until_s - now_s > first_s)
        first_s = r->hold_until_s - now_s;
    if (r->config.order == SHOW_LOTTERY)
        place = 0;
    if (first_s > 0)
        first_s += r->late_s;
    return (first_s > 0 ? first_s : 0) + place * (hold_s + r->late_s);
}

/* Until something else is on: the next in line, or an idea of the dream's own. Under the lock. */
static double change_s(const struct requests *r, double now_s)
{
    if (r->operator_next.id || r->skip)
        return 0;
    double idle_s = r->config.idle_s + (r->now.id ? r->config.hold_s : 0);
    double left_s = r->count > 0 ? requests_wait_s(r, 0, now_s) : r->since_s + idle_s - now_s;
    double held_s = r->hold_until_s - now_s;
    return left_s > held_s ? (left_s > 0 ? left_s : 0) : (held_s > 0 ? held_s : 0);
}

void requests_look_ahead(struct requests *r, double now_s, struct requests_outlook *o)
{
    pthread_mutex_lock(&r->lock);
    now_s = requests_advance(r, now_s);
    *o = (struct requests_outlook){.on_s = r->started ? now_s - r->since_s : 0,
                                   .changes_in_s = change_s(r, now_s),
                                   .held_for_s = r->hold_until_s > now_s ? r->hold_until_s - now_s : 0};
    pthread_mutex_unlock(&r->lock);
}

double requests_rest_s(struct requests *r, int synset, const char *login, double now_s)
{
    if (r->config.repeat_s <= 0)
        return 0;
    pthread_mutex_lock(&r->lock);
    double left_s = r->on_until_s[synset] + r->config.repeat_s - now_s;
    for (int i = 0; i < r->count; i++) /* somebody else has it first */
        for (int k = 0; k < r->queue[i].count && strcasecmp(requests_login_of(&r->queue[i]), login) != 0; k++)
            if (r->queue[i].synset[k] == synset)
                left_s = requests_wait_s(r, i, now_s) + r->config.hold_s + r->config.repeat_s;
    pthread_mutex_unlock(&r->lock);
    return left_s > 0 ? left_s : 0;
}

/* ---- lists ---- */

int requests_list(struct requests *r, struct request *now, struct request *next, int max)
{
    pthread_mutex_lock(&r->lock);
    if (now)
        *now = r->now;
    int waiting = r->count, first = 0;
    if (r->operator_next.id) {
        waiting++;
        first = max > 0;
        if (first)
            next[0] = r->operator_next;
    }
    int n = r->count < max - first ? r->count : max - first;
    if (n > 0)
        memcpy(next + first, r->queue, (size_t)n * sizeof *next);
    pthread_mutex_unlock(&r->lock);
    return waiting;
}

int requests_before(struct requests *r, struct request *out, int max)
{
    int count = 0;
    pthread_mutex_lock(&r->lock);
    for (int back = 2; back <= REQUESTS_SHOWN_MAX && count < max; back++) { /* 1: what is on */
        const struct request *q = &r->shown[(r->shown_at + REQUESTS_SHOWN_MAX - back) % REQUESTS_SHOWN_MAX];
        if (q->count > 0)
            out[count++] = *q;
    }
    pthread_mutex_unlock(&r->lock);
    return count;
}

bool requests_find_shown(struct requests *r, int64_t id, struct request *out)
{
    bool found = false;
    pthread_mutex_lock(&r->lock);
    for (int i = 0; id && !found && i < REQUESTS_SHOWN_MAX; i++)
        if ((found = r->shown[i].id == id))
            *out = r->shown[i];
    pthread_mutex_unlock(&r->lock);
    return found;
}

/* ---- for people ---- */
