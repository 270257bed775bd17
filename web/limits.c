/*
 * limits - see limits.h.
 */
#include "web/limits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double burst = 5, refill_s = 2, burst_of_all = 20, refill_of_all_s = 0.5;

static void fill(struct bucket *b, double most, double each_s, double now_s)
{
    b->full = fmin(most, b->full + fmax(0, now_s - b->seen_s) / each_s);
    b->seen_s = now_s;
}

static struct bucket *find(struct limits *l, const char *peer)
{
    struct bucket *oldest = &l->peers[0];
    for (int i = 0; i < LIMITS_ADDRESSES; i++) {
        struct bucket *b = &l->peers[i];
        if (strcmp(b->peer, peer) == 0)
            return b;
        if (!b->peer[0] || (oldest->peer[0] && b->seen_s < oldest->seen_s))
            oldest = b;
    }
    *oldest = (struct bucket){.full = burst};
    snprintf(oldest->peer, sizeof oldest->peer, "%s", peer);
    return oldest;
}

double limits_take(struct limits *l, const char *peer, double now_s)
{
    struct bucket *b = find(l, peer), *all = &l->all;
    if (!all->peer[0]) {
        *all = (struct bucket){.peer = "*", .full = burst_of_all, .seen_s = now_s};
    }
    if (b->seen_s == 0)
        b->seen_s = now_s;
    fill(b, burst, refill_s, now_s);
    fill(all, burst_of_all, refill_of_all_s, now_s);
    if (b->full < 1)
        return (1 - b->full) * refill_s;
    if (all->full < 1)
        return (1 - all->full) * refill_of_all_s;
    b->full--;
    all->full--;
    return 0;
}
