/*
 * formed - has a subject formed, or will it never? For a show that moves on then instead of at a fixed time.
 *
 * It goes by how surely the network sees the subject, look by look. Formed: it has been seen surely for a
 * while. Stalled: nothing has been gained for a longer while. Pure arithmetic on what it is told.
 */
#ifndef APP_FORMED_H
#define APP_FORMED_H

#include <stdbool.h>
#include <stdint.h>

struct formed {
    int64_t request_id;    /* 0: none is watched */
    double since_s;        /* when it was first told of */
    double best, gained_s; /* the surest that it was, and when that last grew */
    double sure_since_s;   /* < 0: it is not sure now */
};

/* A look at the picture of this request: `share` 0..1. True: it may go. */
bool formed_look(struct formed *f, int64_t request_id, double share, double now_s);

#endif
