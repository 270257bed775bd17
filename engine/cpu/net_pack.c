/*
 * net_pack - weights into the layouts that the kernels read, once, when the network opens.
 *
 * Filters are transformed in double precision and rounded once. The way back through a convolution is a
 * convolution with the filters turned by 180 degrees and inputs and outputs exchanged (Lavin and Gray 2015),
 * so a narrow layer is packed twice and the backward pass is the forward code. Of others only the filters
 * are kept, in blocks of 16 x 16 channels from which net_tiles.c makes what either way needs.
 *
 * The head, most of a VGG's weights, is packed once, [out / 16][kernel row][kernel column, in][16 of out]:
 * the way back turns blocks of 16 x 16 while it reads them. Its numbers are floats rounded to 24 bits, 16 of
 * significand: exact for files of half precision (of either kind), 2^-16 off at most for others, which is
 * less than what the convolutions' arithmetic leaves. Sixteen bits would not do in fp32: the logits of a full VGG-16
 * would be off by three times the bound of 1e-4. Where convolutions multiply in bf16 they may do, and the lower 8 bits
 * are given back (net_rounding.c): so the upper 16 are the nearest bf16, and the lower have a sign.
 *
 * Weights that serve once are freed layer by layer, the head first and its pages as they are packed, so that
 * a model and its packed form never stand in memory side by side.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/mem.h"
#include "engine/cpu/net_internal.h"

/* G of F(4x4,3x3): one row per point a, (1, a, a^2) / product over the other points b of (a - b). */
static const double points[6][3] = {
    {1, 0, 0},
    {-2.0 / 3, -0.70710678118654752440 * 2 / 3, -1.0 / 3},
    {-2.0 / 3, 0.70710678118654752440 * 2 / 3, -1.0 / 3},
    {1.0 / 6, 1.41421356237309504880 / 6, 1.0 / 3},
    {1.0 / 6, -1.41421356237309504880 / 6, 1.0 / 3},
    {0, 0, 1},
};

/* u = G filter G^T. */
static void transform_filter(const double filter[3][3], double u[6][6])
{
    double half[6][3];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 3; j++)
            half[i][j] =
                points[i][0] * filter[0][j] + points[i][1] * filter[1][j] + points[i][2] * filter[2][j];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            u[i][j] = points[j][0] * half[i][0] + points[j][1] * half[i][1] + points[j][2] * half[i][2];
}

struct pack_job {
    const struct cpu_net *net;
    const struct model_layer *layer;
    struct pack *pack;
    bool backward;
    bool is_last_reader; /* the weights are freed after this */
};

/* A panel of `depth` rows, [36, plane apart][depth][16], in the layout of bf16 too. */
static void pair_panel(const struct cpu_net *n, const float *from, size_t plane, int depth, uint16_t *to,
                       size_t to_plane, int worker)
{
    float *even = n->unrounded + (size_t)worker * n->unrounded_floats; /* of narrow layers large enough */
    size_t size = (size_t)depth * GROUP, even_size = (size_t)cpu_net_even(depth) * GROUP;
    memset(even + size, 0, (even_size - size) * sizeof *even);
    for (size_t i = 0; i < TILE_POINTS; i++) {
        memcpy(even, from + i * plane, size * sizeof *even);
        n->bf16->pair(even, even_size, 1, cpu_net_even(depth), to + i * to_plane, to_plane);
    }
}

/* One panel of 16 outputs of one direction: [36][panels][depth][16]. */
static void pack_conv_panel(void *context, int panel, int worker)
{
    const struct pack_job *j = context;
    const struct model_layer *l = j->layer;
    int depth = j->backward ? l->out : l->in, width = j->backward ? l->in : l->out;
    size_t panels = (size_t)(padded(width) / GROUP), size = (size_t)depth * GROUP,
           even = (size_t)cpu_net_even(depth) * GROUP;
    float *to = j->backward ? j->pack->backward : j->pack->forward;
    uint16_t *pairs = j->backward ? j->pack->backward_pairs : j->pack->forward_pairs;
    for (int c = 0; c < depth; c++)
        for (int k = 0; k < GROUP; k++) {
            double filter[3][3] = {{0}}, u[6][6];
            int of = panel * GROUP + k;
            if (of < width) {
                size_t at = j->backward ? (size_t)c * (size_t)l->in + (size_t)of
                                        : (size_t)of * (size_t)l->in + (size_t)c;
                for (int t = 0; t < 9; t++)
                    filter[t / 3][t % 3] = (double)l->weight[at * 9 + (size_t)(j->backward ? 8 - t : t)];
            }
            transform_filter(filter, u);
            for (size_t i = 0; i < TILE_POINTS; i++) {
                float x = (float)u[i / 6][i % 6];
                to[(i * panels + (size_t)panel) * size + (size_t)(c * GROUP + k)] = x;
            }
        }
    if (j->net->bf16)
        pair_panel(j->net, to + (size_t)panel * size, panels * size, depth, pairs + (size_t)panel * even,
                   panels * even, worker);
}

/* One panel of 16 outputs of a wide layer, for both ways: [9][in][16]. */
static void pack_filters_panel(void *context, int panel, int worker)
{
    (void)worker;
    const struct pack_job *j = context;
    const struct model_layer *l = j->layer;
    size_t in = (size_t)j->pack->in;
    float *to = j->pack->filters + (size_t)panel * 9 * in * GROUP;
    for (size_t k = 0; k < GROUP && (size_t)panel * GROUP + k < (size_t)l->out; k++)
        for (size_t c = 0; c < (size_t)l->in; c++)
            for (size_t t = 0; t < 9; t++)
                to[(t * in + c) * GROUP + k] =
                    l->weight[(((size_t)panel * GROUP + k) * (size_t)l->in + c) * 9 + t];
}

/* The first layer: forward [out / 16][27][16]; backward [9][3][out], in units of the 0..255 picture. */
static void pack_rgb(const struct model *m, struct pack *p)
{
    const struct model_layer *l = &m->layers[0];
    float *forward = p->forward, *backward = p->backward;
    for (size_t k = 0; k < (size_t)l->out; k++)
        for (size_t t = 0; t < 27; t++) {
            float w = l->weight[k * 27 + t];
            size_t tap = 8 - t % 9, c = t / 9;
            forward[(k / GROUP * 27 + t) * GROUP + k % GROUP] = w;
            backward[(tap * 3 + c) * (size_t)p->out + k] = (float)((double)w / (255.0 * (double)m->std[c]));
        }
}

/* The nearest float of 24 bits, ties to even; what is finite stays so. */
static uint32_t rounded(float x)
{
    uint32_t bits, up;
    memcpy(&bits, &x, sizeof bits);
    up = (bits + 0x7f + (bits >> 8 & 1)) >> 8;
    return (up & 0x7f8000) == 0x7f8000 ? bits >> 8 : up;
}

/* Gives the pages of numbers that nobody will read again back to the system; what is left of them reads as
 * zeros until it is freed. */
static void release(void *from, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)from;
    uintptr_t end = (first + bytes) / page * page;
    first = (first + page - 1) / page * page;
    if (first < end)
        madvise((void *)first, end - first, MADV_DONTNEED);
}

static void pack_head_panel(void *context, int panel, int worker)
{
    (void)worker;
    const struct pack_job *j = context;
    const struct model_layer *l = j->layer;
    size_t in = (size_t)j->pack->in, size = (size_t)l->kernel, depth = size * size * in;
    size_t panel_numbers = depth * GROUP;
    memset(j->pack->high + (size_t)panel * panel_numbers, 0, panel_numbers * sizeof *j->pack->high);
    memset(j->pack->low + (size_t)panel * panel_numbers, 0, panel_numbers);
    for (size_t k = 0; k < GROUP; k++) {
        size_t out = (size_t)panel * GROUP + k;
        if (out >= (size_t)l->out)
            break;
        for (size_t c = 0; c < (size_t)l->in; c++)
            for (size_t t = 0; t < size * size; t++) {
                uint32_t w = rounded(l->weight[(out * (size_t)l->in + c) * size * size + t]);
                size_t at = ((size_t)panel * depth + t * in + c) * GROUP + k;
                uint32_t high = (w + 0x80) >> 8;
                j->pack->high[at] = (uint16_t)high;
                j->pack->low[at] = (int8_t)((int32_t)w - (int32_t)(high << 8));
            }
    }
    size_t first = (size_t)panel * GROUP, end = first + GROUP;
    end = end < (size_t)l->out ? end : (size_t)l->out;
    size_t row = (size_t)l->in * size * size;
    if (j->is_last_reader)
        release(l->weight + first * row, (end - first) * row * sizeof *l->weight);
}

/* U of one direction, kept; of pairs as many floats as fill their place. */
static size_t kept_floats(int depth, int width)
{
    return (size_t)TILE_POINTS * (size_t)depth * (size_t)width;
}

static size_t kept_pairs_floats(const struct cpu_net *n, int depth, int width)
{
    return n->bf16 ? kept_floats(cpu_net_even(depth), width) / 2 : 0;
}

static size_t pack_floats(const struct cpu_net *n, int i)
{
    const struct model_layer *l = &n->model->layers[i];
    size_t in = (size_t)n->packs[i].in, out = (size_t)n->packs[i].out, kernel = (size_t)l->kernel;
    if (i == 0 && n->is_rgb_direct)
        return 2 * 27 * out;
    if (i < n->convs && cpu_net_filters_of(n->packs[i].in, n->packs[i].out) != FILTERS_KEPT)
        return 9 * in * out;
    return i < n->convs ? kept_floats(l->in, (int)out) + kept_floats(l->out, (int)in) +
                              kept_pairs_floats(n, l->in, (int)out) + kept_pairs_floats(n, l->out, (int)in)
                        : kernel * kernel * in * out * 3 / sizeof(float);
}

static void mean_of_classes(struct cpu_net *n)
{
    const struct model_layer *l = &n->model->layers[n->model->layer_count - 1];
    for (int c = 0; c < l->in; c++) {
        double sum = 0;
        for (int k = 0; k < l->out; k++)
            sum += (double)l->weight[(size_t)k * (size_t)l->in + (size_t)c];
        n->fc8_mean[c] = (float)(sum / l->out);
    }
}

static void pack_layer(struct cpu_net *n, int i, bool is_last_reader)
{
    const struct model_layer *l = &n->model->layers[i];
    struct pack *p = &n->packs[i];
    memcpy(p->bias, l->bias, (size_t)l->out * sizeof *p->bias);
    struct pack_job job = {n, l, p, false, is_last_reader};
    if (i == 0 && n->is_rgb_direct) {
        pack_rgb(n->model, p);
    } else if (p->filters) {
        pool_run(n->pool, pack_filters_panel, &job, p->out / GROUP);
    } else if (i < n->convs) {
        pool_run(n->pool, pack_conv_panel, &job, p->out / GROUP);
        job.backward = true;
        pool_run(n->pool, pack_conv_panel, &job, p->in / GROUP);
    } else {
        pool_run(n->pool, pack_head_panel, &job, p->out / GROUP);
    }
}

/* Gives layer i its place from `at` on; returns what lies behind it. */
static float *place(struct cpu_net *n, int i, float *at)
{
    struct pack *p = &n->packs[i];
    const struct model_layer *l = &n->model->layers[i];
    size_t all = pack_floats(n, i);
    p->bias = at;
    at += p->out;
    if (i >= n->convs) {
        p->high = (uint16_t *)at;
        p->low = (int8_t *)(p->high + all * sizeof *at / 3);
    } else if (cpu_net_filters_of(n->packs[i].in, n->packs[i].out) != FILTERS_KEPT) {
        p->filters = at;
    } else if (i == 0 && n->is_rgb_direct) {
        p->forward = at;
        p->backward = at + all / 2;
    } else {
        p->forward = at;
        p->backward = p->forward + kept_floats(l->in, p->out);
        p->forward_pairs = (uint16_t *)(p->backward + kept_floats(l->out, p->in));
        p->backward_pairs = p->forward_pairs + 2 * kept_pairs_floats(n, l->in, p->out);
    }
    return at + all;
}

static size_t all_floats(const struct cpu_net *n)
{
    size_t floats = (size_t)n->packs[n->model->layer_count - 1].in;
    for (int i = 0; i < n->model->layer_count; i++)
        floats += (size_t)n->packs[i].out + pack_floats(n, i);
    return floats;
}

int cpu_net_pack(struct cpu_net *n, struct model *m, struct error *e)
{
    for (int i = 0; i < m->layer_count; i++)
        if (!m->layers[i].weight)
            return error_set(e, EINVAL, "network: the weights of %s went to another network", m->name);
    n->packed_bytes = all_floats(n) * sizeof(float);
    n->packed = buffer_alloc(n->packed_bytes);
    if (!n->packed)
        return error_set(e, ENOMEM, "network: no memory for the %zu MB of packed weights of %s",
                         n->packed_bytes >> 20, m->name);
    float *at = n->packed;
    n->fc8_mean = at;
    memset(at, 0, (size_t)n->packs[m->layer_count - 1].in * sizeof *at);
    mean_of_classes(n);
    at += n->packs[m->layer_count - 1].in;
    for (int i = m->layer_count - 1; i >= 0; i--) {
        float *behind = place(n, i, at);
        /* The head's are zeroed panel by panel. */
        size_t zeroed = i < n->convs ? (size_t)(behind - at) : (size_t)n->packs[i].out;
        memset(at, 0, zeroed * sizeof *at);
        pack_layer(n, i, m->serves_once);
        if (m->serves_once)
            model_drop_layer(&m->layers[i]);
        at = behind;
    }
    return 0;
}

/* U of one direction in one form. */
static void forget(void *u, size_t floats)
{
    if (u)
        release(u, floats * sizeof(float));
}

void cpu_net_pack_forget(struct cpu_net *n)
{
    for (int i = n->is_rgb_direct ? 1 : 0; i < n->convs; i++) {
        const struct model_layer *l = &n->model->layers[i];
        struct pack *p = &n->packs[i];
        if (n->rounds[0][i])
            forget(p->forward, kept_floats(l->in, p->out)); /* NULL where filters are not kept */
        else
            forget(p->forward_pairs, kept_pairs_floats(n, l->in, p->out));
        if (n->rounds[1][i])
            forget(p->backward, kept_floats(l->out, p->in));
        else
            forget(p->backward_pairs, kept_pairs_floats(n, l->out, p->in));
    }
    for (int i = n->convs; n->rounds_head && i < n->model->layer_count; i++)
        release(n->packs[i].low, pack_floats(n, i) * sizeof(float) / 3);
}
