/*
 * network - see network.h. Plain direct convolutions on planar activations, all of which are kept for the way
 * back.
 */
#include "engine/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

enum { LAYERS_MAX = MODEL_CONVS_MAX + 3 };

/* Sizes of one layer at the picture size of the current call. */
struct extent {
    int in_w, in_h;   /* map that the convolution reads */
    int out_w, out_h; /* map that it writes, before the pool */
};

struct network {
    const struct model *model;
    struct pool *pool;
    int max_width_px, max_height_px;
    struct extent extents[LAYERS_MAX];
    float *input;              /* [3][h][w] normalised */
    float *output[LAYERS_MAX]; /* [out][out_h][out_w] after ReLU (fc8: none) */
    float *pooled[LAYERS_MAX]; /* [out][out_h/2][out_w/2], where a pool follows */
    float *d_output, *d_input; /* gradients, sized for the largest map */
    size_t bytes;
    struct network_timing timings[3];
};

static int padding(const struct model_layer *l)
{
    return l->kernel == 3 && strncmp(l->name, "conv", 4) == 0 ? 1 : 0;
}

/* False when the picture is too small for one logit. */
static bool plan_extents(const struct model *m, int w, int h, struct extent *out)
{
    for (int i = 0; i < m->layer_count; i++) {
        const struct model_layer *l = &m->layers[i];
        int shrink = l->kernel - 1 - 2 * padding(l);
        out[i] = (struct extent){w, h, w - shrink, h - shrink};
        if (out[i].out_w < 1 || out[i].out_h < 1)
            return false;
        w = l->pool_after ? out[i].out_w / 2 : out[i].out_w;
        h = l->pool_after ? out[i].out_h / 2 : out[i].out_h;
    }
    return w >= 1 && h >= 1;
}

static float *take(struct network *n, size_t count)
{
    n->bytes += count * sizeof(float);
    return buffer_alloc(count * sizeof(float));
}

int network_open(struct network **out, const struct model *m, struct pool *pool, int max_width_px,
                 int max_height_px, enum cpu_tier tier, struct error *e)
{
    *out = NULL;
    if (tier != CPU_TIER_AUTO && tier != CPU_TIER_C)
        return error_set(e, ENOTSUP, "network: this CPU lacks the tier asked for; use auto");
    struct network *n = xcalloc(1, sizeof *n);
    n->model = m;
    n->pool = pool;
    n->max_width_px = max_width_px;
    n->max_height_px = max_height_px;
    if (!plan_extents(m, max_width_px, max_height_px, n->extents)) {
        free(n);
        return error_set(e, ERANGE, "network: %dx%d is too small for model %s", max_width_px, max_height_px,
                         m->name);
    }
    size_t largest = (size_t)max_width_px * (size_t)max_height_px * 3;
    bool ok = (n->input = take(n, largest)) != NULL;
    for (int i = 0; i < m->layer_count && ok; i++) {
        const struct extent *x = &n->extents[i];
        size_t size = (size_t)m->layers[i].out * (size_t)x->out_w * (size_t)x->out_h;
        largest = size > largest ? size : largest;
        ok = (n->output[i] = take(n, size)) != NULL;
        if (ok && m->layers[i].pool_after)
            ok = (n->pooled[i] = take(n, size / 4 + 1)) != NULL;
    }
    ok = ok && (n->d_output = take(n, largest)) != NULL && (n->d_input = take(n, largest)) != NULL;
    if (!ok) {
        int rc = error_set(e, ENOMEM, "network: no memory for %zu MB", n->bytes >> 20);
        network_close(&n);
        return rc;
    }
    *out = n;
    return 0;
}

void network_close(struct network **out)
{
    struct network *n = *out;
    if (!n)
        return;
    free(n->input);
    for (int i = 0; i < LAYERS_MAX; i++) {
        free(n->output[i]);
        free(n->pooled[i]);
    }
    free(n->d_output);
    free(n->d_input);
    free(n);
    *out = NULL;
}

const char *network_tier_name(const struct network *n)
{
    (void)n;
    return "c";
}

size_t network_bytes(const struct network *n)
{
    return n->bytes;
}

const struct network_timing *network_timings(const struct network *n, int *count)
{
    *count = 2;
    return n->timings;
}

struct conv_job {
    const struct model_layer *layer;
    const struct extent *extent;
    const float *in; /* [in][in_h][in_w], or the gradient [out][out_h][out_w] on the way back */
    float *out;      /* [out][out_h][out_w], or [in][in_h][in_w] on the way back */
    bool relu;
};

/* One row of a plane: out[x] += w * in[x + shift] wherever both exist. */
__attribute__((optimize("O3"))) static void
add_shifted_row(float *restrict out, int out_w, const float *restrict in, int in_w, int shift, float w)
{
    int first = shift < 0 ? -shift : 0;
    int end = out_w < in_w - shift ? out_w : in_w - shift;
    for (int x = first; x < end; x++)
        out[x] += w * in[x + shift];
}

static void conv_forward_channel(void *context, int k, int worker)
{
    (void)worker;
    const struct conv_job *j = context;
    const struct model_layer *l = j->layer;
    const struct extent *e = j->extent;
    size_t plane = (size_t)e->out_w * (size_t)e->out_h;
    float *out = j->out + (size_t)k * plane;
    int size = l->kernel, pad = padding(l);
    for (size_t p = 0; p < plane; p++)
        out[p] = l->bias[k];
    for (int y = 0; y < e->out_h; y++)
        for (int c = 0; c < l->in; c++)
            for (int tap = 0; tap < size * size; tap++) {
                int in_y = y + tap / size - pad;
                if (in_y < 0 || in_y >= e->in_h)
                    continue;
                add_shifted_row(
                    out + (size_t)y * (size_t)e->out_w, e->out_w,
                    j->in + ((size_t)c * (size_t)e->in_h + (size_t)in_y) * (size_t)e->in_w, e->in_w,
                    tap % size - pad,
                    l->weight[((size_t)k * (size_t)l->in + (size_t)c) * (size_t)(size * size) + (size_t)tap]);
            }
    for (size_t p = 0; p < plane && j->relu; p++)
        out[p] = out[p] > 0.0f ? out[p] : 0.0f;
}

static void conv_backward_channel(void *context, int c, int worker)
{
    (void)worker;
    const struct conv_job *j = context;
    const struct model_layer *l = j->layer;
    const struct extent *e = j->extent;
    size_t plane = (size_t)e->in_w * (size_t)e->in_h;
    float *out = j->out + (size_t)c * plane;
    int size = l->kernel, pad = padding(l);
    memset(out, 0, plane * sizeof *out);
    for (int y = 0; y < e->in_h; y++)
        for (int k = 0; k < l->out; k++)
            for (int tap = 0; tap < size * size; tap++) {
                int from_y = y - tap / size + pad;
                if (from_y < 0 || from_y >= e->out_h)
                    continue;
                add_shifted_row(
                    out + (size_t)y * (size_t)e->in_w, e->in_w,
                    j->in + ((size_t)k * (size_t)e->out_h + (size_t)from_y) * (size_t)e->out_w, e->out_w,
                    pad - tap % size,
                    l->weight[((size_t)k * (size_t)l->in + (size_t)c) * (size_t)(size * size) + (size_t)tap]);
            }
}

static void pool_forward(const float *in, int w, int h, int channels, float *out)
{
    for (int c = 0; c < channels; c++, in += (size_t)w * (size_t)h)
        for (int y = 0; y < h / 2; y++)
            for (int x = 0; x < w / 2; x++) {
                const float *p = in + (size_t)(2 * y) * (size_t)w + 2 * x;
                float a = p[0] > p[1] ? p[0] : p[1], b = p[w] > p[w + 1] ? p[w] : p[w + 1];
                *out++ = a > b ? a : b;
            }
}

/* Sends each gradient to the first largest of its four. `in` [c][h/2][w/2] -> `out` [c][h][w]. */
static void pool_backward(const float *activation, const float *in, int w, int h, int channels, float *out)
{
    memset(out, 0, (size_t)channels * (size_t)w * (size_t)h * sizeof *out);
    for (int c = 0; c < channels; c++, activation += (size_t)w * (size_t)h, out += (size_t)w * (size_t)h)
        for (int y = 0; y < h / 2; y++)
            for (int x = 0; x < w / 2; x++) {
                size_t at = (size_t)(2 * y) * (size_t)w + (size_t)(2 * x), best = at;
                size_t others[3] = {at + 1, at + (size_t)w, at + (size_t)w + 1};
                for (int i = 0; i < 3; i++)
                    best = activation[others[i]] > activation[best] ? others[i] : best;
                out[best] = *in++;
            }
}

static int check_size(struct network *n, int w, int h)
{
    if (w < 1 || h < 1 || w > n->max_width_px || h > n->max_height_px)
        return -ERANGE;
    return plan_extents(n->model, w, h, n->extents) ? 0 : -ERANGE;
}

/* Activations of layers 0..last of x [3][h][w] 0..255. */
static void forward(struct network *n, const float *x, int w, int h, int last)
{
    const struct model *m = n->model;
    size_t plane = (size_t)w * (size_t)h;
    for (int c = 0; c < 3; c++)
        for (size_t p = 0; p < plane; p++)
            n->input[(size_t)c * plane + p] =
                (x[(size_t)c * plane + p] * (1.0f / 255.0f) - m->mean[c]) / m->std[c];
    const float *in = n->input;
    for (int i = 0; i <= last; i++) {
        const struct model_layer *l = &m->layers[i];
        const struct extent *e = &n->extents[i];
        struct conv_job job = {l, e, in, n->output[i], i < m->layer_count - 1};
        pool_run(n->pool, conv_forward_channel, &job, l->out);
        in = n->output[i];
        if (l->pool_after) {
            pool_forward(in, e->out_w, e->out_h, l->out, n->pooled[i]);
            in = n->pooled[i];
        }
    }
}

int network_logits(struct network *n, const float *x, int width_px, int height_px, float *logits)
{
    int rc = check_size(n, width_px, height_px);
    if (rc < 0)
        return rc;
    int last = n->model->layer_count - 1;
    forward(n, x, width_px, height_px, last);
    const struct extent *e = &n->extents[last];
    memcpy(logits, n->output[last],
           (size_t)n->model->classes * (size_t)e->out_w * (size_t)e->out_h * sizeof *logits);
    return 0;
}

/* d objective / d logits into n->d_output [classes][map_h][map_w]; returns the objective. */
static double objective_of_logits(struct network *n, const struct objective *o)
{
    int last = n->model->layer_count - 1, classes = n->model->classes;
    const struct extent *e = &n->extents[last];
    size_t plane = (size_t)e->out_w * (size_t)e->out_h;
    double value = 0;
    float mean = -o->minus_mean / ((float)classes * (float)plane);
    for (size_t p = 0; p < plane * (size_t)classes; p++) {
        n->d_output[p] = mean;
        value += (double)mean * n->output[last][p];
    }
    for (int s = 0; s < o->subject_count; s++)
        for (size_t p = 0; p < plane; p++) {
            size_t at = (size_t)o->subjects[s].class_index * plane + p;
            n->d_output[at] += o->subjects[s].weight[p];
            value += (double)o->subjects[s].weight[p] * n->output[last][at];
        }
    return value;
}

static double objective_of_layer(struct network *n, const struct objective *o)
{
    const struct extent *e = &n->extents[o->layer];
    size_t plane = (size_t)e->out_w * (size_t)e->out_h;
    size_t all = plane * (size_t)n->model->layers[o->layer].out;
    const float *a = n->output[o->layer];
    double value = 0;
    for (size_t p = 0; p < all; p++) {
        bool ours = o->channel < 0 || p / plane == (size_t)o->channel;
        if (o->channel >= 0) {
            n->d_output[p] = ours ? 1.0f / (float)plane : 0.0f;
            value += ours ? (double)a[p] / (double)plane : 0;
        } else {
            n->d_output[p] = 2.0f * a[p] / (float)all;
            value += (double)a[p] * a[p] / (double)all;
        }
    }
    return value;
}

static void backward(struct network *n, int from)
{
    const struct model *m = n->model;
    for (int i = from; i >= 0; i--) {
        const struct extent *e = &n->extents[i];
        size_t all = (size_t)m->layers[i].out * (size_t)e->out_w * (size_t)e->out_h;
        for (size_t p = 0; p < all && i < m->layer_count - 1; p++)
            n->d_output[p] = n->output[i][p] > 0.0f ? n->d_output[p] : 0.0f;
        struct conv_job job = {&m->layers[i], e, n->d_output, n->d_input, false};
        pool_run(n->pool, conv_backward_channel, &job, m->layers[i].in);
        if (i > 0 && m->layers[i - 1].pool_after) {
            const struct extent *below = &n->extents[i - 1];
            pool_backward(n->output[i - 1], n->d_input, below->out_w, below->out_h, m->layers[i - 1].out,
                          n->d_output);
        } else {
            float *swap = n->d_output;
            n->d_output = n->d_input;
            n->d_input = swap;
        }
    }
}

int network_gradient(struct network *n, const float *x, int width_px, int height_px,
                     const struct objective *o, float *grad, double *value)
{
    int rc = check_size(n, width_px, height_px);
    if (rc < 0)
        return rc;
    const struct model *m = n->model;
    int last = o->layer >= 0 ? o->layer : m->layer_count - 1;
    if (last >= m->layer_count || o->channel >= m->layers[last].out)
        return -EINVAL;
    int64_t start_us = clock_real_us();
    forward(n, x, width_px, height_px, last);
    int64_t middle_us = clock_real_us();
    double v = o->layer >= 0 ? objective_of_layer(n, o) : objective_of_logits(n, o);
    backward(n, last);
    size_t plane = (size_t)width_px * (size_t)height_px;
    for (int c = 0; c < 3; c++)
        for (size_t p = 0; p < plane; p++)
            grad[(size_t)c * plane + p] = n->d_output[(size_t)c * plane + p] / (255.0f * m->std[c]);
    if (value)
        *value = v;
    n->timings[0] = (struct network_timing){"forward", (double)(middle_us - start_us) / 1000.0};
    n->timings[1] = (struct network_timing){"backward", (double)(clock_real_us() - middle_us) / 1000.0};
    return 0;
}
