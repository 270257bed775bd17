/*
 * store_parts - what the files of the store share; the one file that includes SQLite. Inside store*.c only.
 */
#ifndef SHOW_STORE_PARTS_H
#define SHOW_STORE_PARTS_H

#include <sqlite3.h>

#include "show/state_folder.h"
#include "show/store.h"
#include "show/store_schema.h"

struct store {
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *statement[STORE_STATEMENTS];
    int64_t keep_ms, keep_rows;
    int lock_fd;   /* -1: only to read */
    bool removing; /* names were deleted in this transaction */
    char folder[STATE_PATH_BYTES], path[STATE_PATH_BYTES + 16];
};

/* The prepared statement, reset, with nothing bound. */
sqlite3_stmt *store_prepared(struct store *s, enum store_statement which);
void store_bind_text(sqlite3_stmt *q, int place, const char *text); /* which must live until it has run */

/* Runs it, and gives each row that comes to `row` (NULL: to nobody). 0 or -errno with a line. */
int store_each_row(struct store *s, sqlite3_stmt *q, void (*row)(sqlite3_stmt *q, void *context),
                   void *context, struct error *e);

/* The same for those that give no rows. */
int store_finish(struct store *s, sqlite3_stmt *q, struct error *e);
int store_execute(struct store *s, enum store_statement which, struct error *e);

/* One of the statements that look for what a REMOVED event takes the names from. */
sqlite3_stmt *store_removal(struct store *s, enum store_statement which, const struct store_event *v);

#endif
