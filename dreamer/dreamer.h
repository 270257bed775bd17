/*
 * dreamer - the dream's thread: targets in, keyframes or frames out.
 *
 * Each round it asks the port what to dream, moves the picture on by the zoom until the next keyframe, takes its
 * gradient steps and hands the result to the camera. Where the hardware is fast enough the next keyframe is the
 * next output frame, and it goes over as the video's own bytes: every frame is dreamed. Live, a rehearsal decides
 * about that (DREAMER_AUTO); a dream that falls behind for good goes on with keyframes, and comes back when its
 * steps have become fast again.
 *
 * All that reaches it passes port.h and common/keyframes, so it could be a process of its own. Time: a live show
 * counts seconds since its start; an offline one counts seconds of zoom, so that a script's line meets the same
 * keyframe on every machine.
 */
#ifndef DREAMER_DREAMER_H
#define DREAMER_DREAMER_H

#include "common/clock.h"
#include "common/keyframes.h"
#include "common/stats.h"
#include "common/thread.h"
#include "dreamer/frame_governor.h"
#include "dreamer/governor.h"
#include "dreamer/motion.h"
#include "dreamer/port.h"
#include "dreamer/snapshot.h"
#include "engine/dream/dream.h"

/* auto: every frame where the hardware makes frames itself and is fast enough, else keyframes. */
enum dreamer_mode { DREAMER_AUTO, DREAMER_KEYFRAMES, DREAMER_FRAMES };

/* Where a dreamer was when it made a picture, all that a show goes on from. */
struct dreamer_past {
    const struct snapshot *snapshot; /* target included */
    struct motion motion;
    double front; /* < 0: nobody has moved it */
};

/* One picture as it was made in another show: what to make it by. */
struct dreamer_cue {
    int64_t z_frames;
    bool is_frame; /* it was handed over as a frame */
    struct keyframe_making made;
    struct port_target target;       /* of made.target; number 0: none */
    const struct dreamer_past *past; /* made.resumes: from here; NULL: as it is */
    bool keeps;                      /* a snapshot of it is wanted (snapshots.taken) */
};

struct dreamer_params {
    struct dream *dream;
    struct keyframes *keyframes;
    struct port *port;
    struct clock *clock;
    int64_t start_us; /* show time 0 on the clock */
    struct stats *stats;
    struct stop *stop;
    enum dreamer_mode mode; /* but for DREAMER_KEYFRAMES: keyframes were opened with frames */
    struct governor governor;
    struct frame_governor frame_governor;
    double retreat_s;       /* from frames to keyframes for at least so long, longer each time */
    double keyframes_lag_s; /* from a new target to the screen while there are keyframes */
    double zoom_per_frame, degrees_per_frame;
    bool follows; /* the camera falls to where the network sees what is wanted */
    int fps;
    struct snapshots snapshots; /* live only */
    /* A dream that goes on: the snapshot's target is its own, z_frames where it was. The first picture lies at `z_least`
     * or behind it. NULL: it begins. */
    const struct snapshot *resumed;
    int64_t z_least;
    /* Pictures are made again instead of being decided: the next one, waiting for it if need be. False: there is none. On the
     * dream's thread. NULL: a show. */
    bool (*next_cue)(void *context, struct dreamer_cue *cue);
    void *cue_context;
};

struct dreamer {
    struct dreamer_params p;
    struct thread thread;
    bool frames;             /* every frame is dreamed now */
    bool makes_frames;       /* so did the hardware when that began */
    int64_t return_us;       /* real time from which frames are tried again; 0: never */
    int64_t retreat_us;      /* how long the next retreat to keyframes lasts */
    int64_t z_frames;        /* of the last keyframe */
    int64_t last_publish_us; /* real time */
    int64_t looked_us;       /* when the network was asked last what it sees; real time, offline show time */
    struct motion motion;
    struct motion_frame moves;     /* by which the last picture came out of the one before it */
    struct port_target target;     /* count 0: nothing yet */
    double front;                  /* where its two subjects meet; < 0: nobody has moved it */
    struct port_state state;       /* as it was told last */
    struct keyframe_making making; /* of the picture that is being made */
};

/* Starts the thread; `d` must stay where it is until dreamer_stop. 0 or -errno. */
int dreamer_start(struct dreamer *d, const struct dreamer_params *p);

/* p.stop must have been requested, p.keyframes and p.port shut down; waits for the step that is under way. */
void dreamer_stop(struct dreamer *d);

#endif
