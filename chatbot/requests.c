/*
 * requests - see requests.h. A ring would save the moves, but a place in the queue must survive replacing and
 * cancelling in the middle; a few hundred entries are moved faster than anybody types.
 */
#include "chatbot/requests.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/rng.h"
#include "common/text.h"

enum {
    RNG_STREAM_DAYDREAMS = 0x6472, /* a number of our own, so that replies do not change the walk */
    LOOK_AHEAD = 4                 /* daydreams to choose the most different one from */
};

static const struct option show_rows[] = {
    OPTION_FLOAT(struct show_config, hold_s, "60", 1, 3600, "s",
                 "How long a requested subject keeps the screen before the next one has its turn."),
    OPTION_FLOAT(
        struct show_config, idle_s, "30", 1, 3600, "s",
        "How long the dream waits for somebody before it moves on by itself, and how long each of its "
        "own ideas lasts."),
    OPTION_INT(struct show_config, queue_max, "100", 1, 10000, NULL,
               "How many requests may wait; one for each viewer."),
    OPTION_BOOL(struct show_config, daydream, "true",
                "Dream on through all classes when nobody asks; false stays with the last subject."),
};
const struct option_section show_section =
    OPTION_SECTION("show", struct show_config, show_rows, "Whose turn it is, and for how long.");

struct requests {
    /* immutable after open */
    struct show_config config;
    struct synsets_known known;
    struct stats *stats;
    int queue_max;

    pthread_mutex_t lock; /* leaf; guards everything below */
    struct request now;
    bool started; /* `now` is filled */
    bool skip;    /* `now` has to go at the next turn */
    double since_s, latest_s;
    int64_t last_id;
    struct request operator_next; /* id 0: none */
    struct request *queue;        /* [queue_max], first come first */
    int count;
    struct rng rng;
    int walk[SYNSET_COUNT]; /* all known classes, shuffled; those before walked have been dreamed */
    int walk_count, walked;
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
    r->queue = xcalloc((size_t)r->queue_max, sizeof *r->queue);
    r->rng = rng_make(seed, RNG_STREAM_DAYDREAMS);
    for (int s = 0; s < SYNSET_COUNT; s++)
        if (known->known[s])
            r->walk[r->walk_count++] = s;
    r->walked = r->walk_count; /* shuffled when the first daydream is drawn */
    pthread_mutex_init(&r->lock, NULL);
    if (r->walk_count == 0) {
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

static int find_user(const struct requests *r, const char *user)
{
    for (int i = 0; i < r->count; i++)
        if (strcasecmp(r->queue[i].user, user) == 0)
            return i;
    return -1;
}

/* Seconds until the one at `place` of the queue has its turn. Under the lock. */
static double wait_s(const struct requests *r, int place, double now_s)
{
    double hold_s = r->config.hold_s, first_s = 0;
    if (r->operator_next.id) /* comes before all, and holds */
        first_s = hold_s;
    else if (r->started && r->now.id && !r->skip)
        first_s = r->since_s + hold_s - now_s;
    return (first_s > 0 ? first_s : 0) + place * hold_s;
}

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
    int place = find_user(r, q->user);
    if (place >= 0) {
        *eta_s = wait_s(r, place, now_s);
        if (same_subjects(&r->queue[place], q)) {
            q->id = r->queue[place].id;
            return -EALREADY;
        }
        *replaced = true;
    } else {
        if (r->count == r->queue_max)
            return -EBUSY;
        place = r->count++;
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
    if (!valid(r, q))
        return -EINVAL;
    int rc = 0;
    pthread_mutex_lock(&r->lock);
    now_s = advance(r, now_s);
    if (r->started && r->now.id && !r->skip && !r->operator_next.id && same_subjects(&r->now, q)) {
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

void requests_skip(struct requests *r)
{
    pthread_mutex_lock(&r->lock);
    r->skip = true;
    pthread_mutex_unlock(&r->lock);
}

static void swap(int *a, int *b)
{
    int t = *a;
    *a = *b;
    *b = t;
}

/* The steps from the nearest of what is on now; more is more of a change. */
static int difference(const struct request *now, int synset)
{
    int least = synsets_distance(now->synset[0], synset);
    for (int i = 1; i < now->count; i++) {
        int d = synsets_distance(now->synset[i], synset);
        least = d < least ? d : least;
    }
    return least;
}

/* The next class of the walk. Every class comes once per round; of the next few the one least like what is on
 * goes first, so that not five breeds of dog follow one another. Under the lock. */
static int walk_on(struct requests *r)
{
    if (r->walked == r->walk_count) {
        for (int i = r->walk_count - 1; i > 0; i--)
            swap(&r->walk[i], &r->walk[rng_below(&r->rng, (uint32_t)i + 1)]);
        r->walked = 0;
    }
    int end = r->walked + LOOK_AHEAD < r->walk_count ? r->walked + LOOK_AHEAD : r->walk_count;
    int best = r->walked;
    for (int i = r->walked + 1; r->started && i < end; i++)
        if (difference(&r->now, r->walk[i]) > difference(&r->now, r->walk[best]))
            best = i;
    swap(&r->walk[r->walked], &r->walk[best]);
    return r->walk[r->walked++];
}

/* False: there is nothing else to dream. */
static bool start_daydream(struct requests *r)
{
    int synset = walk_on(r);
    if (r->started && difference(&r->now, synset) == 0)
        synset = walk_on(r); /* the last of a round was on by request; the next round begins with another */
    if (r->started && r->now.count == 1 && r->now.synset[0] == synset)
        return false; /* the model knows nothing else */
    r->now = (struct request){.count = 1, .synset = {synset}};
    return true;
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
    if (r->count > 0) {
        r->now = r->queue[0];
        remove_at(r, 0);
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
    bool changed = choose(r, now_s);
    r->skip = false;
    if (changed) {
        r->started = true;
        r->since_s = now_s;
        *now = r->now;
    }
    pthread_mutex_unlock(&r->lock);
    return changed;
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
    if (q->id == 0)
        snprintf(text, sizeof text, "%s ~", label);
    else
        snprintf(text, sizeof text, "%s  @%s", label, q->user);
    text_copy(out, size, text);
}
