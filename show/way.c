/*
 * way - see way.h.
 */
#include "show/way.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

static const double LAG_MAX_S = 120, PLATFORM_MIN_S = 0.2;

/* The last values, and whose they are (0: nobody's). */
struct samples {
    double s[WAY_SAMPLES];
    uint64_t whose[WAY_SAMPLES];
    int count, at; /* at: the oldest, overwritten next */
};

struct way {
    double platform_s; /* immutable */

    pthread_mutex_t lock; /* leaf; guards all below */
    double guess_s;
    uint64_t turned, shown; /* hash of the dream; 0: none */
    double turned_s, shown_s;
    struct samples lags, platform;
    uint64_t told[WAY_SAMPLES * 4]; /* who has said !seen for what is shown */
    int told_count;
};

static void add(struct samples *m, double s, uint64_t whose)
{
    int at = m->at;
    for (int i = 0; whose && i < m->count; i++)
        if (m->whose[i] == whose)
            at = i;
    m->s[at] = s;
    m->whose[at] = whose;
    if (at == m->at)
        m->at = (m->at + 1) % WAY_SAMPLES;
    if (at == m->count)
        m->count++;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const struct samples *m)
{
    double s[WAY_SAMPLES];
    memcpy(s, m->s, sizeof s);
    qsort(s, (size_t)m->count, sizeof *s, ascending);
    return (s[(m->count - 1) / 2] + s[m->count / 2]) / 2;
}

static uint64_t hash_of(int64_t request_id, const char *caption)
{
    return (text_hash(caption) ^ ((uint64_t)request_id * 0x9e3779b97f4a7c15u)) | 1;
}

struct way *way_open(double platform_s, double guess_s)
{
    struct way *w = xcalloc(1, sizeof *w);
    w->platform_s = platform_s;
    w->guess_s = guess_s;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

void way_close(struct way **w)
{
    if (!*w)
        return;
    pthread_mutex_destroy(&(*w)->lock);
    free(*w);
    *w = NULL;
}

void way_guess(struct way *w, double lag_s)
{
    pthread_mutex_lock(&w->lock);
    if (lag_s < w->guess_s || lag_s > w->guess_s) {
        w->lags = (struct samples){.count = 0};
        w->turned = 0; /* it may be on either way */
    }
    w->guess_s = lag_s;
    pthread_mutex_unlock(&w->lock);
}

void way_turned(struct way *w, int64_t request_id, const char *caption, double now_s)
{
    pthread_mutex_lock(&w->lock);
    w->turned = hash_of(request_id, caption);
    w->turned_s = now_s;
    pthread_mutex_unlock(&w->lock);
}

void way_shown(struct way *w, int64_t request_id, const char *caption, double now_s)
{
    uint64_t dream = hash_of(request_id, caption);
    pthread_mutex_lock(&w->lock);
    double lag_s = now_s - w->turned_s;
    if (dream == w->turned && lag_s >= 0 && lag_s <= LAG_MAX_S)
        add(&w->lags, lag_s, 0);
    w->turned = dream == w->turned ? 0 : w->turned;
    w->shown = dream;
    w->shown_s = now_s;
    w->told_count = 0;
    pthread_mutex_unlock(&w->lock);
}

/* Under the lock. */
static int take_seen(struct way *w, uint64_t who, double now_s)
{
    double s = now_s - w->shown_s;
    if (!w->shown || s > 2 * WAY_PLATFORM_MAX_S)
        return -ENOENT;
    for (int i = 0; i < w->told_count; i++)
        if (w->told[i] == who)
            return -EALREADY;
    if (s < PLATFORM_MIN_S || s > WAY_PLATFORM_MAX_S)
        return -ERANGE;
    if (w->told_count == ARRAY_LEN(w->told))
        return -EALREADY; /* they are enough for one change */
    w->told[w->told_count++] = who;
    add(&w->platform, s, who);
    return 0;
}

int way_seen(struct way *w, const char *key, double now_s)
{
    uint64_t who = text_hash_caseless(key) | 1;
    pthread_mutex_lock(&w->lock);
    int rc = take_seen(w, who, now_s);
    pthread_mutex_unlock(&w->lock);
    return rc;
}

double way_lag_s(struct way *w)
{
    pthread_mutex_lock(&w->lock);
    double s = w->lags.count > 0 ? median(&w->lags) : w->guess_s;
    pthread_mutex_unlock(&w->lock);
    return s;
}

double way_platform_s(struct way *w)
{
    pthread_mutex_lock(&w->lock);
    double s = w->platform.count >= WAY_VIEWERS_MIN ? median(&w->platform) : w->platform_s;
    pthread_mutex_unlock(&w->lock);
    return s;
}
