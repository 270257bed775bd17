/*
 * replay - the conductor of a show that is made again: reads its tape and says to the dream how to make each picture, and to the
 * stream what belongs to each frame.
 *
 * The dream and the stream go through the tape at their own pace, each with a reader of its own; neither asks the other. A show
 * as it was has the same frames, gaps included. One that is dreamed anew (another size, rate or number of steps) has
 * every frame in its place, and its places on tape and zoom axis are counted in frames of the new rate.
 *
 * It may begin in the middle: the dream from a picture whose snapshot was kept, the stream with the places of all pictures
 * before, of which none is seen.
 */
#ifndef APP_REPLAY_H
#define APP_REPLAY_H

#include "dreamer/dreamer.h"
#include "stream/stream.h"
#include "tape/reader.h"

struct replay_plan {
    const char *path;
    int fps;          /* of the video that is made */
    int steps;        /* times as many in each picture */
    bool is_anew;     /* not as it was */
    int64_t from, to; /* frames of the new video that are wanted */
    int64_t keep_z;   /* on the tape: the picture of which a snapshot is wanted; -1: none */
    int64_t start_z;  /* on the tape: the picture from which `start` is; -1: it begins with the tape */
    const struct dreamer_past *start; /* must outlive the replay; NULL: none */
};

struct replay;

/* 0 or -errno with a line; *r is NULL then. */
int replay_open(struct replay **r, const struct replay_plan *plan, struct error *e);
void replay_close(struct replay **r); /* NULL is fine */

/* For dreamer_params: context is the replay. */
bool replay_next_picture(void *context, struct dreamer_cue *cue);

/* What replay_next_picture asked to keep (dreamer_cue.keeps) and is needed again later in the same show; on the dream's
 * thread. `past` is copied but for its snapshot, which must stay until the replay is closed. */
void replay_kept(struct replay *r, const struct dreamer_past *past);

/* For the stream's callbacks. `withdraw` is told what is withdrawn from this frame on. */
bool replay_next_frame(struct replay *r, int64_t frame, struct stream_cue *cue,
                       void (*withdraw)(void *context, int64_t request_id), void *context);
void replay_signs(const struct replay *r, double front, struct signs_content *c);

/* The picture of the tape from which a part that begins with frame `from` (of the tape's) can go on: taken early enough for all that
 * stands on the picture, and where nothing fades if there is such a one. -1: the part begins with the tape. */
int64_t replay_find_start(const char *path, int64_t from);

/* Frames of one rate in another. */
int64_t replay_scale(int64_t frames, int from_fps, int to_fps);

#endif
