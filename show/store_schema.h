/*
 * store_schema - the database in SQL: how it is laid out, how an older one becomes a newer one, and every statement.
 *
 * The number in `user_version` says how many of the migrations a database has been through; store.c makes up for the
 * rest, each in a transaction of its own. A migration that has been released is never changed: another one follows.
 * Times are UTC in milliseconds since 1970. `wnids` are one or two WordNet ids with a blank between them, which mean the
 * same with every model. Inside show/ only.
 */
#ifndef SHOW_STORE_SCHEMA_H
#define SHOW_STORE_SCHEMA_H

enum { STORE_VERSION = 2, STORE_APPLICATION_ID = 0x52657665 /* "Reve" */ };

extern const char *const store_migrations[STORE_VERSION];

enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_ADD_ASKED,
    STORE_ADD_SHOWN,
    STORE_SET_ENDED,
    STORE_SET_PICTURE,
    STORE_ADD_REMOVED,
    STORE_FIND_WITHDRAWN,
    STORE_FORGET_ASKED,
    STORE_FORGET_SHOWN,
    STORE_TRUNCATE_LOG,
    STORE_CLEAR_WISHES,
    STORE_ADD_WISH,
    STORE_CLEAR_BANS,
    STORE_ADD_BAN,
    STORE_CLEAR_WORDS,
    STORE_ADD_WORD,
    STORE_TRIM_ASKED,
    STORE_TRIM_SHOWN,
    STORE_TRIM_REMOVED,
    STORE_TRIM_PICTURES,
    STORE_LAST_REQUEST,
    STORE_LIST_WISHES,
    STORE_LIST_BANS,
    STORE_LIST_WORDS,
    STORE_LIST_SHOWN,
    STORE_LIST_LOG,
    STORE_WAS_TAKEN,
    STORE_ADD_TAKEN,
    STORE_STATEMENTS
};

extern const char *const store_sql[STORE_STATEMENTS];

#endif
