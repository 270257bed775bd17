/*
 * store_put - what goes into the store: events, the state in place of the last one, and which files of older versions
 * have been taken over.
 */
#include "show/store_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* `wnids` must live until the statement has run. */
static void bind_request(sqlite3_stmt *q, int first, const struct request *r,
                         char wnids[REQUEST_SUBJECTS_BYTES])
{
    request_write_subjects(r, wnids);
    sqlite3_bind_int64(q, first, r->id);
    store_bind_text(q, first + 1, r->user);
    store_bind_text(q, first + 2, r->login[0] ? r->login : r->user);
    store_bind_text(q, first + 3, r->message_id);
    store_bind_text(q, first + 4, wnids);
}

/* ---- events ---- */

static int put_asked(struct store *s, const struct store_event *v, struct error *e)
{
    char wnids[REQUEST_SUBJECTS_BYTES];
    sqlite3_stmt *q = store_prepared(s, STORE_ADD_ASKED);
    sqlite3_bind_int64(q, 1, v->at_ms);
    bind_request(q, 2, &v->request, wnids);
    store_bind_text(q, 7, v->text);
    return store_finish(s, q, e);
}

static int put_shown(struct store *s, const struct store_event *v, struct error *e)
{
    char wnids[REQUEST_SUBJECTS_BYTES];
    sqlite3_stmt *q = store_prepared(s, STORE_ADD_SHOWN);
    sqlite3_bind_int64(q, 1, v->at_ms);
    bind_request(q, 2, &v->request, wnids);
    sqlite3_bind_int64(q, 7, v->run_ms);
    sqlite3_bind_int64(q, 8, v->request.turn);
    sqlite3_bind_int64(q, 9, v->seed);
    return store_finish(s, q, e);
}

static int put_ended(struct store *s, const struct store_event *v, struct error *e)
{
    sqlite3_stmt *q = store_prepared(s, STORE_SET_ENDED);
    sqlite3_bind_int64(q, 1, v->run_ms);
    sqlite3_bind_int64(q, 2, v->request.turn);
    sqlite3_bind_int64(q, 3, v->at_ms);
    sqlite3_bind_int64(q, 4, v->on_ms);
    return store_finish(s, q, e);
}

static int put_picture(struct store *s, const struct store_event *v, struct error *e)
{
    sqlite3_stmt *q = store_prepared(s, STORE_SET_PICTURE);
    sqlite3_bind_int64(q, 1, v->run_ms);
    sqlite3_bind_int64(q, 2, v->request.turn);
    if (v->seen >= 0)
        sqlite3_bind_double(q, 3, v->seen);
    if (v->jpeg && v->jpeg_bytes <= STORE_PICTURE_BYTES_MAX)
        sqlite3_bind_blob64(q, 4, v->jpeg, v->jpeg_bytes, SQLITE_STATIC);
    return store_finish(s, q, e);
}

sqlite3_stmt *store_removal(struct store *s, enum store_statement which, const struct store_event *v)
{
    sqlite3_stmt *q = store_prepared(s, which);
    if (v->request.message_id[0])
        store_bind_text(q, 1, v->request.message_id);
    if (v->request.login[0])
        store_bind_text(q, 2, v->request.login);
    return q;
}

static int note(struct store *s, int64_t at_ms, const char *what, int64_t count, struct error *e)
{
    sqlite3_stmt *q = store_prepared(s, STORE_ADD_REMOVED);
    sqlite3_bind_int64(q, 1, at_ms);
    store_bind_text(q, 2, what);
    sqlite3_bind_int64(q, 3, count);
    return store_finish(s, q, e);
}

/* The row that says so does not say whose it was. */
static int put_removed(struct store *s, const struct store_event *v, struct error *e)
{
    int count = sqlite3_total_changes(s->db);
    int rc = store_finish(s, store_removal(s, STORE_FORGET_ASKED, v), e);
    if (rc == 0)
        rc = store_finish(s, store_removal(s, STORE_FORGET_SHOWN, v), e);
    count = sqlite3_total_changes(s->db) - count;
    s->removing |= count > 0;
    const char *what = v->request.message_id[0] ? "message" : v->request.login[0] ? "user" : "all";
    return rc < 0 ? rc : note(s, v->at_ms, what, count, e);
}

/* In the table of what moderators did: its "what" begins with "by ". */
static int put_command(struct store *s, const struct store_event *v, struct error *e)
{
    char what[STORE_TEXT_BYTES + 4];
    snprintf(what, sizeof what, "by %s", v->text);
    return note(s, v->at_ms, what, 0, e);
}

int store_put(struct store *s, const struct store_event *v, struct error *e)
{
    switch (v->kind) {
    case STORE_ASKED:
        return put_asked(s, v, e);
    case STORE_SHOWN:
        return put_shown(s, v, e);
    case STORE_ENDED:
        return put_ended(s, v, e);
    case STORE_PICTURE:
        return put_picture(s, v, e);
    case STORE_REMOVED:
        return put_removed(s, v, e);
    case STORE_COMMAND:
        return put_command(s, v, e);
    case STORE_LOST:
        break;
    }
    return note(s, v->at_ms, "lost", v->count, e);
}

/* ---- state ---- */

void store_state_free(struct store_state *state)
{
    free(state->wishes);
    free(state->bans);
    free(state->words);
    *state = (struct store_state){.wish_count = 0};
}

int store_put_state(struct store *s, const struct store_state *state, struct error *e)
{
    int rc = store_execute(s, STORE_CLEAR_WISHES, e);
    if (rc == 0)
        rc = store_execute(s, STORE_CLEAR_BANS, e);
    if (rc == 0)
        rc = store_execute(s, STORE_CLEAR_WORDS, e);
    for (int i = 0; i < state->wish_count && rc == 0; i++) {
        char wnids[REQUEST_SUBJECTS_BYTES];
        sqlite3_stmt *q = store_prepared(s, STORE_ADD_WISH);
        sqlite3_bind_int(q, 1, i + 1);
        bind_request(q, 2, &state->wishes[i], wnids);
        rc = store_finish(s, q, e);
    }
    for (int i = 0; i < state->ban_count && rc == 0; i++) {
        sqlite3_stmt *q = store_prepared(s, STORE_ADD_BAN);
        store_bind_text(q, 1, state->bans[i]);
        rc = store_finish(s, q, e);
    }
    for (int i = 0; i < state->word_count && rc == 0; i++) {
        sqlite3_stmt *q = store_prepared(s, STORE_ADD_WORD);
        store_bind_text(q, 1, state->words[i].entry);
        sqlite3_bind_int(q, 2, state->words[i].forbidden);
        rc = store_finish(s, q, e);
    }
    return rc;
}

/* ---- older versions ---- */

static sqlite3_stmt *taken(struct store *s, enum store_statement which, const char *name, int64_t bytes,
                           int64_t changed_ms)
{
    sqlite3_stmt *q = store_prepared(s, which);
    store_bind_text(q, 1, name);
    sqlite3_bind_int64(q, 2, bytes);
    sqlite3_bind_int64(q, 3, changed_ms);
    return q;
}

bool store_has_taken(struct store *s, const char *name, int64_t bytes, int64_t changed_ms)
{
    sqlite3_stmt *q = taken(s, STORE_WAS_TAKEN, name, bytes, changed_ms);
    bool has = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0) > 0;
    sqlite3_reset(q);
    return has;
}

int store_set_taken(struct store *s, const char *name, int64_t bytes, int64_t changed_ms, struct error *e)
{
    return store_finish(s, taken(s, STORE_ADD_TAKEN, name, bytes, changed_ms), e);
}
