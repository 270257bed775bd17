/*
 * show - the dream thread: requests in, keyframes out.
 *
 * Each round it asks the request queue what to dream, moves the picture on by the zoom until the next
 * keyframe, takes its gradient steps and hands the result to the camera. Nothing else reaches into it, so it
 * could run in a process of its own. Time: a live show counts seconds since its start; an offline one counts
 * seconds of zoom, so that a script's line meets the same keyframe on every machine.
 */
#ifndef APP_SHOW_H
#define APP_SHOW_H

#include "app/governor.h"
#include "chatbot/chatbot.h"
#include "common/clock.h"
#include "common/keyframes.h"
#include "common/stats.h"
#include "common/thread.h"
#include "engine/dream.h"

struct show_params {
    struct dream *dream;
    const struct model *model;
    struct keyframes *keyframes;
    struct requests *requests;
    struct chatbot *chatbot;
    struct script *script; /* NULL: none */
    struct clock *clock;
    int64_t start_us; /* show time 0 on the clock */
    struct stats *stats;
    struct stop *stop;
    struct governor governor;
    double zoom_per_frame, degrees_per_frame;
    double fade_s;
    int fps;
};

struct show {
    struct show_params p;
    struct thread thread;
    int64_t z_frames;        /* of the last keyframe */
    int64_t last_publish_us; /* real time */
    int64_t request_id;
    char caption[KEYFRAME_CAPTION_BYTES];
};

/* Starts the thread; `s` must stay where it is until show_stop. 0 or -errno. */
int show_start(struct show *s, const struct show_params *p);

/* p.stop must have been requested and p.keyframes shut down; waits for the step that is under way. */
void show_stop(struct show *s);

#endif
