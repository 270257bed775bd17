/*
 * store_schema - see store_schema.h.
 */
#include "show/store_schema.h"

const char *const store_migrations[STORE_VERSION] = {
    /* `wnids`: request_write_subjects. */
    "CREATE TABLE wish (place INTEGER PRIMARY KEY, request INTEGER NOT NULL, user TEXT NOT NULL, login TEXT NOT NULL,"
    " message TEXT NOT NULL, wnids TEXT NOT NULL) STRICT;"
    "CREATE TABLE ban (login TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE asked (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, request INTEGER NOT NULL,"
    " user TEXT NOT NULL, login TEXT NOT NULL COLLATE NOCASE, message TEXT NOT NULL, wnids TEXT NOT NULL,"
    " text TEXT NOT NULL) STRICT;"
    "CREATE INDEX asked_at ON asked (at_ms);"
    /* `run_ms`: when the show began, whose turns are counted from 1. `thumbnail`: a JPEG. */
    "CREATE TABLE shown (id INTEGER PRIMARY KEY AUTOINCREMENT, run_ms INTEGER NOT NULL, turn INTEGER NOT NULL,"
    " request INTEGER NOT NULL, user TEXT NOT NULL, login TEXT NOT NULL COLLATE NOCASE, message TEXT NOT NULL,"
    " wnids TEXT NOT NULL, seed INTEGER NOT NULL, began_ms INTEGER NOT NULL, ended_ms INTEGER, on_ms INTEGER,"
    " seen REAL, thumbnail BLOB, UNIQUE (run_ms, turn)) STRICT;"
    "CREATE INDEX shown_began ON shown (began_ms);"
    "CREATE INDEX shown_picture ON shown (id) WHERE thumbnail IS NOT NULL;"
    /* What moderators removed, without whose it was, and events that were lost. */
    "CREATE TABLE removed (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, what TEXT NOT NULL,"
    " count INTEGER NOT NULL) STRICT;"
    "CREATE INDEX removed_at ON removed (at_ms);"
    /* Files of older versions that are in here now. */
    "CREATE TABLE taken (name TEXT NOT NULL, bytes INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
    " PRIMARY KEY (name, bytes, changed_ms)) STRICT, WITHOUT ROWID;",
    /* What moderators have forbidden, or allowed though the lists forbid it. */
    "CREATE TABLE word (entry TEXT PRIMARY KEY, forbidden INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};

/* ?1 a message id or NULL, ?2 a login or NULL; both NULL: everybody. */
#define REMOVED_BY                                                                                           \
    " WHERE login <> '' AND CASE WHEN ?1 IS NOT NULL THEN message = ?1 ELSE ?2 IS NULL OR login = ?2 END"
/* The newest ?1 rows stay. */
#define OLDER_THAN_NEWEST(table) "id <= (SELECT max(id) FROM " table ") - ?1"

const char *const store_sql[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_ROLLBACK] = "ROLLBACK",
    [STORE_ADD_ASKED] = "INSERT INTO asked (at_ms, request, user, login, message, wnids, text)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_ADD_SHOWN] =
        "INSERT OR IGNORE INTO shown (began_ms, request, user, login, message, wnids, run_ms, turn, seed)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [STORE_SET_ENDED] = "UPDATE shown SET ended_ms = ?3, on_ms = ?4 WHERE run_ms = ?1 AND turn = ?2",
    [STORE_SET_PICTURE] = "UPDATE shown SET seen = ?3, thumbnail = ?4 WHERE run_ms = ?1 AND turn = ?2",
    [STORE_ADD_REMOVED] = "INSERT INTO removed (at_ms, what, count) VALUES (?1, ?2, ?3)",
    [STORE_FIND_WITHDRAWN] = "SELECT request FROM shown" REMOVED_BY " ORDER BY id",
    [STORE_FORGET_ASKED] = "UPDATE asked SET user = '', login = '', message = '', text = ''" REMOVED_BY,
    [STORE_FORGET_SHOWN] = "UPDATE shown SET user = '', login = '', message = ''" REMOVED_BY,
    [STORE_TRUNCATE_LOG] = "PRAGMA wal_checkpoint(TRUNCATE)",
    [STORE_CLEAR_WISHES] = "DELETE FROM wish",
    [STORE_ADD_WISH] = "INSERT INTO wish (place, request, user, login, message, wnids)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_CLEAR_BANS] = "DELETE FROM ban",
    [STORE_ADD_BAN] = "INSERT OR IGNORE INTO ban (login) VALUES (?1)",
    [STORE_CLEAR_WORDS] = "DELETE FROM word",
    [STORE_ADD_WORD] = "INSERT OR REPLACE INTO word (entry, forbidden) VALUES (?1, ?2)",
    [STORE_TRIM_ASKED] = "DELETE FROM asked WHERE at_ms < ?2 OR " OLDER_THAN_NEWEST("asked"),
    [STORE_TRIM_SHOWN] = "DELETE FROM shown WHERE began_ms < ?2 OR " OLDER_THAN_NEWEST("shown"),
    [STORE_TRIM_REMOVED] = "DELETE FROM removed WHERE at_ms < ?2 OR " OLDER_THAN_NEWEST("removed"),
    [STORE_TRIM_PICTURES] =
        "UPDATE shown SET thumbnail = NULL WHERE thumbnail IS NOT NULL AND id <="
        " (SELECT id FROM shown WHERE thumbnail IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?1)",
    [STORE_LAST_REQUEST] = "SELECT max(coalesce((SELECT max(request) FROM asked), 0),"
                           " coalesce((SELECT max(request) FROM shown), 0))",
    [STORE_LIST_WISHES] = "SELECT request, user, login, message, wnids FROM wish ORDER BY place",
    [STORE_LIST_BANS] = "SELECT login FROM ban",
    [STORE_LIST_WORDS] = "SELECT entry, forbidden FROM word",
    [STORE_LIST_SHOWN] =
        "SELECT request, user, login, message, wnids, began_ms, ended_ms, on_ms, seen, seed, thumbnail FROM"
        " (SELECT * FROM shown WHERE thumbnail IS NOT NULL AND on_ms IS NOT NULL ORDER BY id DESC LIMIT ?1)"
        " ORDER BY id",
    /* ?1 how many, ?2 since, ?3 a name or NULL. */
    [STORE_LIST_LOG] =
        "SELECT * FROM (SELECT * FROM ("
        "SELECT request, user, login, message, wnids, at_ms AS at, 'asked' AS event, 0 AS turn, -1 AS on_ms,"
        " text AS text, 0 AS count, 0 AS seed, id, 1 AS rank FROM asked UNION ALL "
        "SELECT request, user, login, message, wnids, began_ms, 'shown', turn, coalesce(on_ms, -1), '', 0,"
        " seed, id, 2 FROM shown UNION ALL "
        "SELECT 0, '', '', '', '', at_ms, iif(what = 'lost', 'lost', iif(what LIKE 'by %', 'command',"
        " 'removed')), 0, -1, iif(what LIKE 'by %', substr(what, 4), what), count, 0, id, 3"
        " FROM removed)"
        " WHERE at >= ?2 AND (?3 IS NULL OR login = ?3 COLLATE NOCASE OR user = ?3 COLLATE NOCASE)"
        " ORDER BY at DESC, rank DESC, id DESC LIMIT ?1) ORDER BY at, rank, id",
    [STORE_WAS_TAKEN] = "SELECT count(*) FROM taken WHERE name = ?1 AND bytes = ?2 AND changed_ms = ?3",
    [STORE_ADD_TAKEN] = "INSERT OR IGNORE INTO taken (name, bytes, changed_ms) VALUES (?1, ?2, ?3)",
};
