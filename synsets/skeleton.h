/*
 * skeleton - a text as a reader takes it, whatever characters it is written with: for comparing with words
 * that are not wanted.
 *
 * Case, accents, joiners and width do not matter; characters of other scripts that look like Latin letters or
 * digits are those (Unicode's confusables, UTS #39: confusables.c); "l" is "i" and "v" is "u", which are one
 * in many a spelling. What digits and signs are is not decided here: they are letters in one reading ("h1tler",
 * "a$$"), nothing in the other ("hitler88", "$hitler$"), and who searches tries both.
 */
#ifndef SYNSETS_SKELETON_H
#define SYNSETS_SKELETON_H

#include <stddef.h>
#include <stdint.h>

enum skeleton_reading {
    SKELETON_SIGNS_READ,   /* 0 o, 1 i, 3 e, 4 a, 5 s, @ a, $ s ...; * inside a word is any letter */
    SKELETON_SIGNS_BLANKED /* each is a blank */
};

/* Writes the words of `text` (valid UTF-8) with one blank between them: a-z, letters of other scripts, digits
 * of numbers, and '*' for any letter. Cut on a character border when `size` does not hold it. Returns the
 * length in bytes. Thread-safe. */
size_t skeleton_fold(char *out, size_t size, const char *text, enum skeleton_reading reading);

struct skeleton_confusable {
    uint32_t code;
    char like[3];
};
extern const struct skeleton_confusable skeleton_confusables[]; /* confusables.c (generated), by code */
extern const int skeleton_confusable_count;

#endif
