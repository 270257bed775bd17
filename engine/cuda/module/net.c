/*
 * net - see net.h. Opening, and what a gradient is made of: passes (net_pass.c) around an objective.
 */
#include "engine/cuda/module/net_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "engine/cuda/pack.h"

/* ---- Precision ---- */

int cuda_net_precision(const struct cuda_device *d, int wanted, enum dream_precision *precision,
                       struct error *e)
{
    enum { HAS_BF16_AND_TF32 = 80 };
    bool has = d->sm >= HAS_BF16_AND_TF32;
    *precision = (enum dream_precision)wanted;
    if (wanted == DREAM_PRECISION_AUTO)
        *precision = has ? DREAM_PRECISION_BF16 : DREAM_PRECISION_FP16;
    else if (!has && (wanted == DREAM_PRECISION_BF16 || wanted == DREAM_PRECISION_TF32))
        return error_set(e, ENOTSUP,
                         "backend cuda: dream.precision %s: GPU %d (%s) has none; use fp16, fp32 or auto",
                         cuda_net_precision_name(*precision), d->ordinal, d->name);
    return 0;
}

enum cuda_storage cuda_net_storage(enum dream_precision precision)
{
    return precision == DREAM_PRECISION_BF16   ? CUDA_STORAGE_BF16
           : precision == DREAM_PRECISION_FP16 ? CUDA_STORAGE_FP16
                                               : CUDA_STORAGE_FP32;
}

const char *cuda_net_precision_name(enum dream_precision precision)
{
    static const char *const names[] = {"auto", "bf16", "fp16", "tf32", "fp32"};
    return names[precision];
}

/* ---- Opening, closing ---- */

/* See net_internal.h. */
static void choose_sides(struct cuda_net *n)
{
    for (int i = 0; i < n->convs; i++) {
        n->source[i] = i == 0 ? 0 : 1 - n->arrival[i - 1];
        n->arrival[i] = n->plan.layers[i].is_pooled ? 1 - n->source[i] : n->source[i];
    }
}

int cuda_net_open(struct cuda_net **out, struct cuda_device *d, const struct backend_params *params,
                  const struct cuda_plan *plan, enum dream_precision precision, struct error *e)
{
    struct cuda_net *n = *out = xcalloc(1, sizeof *n);
    int64_t began_us = clock_real_us();
    n->device = d;
    n->model = params->model;
    n->plan = *plan;
    n->precision = precision;
    n->storage = plan->storage;
    n->activation = cuda_activation_scale(plan->storage);
    n->convs = plan->convs;
    choose_sides(n);
    int rc = net_load(n, e);
    if (rc == 0)
        rc = net_prepare_gemms(n, e);
    if (rc == 0)
        rc = net_prepare_convs(n, params->config->tuning, e);
    if (rc < 0) {
        cuda_net_close(out);
        return rc;
    }
    log_debug("cuda", "%d views in %s prepared in %.1f s, %zu MB", plan->view_count,
              cuda_net_precision_name(precision), (double)(clock_real_us() - began_us) / 1e6,
              plan->bytes >> 20);
    return 0;
}

void cuda_net_close(struct cuda_net **out)
{
    struct cuda_net *n = *out;
    if (!n)
        return;
    if (!n->device->is_lost)
        (void)cudaStreamSynchronize(n->device->stream);
    net_forget_convs(n);
    net_forget_gemms(n);
    free(n);
    *out = NULL;
}

/* ---- Objectives ---- */

/* What one gradient is about; see net_arithmetic.h for the scales. */
struct job {
    int view;
    const struct cuda_objective *objective;
    float scale;
    double *value;
};

static int sum_up(struct cuda_net *n, const struct job *j, int parts, double factor,
                  const struct cuda_target *target)
{
    if (!j->value)
        return 0;
    launch_objective_value(n->device->stream, n->parts, parts, factor, target, n->mean_bias, j->value);
    return cuda_launched(n->device, "objective's value");
}

static int objective_on_logits(struct cuda_net *n, const struct job *j)
{
    const struct cuda_plan_layer *fc8 = &n->plan.layers[n->convs + FC8];
    const struct net_layer *fc7 = &n->layers[n->convs + FC7];
    struct objective_on_logits o = {.target = j->objective->target,
                                    .weights = j->objective->weights,
                                    .fc8 = n->layers[n->convs + FC8].weight,
                                    .fc8_mean = n->fc8_mean,
                                    .fc8_bias = n->layers[n->convs + FC8].bias,
                                    .hidden = fc7->kept,
                                    .classes = n->model->classes,
                                    .width = fc8->in,
                                    .positions = net_positions(n, j->view),
                                    .activation = n->activation,
                                    .scale = j->scale,
                                    .gradient = fc7->gradient};
    int parts = launch_objective_on_logits(n->device->stream, n->storage, o, n->parts);
    int rc = cuda_launched(n->device, "objective");
    return rc == 0 ? sum_up(n, j, parts, 1.0 / (double)n->activation, j->objective->target) : rc;
}

/* Logits as a layer like the others, in the place where their gradient will be. */
static int logits_as_layer(struct cuda_net *n, int view)
{
    const struct net_layer *fc8 = &n->layers[n->convs + FC8];
    launch_head_forward(n->device->stream, n->storage, n->sums, fc8->bias, net_positions(n, view),
                        n->plan.layers[n->convs + FC8].out, false, fc8->gradient);
    return cuda_launched(n->device, "logits");
}

static double pixels_of(const struct cuda_net *n, int view, int layer)
{
    const struct cuda_plan_view *v = net_view_plan(n, view);
    return layer < n->convs ? (double)v->conv_w[layer] * v->conv_h[layer] : net_positions(n, view);
}

static int objective_on_layer(struct cuda_net *n, const struct job *j)
{
    int layer = j->objective->layer, channel = j->objective->channel, head = layer - n->convs, rc = 0;
    const struct net_layer *l = &n->layers[layer];
    const struct cuda_plan_layer *p = &n->plan.layers[layer];
    double pixels = pixels_of(n, j->view, layer), a = (double)n->activation;
    double mean =
        (j->objective->falls ? -1 : 1) / (channel >= 0 ? pixels : pixels * n->model->layers[layer].out);
    struct objective_on_layer o = {.count = (size_t)pixels * (size_t)p->out,
                                   .channels = p->out,
                                   .channel = channel,
                                   .has_relu = head != FC8};
    o.factor = (float)((channel >= 0 ? mean : 2 * mean / a) * (double)j->scale);
    if (head == FC8)
        rc = logits_as_layer(n, j->view);
    if (head >= 0) {
        o.activation = head == FC8 ? l->gradient : l->kept;
        o.gradient = l->gradient;
    } else {
        o.activation = p->is_pooled ? n->wide[0] : l->kept;
        o.gradient = n->wide[n->source[layer]];
    }
    if (rc < 0)
        return rc;
    int parts = launch_objective_on_layer(n->device->stream, n->storage, o, n->parts);
    rc = cuda_launched(n->device, "objective");
    return rc == 0 ? sum_up(n, j, parts, mean / (channel >= 0 ? a : a * a), NULL) : rc;
}

/* Brings single numbers of the gradient to where fp16 has its precision. */
static float scale_for(const struct cuda_net *n, int view, const struct cuda_objective *o)
{
    const float seed = 16; /* rows of fc8 are about a hundredth, activations about sixteen */
    if (o->layer < 0)
        return seed * cuda_gradient_scale(net_positions(n, view));
    double pixels = pixels_of(n, view, o->layer);
    if (o->channel >= 0)
        return cuda_gradient_scale(pixels);
    return cuda_gradient_scale(pixels * n->model->layers[o->layer].out) / seed;
}

/* ---- The two questions ---- */

static bool is_sound(const struct cuda_net *n, int view, const struct cuda_objective *o)
{
    if (view < 0 || view >= n->plan.view_count || o->layer >= n->plan.layer_count)
        return false;
    return o->layer < 0 ? o->target && o->weights : o->channel < n->model->layers[o->layer].out;
}

int cuda_net_gradient(struct cuda_net *n, int view_index, const float *x, const struct cuda_objective *o,
                      float *grad, double *value)
{
    if (!is_sound(n, view_index, o))
        return -EINVAL;
    struct job j = {view_index, o, scale_for(n, view_index, o), value};
    bool is_conv = o->layer >= 0 && o->layer < n->convs;
    int last_conv = is_conv ? o->layer : n->convs - 1;
    int last_head = o->layer < 0 ? FC7 : o->layer - n->convs; /* below FC6: none */
    int rc = net_convs_forward(n, view_index, x, last_conv, is_conv);
    if (rc == 0 && !is_conv)
        rc = net_head_forward(n, view_index, last_head);
    if (rc == 0)
        rc = o->layer < 0 ? objective_on_logits(n, &j) : objective_on_layer(n, &j);
    if (rc == 0 && !is_conv)
        rc = net_head_backward(n, view_index, last_head);
    return rc == 0 ? net_convs_backward(n, view_index, last_conv, is_conv, 1 / j.scale, grad) : rc;
}

int cuda_net_logits(struct cuda_net *n, int view_index, const float *x, float *logits)
{
    if (view_index < 0 || view_index >= n->plan.view_count)
        return -EINVAL;
    int rc = net_convs_forward(n, view_index, x, n->convs - 1, false);
    if (rc == 0)
        rc = net_head_forward(n, view_index, FC8);
    if (rc < 0)
        return rc;
    launch_head_logits(n->device->stream, n->sums, n->layers[n->convs + FC8].bias, n->model->classes,
                       n->plan.layers[n->convs + FC8].out, net_positions(n, view_index), n->activation,
                       logits);
    return cuda_launched(n->device, "logits");
}
