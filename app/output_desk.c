/*
 * output_desk - see output_desk.h.
 */
#include "app/output_desk.h"

#include <errno.h>
#include <strings.h>

enum { OUTPUTS_MAX = 64 };

/* The one of this name, as the settings have it, or NULL. */
static const char *find_locked(const struct output_desk *d, const char *name)
{
    struct stream_output list[OUTPUTS_MAX];
    int count = d->stream ? stream_list_outputs(d->stream, list, OUTPUTS_MAX) : 0;
    for (int i = 0; i < count; i++)
        if (strcasecmp(list[i].name, name) == 0)
            return list[i].name;
    return NULL;
}

static int turn(void *context, const char **name, bool on)
{
    struct output_desk *d = context;
    pthread_mutex_lock(&d->lock);
    const char *known = find_locked(d, *name);
    int rc = known ? stream_switch(d->stream, known, on) : -ENOENT;
    pthread_mutex_unlock(&d->lock);
    *name = known ? known : *name;
    return rc;
}

static const char *get(void *context, int i, bool *on)
{
    struct output_desk *d = context;
    struct stream_output list[OUTPUTS_MAX];
    pthread_mutex_lock(&d->lock);
    int count = d->stream ? stream_list_outputs(d->stream, list, OUTPUTS_MAX) : 0;
    pthread_mutex_unlock(&d->lock);
    if (i >= count)
        return NULL;
    *on = list[i].on;
    return list[i].name;
}

static int clip(void *context)
{
    struct output_desk *d = context;
    pthread_mutex_lock(&d->lock);
    int rc = d->stream ? stream_clip(d->stream) : -ENOTCONN;
    pthread_mutex_unlock(&d->lock);
    return rc;
}

void output_desk_init(struct output_desk *d, struct chatbot *b)
{
    pthread_mutex_init(&d->lock, NULL);
    chatbot_set_outputs(b, &(struct chatbot_outputs){turn, get, clip, d});
}

void output_desk_close(struct output_desk *d)
{
    pthread_mutex_destroy(&d->lock);
}

void output_desk_set(struct output_desk *d, struct stream *s)
{
    pthread_mutex_lock(&d->lock);
    d->stream = s;
    pthread_mutex_unlock(&d->lock);
}

bool output_desk_knows(struct output_desk *d, const char *name)
{
    pthread_mutex_lock(&d->lock);
    bool known = find_locked(d, name);
    pthread_mutex_unlock(&d->lock);
    return known;
}
