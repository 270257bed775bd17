/*
 * classic - the update of 2015, formula by formula (docs/original-2015.md, items 33 to 36).
 *
 *     loss = - mean(logit[first], its rows) - mean(logit[second], its rows) + mean(all logits)
 *            + 10 / 5 * sum over pools 1, 4, 8, 16, 32 of mean(log(1 + (z - mu)^2 / nu)),  every patch
 *     m = 0.9 g + 0.1 m,  v = 0.999 g^2 + 0.001 v,  t = t + 1
 *     x = clip(x - 5 (m / (1 - 0.1^t)) / (sqrt(v / (1 - 0.001^t)) + 1e-8), 0, 255)
 *
 * Adam's two rates change places there, so it is in effect a descent along the gradient's signs; the moments
 * begin anew at every warp. No scales, no noise, no jitter: the network sees the picture as it is. Subjects
 * have the halves that they had then, the first one the lower, unless dream.first says otherwise. With
 * dream.prior=gaussian the logarithm's place is taken by (z - mu)^2.
 */
#include "engine/dream/internal.h"

#include <errno.h>

enum { POOLS = 5 };
static const int pools[POOLS] = {1, 4, 8, 16, 32};
#define PRIOR_STRENGTH 10.0f

static int open_classic(struct dream *d, struct error *e)
{
    d->params.views[0] = (struct image_view){d->width, d->height, 1, 0, 0};
    d->params.view_count = 1;
    if (d->width >= model_min_px(d->model) && d->height >= model_min_px(d->model))
        return 0;
    return error_set(e, ERANGE, "dream.size %dx%d: the model needs %d pixels on both sides", d->width,
                     d->height, model_min_px(d->model));
}

static void look(struct dream *d, struct backend_step *s)
{
    s->view = d->params.views[0];
    s->objective = (struct objective){.subjects = d->subjects,
                                      .minus_mean = 1,
                                      .layer = d->layer,
                                      .channel = d->channel,
                                      .falls = d->falls};
    s->objective.subject_count = dream_objective_halves(d, model_map_size(d->model, d->width),
                                                        model_map_size(d->model, d->height), d->subjects);
    s->climbs = s->objective.layer >= 0 || s->objective.subject_count > 0;
    s->prior_count = POOLS;
    for (int i = 0; i < POOLS; i++)
        s->prior[i] = (struct backend_prior){pools[i], 1, 0, 0, PRIOR_STRENGTH / POOLS};
}

/* There is no chance in it: a step does what a look sees. */
static void plan(struct dream *d, struct backend_step *s)
{
    look(d, s);
    s->moment = ++d->moment;
}

const struct dream_profile_ops dream_classic = {
    .name = "classic",
    .open = open_classic,
    .plan = plan,
    .look = look,
};
