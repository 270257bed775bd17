/*
 * manner - the words at the end of a thing that say where it is wanted; for the files of this folder only.
 */
#ifndef SYNSETS_MANNER_H
#define SYNSETS_MANNER_H

#include "synsets/synsets.h"

enum { LINE_WORDS_MAX = 6 };

/* A word where it stands, not terminated. */
struct line_word {
    const char *text;
    size_t bytes;
};

/* Is it one of the list (NULL at the end), in any case of letters? */
bool line_word_is(struct line_word w, const char *const *list);

/* The last words of `text`, the very last one first, without full stops, question and exclamation marks behind
 * them. Returns how many. */
int line_last_words(const char *text, size_t bytes, struct line_word out[LINE_WORDS_MAX]);

/* "left", "top right", "in the middle", "on the left side" at the end of a thing, whose *bytes become those
 * before it. ANYWHERE, and nothing is cut, where there is none or nothing else. */
enum synsets_place synsets_cut_place(const char *text, size_t *bytes);

#endif
