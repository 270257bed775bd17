/*
 * modern - the default recipe. A step:
 *
 *  1. draws how large objects shall be this time and where the network's grid lies, and samples that view of
 *     the picture, mirrored at its borders; noise on top. Sizes above the network's own make objects that
 *     fill the picture instead of a carpet of small ones; moving the grid leaves no lattice behind.
 *  2. takes the gradient of the subjects' logits, minus the mean logit, to the view, evens out its octaves
 *     and carries it back to the picture.
 *     Every second step also looks closely at a part of the picture, for detail (engine/cpu/cpu_detail.c).
 *  3. subtracts the gradient of the patch prior, at a fixed ratio of their root mean squares.
 *  4. adds the sum to a momentum and moves the picture along it by a constant root mean square, so that steps
 *     neither stall nor explode whatever the network's slopes are.
 *  5. leads brightness, contrast and colours back to where photographs have them, and bends values off the
 *     ends of the scale.
 *
 * The momentum is warped with the picture: what was under way goes on, one zoom further.
 */
#include "engine/dream/internal.h"

#include <math.h>

#define SEVERAL_SUBJECTS 0.7 /* objects are that much smaller when two or more share the picture */
#define SCALE_MAX        1.0 /* never look at the picture larger than it is: it has no more detail to give */
#define DETAIL_PART      0.4 /* of either side, of the part that is looked at closely */
enum { DETAIL_EVERY = 2, PRIOR_POOLS = 3 };
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

/* Pixels of a view that shows `picture_px` pixels with their margins and has a grid cell to spare for moving the grid. */
static int view_side(const struct dream *d, int picture_px, double scale)
{
    int stride = d->model->stride_px, margins = 2 * (int)d->config.margin;
    int cells = (int)ceil((picture_px * scale + margins) / stride) + 1;
    int least = model_min_px(d->model) / stride + 1;
    return stride * (cells > least ? cells : least);
}

static struct image_view view_at(const struct dream *d, double scale)
{
    return (struct image_view){.width_px = view_side(d, d->width, scale),
                               .height_px = view_side(d, d->height, scale),
                               .scale = scale};
}

/* Of the prepared views the one whose scale is nearest, as a ratio. */
static struct image_view prepared_view(const struct dream *d, double scale)
{
    const struct image_view *best = &d->params.views[0];
    for (int i = 1; i < d->params.view_count; i++)
        if (fabs(log(d->params.views[i].scale / scale)) < fabs(log(best->scale / scale)))
            best = &d->params.views[i];
    return *best;
}

/* The view in which objects of `share` of the shorter side have the size that the model learned. */
static struct image_view view_for(const struct dream *d, double share, double shift_x, double shift_y)
{
    double scale = scale_for(d, share);
    struct image_view v = d->ops->prepared_views ? prepared_view(d, scale) : view_at(d, scale);
    double margin = (double)d->config.margin;
    v.offset_x = margin + shift_x * (v.width_px - v.scale * d->width - 2 * margin);
    v.offset_y = margin + shift_y * (v.height_px - v.scale * d->height - 2 * margin);
    return v;
}

/* Has every thing all of the picture for itself? */
static bool is_alone(const struct mix *m)
{
    int wanted = 0, placed = 0;
    for (int i = 0; i < m->target.count; i++) {
        wanted += m->target.subjects[i].weight > 0;
        placed += m->target.subjects[i].weight > 0 && m->rides[i];
    }
    return wanted < 2 && placed == 0;
}

static double size_factor(const struct dream *d)
{
    return d->mix_count && !is_alone(&d->mix[d->mix_count - 1]) ? SEVERAL_SUBJECTS : 1;
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
    return view_for(d, share, shift_x, shift_y);
}

struct dream_map dream_view_map(const struct dream *d, const struct image_view *v)
{
    const struct dream_place *w = &d->window;
    double width = v->scale * d->width / (double)(w->right - w->left);
    double height = v->scale * d->height / (double)(w->bottom - w->top);
    double half_window = model_min_px(d->model) / 2.0;
    return (struct dream_map){.width = model_map_size(d->model, v->width_px),
                              .height = model_map_size(d->model, v->height_px),
                              .first_x = (double)w->left + (half_window - v->offset_x) / width,
                              .spacing_x = d->model->stride_px / width,
                              .first_y = (double)w->top + (half_window - v->offset_y) / height,
                              .spacing_y = d->model->stride_px / height};
}

/* The view of a part of the picture, as large as it is. */
static struct image_view detail_view(const struct dream *d)
{
    int stride = d->model->stride_px, least = model_min_px(d->model);
    int w = stride * (int)ceil(DETAIL_PART * d->width / stride);
    int h = stride * (int)ceil(DETAIL_PART * d->height / stride);
    return (struct image_view){w > least ? w : least, h > least ? h : least, 1, 0, 0};
}

/* Sizes of objects, from the smallest (the largest view) on, in equal ratios. */
static int open_modern(struct dream *d, struct error *e)
{
    (void)e;
    double low = fmin(d->config.object_small, d->config.object_large) * SEVERAL_SUBJECTS;
    double high = fmax(d->config.object_small, d->config.object_large);
    for (int i = 0; i < BACKEND_VIEWS_MAX; i++) {
        double share = low * pow(high / low, (double)i / (BACKEND_VIEWS_MAX - 1));
        double scale = scale_for(d, share);
        int count = d->params.view_count;
        if (count == 0 || scale < d->params.views[count - 1].scale)
            d->params.views[d->params.view_count++] = view_at(d, scale);
    }
    if (d->config.detail > 0)
        d->params.detail = detail_view(d);
    return 0;
}

static void plan_prior(struct backend_step *s, int scale, int stride, int offset_x, int offset_y)
{
    s->prior[scale] = (struct backend_prior){prior_pools[scale], stride, offset_x, offset_y, 1};
    s->prior_count = scale + 1;
}

static void plan_objective(struct dream *d, struct backend_step *s)
{
    struct dream_map map = dream_view_map(d, &s->view);
    s->objective = (struct objective){.subjects = d->subjects,
                                      .minus_mean = 1,
                                      .layer = d->layer,
                                      .channel = d->channel,
                                      .falls = d->falls};
    s->objective.subject_count = dream_objective_soft(d, &map, d->subjects);
    if (s->objective.subject_count > 0 && is_alone(&d->mix[d->mix_count - 1]))
        dream_focus(d, &s->view, s->objective.subject_count);
    s->climbs = s->objective.layer >= 0 || s->objective.subject_count > 0;
}

static void plan_detail(struct dream *d, struct backend_step *s)
{
    s->detail.view = d->params.detail;
    s->detail.ratio = (float)d->config.detail;
    s->detail.view.offset_x = floor(0.5 * s->detail.view.width_px - (double)rng_uniform(&d->rng) * d->width);
    s->detail.view.offset_y =
        floor(0.5 * s->detail.view.height_px - (double)rng_uniform(&d->rng) * d->height);
}

static void plan(struct dream *d, struct backend_step *s)
{
    s->view = draw_view(d);
    s->noise_key = (uint32_t)rng_u64(&d->rng);
    plan_objective(d, s);
    int stride = (int)d->config.prior_stride;
    for (int i = 0; i < PRIOR_POOLS && d->config.prior_ratio != 0; i++) {
        uint32_t period = (uint32_t)(stride * prior_pools[i]);
        int ox = (int)rng_below(&d->rng, period), oy = (int)rng_below(&d->rng, period);
        plan_prior(s, i, stride, ox, oy);
    }
    if (d->ops->has_detail && d->config.detail > 0 && ++d->planned % DETAIL_EVERY == 0)
        plan_detail(d, s);
}

static void look(struct dream *d, struct backend_step *s)
{
    double share = sqrt(d->config.object_small * d->config.object_large) * size_factor(d);
    s->view = view_for(d, share, 0.5, 0.5);
    plan_objective(d, s);
    for (int i = 0; i < PRIOR_POOLS; i++)
        plan_prior(s, i, 1, 0, 0);
}

const struct dream_profile_ops dream_modern = {
    .name = "modern",
    .open = open_modern,
    .plan = plan,
    .look = look,
};
