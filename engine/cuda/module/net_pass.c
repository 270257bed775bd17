/*
 * net_pass - one forward and one backward pass, as work on the stream. Nothing here waits.
 */
#include "engine/cuda/module/net_internal.h"

#include <math.h>

/* ---- Convolutions ---- */

static struct pool pool_of(const struct cuda_net *n, int view, int layer)
{
    const struct cuda_plan_view *v = net_view_plan(n, view);
    return (struct pool){v->conv_w[layer], v->conv_h[layer], n->plan.layers[layer].out};
}

/* What the first layer's ReLU let through: with a pool behind it the winners know. */
static uint8_t *first_alive(const struct cuda_net *n)
{
    return n->plan.layers[0].is_pooled ? NULL : n->layers[0].winners;
}

static int first_forward(struct cuda_net *n, int view, const float *x)
{
    const struct cuda_plan_view *v = net_view_plan(n, view);
    const struct model *m = n->model;
    struct rgb_forward a = {.x = x,
                            .w = v->width_px,
                            .h = v->height_px,
                            .channels = n->plan.layers[0].out,
                            .weight = n->layers[0].weight,
                            .bias = n->layers[0].bias,
                            .out = n->plan.layers[0].is_pooled ? n->wide[0] : n->layers[0].kept,
                            .alive = first_alive(n)};
    for (int c = 0; c < 3; c++) {
        a.scale[c] = n->activation / (255.0f * m->std[c]);
        a.offset[c] = -n->activation * m->mean[c] / m->std[c];
    }
    launch_rgb_forward(n->device->stream, n->storage, a);
    return cuda_launched(n->device, "first layer forward");
}

/* The first layer has added its bias itself. */
static const float *bias_behind(const struct cuda_net *n, int layer)
{
    return layer == 0 ? NULL : n->layers[layer].bias;
}

static int pool_forward_of(struct cuda_net *n, int view, int i)
{
    launch_pool_forward(n->device->stream, n->storage, pool_of(n, view, i), n->wide[0], bias_behind(n, i),
                        n->layers[i].kept, n->layers[i].winners);
    return cuda_launched(n->device, "pool forward");
}

/* Bias and ReLU of a layer whose pool, which would add them, is left out. */
static int finish_bare(struct cuda_net *n, int view, int i)
{
    struct pool p = pool_of(n, view, i);
    if (i == 0)
        return 0;
    launch_bias_relu(n->device->stream, n->storage, n->wide[0], n->layers[i].bias, p.channels,
                     (size_t)p.w * (size_t)p.h);
    return cuda_launched(n->device, "bias and ReLU");
}

int net_convs_forward(struct cuda_net *n, int view, const float *x, int last, bool is_bare)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i <= last; i++) {
        rc = i == 0 ? first_forward(n, view, x) : net_run_conv(n, view, i, false);
        if (rc == 0 && n->plan.layers[i].is_pooled)
            rc = is_bare && i == last ? finish_bare(n, view, i) : pool_forward_of(n, view, i);
    }
    return rc;
}

int net_convs_backward(struct cuda_net *n, int view, int from, bool is_bare, float unscale, float *grad)
{
    const struct cuda_plan_view *v = net_view_plan(n, view);
    int rc = 0;
    for (int i = from; rc == 0 && i >= 0; i--) {
        if (n->plan.layers[i].is_pooled && !(is_bare && i == from)) {
            launch_pool_backward(n->device->stream, n->storage, pool_of(n, view, i), n->wide[n->arrival[i]],
                                 n->layers[i].winners, n->wide[n->source[i]]);
            rc = cuda_launched(n->device, "pool backward");
        }
        if (rc == 0 && i > 0)
            rc = net_run_conv(n, view, i, true);
    }
    if (rc < 0)
        return rc;
    launch_rgb_backward(n->device->stream, n->storage,
                        (struct rgb_backward){.gradient = n->wide[n->source[0]],
                                              .alive = first_alive(n),
                                              .w = v->width_px,
                                              .h = v->height_px,
                                              .channels = n->plan.layers[0].out,
                                              .weight = n->layers[0].backward,
                                              .unscale = unscale,
                                              .out = grad});
    return cuda_launched(n->device, "first layer backward");
}

/* ---- The head ---- */

static struct columns columns_of(const struct cuda_net *n, int view)
{
    const struct cuda_plan_view *v = net_view_plan(n, view);
    const struct cuda_plan_layer *fc6 = &n->plan.layers[n->convs];
    return (struct columns){v->out_w[n->convs - 1], v->out_h[n->convs - 1], fc6->in, fc6->kernel};
}

int net_head_forward(struct cuda_net *n, int view, int last)
{
    launch_columns_gather(n->device->stream, n->storage, columns_of(n, view), n->layers[n->convs - 1].kept,
                          n->columns);
    int rc = cuda_launched(n->device, "windows of fc6");
    for (int i = FC6; rc == 0 && i <= last; i++) {
        const struct net_layer *l = &n->layers[n->convs + i];
        rc = net_run_gemm(n, view, i, false);
        if (rc < 0 || i == FC8) /* its sums are taken as they are */
            break;
        launch_head_forward(n->device->stream, n->storage, n->sums, l->bias, net_positions(n, view),
                            n->plan.layers[n->convs + i].out, true, l->kept);
        rc = cuda_launched(n->device, "head forward");
    }
    return rc;
}

int net_head_backward(struct cuda_net *n, int view, int from)
{
    int rc = 0, last = n->convs - 1;
    for (int i = from; rc == 0 && i > FC6; i--) {
        const struct net_layer *below = &n->layers[n->convs + i - 1];
        rc = net_run_gemm(n, view, i, true);
        if (rc < 0)
            return rc;
        launch_head_backward(n->device->stream, n->storage, n->sums, below->kept, net_positions(n, view),
                             n->plan.layers[n->convs + i].in, below->gradient);
        rc = cuda_launched(n->device, "head backward");
    }
    if (rc == 0)
        rc = net_run_gemm(n, view, FC6, true);
    if (rc < 0)
        return rc;
    /* With a pool there, its winners know what the ReLU let through. */
    launch_columns_scatter(n->device->stream, n->storage, columns_of(n, view), n->columns,
                           n->plan.layers[last].is_pooled ? NULL : n->layers[last].kept,
                           n->wide[n->arrival[last]]);
    return cuda_launched(n->device, "windows of fc6 backward");
}
