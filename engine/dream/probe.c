/*
 * probe - see probe.h.
 */
#include "engine/dream/probe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/dream/internal.h"

static double rms(const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum / (double)count);
}

/* Weighs the parts as a step would; `gradient` holds the network's, and becomes the whole loss's. */
static void add_up(struct dream *d, struct dream_probe *p, const float *prior, float *gradient)
{
    double weight = 1;
    if (d->profile != &dream_classic) { /* a fixed ratio of root mean squares */
        double own = rms(prior, d->floats);
        weight = own > 1e-20 ? d->config.prior_ratio * rms(gradient, d->floats) / own : 0;
    }
    p->total = p->network;
    for (int i = 0; i < p->prior_count; i++) {
        p->prior[i].weight *= weight;
        p->total += p->prior[i].weight * p->prior[i].energy;
    }
    for (size_t i = 0; i < d->floats; i++)
        gradient[i] = (float)weight * prior[i] - gradient[i];
}

static int measure(struct dream *d, struct dream_probe *p, struct backend_measure *m)
{
    struct backend_step s = {.climbs = false};
    d->profile->look(d, &s);
    if (!s.climbs)
        return -ENODATA;
    p->view_width = s.view.width_px;
    p->view_height = s.view.height_px;
    p->map_width = model_map_size(d->model, s.view.width_px);
    p->map_height = model_map_size(d->model, s.view.height_px);
    m->logits =
        buffer_alloc((size_t)d->model->classes * (size_t)(p->map_width * p->map_height) * sizeof *m->logits);
    m->gradient = buffer_alloc(d->floats * sizeof *m->gradient);
    m->prior_gradient = buffer_alloc(d->floats * sizeof *m->prior_gradient);
    if (!m->logits || !m->gradient || !m->prior_gradient)
        return -ENOMEM;
    int rc = d->ops->measure(d->backend, &s, m);
    if (rc < 0)
        return rc == -ENOTSUP ? -ENODATA : rc;
    p->network = -m->value;
    p->prior_count = s.prior_count;
    for (int i = 0; i < s.prior_count; i++) {
        p->prior[i].pool_px = s.prior[i].pool_px;
        p->prior[i].weight = (double)s.prior[i].weight;
        p->prior[i].energy = m->energy[i];
    }
    add_up(d, p, m->prior_gradient, m->gradient);
    return 0;
}

int dream_probe(struct dream *d, struct dream_probe *p, float **logits, float **gradient)
{
    struct backend_measure m = {.logits = NULL};
    *p = (struct dream_probe){0};
    int rc = d->backend ? measure(d, p, &m) : -EIO;
    free(m.prior_gradient);
    if (rc < 0) {
        free(m.logits);
        free(m.gradient);
        m.logits = m.gradient = NULL;
    }
    *logits = m.logits;
    *gradient = m.gradient;
    return rc;
}
