/*
 * daydream - see daydream.h.
 */
#include "show/daydream.h"

#include <stdlib.h>
#include <string.h>

#include "show/daydream_table.h"

enum { RNG_STREAM_DAYDREAMS = 0x6472 }; /* a number of our own, so that replies do not change the walk */
#define JUMP    0.25f                   /* share of steps that go anywhere */
#define AGAIN_S 3600.0                  /* what was on comes again after this */

void daydream_init(struct daydream *d, const struct synsets_known *known, uint64_t seed)
{
    d->rng = rng_make(seed, RNG_STREAM_DAYDREAMS);
    d->count = 0;
    daydream_restrict(d, known);
}

bool daydream_restrict(struct daydream *d, const struct synsets_known *known)
{
    int count = 0;
    for (int s = 0; s < SYNSET_COUNT; s++)
        count += known->known[s];
    if (count == 0)
        return false;
    d->count = 0;
    for (int s = 0; s < SYNSET_COUNT; s++)
        if (known->known[s])
            d->classes[d->count++] = s;
    return true;
}

static int by_synset(const void *key, const void *row)
{
    return *(const int *)key - ((const struct daydream_row *)row)->synset;
}

/* NULL: the table does not know it. */
static const struct daydream_row *row_of(int synset)
{
    return bsearch(&synset, daydream_table, (size_t)daydream_table_count, sizeof daydream_table[0],
                   by_synset);
}

static int weight_of(int synset)
{
    const struct daydream_row *row = row_of(synset);
    return row ? row->weight : DAYDREAM_USUAL_WEIGHT;
}

/* What a step knows. */
struct step {
    const int *on;
    int on_count;
    const double *on_until_s;
    double now_s;
};

static bool is_on(const struct step *s, int synset)
{
    for (int i = 0; i < s->on_count; i++)
        if (s->on[i] == synset)
            return true;
    return false;
}

static bool is_known(const struct daydream *d, int synset)
{
    for (int i = 0; i < d->count; i++)
        if (d->classes[i] == synset)
            return true;
    return false;
}

static bool is_rested(const struct step *s, int synset)
{
    return !is_on(s, synset) && s->now_s - s->on_until_s[synset] >= AGAIN_S;
}

/* One of them by weight; -1: there is none. */
static int draw(struct daydream *d, const int *from, int count)
{
    uint32_t all = 0;
    for (int i = 0; i < count; i++)
        all += (uint32_t)weight_of(from[i]);
    if (all == 0)
        return -1;
    int64_t at = (int64_t)rng_below(&d->rng, all);
    for (int i = 0; i < count; i++)
        if ((at -= weight_of(from[i])) < 0)
            return from[i];
    return from[count - 1];
}

/* The rested ones of the table's neighbours. Returns how many. */
static int near_by_table(const struct daydream *d, const struct step *s, const struct daydream_row *row,
                         int near[DAYDREAM_NEAR])
{
    int count = 0;
    for (int i = 0; i < DAYDREAM_NEAR; i++)
        if (is_known(d, row->near[i]) && is_rested(s, row->near[i]))
            near[count++] = row->near[i];
    return count;
}

/* The rested ones that are the fewest steps away in WordNet. Returns how many. */
static int near_by_kind(const struct daydream *d, const struct step *s, int synset, int near[DAYDREAM_NEAR])
{
    int count = 0;
    for (int i = 0; i < d->count; i++) {
        int place = count, k = d->classes[i], away = synsets_distance(synset, k);
        if (!is_rested(s, k))
            continue;
        while (place > 0 && synsets_distance(synset, near[place - 1]) > away)
            place--;
        if (place == DAYDREAM_NEAR)
            continue;
        count += count < DAYDREAM_NEAR;
        memmove(near + place + 1, near + place, (size_t)(count - 1 - place) * sizeof *near);
        near[place] = k;
    }
    return count;
}

static int find_near(const struct daydream *d, const struct step *s, int synset, int near[DAYDREAM_NEAR])
{
    const struct daydream_row *row = row_of(synset);
    return row ? near_by_table(d, s, row, near) : near_by_kind(d, s, synset, near);
}

/* Any rested class by weight; -1: there is none. */
static int draw_rested(struct daydream *d, const struct step *s)
{
    int rested[SYNSET_COUNT] = {0}, count = 0;
    for (int i = 0; i < d->count; i++)
        if (is_rested(s, d->classes[i]))
            rested[count++] = d->classes[i];
    return draw(d, rested, count);
}

/* Whatever is not on and was on longest ago; what is on when there is nothing else. */
static int oldest(const struct daydream *d, const struct step *s)
{
    int best = -1;
    for (int i = 0; i < d->count; i++) {
        int k = d->classes[i];
        if (!is_on(s, k) && (best < 0 || s->on_until_s[k] < s->on_until_s[best]))
            best = k;
    }
    return best >= 0 ? best : d->classes[0];
}

int daydream_next(struct daydream *d, const int *on, int on_count, const double *on_until_s, double now_s)
{
    const struct step s = {on, on_count, on_until_s, now_s};
    int near[DAYDREAM_NEAR] = {0}, next = -1;
    if (on_count > 0 && rng_uniform(&d->rng) >= JUMP)
        next = draw(d, near, find_near(d, &s, on[0], near));
    if (next < 0)
        next = draw_rested(d, &s);
    return next >= 0 ? next : oldest(d, &s);
}
