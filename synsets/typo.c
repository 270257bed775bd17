/*
 * typo - what was surely meant although it is misspelt.
 *
 * Taking a slip for a wish is worse than asking back, so much has to come together: five letters or more, the
 * same first letter (or the first two swapped), at most one slip in short and two in longer words, only one
 * class that near; and the misspelt word is no English word of its own: "chill" is not chili, nor "unicorn"
 * uniform. Everything else is left to "did you mean".
 */
#include <string.h>

#include "synsets/index.h"

enum { SURE_BYTES = 5, SURE_TWO_BYTES = 7, SLIP_WORD_BYTES = 3 };

bool synsets_is_word(const char *word, size_t bytes)
{
    char alone[SYNSETS_KEY_BYTES];
    if (bytes >= sizeof alone)
        return false;
    memcpy(alone, word, bytes);
    alone[bytes] = '\0';
    if (synsets_find(alone))
        return true;
    int low = 0, high = synsets_ordinary_count;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = strcmp(alone, synsets_ordinary[middle]);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static bool has_word(const char *text, const char *word, size_t bytes)
{
    for (const char *w = text; w; w = strchr(w, ' ') ? strchr(w, ' ') + 1 : NULL)
        if (strncmp(w, word, bytes) == 0 && (w[bytes] == ' ' || w[bytes] == '\0'))
            return true;
    return false;
}

/* A word of `folded` that the key has not and that is one of its own, or too short to be one with a slip ("sr
 * lion" is no sea lion): it was meant. */
static bool means_another(const char *folded, const char *key)
{
    bool several = strchr(folded, ' ') != NULL;
    for (const char *w = folded; *w;) {
        size_t bytes = strcspn(w, " ");
        bool too_short = several && bytes < SLIP_WORD_BYTES;
        if (!has_word(key, w, bytes) && (too_short || synsets_is_word(w, bytes)))
            return true;
        w += bytes + (w[bytes] == ' ');
    }
    return false;
}

static bool begins_alike(const char *a, const char *b)
{
    return a[0] == b[0] || (a[0] == b[1] && a[1] == b[0]);
}

const struct synsets_key *synsets_typo(const char *folded, int *slips)
{
    const struct synsets_key *near[SYNSETS_SUGGESTIONS_MAX];
    size_t length = strnlen(folded, SYNSETS_KEY_BYTES);
    int lacking;
    *slips = length < SURE_BYTES ? 0 : length < SURE_TWO_BYTES ? 1 : 2;
    int count = synsets_nearest(folded, NULL, slips, near, &lacking);
    int alike = 0;
    while (alike < count && begins_alike(folded, near[alike]->text))
        alike++;
    if (alike != 1 || means_another(folded, near[0]->text))
        return NULL;
    return near[0];
}
