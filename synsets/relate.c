/*
 * relate - how near classes are to one another in WordNet.
 *
 * The distance of two classes is the number of steps from one up to a common ancestor and down to the other,
 * the shortest way. Each class carries all its ancestors with their steps, so no graph is walked.
 */
#include <string.h>

#include "synsets/index.h"

enum { STEPS_MASK = 31, FAR = 64, STAND_IN_STEPS = 5 };

int synsets_distance(int a, int b)
{
    if (a == b)
        return 0;
    int i = synsets_ancestor_first[a], j = synsets_ancestor_first[b], best = FAR;
    while (i < synsets_ancestor_first[a + 1] && j < synsets_ancestor_first[b + 1]) {
        int x = synsets_ancestor[i], y = synsets_ancestor[j];
        if (x >> 5 == y >> 5 && (x & STEPS_MASK) + (y & STEPS_MASK) < best)
            best = (x & STEPS_MASK) + (y & STEPS_MASK);
        i += x >> 5 <= y >> 5;
        j += y >> 5 <= x >> 5;
    }
    return best;
}

/* How alike two classes are: depth of the common ancestor over the steps that part them there. */
struct likeness {
    int depth, steps;
};

static bool more_alike(struct likeness a, struct likeness b)
{
    return a.depth * b.steps > b.depth * a.steps;
}

/* `steps`: from the one class up to each ancestor, FAR where it is none of its. */
static struct likeness likeness(const uint8_t *steps, int synset)
{
    struct likeness best = {.depth = 0, .steps = FAR};
    for (int i = synsets_ancestor_first[synset]; i < synsets_ancestor_first[synset + 1]; i++) {
        int ancestor = synsets_ancestor[i] >> 5;
        if (steps[ancestor] == FAR)
            continue;
        struct likeness here = {.depth = synsets_ancestor_depth[ancestor],
                                .steps = steps[ancestor] + (synsets_ancestor[i] & STEPS_MASK)};
        if (more_alike(here, best))
            best = here;
    }
    return best;
}

/* Up to `max` (at most SYNSETS_SUGGESTIONS_MAX) classes of `known` most like `synset`, itself left out, the most
 * alike first. Returns how many. */
static int neighbours(int synset, const struct synsets_known *known, int *out, int max)
{
    uint8_t steps[SYNSETS_ANCESTORS];
    memset(steps, FAR, sizeof steps);
    for (int i = synsets_ancestor_first[synset]; i < synsets_ancestor_first[synset + 1]; i++)
        steps[synsets_ancestor[i] >> 5] = synsets_ancestor[i] & STEPS_MASK;

    int count = 0;
    struct likeness found[SYNSETS_SUGGESTIONS_MAX];
    if (max > SYNSETS_SUGGESTIONS_MAX)
        max = SYNSETS_SUGGESTIONS_MAX;
    for (int s = 0; s < SYNSET_COUNT; s++) {
        if (!known->known[s] || s == synset)
            continue;
        struct likeness l = likeness(steps, s);
        int at = count;
        while (at > 0 && more_alike(l, found[at - 1])) /* equally alike: the canonical order decides */
            at--;
        if (at == max)
            continue;
        count += count < max;
        for (int i = count - 1; i > at; i--) {
            found[i] = found[i - 1];
            out[i] = out[i - 1];
        }
        found[at] = l;
        out[at] = s;
    }
    return count;
}

static const struct synsets_kind *kind_of(int ancestor)
{
    for (int i = 0; i < synsets_kind_count; i++)
        if (synsets_kinds[i].ancestor == ancestor)
            return &synsets_kinds[i];
    return NULL;
}

/* The nearest kind that both are of, or NULL. `steps`: as for likeness. */
static const struct synsets_kind *shared_kind(const uint8_t *steps, int synset)
{
    const struct synsets_kind *best = NULL;
    int nearest = FAR;
    for (int i = synsets_ancestor_first[synset]; i < synsets_ancestor_first[synset + 1]; i++) {
        int ancestor = synsets_ancestor[i] >> 5;
        const struct synsets_kind *kind = steps[ancestor] < nearest ? kind_of(ancestor) : NULL;
        if (kind) {
            best = kind;
            nearest = steps[ancestor];
        }
    }
    return best;
}

int synsets_stand_in(int synset, const struct synsets_known *known, int *out, int *count, const char **shared)
{
    uint8_t steps[SYNSETS_ANCESTORS];
    memset(steps, FAR, sizeof steps);
    for (int i = synsets_ancestor_first[synset]; i < synsets_ancestor_first[synset + 1]; i++)
        steps[synsets_ancestor[i] >> 5] = synsets_ancestor[i] & STEPS_MASK;
    int found[SYNSETS_SUGGESTIONS_MAX];
    int near = neighbours(synset, known, found, SYNSETS_SUGGESTIONS_MAX);
    *count = 0;
    *shared = NULL;
    for (int i = 0; i < near; i++) {
        const struct synsets_kind *kind = shared_kind(steps, found[i]);
        if (kind && kind->near && *count == 0 && synsets_distance(synset, found[i]) <= STAND_IN_STEPS)
            return found[i];
        if (!kind || (*shared && strcmp(*shared, kind->name) != 0))
            continue; /* of another kind than the first */
        *shared = kind->name;
        out[(*count)++] = found[i];
    }
    return -1;
}

int synsets_by_wnid(const char *wnid)
{
    for (int i = 0; i < SYNSET_COUNT; i++)
        if (strcmp(synset_table[i].wnid, wnid) == 0)
            return i;
    return -1;
}

/* Marks the classes of `known` that the key means. */
static void mark(const struct synsets_key *k, const struct synsets_known *known, bool *marked)
{
    for (int i = 0; i < k->heads; i++)
        marked[synsets_pool[k->first + i]] = known->known[synsets_pool[k->first + i]];
}

int synsets_browse(const char *word, const struct synsets_known *known, int *out, int max)
{
    bool marked[SYNSET_COUNT] = {false};
    char folded[SYNSETS_KEY_BYTES];
    if (synsets_fold(folded, sizeof folded, word, strlen(word)) == sizeof folded)
        return 0;
    const struct synsets_key *exact = synsets_find(folded);
    if (exact && (exact->kind == SYNSETS_PARENT || exact->kind == SYNSETS_PARENT_FORM)) {
        mark(exact, known, marked);
    } else {
        for (int i = 0; i < synsets_key_count; i++)
            if (synsets_keys[i].kind == SYNSETS_NAME && strstr(synsets_keys[i].text, folded))
                mark(&synsets_keys[i], known, marked);
    }
    int count = 0;
    for (int s = 0; s < SYNSET_COUNT; s++) {
        if (!marked[s])
            continue;
        if (count < max)
            out[count] = s;
        count++;
    }
    return count;
}
