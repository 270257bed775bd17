/*
 * walk - what the dream dreams when nobody asks: a shuffled walk through all classes of the model. Inside
 * this folder only.
 */
#ifndef CHATBOT_WALK_H
#define CHATBOT_WALK_H

#include "common/rng.h"
#include "synsets/synsets.h"

struct walk {
    struct rng rng;
    int classes[SYNSET_COUNT]; /* shuffled; those before `walked` have been dreamed in this round */
    int count, walked;
};

void walk_init(struct walk *w, const struct synsets_known *known, uint64_t seed);

/* The next class, unlike the `on_count` that are on now. Every class comes once per round; of the next few
 * the one least like what is on goes first, so that not five breeds of dog follow one another. `w` has
 * classes. */
int walk_next(struct walk *w, const int *on, int on_count);

#endif
