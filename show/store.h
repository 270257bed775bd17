/*
 * store - what the show keeps, in one SQLite database (reverie.db): the wishes that wait, who is banned, what is forbidden, who asked for what,
 * what was shown with a small picture of it, and that moderators removed something.
 *
 * Only store*.c of this room know SQLite. Every change is part of a transaction and is on the disk when store_commit
 * returns (write-ahead log, synchronous): after a power cut the database is what it was after some commit.
 * A store is used by one thread at a time; that of the show is the journal's (journal.h), since each call may wait
 * for the disk. It never grows without end: rows that are older than keep_days or beyond the newest keep_rows go with the
 * next commit, and only the newest STORE_PICTURES_MAX pictures are kept.
 */
#ifndef SHOW_STORE_H
#define SHOW_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "show/requests.h"

enum {
    STORE_TEXT_BYTES = 512,
    STORE_WORD_BYTES = 80,
    STORE_PICTURES_MAX = 200,
    STORE_PICTURE_BYTES_MAX = 64 << 10
};

struct store;

struct store_params {
    const char *folder;
    int64_t keep_days, keep_rows; /* 0: for ever, all */
};

/* Makes the folder and the database where they are missing, locks the folder for this show alone, and brings an
 * older database up to date. A damaged one is set aside under another name, with a word in the log, and a
 * new one begun. 0, or -errno with a line: -EBUSY when another show has the folder, -EPROTO when a newer version
 * has written the database. */
int store_open(struct store **s, const struct store_params *p, struct error *e);

/* Only to look, also while a show writes: no lock, nothing is changed. -ENOENT: there is none. */
int store_open_to_read(struct store **s, const char *folder, struct error *e);
void store_close(struct store **s); /* NULL is fine */

/* ---- writing ---- */

enum store_kind {
    STORE_ASKED,
    STORE_SHOWN,
    STORE_ENDED,
    STORE_PICTURE,
    STORE_REMOVED,
    STORE_COMMAND,
    STORE_LOST
};

struct store_event {
    enum store_kind kind;
    int64_t at_ms;          /* UTC, since 1970 */
    int64_t run_ms;         /* SHOWN, ENDED, PICTURE: when the run began whose turn it is */
    struct request request; /* ENDED, PICTURE: its turn; REMOVED: login ("": everybody's) or message_id */
    char text[STORE_TEXT_BYTES]; /* ASKED: as it was typed; COMMAND: "login: ban troll" */
    int64_t on_ms;               /* ENDED */
    int64_t seed;                /* SHOWN */
    int64_t count;               /* LOST: events */
    double seen;                 /* PICTURE, 0..1; < 0: not known */
    uint8_t *jpeg;               /* PICTURE, [jpeg_bytes], of whoever has the event */
    size_t jpeg_bytes;
};

/* What moderators changed about the words that nobody may wish for: rules_forbid or rules_allow. */
struct store_word {
    char entry[STORE_WORD_BYTES];
    bool forbidden;
};

/* What has to be there when the next show begins. */
struct store_state {
    int wish_count, ban_count, word_count;
    struct request *wishes; /* in order */
    char (*bans)[REQUEST_USER_BYTES];
    struct store_word *words;
};
void store_state_free(struct store_state *state);

/* All between begin and commit happens or nothing does. 0, or -errno with a line; after a failure call rollback
 * and try all of it again later. -EBADMSG: the database is damaged, see store_renew. */
int store_begin(struct store *s, struct error *e);
int store_commit(struct store *s, struct error *e);
void store_rollback(struct store *s);

int store_put(struct store *s, const struct store_event *event, struct error *e);
int store_put_state(struct store *s, const struct store_state *state,
                    struct error *e); /* in place of the last one */

/* Sets the damaged database aside and begins a new one. 0 or -errno with a line. */
int store_renew(struct store *s, struct error *e);

/* ---- reading ---- */

/* Lists are the caller's, to be freed by store_state_free; wishes of classes that nobody knows have synset -1. */
int store_load_state(struct store *s, struct store_state *state, struct error *e);

/* The highest number that a request has had; 0: none yet. */
int64_t store_last_request(struct store *s);

/* A row of the past. */
struct store_row {
    const char *event;      /* "asked", "shown", "removed", "command", "lost"; static */
    int64_t at_ms;          /* of SHOWN: when it began */
    struct request request; /* ASKED, SHOWN */
    char
        text[STORE_TEXT_BYTES]; /* what was typed; COMMAND: who and what; REMOVED: "user", "message", "all" */
    int64_t on_ms;              /* SHOWN; -1: it is on still, or nobody knows */
    int64_t seed;               /* SHOWN */
    int64_t count;              /* LOST: events; REMOVED: how many rows it was */
    double seen;                /* store_each_shown: 0..1; < 0: not known */
    const uint8_t *jpeg;        /* store_each_shown: until `each` returns */
    size_t jpeg_bytes;
};

/* The last `max` that were shown and have a picture, oldest first. 0 or -errno with a line. */
int store_each_shown(struct store *s, int max, void (*each)(void *context, const struct store_row *row),
                     void *context, struct error *e);

/* The last `max` events (0: all) not before `since_ms`, oldest first, `user` (NULL: everybody) by name or
 * login. */
int store_each_event(struct store *s, int64_t max, int64_t since_ms, const char *user,
                     void (*each)(void *context, const struct store_row *row), void *context,
                     struct error *e);

/* Calls `each` for the requests that were shown and that a REMOVED event takes the names from: before it is put. */
int store_each_withdrawn(struct store *s, const struct store_event *removed,
                         void (*each)(void *context, int64_t request), void *context, struct error *e);

/* A file of an older version, known by name, size and time of its last change: whether it is in here already,
 * and that it is from the next commit on. */
bool store_has_taken(struct store *s, const char *name, int64_t bytes, int64_t changed_ms);
int store_set_taken(struct store *s, const char *name, int64_t bytes, int64_t changed_ms, struct error *e);

/* Whether the database is whole: 0, or -EBADMSG with a line. Reads all of it. */
int store_verify(struct store *s, struct error *e);

#endif
