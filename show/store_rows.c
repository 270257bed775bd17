/*
 * store_rows - what comes out of the store: the state for the next show, and the past.
 */
#include "show/store_parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

static void read_text(sqlite3_stmt *q, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    text_clean(out, size, text ? text : "", text ? (size_t)sqlite3_column_bytes(q, column) : 0);
}

/* Columns request, user, login, message, wnids from the first on. */
static void read_request(sqlite3_stmt *q, struct request *r)
{
    char wnids[REQUEST_SUBJECTS_BYTES];
    *r = (struct request){.id = sqlite3_column_int64(q, 0)};
    read_text(q, 1, r->user, sizeof r->user);
    read_text(q, 2, r->login, sizeof r->login);
    read_text(q, 3, r->message_id, sizeof r->message_id);
    read_text(q, 4, wnids, sizeof wnids);
    request_read_subjects(r, wnids);
}

/* ---- state ---- */

static void load_wish(sqlite3_stmt *q, void *context)
{
    struct store_state *state = context;
    state->wishes = xrealloc(state->wishes, (size_t)(state->wish_count + 1) * sizeof *state->wishes);
    read_request(q, &state->wishes[state->wish_count++]);
}

static void load_ban(sqlite3_stmt *q, void *context)
{
    struct store_state *state = context;
    state->bans = xrealloc(state->bans, (size_t)(state->ban_count + 1) * sizeof *state->bans);
    read_text(q, 0, state->bans[state->ban_count++], sizeof *state->bans);
}

static void load_word(sqlite3_stmt *q, void *context)
{
    struct store_state *state = context;
    state->words = xrealloc(state->words, (size_t)(state->word_count + 1) * sizeof *state->words);
    struct store_word *w = &state->words[state->word_count++];
    read_text(q, 0, w->entry, sizeof w->entry);
    w->forbidden = sqlite3_column_int(q, 1) != 0;
}

int store_load_state(struct store *s, struct store_state *state, struct error *e)
{
    *state = (struct store_state){.wish_count = 0};
    int rc = store_each_row(s, store_prepared(s, STORE_LIST_WISHES), load_wish, state, e);
    if (rc == 0)
        rc = store_each_row(s, store_prepared(s, STORE_LIST_BANS), load_ban, state, e);
    if (rc == 0)
        rc = store_each_row(s, store_prepared(s, STORE_LIST_WORDS), load_word, state, e);
    if (rc < 0)
        store_state_free(state);
    return rc;
}

int64_t store_last_request(struct store *s)
{
    sqlite3_stmt *q = store_prepared(s, STORE_LAST_REQUEST);
    int64_t id = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_reset(q);
    return id;
}

/* ---- the past ---- */

/* Whoever asked for rows, for the functions that read them. */
struct asker {
    void (*each)(void *context, const struct store_row *row);
    void (*withdrawn)(void *context, int64_t request);
    void *context;
};

static void read_shown(sqlite3_stmt *q, void *context)
{
    const struct asker *a = context;
    struct store_row row = {.event = "shown", .at_ms = sqlite3_column_int64(q, 5)};
    read_request(q, &row.request);
    row.on_ms = sqlite3_column_int64(q, 7);
    row.seen = sqlite3_column_type(q, 8) == SQLITE_NULL ? -1 : sqlite3_column_double(q, 8);
    row.seed = sqlite3_column_int64(q, 9);
    row.jpeg = sqlite3_column_blob(q, 10);
    row.jpeg_bytes = (size_t)sqlite3_column_bytes(q, 10);
    if (row.jpeg)
        a->each(a->context, &row);
}

int store_each_shown(struct store *s, int max, void (*each)(void *context, const struct store_row *row),
                     void *context, struct error *e)
{
    struct asker a = {.each = each, .context = context};
    sqlite3_stmt *q = store_prepared(s, STORE_LIST_SHOWN);
    sqlite3_bind_int(q, 1, max);
    return store_each_row(s, q, read_shown, &a, e);
}

static const char *event_name(const char *name)
{
    static const char *const names[] = {"asked", "shown", "removed", "command"};
    for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return names[i];
    return "lost";
}

static void read_event(sqlite3_stmt *q, void *context)
{
    const struct asker *a = context;
    struct store_row row = {.event = event_name((const char *)sqlite3_column_text(q, 6)), .seen = -1};
    read_request(q, &row.request);
    row.at_ms = sqlite3_column_int64(q, 5);
    row.request.turn = sqlite3_column_int64(q, 7);
    row.on_ms = sqlite3_column_int64(q, 8);
    read_text(q, 9, row.text, sizeof row.text);
    row.count = sqlite3_column_int64(q, 10);
    row.seed = sqlite3_column_int64(q, 11);
    a->each(a->context, &row);
}

int store_each_event(struct store *s, int64_t max, int64_t since_ms, const char *user,
                     void (*each)(void *context, const struct store_row *row), void *context, struct error *e)
{
    struct asker a = {.each = each, .context = context};
    sqlite3_stmt *q = store_prepared(s, STORE_LIST_LOG);
    sqlite3_bind_int64(q, 1, max > 0 ? max : -1);
    sqlite3_bind_int64(q, 2, since_ms);
    if (user)
        store_bind_text(q, 3, user);
    return store_each_row(s, q, read_event, &a, e);
}

static void read_withdrawn(sqlite3_stmt *q, void *context)
{
    const struct asker *a = context;
    a->withdrawn(a->context, sqlite3_column_int64(q, 0));
}

int store_each_withdrawn(struct store *s, const struct store_event *removed,
                         void (*each)(void *context, int64_t request), void *context, struct error *e)
{
    struct asker a = {.withdrawn = each, .context = context};
    return store_each_row(s, store_removal(s, STORE_FIND_WITHDRAWN, removed), read_withdrawn, &a, e);
}
