/*
 * keyframes - hand-off H2, dream -> camera: a few pictures and one leaf lock.
 *
 * The camera blends an older keyframe into a newer one; the third slot is where the next one waits or is
 * filled. The dream is the only thread that may wait here (for a free slot, before it begins a picture,
 * so that the picture answers the latest request). The camera never waits in a live show: no new
 * keyframe means that it goes on zooming into what it has. In an offline render it does wait, which
 * makes every frame reproducible.
 *
 * A position on the zoom axis is counted in output frames: at position z the keyframe with z_frames == z is
 * shown at its own scale; one frame later it is shown zoomed by zoom_per_frame, and so on.
 *
 * A fast dream hands over every output frame instead (with_frames): such a picture comes as the video's own
 * bytes and is shown as it is, at the one position that it was dreamed for. There is a fourth slot then, so
 * that two frames can wait and one that takes long makes none late; keyframes may still come in between, when
 * the dream has become slow.
 */
#ifndef COMMON_KEYFRAMES_H
#define COMMON_KEYFRAMES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { KEYFRAME_CAPTION_BYTES = 512, KEYFRAMES_SLOTS_MAX = 4 };

/* How a picture came about: enough to make it again out of the one before it. */
struct keyframe_making {
    int64_t target; /* number of the target that it took (struct port_target); 0: none */
    int64_t
        resumed_z; /* with `resumes`: place of the picture whose snapshot it goes on from; -1: another show's */
    int32_t frames;    /* that the zoom went on by */
    int32_t steps;     /* of gradient that it really got */
    int32_t rehearsed; /* steps before it that only measured the machine */
    int32_t resumes;   /* 1: a dreamer began here */
    int32_t looked;    /* 1: the network was asked what it sees, and the camera may follow */
    int32_t wished;    /* 1: a wish for the camera was still in force */
};

struct keyframe {
    float *rgb; /* [3][height_px][width_px], 0..255; belongs to the hand-off, as does the next */
    /* luma [height_px][width_px], then [height_px / 2][width_px] pairs of Cb, Cr; BT.709, limited range,
     * chroma sited left. NULL: no frames are handed over. */
    uint8_t *nv12;
    bool is_frame; /* the picture is in `nv12`, else in `rgb`; acquire sets false */
    int width_px, height_px;
    /* How the picture moved from the last one to this: zoom and clockwise turn per output frame. Zoom 0: as the
     * camera's settings say. */
    double zoom_per_frame, degrees_per_frame;
    double x, y;        /* what stood still, off the picture's middle: shares of its width and height */
    int64_t z_frames;   /* where on the zoom axis this picture is at scale 1 */
    int64_t request_id; /* request that it answers; 0: the dream's own idea */
    double front;       /* where its two subjects meet, share of the height; < 0: nobody moves that */
    char caption[KEYFRAME_CAPTION_BYTES]; /* UTF-8, may be empty */
    struct keyframe_making made;
};

struct keyframes;

/* Where one slot's pictures lie: `rgb` of 12, `nv12` (NULL without frames) of 1.5 bytes a pixel. */
struct keyframe_memory {
    float *rgb;
    uint8_t *nv12;
};

/* How many slots a hand-off has. */
int keyframes_slots(bool with_frames);

/* 0, -EINVAL for a size below 1 (with_frames: or an odd one), -ENOMEM; *k is NULL then. */
int keyframes_open(struct keyframes **k, int width_px, int height_px, bool with_frames);

/* The same with the caller's memory for the pictures (shared with another process, say), [keyframes_slots]; it must
 * outlive the hand-off. Picture number n, counted from 0, is in memory[n % keyframes_slots]. */
int keyframes_open_in(struct keyframes **k, int width_px, int height_px, bool with_frames,
                      const struct keyframe_memory *memory);

/* Both sides must have stopped using it. NULL is fine. */
void keyframes_close(struct keyframes **k);

/* Ends all waiting on both sides, for good: acquire and next return NULL from now on. From any thread. */
void keyframes_shutdown(struct keyframes *k);

/* Dream side. acquire waits for a free slot and returns it for filling (NULL after shutdown); publish hands
 * over what was acquired. Calling acquire again without publish returns the same slot. */
struct keyframe *keyframes_acquire(struct keyframes *k);
void keyframes_publish(struct keyframes *k);

/* From now on acquire also waits while `ahead` pictures or more wait for the camera: the fewer, the sooner a
 * request is seen. Without, only the slots are the limit. Dream side. */
void keyframes_set_ahead(struct keyframes *k, int ahead);

/* Camera side. The next keyframe in order, or NULL when none is there within `timeout_us` (0: do not wait; <
 * 0: for ever). What it returns stays valid until the second next call that returns a keyframe. */
const struct keyframe *keyframes_next(struct keyframes *k, int64_t timeout_us);

/* The camera says up to where it is served with what it has taken; the dream reads it to plan how far ahead
 * the next keyframe must lie. */
void keyframes_set_position(struct keyframes *k, int64_t z_frames);
int64_t keyframes_position(struct keyframes *k);

/* ---- for a relay between two processes, which plays the one side or the other and waits in poll() ---- */

/* The position crosses in memory that both processes see: the camera's side also writes it to `at` (NULL: no longer), the
 * dream's side reads it there. Each believes its own only. */
void keyframes_send_position(struct keyframes *k, _Atomic int64_t *at);
void keyframes_follow_position(struct keyframes *k, const _Atomic int64_t *at);

/* `fd`, an eventfd that does not block, becomes readable whenever a picture was handed over or taken; -1: none. */
void keyframes_set_wake_fd(struct keyframes *k, int fd);

/* As keyframes_acquire, without waiting: NULL also while no slot is free. */
struct keyframe *keyframes_try_acquire(struct keyframes *k);

/* Picture `number`, counted from 0, once it was handed over, without taking it: valid as long as it is not taken. NULL
 * while there is none. */
const struct keyframe *keyframes_peek(struct keyframes *k, int64_t number);

/* How many pictures were handed over, and how many of them the camera has taken. */
void keyframes_count(struct keyframes *k, int64_t *published, int64_t *taken);

#endif
