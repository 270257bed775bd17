/*
 * credits - see credits.h.
 */
#include "show/credits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"

enum { DAY_S = 86400 };

struct credits {
    char run[CREDITS_RUN_BYTES]; /* immutable after open */

    pthread_mutex_t lock; /* leaf; guards all below */
    struct credit *list;  /* [CREDITS_MAX], the oldest first */
    int count;
    int64_t on_id; /* of this show, on the screen now; 0: none in the book */
    double since_s;
};

struct credits *credits_open(const char *run)
{
    struct credits *c = xcalloc(1, sizeof *c);
    text_copy(c->run, sizeof c->run, run);
    c->list = xcalloc(CREDITS_MAX, sizeof *c->list);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void credits_close(struct credits **out)
{
    struct credits *c = *out;
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c->list);
    free(c);
    *out = NULL;
}

const char *credits_run(const struct credits *c)
{
    return c->run;
}

/* NULL: it is not there. */
static struct credit *find_locked(struct credits *c, const char *run, int64_t id)
{
    for (int i = c->count - 1; i >= 0; i--)
        if (c->list[i].id == id && strcmp(c->list[i].run, run) == 0)
            return &c->list[i];
    return NULL;
}

static void drop_locked(struct credits *c, int at)
{
    memmove(c->list + at, c->list + at + 1, (size_t)(--c->count - at) * sizeof *c->list);
}

static struct credit *add_locked(struct credits *c)
{
    if (c->count == CREDITS_MAX)
        drop_locked(c, 0);
    struct credit *entry = &c->list[c->count++];
    *entry = (struct credit){.belief = -1};
    return entry;
}

void credits_shown(struct credits *c, const struct request *q, int64_t at_s, double now_s)
{
    bool is_wish = q && q->id > 0 && q->user[0];
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    struct credit *was = c->on_id ? find_locked(c, c->run, c->on_id) : NULL;
    struct credit *entry = is_wish ? find_locked(c, c->run, q->id) : NULL;
    if (was && was != entry) {
        was->on_s = now_s > c->since_s ? now_s - c->since_s : 0.001;
        c->since_s = now_s;
    }
    c->on_id = is_wish ? q->id : 0;
    if (is_wish && !entry) {
        entry = add_locked(c);
        c->since_s = now_s;
        text_copy(entry->run, sizeof entry->run, c->run);
        entry->id = q->id;
        entry->at_s = at_s;
        request_label(q, entry->text, sizeof entry->text);
        text_copy(entry->by, sizeof entry->by, q->user);
        text_copy(entry->login, sizeof entry->login, q->login[0] ? q->login : q->user);
        text_copy(entry->message_id, sizeof entry->message_id, q->message_id);
    }
    pthread_mutex_unlock(&c->lock);
}

void credits_seen(struct credits *c, int64_t id, double belief)
{
    if (!c || id <= 0)
        return;
    pthread_mutex_lock(&c->lock);
    struct credit *entry = id == c->on_id ? find_locked(c, c->run, id) : NULL;
    if (entry && belief > entry->belief)
        entry->belief = belief < 1 ? belief : 1;
    pthread_mutex_unlock(&c->lock);
}

bool credits_keep(struct credits *c, int64_t id, int64_t still_bytes, int64_t loop_bytes)
{
    if (!c)
        return false;
    pthread_mutex_lock(&c->lock);
    struct credit *entry = find_locked(c, c->run, id);
    if (entry) {
        entry->still_bytes = still_bytes;
        entry->loop_bytes = loop_bytes;
    }
    pthread_mutex_unlock(&c->lock);
    return entry;
}

void credits_restore(struct credits *c, const struct credit *entry)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    if (c->count < CREDITS_MAX && !find_locked(c, entry->run, entry->id))
        c->list[c->count++] = *entry;
    pthread_mutex_unlock(&c->lock);
}

int credits_list(struct credits *c, struct credit *out, int max)
{
    if (!c)
        return 0;
    pthread_mutex_lock(&c->lock);
    int n = c->count < max ? c->count : max;
    memcpy(out, c->list + c->count - n, (size_t)n * sizeof *out);
    pthread_mutex_unlock(&c->lock);
    return n;
}

int credits_of(struct credits *c, const char *login, struct credit *out, int max)
{
    int n = 0;
    if (!c)
        return 0;
    pthread_mutex_lock(&c->lock);
    for (int i = c->count - 1; i >= 0 && n < max; i--)
        if (strcasecmp(c->list[i].login, login) == 0)
            out[n++] = c->list[i];
    pthread_mutex_unlock(&c->lock);
    return n;
}

bool credits_find(struct credits *c, const char *run, int64_t id, struct credit *out)
{
    if (!c)
        return false;
    pthread_mutex_lock(&c->lock);
    const struct credit *entry = find_locked(c, run, id);
    if (entry)
        *out = *entry;
    pthread_mutex_unlock(&c->lock);
    return entry;
}

static bool is_meant(const struct credit *entry, const char *login, const char *message_id)
{
    if (message_id)
        return entry->message_id[0] && strcmp(entry->message_id, message_id) == 0;
    return !login || strcasecmp(entry->login, login) == 0;
}

int credits_remove(struct credits *c, const char *login, const char *message_id, struct credit *out)
{
    int n = 0, kept = 0;
    if (!c)
        return 0;
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->count; i++)
        if (is_meant(&c->list[i], login, message_id))
            out[n++] = c->list[i];
        else
            c->list[kept++] = c->list[i];
    c->count = kept;
    explicit_bzero(c->list + kept, (size_t)n * sizeof *c->list);
    pthread_mutex_unlock(&c->lock);
    return n;
}

bool credits_trim(struct credits *c, const struct credits_limits *limits, int64_t now_s)
{
    int64_t bytes = 0, count = 0;
    bool trimmed = false;
    if (!c)
        return false;
    pthread_mutex_lock(&c->lock);
    for (int i = c->count - 1; i >= 0; i--) { /* the newest first: what they leave is for the older */
        struct credit *entry = &c->list[i];
        bool is_ours = strcmp(entry->run, c->run) == 0;
        if (entry->still_bytes > 0) {
            bytes += entry->still_bytes + entry->loop_bytes;
            count++;
            bool is_old = limits->days > 0 && now_s - entry->at_s >= limits->days * DAY_S;
            if (!is_old && (limits->count <= 0 || count <= limits->count) &&
                (limits->bytes <= 0 || bytes <= limits->bytes))
                continue;
            entry->still_bytes = entry->loop_bytes = 0;
            trimmed = true;
        }
        if (!is_ours)
            drop_locked(c, i);
    }
    pthread_mutex_unlock(&c->lock);
    return trimmed;
}
