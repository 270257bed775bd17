/*
 * journal - see journal.h.
 */
#include "show/journal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"

/* Events in order, the first of them the oldest. */
struct batch {
    int count;
    struct store_event events[JOURNAL_WAITING_MAX];
};

struct journal {
    struct journal_params p; /* immutable after open */
    struct stop stop;
    struct thread thread;

    pthread_mutex_t lock;  /* leaf; guards the next two */
    struct batch *waiting; /* for the thread */
    int64_t lost;

    /* journal thread only (close: after it) */
    struct batch *taking;     /* not written yet */
    int64_t lost_before;      /* events that were lost before these */
    struct store_state state; /* as it was written last */
    bool state_known, failing;
    bool began; /* the thread has run */
};

static void empty(struct batch *b)
{
    for (int i = 0; i < b->count; i++)
        free(b->events[i].jpeg);
    b->count = 0;
}

static void trouble(struct journal *j, const struct error *e)
{
    if (!j->failing)
        log_warn("show", "%s; what is asked and shown is not kept until that is better", e->text);
    j->failing = true;
}

static void all_well(struct journal *j)
{
    if (j->failing)
        log_info("show", "what is asked and shown is kept again");
    j->failing = false;
}

/* Behind what could not be written yet, as far as there is room. */
static void take(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    if (j->taking->count == 0) {
        struct batch *waiting = j->waiting;
        j->waiting = j->taking;
        j->taking = waiting;
        j->lost_before += j->lost;
        j->lost = 0;
    }
    pthread_mutex_unlock(&j->lock);
}

static bool is_same(const struct store_state *a, const struct store_state *b)
{
    return a->wish_count == b->wish_count && a->ban_count == b->ban_count && a->word_count == b->word_count &&
           (a->wish_count == 0 ||
            memcmp(a->wishes, b->wishes, (size_t)a->wish_count * sizeof *a->wishes) == 0) &&
           (a->ban_count == 0 || memcmp(a->bans, b->bans, (size_t)a->ban_count * sizeof *a->bans) == 0) &&
           (a->word_count == 0 || memcmp(a->words, b->words, (size_t)a->word_count * sizeof *a->words) == 0);
}

static int put_all(struct journal *j, const struct store_state *state, struct error *e)
{
    struct store *s = j->p.store;
    struct store_event lost = {
        .kind = STORE_LOST, .at_ms = (int64_t)time(NULL) * 1000, .count = j->lost_before};
    int rc = store_begin(s, e);
    if (rc == 0 && j->lost_before)
        rc = store_put(s, &lost, e);
    for (int i = 0; i < j->taking->count && rc == 0; i++) {
        const struct store_event *v = &j->taking->events[i];
        if (v->kind == STORE_REMOVED && j->p.withdrawn)
            rc = store_each_withdrawn(s, v, j->p.withdrawn, j->p.context, e);
        if (rc == 0)
            rc = store_put(s, v, e);
    }
    if (rc == 0 && state)
        rc = store_put_state(s, state, e);
    if (rc == 0)
        rc = store_commit(s, e);
    if (rc < 0)
        store_rollback(s);
    return rc;
}

static int write_all(struct journal *j)
{
    struct error e = {""};
    struct store_state state;
    take(j);
    j->p.state(j->p.context, &state);
    bool changed = !j->state_known || !is_same(&state, &j->state);
    int rc = 0;
    if (changed || j->taking->count > 0 || j->lost_before > 0)
        rc = put_all(j, changed ? &state : NULL, &e);
    if (rc < 0) {
        store_state_free(&state);
        j->state_known &= rc != -EBADMSG; /* a new database wants all of it */
        if (rc == -EBADMSG)
            store_renew(j->p.store, &e);
        trouble(j, &e);
        return rc;
    }
    all_well(j);
    empty(j->taking);
    j->lost_before = 0;
    store_state_free(&j->state);
    j->state = state;
    j->state_known = true;
    return 0;
}

static void *journal_main(void *arg)
{
    struct journal *j = arg;
    struct pollfd stop = {.fd = j->stop.fd, .events = POLLIN};
    while (!stop_requested(&j->stop)) {
        poll(&stop, 1, j->p.tick_ms);
        write_all(j);
    }
    return NULL;
}

int journal_open(struct journal **out, const struct journal_params *p, struct error *e)
{
    struct journal *j = xcalloc(1, sizeof *j);
    *out = NULL;
    j->p = *p;
    j->p.tick_ms = p->tick_ms ? p->tick_ms : JOURNAL_TICK_MS;
    j->waiting = xcalloc(1, sizeof *j->waiting);
    j->taking = xcalloc(1, sizeof *j->taking);
    pthread_mutex_init(&j->lock, NULL);
    int rc = stop_init(&j->stop);
    if (rc)
        error_set(e, -rc, "the journal cannot be stopped: %s", strerror(-rc));
    else if ((rc = thread_start(&j->thread, "journal", journal_main, j)))
        error_set(e, -rc, "the journal has no thread: %s", strerror(-rc));
    j->began = rc == 0;
    if (rc)
        journal_close(&j);
    *out = j;
    return rc;
}

/* What could not be written keeps its place before what came later: at most two goes. */
void journal_close(struct journal **out)
{
    struct journal *j = *out;
    if (!j)
        return;
    stop_request(&j->stop);
    thread_join(&j->thread);
    if (j->began && write_all(j) == 0)
        write_all(j);
    stop_close(&j->stop);
    pthread_mutex_destroy(&j->lock);
    empty(j->waiting);
    empty(j->taking);
    store_state_free(&j->state);
    free(j->waiting);
    free(j->taking);
    free(j);
    *out = NULL;
}

void journal_put(struct journal *j, const struct store_event *event)
{
    pthread_mutex_lock(&j->lock);
    bool room = j->waiting->count < JOURNAL_WAITING_MAX;
    if (room)
        j->waiting->events[j->waiting->count++] = *event;
    else
        j->lost++;
    pthread_mutex_unlock(&j->lock);
    if (!room)
        free(event->jpeg);
}
