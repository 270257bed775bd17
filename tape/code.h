/*
 * code - events and head of a tape to bytes and back; private to tape/.
 *
 * Both directions walk along one struct tape_state, what was said last: an event holds the differences to it. Reading
 * checks every number before it is used, and a text must be one line of proper UTF-8. A run (pictures that came about in
 * the same way, one frame after the other) is one record: a dream of every frame would be a hundred times as long without.
 */
#ifndef TAPE_CODE_H
#define TAPE_CODE_H

#include "tape/bytes.h"

/* What was said last. All zero at the beginning of a tape. */
struct tape_state {
    int64_t frame;
    int64_t target; /* number */
    struct tape_picture picture;
    int64_t picture_frame;  /* at which it was taken */
    int64_t picture_frames; /* between the last two */
    struct tape_signs signs;
};

enum { TAPE_RUN_MAX = 1 << 20, TAPE_EVENT_BYTES = 4096 }; /* no event is longer */

void tape_put_head(struct tape_out *o, const struct tape_head *h);
bool tape_take_head(struct tape_in *in, struct tape_head *h); /* false: it makes no sense */

/* Does this picture come about as the last one did, just as many frames later? Then it can be one of a run. */
bool tape_runs_on(const struct tape_state *s, const struct tape_event *event);

void tape_put_event(struct tape_out *o, struct tape_state *s, const struct tape_event *event);
/* `count` more pictures like the last, which tape_run_on has gone along already. */
void tape_put_run(struct tape_out *o, int32_t count);

/* The next event. *run is above 0 for a run of so many pictures, of which *event is the first; tape_run_on gives the others.
 * False: it makes no sense. */
bool tape_take_event(struct tape_in *in, struct tape_state *s, struct tape_event *event, int32_t *run);
/* One more picture like the last. False: beyond all bounds. */
bool tape_run_on(struct tape_state *s, struct tape_event *event);
/* The same so many times, without the events. */
bool tape_skip_run(struct tape_state *s, int32_t count);

#endif
