/*
 * dream_probe - see dream_probe.h.
 */
#include "engine/dream_probe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/dream_internal.h"

/* Scales of the prior as the profiles have them, and classic's strength, shared among its scales. */
static const int pools_classic[] = {1, 4, 8, 16, 32}, pools_modern[] = {1, 2, 4};
#define CLASSIC_WEIGHT (10.0 / 5)

static double rms(const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum / (double)count);
}

/* Loss of the network's part; its gradient to the picture over d->gradient. */
static int probe_network(struct dream *d, struct dream_probe *p, float **logits)
{
    bool classic = d->ops == &dream_classic;
    struct objective_subject subjects[MIX_MAX * DREAM_SUBJECTS_MAX];
    struct objective o = {.subjects = subjects, .minus_mean = 1, .layer = d->layer, .channel = d->channel};
    struct image_view v = {d->width, d->height, 1, 0, 0};
    if (!classic)
        v = dream_middle_view(d);
    p->view_width = v.width_px;
    p->view_height = v.height_px;
    p->map_width = model_map_size(d->model, v.width_px);
    p->map_height = model_map_size(d->model, v.height_px);
    struct dream_map map = dream_view_map(d, &v);
    o.subject_count = classic ? dream_objective_halves(d, p->map_width, p->map_height, subjects)
                              : dream_objective_soft(d, &map, subjects);
    if (!d->network || (o.layer < 0 && o.subject_count == 0))
        return -ENODATA;
    *logits =
        buffer_alloc((size_t)d->model->classes * (size_t)(p->map_width * p->map_height) * sizeof(float));
    if (!*logits)
        return -ENOMEM;
    const float *seen = d->x;
    float *back = d->gradient;
    if (!classic) {
        image_view_plan(d->views, &v);
        image_view_sample(d->views, d->x, d->view);
        seen = d->view;
        back = d->view_gradient;
    }
    double value = 0;
    int rc = network_logits(d->network, seen, v.width_px, v.height_px, *logits);
    if (rc == 0)
        rc = network_gradient(d->network, seen, v.width_px, v.height_px, &o, back, &value);
    if (rc == 0 && !classic)
        image_view_adjoint(d->views, back, d->gradient);
    p->network = -value;
    return rc;
}

static void probe_prior(struct dream *d, struct dream_probe *p)
{
    bool classic = d->ops == &dream_classic;
    const int *pools = classic ? pools_classic : pools_modern;
    p->prior_count = classic ? (int)ARRAY_LEN(pools_classic) : (int)ARRAY_LEN(pools_modern);
    memset(d->prior_gradient, 0, d->floats * sizeof *d->prior_gradient);
    for (int i = 0; i < p->prior_count; i++) {
        p->prior[i].pool_px = pools[i];
        p->prior[i].weight = classic ? CLASSIC_WEIGHT : 1;
        p->prior[i].energy = prior_gradient(d->prior, d->x, d->width, d->height, pools[i], 1, 0, 0,
                                            (float)p->prior[i].weight, d->prior_gradient);
    }
    if (classic)
        return;
    double own = rms(d->prior_gradient, d->floats);
    double weight = own > 1e-20 ? d->config.prior_ratio * rms(d->gradient, d->floats) / own : 0;
    for (int i = 0; i < p->prior_count; i++)
        p->prior[i].weight = weight;
    for (size_t i = 0; i < d->floats; i++)
        d->prior_gradient[i] *= (float)weight;
}

int dream_probe(struct dream *d, struct dream_probe *p, float **logits, float **gradient)
{
    *p = (struct dream_probe){0};
    *logits = NULL;
    *gradient = buffer_alloc(d->floats * sizeof **gradient);
    int rc = *gradient ? probe_network(d, p, logits) : -ENOMEM;
    if (rc < 0) {
        free(*logits);
        free(*gradient);
        *logits = *gradient = NULL;
        return rc;
    }
    probe_prior(d, p);
    p->total = p->network;
    for (int i = 0; i < p->prior_count; i++)
        p->total += p->prior[i].weight * p->prior[i].energy;
    for (size_t i = 0; i < d->floats; i++)
        (*gradient)[i] = d->prior_gradient[i] - d->gradient[i];
    return 0;
}
