/*
 * tug - the tug of war: two things share the picture, one above the other, and the chat pulls at the front between them.
 *
 * A viewer has one vote, 1 for the upper thing or 2 for the lower; the last one counts, for VOTE_S. The front goes where
 * the votes divide the picture, along a critically damped spring, so it neither jumps nor swings, and no faster than it
 * is allowed to. The house holds two votes, one for each side: a single voter moves the front a little, never all the
 * way, and each thing keeps EDGE of the picture. Who has show.tug_share of at least show.vote_min votes for
 * show.tug_hold_s wins, gets all of the picture for WHOLE_S, and then it begins anew from the middle.
 *
 * Viewers are remembered by their key (rules.h), at most TUG_VOTERS_MAX, the one whose vote is oldest forgotten first.
 * Viewers of the page are known by their tab only, so all of them together hold at most TUG_PAGES_MAX votes. One leaf
 * lock. Times are show time in seconds, and one before the last is taken for the last; the same calls give the same front.
 */
#ifndef SHOW_TUG_H
#define SHOW_TUG_H

#include <stdbool.h>
#include <stdint.h>

#include "show/requests.h"

enum { TUG_VOTERS_MAX = 4096, TUG_PAGES_MAX = 20 };
#define TUG_PAGE_PREFIX "page:" /* of the keys of those who come by the page */

enum tug_side { TUG_NOBODY, TUG_UPPER, TUG_LOWER };

struct tug;

/* `most_per_s`: how fast the front may go at most, heights a second. Never fails. */
struct tug *tug_open(const struct show_config *c, double most_per_s);
void tug_close(struct tug **t); /* NULL is fine */

/* Another dream is on. A tug begins when it is two things with a half each; else there is none. `first_below`: the
 * first of the two is the lower one. */
void tug_turn(struct tug *t, const struct request *q, bool first_below, double now_s);

/* Somebody pulls. 0; -ENOENT: there is no tug now; -EPERM: a moderator has stopped it; -EALREADY: somebody has just won. */
int tug_vote(struct tug *t, const char *key, enum tug_side side, double now_s);

/* Somebody who is not listened to any more: the vote is gone. NULL: everybody's. */
void tug_forget(struct tug *t, const char *key);

/* A moderator ends it (the front goes back to the middle), or lets it begin again. */
void tug_stop(struct tug *t, bool stopped);

/* The front at now_s, share of the height from above. False: nobody has pulled in this turn, or there is no tug. */
bool tug_pull(struct tug *t, double now_s, double *front);

/* How it stands, as of the last vote or pull. */
struct tug_view {
    bool is_on;           /* there is a tug, and nobody has stopped it */
    bool is_stopped;      /* by a moderator, whatever is on */
    bool has_moved;       /* somebody has pulled in this turn */
    int64_t turn;         /* which dream's */
    int synset[2];        /* the upper thing, the lower thing */
    int votes[2];         /* of the last minute */
    double front;         /* where it was at the last tug_pull */
    enum tug_side winner; /* gets all of the picture now */
    int wins[2];          /* in this turn */
};
void tug_look(struct tug *t, struct tug_view *v);

#endif
