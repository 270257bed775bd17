/*
 * dream_internal - what the files of the dream share; private to engine/dream*.c.
 *
 * dream.c            the public functions, what is being dreamed
 * dream_objective.c  subjects to weights over the logit map
 * dream_modern.c     a step of `modern`
 * dream_classic.c    a step of `classic`
 * dream_options.c    settings
 */
#ifndef ENGINE_DREAM_INTERNAL_H
#define ENGINE_DREAM_INTERNAL_H

#include "common/pool.h"
#include "common/rng.h"
#include "engine/dream.h"
#include "engine/image_kernels.h"
#include "engine/image_pyramid.h"
#include "engine/image_resample.h"
#include "engine/prior.h"

enum { MIX_MAX = 4 }; /* targets that may be on their way in or out at once */

/* A share of what is dreamed. Shares add up to 1. */
struct mix {
    struct dream_target target;
    double share;
};

struct dream_profile_ops {
    const char *name;
    /* Takes what it needs of d->config; 0 or -errno with a line. Buffers belong to the dream. */
    int (*open)(struct dream *d, struct error *e);
    /* Behind a warp: the picture is in d->x already. */
    void (*warped)(struct dream *d, double zoom, double degrees);
    /* Changes d->x and fills d->sums. */
    void (*step)(struct dream *d);
};
extern const struct dream_profile_ops dream_modern, dream_classic;

struct dream {
    struct dream_config config;
    struct model *model;
    const struct dream_profile_ops *ops;
    int width, height;
    size_t floats; /* 3 * width * height */

    struct pool *pool;
    struct network *network; /* NULL with the null backend */
    struct prior *prior;
    struct image_resampler *views; /* modern */
    struct image_pyramid *pyramid; /* modern */

    float *x, *good, *spare;          /* [3][height][width]: the picture, the last good one, scratch */
    float *gradient, *prior_gradient; /* [3][height][width] */
    float *momentum, *second;         /* [3][height][width]; `second` is classic's v */
    float *view, *view_gradient;      /* [3][view height][view width], modern */
    int max_view_width, max_view_height;
    float *weights; /* [MIX_MAX * DREAM_SUBJECTS_MAX][largest map] */
    float *logits;  /* [classes][largest map], for beliefs */
    int max_map;
    double *row_sums;               /* [3 * height] */
    struct image_sums *row_updates; /* [height] */

    struct rng rng;
    int moment_steps; /* classic: t of the moments */
    struct mix mix[MIX_MAX];
    int mix_count;
    double fade_s; /* of the newest target */
    int layer, channel;
    struct image_sums sums; /* of the picture, after the last step */
};

/* Picture places of a logit map, for weights by position. */
struct dream_map {
    int width, height;     /* logits */
    double first, spacing; /* share of the picture's height: centre of row 0's window, distance of rows */
};

/* Fills subjects[] and their weights for the present mix. Returns how many; 0: there is nothing to climb. */
int dream_objective_soft(struct dream *d, const struct dream_map *map, struct objective_subject *subjects);
int dream_objective_halves(struct dream *d, int map_width, int map_height,
                           struct objective_subject *subjects);

/* The share of subject `index` of `count` at height y (0 top .. 1 bottom) under the soft border. */
double dream_subject_share(int index, int count, double y);

/* The view in which objects of `share` of the shorter side have the size that the model learned. */
struct image_view dream_view(const struct dream *d, double share, double shift_x, double shift_y);

/* modern: what a view of the middle object size shows, without chance. */
struct image_view dream_middle_view(const struct dream *d);
struct dream_map dream_view_map(const struct dream *d, const struct image_view *v);

/* Sums that a step leaves behind, added in row order. */
void dream_add_sums(struct dream *d);

#endif
