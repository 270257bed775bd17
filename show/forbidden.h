/*
 * forbidden - words that nobody may wish for or be called, compared as a reader takes them.
 *
 * Texts and words are compared by their skeletons (synsets/skeleton.h): h1tler, HİTLER, ｈｉｔｌｅｒ and Cyrillic
 * look-alikes are one. Letters may be repeated ("hiiitler", "hhiittler"), a word may be spelled with blanks or points
 * between its letters ("h i t l e r"), "*" inside a word is any letter, a plural is the word.
 *
 * How a word is written says where it counts: "word" as a whole word; "word*" where a word begins with it;
 * "*word*" anywhere inside one. In people's names, which have no blanks, every word of the house counts
 * anywhere. The built-in list has "word" only for what innocent names contain ("coon" in "raccoon"): these
 * count there only as the whole name or between signs, digits and capitals.
 *
 * Not thread-safe: rules.c guards it.
 */
#ifndef SHOW_FORBIDDEN_H
#define SHOW_FORBIDDEN_H

#include <stdbool.h>

#include "synsets/synsets.h"

enum { FORBIDDEN_WORDS_MAX = 2048, FORBIDDEN_WORD_BYTES = 64 };

enum forbidden_source {
    FORBIDDEN_BUILT_IN,
    FORBIDDEN_FILE,
    FORBIDDEN_MODERATOR, /* added while the show is on */
    FORBIDDEN_ALLOWED    /* was one of the others until a moderator took it out */
};

struct forbidden;

struct forbidden *forbidden_open(void); /* holds the built-in list */
struct forbidden *forbidden_copy(const struct forbidden *f);
void forbidden_close(struct forbidden **f);

/* 0; -EEXIST: it is there; -EINVAL: nothing but stars, or longer than fits; -ENOSPC. */
int forbidden_add(struct forbidden *f, const char *entry, enum forbidden_source source);
int forbidden_allow(struct forbidden *f, const char *entry); /* 0 or -ENOENT */

/* Forgets the file's words; what moderators said stays and holds for the next file too. */
void forbidden_forget_file(struct forbidden *f);

/* Each entry as it was written. */
void forbidden_each(const struct forbidden *f,
                    void (*each)(void *context, const char *entry, enum forbidden_source source),
                    void *context);

/* A line of the file or of a moderator that names classes ("spider") forbids these and is no word: "dog" must not
 * forbid hot dogs. */
bool forbidden_class(const struct forbidden *f, int synset);

/* Any bytes. */
bool forbidden_text(const struct forbidden *f, const char *text);
bool forbidden_name(const struct forbidden *f, const char *name);

/* forbidden_words.c: both end with NULL. */
extern const char *const forbidden_built_in[];
extern const char *const forbidden_innocent[]; /* words that hold one of those and are none */

#endif
