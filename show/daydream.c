/*
 * daydream - see daydream.h.
 */
#include "show/daydream.h"

#include <string.h>

enum {
    RNG_STREAM_DAYDREAMS = 0x6472, /* a number of our own, so that replies do not change the order */
    LOOK_AHEAD = 4                 /* classes to choose the most different one from */
};

void daydream_init(struct daydream *d, const struct synsets_known *known, uint64_t seed)
{
    d->rng = rng_make(seed, RNG_STREAM_DAYDREAMS);
    d->count = 0;
    for (int s = 0; s < SYNSET_COUNT; s++)
        if (known->known[s])
            d->classes[d->count++] = s;
    d->dreamed = d->count; /* shuffled when the first one is drawn */
}

bool daydream_restrict(struct daydream *d, const struct synsets_known *known)
{
    bool known_before[SYNSET_COUNT] = {false};
    int count = 0, dreamed = 0, kept[SYNSET_COUNT];
    for (int i = 0; i < d->count; i++) {
        if (!known->known[d->classes[i]])
            continue;
        kept[count++] = d->classes[i];
        known_before[d->classes[i]] = true;
        dreamed += i < d->dreamed;
    }
    for (int s = 0; s < SYNSET_COUNT; s++) /* what is known anew comes in this round still */
        if (known->known[s] && !known_before[s])
            kept[count++] = s;
    if (count == 0)
        return false;
    memcpy(d->classes, kept, (size_t)count * sizeof *kept);
    d->count = count;
    d->dreamed = dreamed;
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

static int step(struct daydream *d, const int *on, int on_count)
{
    if (d->dreamed == d->count) {
        for (int i = d->count - 1; i > 0; i--)
            swap(&d->classes[i], &d->classes[rng_below(&d->rng, (uint32_t)i + 1)]);
        d->dreamed = 0;
    }
    int end = d->dreamed + LOOK_AHEAD < d->count ? d->dreamed + LOOK_AHEAD : d->count;
    int best = d->dreamed;
    for (int i = d->dreamed + 1; on_count > 0 && i < end; i++)
        if (difference(on, on_count, d->classes[i]) > difference(on, on_count, d->classes[best]))
            best = i;
    swap(&d->classes[d->dreamed], &d->classes[best]);
    return d->classes[d->dreamed++];
}

int daydream_next(struct daydream *d, const int *on, int on_count)
{
    int synset = step(d, on, on_count);
    if (on_count > 0 && difference(on, on_count, synset) == 0)
        synset = step(d, on, on_count); /* the last of a round was on by request */
    return synset;
}
