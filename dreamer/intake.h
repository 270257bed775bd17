/*
 * intake - pictures out of a dreamer's process and into the show: looked at, copied, handed over.
 *
 * The process writes pixels into shared memory and says where a picture belongs; here it becomes a keyframe of the show.
 * Nothing of that is believed. Numbers must follow one another, positions must grow, a caption must be one that the
 * programme has given out, pixels must be numbers. What does not hold is a lie, and a process that lies is ended. Pixels
 * are copied before they are looked at, so nobody can change them afterwards.
 *
 * A picture waits in the shared memory while the camera still has what a former process left. One thread, the
 * supervisor's.
 */
#ifndef DREAMER_INTAKE_H
#define DREAMER_INTAKE_H

#include "common/stats.h"
#include "dreamer/wire.h"

enum { INTAKE_TARGETS = 8 };

struct intake {
    struct keyframes *keyframes; /* the show's, with slots for frames or not, as the memory has */
    const struct wire_memory *memory;
    struct stats *stats;
    bool has_frames;

    /* The rest is the module's own. */
    struct port_target targets[INTAKE_TARGETS]; /* the last that the programme has given out */
    int64_t target_count;
    int64_t number_last;  /* of all that it has given out */
    int64_t z_last;       /* of the last picture that was handed over, by whatever process; -1: none */
    int64_t published_us; /* real time of that; 0: none */
    struct wire_picture waiting[KEYFRAMES_SLOTS_MAX]; /* of this process */
    int waiting_count;
    int64_t announced; /* pictures of this process */
    int64_t base;      /* what the show's hand-off had been given before this process */
    int64_t told;      /* how many of its pictures it knows to be taken */
};

/* The first four fields are filled. */
void intake_init(struct intake *i);

/* Another process follows: what waits in the memory is gone. */
void intake_begin(struct intake *i);

/* The programme has given out a target. */
void intake_target(struct intake *i, const struct port_target *t);
const struct port_target *intake_newest_target(const struct intake *i); /* NULL: none yet */

/* A picture was announced. NULL, or why it is a lie (static text). */
const char *intake_picture(struct intake *i, const struct wire_picture *p);

/* Hands over what waits as far as there is room. True when something was handed over. A lie shows here, too: *lie is
 * set then. */
bool intake_deliver(struct intake *i, const char **lie);

/* How many of this process's pictures the camera has taken; -1: as many as when it was asked last. */
int64_t intake_taken(struct intake *i);

/* Has the camera nothing more to take? */
bool intake_is_hungry(struct intake *i);

#endif
