/*
 * daydream - see daydream.h.
 */
#include "show/daydream.h"

#include <string.h>

enum {
    RNG_STREAM_DAYDREAMS = 0x6472, /* a number of our own, so that replies do not change the walk */
    LOOK_AHEAD = 4                 /* classes to choose the most different one from */
};

void daydream_init(struct daydream *w, const struct synsets_known *known, uint64_t seed)
{
    w->rng = rng_make(seed, RNG_STREAM_DAYDREAMS);
    w->count = 0;
    for (int s = 0; s < SYNSET_COUNT; s++)
        if (known->known[s])
            w->classes[w->count++] = s;
    w->walked = w->count; /* shuffled when the first one is drawn */
}

bool daydream_restrict(struct daydream *w, const struct synsets_known *known)
{
    bool walks[SYNSET_COUNT] = {false};
    int count = 0, walked = 0, kept[SYNSET_COUNT];
    for (int i = 0; i < w->count; i++) {
        if (!known->known[w->classes[i]])
            continue;
        kept[count++] = w->classes[i];
        walks[w->classes[i]] = true;
        walked += i < w->walked;
    }
    for (int s = 0; s < SYNSET_COUNT; s++) /* what is known anew comes in this round still */
        if (known->known[s] && !walks[s])
            kept[count++] = s;
    if (count == 0)
        return false;
    memcpy(w->classes, kept, (size_t)count * sizeof *kept);
    w->count = count;
    w->walked = walked;
    return true;
}

static void swap(int *a, int *b)
{
    int t = *a;
    *a = *b;
    *b = t;
}

/* The steps from the nearest of what is on now; more is more of a change. */
static int difference(const int *on, int on_count, int synset)
{
    int least = synsets_distance(on[0], synset);
    for (int i = 1; i < on_count; i++) {
        int d = synsets_distance(on[i], synset);
        least = d < least ? d : least;
    }
    return least;
}

static int step(struct daydream *w, const int *on, int on_count)
{
    if (w->walked == w->count) {
        for (int i = w->count - 1; i > 0; i--)
            swap(&w->classes[i], &w->classes[rng_below(&w->rng, (uint32_t)i + 1)]);
        w->walked = 0;
    }
    int end = w->walked + LOOK_AHEAD < w->count ? w->walked + LOOK_AHEAD : w->count;
    int best = w->walked;
    for (int i = w->walked + 1; on_count > 0 && i < end; i++)
        if (difference(on, on_count, w->classes[i]) > difference(on, on_count, w->classes[best]))
            best = i;
    swap(&w->classes[w->walked], &w->classes[best]);
    return w->classes[w->walked++];
}

int daydream_next(struct daydream *w, const int *on, int on_count)
{
    int synset = step(w, on, on_count);
    if (on_count > 0 && difference(on, on_count, synset) == 0)
        synset = step(w, on, on_count); /* the last of a round was on by request */
    return synset;
}
