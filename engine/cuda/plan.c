/*
 * plan - see plan.h.
 *
 * Sizes follow engine/cpu/net_plan.c: 3x3 convolutions keep the size, pools halve it rounding down, fc6 takes
 * its kernel's size less one off both sides.
 */
#include "engine/cuda/plan.h"

#include <errno.h>
#include <math.h>

#include "engine/recipe.h"

enum {
    SPARE_BYTES = 400 << 20, /* the libraries load their kernels into the card's memory, as they are used */
    WORKSPACE_LEAST_BYTES = 32 << 20, /* cuBLAS asks for 32 MB on Hopper */
    WORKSPACE_MOST_BYTES = 256 << 20,
    SIZE_STEP_PX = 16, /* of the sizes that a person is offered */
    SIZE_LEAST_PX = 64
};

static size_t larger_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* False when there is no logit. */
static bool plan_view(struct cuda_plan_view *v, const struct model *m, int width_px, int height_px)
{
    int convs = m->layer_count - CUDA_HEAD, w = width_px, h = height_px;
    *v = (struct cuda_plan_view){.width_px = w, .height_px = h};
    for (int i = 0; i < convs; i++) {
        v->conv_w[i] = w;
        v->conv_h[i] = h;
        w /= m->layers[i].pool_after ? 2 : 1;
        h /= m->layers[i].pool_after ? 2 : 1;
        v->out_w[i] = w;
        v->out_h[i] = h;
    }
    v->map_w = w - m->layers[convs].kernel + 1;
    v->map_h = h - m->layers[convs].kernel + 1;
    return v->map_w >= 1 && v->map_h >= 1;
}

/* ---- Bytes ---- */

static void size_weights(struct cuda_plan *p, const struct model *m)
{
    size_t number = cuda_storage_bytes(p->storage);
    for (int i = 0; i < p->layer_count; i++) {
        struct cuda_plan_layer *l = &p->layers[i];
        *l = (struct cuda_plan_layer){.in = cuda_padded(m->layers[i].in),
                                      .out = cuda_padded(m->layers[i].out),
                                      .kernel = m->layers[i].kernel,
                                      .is_pooled = m->layers[i].pool_after};
        size_t taps = (size_t)l->kernel * (size_t)l->kernel;
        l->bias_bytes = (size_t)l->out * (sizeof(float) + number);
        if (i == 0)
            l->weight_bytes = l->backward_bytes = 3 * taps * (size_t)l->out * sizeof(float);
        else
            l->weight_bytes = (size_t)l->out * taps * (size_t)l->in * number;
        l->turned_bytes = i > 0 && i < p->convs ? l->weight_bytes : 0;
    }
    p->fc8_mean_bytes = (size_t)p->layers[p->layer_count - 1].in * sizeof(float);
}

/* Every buffer has to hold the largest that any view puts there. */
static void size_maps(struct cuda_plan *p, const struct cuda_plan_view *v)
{
    size_t number = cuda_storage_bytes(p->storage);
    for (int i = 0; i < p->convs; i++) {
        struct cuda_plan_layer *l = &p->layers[i];
        size_t before = (size_t)v->conv_w[i] * (size_t)v->conv_h[i];
        size_t behind = (size_t)v->out_w[i] * (size_t)v->out_h[i] * (size_t)l->out;
        l->kept_bytes = larger_of(l->kept_bytes, behind * number);
        size_t winners = l->is_pooled ? behind : i == 0 ? behind / CUDA_GROUP : 0;
        l->winner_bytes = larger_of(l->winner_bytes, winners);
        p->wide_bytes = larger_of(p->wide_bytes, before * (size_t)l->out * number);
        if (i > 0) /* the first layer's gradient leaves as planes */
            p->wide_bytes = larger_of(p->wide_bytes, before * (size_t)l->in * number);
    }
    size_t positions = (size_t)v->map_w * (size_t)v->map_h, widest = 0;
    const struct cuda_plan_layer *fc6 = &p->layers[p->convs];
    for (int i = p->convs; i < p->layer_count; i++) {
        struct cuda_plan_layer *l = &p->layers[i];
        size_t map = positions * (size_t)l->out;
        l->kept_bytes = larger_of(l->kept_bytes, i + 1 < p->layer_count ? map * number : 0);
        l->gradient_bytes = larger_of(l->gradient_bytes, map * number);
        widest = larger_of(widest, map);
    }
    size_t taps = (size_t)fc6->kernel * (size_t)fc6->kernel;
    p->column_bytes = larger_of(p->column_bytes, positions * taps * (size_t)fc6->in * number);
    p->sum_bytes = larger_of(p->sum_bytes, widest * sizeof(float));
}

static size_t map_bytes(const struct cuda_plan *p)
{
    size_t sum =
        2 * cuda_arena_size(p->wide_bytes) + cuda_arena_size(p->column_bytes) + cuda_arena_size(p->sum_bytes);
    for (int i = 0; i < p->layer_count; i++) {
        const struct cuda_plan_layer *l = &p->layers[i];
        sum += cuda_arena_size(l->kept_bytes) + cuda_arena_size(l->winner_bytes) +
               cuda_arena_size(l->gradient_bytes);
    }
    return sum;
}

static size_t weight_bytes(const struct cuda_plan *p)
{
    size_t sum = cuda_arena_size(p->fc8_mean_bytes) + cuda_arena_size(p->partial_bytes);
    for (int i = 0; i < p->layer_count; i++) {
        const struct cuda_plan_layer *l = &p->layers[i];
        sum += cuda_arena_size(l->weight_bytes) + cuda_arena_size(l->backward_bytes) +
               cuda_arena_size(l->turned_bytes) + cuda_arena_size(l->bias_bytes);
    }
    return sum;
}

int cuda_plan_make(struct cuda_plan *p, const struct backend_params *params, enum cuda_storage storage,
                   struct error *e)
{
    const struct model *m = params->model;
    *p = (struct cuda_plan){.storage = storage,
                            .layer_count = m->layer_count,
                            .convs = m->layer_count - CUDA_HEAD,
                            .view_count = params->view_count,
                            .partial_bytes = CUDA_PARTIALS * sizeof(double)};
    if (params->view_count < 1 || params->view_count > BACKEND_VIEWS_MAX)
        return error_set(e, ERANGE, "backend cuda: %d views; 1 to %d can be prepared", params->view_count,
                         BACKEND_VIEWS_MAX);
    size_weights(p, m);
    for (int i = 0; i < params->view_count; i++) {
        int w = params->views[i].width_px, h = params->views[i].height_px;
        if (w > CPU_NET_SIDE_MAX_PX || h > CPU_NET_SIDE_MAX_PX)
            return error_set(
                e, ERANGE, "backend cuda: %dx%d is more than %d pixels on a side; ask for a smaller picture",
                w, h, CPU_NET_SIDE_MAX_PX);
        if (!plan_view(&p->views[i], m, w, h))
            return error_set(e, ERANGE, "backend cuda: %dx%d is too small for %s; ask for a larger picture",
                             w, h, m->name);
        size_maps(p, &p->views[i]);
    }
    return 0;
}

/* ---- Does it fit? ---- */

/* A view of a picture that is `share` as wide; whole cells of the network's grid, rather one too many. */
static int scaled_side(int px, double share, int stride_px)
{
    return stride_px * (int)ceil(px * share / stride_px);
}

/* What a picture `share` as wide takes, with the least of workspaces; 0 when it is too small
 * for the model. */
static size_t least_bytes(const struct cuda_plan *p, const struct model *m, size_t other_bytes, double share)
{
    struct cuda_plan scaled = *p;
    size_weights(&scaled, m);
    scaled.wide_bytes = scaled.column_bytes = scaled.sum_bytes = 0;
    for (int i = 0; i < p->view_count; i++) {
        const struct cuda_plan_view *v = &p->views[i];
        int w = share < 1 ? scaled_side(v->width_px, share, m->stride_px) : v->width_px;
        int h = share < 1 ? scaled_side(v->height_px, share, m->stride_px) : v->height_px;
        if (!plan_view(&scaled.views[i], m, w, h))
            return 0;
        size_maps(&scaled, &scaled.views[i]);
    }
    return weight_bytes(&scaled) + map_bytes(&scaled) + WORKSPACE_LEAST_BYTES +
           cuda_arena_size((size_t)((double)other_bytes * share * share));
}

static int too_large(const struct cuda_plan *p, const struct backend_params *params, size_t other_bytes,
                     size_t free_bytes, struct error *e)
{
    const struct option_size *size = &params->config->size;
    size_t needed = least_bytes(p, params->model, other_bytes, 1) + SPARE_BYTES;
    for (int w = (size->width_px - 1) / SIZE_STEP_PX * SIZE_STEP_PX; w >= SIZE_LEAST_PX; w -= SIZE_STEP_PX) {
        double share = (double)w / size->width_px;
        int h = (int)(size->height_px * share) / 2 * 2;
        size_t bytes = h < SIZE_LEAST_PX ? 0 : least_bytes(p, params->model, other_bytes, share);
        if (bytes == 0)
            break;
        if (bytes + SPARE_BYTES <= free_bytes)
            return error_set(
                e, ENOMEM,
                "backend cuda: %dx%d takes %zu MB of the GPU's memory and %zu MB are free; dream.size "
                "%dx%d fits",
                size->width_px, size->height_px, needed >> 20, free_bytes >> 20, w, h);
    }
    return error_set(
        e, ENOMEM,
        "backend cuda: %dx%d takes %zu MB of the GPU's memory and %zu MB are free; no size fits with %s",
        size->width_px, size->height_px, needed >> 20, free_bytes >> 20, params->model->name);
}

int cuda_plan_fit(struct cuda_plan *p, const struct backend_params *params, size_t other_bytes,
                  size_t free_bytes, struct error *e)
{
    size_t own = weight_bytes(p) + map_bytes(p);
    size_t least = own + cuda_arena_size(other_bytes) + WORKSPACE_LEAST_BYTES + SPARE_BYTES;
    if (least > free_bytes)
        return too_large(p, params, other_bytes, free_bytes, e);
    size_t more = (free_bytes - least) / 2; /* somebody else may want the card too */
    size_t most = WORKSPACE_MOST_BYTES - WORKSPACE_LEAST_BYTES;
    p->workspace_bytes = WORKSPACE_LEAST_BYTES + (more < most ? more : most) / CUDA_ALIGN * CUDA_ALIGN;
    p->bytes = own + p->workspace_bytes;
    return 0;
}
