/*
 * requests - hand-off H1, chat -> dream: who asked for what, who is next, and what the dream
 * should dream now.
 *
 * Bounded; never blocks either side; one leaf lock. The rhythm is that of 2015: a subject holds the screen
 * for hold_s, then the next one has its turn, first come first served. One pending request per viewer: a new
 * one replaces the old and keeps its place, so nobody can fill the queue. The operator's own line (terminal)
 * takes the screen at once. When the hold is over and nobody has come for idle_s more, the dream moves on by
 * itself: a shuffled walk through all classes of the model, a new one every idle_s, until somebody asks; then
 * it gives way at once.
 *
 * All times are show time in seconds; a time before the last one is taken for the last one. The same calls
 * give the same show.
 */
#ifndef SHOW_REQUESTS_H
#define SHOW_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stats.h"
#include "config/option.h"
#include "synsets/synsets.h"

enum {
    REQUEST_USER_BYTES = 64,
    REQUEST_ID_BYTES = 64,
    REQUESTS_SUBJECTS_MAX = SYNSETS_SUBJECTS_MAX,
    REQUEST_SUBJECTS_BYTES = 256
};
enum { REQUESTS_RESERVED = 64 }; /* places behind queue_max, for moderators */

#define REQUEST_SOMEBODY "somebody" /* for names that are not shown */

enum show_order { SHOW_FAIR, SHOW_LOTTERY };

/* Section "show". */
struct show_config {
    double hold_s;           /* 60 */
    double idle_s;           /* 30 */
    bool adaptive_hold;      /* false */
    int64_t queue_max;       /* 100 */
    int order;               /* enum show_order */
    double cooldown_s;       /* 0 */
    double repeat_s;         /* 0 */
    bool favour_subscribers; /* false */
    bool daydream;           /* true; false: only the very first subject is the dream's own */
    double mixtures;         /* 0 */
    double vote_share;       /* 0.5 */
    int64_t vote_min;        /* 3 */
    bool tug;                /* true */
    double tug_share;        /* 0.7 */
    double tug_hold_s;       /* 15 */
    double platform_delay_s; /* 0 */
    char moderators[OPTION_STRING_BYTES];
    char banned_file[OPTION_STRING_BYTES];
    char state_dir[OPTION_STRING_BYTES]; /* "": nothing is kept; "auto": state_folder.h */
    int64_t keep_days;                   /* 30; 0: for ever */
    int64_t keep_rows;                   /* 20000 */
};
extern const struct option_section show_section;

struct request {
    int64_t id;                     /* 1, 2, ...; 0: a daydream */
    char user[REQUEST_USER_BYTES];  /* for the screen; "" for a daydream and when withdrawn; cleaned UTF-8 */
    char login[REQUEST_USER_BYTES]; /* who it is; "": the same as user */
    char message_id[REQUEST_ID_BYTES]; /* of the line that asked; "" where lines have none */
    int count;
    int synset[REQUESTS_SUBJECTS_MAX]; /* index into synset_table; [0] is the top when there are two */
    struct synsets_manner manner[REQUESTS_SUBJECTS_MAX]; /* how each is wanted */
    struct synsets_change change;                        /* which of them come later, and how */
    bool immediate;                                      /* the operator's own */
    bool reserved;                                       /* fits into a full queue */
    bool favoured;                                       /* gets its place one ahead */
    int64_t round;                                       /* set here: the place in the fair order */
    int64_t turn; /* set here when it is on: 1, 2, ..., daydreams too */
};

struct requests;

/* `known`: what daydreams may pick from and requests are checked against; copied. `stats` may be NULL, else
 * it must outlive it. 0, or -EINVAL when nothing is known. */
int requests_open(struct requests **r, const struct show_config *c, const struct synsets_known *known,
                  uint64_t seed, struct stats *stats);
void requests_close(struct requests **r); /* both sides must have stopped; NULL is fine */

/*
 * Chat side. Fills q->id. 0; *eta_s receives the seconds until the dream turns to it (0: at its next
 * keyframe); *replaced is true when it took the place of an earlier one of the same user. -EALREADY:
 * somebody's request for just that is on now (*eta_s 0), or this user waits for just that already
 * (*eta_s and q->id tell about that one). -EBUSY: the queue is full (for a reserved one, REQUESTS_RESERVED later). -EINVAL: no subject, or one that is not
 * known. Users are the same when their logins differ in ASCII case only. In the lottery *eta_s is that of the
 * next draw. An immediate one that has not been turned to yet is replaced by the next immediate one, whoever
 * sent it.
 */
int requests_add(struct requests *r, struct request *q, double now_s, double *eta_s, bool *replaced);

/* This login's waiting request: its place (1: next) and *eta_s, or 0 when none waits. */
int requests_where(struct requests *r, const char *user, double now_s, double *eta_s);

/* Takes this login's waiting request back. 0 or -ENOENT. What is on already stays on. */
int requests_cancel(struct requests *r, const char *user);

/* Takes a waiting request away, whoever's it is. 0 or -ENOENT. */
int requests_remove(struct requests *r, int64_t id);

/* Seconds until this class may be on again by show.repeat_s, for this login; 0: now, and always without that
 * setting. */
double requests_rest_s(struct requests *r, int synset, const char *login, double now_s);

/* Up to `max` of what was on before what is on, the latest first, daydreams too. Returns how many. */
int requests_before(struct requests *r, struct request *out, int max);
/* One that was on lately or is, by its id. False: it is too long ago. */
bool requests_find_shown(struct requests *r, int64_t id, struct request *out);

/* A waiting request's name is not shown any more. */
void requests_hide_name(struct requests *r, int64_t id);

/* What is on stays on until then (show time), whoever waits; a skip or an operator's wish ends it earlier. */
void requests_hold(struct requests *r, double until_s);

/*
 * A moderator removed lines: those of a login, the one with a message id (login is not looked at then), or,
 * both NULL, everybody's. Waiting requests are gone; what is on loses its name and goes at the next turn.
 * Returns how many of those there were. Of requests that were on lately, also ones whose frames are still on
 * their way to the screen, `withdrawn` is told, on the caller's thread and outside of every lock: their
 * captions must not be shown any more. Set it before the threads start.
 */
int requests_withdraw(struct requests *r, const char *login, const char *message_id);
void requests_on_withdrawn(struct requests *r, void (*withdrawn)(void *context, int64_t request_id),
                           void *context);

/* Told of every requests_withdraw, with what it was given and before `withdrawn`, so that whoever keeps what was on longer
 * ago forgets it too. On the caller's thread and outside of every lock. Set it before the threads start. */
void requests_on_removed(struct requests *r,
                         void (*removed)(void *context, const char *login, const char *message_id),
                         void *context);

/* Told at every turn, on the dream's thread and outside of every lock: what was on (count 0: nothing), for
 * how long, and what is. Set it before the threads start. */
void requests_on_turn(struct requests *r,
                      void (*turned)(void *context, const struct request *before, double on_s,
                                     const struct request *now),
                      void *context);

/* Puts a request of an earlier run at the end of the queue; its id is kept, later ones are higher.
 * 0; -EINVAL: its classes are not known; -EBUSY: no room; -EEXIST: this viewer waits already. Before
 * the threads start. */
int requests_restore(struct requests *r, const struct request *q);

/* What may be dreamed from now on: less than the model knows when something is forbidden while the show is on.
 * Wishes that wait for anything else are forgotten, and what is on goes at the next turn if it is such. 0, or
 * -EINVAL, and all stays as it was, when nothing is left. */
int requests_restrict(struct requests *r, const struct synsets_known *known);

/* The next request gets a number above this one. Before the threads start. */
void requests_continue(struct requests *r, int64_t last_id);

/* Forgets all that wait. Returns how many. */
int requests_clear(struct requests *r);

/* The next requests_turn moves on, to the next one that waits or to a daydream. */
void requests_skip(struct requests *r);

/* Who is next is drawn by lot. */
bool requests_is_lottery(const struct requests *r);

/* Subscribers and VIPs get their place one ahead (show.favour_subscribers). */
bool requests_favours(const struct requests *r);

/* Counts a line that named nothing known. */
void requests_refused(struct requests *r);

/* Dream side, once per keyframe: true and *now when the subject changes at `now_s` of show time. The first
 * call always does. */
bool requests_turn(struct requests *r, double now_s, struct request *now);

/* What is on now (all zero before the first turn), and up to `max` that wait, in order. Returns how many
 * wait. `now` and, with max 0, `next` may be NULL. */
int requests_list(struct requests *r, struct request *now, struct request *next, int max);

/* When things will change, as far as anybody knows now. */
struct requests_outlook {
    double on_s;         /* how long `now` has been on */
    double changes_in_s; /* until something else is on; 0: at the next keyframe */
    double held_for_s;   /* how long a moderator holds it still */
};
void requests_look_ahead(struct requests *r, double now_s, struct requests_outlook *o);

/* For people. The label: "goldfish" or "goldfish + volcano". The caption adds whose it is: "goldfish  @ann";
 * a daydream, which is nobody's, has a tilde: "goldfish ~". Always terminated. */
void request_label(const struct request *q, char *out, size_t size);
void request_caption(const struct request *q, char *out, size_t size);

/* Two things with a half of the picture each, the usual way? */
bool request_is_halves(const struct request *q);

/* Do both want the same, in the same way? */
bool request_is_same(const struct request *a, const struct request *b);

/* The subjects as text for the store, ASCII, and back: reading fills count, synset (-1: unknown), manner and
 * change; whatever the text holds, what comes of it is sound. */
void request_write_subjects(const struct request *q, char out[REQUEST_SUBJECTS_BYTES]);
void request_read_subjects(struct request *q, const char *text);

#endif
