/*
 * requests - hand-off H1, chat -> dream: who asked for what, who is next, and what the dream should dream
 * now.
 *
 * Bounded; never blocks either side; one leaf lock. The rhythm is the original's: a subject holds the screen
 * for hold_s, then the next one has its turn. The operator's own line (terminal) takes the screen at once.
 * Nobody waiting: after idle_s the dream moves on by itself through the classes of the model, never the same
 * twice in a row. One pending request per viewer: a new one replaces the old and keeps its place.
 */
#ifndef CHATBOT_REQUESTS_H
#define CHATBOT_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/stats.h"
#include "config/option.h"
#include "synsets/synsets.h"

enum { REQUEST_USER_BYTES = 64, REQUESTS_SUBJECTS_MAX = 2 };

/* Section "show". */
struct show_config {
    double hold_s;     /* 60 */
    double idle_s;     /* 30 */
    int64_t queue_max; /* 100 */
    bool daydream;     /* true */
};
extern const struct option_section show_section;

struct request {
    int64_t id;                    /* 1, 2, ...; 0: a daydream */
    char user[REQUEST_USER_BYTES]; /* "" for a daydream; cleaned UTF-8 */
    int count;
    int synset[REQUESTS_SUBJECTS_MAX]; /* index into synset_table */
    bool immediate;                    /* the operator's own */
};

struct requests;

/* `known`: what daydreams may pick from and requests are checked against. */
int requests_open(struct requests **r, const struct show_config *c, const struct synsets_known *known,
                  uint64_t seed, struct stats *stats);
void requests_close(struct requests **r);

/* Chat side. 0 and the assigned id; *eta_s receives the seconds until the dream turns to it (0: next
 * keyframe); *replaced is true when it took the place of an earlier one of the same user. -EBUSY when the
 * queue is full; -EALREADY when that is what is being dreamed or queued by this user now. */
int requests_add(struct requests *r, struct request *q, double now_s, double *eta_s, bool *replaced);

/* Dream side, once per keyframe: true and *now when the subject changes at `now_s` of show time. */
bool requests_turn(struct requests *r, double now_s, struct request *now);

/* What is on now, and up to `max` that wait, in order. Returns how many wait. */
int requests_list(struct requests *r, struct request *now, struct request *next, int max);

#endif
