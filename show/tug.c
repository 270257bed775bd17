/*
 * tug - see tug.h. Votes are a list by age with a hash over it: entries have fixed places, so nothing is allocated while
 * people vote, and a flood of votes costs each of them a look at a short chain.
 */
#include "show/tug.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"

enum { CHAINS = 8192, NONE = -1 };

static const double VOTE_S = 60, WHOLE_S = 10;
static const double EDGE = 0.12;  /* of the height, for the one who is losing */
static const double SPRING = 1.5; /* 1/s: within 2 % of the way in 5.8 / SPRING seconds */
static const double MIDDLE = 0.5;
static const double ARRIVED = 0.005; /* as good as there */

struct vote {
    char key[REQUEST_USER_BYTES];
    double at_s;
    int side;         /* 0: upper, 1: lower */
    int older, newer; /* in the list by age; of free ones, `newer` is the next free one */
    int chained;      /* next with the same hash */
};

struct tug {
    /* immutable after open */
    double share, hold_s, most_per_s;
    int least;
    bool is_wanted; /* show.tug */

    pthread_mutex_t lock; /* leaf; guards all below */
    bool is_on, is_stopped, has_moved;
    int64_t turn;
    int synset[2];
    double latest_s, pulled_s; /* the front is that of pulled_s */
    double front, speed;
    enum tug_side leader, winner;
    double leads_since_s, whole_until_s; /* INFINITY: it is not whole yet */
    int wins[2];

    struct vote votes[TUG_VOTERS_MAX];
    int chains[CHAINS];
    int oldest, newest, free;
    int counts[2], pages;
};

/* ---- votes; all under the lock ---- */

static int *chain_of(struct tug *t, const char *key)
{
    return &t->chains[text_hash_caseless(key) % CHAINS];
}

static int find(struct tug *t, const char *key)
{
    int at = *chain_of(t, key);
    while (at != NONE && strcasecmp(t->votes[at].key, key) != 0)
        at = t->votes[at].chained;
    return at;
}

static bool is_page(const char *key)
{
    return strncmp(key, TUG_PAGE_PREFIX, sizeof TUG_PAGE_PREFIX - 1) == 0;
}

static void drop(struct tug *t, int at)
{
    struct vote *v = &t->votes[at];
    int *link = chain_of(t, v->key);
    while (*link != at)
        link = &t->votes[*link].chained;
    *link = v->chained;
    *(v->older == NONE ? &t->oldest : &t->votes[v->older].newer) = v->newer;
    *(v->newer == NONE ? &t->newest : &t->votes[v->newer].older) = v->older;
    t->counts[v->side]--;
    t->pages -= is_page(v->key);
    v->newer = t->free;
    t->free = at;
}

static void drop_all(struct tug *t)
{
    while (t->oldest != NONE)
        drop(t, t->oldest);
}

static void drop_old(struct tug *t, double now_s)
{
    while (t->oldest != NONE && now_s - t->votes[t->oldest].at_s >= VOTE_S)
        drop(t, t->oldest);
}

/* Room for one more. */
static void make_room(struct tug *t, bool page)
{
    int at = t->oldest;
    while (page && t->pages >= TUG_PAGES_MAX && !is_page(t->votes[at].key))
        at = t->votes[at].newer;
    if (t->free == NONE || (page && t->pages >= TUG_PAGES_MAX))
        drop(t, at);
}

static void add(struct tug *t, const char *key, int side, double now_s)
{
    int at = find(t, key);
    if (at != NONE)
        drop(t, at);
    make_room(t, is_page(key));
    at = t->free;
    struct vote *v = &t->votes[at];
    t->free = v->newer;
    *v = (struct vote){.at_s = now_s, .side = side, .older = t->newest, .newer = NONE};
    text_copy(v->key, sizeof v->key, key);
    *(t->newest == NONE ? &t->oldest : &t->votes[t->newest].newer) = at;
    t->newest = at;
    v->chained = *chain_of(t, v->key);
    *chain_of(t, v->key) = at;
    t->counts[side]++;
    t->pages += is_page(v->key);
}

/* ---- the front; under the lock ---- */

/* Where the votes put it: the upper thing's share of the picture. */
static double voted(const struct tug *t)
{
    if (t->winner)
        return t->winner == TUG_UPPER ? 1 : 0;
    double share = (t->counts[0] + 1.0) / (t->counts[0] + t->counts[1] + 2);
    return fmin(fmax(share, EDGE), 1 - EDGE);
}

/* x'' = -SPRING^2 (x - to) - 2 SPRING x', solved exactly, so that it does not matter how often it is asked. */
static void move(struct tug *t, double to, double s)
{
    double c1 = t->front - to, c2 = t->speed + SPRING * c1, fall = exp(-SPRING * s);
    double front = to + (c1 + c2 * s) * fall, most = t->most_per_s * s;
    t->speed = (c2 - SPRING * (c1 + c2 * s)) * fall;
    if (fabs(front - t->front) > most) {
        front = t->front + copysign(most, front - t->front);
        t->speed = copysign(t->most_per_s, front - t->front);
    }
    t->front = fmin(fmax(front, 0), 1);
}

static void begin_anew(struct tug *t)
{
    drop_all(t);
    t->leader = t->winner = TUG_NOBODY;
    t->whole_until_s = INFINITY;
}

static enum tug_side leader_of(const struct tug *t)
{
    int count = t->counts[0] + t->counts[1], most = t->counts[0] > t->counts[1] ? 0 : 1;
    bool leads = count >= t->least && t->counts[most] >= t->share * count && t->counts[0] != t->counts[1];
    return !leads ? TUG_NOBODY : most == 0 ? TUG_UPPER : TUG_LOWER;
}

static void look_for_winner(struct tug *t, double now_s)
{
    enum tug_side leader = leader_of(t);
    if (leader != t->leader) {
        t->leader = leader;
        t->leads_since_s = now_s;
    }
    if (leader && now_s - t->leads_since_s >= t->hold_s) {
        t->winner = leader;
        t->wins[leader == TUG_LOWER]++;
    }
}

static void celebrate(struct tug *t, double now_s)
{
    if (isinf(t->whole_until_s) && fabs(t->front - voted(t)) < ARRIVED)
        t->whole_until_s = now_s + WHOLE_S;
    if (now_s >= t->whole_until_s)
        begin_anew(t);
}

static double advance(struct tug *t, double now_s)
{
    if (now_s > t->latest_s)
        t->latest_s = now_s;
    drop_old(t, t->latest_s);
    return t->latest_s;
}

/* ---- from outside ---- */

struct tug *tug_open(const struct show_config *c, double most_per_s)
{
    struct tug *t = xcalloc(1, sizeof *t);
    t->is_wanted = c->tug;
    t->share = c->tug_share;
    t->hold_s = c->tug_hold_s;
    t->least = (int)c->vote_min;
    t->most_per_s = most_per_s;
    t->oldest = t->newest = NONE;
    for (int i = 0; i < CHAINS; i++)
        t->chains[i] = NONE;
    for (int i = 0; i < TUG_VOTERS_MAX; i++)
        t->votes[i].newer = i + 1 < TUG_VOTERS_MAX ? i + 1 : NONE;
    t->front = MIDDLE;
    t->whole_until_s = INFINITY;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void tug_close(struct tug **t)
{
    if (!*t)
        return;
    pthread_mutex_destroy(&(*t)->lock);
    free(*t);
    *t = NULL;
}

void tug_turn(struct tug *t, const struct request *q, bool first_below, double now_s)
{
    pthread_mutex_lock(&t->lock);
    advance(t, now_s);
    begin_anew(t);
    t->is_on = t->is_wanted && request_is_halves(q);
    t->has_moved = false;
    t->turn = q->turn;
    t->synset[0] = q->synset[first_below];
    t->synset[1] = q->synset[!first_below];
    t->wins[0] = t->wins[1] = 0;
    t->front = MIDDLE;
    t->speed = 0;
    pthread_mutex_unlock(&t->lock);
}

int tug_vote(struct tug *t, const char *key, enum tug_side side, double now_s)
{
    pthread_mutex_lock(&t->lock);
    now_s = advance(t, now_s);
    int rc = !t->is_on ? -ENOENT : t->is_stopped ? -EPERM : t->winner ? -EALREADY : 0;
    if (rc == 0)
        add(t, key, side == TUG_LOWER, now_s);
    if (rc == 0 && !t->has_moved)
        t->pulled_s = now_s;
    t->has_moved |= rc == 0;
    pthread_mutex_unlock(&t->lock);
    return rc;
}

void tug_forget(struct tug *t, const char *key)
{
    pthread_mutex_lock(&t->lock);
    int at = key ? find(t, key) : NONE;
    if (at != NONE)
        drop(t, at);
    if (!key)
        drop_all(t);
    pthread_mutex_unlock(&t->lock);
}

void tug_stop(struct tug *t, bool stopped)
{
    pthread_mutex_lock(&t->lock);
    t->is_stopped = stopped;
    begin_anew(t);
    pthread_mutex_unlock(&t->lock);
}

bool tug_pull(struct tug *t, double now_s, double *front)
{
    pthread_mutex_lock(&t->lock);
    now_s = advance(t, now_s);
    bool moves = t->is_on && t->has_moved;
    if (moves && now_s > t->pulled_s) {
        if (!t->winner)
            look_for_winner(t, now_s);
        move(t, voted(t), now_s - t->pulled_s);
        t->pulled_s = now_s;
        if (t->winner)
            celebrate(t, now_s);
    }
    *front = t->front;
    pthread_mutex_unlock(&t->lock);
    return moves;
}

void tug_look(struct tug *t, struct tug_view *v)
{
    pthread_mutex_lock(&t->lock);
    *v = (struct tug_view){.is_on = t->is_on && !t->is_stopped,
                           .is_stopped = t->is_stopped,
                           .has_moved = t->has_moved,
                           .turn = t->turn,
                           .synset = {t->synset[0], t->synset[1]},
                           .votes = {t->counts[0], t->counts[1]},
                           .front = t->front,
                           .winner = t->winner,
                           .wins = {t->wins[0], t->wins[1]}};
    pthread_mutex_unlock(&t->lock);
}
