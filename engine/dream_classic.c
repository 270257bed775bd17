/*
 * dream_classic - the update of 2015, formula by formula (reference: github.com/317070/
 * Twitch-plays-LSD-neural-net, train.py at 2c71719).
 *
 *     loss = - mean(logit[first], its rows) - mean(logit[second], its rows) + mean(all logits)
 *            + 10 / 5 * sum over pools 1, 4, 8, 16, 32 of mean(log(1 + (z - mu)^2 / nu)),  every patch
 *     m = 0.9 g + 0.1 m,  v = 0.999 g^2 + 0.001 v,  t = t + 1
 *     x = clip(x - 5 (m / (1 - 0.1^t)) / (sqrt(v / (1 - 0.001^t)) + 1e-8), 0, 255)
 *
 * Adam's two rates change places there, so it is in effect a descent along the gradient's signs; the moments
 * begin anew at every warp. No scales, no noise, no jitter: the network sees the picture as it is. Only the
 * halves differ from then: the first subject is on top unless first_below says otherwise.
 */
#include "engine/dream_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { POOLS = 5 };
static const int pools[POOLS] = {1, 4, 8, 16, 32};
#define PRIOR_STRENGTH 10.0f
#define RATE           5.0

static int open_classic(struct dream *d, struct error *e)
{
    d->max_view_width = d->width;
    d->max_view_height = d->height;
    if (d->width >= model_min_px(d->model) && d->height >= model_min_px(d->model))
        return 0;
    return error_set(e, ERANGE, "dream.size %dx%d: the model needs %d pixels on both sides", d->width,
                     d->height, model_min_px(d->model));
}

static void warped(struct dream *d, double zoom, double degrees)
{
    (void)zoom;
    (void)degrees;
    d->moment_steps = 0;
    memset(d->momentum, 0, d->floats * sizeof *d->momentum);
    memset(d->second, 0, d->floats * sizeof *d->second);
}

struct update {
    struct dream *d;
    struct classic_step step;
};

static void update_row(void *context, int row, int worker)
{
    (void)worker;
    const struct update *u = context;
    struct dream *d = u->d;
    d->row_updates[row] = (struct image_sums){0};
    float *x[3];
    for (int c = 0; c < 3; c++) {
        long at = ((long)c * d->height + row) * d->width;
        x[c] = d->x + at;
        d->row_updates[row].bad += image_row_classic(x[c], d->momentum + at, d->second + at, d->gradient + at,
                                                     d->prior_gradient + at, d->width, &u->step);
    }
    /* A step of nothing, for the sums. */
    const float *const still[3] = {x[0], x[1], x[2]};
    image_row_update(x, still, d->width, &(struct image_step){0}, &d->row_updates[row]);
}

static void step_classic(struct dream *d)
{
    int map_width = model_map_size(d->model, d->width), map_height = model_map_size(d->model, d->height);
    struct objective_subject subjects[MIX_MAX * DREAM_SUBJECTS_MAX];
    struct objective o = {.subjects = subjects, .minus_mean = 1, .layer = d->layer, .channel = d->channel};
    o.subject_count = dream_objective_halves(d, map_width, map_height, subjects);
    if (d->network && (o.layer >= 0 || o.subject_count > 0))
        network_gradient(d->network, d->x, d->width, d->height, &o, d->gradient, NULL);
    else
        memset(d->gradient, 0, d->floats * sizeof *d->gradient);
    memset(d->prior_gradient, 0, d->floats * sizeof *d->prior_gradient);
    for (int i = 0; i < POOLS; i++)
        prior_gradient(d->prior, d->x, d->width, d->height, pools[i], 1, 0, 0, PRIOR_STRENGTH / POOLS,
                       d->prior_gradient);
    d->moment_steps++;
    struct update u = {d,
                       {.rate = (float)RATE,
                        .first = (float)(1 / (1 - pow(0.1, d->moment_steps))),
                        .second = (float)(1 / (1 - pow(0.001, d->moment_steps)))}};
    pool_run(d->pool, update_row, &u, d->height);
    dream_add_sums(d);
}

const struct dream_profile_ops dream_classic = {
    .name = "classic",
    .open = open_classic,
    .warped = warped,
    .step = step_classic,
};
