/*
 * cpu_modern - the steps of the default recipe on the CPU. The picture is described in engine/dream/modern.c;
 * here are its loops, spread over the pool by rows so that sums are added in the same order whatever the
 * number of workers.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "engine/control.h"
#include "engine/cpu/cpu.h"
#include "engine/octaves.h"

struct noise_job {
    const struct backend *b;
    const struct image_view *view;
    uint32_t key;
};

static void noise_row(void *context, int row, int worker)
{
    (void)worker;
    const struct noise_job *j = context;
    image_row_noise(j->b->view + (long)row * j->view->width_px, j->view->width_px,
                    (uint32_t)rng_mix(j->key + (uint64_t)row), (float)j->b->config.input_noise);
}

void backend_cpu_climb(struct backend *b, const struct backend_step *s, bool is_noisy, bool is_even,
                       double *value)
{
    const struct image_view *v = &s->view;
    if (value)
        *value = 0;
    if (!b->net || !s->climbs) {
        memset(b->gradient, 0, b->floats * sizeof *b->gradient);
        return;
    }
    if (!b->views) { /* classic: the network sees the picture as it is */
        cpu_net_gradient(b->net, &(struct cpu_net_input){b->x, v->width_px, v->height_px}, &s->objective,
                         b->gradient, value);
        return;
    }
    image_view_plan(b->views, v);
    image_view_sample(b->views, b->x, b->view);
    struct noise_job noise = {b, v, s->noise_key};
    if (is_noisy)
        pool_run(b->pool, noise_row, &noise, 3 * v->height_px);
    cpu_net_gradient(b->net, &(struct cpu_net_input){b->view, v->width_px, v->height_px}, &s->objective,
                     b->view_gradient, value);
    const struct octaves_weight w = octaves_at(b->config.octave_gain, b->config.finest_gain, v->scale);
    const struct image_octaves octaves = {(int)b->config.octaves, w.gain, w.finest, false};
    if (is_even)
        image_pyramid_normalise(b->pyramid, b->view_gradient, v->width_px, v->height_px, &octaves);
    image_view_adjoint(b->views, b->view_gradient, b->gradient);
}

struct row_job {
    struct backend *b;
    const float *of;
    float keep, gain, prior, colour;
    struct image_step step;
};

static void colour_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    struct backend *b = j->b;
    float *rows[3];
    for (int c = 0; c < 3; c++)
        rows[c] = b->gradient + ((long)c * b->height + row) * b->width;
    image_row_colour(rows, b->width, j->colour);
}

static void square_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    j->b->row_sums[row] = image_row_squares(j->of + (long)row * j->b->width, j->b->width);
}

static double sum_rows(const struct backend *b)
{
    double sum = 0;
    for (int i = 0; i < 3 * b->height; i++)
        sum += b->row_sums[i];
    return sqrt(sum / (double)b->floats);
}

static double rms(struct backend *b, const float *of)
{
    struct row_job job = {.b = b, .of = of};
    pool_run(b->pool, square_row, &job, 3 * b->height);
    return sum_rows(b);
}

static void momentum_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    struct backend *b = j->b;
    long at = (long)row * b->width;
    b->row_sums[row] = image_row_momentum(b->momentum + at, b->gradient + at, b->prior_gradient + at,
                                          b->width, j->keep, j->gain, j->prior);
}

static void update_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    struct backend *b = j->b;
    float *x[3];
    const float *m[3];
    for (int c = 0; c < 3; c++) {
        long at = ((long)c * b->height + row) * b->width;
        x[c] = b->x + at;
        m[c] = b->momentum + at;
    }
    b->row_updates[row] = (struct image_sums){0};
    image_row_update(x, m, b->width, &j->step, &b->row_updates[row]);
}

/* Room for every view: the picture's, and its parts' for detail. */
static struct image_view largest_view(const struct backend_params *p)
{
    struct image_view v = p->views[0];
    v.width_px = p->detail.width_px > v.width_px ? p->detail.width_px : v.width_px;
    v.height_px = p->detail.height_px > v.height_px ? p->detail.height_px : v.height_px;
    return v;
}

/* The views and their octaves. */
static int modern_open(struct backend *b, const struct backend_params *p, struct error *e)
{
    const struct image_view largest = largest_view(p), *smallest = &p->views[p->view_count - 1];
    size_t floats = 3 * (size_t)largest.width_px * (size_t)largest.height_px;
    const struct image_resampler_params params = {.width_px = b->width,
                                                  .height_px = b->height,
                                                  .max_view_width_px = largest.width_px,
                                                  .max_view_height_px = largest.height_px,
                                                  .min_scale = smallest->scale,
                                                  .is_one_way = b->config.margin > 0};
    int rc = image_resampler_open(&b->views, b->pool, &params, e);
    if (rc == 0)
        rc = image_pyramid_open(&b->pyramid, b->pool, largest.width_px, largest.height_px, e);
    if (rc == 0 && !(backend_cpu_take(&b->view, floats) && backend_cpu_take(&b->view_gradient, floats)))
        rc = error_set(e, ENOMEM, "dream.size %dx%d: no memory for what the network sees of it", b->width,
                       b->height);
    return rc == 0 ? backend_cpu_detail_open(b, p, e) : rc;
}

static void modern_warp(struct backend *b, const struct image_move *by)
{
    backend_cpu_warp(b, &b->momentum, &(struct image_warp){*by, false});
}

static void detail_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    long at = (long)row * j->b->width;
    image_row_scale(j->b->gradient + at, j->b->spare + at, j->gain, j->b->width, 1);
}

/* b->gradient of that root mean square gets the detail in b->spare, as strong in its part as the step says. */
static void add_detail(struct backend *b, const struct backend_step *s, double own)
{
    const struct image_view *v = &s->detail.view;
    double part = (double)v->width_px * v->height_px / (v->scale * v->scale * b->width * b->height);
    struct row_job job = {.b = b};
    job.gain = image_per_rms((double)s->detail.ratio * own * sqrt(fmin(part, 1)), rms(b, b->spare));
    pool_run(b->pool, detail_row, &job, 3 * b->height);
}

static void modern_step(struct backend *b, const struct backend_step *s)
{
    const struct dream_config *c = &b->config;
    struct row_job job = {.b = b, .keep = (float)c->momentum, .colour = (float)c->colour_gain};
    backend_cpu_climb(b, s, true, true, NULL);
    bool has_detail = backend_cpu_detail(b, s);
    backend_cpu_settle(b, s, NULL);
    if (c->colour_gain != 1)
        pool_run(b->pool, colour_row, &job, b->height);
    double own = rms(b, b->gradient);
    if (has_detail)
        add_detail(b, s, own);
    job.gain = image_per_rms(1, own);
    job.prior = image_per_rms(c->prior_ratio, rms(b, b->prior_gradient));
    pool_run(b->pool, momentum_row, &job, 3 * b->height);
    const struct image_aim aim = {c->brightness, c->contrast, c->colour_max, c->glare};
    job.step = image_control(&aim, &b->sums, (double)b->width * b->height, c->step_levels, sum_rows(b));
    pool_run(b->pool, update_row, &job, b->height);
    backend_cpu_add_sums(b);
}

const struct cpu_profile cpu_modern = {.open = modern_open, .warp = modern_warp, .step = modern_step};
