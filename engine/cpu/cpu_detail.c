/*
 * cpu_detail - the detail of a step of `modern` on the CPU.
 *
 * A part of the picture is looked at as large as it is, and more is made of those middle features there that the
 * subject's gradient of the same step has asked for (net_detail.c): fur, feathers, spokes. Three things keep that
 * from becoming a carpet: only the finest octaves are taken, so shapes stay what the subject made them; a mask
 * lets it happen where the subject is seen; and the part fades out towards its own border.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/control.h"
#include "engine/cpu/cpu.h"

/* Bands that are taken, finest first, and how much of each. */
static const struct image_octaves octaves = {
    .levels = 4, .gain = 0.8, .finest_gain = 0.4, .drops_rest = true};
/* Of the mask over the evidence in deviations: half where it is average, 0.88 one deviation above. */
#define MASK_SLOPE 2.0

/* How the positions of the last objective lie on the picture. */
struct evidence {
    float *z; /* [h][w] deviations from their mean */
    int w, h;
    double first_x, first_y, spacing; /* picture pixels */
};

static void even_out(struct evidence *e)
{
    double mean = 0, square = 0, count = (double)e->w * e->h;
    for (int i = 0; i < e->w * e->h; i++) {
        mean += (double)e->z[i] / count;
        square += (double)e->z[i] * (double)e->z[i] / count;
    }
    double deviation = sqrt(fmax(square - mean * mean, 0));
    for (int i = 0; i < e->w * e->h; i++)
        e->z[i] = image_per_rms(1, deviation) * (e->z[i] - (float)mean);
}

static double between(double v, double high)
{
    return v < 0 ? 0 : v > high ? high : v;
}

/* At a place of the picture. */
static double evidence_at(const struct evidence *e, double x, double y)
{
    double px = between((x - e->first_x) / e->spacing, e->w - 1);
    double py = between((y - e->first_y) / e->spacing, e->h - 1);
    int left = (int)px, top = (int)py, right = left + (left + 1 < e->w), low = top + (top + 1 < e->h);
    double fx = px - left, fy = py - top;
    const float *a = e->z + top * e->w, *b = e->z + low * e->w;
    return (1 - fy) * ((1 - fx) * (double)a[left] + fx * (double)a[right]) +
           fy * ((1 - fx) * (double)b[left] + fx * (double)b[right]);
}

/* 0 at the ends of 0..1, 1 in its middle half. */
static double window(double at)
{
    double from_end = 4 * (at < 0.5 ? at : 1 - at);
    return from_end >= 1 ? 1 : from_end * from_end * (3 - 2 * from_end);
}

static void make_mask(const struct backend *b, const struct image_view *v, const struct evidence *e,
                      float *mask)
{
    int stride = cpu_net_detail_stride(b->model), w = v->width_px / stride, h = v->height_px / stride;
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++) {
            double x = ((i + 0.5) * stride - v->offset_x) / v->scale;
            double y = ((j + 0.5) * stride - v->offset_y) / v->scale;
            double seen = 1 / (1 + exp(-MASK_SLOPE * evidence_at(e, x, y)));
            *mask++ = (float)(seen * window((i + 0.5) / w) * window((j + 0.5) / h));
        }
}

/* Copies what the step's main view has shown. */
static struct evidence take_evidence(const struct backend *b, const struct image_view *v)
{
    struct evidence e = {.z = b->evidence};
    const float *from = cpu_net_evidence(b->net, &e.w, &e.h);
    memcpy(e.z, from, (size_t)(e.w * e.h) * sizeof *e.z);
    e.first_x = (model_min_px(b->model) / 2.0 - v->offset_x) / v->scale;
    e.first_y = (model_min_px(b->model) / 2.0 - v->offset_y) / v->scale;
    e.spacing = b->model->stride_px / v->scale;
    even_out(&e);
    return e;
}

int backend_cpu_detail_open(struct backend *b, const struct backend_params *p, struct error *e)
{
    int stride = cpu_net_detail_stride(b->model);
    const struct image_view *part = &p->detail, *all = &p->views[0];
    if (part->width_px == 0)
        return 0;
    size_t mask = (size_t)(part->width_px / stride) * (size_t)(part->height_px / stride);
    size_t positions =
        (size_t)(model_map_size(b->model, all->width_px) * model_map_size(b->model, all->height_px));
    if (backend_cpu_take(&b->mask, mask) && backend_cpu_take(&b->evidence, positions))
        return 0;
    return error_set(e, ENOMEM, "dream.size %dx%d: no memory for its detail", b->width, b->height);
}

bool backend_cpu_detail(struct backend *b, const struct backend_step *s)
{
    const struct image_view *v = &s->detail.view;
    if (!b->net || !s->climbs || !b->mask || s->detail.ratio <= 0 || s->objective.layer >= 0)
        return false;
    struct evidence e = take_evidence(b, &s->view);
    make_mask(b, v, &e, b->mask);
    image_view_plan(b->views, v);
    image_view_sample(b->views, b->x, b->view);
    if (cpu_net_detail(b->net, &(struct cpu_net_input){b->view, v->width_px, v->height_px}, b->mask,
                       b->view_gradient) < 0)
        return false;
    image_pyramid_normalise(b->pyramid, b->view_gradient, v->width_px, v->height_px, &octaves);
    image_view_adjoint(b->views, b->view_gradient, b->spare);
    return true;
}
