/*
 * store - see store.h: the database, its statements, which are prepared once and live as long as it is open, and its
 * transactions. What goes into it is in store_put.c, what comes out in store_rows.c.
 */
#include "show/store_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "show/state_folder.h"
#include "show/store_schema.h"

enum { BUSY_MS = 2000, CHECKPOINT_PAGES = 256 };

#define FILE_NAME "reverie.db"

/* ---- errors ---- */

static int code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return EBADMSG;
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return EBUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return EACCES;
    default:
        return EIO;
    }
}

/* An SQLite result as 0, or -errno with a line that names the database. */
static int fault(struct store *s, int result, struct error *e)
{
    int code = code_of(result);
    if (code == 0)
        return 0;
    return error_set(e, code, "%s: %s", s->path, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(result));
}

/* ---- statements ---- */

sqlite3_stmt *store_prepared(struct store *s, enum store_statement which)
{
    sqlite3_reset(s->statement[which]);
    sqlite3_clear_bindings(s->statement[which]);
    return s->statement[which];
}

/* Runs it, and gives each row that comes to `row` (NULL: to nobody). */
int store_each_row(struct store *s, sqlite3_stmt *q, void (*row)(sqlite3_stmt *q, void *context),
                   void *context, struct error *e)
{
    int result;
    while ((result = sqlite3_step(q)) == SQLITE_ROW)
        if (row)
            row(q, context);
    int rc = fault(s, result, e);
    sqlite3_reset(q);
    return rc;
}

int store_finish(struct store *s, sqlite3_stmt *q, struct error *e)
{
    return store_each_row(s, q, NULL, NULL, e);
}

int store_execute(struct store *s, enum store_statement which, struct error *e)
{
    return store_finish(s, store_prepared(s, which), e);
}

void store_bind_text(sqlite3_stmt *q, int place, const char *text)
{
    sqlite3_bind_text(q, place, text, -1, SQLITE_STATIC);
}

/* ---- open ---- */

static void close_database(struct store *s)
{
    for (int i = 0; i < STORE_STATEMENTS; i++) {
        sqlite3_finalize(s->statement[i]);
        s->statement[i] = NULL;
    }
    sqlite3_close(s->db);
    s->db = NULL;
}

static int run_sql(struct store *s, const char *sql, struct error *e)
{
    return fault(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), e);
}

static int ask_number(struct store *s, const char *sql, int *out, struct error *e)
{
    sqlite3_stmt *q = NULL;
    int result = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(q)) == SQLITE_ROW)
        *out = sqlite3_column_int(q, 0);
    int rc = fault(s, result, e);
    sqlite3_finalize(q);
    return rc;
}

/* A migration and its number come together or not at all. */
static int migrate(struct store *s, struct error *e)
{
    int version = 0, rc = ask_number(s, "PRAGMA user_version", &version, e);
    if (rc == 0 && version > STORE_VERSION)
        return error_set(
            e, EPROTO,
            "%s: a newer Reverie has written it (layout %d, this one knows %d); use that one, or "
            "move the file away",
            s->path, version, STORE_VERSION);
    for (; rc == 0 && version < STORE_VERSION; version++) {
        char *sql = sqlite3_mprintf(
            "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
            store_migrations[version], STORE_APPLICATION_ID, version + 1);
        rc = sql ? run_sql(s, sql, e) : fault(s, SQLITE_NOMEM, e);
        if (rc < 0)
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        sqlite3_free(sql);
    }
    return rc;
}

static int prepare(struct store *s, struct error *e)
{
    for (int i = 0; i < STORE_STATEMENTS; i++) {
        int result =
            sqlite3_prepare_v3(s->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statement[i], NULL);
        int rc = fault(s, result, e);
        if (rc < 0) /* an error of the statement: its tables are not those that we know */
            return (result & 0xff) == SQLITE_ERROR ? -EBADMSG : rc;
    }
    return 0;
}

/* What is deleted is overwritten, since names must be gone; what the file says is not trusted. */
static int set_up(struct store *s, bool to_read, struct error *e)
{
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (to_read)
        return run_sql(s, "PRAGMA query_only = ON", e);
    sqlite3_wal_autocheckpoint(s->db, CHECKPOINT_PAGES);
    return run_sql(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON", e);
}

static int open_database(struct store *s, bool to_read, struct error *e)
{
    int rc = to_read ? 0 : state_folder_make_private(s->path, e);
    if (rc < 0)
        return rc;
    rc = fault(s,
               sqlite3_open_v2(s->path, &s->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL),
               e);
    if (rc == 0 && (rc = set_up(s, to_read, e)) == 0 && (to_read || (rc = store_verify(s, e)) == 0) &&
        (rc = migrate(s, e)) == 0)
        rc = prepare(s, e);
    if (rc < 0)
        close_database(s);
    return rc;
}

int store_renew(struct store *s, struct error *e)
{
    close_database(s);
    static const char *const ends[] = {"", "-wal", "-shm", NULL};
    int rc = state_folder_set_aside(s->path, ends, e);
    return rc < 0 ? rc : open_database(s, false, e);
}

static void set_paths(struct store *s)
{
    snprintf(s->path, sizeof s->path, "%s/" FILE_NAME, s->folder);
}

int store_open(struct store **out, const struct store_params *p, struct error *e)
{
    struct store *s = *out = xcalloc(1, sizeof *s);
    s->keep_ms = p->keep_days * 86400000;
    s->keep_rows = p->keep_rows ? p->keep_rows : INT64_MAX;
    int rc = state_folder_lock(p->folder, s->folder, &s->lock_fd, e);
    if (rc == 0) {
        set_paths(s);
        rc = open_database(s, false, e);
    }
    if (rc == -EBADMSG)
        rc = store_renew(s, e);
    if (rc < 0)
        store_close(out);
    return rc;
}

int store_open_to_read(struct store **out, const char *folder, struct error *e)
{
    struct store *s = *out = xcalloc(1, sizeof *s);
    s->lock_fd = -1;
    if (!realpath(folder, s->folder))
        snprintf(s->folder, sizeof s->folder, "%s", folder);
    set_paths(s);
    int rc = access(s->path, R_OK) == 0
                 ? open_database(s, true, e)
                 : error_set(e, errno, "%s: %s", s->path,
                             errno == ENOENT ? "no show has kept anything there yet" : strerror(errno));
    if (rc < 0)
        store_close(out);
    return rc;
}

void store_close(struct store **out)
{
    struct store *s = *out;
    if (!s)
        return;
    close_database(s);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
    *out = NULL;
}

int store_verify(struct store *s, struct error *e)
{
    sqlite3_stmt *q = NULL;
    int rc = fault(s, sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL), e);
    int result = rc == 0 ? sqlite3_step(q) : SQLITE_OK;
    if (rc == 0 && result != SQLITE_ROW)
        rc = fault(s, result, e);
    else if (rc == 0 && strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
        rc = error_set(e, EBADMSG, "%s: %s", s->path, sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    return rc;
}

/* ---- transactions ---- */

int store_begin(struct store *s, struct error *e)
{
    int rc = s->db ? 0 : open_database(s, false, e); /* a new one could not be begun last time */
    s->removing = false;
    return rc < 0 ? rc : store_execute(s, STORE_BEGIN, e);
}

static int trim(struct store *s, struct error *e)
{
    static const enum store_statement rows[] = {STORE_TRIM_ASKED, STORE_TRIM_SHOWN, STORE_TRIM_REMOVED};
    int64_t oldest_ms = s->keep_ms ? (int64_t)time(NULL) * 1000 - s->keep_ms : INT64_MIN;
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows) && rc == 0; i++) {
        sqlite3_stmt *q = store_prepared(s, rows[i]);
        sqlite3_bind_int64(q, 1, s->keep_rows);
        sqlite3_bind_int64(q, 2, oldest_ms);
        rc = store_finish(s, q, e);
    }
    sqlite3_stmt *q = store_prepared(s, STORE_TRIM_PICTURES);
    sqlite3_bind_int64(q, 1, STORE_PICTURES_MAX);
    return rc < 0 ? rc : store_finish(s, q, e);
}

/* Names that were removed are not left in the log either. */
int store_commit(struct store *s, struct error *e)
{
    int rc = trim(s, e);
    if (rc == 0)
        rc = store_execute(s, STORE_COMMIT, e);
    if (rc == 0 && s->removing)
        store_execute(s, STORE_TRUNCATE_LOG, NULL);
    return rc;
}

void store_rollback(struct store *s)
{
    if (s->db && !sqlite3_get_autocommit(s->db))
        store_execute(s, STORE_ROLLBACK, NULL);
}
