/*
 * bench_error - see bench_error.h.
 */
#include "app/bench_error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/pool.h"
#include "common/rng.h"
#include "engine/cpu/net.h"
#include "engine/dream/dream.h"

/* What a network says of a picture. */
struct said {
    float *gradient; /* [3][height][width] */
    float *logits;   /* [classes][positions] */
};

struct look {
    struct model *model;
    struct pool *pool;
    const float *picture;
    struct option_size size;
    size_t values, positions;
};

static int allocate(const struct look *l, struct said *s, struct error *e)
{
    size_t logits = (size_t)l->model->classes * l->positions;
    s->gradient = buffer_alloc(l->values * sizeof *s->gradient);
    s->logits = buffer_alloc(logits * sizeof *s->logits);
    return s->gradient && s->logits ? 0 : error_set(e, ENOMEM, "no memory to compare two networks");
}

static void release(struct said *s)
{
    free(s->gradient);
    free(s->logits);
}

static int ask(const struct look *l, enum cpu_tier tier, struct said *s, struct error *e)
{
    const struct cpu_net_params params = {l->model, l->pool, l->size.width_px, l->size.height_px, tier,
                                          0,        false};
    const struct cpu_net_input in = {l->picture, l->size.width_px, l->size.height_px};
    struct cpu_net *n;
    float *weight = buffer_alloc(l->positions * sizeof *weight);
    int rc =
        weight ? cpu_net_open(&n, &params, e) : error_set(e, ENOMEM, "no memory to compare two networks");
    if (rc == 0) {
        for (size_t i = 0; i < l->positions; i++)
            weight[i] = 1.0f / (float)l->positions;
        struct objective_subject subject = {0, weight};
        cpu_net_gradient(n, &in, &(struct objective){&subject, 1, 1.0f, -1, -1, false}, s->gradient, NULL);
        cpu_net_logits(n, &in, s->logits);
        cpu_net_close(&n);
    }
    free(weight);
    return rc;
}

static double product(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static struct bench_error compare(const struct look *l, const struct said *exact, const struct said *is)
{
    size_t logits = (size_t)l->model->classes * l->positions;
    double off = 0, size = product(exact->logits, exact->logits, logits);
    for (size_t i = 0; i < logits; i++)
        off += pow((double)is->logits[i] - (double)exact->logits[i], 2);
    double both =
        product(exact->gradient, exact->gradient, l->values) * product(is->gradient, is->gradient, l->values);
    return (struct bench_error){product(exact->gradient, is->gradient, l->values) / sqrt(both),
                                sqrt(off / size)};
}

static int measure(struct bench_error *out, const struct look *l, enum cpu_tier tier, struct error *e)
{
    struct said exact = {NULL, NULL}, is = {NULL, NULL};
    int rc = allocate(l, &exact, e);
    if (rc == 0)
        rc = allocate(l, &is, e);
    if (rc == 0)
        rc = ask(l, CPU_TIER_AUTO, &exact, e);
    if (rc == 0)
        rc = ask(l, tier, &is, e);
    if (rc == 0)
        *out = compare(l, &exact, &is);
    release(&exact);
    release(&is);
    return rc;
}

static int dream_it(struct model *m, const struct dream_config *c, int steps, float *picture, struct error *e)
{
    struct dream *d;
    int rc = dream_open(&d, c, m, 1, NULL, e);
    if (rc < 0)
        return rc;
    dream_set_target(d, &(struct dream_target){.count = 1, .subjects = {{.weight = 1.0f}}}, 0);
    for (int i = 0; i < steps && rc == 0; i++)
        rc = dream_step(d);
    dream_picture(d, picture);
    dream_close(&d);
    return rc < 0 ? error_set(e, -rc, "the dream failed: %s", strerror(-rc)) : 0;
}

int bench_error_measure(struct bench_error *out, struct model *m, const struct dream_config *c,
                        enum cpu_tier tier, int steps, struct error *e)
{
    int w = c->size.width_px, h = c->size.height_px;
    size_t values = 3 * (size_t)w * (size_t)h;
    size_t positions = (size_t)model_map_size(m, w) * (size_t)model_map_size(m, h);
    float *picture = buffer_alloc(values * sizeof *picture);
    struct pool *pool = NULL;
    struct rng random = rng_make(1, 0);
    int rc = picture ? pool_open(&pool, (int)c->threads) : -ENOMEM;
    if (rc < 0)
        error_set(e, -rc, "no memory or threads to compare two networks");
    for (size_t i = 0; i < values && rc == 0; i++)
        picture[i] = 255.0f * rng_uniform(&random);
    if (rc == 0 && steps > 0)
        rc = dream_it(m, c, steps, picture, e);
    if (rc == 0)
        rc = measure(out, &(struct look){m, pool, picture, c->size, values, positions}, tier, e);
    pool_close(&pool);
    free(picture);
    return rc;
}
