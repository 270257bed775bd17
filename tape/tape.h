/*
 * tape - what made the pixels of a show, in order, so that they can be made again.
 *
 * A dream is a function of its seed, its settings and what was decided while it ran: which target each picture took, how
 * many steps it really got, when the camera took it, which frames were left out, and what was written on the picture. A
 * tape holds these and no pixels: a few bytes for each keyframe, so a day is a few megabytes.
 *
 *     the line "reverie tape 1"
 *     blocks: 4 bytes payload length, 4 bytes checksum of the payload (both little-endian), payload
 *     payload of the first: the head; of all others: events, one behind the other
 *
 * Viewers' names stand in no text: each has an event of its own, alone in its block, and texts hold a sign for it. So a name
 * can be overwritten in place when a moderator removes somebody, and nothing else on the tape changes.
 *
 * Numbers are varints, mostly differences to the last event of the kind (code.c). Blocks are small and written every few
 * seconds, so a crash costs no more than the last of them; a damaged one is found by its checksum, and what a forged one
 * says is looked at as closely as what comes over a network. Events come in the order of their frames; a target comes before
 * the picture that takes it. Nothing here knows how pictures are made: the numbers belong to dreamer/ and stream/.
 */
#ifndef TAPE_TAPE_H
#define TAPE_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/keyframes.h"
#include "dreamer/port.h"

enum {
    TAPE_FORMAT = 1,
    TAPE_BLOCK_BYTES = 1 << 15, /* payload; none is longer */
    TAPE_SETTINGS_BYTES = 12288,
    TAPE_NAME_BYTES = 96,
    TAPE_TEXTS = 8, /* that can stand on the picture besides the caption */
    TAPE_TEXT_BYTES = 160,
    TAPE_WHO_BYTES = 128,
    TAPE_NAMES_MAX = 65000, /* on one tape; later texts go without */
};

/* Then the number of the format, and a line break. */
#define TAPE_MAGIC "reverie tape "

/* Frames of a show, and places on its zoom axis: a tape that has more is refused. 126 years at 250 frames a second. */
#define TAPE_FRAMES_MAX INT64_C(1000000000000)

/* How a show began. */
struct tape_head {
    char version[TAPE_NAME_BYTES];  /* of the program */
    char model[TAPE_NAME_BYTES];    /* its name, for people */
    char hardware[TAPE_NAME_BYTES]; /* "cpu, avx2"; pictures are the same bytes on the same */
    uint64_t fingerprint;           /* of the model's numbers */
    uint64_t seed;
    uint64_t start;                     /* checksum of the snapshot that it went on from; 0: it began anew */
    int64_t began_s;                    /* wall clock, seconds since 1970 */
    int32_t fps;                        /* of the video */
    char settings[TAPE_SETTINGS_BYTES]; /* lines "section.key=value": all that shapes the picture */
};

enum tape_kind {
    TAPE_TARGET = 1, /* may be taken by a picture from here on */
    TAPE_PICTURE,    /* the camera takes one before it renders this frame */
    TAPE_GAP,        /* places of frames that were missed, from this frame on */
    TAPE_SIGNS,      /* what stands on the picture from this frame on, besides the caption */
    TAPE_WITHDRAWN,  /* from this frame on, this request's caption is not shown */
    TAPE_NAME,       /* of the viewer of a request: texts after it may hold it */
    TAPE_END         /* `frame` frames were made; a show that crashed has none */
};

/* How a picture came about. */
struct tape_picture {
    int64_t z_frames; /* its place on the zoom axis */
    int32_t is_frame; /* 1: it is shown as it is, at this one place */
    struct keyframe_making made;
};

/* First the last picture as often again, then places that stay empty. */
struct tape_gap {
    int32_t repeated, skipped;
};

enum tape_front {
    TAPE_FRONT_NONE,   /* no mark */
    TAPE_FRONT_CAMERA, /* where the camera has it */
    TAPE_FRONT_OWN     /* at `front` */
};

struct tape_signs {
    int32_t mark; /* enum tape_front */
    double front;
    double belief; /* how full its bar is; < 0: there is none */
    char texts[TAPE_TEXTS][TAPE_TEXT_BYTES];
};

struct tape_name {
    int64_t request_id;
    char who[TAPE_WHO_BYTES]; /* blanks only: forgotten */
};

struct tape_event {
    enum tape_kind kind;
    int64_t frame; /* of the video, from 0; of TAPE_TARGET and TAPE_NAME that of the event before */
    union {
        struct port_target target;
        struct tape_picture picture;
        struct tape_gap gap;
        struct tape_signs signs;
        int64_t withdrawn; /* request */
        struct tape_name name;
    };
};

#endif
