/*
 * limits - how often somebody may wish: a bucket for each address, and one for all together.
 *
 * A bucket holds BURST wishes and fills up by one every `refill_s`. The addresses heard last are remembered; a new
 * one takes the place of the one that was silent longest. One thread.
 */
#ifndef WEB_LIMITS_H
#define WEB_LIMITS_H

#include <stdint.h>

#include "web/http.h"

enum { LIMITS_ADDRESSES = 64 };

struct bucket {
    char peer[HTTP_PEER_BYTES];
    double full;   /* wishes in it */
    double seen_s; /* when it was filled up last */
};

struct limits {
    struct bucket all, peers[LIMITS_ADDRESSES];
};

/* Takes one wish out. 0, or the seconds until there is one. `now_s` never runs backwards. */
double limits_take(struct limits *l, const char *peer, double now_s);

#endif
