/*
 * text - small things about strings that more than one folder needs: UTF-8 that is safe to show, and how far
 * two words are apart.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies `in` to `out` as valid, visible UTF-8: invalid bytes, control characters, private use and the
 * characters that turn or hide text (U+202A..202E, U+2066..2069, U+200B, U+FEFF, tags and the like) are left
 * out, white space becomes one blank, blanks at the ends go, at most three marks (accents, joiners, variation
 * selectors) stay on a character. Cut on a character border when `size` does not hold it all. `out` is always
 * terminated (size >= 1). Returns its length in bytes.
 */
size_t text_clean(char *out, size_t size, const char *in, size_t in_bytes);

/*
 * How many of the first `bytes` bytes are one line of proper text: valid UTF-8 without control characters
 * and without any of Unicode's line breaks. Equal to `bytes` when all is well, else the offset of the
 * first bad one.
 */
size_t text_line_bytes(const char *text, size_t bytes);

/*
 * A foreign text as it may go to a terminal: one line, in which everything but visible UTF-8 (control characters, line
 * breaks, bytes that are no UTF-8, what turns the direction of writing) is written \xNN. Nothing in it can move a
 * cursor, forge a line or hide. Cut on a character border when `size` does not hold it all; `out` is always terminated
 * (size >= 8). Returns its length in bytes.
 */
size_t text_escape(char *out, size_t size, const char *in);

/* The same as a value, to be printed: printf("%s", text_shown(name).text). All that is printed and comes from files,
 * arguments or people goes through it, or through the log, which does the same. */
struct text_shown {
    char text[2048];
};
struct text_shown text_shown(const char *in);

/* Copies with a cut on a UTF-8 border; always terminated (size >= 1). Returns the length copied. */
size_t text_copy(char *out, size_t size, const char *in);

/* "in about 24 s", "in about 2 min", "in about 3 h"; "by now" for a time that is past. Returns out. */
enum { TEXT_WHEN_BYTES = 24 };
const char *text_when(char out[TEXT_WHEN_BYTES], double seconds);

/*
 * Damerau-Levenshtein distance (optimal string alignment) of two byte strings, at most `limit`:
 * returns limit + 1 as soon as it is known to be more. Strings of over 63 bytes count as limit + 1
 * apart unless equal.
 */
int text_distance(const char *a, const char *b, int limit);

/* Equal texts have equal numbers, others hardly ever; the same in every run. For comparing, not for secrets. */
uint64_t text_hash(const char *text);

/* The same, where ASCII letters count as equal in both cases. */
uint64_t text_hash_caseless(const char *text);

#endif
