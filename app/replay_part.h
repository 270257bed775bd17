/*
 * replay_part - one stretch of a replay, from opening the dream to the finished recordings.
 *
 * A part is a function of its tape, its settings and the snapshot that it begins with, and of nothing else: so a replay that was
 * killed goes on with the part that it was at, and what comes out is what would have come out anyway.
 */
#ifndef APP_REPLAY_PART_H
#define APP_REPLAY_PART_H

#include "app/replay.h"
#include "app/settings.h"
#include "common/thread.h"

struct replay_part {
    const struct settings *settings; /* these must outlive it */
    struct stop *stop;               /* requested from outside: it ends before its time */
    const struct tape_head *head;
    struct replay_plan plan; /* start included */
    /* How far it is, about every second: frames of the new video, and dreamed steps so far. May be NULL. */
    void (*progress)(void *context, int64_t frame, bool is_over);
    void *context;
};

/* Where the next part goes on from: a copy that the caller frees with free(kept->snapshot). Snapshot NULL: it was not asked for. */
struct replay_kept {
    struct snapshot *snapshot;
    struct motion motion;
    double front;
};

/* 0; -EINTR: it was stopped; or -errno with a line. */
int replay_part_run(const struct replay_part *p, struct replay_kept *kept, struct error *e);

#endif
