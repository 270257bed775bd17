/*
 * bench_step - see bench_step.h.
 */
#include "app/bench_step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/rng.h"

enum { RUNS_MIN = 2, RUNS_MAX = 1000, MEASURE_US = 1000000, GPU_BATCH = 20, GPU_WARM_UPS = 3, POOLS = 3 };

static const int pools[POOLS] = {1, 2, 4};

struct bench_runner {
    const struct backend_ops *ops;
    const struct dream_config *config;
    struct backend *backend;
    struct image_view view;
    struct objective_subject subject;
    struct rng random;
    float *picture; /* [3][height][width] */
    float *weights; /* [map_h][map_w] */
    int batch;      /* steps between two waits */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct backend_step plan(struct bench_runner *r)
{
    struct backend_step s = {.view = r->view, .climbs = true, .prior_count = POOLS, .moment = 1};
    s.objective = (struct objective){&r->subject, 1, 1.0f, -1, -1, false};
    s.noise_key = (uint32_t)rng_u64(&r->random);
    int stride = (int)r->config->prior_stride;
    for (int i = 0; i < POOLS; i++) {
        uint32_t period = (uint32_t)(stride * pools[i]);
        int x = (int)rng_below(&r->random, period), y = (int)rng_below(&r->random, period);
        s.prior[i] = (struct backend_prior){pools[i], stride, x, y, 1};
    }
    return s;
}

/* One batch; milliseconds for each of its steps in *ms. */
static int take(struct bench_runner *r, double *ms, struct error *e)
{
    struct image_sums sums;
    int64_t began_us = clock_real_us();
    int rc = 0;
    for (int i = 0; i < r->batch && rc == 0; i++) {
        struct backend_step s = plan(r);
        rc = r->ops->step(r->backend, &s);
    }
    if (rc == 0)
        rc = r->ops->finish(r->backend, &sums);
    if (rc < 0)
        return error_set(e, -rc, "backend %s: a gradient step failed: %s", r->ops->name, strerror(-rc));
    if (sums.bad != 0)
        return error_set(e, EDOM, "backend %s: gradient steps give what is no number", r->ops->name);
    *ms = (double)(clock_real_us() - began_us) / 1000.0 / r->batch;
    return 0;
}

static int measure(struct bench_runner *r, struct bench_step *out, struct error *e)
{
    double ms[RUNS_MAX] = {0};
    int runs = 0, rc = 0;
    for (int i = 0; i < (r->batch > 1 ? GPU_WARM_UPS : 1) && rc == 0; i++)
        rc = take(r, &ms[0], e);
    int64_t began_us = clock_real_us();
    while (rc == 0 && runs < RUNS_MAX && (runs < RUNS_MIN || clock_real_us() - began_us < MEASURE_US))
        rc = take(r, &ms[runs++], e);
    if (rc < 0)
        return rc;
    qsort(ms, (size_t)runs, sizeof *ms, by_value);
    out->steps = runs * r->batch;
    out->median_ms = ms[runs / 2];
    out->best_ms = ms[0];
    return 0;
}

static int open_backend(struct bench_runner *r, struct model *m, struct error *e)
{
    struct backend_params p = {.config = r->config, .model = m, .views = {r->view}, .view_count = 1};
    int rc = r->ops->supports(&p, e);
    if (rc == 0)
        rc = r->ops->open(&r->backend, &p, e);
    if (rc == 0 && (rc = r->ops->put(r->backend, r->picture)) < 0)
        error_set(e, -rc, "backend %s: the picture could not be handed over", r->ops->name);
    return rc;
}

int bench_step_measure(struct bench_step *out, const struct backend_ops *ops, const struct dream_config *c,
                       struct model *m, struct error *e)
{
    int w = c->size.width_px, h = c->size.height_px;
    size_t values = 3 * (size_t)w * (size_t)h;
    size_t positions = (size_t)model_map_size(m, w) * (size_t)model_map_size(m, h);
    struct bench_runner r = {.ops = ops, .config = c, .view = {w, h, 1, 0, 0}, .random = rng_make(1, 0)};
    r.batch = ops == &backend_cuda ? GPU_BATCH : 1;
    r.picture = buffer_alloc(values * sizeof *r.picture);
    r.weights = buffer_alloc(positions * sizeof *r.weights);
    int rc = r.picture && r.weights ? 0 : error_set(e, ENOMEM, "no memory for pictures of %dx%d", w, h);
    for (size_t i = 0; rc == 0 && i < values; i++)
        r.picture[i] = 255.0f * rng_uniform(&r.random);
    for (size_t i = 0; rc == 0 && i < positions; i++)
        r.weights[i] = 1.0f / (float)positions;
    r.subject = (struct objective_subject){0, r.weights};
    if (rc == 0)
        rc = open_backend(&r, m, e);
    if (rc == 0) {
        snprintf(out->hardware, sizeof out->hardware, "%s", ops->describe ? ops->describe(r.backend) : "");
        rc = measure(&r, out, e);
    }
    ops->close(&r.backend);
    free(r.picture);
    free(r.weights);
    return rc;
}
