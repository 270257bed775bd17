/*
 * reference - the network once more, in double precision and as directly as the definition reads: what the
 * fast one is compared with. Keeps every activation; only for small pictures.
 */
#ifndef TESTS_ENGINE_REFERENCE_H
#define TESTS_ENGINE_REFERENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/cpu/net.h"

/* Scale-free distance: sum of squared differences over the sum of squares. */
static inline double nmse(const float *a, const double *truth, size_t count)
{
    double error = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        error += ((double)a[i] - truth[i]) * ((double)a[i] - truth[i]);
        norm += truth[i] * truth[i];
    }
    return norm > 0 ? error / norm : error;
}

struct plane_set {
    int channels, w, h;
    double *v; /* [channels][h][w] */
};

static inline struct plane_set planes_make(int channels, int w, int h)
{
    return (struct plane_set){channels, w, h, xcalloc((size_t)(channels * w * h), sizeof(double))};
}

static inline double *plane_at(const struct plane_set *p, int c, int y, int x)
{
    return &p->v[((size_t)c * (size_t)p->h + (size_t)y) * (size_t)p->w + (size_t)x];
}

static inline bool plane_holds(const struct plane_set *p, int y, int x)
{
    return x >= 0 && y >= 0 && x < p->w && y < p->h;
}

static inline int reference_padding(const struct model *m, int layer)
{
    return layer < m->layer_count - 3 ? 1 : 0;
}

/* Calls visit(out element, in element, weight) for every multiplication of a convolution. */
#define FOR_EACH_PRODUCT(layer_, pad_, in_, out_, body_)                                                     \
    for (int k = 0; k < (layer_)->out; k++)                                                                  \
        for (int c = 0; c < (layer_)->in; c++)                                                               \
            for (int t = 0; t < (layer_)->kernel * (layer_)->kernel; t++) {                                  \
                double w = (double)(layer_)                                                                  \
                               ->weight[((k * (layer_)->in) + c) * (layer_)->kernel * (layer_)->kernel + t]; \
                for (int y = 0; y < (out_)->h; y++)                                                          \
                    for (int x = 0; x < (out_)->w; x++) {                                                    \
                        int iy = y + t / (layer_)->kernel - (pad_), ix = x + t % (layer_)->kernel - (pad_);  \
                        if (plane_holds((in_), iy, ix))                                                      \
                            body_;                                                                           \
                    }                                                                                        \
            }

static inline struct plane_set reference_conv(const struct model *m, int i, const struct plane_set *in)
{
    const struct model_layer *l = &m->layers[i];
    int pad = reference_padding(m, i), shrink = l->kernel - 1 - 2 * pad;
    struct plane_set out = planes_make(l->out, in->w - shrink, in->h - shrink);
    for (int k = 0; k < l->out; k++)
        for (int p = 0; p < out.w * out.h; p++)
            plane_at(&out, k, 0, 0)[p] = (double)l->bias[k];
    FOR_EACH_PRODUCT(l, pad, in, &out, *plane_at(&out, k, y, x) += w * *plane_at(in, c, iy, ix))
    for (int p = 0; p < out.channels * out.w * out.h && i < m->layer_count - 1; p++)
        out.v[p] = fmax(out.v[p], 0);
    return out;
}

/* The largest of each 2x2, or with `grad` the way back: its gradient to the first largest. */
static inline struct plane_set reference_pool(const struct plane_set *in, const struct plane_set *grad)
{
    struct plane_set out =
        grad ? planes_make(in->channels, in->w, in->h) : planes_make(in->channels, in->w / 2, in->h / 2);
    for (int c = 0; c < in->channels; c++)
        for (int y = 0; y < in->h / 2; y++)
            for (int x = 0; x < in->w / 2; x++) {
                int best = 0;
                for (int i = 1; i < 4; i++)
                    if (*plane_at(in, c, 2 * y + i / 2, 2 * x + i % 2) >
                        *plane_at(in, c, 2 * y + best / 2, 2 * x + best % 2))
                        best = i;
                int by = 2 * y + best / 2, bx = 2 * x + best % 2;
                if (grad)
                    *plane_at(&out, c, by, bx) = *plane_at(grad, c, y, x);
                else
                    *plane_at(&out, c, y, x) = *plane_at(in, c, by, bx);
            }
    return out;
}

/* The objective's gradient to the last activations, written over them. */
static inline double reference_objective(const struct model *m, const struct objective *o,
                                         struct plane_set *a)
{
    double value = 0;
    int plane = a->w * a->h, all = plane * a->channels;
    for (int k = 0; k < a->channels; k++)
        for (int p = 0; p < plane; p++) {
            double *x = plane_at(a, k, 0, 0) + p, d = 0;
            if (o->layer < 0) {
                d = -(double)o->minus_mean / m->classes / plane;
                for (int s = 0; s < o->subject_count; s++)
                    d += o->subjects[s].class_index == k ? (double)o->subjects[s].weight[p] : 0;
                value += d * *x;
            } else if (o->channel >= 0) {
                d = k == o->channel ? 1.0 / plane : 0;
                value += d * *x;
            } else {
                d = 2 * *x / all;
                value += *x * *x / all;
            }
            *x = *x > 0 || o->layer < 0 || o->layer == m->layer_count - 1 ? d : 0;
        }
    return value;
}

/* Activations of all layers up to `last` into maps[0..last + 1], before their pools in before[0..last]. */
static inline void reference_forward(const struct model *m, const float *x, int w, int h, int last,
                                     bool is_bare, struct plane_set *maps, struct plane_set *before)
{
    maps[0] = planes_make(3, w, h);
    for (int p = 0; p < 3 * w * h; p++)
        maps[0].v[p] = ((double)x[p] / 255 - (double)m->mean[p / (w * h)]) / (double)m->std[p / (w * h)];
    for (int i = 0; i <= last; i++) {
        before[i] = reference_conv(m, i, &maps[i]);
        bool pooled = m->layers[i].pool_after && !(is_bare && i == last);
        maps[i + 1] = pooled ? reference_pool(&before[i], NULL)
                             : planes_make(before[i].channels, before[i].w, before[i].h);
        if (!pooled)
            memcpy(maps[i + 1].v, before[i].v,
                   (size_t)(before[i].channels * before[i].w * before[i].h) * sizeof(double));
    }
}

static inline struct plane_set reference_back_through(const struct model *m, int i,
                                                      const struct plane_set *in,
                                                      const struct plane_set *before, struct plane_set grad)
{
    const struct model_layer *l = &m->layers[i];
    if (grad.w != before->w || grad.h != before->h) {
        struct plane_set wide = reference_pool(before, &grad);
        free(grad.v);
        grad = wide;
    }
    for (int p = 0; p < grad.channels * grad.w * grad.h && i < m->layer_count - 1; p++)
        grad.v[p] = before->v[p] > 0 ? grad.v[p] : 0;
    struct plane_set out = planes_make(l->in, in->w, in->h);
    FOR_EACH_PRODUCT(l, reference_padding(m, i), &out, &grad,
                     *plane_at(&out, c, iy, ix) += w * *plane_at(&grad, k, y, x))
    free(grad.v);
    return out;
}

/* Logits into `logits` and gradient into `grad` (each may be NULL); returns the objective. */
static inline double reference_network(const struct model *m, const float *x, int w, int h,
                                       const struct objective *o, double *logits, double *grad)
{
    struct plane_set maps[MODEL_CONVS_MAX + 4], before[MODEL_CONVS_MAX + 3];
    int last = o && o->layer >= 0 ? o->layer : m->layer_count - 1;
    reference_forward(m, x, w, h, last, o && o->layer >= 0, maps, before);
    struct plane_set g = maps[last + 1];
    if (logits)
        memcpy(logits, g.v, (size_t)(g.channels * g.w * g.h) * sizeof *logits);
    double value = o ? reference_objective(m, o, &g) : 0;
    for (int i = last; i >= 0 && grad; i--) {
        g = reference_back_through(m, i, &maps[i], &before[i], g);
        for (int p = 0; p < 3 * w * h && i == 0; p++)
            grad[p] = g.v[p] / (255 * (double)m->std[p / (w * h)]);
    }
    free(g.v);
    for (int i = 0; i <= last; i++) {
        free(maps[i].v);
        free(before[i].v);
    }
    return value;
}

#endif
