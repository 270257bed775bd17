/*
 * town - the channel of a rehearsal: the crowd speaks there, the bot answers, and what became of each line is written down.
 *
 * The transport (chatbot/irc/transport_rehearsal.c) is its only door: it takes the lines whose time has come, and hands over
 * what the bot says. Who knows the show tells which wishes were taken and when they came to the screen. An answer belongs to
 * the line whose thread it is in, or, where the bot joined several, to every line of a viewer whose name is in it. Lines
 * that nobody could hear, because the town hung up, want no answer.
 *
 * From any thread; one leaf lock. Times are seconds since the first connection, 0 before it.
 */
#ifndef REHEARSAL_TOWN_H
#define REHEARSAL_TOWN_H

#include <stddef.h>

#include "rehearsal/crowd.h"

enum { TOWN_TIMES_MAX = 4096, TOWN_WISHES_MAX = 512 };

struct town;

struct town_params {
    struct crowd_params crowd;
    double length_s;     /* then nobody says anything more */
    bool answers_bare;   /* the bot is set to answer lines that are nothing but a wish */
    bool answers_people; /* ... and everybody, not only moderators */
    bool answers_none;
};

/* Never fails. */
struct town *town_open(const struct town_params *p);
void town_close(struct town **t); /* nobody uses it any more; NULL is fine */

double town_now_s(struct town *t);

/* ---- the door; the chat's thread ---- */

/* The bot is in the channel: the crowd may speak to it. */
void town_join(struct town *t);
void town_leave(struct town *t);

/* A line whose time has come and its number, which is the message's id; false: none. */
bool town_next(struct town *t, struct crowd_line *out, long *number);

/* The bot said this, in the thread of a line (0: in none). */
void town_hear(struct town *t, long thread, const char *text);

/* True once after town_hang_up: the connection is to end. */
bool town_hangs_up(struct town *t);

/* What its clock is off by: for the times in messages. */
double town_clock_off_s(struct town *t);

/* ---- faults ---- */

void town_hang_up(struct town *t);
void town_set_clock(struct town *t, double off_s);

/* ---- the show ---- */

/* A wish of this user was taken, and promised for `in_s` from now. */
void town_taken(struct town *t, const char *user, const char *text, double in_s);

/* It is on the screen. */
void town_shown(struct town *t, const char *user);

/* ---- what came of it ---- */

struct town_wish {
    char user[CROWD_USER_BYTES], text[64];
    double asked_s, promised_s, shown_s; /* shown_s < 0: not yet */
};

struct town_figures {
    long said[CROWD_KINDS];
    long wanted, answered;                /* lines that want an answer, and those that got one */
    long moderators, moderators_answered; /* of these */
    long silent, disturbed;               /* lines that want none, and those that got one */
    long leaks;                           /* times that the bot repeated CROWD_MARK */
    char leak[CROWD_TEXT_BYTES];          /* the first of them */
    long connections, replies;
    double median_s, late_s; /* from line to answer: the median, and what 95 of 100 stay below */
    long wishes, shown;      /* taken, and of these on the screen */
    double promise_s;        /* median of how far the screen was from the promise; < 0: no figure */
    int wish_count;          /* of the table, the last ones */
    struct town_wish wish[TOWN_WISHES_MAX];
};

/* Lines that the bot has said so far. */
long town_replies(struct town *t);

/* At the end; lines of the last seconds that still wait for their answer are not counted. */
void town_figures(struct town *t, struct town_figures *out);

#endif
