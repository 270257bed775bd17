/*
 * internal - what the files of the dream share; private to engine/dream/.
 *
 * dream.c      the public functions
 * target.c     what is being dreamed, and where
 * sight.c      what the network sees in the picture
 * drivers.c    the hardware, its choice and its loss
 * objective.c  subjects to weights over the logit map
 * focus.c      one thing in the middle
 * modern.c     decides a step of `modern`
 * classic.c    decides a step of `classic`
 * state.c      the dream taken down and put up again
 * options.c    settings
 */
#ifndef ENGINE_DREAM_INTERNAL_H
#define ENGINE_DREAM_INTERNAL_H

#include "common/rng.h"
#include "engine/backend.h"
#include "engine/dream/dream.h"

enum { COPY_EVERY_FRAMES = 30, MIX_MAX = 4 }; /* targets that may be on their way in or out at once */

/* From a point of the picture as it is (pixels) to where that was: (a x - b y + x0, b x + a y + y0). */
struct drift {
    double a, b, x0, y0;
};

/* A share of what is dreamed. Shares add up to 1. */
struct mix {
    struct dream_target target;     /* every subject with its weight and place */
    bool rides[DREAM_SUBJECTS_MAX]; /* its place was asked for, not given by the layout */
    struct drift drift;             /* since it was set */
    double share;
};

_Static_assert(MIX_MAX *DREAM_SUBJECTS_MAX <= BACKEND_SUBJECTS_MAX, "every subject of the mix in a step");

struct dream_profile_ops {
    const char *name;
    /* Fills d->params.views. 0 or -errno with a line. */
    int (*open)(struct dream *d, struct error *e);
    /* Decides the next step, chance included; the objective points into the dream. */
    void (*plan)(struct dream *d, struct backend_step *s);
    /* The same without chance: for looking at the picture. The prior is dense. */
    void (*look)(struct dream *d, struct backend_step *s);
};
extern const struct dream_profile_ops dream_modern, dream_classic;

struct dream {
    struct dream_config config;
    struct model *model;
    const struct dream_profile_ops *profile;
    int width, height;
    size_t floats; /* 3 * width * height */

    struct backend_params params;
    const struct backend_ops *const *drivers;           /* in order of preference, NULL at the end */
    const struct backend_ops *chosen[BACKENDS_MAX + 1]; /* what drivers points to, unless the caller chose */
    const struct backend_ops *ops; /* of the backend; of the last one when there is none */
    struct backend *backend;       /* NULL: lost */
    int64_t opened_us, tried_us;   /* real time: when it was, when it was tried last */
    bool is_low_priority;
    float *copy; /* [3][height][width]: what a new backend begins with when one is lost */
    int frames_since_copy;
    bool is_kept; /* a newer copy than `copy` is with the backend */

    float *weights; /* [BACKEND_SUBJECTS_MAX + 1][largest map]; the last is scratch */
    struct objective_subject subjects[BACKEND_SUBJECTS_MAX];
    float *logits; /* [classes][largest map], for looks */
    double *seen;  /* [classes], for looks */
    int max_map;

    struct rng rng;
    int moment;       /* steps since the last warp */
    uint64_t planned; /* steps of `modern` that might have had detail */
    struct mix mix[MIX_MAX];
    int mix_count;
    double fade_s;      /* of the newest target */
    int layer, channel; /* what the next step climbs; -1: subjects */
    bool falls;         /* or descends */
    struct dream_layer layers[DREAM_LAYERS_MAX];
    int layer_count;           /* above one: `layer` is drawn anew for each step */
    struct dream_place window; /* of a larger picture; 0, 0, 1, 1: this is it */
    struct image_sums sums;    /* of the picture, after the last step */
};

/* The parameters of dream_open, and one more. */
struct dream_params {
    const struct dream_config *config;
    struct model *model;
    uint64_t seed;
    const float *start; /* NULL: noise */
    const struct backend_ops *const
        *drivers; /* NULL at the end; must outlive the dream. NULL: the config's */
};
int dream_open_on(struct dream **d, const struct dream_params *p, struct error *e);

/* Of several layers the one that the next step climbs (target.c). */
void dream_draw_layer(struct dream *d);

/* drivers.c. open takes d->copy for the picture. check: whatever else than 0 and -ERANGE a driver said
 * means that it is lost; another takes over if one can. Returns rc. ready: is there one (now again)? */
int dream_backend_open(struct dream *d, struct error *e);
int dream_backend_check(struct dream *d, int rc);
bool dream_backend_ready(struct dream *d);

/* Picture places of a logit map, for weights by position. */
struct dream_map {
    int width, height; /* logits */
    /* Shares of the picture's width and height: centre of the first logit's window, distance of two. */
    double first_x, spacing_x, first_y, spacing_y;
};

/* Fills subjects[] and their weights for the present mix. Returns how many; 0: there is nothing to climb. */
int dream_objective_soft(struct dream *d, const struct dream_map *map, struct objective_subject *subjects);
int dream_objective_halves(struct dream *d, int map_width, int map_height,
                           struct objective_subject *subjects);

/* focus.c: draws the weights of that many subjects to the middle of the view. */
void dream_focus(struct dream *d, const struct image_view *v, int subject_count);

/* target.c: how much of subject `index` belongs at a place (shares of the picture), 0..1. */
double dream_subject_share(const struct dream *d, const struct mix *m, int index, double x, double y);
/* How much of what is dreamed at a place is that of mix `index`; they add up to 1. */
double dream_mix_share(const struct dream *d, int index, double x, double y);
/* Does anything take over by a wipe? */
bool dream_mix_wipes(const struct dream *d);
/* One thing everywhere, or two with a half each, the usual way. */
bool dream_mix_is_plain(const struct mix *m);
/* The picture was warped, and time went by. */
void dream_mix_advance(struct dream *d, const struct image_move *move, double elapsed_s);

/* Where a view's logits lie on the picture. */
struct dream_map dream_view_map(const struct dream *d, const struct image_view *v);

#endif
