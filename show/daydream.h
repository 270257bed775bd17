/*
 * daydream - what the dream dreams when nobody asks: all classes of the model in a shuffled order. Inside
 * this folder only.
 */
#ifndef SHOW_DAYDREAM_H
#define SHOW_DAYDREAM_H

#include "common/rng.h"
#include "synsets/synsets.h"

struct daydream {
    struct rng rng;
    int classes[SYNSET_COUNT]; /* shuffled; the first `dreamed` of them have been on in this round */
    int count, dreamed;
};

void daydream_init(struct daydream *d, const struct synsets_known *known, uint64_t seed);

/* Walks on through what is known now. False, and all stays as it was, when that is nothing. */
bool daydream_restrict(struct daydream *d, const struct synsets_known *known);

/* The next class, unlike the `on_count` that are on now. Every class comes once per round; of the
 * next few the one least like what is on goes first, so that not five breeds of dog follow one
 * another. `d` has classes. */
int daydream_next(struct daydream *d, const int *on, int on_count);

#endif
