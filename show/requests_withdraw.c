/*
 * requests_withdraw - what is taken away by others than who asked: lines that a moderator removed, and wishes for what
 * has been forbidden since. What is on goes at the next turn; what was on lately loses its name on the screen.
 */
#include "show/requests_parts.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

void requests_on_withdrawn(struct requests *r, void (*withdrawn)(void *context, int64_t request_id),
                           void *context)
{
    r->on_withdrawn = withdrawn;
    r->withdrawn_context = context;
}

void requests_on_removed(struct requests *r,
                         void (*removed)(void *context, const char *login, const char *message_id),
                         void *context)
{
    r->on_removed = removed;
    r->removed_context = context;
}

static bool is_by(const struct request *q, const char *login, const char *message_id)
{
    if (message_id)
        return q->message_id[0] && strcmp(q->message_id, message_id) == 0;
    return !login || strcasecmp(requests_login_of(q), login) == 0;
}

/* Takes away what waits and fits. Under the lock. */
static int withdraw_waiting(struct requests *r, const char *login, const char *message_id)
{
    int kept = 0, count_before = r->count;
    for (int i = 0; i < r->count; i++)
        if (!is_by(&r->queue[i], login, message_id))
            r->queue[kept++] = r->queue[i];
    r->count = kept;
    return count_before - kept;
}

int requests_withdraw(struct requests *r, const char *login, const char *message_id)
{
    int64_t ids[REQUESTS_SHOWN_MAX];
    int id_count = 0;
    if (r->on_removed)
        r->on_removed(r->removed_context, login, message_id);
    pthread_mutex_lock(&r->lock);
    int removed = withdraw_waiting(r, login, message_id);
    if (r->now.id && !r->now.immediate && is_by(&r->now, login, message_id)) {
        r->now.user[0] = '\0'; /* nobody is told any more whose it was */
        r->skip = true;
        removed++;
    }
    for (int i = 0; i < REQUESTS_SHOWN_MAX; i++) {
        struct request *q = &r->shown[i];
        if (!q->id || q->immediate || !is_by(q, login, message_id))
            continue;
        ids[id_count++] = q->id;
        *q = (struct request){.id = 0};
    }
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < id_count && r->on_withdrawn; i++)
        r->on_withdrawn(r->withdrawn_context, ids[i]);
    return removed;
}

int requests_restrict(struct requests *r, const struct synsets_known *known)
{
    pthread_mutex_lock(&r->lock);
    bool left = daydream_restrict(&r->daydream, known);
    if (left) {
        int kept = 0;
        r->known = *known;
        for (int i = 0; i < r->count; i++)
            if (requests_is_valid(r, &r->queue[i]))
                r->queue[kept++] = r->queue[i];
        r->count = kept;
        r->skip = r->skip || (r->started && !r->now.immediate && !requests_is_valid(r, &r->now));
    }
    pthread_mutex_unlock(&r->lock);
    return left ? 0 : -EINVAL;
}
