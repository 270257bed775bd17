/*
 * replies - what the bot says: templates with alternatives, filled with the words of the moment.
 *
 * A template holds alternatives in braces, {this|that}, not nested, and words by letter: $s what is dreamed,
 * $t and $b its top and bottom half, $w when, $p what was typed, $l a list, $n a number.
 * Inside this folder only.
 */
#ifndef CHATBOT_REPLIES_H
#define CHATBOT_REPLIES_H

#include <stddef.h>

#include "common/rng.h"

enum reply {
    REPLY_ONE,         /* $s $w */
    REPLY_TWO,         /* $t $b $w */
    REPLY_INSTEAD_ONE, /* the same, in the place of an earlier wish */
    REPLY_INSTEAD_TWO,
    REPLY_ON_NOW,       /* $s is on already */
    REPLY_HAVE_IT,      /* $s waits already, $w */
    REPLY_FULL,         /* $n wait */
    REPLY_UNKNOWN,      /* $p */
    REPLY_DID_YOU_MEAN, /* $p $l */
    REPLY_LACKING,      /* $p $l */
    REPLY_TOO_MANY,
    REPLY_FORBIDDEN,
    REPLY_PAUSED,
    REPLY_COOLDOWN, /* $n seconds */
    REPLY_UNPAID,
    REPLY_RESTS,   /* $s was on lately; again $w */
    REPLY_LOTTERY, /* $s is in the draw, $w */
    REPLY_HELP,
    REPLY_COUNT
};

struct reply_words {
    const char *subject, *top, *bottom, *when, *part, *list, *number;
};

/* Writes one of the forms of `reply`, drawn with `rng`: valid UTF-8, cut on a character border when `size` is
 * too small. Words that are NULL are left out. */
void reply_write(enum reply reply, const struct reply_words *words, struct rng *rng, char *out, size_t size);

#endif
