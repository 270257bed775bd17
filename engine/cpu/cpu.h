/*
 * cpu - what the files of the CPU backend share; private to this folder and its tests.
 *
 * cpu.c          the driver: memory, picture in and out, warp, looking
 * cpu_modern.c   what `modern` does its own way
 * cpu_detail.c   its detail
 * cpu_classic.c  what `classic` does its own way
 */
#ifndef ENGINE_CPU_CPU_H
#define ENGINE_CPU_CPU_H

#include "common/pool.h"
#include "engine/backend.h"
#include "engine/cpu/image_kernels.h"
#include "engine/cpu/image_pyramid.h"
#include "engine/cpu/image_resample.h"
#include "engine/cpu/image_warp.h"
#include "engine/cpu/net.h"
#include "engine/cpu/prior.h"

/* What a profile does its own way. Each is one const struct, and the driver asks no other question about the
 * profile. */
struct cpu_profile {
    /* Opens what only this profile has. Pool and sizes are there; cpu_close follows also on failure. 0 or
     * -errno with a line. */
    int (*open)(struct backend *b, const struct backend_params *p, struct error *e);

    /* b->x was warped: the same for what the steps have left behind. */
    void (*warp)(struct backend *b, const struct image_move *by);

    void (*step)(struct backend *b, const struct backend_step *s);
};
extern const struct cpu_profile cpu_modern, cpu_classic;

struct backend {
    struct dream_config config;
    const struct cpu_profile *profile;
    const struct model *model;
    int width, height;
    size_t floats; /* 3 * width * height */

    struct pool *pool;
    struct cpu_net *net; /* NULL: the null driver */
    struct prior *prior;
    struct image_resampler *views; /* modern */
    struct image_pyramid *pyramid; /* modern */

    float *x, *good, *spare;          /* [3][height][width]: the picture, the last good one, scratch */
    float *gradient, *prior_gradient; /* [3][height][width] */
    float *momentum, *second;         /* [3][height][width]; `second` is classic's v, NULL for modern */
    float *mask, *evidence;           /* of the detail: [its map], [largest map of logits], modern */
    float *view, *view_gradient;      /* [3][view height][view width], modern */
    double *row_sums;                 /* [3 * height] */
    struct image_sums *row_updates;   /* [height] */
    struct image_sums sums;           /* of the picture, after the last step; all 0: nothing is known */
};

/* *out = zeroed memory of so many floats; false when there is none. */
bool backend_cpu_take(float **out, size_t floats);

/* Zooms and turns one picture [3][height][width]; `*planes` and b->spare change places. */
void backend_cpu_warp(struct backend *b, float **planes, const struct image_warp *by);

/* Forgets the momentum. */
void backend_cpu_forget(struct backend *b);

/* Gradient of the objective to the picture in b->gradient, its octaves evened out when `is_even`, with the
 * step's noise on the view when `is_noisy`; zero when there is nothing to climb. `value` may be NULL. */
void backend_cpu_climb(struct backend *b, const struct backend_step *s, bool is_noisy, bool is_even,
                       double *value);

/* The step's scales of the prior into b->prior_gradient; `energy` [prior_count] may be NULL. */
void backend_cpu_settle(struct backend *b, const struct backend_step *s, double *energy);

/* Memory for the detail of steps, when there shall be any. 0 or -ENOMEM with a line. */
int backend_cpu_detail_open(struct backend *b, const struct backend_params *p, struct error *e);

/* The step's detail, behind backend_cpu_climb: its gradient to the picture in b->spare, zero outside its part. False when
 * there is none. */
bool backend_cpu_detail(struct backend *b, const struct backend_step *s);

/* Adds the rows' sums in their order. */
void backend_cpu_add_sums(struct backend *b);

#endif
