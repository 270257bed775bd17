/*
 * net_head - fc6..fc8 as convolutions over the last map, both ways, and the objective.
 *
 * Every layer is a matrix product over map positions, but for fc6 of a full VGG over a larger map
 * (net_fc6.c). Here fc6 reads each row of its kernel straight from the map (kernel * channels
 * neighbouring floats), without copying patches. On the way back fc6 gives the gradient of one kernel row at
 * a time for all positions, which is then added up in the map. The objective is linear in the logits, so
 * neither its gradient nor its value needs the logits themselves:
 *
 *     value = sum over p of d[p] . h7[p] + biases
 *     d[p]  = sum over s of weight_s[p] W8[class_s] - minus_mean / P * mean(W8)
 */
#include <string.h>

#include "engine/cpu/net_internal.h"

enum { DEPTH_AT_ONCE = 256 }; /* a panel's slice of 16 KB stays in the first-level cache over all rows */
enum { ROWS_MIN = 64 };       /* of a band: fewer would not pay for the widening of the weights */

/* c[segments * rows][16 * items] = sum over steps of a * weights, of a layer's packed weights `high` and
 * `low`. Forwards an item is a panel of outputs; on the way back it is 16 inputs, from number `first_input`
 * on (`is_turned`; one step). */
struct head_job {
    const struct kernels *kernels;
    const float *a;
    size_t lda, segment_stride, step_stride;
    int segments, rows; /* rows per segment */
    int steps, depth;   /* depth per step */
    const uint16_t *high;
    const int8_t *low;   /* or NULL */
    size_t panel_inputs; /* of the packed layer */
    bool is_turned;
    size_t first_input;
    float *c;
    size_t ldc;
    const float *bias; /* or NULL */
    int relu;
    const float *alive; /* [segments * rows][ldc] zero where not above zero, or NULL */
};

static const int8_t *low_from(const struct head_job *j, size_t at)
{
    return j->low ? j->low + at : NULL;
}

/* Weights first..first+depth-1 of an item's depth, as floats [depth][16]. */
static void weights_of(const struct head_job *j, int item, size_t first, int depth, float *out)
{
    if (j->is_turned) {
        size_t stride = j->panel_inputs * GROUP;
        size_t at = first / GROUP * stride + (j->first_input + (size_t)item * GROUP) * GROUP;
        j->kernels->widen_turned(j->high + at, low_from(j, at), stride, depth / GROUP, out);
    } else {
        size_t at = ((size_t)item * j->panel_inputs + first) * GROUP;
        j->kernels->widen(j->high + at, low_from(j, at), depth * GROUP, out);
    }
}

static void head_panel(void *context, int item, int worker)
{
    (void)worker;
    const struct head_job *j = context;
    _Alignas(64) float weights[DEPTH_AT_ONCE * GROUP]; /* widen stores whole vectors */
    float *c = j->c + (size_t)item * GROUP;
    int all = j->segments * j->rows, add = 0;
    for (int step = 0; step < j->steps; step++)
        for (int first = 0; first < j->depth; first += DEPTH_AT_ONCE, add = 1) {
            int depth = j->depth - first < DEPTH_AT_ONCE ? j->depth - first : DEPTH_AT_ONCE;
            weights_of(j, item, (size_t)step * (size_t)j->depth + (size_t)first, depth, weights);
            for (int s = 0; s < j->segments; s++)
                j->kernels->multiply(
                    j->a + (size_t)s * j->segment_stride + (size_t)step * j->step_stride + first, j->lda,
                    j->rows, depth, weights, 0, 1, c + (size_t)s * (size_t)j->rows * j->ldc, j->ldc, add);
        }
    if (j->bias)
        j->kernels->rows_bias(c, j->ldc, all, j->bias + item * GROUP, j->relu);
    if (j->alive)
        j->kernels->rows_alive(c, j->ldc, all, j->alive + item * GROUP, j->ldc);
}

/* How many of `parts` parts, of so many bytes, are done at once: at least `least`, and all bands nearly alike. */
static int band_of(const struct cpu_net *n, size_t part_bytes, int parts, int least)
{
    size_t fit = cpu_net_share(n) / part_bytes;
    int most = fit < (size_t)least ? least : fit < (size_t)parts ? (int)fit : parts;
    int bands = (parts + most - 1) / most;
    return (parts + bands - 1) / bands;
}

/*
 * All items, in bands of rows (of segments, where there are several): every item reads all of `a`, and what it
 * reads over a large map would come from memory each time. Each row is summed up by itself, so bands change
 * nothing.
 */
static void run_items(const struct cpu_net *n, struct head_job *j, int items)
{
    bool by_segment = j->segments > 1;
    int parts = by_segment ? j->segments : j->rows;
    size_t a_part = by_segment ? j->segment_stride : j->lda;
    size_t c_part = by_segment ? (size_t)j->rows * j->ldc : j->ldc;
    int band = band_of(n, (a_part + c_part) * sizeof(float), parts, by_segment ? 1 : ROWS_MIN);
    for (int first = 0; first < parts; first += band) {
        struct head_job b = *j;
        *(by_segment ? &b.segments : &b.rows) = parts - first < band ? parts - first : band;
        b.a += (size_t)first * a_part;
        b.c += (size_t)first * c_part;
        b.alive = b.alive ? b.alive + (size_t)first * c_part : NULL;
        pool_run(n->pool, head_panel, &b, items);
    }
}

static size_t panel_inputs(const struct cpu_net *n, int i)
{
    size_t kernel = (size_t)n->model->layers[n->convs + i].kernel;
    return kernel * kernel * (size_t)n->packs[n->convs + i].in;
}

void cpu_net_head_forward(struct cpu_net *n, int last)
{
    const struct map *m = &n->out[n->convs - 1];
    for (int i = FC6; i <= last; i++) {
        const struct pack *p = &n->packs[n->convs + i];
        struct head_job j = {.kernels = n->kernels,
                             .a = i == FC6 ? NULL : n->hidden[i - 1],
                             .lda = i == FC6 ? (size_t)p->in : cpu_net_hidden_row(n, i - 1),
                             .segments = 1,
                             .rows = n->map_w * n->map_h,
                             .steps = 1,
                             .depth = p->in,
                             .high = p->high,
                             .low = cpu_net_low(n, p),
                             .panel_inputs = panel_inputs(n, i),
                             .c = n->hidden[i],
                             .ldc = cpu_net_hidden_row(n, i),
                             .bias = p->bias,
                             .relu = i != FC8};
        if (i == FC6 && cpu_net_fc6_is_tiled(n, n->map_w, n->map_h)) {
            cpu_net_fc6_forward(n);
            cpu_net_stage_done(n, n->convs);
            continue;
        }
        if (i == FC6) {
            size_t row = (size_t)m->stride_px * (size_t)m->channels;
            j.a = m->data + row + m->channels;
            j.segments = n->map_h;
            j.rows = n->map_w;
            j.segment_stride = j.step_stride = row;
            j.steps = n->model->layers[n->convs].kernel;
            j.depth = j.steps * p->in;
        }
        run_items(n, &j, p->out / GROUP);
        cpu_net_stage_done(n, n->convs + i);
    }
}

/* ---- The way back ---- */

/* A row of fc6's kernel, for a band of rows of positions, which n->columns begins with. */
struct fold_job {
    struct cpu_net *net;
    int kernel_row, first;
};

static size_t map_row(const struct map *m, int y)
{
    return (size_t)(y + 1) * (size_t)m->stride_px + 1;
}

/* Adds what row `item` of the band says about the row of the map that lies under this row of the kernel. */
static void fold_columns(void *context, int item, int worker)
{
    (void)worker;
    const struct fold_job *j = context;
    const struct cpu_net *n = j->net;
    const struct map *m = &n->out[n->convs - 1];
    int width = n->model->layers[n->convs].kernel * m->channels;
    float *to = m->data + map_row(m, j->first + item + j->kernel_row) * (size_t)m->channels;
    for (int x = 0; x < n->map_w; x++)
        n->kernels->add(n->columns + (size_t)(item * n->map_w + x) * (size_t)width, width,
                        to + (size_t)x * (size_t)m->channels);
}

static void clear_row(void *context, int y, int worker)
{
    (void)worker;
    const struct map *m = context;
    memset(m->data + map_row(m, y) * (size_t)m->channels, 0,
           (size_t)m->w * (size_t)m->channels * sizeof *m->data);
}

static void row_alive(void *context, int y, int worker)
{
    (void)worker;
    const struct cpu_net *n = context;
    const struct map *m = &n->out[n->convs - 1];
    n->kernels->pixels_alive(m->data + map_row(m, y) * (size_t)m->channels,
                             m->alive + map_row(m, y) * (size_t)(m->channels / GROUP), m->w, m->channels);
}

/* Layer FC6 + i backwards: d_hidden[i] times the turned weights. Where the product goes is the
 * caller's to say. */
static struct head_job way_back(const struct cpu_net *n, int i)
{
    const struct pack *p = &n->packs[n->convs + i];
    return (struct head_job){.kernels = n->kernels,
                             .a = n->d_hidden[i],
                             .lda = cpu_net_hidden_row(n, i),
                             .segments = 1,
                             .rows = n->map_w * n->map_h,
                             .steps = 1,
                             .depth = p->out,
                             .high = p->high,
                             .low = cpu_net_low(n, p),
                             .panel_inputs = panel_inputs(n, i),
                             .is_turned = true};
}

static size_t column_floats(const struct cpu_net *n)
{
    return (size_t)n->model->layers[n->convs].kernel * (size_t)n->packs[n->convs].in;
}

/* A position's columns and its gradient. */
static size_t position_bytes(const struct cpu_net *n)
{
    return (column_floats(n) + cpu_net_hidden_row(n, FC6)) * sizeof(float);
}

size_t cpu_net_head_columns(const struct cpu_net *n, int map_w, int map_h)
{
    size_t fit = cpu_net_share(n) / position_bytes(n), all = (size_t)map_w * (size_t)map_h;
    fit = fit > (size_t)map_w ? fit : (size_t)map_w;
    return fit < all ? fit : all;
}

/* Bands go from the lowest up: so every row of the map hears the rows of the kernel in order. */
static void fc6_backward_directly(struct cpu_net *n)
{
    size_t width = column_floats(n);
    struct map *m = &n->out[n->convs - 1];
    int band = band_of(n, (size_t)n->map_w * position_bytes(n), n->map_h, 1);
    pool_run(n->pool, clear_row, m, m->h);
    for (int end = n->map_h; end > 0; end -= band) {
        int first = end < band ? 0 : end - band;
        for (int row = 0; row < n->model->layers[n->convs].kernel; row++) {
            struct head_job j = way_back(n, FC6);
            j.a += (size_t)(first * n->map_w) * j.lda;
            j.rows = (end - first) * n->map_w;
            j.first_input = (size_t)row * width;
            j.c = n->columns;
            j.ldc = width;
            pool_run(n->pool, head_panel, &j, (int)(width / GROUP));
            struct fold_job f = {n, row, first};
            pool_run(n->pool, fold_columns, &f, end - first);
        }
    }
    pool_run(n->pool, row_alive, n, m->h);
}

void cpu_net_head_backward(struct cpu_net *n, int from)
{
    for (int i = from; i > FC6; i--) {
        const struct pack *p = &n->packs[n->convs + i];
        struct head_job j = way_back(n, i);
        j.c = n->d_hidden[i - 1];
        j.ldc = cpu_net_hidden_row(n, i - 1);
        j.alive = n->hidden[i - 1];
        run_items(n, &j, p->in / GROUP);
        cpu_net_stage_done(n, stage_backward(n, n->convs + i));
    }
    if (cpu_net_fc6_is_tiled(n, n->map_w, n->map_h))
        cpu_net_fc6_backward(n);
    else
        fc6_backward_directly(n);
    cpu_net_stage_done(n, stage_backward(n, n->convs));
}

/* fc8's weights of a class, [in]. */
static void class_weights(const struct cpu_net *n, int class_index, float *out)
{
    const struct pack *p = &n->packs[n->convs + FC8];
    size_t at = (size_t)(class_index / GROUP) * (size_t)p->in * GROUP + (size_t)(class_index % GROUP);
    const int8_t *low = cpu_net_low(n, p);
    for (size_t c = 0; c < (size_t)p->in; c++, at += GROUP) {
        uint32_t bits = ((uint32_t)p->high[at] << 16) + (uint32_t)(low ? low[at] * 256 : 0);
        memcpy(&out[c], &bits, sizeof bits);
    }
}

/* d[p], which lacks what is multiplied by zero in `h`; returns d . h. */
static double objective_at(size_t width, float *d, const float *h)
{
    double value = 0;
    for (size_t c = 0; c < width; c++) {
        value += (double)d[c] * (double)h[c];
        d[c] = h[c] > 0.0f ? d[c] : 0.0f;
    }
    return value;
}

double cpu_net_head_objective(struct cpu_net *n, const struct objective *o)
{
    const struct model_layer *fc8 = &n->model->layers[n->convs + FC8];
    size_t row = cpu_net_hidden_row(n, FC7), width = (size_t)n->packs[n->convs + FC8].in;
    size_t positions = (size_t)n->map_w * (size_t)n->map_h;
    float mean = -o->minus_mean / (float)positions, *d = n->d_hidden[FC7];
    double value = 0, bias = 0;
    for (size_t p = 0; p < positions; p++)
        for (size_t c = 0; c < width; c++)
            d[p * row + c] = mean * n->fc8_mean[c];
    for (int s = 0; s < o->subject_count; s++) {
        class_weights(n, o->subjects[s].class_index, n->class_row);
        for (size_t p = 0; p < positions; p++) {
            float weight = o->subjects[s].weight[p];
            for (size_t c = 0; c < width; c++)
                d[p * row + c] += weight * n->class_row[c];
            value += (double)weight * (double)fc8->bias[o->subjects[s].class_index];
        }
    }
    for (size_t p = 0; p < positions; p++) {
        double here = objective_at(width, d + p * row, n->hidden[FC7] + p * row);
        n->evidence[p] = (float)here;
        value += here;
    }
    for (int k = 0; k < fc8->out; k++)
        bias += (double)fc8->bias[k] / fc8->out;
    return value - (double)o->minus_mean * bias;
}
