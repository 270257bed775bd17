/*
 * viewers - see viewers.h. A hash table with open addressing, at most three quarters full; it is built anew when
 * somebody has to be forgotten, so a place never needs a mark that it was used once.
 */
#include "show/viewers.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

enum { PLACES = 65536, KEPT_MAX = VIEWERS_MAX / 8 * 7 };

_Static_assert(VIEWERS_MAX <= PLACES / 4 * 3, "searching must end soon at a free place");

struct viewers {
    struct viewer *places; /* [PLACES] */
    int count, active;
    double cooldown_s;
    double counted_until_s; /* `active` holds until then, but for those who are heard anew */
};

struct viewers *viewers_open(double cooldown_s)
{
    struct viewers *v = xcalloc(1, sizeof *v);
    v->places = xcalloc(PLACES, sizeof *v->places);
    v->cooldown_s = cooldown_s;
    v->counted_until_s = -INFINITY;
    return v;
}

void viewers_close(struct viewers **v)
{
    if (!*v)
        return;
    free((*v)->places);
    free(*v);
    *v = NULL;
}

/* Where the key is, or the free place where it belongs. */
static struct viewer *find(struct viewer *places, uint64_t key)
{
    size_t at = (size_t)(key >> 32) % PLACES;
    while (places[at].key && places[at].key != key)
        at = (at + 1) % PLACES;
    return &places[at];
}

/* How much would be lost: 2 a cooldown or a vote, 1 that they are in the channel, 0 nothing. */
static int worth(const struct viewers *v, const struct viewer *viewer, double now_s, int64_t turn)
{
    if (now_s - viewer->wished_s < v->cooldown_s || (turn > 0 && viewer->voted_turn == turn))
        return 2;
    return now_s - viewer->heard_s <= VIEWERS_ACTIVE_S;
}

/* Makes room: keeps those of whom most would be lost, as many as are to be kept. */
static void forget(struct viewers *v, double now_s, int64_t turn)
{
    struct viewer *old = v->places;
    v->places = xcalloc(PLACES, sizeof *v->places);
    v->count = 0;
    for (int least = 2; least > 0; least--)
        for (int i = 0; i < PLACES && v->count < KEPT_MAX; i++)
            if (old[i].key && worth(v, &old[i], now_s, turn) == least) {
                *find(v->places, old[i].key) = old[i];
                v->count++;
            }
    free(old);
    v->counted_until_s = -INFINITY;
}

struct viewer *viewers_get(struct viewers *v, const char *login, double now_s, int64_t turn)
{
    uint64_t key = text_hash_caseless(login) | 1; /* 0: nobody */
    struct viewer *found = find(v->places, key);
    if (found->key)
        return found;
    if (v->count == VIEWERS_MAX) {
        forget(v, now_s, turn);
        found = find(v->places, key);
    }
    *found = (struct viewer){.key = key, .heard_s = -INFINITY, .wished_s = -INFINITY};
    v->count++;
    return found;
}

void viewers_heard(struct viewers *v, const char *login, double now_s, int64_t turn)
{
    struct viewer *viewer = viewers_get(v, login, now_s, turn);
    v->active += now_s - viewer->heard_s > VIEWERS_ACTIVE_S;
    viewer->heard_s = now_s;
}

int viewers_active(struct viewers *v, double now_s)
{
    if (now_s < v->counted_until_s)
        return v->active;
    v->active = 0;
    v->counted_until_s = now_s + VIEWERS_ACTIVE_S;
    for (int i = 0; i < PLACES; i++) {
        const struct viewer *viewer = &v->places[i];
        if (!viewer->key || now_s - viewer->heard_s > VIEWERS_ACTIVE_S)
            continue;
        v->active++;
        v->counted_until_s = fmin(v->counted_until_s, viewer->heard_s + VIEWERS_ACTIVE_S);
    }
    v->counted_until_s = fmax(v->counted_until_s, now_s + 1);
    return v->active;
}
