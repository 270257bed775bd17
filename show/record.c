/*
 * record - see record.h.
 */
#include "show/record.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "show/journal.h"
#include "show/state_folder.h"
#include "show/takeover.h"

struct record {
    struct record_params p;
    struct store *store;
    struct journal *journal;
    int64_t run_ms; /* when this show began */
    char folder[STATE_PATH_BYTES];

    pthread_mutex_t lock; /* leaf; guards the next two */
    int64_t withdrawn[RECORD_WITHDRAWN_MAX];
    int withdrawn_count; /* not taken yet; more than there is room for push out the oldest */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- state ---- */

static void add_ban(void *context, const char *login)
{
    struct store_state *state = context;
    state->bans = xrealloc(state->bans, (size_t)(state->ban_count + 1) * sizeof *state->bans);
    memset(state->bans[state->ban_count], 0, sizeof *state->bans);
    text_copy(state->bans[state->ban_count++], sizeof *state->bans, login);
}

static void add_word(void *context, const char *entry, bool forbidden)
{
    struct store_state *state = context;
    state->words = xrealloc(state->words, (size_t)(state->word_count + 1) * sizeof *state->words);
    struct store_word *w = &state->words[state->word_count++];
    memset(w, 0, sizeof *w);
    text_copy(w->entry, sizeof w->entry, entry);
    w->forbidden = forbidden;
}

/* What waits, who is banned and what is forbidden; on the journal's thread. */
static void get_state(void *context, struct store_state *out)
{
    struct record *record = context;
    int max = (int)record->p.config->queue_max + REQUESTS_RESERVED + 1, kept = 0;
    struct request *next = xcalloc((size_t)max, sizeof *next);
    int count = requests_list(record->p.requests, NULL, next, max);
    for (int i = 0; i < count && i < max; i++)
        if (!next[i].immediate)
            next[kept++] = next[i];
    *out = (struct store_state){.wishes = next, .wish_count = kept};
    if (record->p.rules)
        rules_each_ban(record->p.rules, add_ban, out);
    if (record->p.rules)
        rules_each_word(record->p.rules, add_word, out);
}

static bool restore_wish(struct record *record, struct request *q)
{
    if (record->p.rules &&
        rules_forbids_name(record->p.rules, q->user)) /* by a list that is newer than the wish */
        text_copy(q->user, sizeof q->user, REQUEST_SOMEBODY);
    return q->id > 0 && q->user[0] && requests_restore(record->p.requests, q) == 0;
}

/* What the lists say by themselves by now needs no more of it. */
static void restore_words(struct record *record, const struct store_state *state)
{
    for (int i = 0; i < state->word_count && record->p.rules; i++)
        if (state->words[i].forbidden)
            rules_forbid(record->p.rules, state->words[i].entry);
        else
            rules_allow(record->p.rules, state->words[i].entry);
}

static int restore(struct record *record, struct error *e)
{
    struct store_state state;
    int rc = store_load_state(record->store, &state, e), good = 0;
    if (rc < 0)
        return rc;
    requests_continue(record->p.requests, store_last_request(record->store));
    for (int i = 0; i < state.wish_count; i++)
        good += restore_wish(record, &state.wishes[i]);
    for (int i = 0; i < state.ban_count && record->p.rules; i++)
        good += state.bans[i][0] && rules_ban(record->p.rules, state.bans[i]) != -ENOSPC;
    restore_words(record, &state);
    int bad = state.wish_count + (record->p.rules ? state.ban_count : 0) - good;
    if (good)
        log_info("show", "%s: %d wishes and bans are remembered", record->folder, good);
    if (bad)
        log_warn("show", "%s: %d wishes and bans mean nothing to this model and are passed over",
                 record->folder, bad);
    store_state_free(&state);
    return 0;
}

/* ---- events ---- */

static void turned(void *context, const struct request *before, double on_s, const struct request *now)
{
    struct record *record = context;
    struct store_event event = {.kind = STORE_ENDED,
                                .at_ms = now_ms(),
                                .run_ms = record->run_ms,
                                .request = *before,
                                .on_ms = llround(on_s * 1000),
                                .seed = record->p.seed};
    if (before->count > 0)
        journal_put(record->journal, &event);
    event.kind = STORE_SHOWN;
    event.request = *now;
    journal_put(record->journal, &event);
}

void record_asked(struct record *record, const struct request *q, const char *text)
{
    if (!record)
        return;
    struct store_event event = {.kind = STORE_ASKED, .at_ms = now_ms(), .request = *q};
    text_clean(event.text, sizeof event.text, text, strlen(text));
    journal_put(record->journal, &event);
}

void record_picture(struct record *record, int64_t turn, double seen, const uint8_t *jpeg, size_t bytes)
{
    if (!record)
        return;
    struct store_event event = {.kind = STORE_PICTURE,
                                .run_ms = record->run_ms,
                                .request.turn = turn,
                                .seen = seen,
                                .jpeg = xmalloc(bytes ? bytes : 1),
                                .jpeg_bytes = bytes};
    memcpy(event.jpeg, jpeg, bytes);
    journal_put(record->journal, &event);
}

void record_removed(struct record *record, const char *login, const char *message_id)
{
    if (!record)
        return;
    struct store_event event = {.kind = STORE_REMOVED, .at_ms = now_ms()};
    if (message_id)
        text_copy(event.request.message_id, sizeof event.request.message_id, message_id);
    else if (login)
        text_copy(event.request.login, sizeof event.request.login, login);
    journal_put(record->journal, &event);
}

void record_command(struct record *record, const struct person *who, const char *line)
{
    if (!record)
        return;
    char text[STORE_TEXT_BYTES];
    struct store_event event = {.kind = STORE_COMMAND, .at_ms = now_ms()};
    snprintf(text, sizeof text, "%s: %s", who->login, line);
    text_clean(event.text, sizeof event.text, text, strlen(text));
    journal_put(record->journal, &event);
}

int record_take_withdrawn(struct record *record, int64_t *ids, int max)
{
    if (!record)
        return 0;
    pthread_mutex_lock(&record->lock);
    int n = record->withdrawn_count < max ? record->withdrawn_count : max;
    record->withdrawn_count -= n;
    memcpy(ids, record->withdrawn + record->withdrawn_count, (size_t)n * sizeof *ids); /* the newest first */
    pthread_mutex_unlock(&record->lock);
    return n;
}

int record_each_shown(struct record *record, int max,
                      void (*each)(void *context, const struct store_row *row), void *context,
                      struct error *e)
{
    struct store *s; /* one of its own beside the journal's */
    int rc = record ? store_open_to_read(&s, record->folder, e) : 0;
    if (!record || rc < 0)
        return rc;
    rc = store_each_shown(s, max, each, context, e);
    store_close(&s);
    return rc;
}

/* ---- open and close ---- */

static bool is_default(const struct show_config *c)
{
    return strcmp(c->state_dir, "auto") == 0;
}

/* On the journal's thread. */
static void note_withdrawn(void *context, int64_t request)
{
    struct record *record = context;
    pthread_mutex_lock(&record->lock);
    if (record->withdrawn_count == RECORD_WITHDRAWN_MAX)
        memmove(record->withdrawn, record->withdrawn + 1,
                (size_t)--record->withdrawn_count * sizeof *record->withdrawn);
    record->withdrawn[record->withdrawn_count++] = request;
    pthread_mutex_unlock(&record->lock);
}

static int begin(struct record *record, struct error *e)
{
    const struct store_params store = {.folder = record->folder,
                                       .keep_days = record->p.config->keep_days,
                                       .keep_rows = record->p.config->keep_rows};
    int rc = store_open(&record->store, &store, e);
    if (rc == 0)
        rc = takeover(record->store, record->folder, e);
    if (rc == 0)
        rc = restore(record, e);
    if (rc < 0)
        return rc;
    const struct journal_params p = {
        .store = record->store, .state = get_state, .withdrawn = note_withdrawn, .context = record};
    return journal_open(&record->journal, &p, e);
}

static int try_folder(const char *folder, int64_t *mb, struct error *e)
{
    struct store *s;
    int rc = file_check_folder(folder, mb, e);
    if (rc == 0)
        rc = store_open_to_read(&s, folder, e);
    else
        return rc;
    if (rc == 0) {
        rc = store_verify(s, e);
        store_close(&s);
    }
    return rc == -ENOENT ? 0 : rc;
}

int record_check(const struct show_config *c, char *text, size_t size, struct error *e)
{
    char folder[STATE_PATH_BYTES];
    int64_t mb;
    text[0] = '\0';
    if (!state_folder_find(c->state_dir, folder))
        return 0;
    int rc = try_folder(folder, &mb, e);
    if (rc == -EBADMSG || (rc < 0 && is_default(c))) {
        snprintf(text, size, "%s; %s", e->text,
                 rc == -EBADMSG ? "a show would set it aside and begin without its wishes and bans"
                                : "nothing of a show would be kept for the next one");
        e->text[0] = '\0';
        return 1;
    }
    if (rc < 0)
        return error_prefix(e, rc, "show.state_dir");
    snprintf(text, size, "%.200s, %lld MB free", folder, (long long)mb);
    return 0;
}

int record_open(struct record **out, const struct record_params *p, struct error *e)
{
    struct record *record = xcalloc(1, sizeof *record);
    *out = NULL;
    record->p = *p;
    record->run_ms = now_ms();
    pthread_mutex_init(&record->lock, NULL);
    bool wanted = state_folder_find(p->config->state_dir, record->folder);
    int rc = wanted ? begin(record, e) : 0;
    if (wanted && rc == 0) {
        requests_on_turn(p->requests, turned, record);
        *out = record;
        return 0;
    }
    record_close(&record);
    if (rc == 0 || !is_default(p->config))
        return rc;
    log_warn("show", "%s; nothing of this show is kept for the next one", e->text);
    return 0;
}

void record_close(struct record **record)
{
    if (!*record)
        return;
    journal_close(&(*record)->journal);
    store_close(&(*record)->store);
    pthread_mutex_destroy(&(*record)->lock);
    free(*record);
    *record = NULL;
}
