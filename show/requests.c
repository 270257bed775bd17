/*
 * requests - see requests.h. A ring would save the moves, but a place in the queue must survive replacing and
 * cancelling in the middle; a few hundred entries are moved faster than anybody types.
 */
#include "show/requests.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/rng.h"
#include "common/text.h"
#include "show/daydream.h"

enum { RNG_STREAM_LOTTERY = 0x6c6f, RNG_STREAM_MIXTURES = 0x6d78, SERVED_MAX = 256, SHOWN_MAX = 16 };

/* Whose wish was granted in which round. */
struct served {
    char login[REQUEST_USER_BYTES];
    int64_t round;
};

struct requests {
    /* immutable after open */
    struct show_config config;
    struct stats *stats;
    int queue_max;

    pthread_mutex_t lock; /* leaf; guards everything below */
    struct synsets_known known;
    struct request now;
    bool started; /* `now` is filled */
    bool skip;    /* `now` has to go at the next turn */
    double since_s, latest_s;
    int64_t last_id;
    struct request operator_next; /* id 0: none */
    struct request *queue;        /* [queue_max], by round, then first come first */
    int count;
    int64_t round; /* of the last wish that was granted */
    struct served served[SERVED_MAX];
    int served_at;                   /* the oldest, overwritten next */
    double on_until_s[SYNSET_COUNT]; /* when a class was last on; -INFINITY: never */
    struct request shown[SHOWN_MAX]; /* the last that were on: may still be on their way to the screen */
    int shown_at;
    int64_t turns;
    double hold_until_s; /* a moderator keeps what is on */
    struct rng lottery, mixtures;
    void (*on_withdrawn)(void *context, int64_t request_id);
    void *withdrawn_context;
    void (*on_turn)(void *context, const struct request *before, double on_s, const struct request *now);
    void *turn_context;
    struct daydream daydream;
};

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

/* Time never runs backwards. Under the lock. */
static double advance(struct requests *r, double now_s)
{
    if (now_s > r->latest_s)
        r->latest_s = now_s;
    return r->latest_s;
}

static bool same_subjects(const struct request *a, const struct request *b)
{
    return a->count == b->count && memcmp(a->synset, b->synset, (size_t)a->count * sizeof a->synset[0]) == 0;
}

static const char *login_of(const struct request *q)
{
    return q->login[0] ? q->login : q->user;
}

static int find_user(const struct requests *r, const char *login)
{
    for (int i = 0; i < r->count; i++)
        if (strcasecmp(login_of(&r->queue[i]), login) == 0)
            return i;
    return -1;
}

/* The round in which this viewer's next wish belongs: nobody has a second turn while somebody waits for a
 * first (fair queueing, with a turn as the unit of service). Under the lock. */
static int64_t next_round(const struct requests *r, const char *login)
{
    for (int i = 0; i < SERVED_MAX; i++)
        if (r->served[i].round >= r->round && strcasecmp(r->served[i].login, login) == 0)
            return r->served[i].round + 1;
    return r->round;
}

/* Under the lock. */
static void remember_served(struct requests *r, const struct request *q)
{
    int at = r->served_at;
    for (int i = 0; i < SERVED_MAX; i++)
        if (strcasecmp(r->served[i].login, login_of(q)) == 0)
            at = i;
    text_copy(r->served[at].login, sizeof r->served[at].login, login_of(q));
    r->served[at].round = q->round;
    if (at == r->served_at)
        r->served_at = (r->served_at + 1) % SERVED_MAX;
    if (q->round > r->round)
        r->round = q->round;
}

/* Seconds until the one at `place` of the queue has its turn. Under the lock. */
static double wait_s(const struct requests *r, int place, double now_s)
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
    return (first_s > 0 ? first_s : 0) + place * hold_s;
}

/* Until something else is on: the next in line, or an idea of the dream's own. Under the lock. */
static double change_s(const struct requests *r, double now_s)
{
    if (r->operator_next.id || r->skip)
        return 0;
    double idle_s = r->config.idle_s + (r->now.id ? r->config.hold_s : 0);
    double left_s = r->count > 0 ? wait_s(r, 0, now_s) : r->since_s + idle_s - now_s;
    double held_s = r->hold_until_s - now_s;
    return left_s > held_s ? (left_s > 0 ? left_s : 0) : (held_s > 0 ? held_s : 0);
}

void requests_look_ahead(struct requests *r, double now_s, struct requests_outlook *o)
{
    pthread_mutex_lock(&r->lock);
    now_s = advance(r, now_s);
    *o = (struct requests_outlook){.on_s = r->started ? now_s - r->since_s : 0,
                                   .changes_in_s = change_s(r, now_s),
                                   .held_for_s = r->hold_until_s > now_s ? r->hold_until_s - now_s : 0};
    pthread_mutex_unlock(&r->lock);
}

/* Under the lock. */
static bool valid(const struct requests *r, const struct request *q)
{
    if (q->count < 1 || q->count > REQUESTS_SUBJECTS_MAX)
        return false;
    for (int i = 0; i < q->count; i++)
        if (q->synset[i] < 0 || q->synset[i] >= SYNSET_COUNT || !r->known.known[q->synset[i]])
            return false;
    return true;
}

static int add_waiting(struct requests *r, struct request *q, double now_s, double *eta_s, bool *replaced)
{
    int place = find_user(r, login_of(q));
    q->round = place >= 0 ? r->queue[place].round : next_round(r, login_of(q));
    if (place >= 0) {
        *eta_s = wait_s(r, place, now_s);
        if (same_subjects(&r->queue[place], q)) {
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
        *eta_s = wait_s(r, place, now_s);
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
    now_s = advance(r, now_s);
    if (!valid(r, q)) {
        rc = -EINVAL;
    } else if (r->started && r->now.id && !r->skip && !r->operator_next.id && same_subjects(&r->now, q)) {
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
    *eta_s = place < 0 ? 0 : wait_s(r, place, advance(r, now_s));
    pthread_mutex_unlock(&r->lock);
    return place + 1;
}

static void remove_at(struct requests *r, int place)
{
    r->count--;
    memmove(r->queue + place, r->queue + place + 1, (size_t)(r->count - place) * sizeof *r->queue);
}

int requests_cancel(struct requests *r, const char *user)
{
    pthread_mutex_lock(&r->lock);
    int place = find_user(r, user);
    if (place >= 0)
        remove_at(r, place);
    pthread_mutex_unlock(&r->lock);
    return place < 0 ? -ENOENT : 0;
}

int requests_remove(struct requests *r, int64_t id)
{
    int rc = -ENOENT;
    pthread_mutex_lock(&r->lock);
    for (int i = 0; rc && i < r->count; i++)
        if (r->queue[i].id == id) {
            remove_at(r, i);
            rc = 0;
        }
    if (rc && id && r->operator_next.id == id) {
        r->operator_next.id = 0;
        rc = 0;
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

double requests_rest_s(struct requests *r, int synset, const char *login, double now_s)
{
    if (r->config.repeat_s <= 0)
        return 0;
    pthread_mutex_lock(&r->lock);
    double left_s = r->on_until_s[synset] + r->config.repeat_s - now_s;
    for (int i = 0; i < r->count; i++) /* somebody else has it first */
        for (int k = 0; k < r->queue[i].count && strcasecmp(login_of(&r->queue[i]), login) != 0; k++)
            if (r->queue[i].synset[k] == synset)
                left_s = wait_s(r, i, now_s) + r->config.hold_s + r->config.repeat_s;
    pthread_mutex_unlock(&r->lock);
    return left_s > 0 ? left_s : 0;
}

int requests_before(struct requests *r, struct request *out, int max)
{
    int count = 0;
    pthread_mutex_lock(&r->lock);
    for (int back = 2; back <= SHOWN_MAX && count < max; back++) { /* 1: what is on */
        const struct request *q = &r->shown[(r->shown_at + SHOWN_MAX - back) % SHOWN_MAX];
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
    for (int i = 0; id && !found && i < SHOWN_MAX; i++)
        if ((found = r->shown[i].id == id))
            *out = r->shown[i];
    pthread_mutex_unlock(&r->lock);
    return found;
}

void requests_hide_name(struct requests *r, int64_t id)
{
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < r->count; i++)
        if (r->queue[i].id == id)
            text_copy(r->queue[i].user, sizeof r->queue[i].user, REQUEST_SOMEBODY);
    pthread_mutex_unlock(&r->lock);
}

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

void requests_on_withdrawn(struct requests *r, void (*withdrawn)(void *context, int64_t request_id),
                           void *context)
{
    r->on_withdrawn = withdrawn;
    r->withdrawn_context = context;
}

static bool is_by(const struct request *q, const char *login, const char *message_id)
{
    if (message_id)
        return q->message_id[0] && strcmp(q->message_id, message_id) == 0;
    return !login || strcasecmp(login_of(q), login) == 0;
}

/* Takes away what waits and fits. Under the lock. */
static int withdraw_waiting(struct requests *r, const char *login, const char *message_id)
{
    int kept = 0, count_before = r->count;
    for (int i = 0; i < r->count; i++)
        if (!is_by(&r->queue[i], login, message_id))
            r->queue[kept++] = r->queue[i];
    r->count = kept;
    return count_before - kept;
}

int requests_withdraw(struct requests *r, const char *login, const char *message_id)
{
    int64_t ids[SHOWN_MAX];
    int id_count = 0;
    pthread_mutex_lock(&r->lock);
    int removed = withdraw_waiting(r, login, message_id);
    if (r->now.id && !r->now.immediate && is_by(&r->now, login, message_id)) {
        r->now.user[0] = '\0'; /* nobody is told any more whose it was */
        r->skip = true;
        removed++;
    }
    for (int i = 0; i < SHOWN_MAX; i++) {
        struct request *q = &r->shown[i];
        if (!q->id || q->immediate || !is_by(q, login, message_id))
            continue;
        ids[id_count++] = q->id;
        *q = (struct request){.id = 0};
    }
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < id_count && r->on_withdrawn; i++)
        r->on_withdrawn(r->withdrawn_context, ids[i]);
    return removed;
}

int requests_restrict(struct requests *r, const struct synsets_known *known)
{
    pthread_mutex_lock(&r->lock);
    bool left = daydream_restrict(&r->daydream, known);
    if (left) {
        int kept = 0;
        r->known = *known;
        for (int i = 0; i < r->count; i++)
            if (valid(r, &r->queue[i]))
                r->queue[kept++] = r->queue[i];
        r->count = kept;
        r->skip = r->skip || (r->started && !r->now.immediate && !valid(r, &r->now));
    }
    pthread_mutex_unlock(&r->lock);
    return left ? 0 : -EINVAL;
}

int requests_clear(struct requests *r)
{
    pthread_mutex_lock(&r->lock);
    int removed = r->count;
    r->count = 0;
    pthread_mutex_unlock(&r->lock);
    return removed;
}

/* False: there is nothing else to dream. */
static bool start_daydream(struct requests *r)
{
    int synset = daydream_next(&r->daydream, r->now.synset, r->started ? r->now.count : 0);
    struct request idea = {.count = 1, .synset = {synset}};
    if (r->started && r->now.count == 1 && r->now.synset[0] == synset)
        return false; /* the model knows nothing else */
    if (r->config.mixtures > 0 && rng_uniform(&r->mixtures) < r->config.mixtures) {
        int second = daydream_next(&r->daydream, &synset, 1);
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
    remove_at(r, place);
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
        return start_daydream(r);
    return r->config.daydream && on_s >= r->config.idle_s + (asked ? r->config.hold_s : 0) &&
           start_daydream(r);
}

bool requests_turn(struct requests *r, double now_s, struct request *now)
{
    pthread_mutex_lock(&r->lock);
    now_s = advance(r, now_s);
    struct request before = r->now;
    double on_s = now_s - r->since_s;
    for (int i = 0; r->started && i < r->now.count; i++)
        r->on_until_s[r->now.synset[i]] = now_s;
    bool changed = choose(r, now_s);
    r->skip = false;
    if (changed) {
        r->started = true;
        r->since_s = now_s;
        r->hold_until_s = 0;
        r->now.turn = ++r->turns;
        r->shown[r->shown_at] = r->now;
        r->shown_at = (r->shown_at + 1) % SHOWN_MAX;
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

int requests_restore(struct requests *r, const struct request *q)
{
    pthread_mutex_lock(&r->lock);
    int rc = !valid(r, q) || q->id < 0                      ? -EINVAL
             : r->count == r->queue_max + REQUESTS_RESERVED ? -EBUSY
             : find_user(r, login_of(q)) >= 0               ? -EEXIST
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

void request_label(const struct request *q, char *out, size_t size)
{
    struct synsets_result r = {.count = q->count, .synset = {q->synset[0], q->synset[1]}};
    synsets_label(&r, out, size);
}

void request_caption(const struct request *q, char *out, size_t size)
{
    char label[256], text[256 + REQUEST_USER_BYTES + 8];
    request_label(q, label, sizeof label);
    if (!q->user[0])
        snprintf(text, sizeof text, "%s ~", label);
    else
        snprintf(text, sizeof text, "%s  @%s", label, q->user);
    text_copy(out, size, text);
}
