/*
 * cpu - the dream on this machine's own processor; with no network (`null`) for tests of everything else.
 *
 * One pool of workers does everything; calls return when their work is done. Nothing is allocated after open.
 * The same steps give the same bytes for any number of workers.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cpu/cpu.h"
#include "common/mem.h"
#include "engine/cpu/precision.h"

static int core_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

bool backend_cpu_take(float **out, size_t floats)
{
    *out = buffer_alloc(floats * sizeof **out);
    if (*out)
        memset(*out, 0, floats * sizeof **out);
    return *out != NULL;
}

static int allocate(struct backend *b, struct error *e)
{
    float **pictures[] = {&b->x, &b->good, &b->spare, &b->gradient, &b->prior_gradient, &b->momentum};
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++)
        ok = ok && backend_cpu_take(pictures[i], b->floats);
    b->row_sums = xcalloc(3 * (size_t)b->height, sizeof *b->row_sums);
    b->row_updates = xcalloc((size_t)b->height, sizeof *b->row_updates);
    if (!ok)
        return error_set(e, ENOMEM, "dream.size %dx%d: no memory for about %zu MB", b->width, b->height,
                         (ARRAY_LEN(pictures) * b->floats) >> 18);
    return 0;
}

static int open_prior(struct backend *b, struct error *e)
{
    const struct dream_config *c = &b->config;
    const struct prior_source source = {c->prior, c->prior_file, c->prior_mean};
    return prior_open(&b->prior, &source, b->pool, b->width, b->height, e);
}

static int larger_of(int a, int b)
{
    return a > b ? a : b;
}

static int open_network(struct backend *b, const struct backend_params *p, struct error *e)
{
    enum cpu_tier tier;
    int rc = cpu_precision_tier(&b->config, &tier, e);
    if (rc < 0)
        return rc;
    const struct cpu_net_params params = {.model = p->model,
                                          .pool = b->pool,
                                          .max_width_px = larger_of(p->views[0].width_px, p->detail.width_px),
                                          .max_height_px =
                                              larger_of(p->views[0].height_px, p->detail.height_px),
                                          .tier = tier};
    return cpu_net_open(&b->net, &params, e);
}

static int open_with(struct backend **out, const struct backend_params *p, bool has_network, struct error *e)
{
    const struct dream_config *c = p->config;
    struct backend *b = *out = xcalloc(1, sizeof *b);
    b->config = *c;
    b->profile = c->profile == DREAM_CLASSIC ? &cpu_classic : &cpu_modern;
    b->model = p->model;
    b->width = c->size.width_px;
    b->height = c->size.height_px;
    b->floats = 3 * (size_t)b->width * (size_t)b->height;
    int rc = pool_open(&b->pool, c->threads ? (int)c->threads : core_count());
    if (rc < 0)
        error_set(e, -rc, "dream: cannot start %d threads", (int)c->threads);
    if (rc == 0)
        rc = b->profile->open(b, p, e);
    if (rc == 0)
        rc = allocate(b, e);
    if (rc == 0)
        rc = open_prior(b, e);
    if (rc == 0 && has_network)
        rc = open_network(b, p, e);
    if (rc < 0)
        backend_cpu.close(out);
    return rc;
}

static int cpu_open(struct backend **out, const struct backend_params *p, struct error *e)
{
    return open_with(out, p, true, e);
}

static int null_open(struct backend **out, const struct backend_params *p, struct error *e)
{
    return open_with(out, p, false, e);
}

static int cpu_supports(const struct backend_params *p, struct error *e)
{
    (void)p;
    (void)e;
    return 0;
}

static void cpu_close(struct backend **out)
{
    struct backend *b = *out;
    if (!b)
        return;
    cpu_net_close(&b->net);
    prior_close(&b->prior);
    image_pyramid_close(&b->pyramid);
    image_resampler_close(&b->views);
    pool_close(&b->pool);
    float *buffers[] = {b->x,      b->good, b->spare,         b->gradient, b->prior_gradient, b->momentum,
                        b->second, b->view, b->view_gradient, b->mask,     b->evidence};
    for (size_t i = 0; i < ARRAY_LEN(buffers); i++)
        free(buffers[i]);
    free(b->row_sums);
    free(b->row_updates);
    free(b);
    *out = NULL;
}

/* ---- The picture, in and out ---- */

void backend_cpu_forget(struct backend *b)
{
    memset(b->momentum, 0, b->floats * sizeof *b->momentum);
    if (b->second)
        memset(b->second, 0, b->floats * sizeof *b->second);
}

static int cpu_put(struct backend *b, const float *rgb)
{
    memcpy(b->x, rgb, b->floats * sizeof *b->x);
    memcpy(b->good, rgb, b->floats * sizeof *b->good);
    backend_cpu_forget(b);
    b->sums = (struct image_sums){0};
    return 0;
}

static int cpu_get(struct backend *b, float *rgb)
{
    memcpy(rgb, b->x, b->floats * sizeof *rgb);
    return 0;
}

static int cpu_momentum(struct backend *b, float *out, struct image_sums *sums)
{
    *sums = b->sums;
    memcpy(out, b->momentum, b->floats * sizeof *out);
    if (b->second)
        memcpy(out + b->floats, b->second, b->floats * sizeof *out);
    return 0;
}

static int cpu_set_momentum(struct backend *b, const float *in, const struct image_sums *sums)
{
    b->sums = *sums;
    memcpy(b->momentum, in, b->floats * sizeof *in);
    if (b->second)
        memcpy(b->second, in + b->floats, b->floats * sizeof *in);
    return 0;
}

void backend_cpu_warp(struct backend *b, float **planes, const struct image_warp *by)
{
    image_warp(b->pool, *planes, b->spare, b->width, b->height, by);
    float *old = *planes;
    *planes = b->spare;
    b->spare = old;
}

static int cpu_warp(struct backend *b, const struct image_move *by)
{
    backend_cpu_warp(b, &b->x, &(struct image_warp){*by, true});
    b->profile->warp(b, by);
    memcpy(b->good, b->x, b->floats * sizeof *b->good);
    return 0;
}

/* ---- Steps ---- */

void backend_cpu_settle(struct backend *b, const struct backend_step *s, double *energy)
{
    memset(b->prior_gradient, 0, b->floats * sizeof *b->prior_gradient);
    for (int i = 0; i < s->prior_count; i++) {
        const struct backend_prior *p = &s->prior[i];
        double mean = prior_gradient(b->prior, b->x, b->width, b->height, p, b->prior_gradient);
        if (energy)
            energy[i] = mean;
    }
}

void backend_cpu_add_sums(struct backend *b)
{
    b->sums = (struct image_sums){0};
    for (int i = 0; i < b->height; i++) {
        const struct image_sums *r = &b->row_updates[i];
        b->sums.mean += r->mean;
        b->sums.square += r->square;
        b->sums.chroma += r->chroma;
        b->sums.extreme += r->extreme;
        b->sums.bad += r->bad;
    }
}

static int cpu_step(struct backend *b, const struct backend_step *s)
{
    b->profile->step(b, s);
    return 0;
}

static int cpu_finish(struct backend *b, struct image_sums *sums)
{
    *sums = b->sums;
    if (sums->bad == 0)
        return 0;
    memcpy(b->x, b->good, b->floats * sizeof *b->x);
    backend_cpu_forget(b);
    b->sums = (struct image_sums){0};
    return 0;
}

static int cpu_measure(struct backend *b, const struct backend_step *s, struct backend_measure *m)
{
    if ((m->logits || m->gradient) && !b->net)
        return -ENOTSUP;
    int rc = 0;
    if (m->logits) {
        const float *seen = b->x;
        if (b->views) {
            image_view_plan(b->views, &s->view);
            image_view_sample(b->views, b->x, b->view);
            seen = b->view;
        }
        rc = cpu_net_logits(b->net, &(struct cpu_net_input){seen, s->view.width_px, s->view.height_px},
                            m->logits);
    }
    if (rc == 0 && m->gradient) {
        backend_cpu_climb(b, s, false, false, &m->value);
        memcpy(m->gradient, b->gradient, b->floats * sizeof *m->gradient);
    }
    if (rc == 0 && m->prior_gradient) {
        backend_cpu_settle(b, s, m->energy);
        memcpy(m->prior_gradient, b->prior_gradient, b->floats * sizeof *m->prior_gradient);
    }
    return rc;
}

static const char *cpu_describe(const struct backend *b)
{
    return b->net ? cpu_net_tier_name(b->net) : "no network";
}

static void cpu_lower_priority(struct backend *b)
{
    pool_lower_priority(b->pool);
}

#define SHARED                                                                                               \
    .supports = cpu_supports, .close = cpu_close, .put = cpu_put, .get = cpu_get, .warp = cpu_warp,          \
    .step = cpu_step, .finish = cpu_finish, .measure = cpu_measure, .describe = cpu_describe,                \
    .momentum = cpu_momentum, .set_momentum = cpu_set_momentum, .lower_priority = cpu_lower_priority

const struct backend_ops backend_cpu = {.name = "cpu",
                                        .setting = DREAM_BACKEND_CPU,
                                        .is_auto = true,
                                        .has_detail = true,
                                        .open = cpu_open,
                                        SHARED};
const struct backend_ops backend_null = {
    .name = "null", .setting = DREAM_BACKEND_NULL, .open = null_open, SHARED};
