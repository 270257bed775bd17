/*
 * net_detail - what a subject's own gradient asks of a middle layer, and a gradient that gives more of it.
 *
 * A logit's gradient says for every channel of a middle layer whether the subject would like more of it (its
 * mean over the map, where it is positive). Climbing the squares of those channels' activations at a finer scale
 * makes textures and edges that belong to the subject: DeepDream (Mordvintsev et al. 2015), with the channels
 * weighed by the subject as Grad-CAM weighs them (Selvaraju et al. 2017).
 *
 * The layer is the last one before the last pool but one (conv4_3 of VGG-16): it knows fur, feathers, wheels and
 * eyes, and no whole things yet.
 */
#include <errno.h>
#include <string.h>

#include "engine/cpu/net_internal.h"

int cpu_net_detail_layer(const struct model *m)
{
    int pools = 0;
    for (int i = m->layer_count - HEAD_LAYERS - 1; i >= 0; i--)
        if (m->layers[i].pool_after && ++pools == 2)
            return i;
    return -1;
}

int cpu_net_detail_stride(const struct model *m)
{
    int stride = 1;
    for (int i = 0; i < cpu_net_detail_layer(m); i++)
        stride *= m->layers[i].pool_after ? 2 : 1;
    return stride;
}

void cpu_net_detail_note(struct cpu_net *n)
{
    const struct map *m = &n->out[n->detail_layer];
    memset(n->wanted, 0, (size_t)m->channels * sizeof *n->wanted);
    for (int y = 1; y <= m->h; y++) {
        const float *g = m->data + ((size_t)y * (size_t)m->stride_px + 1) * (size_t)m->channels;
        for (int x = 0; x < m->w; x++, g += m->channels)
            for (int c = 0; c < m->channels; c++)
                n->wanted[c] += g[c];
    }
    for (int c = 0; c < m->channels; c++)
        n->wanted[c] = n->wanted[c] > 0 ? n->wanted[c] : 0;
}

struct detail_job {
    struct cpu_net *net;
    const float *mask;
};

/* Activations of a row become the gradient of half the sum of mask * wanted * squares. */
static void weigh_row(void *context, int y, int worker)
{
    (void)worker;
    const struct detail_job *j = context;
    const struct map *m = &j->net->out[j->net->detail_layer];
    const float *wanted = j->net->wanted, *mask = j->mask + (size_t)y * (size_t)m->w;
    float *a = m->data + ((size_t)(y + 1) * (size_t)m->stride_px + 1) * (size_t)m->channels;
    for (int x = 0; x < m->w; x++, a += m->channels)
        for (int c = 0; c < m->channels; c++)
            a[c] *= mask[x] * wanted[c];
}

int cpu_net_detail(struct cpu_net *n, const struct cpu_net_input *in, const float *mask, float *grad)
{
    if (n->detail_layer < 0)
        return -ENOTSUP;
    if (!cpu_net_plan(n, in->width_px, in->height_px, n->detail_layer, true))
        return -ERANGE;
    cpu_net_conv_forward(n, in->x, n->detail_layer);
    pool_run(n->pool, weigh_row, &(struct detail_job){n, mask}, n->out[n->detail_layer].h);
    cpu_net_conv_backward(n, n->detail_layer, grad);
    return 0;
}
