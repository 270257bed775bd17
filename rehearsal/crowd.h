/*
 * crowd - people in a channel who are not there: a seeded generator of everything that a chat says.
 *
 * A pack of cards holds each kind of line as often as it comes in a busy channel; it is shuffled, dealt, and shuffled again,
 * so that a crowd of half a minute has had every kind once. What comes in several lines (a flood, a moderator's
 * pause and its end) is dealt at once and said one after the other. The same seed gives the same lines at the same times; nothing of
 * it is kept anywhere. It feeds rehearsals (town.h), the soak and the tests of the chat (`reverie crowd`).
 */
#ifndef REHEARSAL_CROWD_H
#define REHEARSAL_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/rng.h"

enum crowd_kind {
    CROWD_TALK,      /* among themselves */
    CROWD_BOT,       /* a command of another bot */
    CROWD_WISH,      /* something that the embedded model knows */
    CROWD_TYPO,      /* the same, badly typed */
    CROWD_QUESTION,  /* !now, !queue and the like */
    CROWD_UNKNOWN,   /* a wish for what nobody knows */
    CROWD_MODERATOR, /* a moderator's order */
    CROWD_FLOOD,     /* one viewer, many lines in two seconds */
    CROWD_ABUSE,     /* a wish that would have the bot say something; holds CROWD_MARK */
    CROWD_IMPOSTOR,  /* a viewer gives a moderator's order */
    CROWD_ODD,       /* whatever bytes a keyboard has not */
    CROWD_REMOVAL,   /* no line: a moderator removes what this user has said */
    CROWD_KINDS
};
extern const char *const crowd_kinds[CROWD_KINDS]; /* names for people: "talk" */

/* Abuse holds this word; a bot that repeats what is typed says it. */
#define CROWD_MARK "zzyqxword"

enum { CROWD_USER_BYTES = 32, CROWD_TEXT_BYTES = 512, CROWD_WAITING = 16 };

struct crowd_line {
    double at_s;
    enum crowd_kind kind;
    bool is_moderator;
    bool is_bare;                /* a wish without a command or the bot's name before it */
    char user[CROWD_USER_BYTES]; /* a login: small letters and digits */
    char text[CROWD_TEXT_BYTES]; /* one line, valid UTF-8 but for CROWD_ODD; "" for a removal */
};

struct crowd_params {
    uint64_t seed;
    double lines_per_s; /* > 0 */
    char prefix[16];    /* of commands: "!" */
    char bot[64];       /* its name */
};

/* Zeroed and filled by crowd_begin; may be copied. */
struct crowd {
    struct crowd_params p;
    struct rng rng;
    double now_s;
    int dealt; /* cards of the pack that have been */
    unsigned char pack[32];
    int waiting; /* lines of cards that have several, by their times */
    struct crowd_line later[CROWD_WAITING];
};

void crowd_begin(struct crowd *c, const struct crowd_params *p);

/* The next line; times never run backwards. There is always another one. */
void crowd_next(struct crowd *c, struct crowd_line *out);

/* Is this a line that a well-behaved bot answers; that it leaves alone? The rest it may treat as it likes. */
bool crowd_wants_answer(enum crowd_kind kind);
bool crowd_wants_silence(enum crowd_kind kind);

#endif
