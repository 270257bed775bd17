/*
 * suggest - "did you mean": the nearest valid name to one that is not.
 *
 * Case and '-' against '_' do not count, a name that goes on where the word ends ("hold" for hold_s) is near
 * when it is the only one, and otherwise the distance may be a third of the word's length, at most three.
 * Farther than that a guess would mislead more than it helps.
 */
#include "config/config.h"

#include <ctype.h>
#include <string.h>

#include "common/text.h"

enum { WORD_BYTES = 64, DISTANCE_MAX = 3 };

static void fold(char out[WORD_BYTES], const char *in)
{
    size_t n = 0;
    for (; in[n] && n + 1 < WORD_BYTES; n++)
        out[n] = in[n] == '-' ? '_' : (char)tolower((unsigned char)in[n]);
    out[n] = '\0';
}

static const char *only_continuation(const char *word, const char *const *names, size_t count)
{
    size_t n = strlen(word);
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], word, n) != 0 || names[i][n] != '_')
            continue;
        if (found)
            return NULL;
        found = names[i];
    }
    return found;
}

const char *config_nearest(const char *word, const char *const *names, size_t count)
{
    char folded[WORD_BYTES];
    if (strlen(word) >= sizeof folded)
        return NULL;
    fold(folded, word);
    size_t length = strlen(folded);
    if (length == 0)
        return NULL;
    const char *nearest = only_continuation(folded, names, count);
    if (nearest)
        return nearest;

    int limit = length < 3 ? 1 : (int)((length + 2) / 3);
    if (limit > DISTANCE_MAX)
        limit = DISTANCE_MAX;
    for (size_t i = 0; i < count; i++) {
        char name[WORD_BYTES];
        fold(name, names[i]);
        int distance = text_distance(folded, name, limit);
        if (distance <= limit && (size_t)distance < length) {
            nearest = names[i];
            limit = distance - 1; /* from now on only something nearer */
        }
    }
    return nearest;
}
