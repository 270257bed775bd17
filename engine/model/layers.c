/*
 * layers - fills the layers of a VGG from the tensors that names.c found.
 *
 * Batch norm is folded while loading: w' = w g / sqrt(v + eps), b' = (b - m) g / sqrt(v + eps) + beta; its
 * beta and |g| are the mean and deviation of the layer before its ReLU, which is what `stats.*` holds in
 * files that were folded before.
 *
 * fc6 is a matrix on the flattened picture of C x k x k (C first), which is the memory order of a k x k
 * kernel: only its shape has to be read anew.
 */
#include "engine/model/layers.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { CHANNELS_MAX = 16384, KERNEL_MAX = 15 };
#define BATCH_NORM_EPS 1e-5

static const char *print_shape(const struct tensor *t, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < t->dims && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? ", " : "", (long long)t->shape[i]);
    if (n < size)
        snprintf(out + n, size - n, "]");
    return out;
}

static int wrong_shape(const struct tensor *t, const char *expected, struct error *e)
{
    char shape[128];
    return error_set(e, EINVAL, "tensor %s: its shape is %s; %s is expected", t->name,
                     print_shape(t, shape, sizeof shape), expected);
}

enum { ELEMENTS_AT_ONCE = 1 << 20 };

/* Copies all elements as float into new memory, and drops the file's bytes behind it. NaN and infinities are
 * refused: one of them anywhere would spread over every picture. */
static int copy_finite(float **out, const struct weights *w, const struct tensor *t, struct error *e)
{
    *out = buffer_alloc((size_t)t->elements * sizeof **out);
    if (!*out)
        return error_set(e, ENOMEM, "tensor %s: no memory for %lld MB", t->name,
                         (long long)(t->elements >> 18) + 1);
    for (int64_t first = 0; first < t->elements; first += ELEMENTS_AT_ONCE) {
        int64_t rest = t->elements - first, count = rest < ELEMENTS_AT_ONCE ? rest : ELEMENTS_AT_ONCE;
        tensor_to_float(t, first, count, *out + first);
        weights_drop(w, t, first, count);
    }
    for (int64_t i = 0; i < t->elements; i++)
        if (!isfinite((*out)[i]))
            return error_set(e, EDOM, "tensor %s: element %lld is not a finite number", t->name,
                             (long long)i);
    return 0;
}

static int copy_vector(float **out, const struct weights *w, const char *layer, const char *part, int length,
                       struct error *e)
{
    const struct tensor *t = model_part(w, layer, part);
    if (!t)
        return error_set(e, EINVAL, "tensor %s.%s is missing", layer, part);
    char expected[32];
    snprintf(expected, sizeof expected, "[%d]", length);
    if (t->dims != 1 || t->shape[0] != length)
        return wrong_shape(t, expected, e);
    return copy_finite(out, w, t, e);
}

static int fold_batch_norm(struct model_layer *l, const struct weights *w, const char *norm, struct error *e)
{
    float *v[4] = {NULL};
    static const char *const parts[4] = {"weight", "bias", "running_mean", "running_var"};
    int rc = 0;
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = copy_vector(&v[i], w, norm, parts[i], l->out, e);
    size_t per_channel = (size_t)l->in * (size_t)l->kernel * (size_t)l->kernel;
    for (int c = 0; c < l->out && rc == 0; c++) {
        if (v[3][c] < 0) {
            rc = error_set(e, EDOM, "tensor %s.running_var: element %d is negative", norm, c);
            break;
        }
        double gain = v[0][c] / sqrt(v[3][c] + BATCH_NORM_EPS);
        for (size_t i = 0; i < per_channel; i++)
            l->weight[(size_t)c * per_channel + i] *= (float)gain;
        l->bias[c] = (float)((l->bias[c] - v[2][c]) * gain + v[1][c]);
        v[0][c] = fabsf(v[0][c]);
    }
    if (rc == 0) {
        l->stat_mean = v[1];
        l->stat_std = v[0];
        v[0] = v[1] = NULL;
    }
    for (int i = 0; i < 4; i++)
        free(v[i]);
    return rc;
}

/* stats.<layer>.mean and .std, when the file has them. */
static int copy_stats(struct model_layer *l, const struct weights *w, const char *layer, struct error *e)
{
    char name[LAYER_NAME_BYTES + 8];
    snprintf(name, sizeof name, "stats.%s", layer);
    if (!model_part(w, name, "mean") && !model_part(w, name, "std"))
        return 0;
    int rc = copy_vector(&l->stat_mean, w, name, "mean", l->out, e);
    return rc < 0 ? rc : copy_vector(&l->stat_std, w, name, "std", l->out, e);
}

static int fill_layer(struct model_layer *l, const struct weights *w, const char *layer,
                      const struct tensor *weight, struct error *e)
{
    int rc = copy_finite(&l->weight, w, weight, e);
    if (rc == 0)
        rc = copy_vector(&l->bias, w, layer, "bias", l->out, e);
    return rc == 0 ? copy_stats(l, w, layer, e) : rc;
}

static int add_convolution(struct model *m, const struct weights *w, const char *layer, int in,
                           struct error *e)
{
    const struct tensor *t = model_part(w, layer, "weight");
    char expected[64];
    snprintf(expected, sizeof expected, "[1..%d, %d, 3, 3]", CHANNELS_MAX, in);
    if (t->dims != 4 || t->shape[0] < 1 || t->shape[0] > CHANNELS_MAX || t->shape[1] != in ||
        t->shape[2] != 3 || t->shape[3] != 3)
        return wrong_shape(t, expected, e);
    struct model_layer *l = &m->layers[m->layer_count++];
    l->in = in;
    l->out = (int)t->shape[0];
    l->kernel = 3;
    return fill_layer(l, w, layer, t, e);
}

static int build_convolutions(struct model *m, const struct weights *w, const struct model_names *n,
                              struct error *e)
{
    int block = 1, in_block = 0;
    m->stride_px = 1;
    for (int i = 0; i < n->convolutions; i++) {
        const struct model_conv_name *c = &n->conv[i];
        int rc = add_convolution(m, w, c->layer, i ? m->layers[i - 1].out : 3, e);
        struct model_layer *l = &m->layers[i];
        if (rc == 0 && c->norm[0])
            rc = fold_batch_norm(l, w, c->norm, e);
        if (rc < 0)
            return rc;
        snprintf(l->name, sizeof l->name, "conv%d_%d", block % 100, ++in_block % 100);
        l->pool_after = c->pool_after;
        if (l->pool_after) {
            m->stride_px *= 2;
            block++;
            in_block = 0;
        }
        if (m->stride_px > 64)
            return error_set(e, EINVAL, "tensor %s.weight: a seventh pool; at most 6 are expected", c->layer);
    }
    return 0;
}

/* The side of fc6's kernel from its shape, 0 when none fits. */
static int kernel_from(const struct tensor *t, int in)
{
    if (t->dims == 4)
        return t->shape[1] == in && t->shape[2] == t->shape[3] && t->shape[2] <= KERNEL_MAX ? (int)t->shape[2]
                                                                                            : 0;
    if (t->dims != 2)
        return 0;
    for (int k = 1; k <= KERNEL_MAX; k++)
        if (t->shape[1] == (int64_t)in * k * k)
            return k;
    return 0;
}

static int build_head(struct model *m, const struct weights *w, const struct model_names *n, struct error *e)
{
    for (int i = 0; i < 3; i++) {
        const struct tensor *t = model_part(w, n->head[i], "weight");
        if (!t)
            return error_set(e, EINVAL, "tensor %s.weight is missing", n->head[i]);
        int in = m->layers[m->layer_count - 1].out;
        int kernel = kernel_from(t, in);
        if (kernel == 0 || (i > 0 && kernel != 1) || t->shape[0] < 1 || t->shape[0] > CHANNELS_MAX) {
            char expected[64];
            snprintf(expected, sizeof expected, i ? "[1..%d, %d]" : "[1..%d, %d x k x k]", CHANNELS_MAX, in);
            return wrong_shape(t, expected, e);
        }
        struct model_layer *l = &m->layers[m->layer_count++];
        snprintf(l->name, sizeof l->name, "fc%d", 6 + i);
        l->in = in;
        l->out = (int)t->shape[0];
        l->kernel = kernel;
        int rc = fill_layer(l, w, n->head[i], t, e);
        if (rc < 0)
            return rc;
    }
    m->classes = m->layers[m->layer_count - 1].out;
    return 0;
}

int model_build_layers(struct model *m, const struct weights *w, const struct model_names *n, struct error *e)
{
    int rc = build_convolutions(m, w, n, e);
    return rc < 0 ? rc : build_head(m, w, n, e);
}
