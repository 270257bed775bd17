/*
 * requests_parts - what the files of the requests share: the queue itself, and who is where in it. Inside requests*.c
 * only. requests.c holds what waits, requests_turn.c decides what is on, requests_withdraw.c takes away what moderators
 * and bans forbid, requests_view.c tells how things are.
 */
#ifndef SHOW_REQUESTS_PARTS_H
#define SHOW_REQUESTS_PARTS_H

#include <pthread.h>

#include "common/rng.h"
#include "show/daydream.h"
#include "show/requests.h"

enum { REQUESTS_SERVED_MAX = 256, REQUESTS_SHOWN_MAX = 16 };

/* Whose wish was granted in which round. */
struct requests_served {
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
    struct requests_served served[REQUESTS_SERVED_MAX];
    int served_at;                   /* the oldest, overwritten next */
    double on_until_s[SYNSET_COUNT]; /* when a class was last on; -INFINITY: never */
    struct request
        shown[REQUESTS_SHOWN_MAX]; /* the last that were on: may still be on their way to the screen */
    int shown_at;
    int64_t turns;
    double hold_until_s; /* a moderator keeps what is on */
    bool waited;         /* somebody, when the dream asked last */
    double late_s;       /* turns come so much after their time: the dream asks at its pictures only */
    struct rng lottery, mixtures;
    void (*on_withdrawn)(void *context, int64_t request_id);
    void *withdrawn_context;
    void (*on_removed)(void *context, const char *login, const char *message_id);
    void *removed_context;
    void (*on_turn)(void *context, const struct request *before, double on_s, const struct request *now);
    void *turn_context;
    struct daydream daydream;
};

/* All of these under the lock. */

/* Time never runs backwards. */
double requests_advance(struct requests *r, double now_s);
/* Only classes that are known, as many as a wish may have. */
bool requests_is_valid(const struct requests *r, const struct request *q);
const char *requests_login_of(const struct request *q);

void requests_remove_at(struct requests *r, int place);

/* The round in which this viewer's next wish belongs: nobody has a second turn while somebody waits for a
 * first (fair queueing, with a turn as the unit of service). */
int64_t requests_next_round(const struct requests *r, const char *login);
/* Seconds until the one at `place` of the queue has its turn. */
double requests_wait_s(const struct requests *r, int place, double now_s);

#endif
