/*
 * daydream - what the dream dreams when nobody asks: a shuffled walk through all classes of the model. Inside
 * this folder only.
 */
#ifndef SHOW_DAYDREAM_H
#define SHOW_DAYDREAM_H

#include "common/rng.h"
#include "synsets/synsets.h"

struct daydream {
    struct rng rng;
    int classes[SYNSET_COUNT]; /* shuffled; those before `walked` have been dreamed in this round */
    int count, walked;
};

void daydream_init(struct daydream *w, const struct synsets_known *known, uint64_t seed);

/* Walks on through what is known now. False, and all stays as it was, when that is nothing. */
bool daydream_restrict(struct daydream *w, const struct synsets_known *known);

/* The next class, unlike the `on_count` that are on now. Every class comes once per round; of the
 * next few the one least like what is on goes first, so that not five breeds of dog follow one
 * another. `w` has classes. */
int daydream_next(struct daydream *w, const int *on, int on_count);

#endif
