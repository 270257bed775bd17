/*
 * credits - who dreamed what: the wishes that were on the screen, each with its number, whose it was, how long it was on, how
 * surely it was seen, and what is kept of it in the gallery.
 *
 * The book holds this show's, and those of earlier shows whose files are still in the gallery; CREDITS_MAX at most, the
 * oldest go first. A wish is known by its show (`run`, the time at which it began) and its number. Whom a moderator
 * removes is gone from it with all that was theirs, and whoever keeps files is told which. One leaf lock; any thread.
 */
#ifndef SHOW_CREDITS_H
#define SHOW_CREDITS_H

#include "show/requests.h"

enum { CREDITS_MAX = 1000, CREDITS_RUN_BYTES = 16, CREDITS_TEXT_BYTES = 160 };

struct credit {
    char run[CREDITS_RUN_BYTES];   /* "20261128-004451" */
    int64_t id;                    /* of the request */
    int64_t at_s;                  /* when it came to the screen: UTC, since 1970 */
    char text[CREDITS_TEXT_BYTES]; /* "goldfish + pizza" */
    char by[REQUEST_USER_BYTES];   /* for people */
    char login[REQUEST_USER_BYTES], message_id[REQUEST_ID_BYTES]; /* by what moderators name them */
    double on_s;                                                  /* 0: it is on still */
    double belief;                                                /* the surest, 0..1; < 0: not known */
    int64_t still_bytes, loop_bytes;                              /* in the gallery; 0: none */
};

struct credits;

struct credits *credits_open(const char *run); /* copied */
void credits_close(struct credits **c);        /* NULL is fine */
const char *credits_run(const struct credits *c);

/* All calls below take NULL. */

/* This wish comes to the screen now; NULL, or one that is nobody's: it is the dream's own idea. `now_s`: show time. */
void credits_shown(struct credits *c, const struct request *q, int64_t at_s, double now_s);

/* How surely that wish of this show is seen; the surest counts. */
void credits_seen(struct credits *c, int64_t id, double belief);

/* The gallery has files of this wish of this show. False: it is not in the book, they must go. */
bool credits_keep(struct credits *c, int64_t id, int64_t still_bytes, int64_t loop_bytes);

/* One of an earlier show, from a file; behind those that are there. */
void credits_restore(struct credits *c, const struct credit *entry);

/* Copies, the oldest first: all, at most `max` of the newest. Returns how many. */
int credits_list(struct credits *c, struct credit *out, int max);
/* This login's, the newest first. */
int credits_of(struct credits *c, const char *login, struct credit *out, int max);
bool credits_find(struct credits *c, const char *run, int64_t id, struct credit *out);

/* A moderator removed this login, or the line with this message id, or, both NULL, everybody: as requests_withdraw. Copies of
 * what is gone, at most CREDITS_MAX. */
int credits_remove(struct credits *c, const char *login, const char *message_id, struct credit *out);

/* What the gallery may hold; 0: as much as comes. */
struct credits_limits {
    int64_t days, count, bytes;
};
/* Forgets the files of the oldest until the limits hold; entries of earlier shows go with them. True: something went. */
bool credits_trim(struct credits *c, const struct credits_limits *limits, int64_t now_s);

/* ---- as files ---- */

/* For the gallery's own list, with logins; or for people, without. The caller frees it. */
char *credits_print_json(const struct credit *list, int count, bool has_logins);
/* Calls `each` for the entries of such a text, whatever it holds: what is no sound entry is passed over. 0 or -EINVAL. */
int credits_parse(const char *text, size_t bytes, void (*each)(void *context, const struct credit *entry),
                  void *context);
/* One line for each wish, for people. */
char *credits_print_lines(const struct credit *list, int count);

#endif
