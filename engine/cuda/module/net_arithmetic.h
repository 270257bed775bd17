/*
 * net_arithmetic - what one thread of each of the network's kernels does, for the device and for the host.
 *
 * The kernels (net_kernels.cu) add nothing but the grid: which thread this is, shared memory, barriers. So
 * the tests can walk through the same threads one after another, without a GPU, and compare the whole with
 * the definition. Where a kernel has a barrier, its work is cut into functions there.
 *
 * Maps are [h][w][channels], channels padded to groups of 8; a thread works on whole groups. Positions are
 * those of the logit map, row by row. Gradients are `scale` times the true ones on their way through the
 * network, so that fp16 neither under- nor overflows; the last step takes that out. Activations are
 * `activation` times the true ones (a ReLU network does not mind: biases and input are scaled, weights are
 * not), for the same reason.
 */
#ifndef ENGINE_CUDA_MODULE_NET_ARITHMETIC_H
#define ENGINE_CUDA_MODULE_NET_ARITHMETIC_H

#include "engine/cuda/storage.h"
#include "engine/cuda/module/net_target.h"

/* Number of the first channel of group `i` of a map. Threads are counted in 32 bits, since the device divides
 * those much faster; 2^32 groups would be 64 GB. */
HOST_DEVICE size_t first_of(uint32_t i)
{
    return (size_t)i * CUDA_GROUP;
}

/* ---- The first layer: planes to groups of channels ---- */

enum {
    RGB_THREADS = 256,
    RGB_QUAD = 4,       /* neighbouring pixels of one thread */
    RGB_QUADS_MAX = 64, /* of a block's strip */
    RGB_ROWS = 4,       /* of a block */
    RGB_GROUPS = 8,     /* groups of channels of a block, at most */
    RGB_TAPS = 27,      /* colour, row, column */
    RGB_PATCH_ROWS = RGB_ROWS + 2,
    RGB_PATCH_STRIDE = RGB_QUAD * RGB_QUADS_MAX + 4
};

struct rgb_forward {
    const float *x; /* [3][h][w] 0..255 */
    int w, h, channels;
    float scale[3], offset[3]; /* normalised: x * scale + offset */
    const float *weight;       /* [27][channels] */
    const float *bias;         /* [channels] */
    void *out;                 /* [h][w][channels] behind the ReLU */
    uint8_t *alive; /* [h][w][channels / 8]: bit k of a group, is its channel k above zero? Or NULL */
};

/* What a block shares: its normalised picture with a border, and its weights as [27][half][group][4], so that
 * neighbouring groups lie in neighbouring banks. */
struct rgb_forward_shared {
    float patch[3 * RGB_PATCH_ROWS * RGB_PATCH_STRIDE];
    float weight[RGB_TAPS * RGB_GROUPS * CUDA_GROUP];
};

/* Groups of a block of this layer, and quads beside one another. */
HOST_DEVICE int rgb_groups(int channels)
{
    int groups = channels / CUDA_GROUP;
    return groups < RGB_GROUPS ? groups : RGB_GROUPS;
}

HOST_DEVICE int rgb_quads(int channels)
{
    int quads = RGB_THREADS / rgb_groups(channels);
    return quads < RGB_QUADS_MAX ? quads : RGB_QUADS_MAX;
}

HOST_DEVICE int rgb_strip(int channels)
{
    return RGB_QUAD * rgb_quads(channels);
}

/* v[c], where an index that is known only at run time would put `v` into slow memory. */
HOST_DEVICE float one_of_three(const float v[3], int c)
{
    return c == 0 ? v[0] : c == 1 ? v[1] : v[2];
}

/* Block (bx, by, bz): strip, rows, set of groups. */
HOST_DEVICE void rgb_forward_stage(const struct rgb_forward *a, struct rgb_forward_shared *s, int bx, int by,
                                   int bz, int thread)
{
    int x0 = bx * rgb_strip(a->channels), y0 = by * RGB_ROWS, width = rgb_strip(a->channels) + 2;
    for (int i = thread; i < 3 * RGB_PATCH_ROWS * width; i += RGB_THREADS) {
        int c = i / (RGB_PATCH_ROWS * width), row = i / width % RGB_PATCH_ROWS, column = i % width;
        int x = x0 + column - 1, y = y0 + row - 1;
        float v = 0;
        if (x >= 0 && x < a->w && y >= 0 && y < a->h)
            v = a->x[((size_t)c * (size_t)a->h + (size_t)y) * (size_t)a->w + (size_t)x] *
                    one_of_three(a->scale, c) +
                one_of_three(a->offset, c);
        s->patch[(c * RGB_PATCH_ROWS + row) * RGB_PATCH_STRIDE + column] = v;
    }
    int block_channels = RGB_GROUPS * CUDA_GROUP, first = bz * block_channels;
    for (int i = thread; i < RGB_TAPS * block_channels; i += RGB_THREADS) {
        int tap = i / block_channels, k = i % block_channels;
        int group = k / CUDA_GROUP, half = k % CUDA_GROUP / 4;
        s->weight[((tap * 2 + half) * RGB_GROUPS + group) * 4 + k % 4] =
            first + k < a->channels ? a->weight[(size_t)tap * (size_t)a->channels + (size_t)(first + k)] : 0;
    }
}

/* One row of a thread's quad: 4 pixels of 8 channels. */
HOST_DEVICE void rgb_forward_quad(const struct rgb_forward_shared *s, int row, int quad, int group,
                                  const float bias[CUDA_GROUP], float sum[RGB_QUAD][CUDA_GROUP])
{
    for (int p = 0; p < RGB_QUAD; p++)
        for (int k = 0; k < CUDA_GROUP; k++)
            sum[p][k] = bias[k];
    for (int line = 0; line < 9; line++) { /* colour, row of the filter */
        const float *from =
            s->patch + (line / 3 * RGB_PATCH_ROWS + row + line % 3) * RGB_PATCH_STRIDE + quad * RGB_QUAD;
        float in[RGB_QUAD + 2];
        for (int i = 0; i < RGB_QUAD + 2; i++)
            in[i] = from[i];
        for (int column = 0; column < 3; column++) {
            int tap = line * 3 + column;
            float weight[CUDA_GROUP];
            for (int k = 0; k < CUDA_GROUP; k++)
                weight[k] = s->weight[((tap * 2 + k / 4) * RGB_GROUPS + group) * 4 + k % 4];
            for (int p = 0; p < RGB_QUAD; p++)
                for (int k = 0; k < CUDA_GROUP; k++)
                    sum[p][k] += in[p + column] * weight[k];
        }
    }
}

HOST_DEVICE float relu(float x)
{
    return x > 0 ? x : 0;
}

HOST_DEVICE void rgb_forward_rows(const struct rgb_forward *a, enum cuda_storage storage,
                                  const struct rgb_forward_shared *s, int bx, int by, int bz, int thread)
{
    int groups = rgb_groups(a->channels), quad = thread / groups, group = thread % groups;
    int channel = (bz * RGB_GROUPS + group) * CUDA_GROUP;
    int x0 = bx * rgb_strip(a->channels) + quad * RGB_QUAD;
    if (quad >= rgb_quads(a->channels) || channel >= a->channels || x0 >= a->w)
        return;
    float bias[CUDA_GROUP];
    for (int k = 0; k < CUDA_GROUP; k++)
        bias[k] = a->bias[channel + k];
    for (int row = 0; row < RGB_ROWS && by * RGB_ROWS + row < a->h; row++) {
        float sum[RGB_QUAD][CUDA_GROUP];
        rgb_forward_quad(s, row, quad, group, bias, sum);
        size_t pixel = (size_t)(by * RGB_ROWS + row) * (size_t)a->w + (size_t)x0;
        for (int p = 0; p < RGB_QUAD; p++) {
            uint32_t alive = 0;
            for (int k = 0; k < CUDA_GROUP; k++) {
                sum[p][k] = relu(sum[p][k]);
                alive |= (sum[p][k] > 0 ? 1u : 0u) << k;
            }
            size_t at = (pixel + (size_t)p) * (size_t)a->channels + (size_t)channel;
            if (x0 + p < a->w)
                cuda_store(storage, a->out, at, sum[p]);
            if (x0 + p < a->w && a->alive)
                a->alive[at / CUDA_GROUP] = (uint8_t)alive;
        }
    }
}

/* ---- The first layer backwards: groups of channels to planes ---- */

enum {
    BACK_THREADS = 256,
    BACK_QUADS = 16,
    BACK_W = BACK_QUADS * RGB_QUAD, /* pixels of a block */
    BACK_H = BACK_THREADS / BACK_QUADS,
    BACK_PATCH_W = BACK_W + 2,
    BACK_PATCH_H = BACK_H + 2,
    BACK_PATCH_STRIDE = BACK_PATCH_W + BACK_PATCH_W / 4 + 1, /* see back_slot */
    BACK_WEIGHTS = 9 * 3 * CUDA_GROUP                        /* of one group */
};

struct rgb_backward {
    const void *gradient; /* [h][w][channels] */
    const uint8_t *alive; /* of rgb_forward: where the gradient counts; NULL: everywhere */
    int w, h, channels;
    const float *weight; /* [channels / 8][filter row][column][colour][8], in units of the 0..255 picture */
    float unscale;       /* 1 / scale of the gradient */
    float *out;          /* [3][h][w] */
};

/* A pixel's place in the patch. One is left free after every four: threads of neighbouring quads then read
 * from different banks. */
HOST_DEVICE int back_slot(int row, int column)
{
    return row * BACK_PATCH_STRIDE + column + column / 4;
}

/* What a block shares is a patch of one group of channels, [BACK_PATCH_H][BACK_PATCH_STRIDE][8], with zeros
 * outside of the map, and that group's weights. */
HOST_DEVICE void rgb_backward_stage(const struct rgb_backward *a, enum cuda_storage storage, void *patch,
                                    float *weight, int bx, int by, int group, int thread)
{
    for (int i = thread; i < BACK_PATCH_H * BACK_PATCH_W; i += BACK_THREADS) {
        int row = i / BACK_PATCH_W, column = i % BACK_PATCH_W;
        int x = bx * BACK_W + column - 1, y = by * BACK_H + row - 1;
        struct cuda_bits bits;
        memset(&bits, 0, sizeof bits);
        if (x >= 0 && x < a->w && y >= 0 && y < a->h) {
            size_t at =
                ((size_t)y * (size_t)a->w + (size_t)x) * (size_t)a->channels + (size_t)(group * CUDA_GROUP);
            bits = cuda_load_bits(storage, a->gradient, at);
            if (a->alive)
                bits = cuda_mask_bits(storage, bits, a->alive[at / CUDA_GROUP]);
        }
        cuda_store_bits(storage, patch, (size_t)back_slot(row, column) * CUDA_GROUP, bits);
    }
    for (int i = thread; i < BACK_WEIGHTS; i += BACK_THREADS)
        weight[i] = a->weight[(size_t)group * BACK_WEIGHTS + (size_t)i];
}

/* Adds one group's share to a thread's 4 pixels of 3 colours. Output (x, y) gets from gradient (x + 1 -
 * column, y + 1 - row) through tap (row, column) of the filter; the patch begins at (-1, -1). */
HOST_DEVICE void rgb_backward_add(enum cuda_storage storage, const void *patch, const float *weight,
                                  int thread, float sum[3][RGB_QUAD])
{
    int quad = thread % BACK_QUADS, y = thread / BACK_QUADS;
    for (int row = 0; row < 3; row++)
        for (int i = 0; i < RGB_QUAD + 2; i++) {
            float g[CUDA_GROUP];
            cuda_load(storage, patch, (size_t)back_slot(y + 2 - row, quad * RGB_QUAD + i) * CUDA_GROUP, g);
            for (int column = 0; column < 3; column++) {
                int p = i + column - 2;
                for (int c = 0; c < 3 && p >= 0 && p < RGB_QUAD; c++)
                    for (int k = 0; k < CUDA_GROUP; k++)
                        sum[c][p] += g[k] * weight[((row * 3 + column) * 3 + c) * CUDA_GROUP + k];
            }
        }
}

HOST_DEVICE void rgb_backward_store(const struct rgb_backward *a, int bx, int by, int thread,
                                    float sum[3][RGB_QUAD])
{
    int x = bx * BACK_W + thread % BACK_QUADS * RGB_QUAD, y = by * BACK_H + thread / BACK_QUADS;
    if (y >= a->h)
        return;
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < RGB_QUAD; p++)
            if (x + p < a->w)
                a->out[((size_t)c * (size_t)a->h + (size_t)y) * (size_t)a->w + (size_t)(x + p)] =
                    sum[c][p] * a->unscale;
}

/* ---- Pools ---- */

enum { POOL_DEAD = 4 }; /* in place of a winner: nothing was above zero, nothing goes back */

struct pool {
    int w, h, channels; /* before the pool; behind it w / 2, h / 2 */
};

HOST_DEVICE int pool_out_w(const struct pool *p)
{
    return p->w / 2;
}

/* Cells of the way back: they cover an odd last row and column, which the pool does not see. */
HOST_DEVICE int pool_cells_w(const struct pool *p)
{
    return (p->w + 1) / 2;
}

/* The first of the largest, as engine/cpu/kernels.h; *best is the value. */
HOST_DEVICE int pool_largest(const float v[4], float *best)
{
    int winner = 0;
    *best = v[0];
    for (int i = 1; i < 4; i++)
        if (v[i] > *best) {
            winner = i;
            *best = v[i];
        }
    return winner;
}

HOST_DEVICE size_t pool_pixel(const struct pool *p, int cell_x, int cell_y, int corner)
{
    return ((size_t)(2 * cell_y + corner / 2) * (size_t)p->w + (size_t)(2 * cell_x + corner % 2)) *
           (size_t)p->channels;
}

/* Thread `i` of (w / 2) * (h / 2) * groups: in [h][w][channels] to out and winners [h / 2][w / 2][channels].
 * `in` is what the convolution put out; bias and ReLU, which leave the order of numbers as it is, come behind
 * the pool: pool(relu(x + b)) = relu(pool(x) + b). NULL: `in` has them already. */
HOST_DEVICE void pool_forward(const struct pool *p, enum cuda_storage storage, const void *in,
                              const float *bias, void *out, uint8_t *winners, uint32_t i)
{
    uint32_t groups = (uint32_t)(p->channels / CUDA_GROUP), cell = i / groups, w = (uint32_t)pool_out_w(p);
    int x = (int)(cell % w), y = (int)(cell / w);
    size_t channel = i % groups * CUDA_GROUP;
    float v[4][CUDA_GROUP], best[CUDA_GROUP];
    uint64_t packed = 0;
    for (int corner = 0; corner < 4; corner++)
        cuda_load(storage, in, pool_pixel(p, x, y, corner) + channel, v[corner]);
    for (int k = 0; k < CUDA_GROUP; k++) {
        float four[4] = {v[0][k], v[1][k], v[2][k], v[3][k]};
        int winner = pool_largest(four, &best[k]);
        best[k] = bias ? relu(best[k] + bias[channel + (size_t)k]) : best[k];
        packed |= (uint64_t)(best[k] > 0 ? winner : POOL_DEAD) << (8 * k);
    }
    cuda_store(storage, out, first_of(i), best);
    memcpy(winners + first_of(i), &packed, sizeof packed); /* both little-endian */
}

/* Thread `i` of cells_w * cells_h * groups: the gradient behind the pool to that before it, all of which is
 * written. The ReLU before the pool is in the winners. */
HOST_DEVICE void pool_backward(const struct pool *p, enum cuda_storage storage, const void *gradient,
                               const uint8_t *winners, void *out, uint32_t i)
{
    uint32_t groups = (uint32_t)(p->channels / CUDA_GROUP), cell = i / groups, w = (uint32_t)pool_cells_w(p);
    int x = (int)(cell % w), y = (int)(cell / w);
    size_t channel = i % groups * CUDA_GROUP;
    float g[CUDA_GROUP] = {0};
    uint64_t packed = 0x0404040404040404u; /* POOL_DEAD */
    if (x < p->w / 2 && y < p->h / 2) {
        size_t at = ((size_t)y * (size_t)pool_out_w(p) + (size_t)x) * (size_t)p->channels + channel;
        cuda_load(storage, gradient, at, g);
        memcpy(&packed, winners + at, sizeof packed);
    }
    for (int corner = 0; corner < 4; corner++) {
        float v[CUDA_GROUP];
        for (int k = 0; k < CUDA_GROUP; k++)
            v[k] = (int)(packed >> (8 * k) & 0xff) == corner ? g[k] : 0;
        if (2 * x + corner % 2 < p->w && 2 * y + corner / 2 < p->h)
            cuda_store(storage, out, pool_pixel(p, x, y, corner) + channel, v);
    }
}

/* ---- What is not fused to a convolution ---- */

/* Thread `i` of pixels * groups: map = relu(map + bias), in place. */
HOST_DEVICE void bias_relu(enum cuda_storage storage, void *map, const float *bias, int channels, uint32_t i)
{
    float v[CUDA_GROUP];
    size_t channel = i % (uint32_t)(channels / CUDA_GROUP) * CUDA_GROUP;
    cuda_load(storage, map, first_of(i), v);
    for (int k = 0; k < CUDA_GROUP; k++)
        v[k] = relu(v[k] + bias[channel + (size_t)k]);
    cuda_store(storage, map, first_of(i), v);
}

/* Thread `i` of numbers / 8: gradient = 0 where the activation is not above zero, in place. */
HOST_DEVICE void keep_alive(enum cuda_storage storage, void *gradient, const void *activation, uint32_t i)
{
    float g[CUDA_GROUP], a[CUDA_GROUP];
    cuda_load(storage, gradient, first_of(i), g);
    cuda_load(storage, activation, first_of(i), a);
    for (int k = 0; k < CUDA_GROUP; k++)
        g[k] = a[k] > 0 ? g[k] : 0;
    cuda_store(storage, gradient, first_of(i), g);
}

/* ---- fc6's windows ---- */

struct columns {
    int w, h, channels; /* of the map */
    int kernel;         /* positions: (w - kernel + 1) x (h - kernel + 1) */
};

HOST_DEVICE int columns_w(const struct columns *c)
{
    return c->w - c->kernel + 1;
}

HOST_DEVICE int columns_h(const struct columns *c)
{
    return c->h - c->kernel + 1;
}

/* Thread `i` of positions * kernel * kernel * groups: columns [position][row][column][channels]
 * of the map. */
HOST_DEVICE void columns_gather(const struct columns *c, enum cuda_storage storage, const void *map,
                                void *columns, uint32_t i)
{
    uint32_t groups = (uint32_t)(c->channels / CUDA_GROUP), taps = (uint32_t)(c->kernel * c->kernel);
    uint32_t group = i % groups, tap = i / groups % taps, position = i / groups / taps;
    size_t x = position % (uint32_t)columns_w(c) + tap % (uint32_t)c->kernel;
    size_t y = position / (uint32_t)columns_w(c) + tap / (uint32_t)c->kernel;
    cuda_store_bits(
        storage, columns, first_of(i),
        cuda_load_bits(storage, map, (y * (size_t)c->w + x) * (size_t)c->channels + group * CUDA_GROUP));
}

/* Thread `i` of w * h * groups: the transpose, summed up per pixel; zero where `alive` (may be NULL: all are)
 * is not above zero. */
HOST_DEVICE void columns_scatter(const struct columns *c, enum cuda_storage storage, const void *columns,
                                 const void *alive, void *map, uint32_t i)
{
    uint32_t groups = (uint32_t)(c->channels / CUDA_GROUP), pixel = i / groups;
    int x = (int)(pixel % (uint32_t)c->w), y = (int)(pixel / (uint32_t)c->w);
    size_t channel = i % groups * CUDA_GROUP;
    float sum[CUDA_GROUP] = {0};
    for (int row = 0; row < c->kernel; row++)
        for (int column = 0; column < c->kernel; column++) {
            int px = x - column, py = y - row;
            if (px < 0 || py < 0 || px >= columns_w(c) || py >= columns_h(c))
                continue;
            size_t position = (size_t)py * (size_t)columns_w(c) + (size_t)px;
            size_t tap = (size_t)(row * c->kernel + column);
            float v[CUDA_GROUP];
            cuda_load(storage, columns,
                      (position * (size_t)(c->kernel * c->kernel) + tap) * (size_t)c->channels + channel, v);
            for (int k = 0; k < CUDA_GROUP; k++)
                sum[k] += v[k];
        }
    if (alive) {
        float a[CUDA_GROUP];
        cuda_load(storage, alive, first_of(i), a);
        for (int k = 0; k < CUDA_GROUP; k++)
            sum[k] = a[k] > 0 ? sum[k] : 0;
    }
    cuda_store(storage, map, first_of(i), sum);
}

/* ---- The head: from fp32 products ---- */

/* Thread `i` of positions * groups: hidden = relu(sum + bias), or without the ReLU. */
HOST_DEVICE void head_forward(enum cuda_storage storage, const float *sum, const float *bias, int channels,
                              bool has_relu, void *hidden, uint32_t i)
{
    float v[CUDA_GROUP];
    size_t channel = i % (uint32_t)(channels / CUDA_GROUP) * CUDA_GROUP;
    cuda_load(CUDA_STORAGE_FP32, sum, first_of(i), v);
    for (int k = 0; k < CUDA_GROUP; k++) {
        v[k] += bias[channel + (size_t)k];
        v[k] = has_relu ? relu(v[k]) : v[k];
    }
    cuda_store(storage, hidden, first_of(i), v);
}

/* Thread `i` of positions * groups: gradient = sum where the layer was above zero. */
HOST_DEVICE void head_backward(enum cuda_storage storage, const float *sum, const void *hidden,
                               void *gradient, uint32_t i)
{
    float g[CUDA_GROUP], h[CUDA_GROUP];
    cuda_load(CUDA_STORAGE_FP32, sum, first_of(i), g);
    cuda_load(storage, hidden, first_of(i), h);
    for (int k = 0; k < CUDA_GROUP; k++)
        g[k] = h[k] > 0 ? g[k] : 0;
    cuda_store(storage, gradient, first_of(i), g);
}

/* Thread `i` of classes * positions: logits [classes][positions] from sums [positions][padded classes]. */
HOST_DEVICE void head_logits(const float *sum, const float *bias, int padded_classes, int positions,
                             float activation, float *logits, uint32_t i)
{
    size_t k = i / (uint32_t)positions, p = i % (uint32_t)positions;
    logits[i] = (sum[p * (size_t)padded_classes + k] + bias[k]) / activation;
}

/* ---- Objectives ---- */

/* On the logits, which need not be computed: their gradient to fc7's output is a row of fc8 per subject. */
struct objective_on_logits {
    const struct cuda_target *target;
    const float *weights;  /* [subjects][positions] */
    const void *fc8;       /* [classes][width] */
    const float *fc8_mean; /* [width] mean over classes */
    const float *fc8_bias; /* [classes], times activation */
    const void *hidden;    /* fc7's output [positions][width] */
    int classes, width, positions;
    float activation, scale;
    void *gradient; /* to fc7's sums [positions][width] */
};

HOST_DEVICE int target_count(const struct cuda_target *t)
{
    return t->count < 0 ? 0 : t->count > CUDA_SUBJECTS_MAX ? CUDA_SUBJECTS_MAX : t->count;
}

/* One group of channels of one position; returns its share of the objective, biases
 * apart, times activation. */
HOST_DEVICE float objective_group(const struct objective_on_logits *o, enum cuda_storage storage,
                                  int position, int group)
{
    size_t at = (size_t)position * (size_t)o->width + (size_t)(group * CUDA_GROUP);
    float d[CUDA_GROUP], h[CUDA_GROUP], share = 0, mean = -o->target->minus_mean / (float)o->positions;
    for (int k = 0; k < CUDA_GROUP; k++)
        d[k] = mean * o->fc8_mean[group * CUDA_GROUP + k];
    for (int s = 0; s < target_count(o->target); s++) {
        int row = o->target->class_index[s];
        float weight = o->weights[(size_t)s * (size_t)o->positions + (size_t)position], w[CUDA_GROUP];
        if (row < 0 || row >= o->classes)
            continue;
        cuda_load(storage, o->fc8, (size_t)row * (size_t)o->width + (size_t)(group * CUDA_GROUP), w);
        for (int k = 0; k < CUDA_GROUP; k++)
            d[k] += weight * w[k];
    }
    cuda_load(storage, o->hidden, at, h);
    for (int k = 0; k < CUDA_GROUP; k++) {
        share += d[k] * h[k];
        d[k] = h[k] > 0 ? d[k] * o->scale : 0;
    }
    cuda_store(storage, o->gradient, at, d);
    return share;
}

/* What the biases of fc8 add at one position, but for their mean; times activation. */
HOST_DEVICE float objective_biases(const struct objective_on_logits *o, int position)
{
    float sum = 0;
    for (int s = 0; s < target_count(o->target); s++) {
        int row = o->target->class_index[s];
        if (row >= 0 && row < o->classes)
            sum += o->weights[(size_t)s * (size_t)o->positions + (size_t)position] * o->fc8_bias[row];
    }
    return sum;
}

/* On a layer's own activations (channel < 0: their mean square; else the mean of that channel). */
struct objective_on_layer {
    const void *activation; /* [count / channels][channels] */
    size_t count;           /* numbers, padding too */
    int channels, channel;
    bool has_relu;
    float factor;   /* of the gradient: 2 / numbers or 1 / pixels, times scale, over activation if squared */
    void *gradient; /* may be `activation` */
};

/* Thread `i` of count / 8; returns its part of the sum of squares, or of the channel. */
HOST_DEVICE float objective_layer(const struct objective_on_layer *o, enum cuda_storage storage, uint32_t i)
{
    float a[CUDA_GROUP], sum = 0;
    cuda_load(storage, o->activation, first_of(i), a);
    int first = (int)(i % (uint32_t)(o->channels / CUDA_GROUP)) * CUDA_GROUP;
    for (int k = 0; k < CUDA_GROUP; k++) {
        bool is_it = first + k == o->channel, is_open = !o->has_relu || a[k] > 0;
        if (o->channel < 0) {
            sum += a[k] * a[k];
            a[k] *= o->factor;
        } else {
            sum += is_it ? a[k] : 0;
            a[k] = is_it && is_open ? o->factor : 0;
        }
    }
    cuda_store(storage, o->gradient, first_of(i), a);
    return sum;
}

/* The objective from the blocks' parts, added in their order: factor * sum + offset - minus_mean * mean. */
HOST_DEVICE double objective_value(const double *parts, int count, double factor,
                                   const struct cuda_target *target, double mean)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += parts[i];
    return factor * sum - (target ? (double)target->minus_mean * mean : 0);
}

#endif
