/*
 * nearest - which texts of the index a misspelt one may have meant.
 *
 * All keys within `limit` bytes of its length are candidates, a few thousand. Two cheap tests come before the
 * measure: a key that has more than `limit` letters which the text has not (or the other way round) cannot be
 * near. What is left is measured with the bit-parallel form of Damerau-Levenshtein (H. Hyyrö, "A bit-vector
 * algorithm for computing Levenshtein and Damerau edit distances", 2003), one machine word per letter. Only
 * the nearest are kept: a farther one is noise beside a near one, and equally near ones are all offered.
 */
#include <string.h>

#include "synsets/index.h"

/* How many slips a text of that length may have. Of four letters nearly every word is one from another ("moon",
 * "coon"); ordinary.c knows English only so far. */
int synsets_slips(size_t length)
{
    return length < 5 ? 0 : length < 7 ? 1 : 2;
}

uint32_t synsets_letters(const char *folded)
{
    uint32_t mask = 0;
    for (const char *c = folded; *c; c++)
        mask |= *c >= 'a' && *c <= 'z'   ? 1u << (*c - 'a')
                : *c >= '0' && *c <= '9' ? 1u << (27 + (*c - '0') % 5)
                                         : 1u << 26;
    return mask;
}

void synsets_pattern_init(struct synsets_pattern *p, const char *text)
{
    memset(p, 0, sizeof *p);
    for (; text[p->length]; p->length++)
        p->has[(unsigned char)text[p->length]] |= UINT64_C(1) << p->length;
}

int synsets_pattern_distance(const struct synsets_pattern *p, const char *text)
{
    if (p->length == 0)
        return (int)strlen(text);
    uint64_t more = ~UINT64_C(0), less = 0; /* where the column grows by one downwards, where it shrinks */
    uint64_t zero = 0, has_before = 0; /* diagonal steps that cost nothing; the mask of the letter before */
    const uint64_t last = UINT64_C(1) << (p->length - 1);
    int distance = p->length;
    for (; *text; text++) {
        uint64_t has = p->has[(unsigned char)*text];
        uint64_t swapped = (~zero & has) << 1 & has_before;
        zero = (((has & more) + more) ^ more) | has | less | swapped;
        uint64_t right_more = less | ~(zero | more), right_less = zero & more;
        distance += (right_more & last) != 0;
        distance -= (right_less & last) != 0;
        right_more = right_more << 1 | 1;
        more = right_less << 1 | ~(zero | right_more);
        less = right_more & zero;
        has_before = has;
    }
    return distance;
}

static bool more_bits(uint32_t mask, int limit)
{
    for (; limit > 0; limit--)
        mask &= mask - 1;
    return mask != 0;
}

static int first_known(const struct synsets_key *k, const struct synsets_known *known)
{
    if (!known)
        return synsets_pool[k->first];
    for (int i = 0; i < k->count; i++)
        if (known->known[synsets_pool[k->first + i]])
            return synsets_pool[k->first + i];
    return -1;
}

struct hit {
    const struct synsets_key *key;
    int synset, rank; /* rank: smaller is better */
};

/* Keeps the best in order, one per class. */
static int keep(struct hit *hits, int count, struct hit h)
{
    for (int i = 0; i < count; i++) {
        if (hits[i].synset != h.synset)
            continue;
        if (hits[i].rank <= h.rank)
            return count;
        memmove(hits + i, hits + i + 1, (size_t)(--count - i) * sizeof *hits);
    }
    int at = count;
    while (at > 0 && hits[at - 1].rank > h.rank)
        at--;
    if (at == SYNSETS_SUGGESTIONS_MAX)
        return count;
    if (count == SYNSETS_SUGGESTIONS_MAX)
        count--;
    memmove(hits + at + 1, hits + at, (size_t)(count - at) * sizeof *hits);
    hits[at] = h;
    return count + 1;
}

int synsets_nearest(const char *folded, const struct synsets_known *known, int *most,
                    const struct synsets_key **out, int *lacking)
{
    *lacking = -1;
    int length = (int)strnlen(folded, SYNSETS_KEY_BYTES), limit = *most;
    if (limit == 0 || length <= limit || length == SYNSETS_KEY_BYTES)
        return 0;

    struct synsets_pattern pattern;
    synsets_pattern_init(&pattern, folded);
    uint32_t letters = synsets_letters(folded);
    int longest = length + limit < SYNSETS_KEY_BYTES ? length + limit : SYNSETS_KEY_BYTES - 1;
    struct hit hits[SYNSETS_SUGGESTIONS_MAX];
    int count = 0;
    for (int i = synsets_near_first[length - limit]; i < synsets_near_first[longest + 1]; i++) {
        uint32_t theirs = synsets_near_letters[i];
        if (more_bits(theirs & ~letters, limit) || more_bits(letters & ~theirs, limit))
            continue;
        const struct synsets_key *k = &synsets_keys[synsets_near_key[i]];
        int distance = synsets_pattern_distance(&pattern, k->text);
        if (distance > limit)
            continue;
        if (distance < limit) { /* nothing farther is of interest from now on */
            limit = distance;
            count = 0;
            *lacking = -1;
        }
        int synset = first_known(k, known);
        if (synset < 0) {
            if (distance == 1) /* a surer guess is asked for where it leads to something else yet */
                *lacking = synsets_pool[k->first];
            continue;
        }
        /* People rarely miss the first letter; a whole name is a better offer than a word of one. */
        int rank = (k->text[0] != folded[0]) * 8 + k->kind;
        count = keep(hits, count, (struct hit){.key = k, .synset = synset, .rank = rank});
    }
    for (int i = 0; i < count; i++)
        out[i] = hits[i].key;
    *most = limit;
    return count;
}
