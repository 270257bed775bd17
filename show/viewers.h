/*
 * viewers - what the rules remember of each viewer: when they were heard, when they wished, what they voted on.
 * Inside this folder only.
 *
 * Tens of thousands fit, so nobody loses a cooldown or votes twice by letting others talk in between. When it is
 * full, who has nothing to lose is forgotten first: not heard lately, no cooldown, no vote in this turn. Not
 * thread-safe: rules.c guards it.
 */
#ifndef SHOW_VIEWERS_H
#define SHOW_VIEWERS_H

#include <stdint.h>

enum { VIEWERS_MAX = 49152, VIEWERS_ACTIVE_S = 600 };

struct viewer {
    uint64_t key; /* of the login, ASCII case aside; 0: a free place */
    double heard_s, wished_s;
    int64_t voted_turn;
};

struct viewers;

/* cooldown_s: how long a wish must be remembered. */
struct viewers *viewers_open(double cooldown_s);
void viewers_close(struct viewers **v);

/* The viewer's entry, a new one where there is none; valid until the next call. `turn`: votes of others are no
 * longer of interest. */
struct viewer *viewers_get(struct viewers *v, const char *login, double now_s, int64_t turn);

/* As viewers_get, and the viewer was heard. */
void viewers_heard(struct viewers *v, const char *login, double now_s, int64_t turn);

/* How many were heard in the last VIEWERS_ACTIVE_S; who falls silent is noticed within a second. */
int viewers_active(struct viewers *v, double now_s);

#endif
