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

enum { CHANNELS_MAX = 16384, KERNEL_MAX = 15, MIRRORED_MAX = 2048 };
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

enum { ELEMENTS_AT_ONCE = 1 << 20, STAYS_ELEMENTS = 4 << 20 };

static int not_finite(const struct tensor *t, int64_t element, struct error *e)
{
    return error_set(e, EDOM, "tensor %s: element %lld is not a finite number", t->name, (long long)element);
}

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
            return not_finite(t, i, e);
    return 0;
}

/* Weights that can be read where they are: plain floats of this machine's order, and enough of them that a copy would be
 * most of what a program holds. */
static bool may_stay(const struct weights *w, const struct model_weight *from)
{
    const struct tensor *t = from->values;
    return !from->mask && !from->lengths && t->dtype == TENSOR_F32 && t->elements >= STAYS_ELEMENTS &&
           weights_are_in_file(w, t->data, (size_t)t->elements * sizeof(float)) &&
           (uintptr_t)t->data % sizeof(float) == 0 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* The same checks as of a copy; what was looked at does not stay in memory. */
static int leave_in_file(struct model_layer *l, const struct tensor *t, struct error *e)
{
    l->weight = (float *)(uintptr_t)t->data; /* nobody writes to the head */
    l->is_in_file = true;
    for (int64_t first = 0; first < t->elements; first += ELEMENTS_AT_ONCE) {
        int64_t rest = t->elements - first, end = first + (rest < ELEMENTS_AT_ONCE ? rest : ELEMENTS_AT_ONCE);
        for (int64_t i = first; i < end; i++)
            if (!isfinite(l->weight[i]))
                return not_finite(t, i, e);
        model_read_behind(l, (size_t)first, (size_t)(end - first));
    }
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

/* A layer's bias; where batch norm follows it may be missing, which is 0. */
static int copy_bias(struct model_layer *l, const struct weights *w, const char *layer, bool has_norm,
                     struct error *e)
{
    if (!has_norm || model_part(w, layer, "bias"))
        return copy_vector(&l->bias, w, layer, "bias", l->out, e);
    l->bias = xcalloc((size_t)l->out, sizeof *l->bias);
    return 0;
}

/* Pruned weights are zero where their mask is. */
static int apply_mask(float *weight, const struct weights *w, const struct tensor *mask, int64_t elements,
                      struct error *e)
{
    float *keep = NULL;
    if (mask->elements != elements)
        return wrong_shape(mask, "the shape of what it masks", e);
    int rc = copy_finite(&keep, w, mask, e);
    for (int64_t i = 0; i < elements && rc == 0; i++)
        weight[i] *= keep[i];
    free(keep);
    return rc;
}

/* Weight normalisation (Salimans and Kingma 2016): w = g v / |v|, for each output. */
static int apply_lengths(float *weight, const struct weights *w, const struct tensor *lengths,
                         int64_t elements, int64_t outputs, struct error *e)
{
    float *length = NULL;
    if (lengths->elements != outputs)
        return wrong_shape(lengths, "a length for each output", e);
    int rc = copy_finite(&length, w, lengths, e);
    for (int64_t o = 0, each = elements / outputs; o < outputs && rc == 0; o++) {
        double sum = 0;
        for (int64_t i = 0; i < each; i++)
            sum += (double)weight[o * each + i] * (double)weight[o * each + i];
        for (int64_t i = 0; i < each && sum > 0; i++)
            weight[o * each + i] *= length[o] / (float)sqrt(sum);
    }
    free(length);
    return rc;
}

static int copy_weight(float **out, const struct weights *w, const struct model_weight *from, struct error *e)
{
    const struct tensor *t = from->values;
    int rc = copy_finite(out, w, t, e);
    if (rc == 0 && from->mask)
        rc = apply_mask(*out, w, from->mask, t->elements, e);
    if (rc == 0 && from->lengths)
        rc = apply_lengths(*out, w, from->lengths, t->elements, t->shape[0], e);
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
                      const struct model_weight *weight, bool has_norm, bool stays, struct error *e)
{
    snprintf(l->tensor, sizeof l->tensor, "%.63s", layer);
    int rc = stays && may_stay(w, weight) ? leave_in_file(l, weight->values, e)
                                          : copy_weight(&l->weight, w, weight, e);
    if (rc == 0)
        rc = copy_bias(l, w, layer, has_norm, e);
    return rc == 0 ? copy_stats(l, w, layer, e) : rc;
}

/* A network of grey pictures sees a colour picture's luma (BT.601): its one plane becomes three. */
static int spread_grey(struct model_layer *l, struct error *e)
{
    static const float share[3] = {0.299f, 0.587f, 0.114f};
    float *wide = buffer_alloc((size_t)l->out * 27 * sizeof *wide);
    if (!wide)
        return error_set(e, ENOMEM, "no memory for %d filters", l->out);
    for (size_t i = 0; i < (size_t)l->out * 27; i++)
        wide[i] = l->weight[i / 27 * 9 + i % 9] * share[i / 9 % 3];
    free(l->weight);
    l->weight = wide;
    l->in = 3;
    return 0;
}

static int add_convolution(struct model *m, const struct weights *w, const struct model_conv_name *c, int in,
                           struct error *e)
{
    const struct model_weight weight = model_weight(w, c->layer);
    const struct tensor *t = weight.values;
    char expected[64];
    snprintf(expected, sizeof expected, "[1..%d, %d, 3, 3]", CHANNELS_MAX, in);
    m->is_grey = m->is_grey || (m->layer_count == 0 && t->dims == 4 && t->shape[1] == 1);
    in = m->layer_count == 0 && m->is_grey ? 1 : in;
    if (t->dims != 4 || t->shape[0] < 1 || t->shape[0] > CHANNELS_MAX || t->shape[1] != in ||
        t->shape[2] != 3 || t->shape[3] != 3)
        return wrong_shape(t, expected, e);
    struct model_layer *l = &m->layers[m->layer_count++];
    l->in = in;
    l->out = (int)t->shape[0];
    l->kernel = 3;
    int rc = fill_layer(l, w, c->layer, &weight, c->norm[0] != '\0', false, e);
    if (rc == 0 && c->norm[0])
        rc = fold_batch_norm(l, w, c->norm, e);
    return rc == 0 && in == 1 ? spread_grey(l, e) : rc;
}

static int build_convolutions(struct model *m, const struct weights *w, const struct model_names *n,
                              struct error *e)
{
    int block = 1, in_block = 0;
    m->stride_px = 1;
    for (int i = 0; i < n->convolutions; i++) {
        const struct model_conv_name *c = &n->conv[i];
        int rc = add_convolution(m, w, c, i ? m->layers[i - 1].out : 3, e);
        struct model_layer *l = &m->layers[i];
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

/* The next layer of the head, of zeros but for what the caller writes into it. */
static struct model_layer *add_linear(struct model *m, int in, int out, int kernel, struct error *e)
{
    struct model_layer *l = &m->layers[m->layer_count];
    size_t floats = (size_t)out * (size_t)in * (size_t)kernel * (size_t)kernel;
    l->weight = buffer_alloc(floats * sizeof *l->weight);
    if (!l->weight) {
        error_set(e, ENOMEM, "no memory for a layer of %dx%d", in, out);
        return NULL;
    }
    memset(l->weight, 0, floats * sizeof *l->weight);
    l->bias = xcalloc((size_t)out, sizeof *l->bias);
    l->in = in;
    l->out = out;
    l->kernel = kernel;
    m->layer_count++;
    return l;
}

/* out[i] = in[i] - in[i + out] where the input is twice as wide, else out[i] = in[i]. */
static int add_passing(struct model *m, int out, struct error *e)
{
    int in = m->layers[m->layer_count - 1].out;
    struct model_layer *l = add_linear(m, in, out, 1, e);
    for (int i = 0; l && i < out; i++) {
        l->weight[(size_t)i * (size_t)in + (size_t)i] = 1;
        if (in == 2 * out)
            l->weight[(size_t)i * (size_t)in + (size_t)(i + out)] = -1;
    }
    return l ? 0 : -ENOMEM;
}

/* A linear layer of the file as the head's next. */
static int add_read(struct model *m, const struct weights *w, const struct model_names *n, int i,
                    struct error *e)
{
    const char *name = n->head[i];
    bool is_first = i == 0;
    const struct model_weight weight = model_weight(w, name);
    const struct tensor *t = weight.values;
    if (!t)
        return error_set(e, EINVAL, "tensor %s.weight is missing", name);
    int in = m->layers[m->layer_count - 1].out, kernel = kernel_from(t, in);
    if (kernel == 0 || (!is_first && kernel != 1) || t->shape[0] < 1 || t->shape[0] > CHANNELS_MAX) {
        char expected[64];
        snprintf(expected, sizeof expected, is_first ? "[1..%d, %d x k x k]" : "[1..%d, %d]", CHANNELS_MAX,
                 in);
        return wrong_shape(t, expected, e);
    }
    struct model_layer *l = &m->layers[m->layer_count++];
    l->in = in;
    l->out = (int)t->shape[0];
    l->kernel = kernel;
    return fill_layer(l, w, name, &weight, false, m->file && n->heads == 3, e);
}

/* The one linear layer of a network is its logits, and a ReLU stands behind fc6: so fc6 holds it twice, the second time
 * turned round, and what is left of both is put together again behind it. */
static int mirror_rows(struct model_layer *l, const char *name, struct error *e)
{
    size_t floats = (size_t)l->out * (size_t)l->in * (size_t)l->kernel * (size_t)l->kernel;
    if (l->out > MIRRORED_MAX)
        return error_set(e, EINVAL,
                         "tensor %s.weight: %d classes; up to %d are taken behind a single linear layer",
                         name, l->out, MIRRORED_MAX);
    float *both = buffer_alloc(2 * floats * sizeof *both);
    if (!both)
        return error_set(e, ENOMEM, "no memory for a layer of %dx%d", l->in, l->out);
    for (size_t i = 0; i < floats; i++)
        both[floats + i] = -(both[i] = l->weight[i]);
    free(l->weight);
    l->weight = both;
    l->bias = xrealloc(l->bias, 2 * (size_t)l->out * sizeof *l->bias);
    for (int i = 0; i < l->out; i++)
        l->bias[l->out + i] = -l->bias[i];
    l->out *= 2;
    return 0;
}

/* Behind the convolutions always stand fc6, fc7 and fc8: those that a file lacks pass on what they get. */
static int build_head(struct model *m, const struct weights *w, const struct model_names *n, struct error *e)
{
    int first = m->layer_count, rc = 0;
    if (n->heads == 0) {
        m->is_headless = true;
        rc = add_linear(m, m->layers[first - 1].out, 1, 1, e) ? 0 : -ENOMEM;
    }
    for (int i = 0; i < n->heads && rc == 0; i++) {
        if (n->heads == 2 && i == 1)
            rc = add_passing(m, m->layers[first].out, e);
        if (rc == 0)
            rc = add_read(m, w, n, i, e);
    }
    if (rc == 0 && n->heads == 1)
        rc = mirror_rows(&m->layers[first], n->head[0], e);
    while (rc == 0 && m->layer_count < first + 3) {
        int wide = m->layers[first].out;
        rc = add_passing(m, n->heads == 1 && m->layer_count == first + 2 ? wide / 2 : wide, e);
    }
    for (int i = first; i < m->layer_count; i++)
        snprintf(m->layers[i].name, sizeof m->layers[i].name, "fc%d", 6 + i - first);
    m->classes = m->layers[m->layer_count - 1].out;
    return rc;
}

int model_build_layers(struct model *m, const struct weights *w, const struct model_names *n, struct error *e)
{
    int rc = build_convolutions(m, w, n, e);
    return rc < 0 ? rc : build_head(m, w, n, e);
}
