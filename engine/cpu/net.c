/*
 * net - see net.h. This file checks arguments, opens and closes, and strings the passes together.
 */
#include "engine/cpu/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "engine/cpu/cache.h"
#include "engine/cpu/net_internal.h"

static void name_stages(struct cpu_net *n)
{
    int layers = n->model->layer_count;
    for (int i = 0; i < layers; i++) {
        snprintf(n->stage_names[i], STAGE_NAME_BYTES, "%s forward", n->model->layers[i].name);
        snprintf(n->stage_names[stage_backward(n, i)], STAGE_NAME_BYTES, "%s backward",
                 n->model->layers[i].name);
    }
    snprintf(n->stage_names[layers], STAGE_NAME_BYTES, "objective");
    for (int i = 0; i < 2 * layers + 1; i++)
        n->stages[i].stage = n->stage_names[i];
}

static void stages_begin(struct cpu_net *n)
{
    for (int i = 0; i < 2 * n->model->layer_count + 1; i++)
        n->stages[i].ms = 0;
    n->stage_began_us = clock_real_us();
}

void cpu_net_stage_done(struct cpu_net *n, int stage)
{
    int64_t now_us = clock_real_us();
    n->stages[stage].ms += (double)(now_us - n->stage_began_us) / 1000.0;
    n->stage_began_us = now_us;
}

int cpu_net_open(struct cpu_net **out, const struct cpu_net_params *p, struct error *e)
{
    *out = NULL;
    struct model *m = p->model;
    const struct kernels *k = kernels_pick(p->tier);
    const struct bf16_kernels *bf16 = bf16_pick(p->tier);
    if (!k || (!bf16 && bf16_is_tier(p->tier)))
        return error_set(e, ENOTSUP, "network: this CPU lacks the instructions of that tier; use auto");
    if (p->max_width_px > CPU_NET_SIDE_MAX_PX || p->max_height_px > CPU_NET_SIDE_MAX_PX)
        return error_set(e, ERANGE,
                         "network: %dx%d is more than %d pixels on a side; ask for a smaller picture",
                         p->max_width_px, p->max_height_px, CPU_NET_SIDE_MAX_PX);
    struct cpu_net *n = xcalloc(1, sizeof *n);
    n->model = m;
    n->pool = p->pool;
    n->kernels = k;
    n->bf16 = bf16;
    n->max_width_px = p->max_width_px;
    n->max_height_px = p->max_height_px;
    n->cache_bytes = p->cache_bytes ? p->cache_bytes : cpu_cache_bytes(CPU_CACHE_FOLDER);
    n->convs = m->layer_count - HEAD_LAYERS;
    n->detail_layer = cpu_net_detail_layer(m);
    n->is_rgb_direct = !m->layers[0].pool_after;
    for (int i = 0; i < m->layer_count; i++)
        n->packs[i] = (struct pack){.in = padded(m->layers[i].in), .out = padded(m->layers[i].out)};
    int rc = cpu_net_plan_arena(n, e);
    if (rc == 0)
        rc = cpu_net_pack(n, m, e);
    if (rc < 0) {
        cpu_net_close(&n);
        return rc;
    }
    name_stages(n);
    rc = cpu_net_choose_rounding(n, p->rounds_all, e);
    if (rc < 0) {
        cpu_net_close(&n);
        return rc;
    }
    cpu_net_pack_forget(n);
    *out = n;
    return 0;
}

void cpu_net_close(struct cpu_net **out)
{
    struct cpu_net *n = *out;
    if (!n)
        return;
    free(n->arena);
    free(n->packed);
    free(n);
    *out = NULL;
}

const char *cpu_net_tier_name(const struct cpu_net *n)
{
    return n->bf16 ? n->bf16->name : n->kernels->name;
}

size_t cpu_net_bytes(const struct cpu_net *n)
{
    return n->arena_bytes + n->packed_bytes;
}

const float *cpu_net_evidence(const struct cpu_net *n, int *map_w, int *map_h)
{
    *map_w = n->map_w;
    *map_h = n->map_h;
    return n->evidence;
}

const struct cpu_net_timing *cpu_net_timings(const struct cpu_net *n, int *count)
{
    *count = 2 * n->model->layer_count + 1;
    return n->stages;
}

static int plan_call(struct cpu_net *n, int w, int h, int last, bool is_bare)
{
    if (w < 1 || h < 1 || w > n->max_width_px || h > n->max_height_px)
        return -ERANGE;
    /* Too small for a logit is too small, also where an early layer alone would do. */
    if (!cpu_net_plan(n, w, h, LAYERS_MAX, false))
        return -ERANGE;
    return cpu_net_plan(n, w, h, last, is_bare) ? 0 : -ERANGE;
}

int cpu_net_logits(struct cpu_net *n, const struct cpu_net_input *in, float *logits)
{
    int rc = plan_call(n, in->width_px, in->height_px, LAYERS_MAX, false);
    if (rc < 0)
        return rc;
    stages_begin(n);
    cpu_net_conv_forward(n, in->x, n->convs - 1);
    cpu_net_head_forward(n, FC8);
    size_t positions = (size_t)n->map_w * (size_t)n->map_h, width = cpu_net_hidden_row(n, FC8);
    for (size_t k = 0; k < (size_t)n->model->classes; k++)
        for (size_t p = 0; p < positions; p++)
            *logits++ = n->hidden[FC8][p * width + k];
    return 0;
}

/* Means of the channels of `rows` rows of pixels. */
static void average_rows(const float *first_row, size_t row_floats, int pixels, int rows, size_t pixel_floats,
                         int channels, float *means)
{
    for (int c = 0; c < channels; c++) {
        double sum = 0;
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < pixels; x++)
                sum += (double)first_row[(size_t)y * row_floats + (size_t)x * pixel_floats + (size_t)c];
        means[c] = (float)(sum / ((double)rows * pixels));
    }
}

int cpu_net_channel_means(struct cpu_net *n, const struct cpu_net_input *in, int layer, float *means)
{
    if (layer < 0 || layer >= n->model->layer_count)
        return -EINVAL;
    bool is_conv = layer < n->convs;
    int rc = plan_call(n, in->width_px, in->height_px, is_conv ? layer : LAYERS_MAX, is_conv),
        head = layer - n->convs;
    if (rc < 0)
        return rc;
    stages_begin(n);
    cpu_net_conv_forward(n, in->x, is_conv ? layer : n->convs - 1);
    cpu_net_head_forward(n, head);
    const struct map *m = &n->out[is_conv ? layer : 0];
    size_t row = (size_t)m->stride_px * (size_t)m->channels;
    if (is_conv)
        average_rows(m->data + row + m->channels, row, m->w, m->h, (size_t)m->channels,
                     n->model->layers[layer].out, means);
    else
        average_rows(n->hidden[head], 0, n->map_w * n->map_h, 1, cpu_net_hidden_row(n, head),
                     n->model->layers[layer].out, means);
    return 0;
}

/* ---- The objective on a layer's own activations ---- */

struct layer_job {
    struct cpu_net *net;
    float *first_row;
    size_t row_floats;
    int pixels, channels, channel;
    float scale;
    int relu;
};

static void layer_row(void *context, int y, int worker)
{
    (void)worker;
    const struct layer_job *j = context;
    j->net->row_sums[y] = j->net->kernels->objective(j->first_row + (size_t)y * j->row_floats, j->pixels,
                                                     j->channels, j->channel, j->scale, j->relu);
}

/* Turns the activations of the layer, where they lie, into the gradient; returns the objective. */
static double layer_objective(struct cpu_net *n, const struct objective *o)
{
    int i = o->layer - n->convs, rows;
    struct layer_job j = {.net = n, .channel = o->channel, .relu = i != FC8};
    if (i < 0) {
        const struct map *m = &n->out[o->layer];
        j.channels = m->channels;
        j.row_floats = (size_t)m->stride_px * (size_t)m->channels;
        j.first_row = m->data + j.row_floats + m->channels;
        j.pixels = m->w;
        rows = m->h;
    } else {
        j.channels = n->packs[o->layer].out;
        j.row_floats = cpu_net_hidden_row(n, i);
        j.pixels = 1;
        rows = n->map_w * n->map_h;
        memcpy(n->d_hidden[i], n->hidden[i], j.row_floats * (size_t)rows * sizeof(float));
        j.first_row = n->d_hidden[i];
    }
    double pixels = (double)j.pixels * rows;
    double mean =
        (o->falls ? -1.0 : 1.0) / (o->channel >= 0 ? pixels : pixels * n->model->layers[o->layer].out);
    j.scale = (float)(o->channel >= 0 ? mean : 2.0 * mean);
    pool_run(n->pool, layer_row, &j, rows);
    double sum = 0;
    for (int y = 0; y < rows; y++)
        sum += n->row_sums[y];
    return sum * mean;
}

static bool is_sound(const struct model *m, const struct objective *o)
{
    if (o->layer >= m->layer_count || (o->layer >= 0 && o->channel >= m->layers[o->layer].out))
        return false;
    for (int s = 0; s < o->subject_count && o->layer < 0; s++)
        if (o->subjects[s].class_index < 0 || o->subjects[s].class_index >= m->classes)
            return false;
    return true;
}

int cpu_net_gradient(struct cpu_net *n, const struct cpu_net_input *in, const struct objective *o,
                     float *grad, double *value)
{
    if (!is_sound(n->model, o))
        return -EINVAL;
    bool is_conv = o->layer >= 0 && o->layer < n->convs;
    int last_conv = is_conv ? o->layer : n->convs - 1;
    int last_head = o->layer < 0 ? FC7 : o->layer - n->convs; /* below FC6: none */
    int rc = plan_call(n, in->width_px, in->height_px, is_conv ? last_conv : LAYERS_MAX, is_conv);
    if (rc < 0)
        return rc;
    stages_begin(n);
    cpu_net_conv_forward(n, in->x, last_conv);
    cpu_net_head_forward(n, last_head);
    double v = o->layer < 0 ? cpu_net_head_objective(n, o) : layer_objective(n, o);
    cpu_net_stage_done(n, n->model->layer_count);
    if (last_head >= FC6)
        cpu_net_head_backward(n, last_head);
    cpu_net_conv_backward(n, last_conv, grad);
    if (value)
        *value = v;
    return 0;
}
