/*
 * journal - writes into the store on a thread of its own, so that neither the chat nor the dream waits for a disk.
 *
 * journal_put copies the event and returns. Every JOURNAL_TICK_MS all that came is written in one transaction, with
 * the state (what waits, who is banned) when it differs from what was written last: so a crash costs at most that
 * last second. When the disk is full or the folder gone, one warning says so, and the same is tried again at every
 * tick; what came meanwhile is kept, JOURNAL_WAITING_MAX events of it, and how many more there were is written too.
 */
#ifndef SHOW_JOURNAL_H
#define SHOW_JOURNAL_H

#include "show/store.h"

enum { JOURNAL_TICK_MS = 1000, JOURNAL_WAITING_MAX = 512 };

struct journal;

struct journal_params {
    struct store *store; /* the journal's alone until it is closed */
    int tick_ms;         /* 0: JOURNAL_TICK_MS */
    /* All of the following get `context`, on the journal's thread. */
    void (*state)(void *context, struct store_state *out); /* fills in what has to be kept, allocated */
    /* The names of this request are gone from the store; may be NULL. */
    void (*withdrawn)(void *context, int64_t request);
    void *context;
};

/* 0 or -errno with a line. */
int journal_open(struct journal **j, const struct journal_params *p, struct error *e);
/* Writes what is left, the state too, and ends the thread; NULL is fine. The store stays open. */
void journal_close(struct journal **j);

/* From any thread; never waits for the disk. Takes event->jpeg over. */
void journal_put(struct journal *j, const struct store_event *event);

#endif
