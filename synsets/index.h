/*
 * index - the generated search tables, for the files of this folder only (index.c, by scripts/gen_synsets).
 *
 * Every text that can find a class is a key: folded as fold.c folds chat, sorted bytewise, with the classes
 * that it may mean in order of preference. All of it is constant data: nothing is built at start, nothing can
 * be written.
 */
#ifndef SYNSETS_INDEX_H
#define SYNSETS_INDEX_H

#include <stdint.h>

#include "synsets/synsets.h"

enum {
    SYNSETS_KEY_BYTES = 64, /* the longest key and its terminator */
    SYNSETS_ANCESTORS = 860
};

struct synsets_key {
    const char *text;
    uint16_t first; /* in synsets_pool */
    uint16_t count;
    uint16_t heads; /* so many it names; the rest only come near ("giraffe": zebra) */
    uint8_t kind;   /* enum synsets_how */
};
extern const struct synsets_key synsets_keys[];
extern const int synsets_key_count;
extern const uint16_t synsets_pool[]; /* classes */

/* The ancestors of class i: synsets_ancestor[first[i] .. first[i + 1]), each ancestor number << 5
 * | steps up. */
extern const uint16_t synsets_ancestor_first[SYNSET_COUNT + 1];
extern const uint16_t synsets_ancestor[];
extern const uint8_t synsets_ancestor_depth[SYNSETS_ANCESTORS]; /* steps down from the root */

/* Ancestors that people have a word for, by number. */
struct synsets_kind {
    uint16_t ancestor;
    const char *name; /* "bird" */
    bool near; /* its classes are so alike that one may stand in for another; else they are only offered */
};
extern const struct synsets_kind synsets_kinds[];
extern const int synsets_kind_count;

/* Keys worth suggesting, by length: those of n bytes are synsets_near_key[near_first[n] ..
 * near_first[n + 1]). */
extern const uint16_t synsets_near_first[SYNSETS_KEY_BYTES + 1];
extern const uint16_t synsets_near_key[];     /* in synsets_keys */
extern const uint32_t synsets_near_letters[]; /* the letters that it has, a bit each: see synsets_letters */

/* ordinary.c (generated): English words that are one or two slips from a word of a key, sorted bytewise. Who
 * types one of these means it. */
extern const char *const synsets_ordinary[];
extern const int synsets_ordinary_count;

struct synsets_emoji {
    uint32_t code;
    bool casual;      /* a remark, unless the bot is spoken to */
    const char *word; /* of the index */
};
extern const struct synsets_emoji synsets_emojis[]; /* by code */
extern const int synsets_emoji_count;

struct synsets_picture {
    const char *start;
    size_t bytes;                      /* with everything that is joined to it */
    const struct synsets_emoji *emoji; /* NULL: of nothing that is known */
};

/* emoji.c: the next picture of `text` (valid UTF-8 of symbols, blanks and punctuation), which is moved behind
 * it; false at the end. */
bool synsets_next_emoji(const char **text, struct synsets_picture *out);

/* fold.c: the character at `s` (valid UTF-8, not empty); returns its length in bytes. */
size_t synsets_next_code(const char *s, uint32_t *code);

/* fold.c: what becomes of one character of decomposed text: one of these, or an ASCII letter or digit. */
enum { SYNSETS_FOLD_GONE = 0, SYNSETS_FOLD_BLANK = 1, SYNSETS_FOLD_KEEP = 2 };
int synsets_fold_code(uint32_t code);

/* fold.c: case-folded and decomposed (NFKD). *length: the room in `out`, then the length. False when it does
 * not fit or is no UTF-8. */
bool synsets_decompose(const char *s, size_t bytes, char *out, size_t *length);

/* fold.c: lower case, no accents on Latin letters, apostrophes and full stops gone, other punctuation and
 * symbols one blank; letters of other scripts stay. `out` holds at most size - 1 bytes; returns the length,
 * or `size` when it does not fit. `in` is valid UTF-8. */
size_t synsets_fold(char *out, size_t size, const char *in, size_t in_bytes);

/* resolve.c: the key, or NULL. */
const struct synsets_key *synsets_find(const char *folded);

/* typo.c: the one key that `folded` is surely a misspelling of, or NULL; *slips tells how far off. */
const struct synsets_key *synsets_typo(const char *folded, int *slips);

/* typo.c: whether the word (up to a blank or its end) is an English one or stands in names, so that it is no
 * misspelling of another. */
bool synsets_is_word(const char *word, size_t bytes);

/* relate.c: the class of `known` that may stand in for `synset`, which it lacks: the most alike one, if the way
 * there is short and inside one of the kinds that people name. -1: none, and the most alike ones of a kind are
 * in out[0 .. *count), at most SYNSETS_SUGGESTIONS_MAX, with the kind's name in *shared. */
int synsets_stand_in(int synset, const struct synsets_known *known, int *out, int *count,
                     const char **shared);

/* How many slips a word of that many bytes may have to be offered ("did you mean"). */
int synsets_slips(size_t bytes);

/* nearest.c: up to SYNSETS_SUGGESTIONS_MAX keys that `folded` may be a misspelling of, the nearest first,
 * each with a class in `known` (NULL: any class), at most `limit` slips away, which become the fewest there
 * are. Returns how many; where all of one slip are none that the model knows, 0 and one of those classes in
 * *lacking (else -1). */
int synsets_nearest(const char *folded, const struct synsets_known *known, int *limit,
                    const struct synsets_key **out, int *lacking);

/* Same alphabet bits as the generator's: a..z 0..25, blank 26, digits 27..31. Other bytes count as blank. */
uint32_t synsets_letters(const char *folded);

/* Optimal string alignment distance of a pattern of at most 63 bytes, as text_distance but a machine word at
 * a time. */
struct synsets_pattern {
    uint64_t has[256]; /* bit i: the pattern's byte i is this one */
    int length;
};
void synsets_pattern_init(struct synsets_pattern *p, const char *text);
int synsets_pattern_distance(const struct synsets_pattern *p, const char *text);

#endif
