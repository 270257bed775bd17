/*
 * dream_modern - the default recipe. A step:
 *
 *  1. draws how large objects shall be this time and where the network's grid lies, and samples that view of
 *     the picture, mirrored at its borders; noise on top. Sizes above the network's own make objects that
 * fill the picture instead of a carpet of small ones; moving the grid leaves no lattice behind.
 *  2. takes the gradient of the subjects' logits, minus the mean logit, to the view, evens out its octaves
 * and carries it back to the picture.
 *  3. subtracts the gradient of the patch prior, at a fixed ratio of their root mean squares.
 *  4. adds the sum to a momentum and moves the picture along it by a constant root mean square, so that steps
 *     neither stall nor explode whatever the network's slopes are.
 *  5. leads brightness, contrast and colours back to where photographs have them, and bends values off the
 *     ends of the scale.
 *
 * The momentum is warped with the picture: what was under way goes on, one zoom further.
 */
#include "engine/dream_internal.h"

#include <math.h>
#include <string.h>

#include "engine/image_warp.h"

#define TWO_SUBJECTS 0.7 /* objects are that much smaller when two share the picture's height */
#define SCALE_MAX    1.0 /* never look at the picture larger than it is: it has no more detail to give */
enum { PRIOR_POOLS = 3 };
static const int prior_pools[PRIOR_POOLS] = {1, 2, 4};

static int shorter_side(const struct dream *d)
{
    return d->width < d->height ? d->width : d->height;
}

static double scale_for(const struct dream *d, double share)
{
    double scale = d->model->window_px / (share * shorter_side(d));
    return scale < SCALE_MAX ? scale : SCALE_MAX;
}

/* Pixels of a view that shows `picture_px` pixels and has a grid cell to spare for moving the grid. */
static int view_side(const struct dream *d, int picture_px, double scale)
{
    int stride = d->model->stride_px;
    int cells = (int)ceil(picture_px * scale / stride) + 1;
    int least = model_min_px(d->model) / stride + 1;
    return stride * (cells > least ? cells : least);
}

struct image_view dream_view(const struct dream *d, double share, double shift_x, double shift_y)
{
    double scale = scale_for(d, share);
    struct image_view v = {view_side(d, d->width, scale), view_side(d, d->height, scale), scale, 0, 0};
    v.offset_x = shift_x * (v.width_px - scale * d->width);
    v.offset_y = shift_y * (v.height_px - scale * d->height);
    return v;
}

static double size_factor(const struct dream *d)
{
    return d->mix_count && d->mix[d->mix_count - 1].target.count > 1 ? TWO_SUBJECTS : 1;
}

static double draw_between(struct rng *r, double low, double high)
{
    return low * pow(high / low, (double)rng_uniform(r));
}

static struct image_view draw_view(struct dream *d)
{
    double low = fmin(d->config.object_small, d->config.object_large);
    double high = fmax(d->config.object_small, d->config.object_large);
    double share = draw_between(&d->rng, low, high) * size_factor(d);
    double shift_x = (double)rng_uniform(&d->rng), shift_y = (double)rng_uniform(&d->rng);
    return dream_view(d, share, shift_x, shift_y);
}

struct image_view dream_middle_view(const struct dream *d)
{
    return dream_view(d, sqrt(d->config.object_small * d->config.object_large) * size_factor(d), 0.5, 0.5);
}

struct dream_map dream_view_map(const struct dream *d, const struct image_view *v)
{
    double height = v->scale * d->height;
    return (struct dream_map){.width = model_map_size(d->model, v->width_px),
                              .height = model_map_size(d->model, v->height_px),
                              .first = (model_min_px(d->model) / 2.0 - v->offset_y) / height,
                              .spacing = d->model->stride_px / height};
}

static int open_modern(struct dream *d, struct error *e)
{
    double low = fmin(d->config.object_small, d->config.object_large) * TWO_SUBJECTS;
    double high = fmax(d->config.object_small, d->config.object_large);
    d->max_view_width = view_side(d, d->width, scale_for(d, low));
    d->max_view_height = view_side(d, d->height, scale_for(d, low));
    int rc = image_resampler_open(&d->views, d->pool, d->width, d->height, d->max_view_width,
                                  d->max_view_height, scale_for(d, high), e);
    if (rc == 0)
        rc = image_pyramid_open(&d->pyramid, d->pool, d->max_view_width, d->max_view_height, e);
    return rc;
}

static void warped(struct dream *d, double zoom, double degrees)
{
    image_warp(d->pool, d->momentum, d->spare, d->width, d->height, zoom, degrees, false);
    float *old = d->momentum;
    d->momentum = d->spare;
    d->spare = old;
}

struct noise_job {
    const struct dream *d;
    const struct image_view *view;
    uint32_t key;
};

static void noise_row(void *context, int row, int worker)
{
    (void)worker;
    const struct noise_job *j = context;
    image_row_noise(j->d->view + (long)row * j->view->width_px, j->view->width_px,
                    (uint32_t)rng_mix(j->key + (uint64_t)row), (float)j->d->config.input_noise);
}

/* Gradient of what is dreamed, at the picture's size, in d->gradient; zero when nothing is. */
static void climb(struct dream *d)
{
    struct image_view v = draw_view(d);
    struct noise_job noise = {d, &v, (uint32_t)rng_u64(&d->rng)};
    struct dream_map map = dream_view_map(d, &v);
    struct objective_subject subjects[MIX_MAX * DREAM_SUBJECTS_MAX];
    struct objective o = {.subjects = subjects, .minus_mean = 1, .layer = d->layer, .channel = d->channel};
    o.subject_count = dream_objective_soft(d, &map, subjects);
    if (!d->network || (o.layer < 0 && o.subject_count == 0)) {
        memset(d->gradient, 0, d->floats * sizeof *d->gradient);
        return;
    }
    image_view_plan(d->views, &v);
    image_view_sample(d->views, d->x, d->view);
    pool_run(d->pool, noise_row, &noise, 3 * v.height_px);
    network_gradient(d->network, d->view, v.width_px, v.height_px, &o, d->view_gradient, NULL);
    image_pyramid_normalise(d->pyramid, d->view_gradient, v.width_px, v.height_px, (int)d->config.octaves,
                            d->config.octave_gain, d->config.finest_gain);
    image_view_adjoint(d->views, d->view_gradient, d->gradient);
}

static void settle(struct dream *d)
{
    memset(d->prior_gradient, 0, d->floats * sizeof *d->prior_gradient);
    if (d->config.prior_ratio == 0)
        return;
    int stride = (int)d->config.prior_stride;
    for (int i = 0; i < PRIOR_POOLS; i++) {
        uint32_t period = (uint32_t)(stride * prior_pools[i]);
        int ox = (int)rng_below(&d->rng, period), oy = (int)rng_below(&d->rng, period);
        prior_gradient(d->prior, d->x, d->width, d->height, prior_pools[i], stride, ox, oy, 1,
                       d->prior_gradient);
    }
}

struct row_job {
    struct dream *d;
    const float *of;
    float keep, gain, prior, colour;
    struct image_step step;
};

static void colour_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    struct dream *d = j->d;
    float *rows[3];
    for (int c = 0; c < 3; c++)
        rows[c] = d->gradient + ((long)c * d->height + row) * d->width;
    image_row_colour(rows, d->width, j->colour);
}

static void square_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    j->d->row_sums[row] = image_row_squares(j->of + (long)row * j->d->width, j->d->width);
}

static double sum_rows(const struct dream *d)
{
    double sum = 0;
    for (int i = 0; i < 3 * d->height; i++)
        sum += d->row_sums[i];
    return sqrt(sum / (double)d->floats);
}

static double rms(struct dream *d, const float *of)
{
    struct row_job job = {.d = d, .of = of};
    pool_run(d->pool, square_row, &job, 3 * d->height);
    return sum_rows(d);
}

static void momentum_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    struct dream *d = j->d;
    long at = (long)row * d->width;
    d->row_sums[row] = image_row_momentum(d->momentum + at, d->gradient + at, d->prior_gradient + at,
                                          d->width, j->keep, j->gain, j->prior);
}

static void update_row(void *context, int row, int worker)
{
    (void)worker;
    const struct row_job *j = context;
    struct dream *d = j->d;
    float *x[3];
    const float *m[3];
    for (int c = 0; c < 3; c++) {
        long at = ((long)c * d->height + row) * d->width;
        x[c] = d->x + at;
        m[c] = d->momentum + at;
    }
    d->row_updates[row] = (struct image_sums){0};
    image_row_update(x, m, d->width, &j->step, &d->row_updates[row]);
}

static double within(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* The slow controllers. A picture that is dreamed on for hours would drift into darkness or glare; each step
 * takes back a small part of what it is off, never so much that it could be seen. */
static void control(struct image_step *s, const struct dream_config *c, const struct dream_health *h)
{
    if (h->contrast == 0) /* nothing is known of the picture before the first step */
        return;
    s->centre = (float)h->mean;
    s->shift = (float)within(0.05 * (c->brightness - h->mean), -1, 1);
    s->contrast = (float)within(0.05 * (h->contrast / c->contrast - 1), -0.01, 0.05);
    s->chroma = (float)within(0.1 * (h->colour / c->colour_max - 1), 0, 0.05);
}

static float per_rms(double weight, double root_mean_square)
{
    return root_mean_square > 1e-20 ? (float)(weight / root_mean_square) : 0;
}

static void step_modern(struct dream *d)
{
    const struct dream_config *c = &d->config;
    struct row_job job = {.d = d, .keep = (float)c->momentum, .colour = (float)c->colour_gain};
    climb(d);
    settle(d);
    if (c->colour_gain != 1)
        pool_run(d->pool, colour_row, &job, d->height);
    job.gain = per_rms(1, rms(d, d->gradient));
    job.prior = per_rms(c->prior_ratio, rms(d, d->prior_gradient));
    pool_run(d->pool, momentum_row, &job, 3 * d->height);
    struct dream_health h = dream_health(d);
    job.step =
        (struct image_step){.step = per_rms(c->step_levels, sum_rows(d)), .margin = 12, .margin_pull = 0.25f};
    control(&job.step, c, &h);
    pool_run(d->pool, update_row, &job, d->height);
    dream_add_sums(d);
}

const struct dream_profile_ops dream_modern = {
    .name = "modern",
    .open = open_modern,
    .warped = warped,
    .step = step_modern,
};
