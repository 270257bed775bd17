/*
 * daydream - what the dream dreams when nobody asks: a walk from class to class. Inside this folder only.
 *
 * From what is on it goes to one of those that the model finds most alike, so that one grows out of the other;
 * every fourth time or so it jumps anywhere. What the model dreams well comes more often (daydream_table.h). What was
 * on within the hour comes again only when nothing else is left.
 */
#ifndef SHOW_DAYDREAM_H
#define SHOW_DAYDREAM_H

#include "common/rng.h"
#include "synsets/synsets.h"

struct daydream {
    struct rng rng;
    int classes[SYNSET_COUNT]; /* that the model knows */
    int count;
};

void daydream_init(struct daydream *d, const struct synsets_known *known, uint64_t seed);

/* Walks on through what is known now. False, and all stays as it was, when that is nothing. */
bool daydream_restrict(struct daydream *d, const struct synsets_known *known);

/* The next class after the `on_count` that are on now, none of them unless the model knows nothing else.
 * `on_until_s` [SYNSET_COUNT]: when each class was last on, in the seconds of `now_s`. `d` has classes. */
int daydream_next(struct daydream *d, const int *on, int on_count, const double *on_until_s, double now_s);

#endif
