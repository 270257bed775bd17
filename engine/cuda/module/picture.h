/*
 * picture - the dream's picture on a GPU: what the files of the module share.
 *
 * module.c          the driver: what is asked for, memory, opening and closing
 * picture.c         the picture in and out, its warp, waiting, bad numbers
 * picture_block.c   what differs from step to step, on its way to the device
 * picture_step.c    a step put on the stream, and kept as a graph
 * picture_look.c    measuring without changing anything, and frames for video
 * picture_view.cu, picture_update.cu   kernels (picture_kernels.h, picture_math.h)
 * prior.c, prior_kernels.cu            the patch prior (prior.h)
 * net*.c, device.c                     the network (net.h) and the device (device.h)
 *
 * A step never waits. All that the host decides for it lies in one block of bytes: written into pinned memory
 * (a ring of slots, each free again when its copy has been made), copied to the same place on the device by
 * one transfer, and read there by kernels. So the work itself is the same each time, and what was put on the
 * stream once can be replayed as a graph. What one step must know of the last (sums, for the controllers)
 * stays on the device.
 *
 * REVERIE_CUDA in the environment, for tests: `eager` uses no graphs, `guards` puts zones around buffers that
 * `finish` checks. Words separated by commas.
 */
#ifndef ENGINE_CUDA_MODULE_PICTURE_H
#define ENGINE_CUDA_MODULE_PICTURE_H

#include <errno.h>

#include "engine/backend.h"
#include "engine/cuda/module/device.h"
#include "engine/cuda/module/net.h"
#include "engine/cuda/module/picture_kernels.h"
#include "engine/cuda/module/prior.h"

enum {
    PYRAMID_LEVELS = 10, /* as image_pyramid.c */
    BLOCK_SLOTS = 8,     /* steps that may be under way before the host waits */
    FRAME_SLOTS = 3,
    KEEP_SLOTS = 2, /* one is whole while the other is on its way */
    PIECES_MAX = 40,
    PICTURE_GUARD = 0xa5, /* what guards hold */
    PICTURE_GUARD_BYTES = 1024
};

/* The fixed part of a step's block. */
struct block_head {
    struct cuda_target target;
    struct classic_step classic;
    struct prior_place places[BACKEND_SCALES_MAX];
};

/* Where the rest of a view's block lies, bytes from its beginning. */
struct block_axis {
    size_t index, weight, start, back, back_weight;
};
struct block_plan {
    size_t keys;            /* [3 * view height] of the noise's rows */
    struct block_axis x, y; /* modern */
    size_t weights;         /* [BACKEND_SUBJECTS_MAX][map_h][map_w] */
    size_t bytes;
};

/* What decides which work is put on the stream; all else is in the block. */
struct step_kind {
    bool climbs, falls;
    int layer, channel;
};

/* A prepared view. */
struct picture_prepared {
    struct image_view view;
    int map_w, map_h;
    struct block_plan block;
    cudaGraphExec_t graphs[2]; /* of a step that does not climb, and of one that does; NULL: none */
};

/* A frame on its way to the caller. */
struct frame_slot {
    uint8_t *pinned;
    cudaEvent_t arrived;
    uint8_t *to; /* NULL: nothing is on its way */
};

/* A copy of the picture on the host. */
struct keep_slot {
    float *pinned; /* [3][height][width] */
    bool is_begun; /* its copy is on the stream */
    bool is_whole;
};

struct backend {
    struct dream_config config;
    const struct model *model;
    int width, height;
    size_t floats; /* 3 * width * height */
    bool is_eager, has_guards;
    char description[128]; /* "NVIDIA H200, bf16" */

    struct cuda_device device;
    struct cuda_net *net;
    struct cuda_prior *prior;
    struct cuda_prior_plan settle; /* of the steps' scales */
    struct picture_prepared views[BACKEND_VIEWS_MAX];
    int view_count;
    struct step_kind captured; /* what the views' climbing graphs climb */
    bool is_captured;          /* there are graphs of all views */

    /* On the device. */
    float *x, *good;                  /* [3][height][width]: the picture, the last good one */
    float *gradient, *prior_gradient; /* [3][height][width] */
    float *momentum, *second;         /* [3][height][width]; `second` is classic's v, NULL for modern */
    float *view, *view_gradient;      /* [3][view height][view width] of the largest, modern */
    float *levels[PYRAMID_LEVELS];    /* modern; [0] is view_gradient */
    float *logits;                    /* [classes][largest map] */
    double *value;                    /* [1] */
    double *g_squares, *p_squares, *m_squares; /* [KERNEL_BLOCKS] */
    double *band_squares;                      /* [PYRAMID_LEVELS][KERNEL_BLOCKS], modern */
    double *partials;                          /* [PICTURE_SUMS][KERNEL_BLOCKS] */
    struct picture_state *state;
    uint8_t *block; /* of the step that runs */
    uint8_t *nv12;  /* [height * 3 / 2][width] */
    uint8_t *guards[2 * PIECES_MAX];
    int guard_count;

    /* The prior's way through a step, beside the network's. */
    cudaStream_t side;
    cudaEvent_t forked, joined;

    /* Pinned. */
    uint8_t *slots; /* [BLOCK_SLOTS][block_bytes] */
    size_t block_bytes;
    cudaEvent_t slot_free[BLOCK_SLOTS];
    int next_slot;
    struct picture_state *seen;
    struct frame_slot frames[FRAME_SLOTS];
    int next_frame;
    struct keep_slot keeps[KEEP_SLOTS];
    int last_keep; /* the slot that was begun last */
};

/* What a driver says once it is open: a device without memory for its own affairs is as good as lost. */
static inline int picture_verdict(struct backend *b, int rc)
{
    return rc == -ENOMEM ? cuda_fail(&b->device, cudaErrorUnknown, "no memory left") : rc;
}

/* picture_block.c: where things lie in the block of a view whose logits are map_w x map_h. */
void picture_block_plan(const struct backend *b, struct picture_prepared *v);
/* Writes the step's block and puts its copy on the stream. `head` (may be NULL) receives a copy of its head.
 * 0 or -EIO. */
int picture_block_send(struct backend *b, const struct picture_prepared *v,
                       const struct cuda_prior_plan *prior, const struct backend_step *s,
                       struct block_head *head);
/* The device's axes of a view. */
void picture_block_axes(const struct backend *b, const struct picture_prepared *v, struct picture_axis *x,
                        struct picture_axis *y);

/* The prepared view of a step, or NULL. */
struct picture_prepared *picture_find_view(struct backend *b, const struct image_view *v);

/* picture_step.c */
int picture_step(struct backend *b, const struct backend_step *s);
/* Gradient of the objective to the picture in b->gradient, with its squares; `is_plain`: without noise, with
 * octaves and colours as they are. `value` (device, may be NULL). Only puts work on the stream. */
int picture_climb(struct backend *b, const struct picture_prepared *v, const struct backend_step *s,
                  bool is_plain, double *value);
/* The view without noise, for the network; returns what it shall look at, NULL when the kernel
 * did not start. */
const float *picture_seen(struct backend *b, const struct picture_prepared *v);
void picture_drop_graphs(struct backend *b);

/* picture_look.c */
int picture_measure(struct backend *b, const struct backend_step *s, struct backend_measure *m);
int picture_frame(struct backend *b, uint8_t *nv12);
int picture_keep(struct backend *b);
int picture_kept(const struct backend *b, float *rgb);
/* The stream has been waited for: frames go to their callers, copies are whole. */
void picture_deliver(struct backend *b);

/* picture.c */
int picture_put(struct backend *b, const float *rgb);
int picture_get(struct backend *b, float *rgb);
int picture_get_momentum(struct backend *b, float *out, struct image_sums *sums);
int picture_set_momentum(struct backend *b, const float *in, const struct image_sums *sums);
int picture_warp_by(struct backend *b, const struct image_move *by);
int picture_finish(struct backend *b, struct image_sums *sums);

#endif
