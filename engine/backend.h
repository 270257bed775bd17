/*
 * backend - the hardware under a dream: where its picture lives and what changes it.
 *
 * A dream decides: what is climbed and how much where, which view the network gets, all chance, when the
 * picture is warped. A backend does: it holds the picture with its momentum and carries such decisions out.
 * Nothing random happens here and nothing is decided twice, so two backends given the same decisions make the
 * same picture up to rounding, and any of them can be checked against `cpu`, step by step.
 *
 * A step may still be under way when `step` returns; `finish` waits for all of them. What goes wrong on the
 * way (-EIO: the device is lost) is said by whichever call notices. After -EIO only `close` may follow.
 *
 * One thread uses a backend at a time. A family: each driver is one const struct backend_ops, backend.c lists
 * them, and `struct backend` is the driver's own, which it allocates itself.
 */
#ifndef ENGINE_BACKEND_H
#define ENGINE_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "engine/recipe.h"
#include "engine/step.h"
#include "engine/model/model.h"

enum { BACKEND_SCALES_MAX = 5, BACKEND_SUBJECTS_MAX = 32, BACKEND_VIEWS_MAX = 8 };

/* What a backend is opened for; everything must outlive it. */
struct backend_params {
    const struct dream_config *config; /* profile, size, recipe, threads, prior, precision */
    struct model *model;
    /* The views that may be asked for, largest first. A driver that prepares views (ops.prepared_views) gets
     * these sizes and scales and no others, others anything up to the largest. `classic` has one: the picture
     * itself, at scale 1. */
    struct image_view views[BACKEND_VIEWS_MAX]; /* offsets mean nothing here */
    int view_count;
    struct image_view detail; /* the largest view of a part; offsets mean nothing */
};

/* One gradient step, decided. Profile and recipe are those of the configuration. */
struct backend_step {
    struct image_view view;
    bool climbs;                /* false: there is nothing to climb, the picture only settles */
    struct objective objective; /* weights [map_h][map_w] for the view; read before `step` returns */
    uint32_t noise_key; /* modern: row y of plane c has key rng_mix(noise_key + c * view height + y) */
    struct backend_prior {
        int pool_px, stride, offset_x, offset_y; /* as in prior_gradient */
        float weight;
    } prior[BACKEND_SCALES_MAX];
    int prior_count;
    struct backend_detail {
        struct image_view view; /* of a part of the picture; up to `detail` of backend_params */
        float ratio;            /* to the gradient of the objective there, root mean squares; 0: none */
    } detail;                   /* modern, of drivers that have it; see engine/cpu/cpu_detail.c */
    int moment;                 /* classic: which step since the last warp this is, from 1 */
};

/* What a backend sees at one moment. Members that are NULL are not computed. */
struct backend_measure {
    float *logits;         /* [classes][map_h][map_w] of the view, without noise */
    float *gradient;       /* [3][height][width] of the objective to the picture, octaves as they are */
    double value;          /* the objective; with `gradient` */
    float *prior_gradient; /* [3][height][width], sum of weight * gradient of the step's scales */
    double energy[BACKEND_SCALES_MAX]; /* with `prior_gradient`: mean of each scale */
};

struct backend; /* a driver's own */

struct backend_ops {
    const char *name;
    int setting;  /* enum dream_backend: the choice of dream.backend that means this one */
    bool is_auto; /* `auto` tries it too */
    bool prepared_views;
    bool has_detail;  /* false: backend_step.detail means nothing to it */
    bool can_be_lost; /* a copy of the picture is kept elsewhere */

    /* May this driver be tried here? 0, or -errno with a line that says what is missing: -ENOENT: it was not
     * built; -ENODEV: no device; -ENOTSUP: it cannot do what the configuration asks for. */
    int (*supports)(const struct backend_params *p, struct error *e);

    /* A driver that can be lost leaves the model's weights alone, even of one that serves once: whoever takes
     * over needs them. The picture is undefined before `put`. 0 or -errno with a line; *b is NULL then.
     * -ENOMEM names what would fit where that can be known. */
    int (*open)(struct backend **b, const struct backend_params *p, struct error *e);
    void (*close)(struct backend **b); /* NULL is fine */

    /* The picture [3][height][width] 0..255 in and out. `put` forgets momentum and sums and makes the picture
     * the good one. 0 or -EIO. */
    int (*put)(struct backend *b, const float *rgb);
    int (*get)(struct backend *b, float *rgb);

    /* Zooms and turns the picture (image_warp), `modern`: the momentum too; `classic`: moments to zero. What
     * comes out is the good picture. 0 or -EIO. */
    int (*warp)(struct backend *b, const struct image_move *by);

    /* See engine/dream/modern.c and engine/dream/classic.c for what a step is. 0, -EIO, -ERANGE for a view
     * that is none of the prepared ones. */
    int (*step)(struct backend *b, const struct backend_step *s);

    /* Waits for all steps; what the picture is like after the last one. 0 or -EIO. With sums.bad != 0 the
     * picture, its momentum and the sums have been put back to what the last good one was (momentum zero). */
    int (*finish)(struct backend *b, struct image_sums *sums);

    /* Looks without changing anything. 0, -EIO, -ENOTSUP where a member cannot be had (null). */
    int (*measure)(struct backend *b, const struct backend_step *s, struct backend_measure *m);

    /* (optional: NULL means that it is no good at this; take `get`) The picture as NV12, BT.709 limited range
     * (nv12.h): luma [height][width], then [height / 2][width] pairs of Cb, Cr. Even sizes only. May return
     * before it is there; `finish` waits. 0 or -EIO. */
    int (*frame)(struct backend *b, uint8_t *nv12);

    /* (optional, both or none: take `get`) keep begins a copy of the picture that outlives the device, and
     * returns at once: 0 or -EIO. kept hands out the last one that is whole, behind a `finish`; also when the
     * device is lost. 0; -ENOENT: there is none. */
    int (*keep)(struct backend *b);
    int (*kept)(const struct backend *b, float *rgb);

    /* (optional, both or none) What the steps have left behind, out and in: the sums of the picture, and the momentum
     * [3][height][width], with `classic` its second moments behind it. Behind a `finish`; set_momentum after
     * `put`. 0 or -EIO. */
    int (*momentum)(struct backend *b, float *out, struct image_sums *sums);
    int (*set_momentum)(struct backend *b, const float *in, const struct image_sums *sums);

    /* (optional) What it runs on, for people: "avx512", "NVIDIA H200, bf16". */
    const char *(*describe)(const struct backend *b);
    /* (optional) Its workers give way to other threads of the machine. */
    void (*lower_priority)(struct backend *b);
};

/* The drivers. `cuda` loads its module when it is first asked (engine/cuda/load.c); `null` has no network and
 * only lets the picture settle. */
extern const struct backend_ops backend_cpu, backend_cuda, backend_null;

/* The registry, in the order in which `auto` tries them; ends with NULL. */
enum { BACKENDS_MAX = 8 };
extern const struct backend_ops *const backend_registry[];

#endif
