/*
 * test_cuda_net_arithmetic - the network's CUDA kernels, walked through on the CPU thread by thread, against
 * their definitions in double precision: odd sizes, all ways of storing, nothing written outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "common/rng.h"
#include "engine/cuda/pack.h"
#include "tests/common/normal.h"
#include "tests/engine/cuda/cuda_walk.h"
#include "tests/engine/cuda/storage_check.h"

static const enum cuda_storage storages[] = {CUDA_STORAGE_BF16, CUDA_STORAGE_FP16, CUDA_STORAGE_FP32};

/* Relative size of one rounding. */
static double grain(enum cuda_storage s)
{
    return s == CUDA_STORAGE_BF16 ? 0x1p-8 : s == CUDA_STORAGE_FP16 ? 0x1p-11 : 0x1p-20;
}

/* ---- Buffers with a canary behind them ---- */

struct buffer {
    enum cuda_storage storage;
    size_t count;
    void *data;
};
enum { CANARY = 0xa5, CANARY_BYTES = 64 };

static struct buffer buffer_make(enum cuda_storage s, size_t count)
{
    struct buffer b = {s, count, xmalloc(count * cuda_storage_bytes(s) + CANARY_BYTES)};
    memset(b.data, CANARY, count * cuda_storage_bytes(s) + CANARY_BYTES);
    return b;
}

/* Checks the canary. */
static void buffer_free(struct buffer *b)
{
    const uint8_t *behind = (const uint8_t *)b->data + b->count * cuda_storage_bytes(b->storage);
    for (int i = 0; i < CANARY_BYTES; i++)
        assert_int_equal(behind[i], CANARY);
    free(b->data);
}

static double at(const struct buffer *b, size_t i)
{
    return (double)cuda_load_one(b->storage, b->data, i);
}

/* Normal numbers, an eighth of them zero. */
static struct buffer buffer_random(enum cuda_storage s, size_t count, struct rng *r)
{
    struct buffer b = buffer_make(s, count);
    for (size_t i = 0; i < count; i++)
        cuda_store_one(s, b.data, i, rng_below(r, 8) ? rng_normal(r) : 0);
    return b;
}

static float *floats_random(size_t count, struct rng *r)
{
    float *f = xmalloc(count * sizeof *f);
    for (size_t i = 0; i < count; i++)
        f[i] = rng_normal(r);
    return f;
}

static void near(double value, double truth, double tolerance)
{
    if (!(fabs(value - truth) <= tolerance))
        fail_msg("%.9g instead of %.9g, tolerance %.2g", value, truth, tolerance);
}

/* ---- Numbers ---- */

static void numbers_survive_the_way_there_and_back(void **state)
{
    (void)state;
    for (uint32_t x = 0; x < 65536; x++) {
        float half = float_of_fp16((uint16_t)x), brain = float_of_bf16((uint16_t)x);
        if (!isnan(half))
            assert_int_equal(fp16_of_float(half), x);
        if (!isnan(brain))
            assert_int_equal(bf16_of_float(brain), x);
    }
    assert_true(isnan(float_of_fp16(fp16_of_float(NAN))) && isnan(float_of_bf16(bf16_of_float(NAN))));
    assert_true(float_of_fp16(0x3c00) == 1 && float_of_fp16(0xc000) == -2 && float_of_fp16(1) == 0x1p-24f);
}

/* No other number is nearer; of two that are as near, the even one. */
static void check_rounding(float f, uint16_t x, float (*widen)(uint16_t))
{
    double off = fabs((double)widen(x) - (double)f);
    for (int step = -1; step <= 1; step += 2) {
        uint16_t other = (uint16_t)(x + step);
        if ((x & 0x7fff) == 0 && step < 0)
            continue;
        double other_off = fabs((double)widen(other) - (double)f);
        if (!(off < other_off || (off == other_off && x % 2 == 0)))
            fail_msg("%.9g became %.9g, and %.9g is nearer", (double)f, (double)widen(x),
                     (double)widen(other));
    }
}

static float widen_half(uint16_t x)
{
    return float_of_fp16(x);
}

static float widen_brain(uint16_t x)
{
    return float_of_bf16(x);
}

static void numbers_are_rounded_to_the_nearest(void **state)
{
    (void)state;
    struct rng r = rng_make(1, 1);
    for (int i = 0; i < 200000; i++) {
        float f = rng_normal(&r) * exp2f((float)rng_below(&r, 36) - 26);
        if (rng_below(&r, 4) == 0) /* exactly between two of them */
            f = float_of_fp16((uint16_t)rng_below(&r, 0x7000)) * (1 + 0x1p-11f);
        if (fabsf(f) < 65504)
            check_rounding(f, fp16_of_float(f), widen_half);
        check_rounding(f, bf16_of_float(f), widen_brain);
    }
    assert_int_equal(fp16_of_float(65519.9f), 0x7bff);
    assert_int_equal(fp16_of_float(65520), 0x7c00);
    assert_int_equal(fp16_of_float(-1e9f), 0xfc00);
    assert_int_equal(fp16_of_float(-0x1p-26f), 0x8000);
    assert_int_equal(bf16_of_float(3.4e38f), 0x7f80);
}

/* ---- The first layer ---- */

static const struct {
    int w, h, channels;
} rgb_sizes[] = {{1, 1, 8},   {5, 3, 16},   {67, 33, 24}, {130, 18, 64},
                 {259, 9, 8}, {64, 16, 72}, {63, 17, 136}};

static double normalised(const struct rgb_forward *a, int c, int y, int x)
{
    if (x < 0 || y < 0 || x >= a->w || y >= a->h)
        return 0;
    return (double)a->x[(c * a->h + y) * a->w + x] * (double)a->scale[c] + (double)a->offset[c];
}

static double rgb_truth(const struct rgb_forward *a, int y, int x, int k)
{
    double sum = (double)a->bias[k];
    for (int t = 0; t < 27; t++)
        sum +=
            normalised(a, t / 9, y + t / 3 % 3 - 1, x + t % 3 - 1) * (double)a->weight[t * a->channels + k];
    return sum > 0 ? sum : 0;
}

static void first_layer_forward(void **state)
{
    (void)state;
    struct rng r = rng_make(2, 0);
    for (size_t i = 0; i < ARRAY_LEN(rgb_sizes) * ARRAY_LEN(storages); i++) {
        enum cuda_storage s = storages[i % ARRAY_LEN(storages)];
        int w = rgb_sizes[i / 3].w, h = rgb_sizes[i / 3].h, channels = rgb_sizes[i / 3].channels;
        float *x = floats_random((size_t)(3 * w * h), &r),
              *weight = floats_random((size_t)(27 * channels), &r);
        float *bias = floats_random((size_t)channels, &r);
        struct buffer out = buffer_make(s, (size_t)(w * h * channels));
        uint8_t *alive = xcalloc((size_t)(w * h), (size_t)channels / 8);
        struct rgb_forward a = {x,      w,    h,        channels, {0.5f, 1, 2}, {0.1f, -1, 0.3f},
                                weight, bias, out.data, alive};
        walk_rgb_forward(s, a);
        for (int p = 0; p < w * h; p++)
            for (int k = 0; k < channels; k++) {
                double truth = rgb_truth(&a, p / w, p % w, k);
                near(at(&out, (size_t)(p * channels + k)), truth, grain(s) * (fabs(truth) + 0.01) + 1e-5);
                if (fabs(truth) > 1e-4 || truth == 0)
                    assert_int_equal(alive[(p * channels + k) / 8] >> k % 8 & 1,
                                     at(&out, (size_t)(p * channels + k)) > 0);
            }
        free(alive);
        buffer_free(&out);
        free(x);
        free(weight);
        free(bias);
    }
}

/* Output (x, y) of the adjoint: sum over the gradients that its pixel contributed to. */
static double back_truth(const struct rgb_backward *a, const struct buffer *g, int c, int y, int x)
{
    double sum = 0;
    for (int t = 0; t < 9; t++) {
        int gy = y + 1 - t / 3, gx = x + 1 - t % 3;
        if (gy < 0 || gx < 0 || gy >= a->h || gx >= a->w)
            continue;
        for (int k = 0; k < a->channels; k++)
            if (!a->alive || (a->alive[((gy * a->w + gx) * a->channels + k) / 8] >> k % 8 & 1))
                sum += at(g, (size_t)((gy * a->w + gx) * a->channels + k)) *
                       (double)a->weight[((k / 8 * 9 + t) * 3 + c) * 8 + k % 8];
    }
    return sum * (double)a->unscale;
}

static void first_layer_backward(void **state)
{
    (void)state;
    struct rng r = rng_make(3, 0);
    for (size_t i = 0; i < ARRAY_LEN(rgb_sizes) * ARRAY_LEN(storages); i++) {
        enum cuda_storage s = storages[i % ARRAY_LEN(storages)];
        int w = rgb_sizes[i / 3].w, h = rgb_sizes[i / 3].h, channels = rgb_sizes[i / 3].channels;
        float *weight = floats_random((size_t)(27 * channels), &r);
        struct buffer gradient = buffer_random(s, (size_t)(w * h * channels), &r);
        struct buffer out = buffer_make(CUDA_STORAGE_FP32, (size_t)(3 * w * h));
        uint8_t *alive = xcalloc((size_t)(w * h), (size_t)channels / 8);
        for (int k = 0; k < w * h * channels / 8; k++)
            alive[k] = (uint8_t)rng_below(&r, 256);
        struct rgb_backward a = {gradient.data, i % 2 ? alive : NULL, w, h, channels, weight, 0.25f,
                                 out.data};
        walk_rgb_backward(s, a);
        for (int p = 0; p < 3 * w * h; p++)
            near(at(&out, (size_t)p), back_truth(&a, &gradient, p / (w * h), p / w % h, p % w), 2e-4);
        buffer_free(&gradient);
        buffer_free(&out);
        free(alive);
        free(weight);
    }
}

/* Neighbouring quads read a row of the patch from different banks: eight threads of a phase,
 * 16 bytes each. */
static void patch_reads_spread_over_the_banks(void **state)
{
    (void)state;
    for (int i = 0; i < RGB_QUAD + 2; i++)
        for (int first = 0; first < BACK_QUADS; first += 8) {
            unsigned used = 0;
            for (int quad = first; quad < first + 8; quad++)
                used |= 0xfu << (back_slot(3, quad * RGB_QUAD + i) * 4 % 32);
            assert_int_equal(used, 0xffffffffu);
        }
    assert_true(back_slot(0, BACK_PATCH_W - 1) < BACK_PATCH_STRIDE);
}

/* ---- Pools ---- */

static int first_largest(const struct buffer *in, int w, int channels, int y, int x, int k)
{
    int best = 0;
    double largest = -INFINITY;
    for (int i = 0; i < 4; i++) {
        double v = at(in, (size_t)(((2 * y + i / 2) * w + 2 * x + i % 2) * channels + k));
        if (v > largest) {
            largest = v;
            best = i;
        }
    }
    return best;
}

/* Behind a ReLU: many zeros, and ties among the others. */
static struct buffer activations(enum cuda_storage s, size_t count, struct rng *r)
{
    struct buffer b = buffer_make(s, count);
    for (size_t i = 0; i < count; i++)
        cuda_store_one(s, b.data, i, (float)(rng_below(r, 3) ? 0 : 1 + rng_below(r, 3)));
    return b;
}

static void check_pool(enum cuda_storage s, int w, int h, int channels, struct rng *r)
{
    struct pool p = {w, h, channels};
    size_t all = (size_t)(w * h * channels), behind = (size_t)(w / 2 * (h / 2) * channels);
    struct buffer in = activations(s, all, r), out = buffer_make(s, behind);
    struct buffer winners = buffer_make(CUDA_STORAGE_BF16, (behind + 1) / 2); /* bytes, two to a number */
    struct buffer gradient = buffer_random(s, behind, r), back = buffer_make(s, all);
    walk_pool_forward(s, p, in.data, NULL, out.data, winners.data);
    walk_pool_backward(s, p, gradient.data, winners.data, back.data);
    for (int i = 0; i < w * h * channels; i++) {
        int k = i % channels, x = i / channels % w, y = i / channels / w;
        double truth = 0;
        if (x / 2 < w / 2 && y / 2 < h / 2) {
            size_t cell = (size_t)((y / 2 * (w / 2) + x / 2) * channels + k);
            int best = first_largest(&in, w, channels, y / 2, x / 2, k);
            bool is_it = best == y % 2 * 2 + x % 2;
            if (is_it)
                assert_true(at(&out, cell) == at(&in, (size_t)i));
            truth = is_it && at(&in, (size_t)i) > 0 ? at(&gradient, cell) : 0;
        }
        assert_true(at(&back, (size_t)i) == truth);
    }
    buffer_free(&in);
    buffer_free(&out);
    buffer_free(&winners);
    buffer_free(&gradient);
    buffer_free(&back);
}

/* pool(relu(x + b)) = relu(pool(x) + b), and the same numbers let gradients through. */
static void pools_add_the_bias_of_a_bare_convolution(void **state)
{
    (void)state;
    enum { W = 9, H = 7, CHANNELS = 24, ALL = W * H * CHANNELS, BEHIND = W / 2 * (H / 2) * CHANNELS };
    struct rng r = rng_make(14, 0);
    struct pool p = {W, H, CHANNELS};
    float *bias = floats_random(CHANNELS, &r);
    struct buffer bare = buffer_random(CUDA_STORAGE_FP32, ALL, &r),
                  whole = buffer_make(CUDA_STORAGE_FP32, ALL);
    struct buffer out[2] = {buffer_make(CUDA_STORAGE_FP32, BEHIND), buffer_make(CUDA_STORAGE_FP32, BEHIND)};
    uint8_t winners[2][BEHIND];
    memcpy(whole.data, bare.data, ALL * sizeof(float));
    for (uint32_t i = 0; i < ALL / CUDA_GROUP; i++)
        bias_relu(CUDA_STORAGE_FP32, whole.data, bias, CHANNELS, i);
    walk_pool_forward(CUDA_STORAGE_FP32, p, bare.data, bias, out[0].data, winners[0]);
    walk_pool_forward(CUDA_STORAGE_FP32, p, whole.data, NULL, out[1].data, winners[1]);
    assert_memory_equal(out[0].data, out[1].data, BEHIND * sizeof(float));
    assert_memory_equal(winners[0], winners[1], BEHIND);
    for (int i = 0; i < 2; i++)
        buffer_free(&out[i]);
    buffer_free(&bare);
    buffer_free(&whole);
    free(bias);
}

static void pools_take_the_first_of_the_largest(void **state)
{
    (void)state;
    struct rng r = rng_make(4, 0);
    for (size_t i = 0; i < ARRAY_LEN(storages); i++) {
        check_pool(storages[i], 8, 6, 16, &r);
        check_pool(storages[i], 9, 7, 8, &r);
        check_pool(storages[i], 2, 3, 24, &r);
        check_pool(storages[i], 3, 2, 8, &r);
    }
}

/* ---- Passes over maps ---- */

static void bias_and_decisions_of_a_relu(void **state)
{
    (void)state;
    enum { PIXELS = 13, CHANNELS = 24, COUNT = PIXELS * CHANNELS };
    struct rng r = rng_make(5, 0);
    for (size_t i = 0; i < ARRAY_LEN(storages); i++) {
        enum cuda_storage s = storages[i];
        struct buffer map = buffer_random(s, COUNT, &r), gradient = buffer_random(s, COUNT, &r);
        float *bias = floats_random(CHANNELS, &r), before[COUNT], arrived[COUNT];
        for (size_t k = 0; k < COUNT; k++) {
            before[k] = (float)at(&map, k);
            arrived[k] = (float)at(&gradient, k);
        }
        for (size_t t = 0; t < COUNT / CUDA_GROUP; t++) {
            bias_relu(s, map.data, bias, CHANNELS, t);
            keep_alive(s, gradient.data, map.data, t);
        }
        for (size_t k = 0; k < COUNT; k++) {
            float sum = before[k] + bias[k % CHANNELS];
            assert_true(at(&map, k) == (double)cuda_stored(s, sum > 0 ? sum : 0));
            assert_true(at(&gradient, k) == (at(&map, k) > 0 ? (double)arrived[k] : 0));
        }
        buffer_free(&map);
        buffer_free(&gradient);
        free(bias);
    }
}

/* ---- fc6's windows ---- */

static void check_columns(enum cuda_storage s, struct columns c, bool has_alive, struct rng *r)
{
    int positions = columns_w(&c) * columns_h(&c), window = c.kernel * c.kernel * c.channels;
    size_t pixels = (size_t)(c.w * c.h * c.channels), all = (size_t)(positions * window);
    struct buffer map = buffer_random(s, pixels, r), columns = buffer_make(s, all);
    struct buffer gradient = buffer_random(s, all, r), back = buffer_make(s, pixels);
    double *truth = xcalloc(pixels, sizeof *truth);
    walk_columns_gather(s, c, map.data, columns.data);
    walk_columns_scatter(s, c, gradient.data, has_alive ? map.data : NULL, back.data);
    for (int i = 0; i < positions * window; i++) {
        int k = i % c.channels, tap = i / c.channels % (c.kernel * c.kernel), p = i / window;
        int x = p % columns_w(&c) + tap % c.kernel, y = p / columns_w(&c) + tap / c.kernel;
        size_t from = (size_t)((y * c.w + x) * c.channels + k);
        assert_true(at(&columns, (size_t)i) == at(&map, from));
        truth[from] += at(&gradient, (size_t)i);
    }
    for (size_t i = 0; i < pixels; i++) {
        truth[i] = has_alive && !(at(&map, i) > 0) ? 0 : truth[i];
        near(at(&back, i), truth[i], grain(s) * fabs(truth[i]) + 1e-5);
    }
    free(truth);
    buffer_free(&map);
    buffer_free(&columns);
    buffer_free(&gradient);
    buffer_free(&back);
}

static void windows_and_their_transpose(void **state)
{
    (void)state;
    struct rng r = rng_make(6, 0);
    for (size_t i = 0; i < ARRAY_LEN(storages); i++) {
        check_columns(storages[i], (struct columns){9, 8, 16, 7}, true, &r);
        check_columns(storages[i], (struct columns){5, 6, 24, 2}, false, &r);
        check_columns(storages[i], (struct columns){4, 3, 8, 1}, true, &r);
        check_columns(storages[i], (struct columns){3, 3, 8, 3}, false, &r);
    }
}

/* ---- The head ---- */

static void head_from_sums(void **state)
{
    (void)state;
    enum { POSITIONS = 6, WIDTH = 16, COUNT = POSITIONS * WIDTH, CLASSES = 13 };
    struct rng r = rng_make(7, 0);
    for (size_t i = 0; i < ARRAY_LEN(storages); i++) {
        enum cuda_storage s = storages[i];
        float *sum = floats_random(COUNT, &r), *bias = floats_random(WIDTH, &r),
              logits[CLASSES * POSITIONS + 1];
        struct buffer hidden = buffer_make(s, COUNT), bare = buffer_make(s, COUNT);
        struct buffer gradient = buffer_make(s, COUNT);
        for (size_t t = 0; t < COUNT / CUDA_GROUP; t++) {
            head_forward(s, sum, bias, WIDTH, true, hidden.data, t);
            head_forward(s, sum, bias, WIDTH, false, bare.data, t);
            head_backward(s, sum, hidden.data, gradient.data, t);
        }
        logits[CLASSES * POSITIONS] = 1234;
        for (size_t t = 0; t < CLASSES * POSITIONS; t++)
            head_logits(sum, bias, WIDTH, POSITIONS, 0.5f, logits, t);
        for (size_t k = 0; k < COUNT; k++) {
            float x = sum[k] + bias[k % WIDTH];
            assert_true(at(&bare, k) == (double)cuda_stored(s, x));
            assert_true(at(&hidden, k) == (double)cuda_stored(s, x > 0 ? x : 0));
            assert_true(at(&gradient, k) == (at(&hidden, k) > 0 ? (double)cuda_stored(s, sum[k]) : 0));
            if (k % WIDTH < CLASSES)
                assert_true(logits[k % WIDTH * POSITIONS + k / WIDTH] == 2 * x);
        }
        assert_true(logits[CLASSES * POSITIONS] == 1234);
        buffer_free(&hidden);
        buffer_free(&bare);
        buffer_free(&gradient);
        free(sum);
        free(bias);
    }
}

/* Three subjects, one of them out of range, one that is past the count. */
static void check_logits_objective(enum cuda_storage s, struct rng *r)
{
    enum { POSITIONS = 5, WIDTH = 24, CLASSES = 9, SUBJECTS = 4 };
    struct cuda_target target = {3, {4, CLASSES, 7, 1}, 0.75f};
    float *weights = floats_random(SUBJECTS * POSITIONS, r), *mean = floats_random(WIDTH, r);
    float *bias = floats_random(CLASSES, r);
    struct buffer fc8 = buffer_random(s, CLASSES * WIDTH, r), hidden = buffer_random(s, POSITIONS * WIDTH, r);
    struct buffer gradient = buffer_make(s, POSITIONS * WIDTH);
    struct objective_on_logits o = {.target = &target,
                                    .weights = weights,
                                    .fc8 = fc8.data,
                                    .fc8_mean = mean,
                                    .fc8_bias = bias,
                                    .hidden = hidden.data,
                                    .classes = CLASSES,
                                    .width = WIDTH,
                                    .positions = POSITIONS,
                                    .activation = 1,
                                    .scale = 8,
                                    .gradient = gradient.data};
    double value = walk_objective_on_logits(s, o), truth = 0;
    for (int p = 0; p < POSITIONS; p++) {
        for (int c = 0; c < WIDTH; c++) {
            double d = -0.75 / POSITIONS * (double)mean[c], h = at(&hidden, (size_t)(p * WIDTH + c));
            d += (double)weights[p] * at(&fc8, 4 * WIDTH + (size_t)c);
            d += (double)weights[2 * POSITIONS + p] * at(&fc8, 7 * WIDTH + (size_t)c);
            truth += d * h;
            near(at(&gradient, (size_t)(p * WIDTH + c)), h > 0 ? 8 * d : 0, grain(s) * fabs(8 * d) + 1e-5);
        }
        truth += (double)weights[p] * (double)bias[4] + (double)weights[2 * POSITIONS + p] * (double)bias[7];
    }
    near(value, truth, 1e-4);
    const double parts[2] = {value, 1};
    near(objective_value(parts, 2, 0.5, &target, 2), 0.5 * (value + 1) - 1.5, 1e-12);
    near(objective_value(parts, 2, 0.5, NULL, 2), 0.5 * (value + 1), 1e-12);
    buffer_free(&fc8);
    buffer_free(&hidden);
    buffer_free(&gradient);
    free(weights);
    free(mean);
    free(bias);
}

static void check_layer_objective(enum cuda_storage s, int channel, bool has_relu, struct rng *r)
{
    enum { PIXELS = 7, CHANNELS = 16, COUNT = PIXELS * CHANNELS };
    struct buffer a = buffer_random(s, COUNT, r), gradient = buffer_make(s, COUNT);
    struct objective_on_layer o = {a.data, COUNT, CHANNELS, channel, has_relu, 0.5f, gradient.data};
    double value = walk_objective_on_layer(s, o), truth = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double x = at(&a, i), d = 0.5 * x;
        bool is_it = (int)(i % CHANNELS) == channel;
        truth += channel < 0 ? x * x : is_it ? x : 0;
        if (channel >= 0)
            d = is_it && (!has_relu || x > 0) ? 0.5 : 0;
        near(at(&gradient, i), d, grain(s) * fabs(d));
    }
    near(value, truth, 1e-4);
    o.gradient = a.data; /* in place */
    assert_true(walk_objective_on_layer(s, o) == value);
    assert_memory_equal(a.data, gradient.data, COUNT * cuda_storage_bytes(s));
    buffer_free(&a);
    buffer_free(&gradient);
}

static void objectives_and_their_gradients(void **state)
{
    (void)state;
    struct rng r = rng_make(8, 0);
    for (size_t i = 0; i < ARRAY_LEN(storages); i++) {
        check_logits_objective(storages[i], &r);
        check_layer_objective(storages[i], -1, true, &r);
        check_layer_objective(storages[i], 11, true, &r);
        check_layer_objective(storages[i], 11, false, &r);
    }
}

/* ---- Checks ---- */

/* The same numbers in another order have the same energy and other sums; rounding changes next to nothing. */
static void checks_tell_places_apart(void **state)
{
    (void)state;
    enum { ROWS = 20, WIDTH = 8 * 37, COUNT = ROWS * WIDTH };
    struct rng r = rng_make(15, 0);
    struct buffer map = buffer_random(CUDA_STORAGE_FP32, COUNT, &r),
                  other = buffer_make(CUDA_STORAGE_FP32, COUNT);
    struct buffer rounded = buffer_make(CUDA_STORAGE_BF16, COUNT);
    double sums[CHECK_SUMS], others[CHECK_SUMS], near_it[CHECK_SUMS];
    for (int i = 0; i < COUNT; i++) {
        int row = i / WIDTH;
        cuda_store_one(CUDA_STORAGE_BF16, rounded.data, (size_t)i, (float)at(&map, (size_t)i));
        ((float *)other.data)[(ROWS - 1 - row) * WIDTH + i % WIDTH] = ((float *)map.data)[i];
    }
    walk_check(CUDA_STORAGE_FP32, map.data, COUNT, sums);
    walk_check(CUDA_STORAGE_FP32, other.data, COUNT, others);
    walk_check(CUDA_STORAGE_BF16, rounded.data, COUNT, near_it);
    double root = sqrt(sums[0]), furthest = 0;
    near(others[0], sums[0], 1e-4 * sums[0]);
    for (int k = 1; k < CHECK_SUMS; k++) {
        near(near_it[k], sums[k], 0.01 * root);
        furthest = fmax(furthest, fabs(others[k] - sums[k]));
    }
    assert_true(furthest > 0.1 * root);
    buffer_free(&map);
    buffer_free(&other);
    buffer_free(&rounded);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(numbers_survive_the_way_there_and_back),
        cmocka_unit_test(numbers_are_rounded_to_the_nearest),
        cmocka_unit_test(first_layer_forward),
        cmocka_unit_test(first_layer_backward),
        cmocka_unit_test(patch_reads_spread_over_the_banks),
        cmocka_unit_test(pools_take_the_first_of_the_largest),
        cmocka_unit_test(pools_add_the_bias_of_a_bare_convolution),
        cmocka_unit_test(bias_and_decisions_of_a_relu),
        cmocka_unit_test(windows_and_their_transpose),
        cmocka_unit_test(head_from_sums),
        cmocka_unit_test(objectives_and_their_gradients),
        cmocka_unit_test(checks_tell_places_apart),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
