/*
 * phrase - what the words around the names in a wish do, for the files of this folder only.
 */
#ifndef SYNSETS_PHRASE_H
#define SYNSETS_PHRASE_H

enum phrase_role {
    PHRASE_FILLER, /* "the", "show me", "big": falls away */
    PHRASE_JOIN,   /* "and", "vs": two things */
    PHRASE_OVER,   /* "on top of": two things, the first on top */
    PHRASE_UNDER,  /* two things, the first below */
    PHRASE_TOP,    /* "at the top": where the thing beside it goes */
    PHRASE_BOTTOM,
    PHRASE_IDIOM /* "rock and roll": means nothing that is named in it */
};

enum { PHRASE_WORDS_MAX = 5 };

/* The longest phrase that `text` (folded words with single blanks) begins with: how many words it has and what
 * it does; 0 when there is none. *talk: 0 says nothing, 1 is how people wish, 2 how they talk of anything. */
int phrase_match(const char *text, enum phrase_role *role, int *talk);

#endif
