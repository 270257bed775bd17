/*
 * test_kernels - every entry of every tier's table against the same thing in double precision, straight from
 * the definition: random and boundary-biased numbers, odd sizes, canaries behind what may be written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "engine/kernels.h"

static const float canary = -12345.5f;
static const double tolerance = 1e-11; /* NMSE; rounding alone is some 1e-13 */
static struct rng rng;

/* Mostly normal; often zero, tiny, equal to others, or large: where comparisons and masks go wrong. */
static float number(void)
{
    switch (rng_below(&rng, 8)) {
    case 0:
        return 0.0f;
    case 1:
        return -1.0f;
    case 2:
        return 1e-20f;
    case 3:
        return 40.0f * rng_normal(&rng);
    default:
        return rng_normal(&rng);
    }
}

static float *numbers(size_t count)
{
    float *p = buffer_alloc(count * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < count; i++)
        p[i] = number();
    return p;
}

static float *canaries(size_t count)
{
    float *p = buffer_alloc(count * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < count; i++)
        p[i] = canary;
    return p;
}

/* Sum of squared differences over sum of squares, gathered value by value. */
struct distance {
    double error, norm;
};

static void differ(struct distance *d, float is, double should)
{
    d->error += ((double)is - should) * ((double)is - should);
    d->norm += should * should;
}

static void assert_near(const struct distance *d)
{
    assert_true(d->error <= tolerance * d->norm);
}

typedef void check_fn(const struct kernels *k);

static void each_tier(check_fn *check)
{
    static const enum cpu_tier tiers[] = {CPU_TIER_C, CPU_TIER_AVX2, CPU_TIER_AVX512};
    for (size_t i = 0; i < ARRAY_LEN(tiers); i++) {
        const struct kernels *k = kernels_pick(tiers[i]);
        rng = rng_make(7, i);
        for (int round = 0; k && round < 4; round++)
            check(k);
    }
}

/* ---- Maps ---- */

static struct map map_make(int w, int h, int channels)
{
    struct map m = {.w = w, .h = h, .channels = channels};
    m.stride_px = (w + 3) / 4 * 4 + 4;
    m.rows_px = (h + 3) / 4 * 4 + 4;
    size_t pixels = (size_t)m.stride_px * (size_t)m.rows_px, bits = pixels * (size_t)channels / GROUP;
    m.data = canaries(pixels * (size_t)channels);
    m.alive = xcalloc(bits, sizeof *m.alive);
    for (int b = 0; b < 2; b++)
        m.which[b] = xcalloc(bits, sizeof *m.which[b]);
    for (size_t i = 0; i < bits; i++) {
        m.alive[i] = (uint16_t)rng_u64(&rng);
        m.which[0][i] = (uint16_t)rng_u64(&rng);
        m.which[1][i] = (uint16_t)rng_u64(&rng);
    }
    return m;
}

static void map_free(struct map *m)
{
    free(m->data);
    free(m->alive);
    free(m->which[0]);
    free(m->which[1]);
}

static size_t pixel_at(const struct map *m, int y, int x)
{
    return (size_t)(y + 1) * (size_t)m->stride_px + (size_t)(x + 1);
}

static float *map_at(const struct map *m, int y, int x, int c)
{
    return &m->data[pixel_at(m, y, x) * (size_t)m->channels + (size_t)c];
}

static bool bit_at(const struct map *m, const uint16_t *bits, int y, int x, int c)
{
    return bits[pixel_at(m, y, x) * (size_t)(m->channels / GROUP) + (size_t)(c / GROUP)] >> c % GROUP & 1;
}

/* Numbers within the picture, zeros around it. */
static void map_fill(const struct map *m)
{
    for (int y = -1; y < m->rows_px - 1; y++)
        for (int x = -1; x < m->stride_px - 1; x++)
            for (int c = 0; c < m->channels; c++)
                *map_at(m, y, x, c) = y >= 0 && x >= 0 && y < m->h && x < m->w ? number() : 0.0f;
}

static const struct {
    int w, h, channels;
} shapes[] = {{8, 8, 16}, {13, 7, 32}, {5, 9, 48}, {1, 2, 16}, {22, 6, 16}};

/* ---- Winograd's transforms ---- */

static const double p = 0.70710678118654752440, q = 1.41421356237309504880;

/* Interpolation: rows of A^T are powers of the points, the last column stands for infinity. */
static double a_transposed(int i, int j)
{
    const double points[5] = {0, p, -p, q, -q};
    return j == 5 ? (i == 3) : pow(points[j], i);
}

/* Row i of B^T holds the coefficients of the product of (x - b) over the other points b. */
static double b_transposed(int i, int j)
{
    const double rows[6][6] = {{1, 0, -2.5, 0, 1, 0},  {0, -q, -2, p, 1, 0},   {0, q, -2, -p, 1, 0},
                               {0, -p, -0.5, q, 1, 0}, {0, p, -0.5, -q, 1, 0}, {0, 1, 0, -2.5, 0, 1}};
    return rows[i][j];
}

typedef double pixel_fn(const struct map *m, int y, int x, int c);

static double plain_pixel(const struct map *m, int y, int x, int c)
{
    return (double)*map_at(m, y, x, c);
}

static double unpooled_pixel(const struct map *m, int y, int x, int c)
{
    int py = (y + 2) / 2 - 1, px = (x + 2) / 2 - 1, lower = (y + 2) % 2, right = (x + 2) % 2;
    bool here = bit_at(m, m->which[0], py, px, c) == right && bit_at(m, m->which[1], py, px, c) == lower;
    return here ? (double)*map_at(m, py, px, c) : 0;
}

static void compare_tiles_in(const struct map *m, struct tiles t, const float *v, size_t plane,
                             pixel_fn *pixel)
{
    struct distance d = {0};
    for (int n = 0; n < t.count; n++)
        for (int c = 0; c < m->channels; c++)
            for (int at = 0; at < TILE_POINTS; at++) {
                int ty = (t.first + n) / t.tiles_w, tx = (t.first + n) % t.tiles_w;
                double sum = 0;
                for (int i = 0; i < 6; i++)
                    for (int j = 0; j < 6; j++)
                        sum += b_transposed(at / 6, i) * b_transposed(at % 6, j) *
                               pixel(m, 4 * ty + i - 1, 4 * tx + j - 1, c);
                differ(&d, v[(size_t)at * plane + (size_t)(n * m->channels + c)], sum);
            }
    assert_near(&d);
    for (size_t at = 0; at < TILE_POINTS; at++)
        for (size_t i = (size_t)(t.count * m->channels); i < plane; i++)
            assert_true(v[at * plane + i] == canary);
}

static void check_tiles_in(const struct kernels *k, bool unpool)
{
    for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
        /* Unpooling: the map is the pooled one, the tiles lie in one of twice its size and up to one more. */
        int pooled = unpool ? 2 : 1, odd = unpool ? (int)rng_below(&rng, 2) : 0;
        struct map m = map_make(shapes[s].w, shapes[s].h, shapes[s].channels);
        map_fill(&m);
        int tiles_w = (m.w * pooled + odd + 3) / 4, tiles_h = (m.h * pooled + odd + 3) / 4;
        struct tiles t = {0, tiles_w * tiles_h, tiles_w};
        t.first = (int)rng_below(&rng, (uint32_t)t.count);
        t.count -= t.first;
        size_t plane = (size_t)(t.count * m.channels) + GROUP;
        float *v = canaries(TILE_POINTS * plane);
        (unpool ? k->tiles_in_unpool : k->tiles_in)(&m, t, v, plane);
        compare_tiles_in(&m, t, v, plane, unpool ? unpooled_pixel : plain_pixel);
        free(v);
        map_free(&m);
    }
}

static void check_tiles_in_plain(const struct kernels *k)
{
    check_tiles_in(k, false);
}

static void check_tiles_in_unpool(const struct kernels *k)
{
    check_tiles_in(k, true);
}

static double product_pixel(const float *products, size_t plane, int n, int c, int channels, int y, int x)
{
    double sum = 0;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            sum += a_transposed(y, i) * a_transposed(x, j) *
                   (double)products[(size_t)(i * 6 + j) * plane + (size_t)(n * channels + c)];
    return sum;
}

/* Pixels that belong to none of the tiles keep their canaries. `side` is the tile's side in the map. */
static void assert_only_tiles_written(const struct map *m, struct tiles t, int side)
{
    for (int y = -1; y < m->rows_px - 1; y++)
        for (int x = -1; x < m->stride_px - 1; x++) {
            int tile = y < 0 || x < 0 || x / side >= t.tiles_w ? -1 : y / side * t.tiles_w + x / side;
            if (tile < t.first || tile >= t.first + t.count)
                for (int c = 0; c < m->channels; c++)
                    assert_true(*map_at(m, y, x, c) == canary);
        }
}

typedef void tile_fn(const struct kernels *k, const float *products, size_t plane, const float *bias,
                     struct tiles t, struct map *m);

/* Runs `check` for blocks that begin and end anywhere in maps whose tiles are `side` pixels wide. */
static void each_block(const struct kernels *k, int side, tile_fn *check)
{
    for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
        struct map m = map_make(shapes[s].w, shapes[s].h, shapes[s].channels);
        int tiles_w = (m.w + side - 1) / side, all = tiles_w * ((m.h + side - 1) / side);
        struct tiles t = {.first = (int)rng_below(&rng, (uint32_t)all), .tiles_w = tiles_w};
        t.count = 1 + (int)rng_below(&rng, (uint32_t)(all - t.first));
        size_t plane = (size_t)(t.count * m.channels) + GROUP;
        float *products = numbers(TILE_POINTS * plane), *bias = numbers((size_t)m.channels);
        check(k, products, plane, bias, t, &m);
        assert_only_tiles_written(&m, t, side);
        free(products);
        free(bias);
        map_free(&m);
    }
}

static void relu_block(const struct kernels *k, const float *products, size_t plane, const float *bias,
                       struct tiles t, struct map *m)
{
    struct distance d = {0};
    k->tiles_out_relu(products, plane, bias, t, m);
    for (int n = 0; n < t.count; n++)
        for (int c = 0; c < m->channels; c++)
            for (int i = 0; i < 16; i++) {
                int y = (t.first + n) / t.tiles_w * 4 + i / 4, x = (t.first + n) % t.tiles_w * 4 + i % 4;
                double v = product_pixel(products, plane, n, c, m->channels, i / 4, i % 4) + (double)bias[c];
                differ(&d, *map_at(m, y, x, c), fmax(v, 0));
                assert_int_equal(bit_at(m, m->alive, y, x, c), *map_at(m, y, x, c) > 0);
            }
    assert_near(&d);
    /* Without `alive` it writes the same. */
    struct map bare = map_make(m->w, m->h, m->channels);
    uint16_t *alive = bare.alive;
    bare.alive = NULL;
    k->tiles_out_relu(products, plane, bias, t, &bare);
    assert_memory_equal(bare.data, m->data,
                        (size_t)(m->stride_px * m->rows_px * m->channels) * sizeof(float));
    bare.alive = alive;
    map_free(&bare);
}

static void check_tiles_out_relu(const struct kernels *k)
{
    each_block(k, 4, relu_block);
}

static void pool_block(const struct kernels *k, const float *products, size_t plane, const float *bias,
                       struct tiles t, struct map *m)
{
    struct distance d = {0};
    k->tiles_out_pool(products, plane, bias, t, m);
    for (int n = 0; n < t.count; n++)
        for (int c = 0; c < m->channels; c++)
            for (int i = 0; i < 4; i++) {
                int y = (t.first + n) / t.tiles_w * 2 + i / 2, x = (t.first + n) % t.tiles_w * 2 + i % 2;
                double v[4], best = -INFINITY;
                for (int j = 0; j < 4; j++) {
                    v[j] = product_pixel(products, plane, n, c, m->channels, i / 2 * 2 + j / 2,
                                         i % 2 * 2 + j % 2);
                    best = fmax(best, v[j]);
                }
                differ(&d, *map_at(m, y, x, c), fmax(best + (double)bias[c], 0));
                assert_int_equal(bit_at(m, m->alive, y, x, c), *map_at(m, y, x, c) > 0);
                /* The winner may be another only where rounding cannot tell them apart. */
                int winner = bit_at(m, m->which[1], y, x, c) * 2 + bit_at(m, m->which[0], y, x, c);
                assert_true(v[winner] >= best - 1e-4 * (1 + fabs(best)));
            }
    assert_near(&d);
}

static void check_tiles_out_pool(const struct kernels *k)
{
    each_block(k, 2, pool_block);
}

static void alive_block(const struct kernels *k, const float *products, size_t plane, const float *bias,
                        struct tiles t, struct map *m)
{
    (void)bias;
    uint16_t *alive = m->alive;
    m->alive = rng_below(&rng, 3) ? alive : NULL;
    struct distance d = {0};
    k->tiles_out_alive(products, plane, t, m);
    for (int n = 0; n < t.count; n++)
        for (int c = 0; c < m->channels; c++)
            for (int i = 0; i < 16; i++) {
                int y = (t.first + n) / t.tiles_w * 4 + i / 4, x = (t.first + n) % t.tiles_w * 4 + i % 4;
                bool lives = !m->alive || bit_at(m, m->alive, y, x, c);
                differ(&d, *map_at(m, y, x, c),
                       lives ? product_pixel(products, plane, n, c, m->channels, i / 4, i % 4) : 0);
            }
    assert_near(&d);
    m->alive = alive;
}

static void check_tiles_out_alive(const struct kernels *k)
{
    each_block(k, 4, alive_block);
}

/* Equal products everywhere but in one plane are ties in every pool: the first of the four must win. */
static void check_pool_ties(const struct kernels *k)
{
    struct map m = map_make(2, 2, 16);
    struct tiles t = {0, 1, 1};
    size_t plane = 16;
    float *products = buffer_alloc(TILE_POINTS * plane * sizeof *products), bias[16] = {0};
    assert_non_null(products);
    memset(products, 0, TILE_POINTS * plane * sizeof *products);
    k->tiles_out_pool(products, plane, bias, t, &m);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 16; c++) {
            assert_true(*map_at(&m, i / 2, i % 2, c) == 0.0f);
            assert_false(bit_at(&m, m.alive, i / 2, i % 2, c));
            assert_false(bit_at(&m, m.which[0], i / 2, i % 2, c));
            assert_false(bit_at(&m, m.which[1], i / 2, i % 2, c));
        }
    free(products);
    map_free(&m);
}

/* ---- Matrix products ---- */

static void check_multiply(const struct kernels *k)
{
    for (int rows = 1; rows <= 31; rows++) {
        int depth = 1 + (int)rng_below(&rng, 70), panels = 1 + (int)rng_below(&rng, 3);
        int add = (int)rng_below(&rng, 2);
        size_t lda = (size_t)depth + rng_below(&rng, 5), ldc = (size_t)panels * GROUP + rng_below(&rng, 20);
        size_t panel_stride = (size_t)depth * GROUP + 32;
        float *a = numbers((size_t)rows * lda), *w = numbers((size_t)panels * panel_stride);
        float *c = canaries(((size_t)rows + 1) * ldc);
        double truth[31][3 * GROUP];
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < panels * GROUP; j++) {
                float *to = &c[(size_t)r * ldc + (size_t)j];
                *to = number();
                truth[r][j] = add ? (double)*to : 0;
                for (int x = 0; x < depth; x++)
                    truth[r][j] +=
                        (double)a[(size_t)r * lda + (size_t)x] *
                        (double)w[(size_t)(j / GROUP) * panel_stride + (size_t)(x * GROUP + j % GROUP)];
            }
        k->multiply(a, lda, rows, depth, w, panel_stride, panels, c, ldc, add);
        struct distance d = {0};
        for (size_t r = 0; r <= (size_t)rows; r++)
            for (size_t j = 0; j < ldc; j++) {
                if (r < (size_t)rows && j < (size_t)panels * GROUP)
                    differ(&d, c[r * ldc + j], truth[r][j]);
                else
                    assert_true(c[r * ldc + j] == canary);
            }
        assert_near(&d);
        free(a);
        free(w);
        free(c);
    }
}

/* ---- The first layer ---- */

static void check_normalise(const struct kernels *k)
{
    for (int count = 0; count < 40; count++) {
        float *in = numbers((size_t)count + 1), *out = canaries((size_t)count + 1);
        struct distance d = {0};
        k->normalise(in, count, 0.0125f, -1.75f, out);
        for (int i = 0; i < count; i++)
            differ(&d, out[i], (double)in[i] * (double)0.0125f - 1.75);
        assert_near(&d);
        assert_true(out[count] == canary);
        free(in);
        free(out);
    }
}

static void check_rgb_forward(const struct kernels *k)
{
    for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
        struct map m = map_make(shapes[s].w, shapes[s].h, shapes[s].channels);
        size_t stride = (size_t)m.w + 2 + rng_below(&rng, 3), plane = stride * ((size_t)m.h + 2);
        float *in = numbers(3 * plane), *w = numbers((size_t)m.channels * 27),
              *bias = numbers((size_t)m.channels);
        int y0 = (int)rng_below(&rng, (uint32_t)m.h), rows = 1 + (int)rng_below(&rng, (uint32_t)(m.h - y0));
        k->rgb_forward(in, plane, stride, w, bias, y0, rows, &m);
        struct distance d = {0};
        for (int y = -1; y < m.rows_px - 1; y++)
            for (int x = -1; x < m.stride_px - 1; x++)
                for (int c = 0; c < m.channels; c++) {
                    if (y < y0 || y >= y0 + rows || x < 0 || x >= m.w) {
                        assert_true(*map_at(&m, y, x, c) == canary);
                        continue;
                    }
                    double sum = (double)bias[c];
                    for (int t = 0; t < 27; t++)
                        sum += (double)w[(c / GROUP * 27 + t) * GROUP + c % GROUP] *
                               (double)in[(size_t)(t / 9) * plane + (size_t)(y + t % 9 / 3) * stride +
                                          (size_t)(x + t % 3)];
                    differ(&d, *map_at(&m, y, x, c), fmax(sum, 0));
                    assert_int_equal(bit_at(&m, m.alive, y, x, c), *map_at(&m, y, x, c) > 0);
                }
        assert_near(&d);
        free(in);
        free(w);
        free(bias);
        map_free(&m);
    }
}

static void check_rgb_backward(const struct kernels *k)
{
    for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
        struct map m = map_make(shapes[s].w, shapes[s].h, shapes[s].channels);
        map_fill(&m);
        size_t plane = (size_t)m.w * (size_t)m.h;
        float *w = numbers((size_t)m.channels * 27), *out = canaries(3 * plane + 1);
        int y0 = (int)rng_below(&rng, (uint32_t)m.h), rows = 1 + (int)rng_below(&rng, (uint32_t)(m.h - y0));
        k->rgb_backward(&m, w, y0, rows, out);
        struct distance d = {0};
        for (int i = 0; i < 3 * m.w * m.h; i++) {
            int colour = i / (m.w * m.h), y = i / m.w % m.h, x = i % m.w;
            double sum = 0;
            if (y < y0 || y >= y0 + rows) {
                assert_true(out[i] == canary);
                continue;
            }
            for (int t = 0; t < 9; t++)
                for (int c = 0; c < m.channels; c++)
                    sum += (double)w[(t * 3 + colour) * m.channels + c] *
                           (double)*map_at(&m, y + t / 3 - 1, x + t % 3 - 1, c);
            differ(&d, out[i], sum);
        }
        assert_near(&d);
        assert_true(out[3 * plane] == canary);
        free(w);
        free(out);
        map_free(&m);
    }
}

/* ---- Rows ---- */

static void check_rows(const struct kernels *k)
{
    enum { ROWS = 5, LD = 23 };
    for (int relu = 0; relu < 2; relu++) {
        float *c = numbers(ROWS * LD), *was = numbers(ROWS * LD), *h = numbers(ROWS * LD),
              *bias = numbers(GROUP);
        struct distance d = {0};
        memcpy(was, c, ROWS * LD * sizeof *c);
        k->rows_bias(c, LD, ROWS, bias, relu);
        for (int i = 0; i < ROWS * LD; i++) {
            double sum = (double)was[i] + (i % LD < GROUP ? (double)bias[i % LD] : 0);
            differ(&d, c[i], relu && i % LD < GROUP ? fmax(sum, 0) : sum);
        }
        assert_near(&d);
        memcpy(was, c, ROWS * LD * sizeof *c);
        k->rows_alive(c, LD, ROWS, h, LD);
        for (int i = 0; i < ROWS * LD; i++)
            assert_true(c[i] == (i % LD >= GROUP || h[i] > 0 ? was[i] : 0.0f));
        free(c);
        free(was);
        free(h);
        free(bias);
    }
}

static void check_add(const struct kernels *k)
{
    float *from = numbers(5 * GROUP), *to = numbers(5 * GROUP), was[5 * GROUP];
    memcpy(was, to, sizeof was);
    k->add(from, 4 * GROUP, to);
    for (int i = 0; i < 5 * GROUP; i++)
        assert_true(to[i] == (i < 4 * GROUP ? was[i] + from[i] : was[i]));
    free(from);
    free(to);
}

static void check_pixels_alive(const struct kernels *k)
{
    struct map m = map_make(9, 2, 48);
    struct map old = map_make(9, 2, 48);
    map_fill(&m);
    size_t floats = (size_t)(m.stride_px * m.rows_px * m.channels);
    memcpy(old.data, m.data, floats * sizeof *m.data);
    k->pixels_alive(map_at(&m, 0, 0, 0), m.alive + pixel_at(&m, 0, 0) * 3, m.w, m.channels);
    for (int y = 0; y < 2; y++)
        for (int x = 0; x < m.w; x++)
            for (int c = 0; c < m.channels; c++)
                assert_true(*map_at(&m, y, x, c) ==
                            (y || bit_at(&m, m.alive, y, x, c) ? *map_at(&old, y, x, c) : 0.0f));
    map_free(&m);
    map_free(&old);
}

static void check_objective(const struct kernels *k)
{
    enum { PIXELS = 7, CHANNELS = 32, ALL = PIXELS * CHANNELS };
    for (int channel = -1; channel < CHANNELS; channel += 11)
        for (int relu = 0; relu < 2; relu++) {
            float *a = numbers(ALL + 1), was[ALL + 1];
            struct distance d = {0};
            double sum = 0;
            memcpy(was, a, sizeof was);
            double got = k->objective(a, PIXELS, CHANNELS, channel, 0.25f, relu);
            for (int i = 0; i < ALL; i++) {
                double x = (double)was[i];
                bool ours = i % CHANNELS == channel;
                sum += channel < 0 ? x * x : ours ? x : 0;
                differ(&d, a[i], channel < 0 ? 0.25 * x : ours && (!relu || x > 0) ? 0.25 : 0);
            }
            assert_near(&d);
            assert_true(fabs(got - sum) <= 1e-5 * fabs(sum));
            assert_true(a[ALL] == was[ALL]);
            free(a);
        }
}

#define TEST_OF(name)                                                                                        \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        each_tier(check_##name);                                                                             \
    }
TEST_OF(tiles_in_plain)
TEST_OF(tiles_in_unpool)
TEST_OF(tiles_out_relu)
TEST_OF(tiles_out_pool)
TEST_OF(tiles_out_alive)
TEST_OF(pool_ties)
TEST_OF(multiply)
TEST_OF(normalise)
TEST_OF(rgb_forward)
TEST_OF(rgb_backward)
TEST_OF(rows)
TEST_OF(add)
TEST_OF(pixels_alive)
TEST_OF(objective)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_in_plain),
        cmocka_unit_test(tiles_in_unpool),
        cmocka_unit_test(tiles_out_relu),
        cmocka_unit_test(tiles_out_pool),
        cmocka_unit_test(tiles_out_alive),
        cmocka_unit_test(pool_ties),
        cmocka_unit_test(multiply),
        cmocka_unit_test(normalise),
        cmocka_unit_test(rgb_forward),
        cmocka_unit_test(rgb_backward),
        cmocka_unit_test(rows),
        cmocka_unit_test(add),
        cmocka_unit_test(pixels_alive),
        cmocka_unit_test(objective),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
