/*
 * wire - what passes between a show and its dreamer's process: packets over a socket, and memory that both see.
 *
 *     show                                              dreamer
 *       SETUP   what to open                      ->
 *                                                 <-    READY, or REFUSED with the reason
 *       GO      the show begins                   ->
 *                                                 <-    ASK     at the beginning of each picture
 *       ANSWER  perhaps with a target             ->
 *                                                 <-    PICTURE it lies in slot n % slots of the memory
 *       TAKEN   up to which the camera has them   ->
 *                                                 <-    STATE, PULSE, SNAPSHOT, LOG
 *       STOP                                      ->
 *
 * Both are the same program, so packets are plain structs as they lie in memory; one that has not exactly its kind's size
 * is no packet. The show believes nothing: a child may have gone mad, and everything that it says is looked at where it is used.
 * The memory is sealed, so that nobody can take it away under the other; pixels are copied out of it before
 * they are looked at. Where the camera is (keyframes_position) also lies there, for the dreamer to read at any moment.
 */
#ifndef DREAMER_WIRE_H
#define DREAMER_WIRE_H

#include "common/keyframes.h"
#include "dreamer/dreamer.h"
#include "dreamer/port.h"
#include "dreamer/snapshot.h"

enum { WIRE_TEXT_BYTES = 512, WIRE_LOG_BYTES = 1024, WIRE_PART_BYTES = 16 };

enum wire_kind {
    WIRE_SETUP = 1,
    WIRE_GO,
    WIRE_ANSWER,
    WIRE_TAKEN,
    WIRE_STOP,
    WIRE_READY,
    WIRE_REFUSED,
    WIRE_ASK,
    WIRE_PICTURE,
    WIRE_STATE,
    WIRE_PULSE,
    WIRE_SNAPSHOT,
    WIRE_LOG,
    WIRE_KINDS
};

/* How the dreamer is to work: dreamer_params, without what is a process's own. */
struct wire_setup {
    int64_t parent_pid;
    struct dream_config config;
    uint64_t seed;
    int32_t log_level;  /* enum log_level */
    int32_t has_frames; /* the memory has room for frames */
    int32_t mode;       /* enum dreamer_mode */
    int32_t fps;
    struct governor governor;
    struct frame_governor frame_governor;
    double retreat_s, keyframes_lag_s, zoom_per_frame, degrees_per_frame;
    int32_t follows, unused; /* 1: the camera follows what is dreamed */
    int64_t snapshot_every_us;
    int32_t resume_place; /* the snapshot to go on from; -1: none */
    int32_t has_target;   /* there is a newer target than that snapshot's */
    struct port_target target;
};

struct wire_go {
    int64_t start_us; /* show time 0, on the monotonic clock */
    int64_t z_least;  /* as in dreamer_params */
};

struct wire_answer {
    int32_t has_target, unused;
    struct port_target target;
};

/* Picture number n, from 0, of this process. */
struct wire_picture {
    int64_t number, z_frames, request_id;
    int32_t is_frame, unused;
    double zoom_per_frame, degrees_per_frame, front, x, y; /* as in struct keyframe */
    char caption[KEYFRAME_CAPTION_BYTES];
    struct keyframe_making made;
};

/* Four times a second, whatever the dream does. Counted since the process was started. */
struct wire_pulse {
    int64_t steps, step_us, restores;
};

/* Which place is whole, and the number of the target that it was dreamed for. */
struct wire_snapshot {
    int32_t place, unused;
    int64_t target;
};

struct wire_log {
    int32_t level, unused; /* enum log_level */
    char part[WIRE_PART_BYTES], text[WIRE_LOG_BYTES];
};

struct wire_message {
    int32_t kind, unused;
    union {
        struct wire_setup setup;
        struct wire_go go;
        struct wire_answer answer;
        int64_t taken; /* pictures of this process that the camera has taken */
        char refused[WIRE_TEXT_BYTES];
        double ask_s; /* show time */
        struct wire_picture picture;
        struct port_state state;
        struct wire_pulse pulse;
        struct wire_snapshot snapshot;
        struct wire_log log;
    };
};

/* Sends m->kind with what belongs to it. `waits`: until there is room; else -EAGAIN when there is none. 0 or -errno. From
 * any thread. */
int wire_send(int fd, const struct wire_message *m, bool waits);

/* Receives one without waiting. 1; 0: there is none now; -EPIPE: the other end is gone; -EPROTO: that was no packet;
 * -errno. Texts end within their arrays. */
int wire_receive(int fd, struct wire_message *m);

/* ---- the memory ---- */

struct wire_memory {
    void *at; /* NULL: none */
    size_t bytes;
    int fd; /* -1: not ours to close */
    _Atomic int64_t *position;
    struct keyframe_memory slots[KEYFRAMES_SLOTS_MAX];
    struct snapshot *places[SNAPSHOT_PLACES];
};

/* Makes it, for a dream of these settings. 0, or -ECHILD with a line: no process can be had here (a limit on the size of files
 * holds for it, too). */
int wire_memory_make(struct wire_memory *m, const struct dream_config *c, bool has_frames, struct error *e);
/* The child's: what `fd` holds. 0, or -errno when it is not of that size. */
int wire_memory_map(struct wire_memory *m, int fd, const struct dream_config *c, bool has_frames);
void wire_memory_close(struct wire_memory *m); /* all zero is fine */

#endif
