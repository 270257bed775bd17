/*
 * history - what was dreamed before: the last ones, each with a small picture.
 *
 * Kept in memory, HISTORY_MAX of them, so that no browser ever makes the page wait for a disk. Who wants them to
 * outlive the show hands in those of earlier shows (web_remember) and keeps each that comes (web_show.dreamed).
 * One leaf lock.
 */
#ifndef WEB_HISTORY_H
#define WEB_HISTORY_H

#include <time.h>

#include "web/web.h"

enum { HISTORY_MAX = 100, HISTORY_WIDTH_PX = 320, HISTORY_HEIGHT_PX = 180 };

struct history_entry {
    int64_t id; /* 1, 2, ...: its place in the history, which names its picture */
    struct web_dream dream;
    time_t ended; /* wall clock, for people */
    double on_s;  /* how long it was on */
    double seen;  /* as web_status.seen */
};

struct history;

struct history *history_new(void);
void history_free(struct history *h); /* NULL is fine */

/* Adds one; `jpeg` is copied. The oldest one goes where there is no more room. Returns its id. */
int64_t history_add(struct history *h, const struct history_entry *entry, const uint8_t *jpeg, size_t bytes);

/* Nobody is told any more whose this wish was; 0 is nobody's anyway. */
void history_forget(struct history *h, int64_t wish_id);

/* The newest first, at most `max`, of those before id `before` (0: all). Returns how many. */
int history_list(struct history *h, int64_t before, struct history_entry *out, int max);

/* A copy of the picture, to be freed by the caller; NULL: it is gone. */
uint8_t *history_picture(struct history *h, int64_t id, size_t *bytes);

#endif
