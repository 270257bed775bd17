/*
 * parse - a line cut into the things that it names, for the files of this folder only.
 */
#ifndef SYNSETS_PARSE_H
#define SYNSETS_PARSE_H

#include "synsets/index.h"

enum { PIECES_MAX = 12, PIECE_BYTES = 256, PIECE_NAMES_MAX = SYNSETS_SUGGESTIONS_MAX };

enum piece_state { PIECE_EMPTY, PIECE_NAMED, PIECE_UNKNOWN };

/* How a piece hangs on the one before it. */
enum piece_join { PIECE_BESIDE, PIECE_BELOW, PIECE_ABOVE };

/* What stands between two separators: one thing, if it can be understood. */
struct piece {
    enum piece_state state;
    struct synsets_subject subject; /* NAMED */
    enum piece_join join;
    int place; /* 1: "at the top", -1: "at the bottom", 0: it does not say */
    const struct synsets_key *names[PIECE_NAMES_MAX]; /* names among its words */
    int name_count;
    char content[PIECE_BYTES]; /* its words without those that fall away */
    int content_words;

    /* While it is read: words that no table knows, a name that is a filler as well, the words from the first that
     * matters to the last, and whether the place came behind them. */
    int others;
    const struct synsets_key *weak;
    const char *start, *end;
    int talk; /* of the fillers between those */
    bool closed;
};

struct parse {
    struct piece pieces[PIECES_MAX];
    int count;
    int talk;       /* as phrase_match: the most of all its phrases */
    bool any_words; /* or pictures */
    bool too_long, idiom;
};

/* `clean` as text_clean leaves it. */
void synsets_parse(const char *clean, struct parse *p);

/* resolve.c: what a line without signs names, `clean` as text_clean leaves it. */
void synsets_resolve_names(const char *clean, const struct synsets_known *known,
                           struct synsets_result *result);

/* The name that the whole of `folded` is, blanks aside and behind an article; false when it is none. */
bool synsets_understand(const char *folded, struct synsets_subject *subject);

#endif
