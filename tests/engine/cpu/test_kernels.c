/*
 * test_kernels - Winograd's transforms of every tier against the same thing in double precision, straight
 * from the definition: random and boundary-biased numbers, odd sizes, canaries behind what may be written.
 */
#include "tests/engine/cpu/kernel_check.h"

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

static void compare_tiles_in(const struct map *m, struct tiles t, const float *v, size_t row, size_t plane,
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
                differ(&d, v[(size_t)at * plane + (size_t)n * row + (size_t)c], sum);
            }
    assert_near(&d);
    for (size_t at = 0; at < TILE_POINTS; at++)
        for (size_t i = 0; i < plane; i++)
            if (i >= (size_t)t.count * row || i % row >= (size_t)m->channels)
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
        size_t row = (size_t)m.channels + rng_below(&rng, 20), plane = (size_t)t.count * row + GROUP;
        float *v = canaries(TILE_POINTS * plane);
        (unpool ? k->tiles_in_unpool : k->tiles_in)(&m, t, v, row, plane);
        compare_tiles_in(&m, t, v, row, plane, unpool ? unpooled_pixel : plain_pixel);
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

/* ---- Filters ---- */

/* Row i of G: powers of the point over the product of its distances to the others. */
static double g_of(int i, int j)
{
    const double points[5] = {0, p, -p, q, -q};
    double scale = 1;
    if (i == 5)
        return j == 2;
    for (int k = 0; k < 5; k++)
        scale *= k == i ? 1 : points[i] - points[k];
    return pow(points[i], j) / scale;
}

/* U of one input and output out of `filter`, whose taps are called by number. */
static double filter_point(const float *const taps[9], size_t at, bool is_turned, int point)
{
    double sum = 0;
    for (int t = 0; t < 9; t++)
        sum += g_of(point / 6, t / 3) * g_of(point % 6, t % 3) * (double)taps[is_turned ? 8 - t : t][at];
    return sum;
}

/* Two panels of outputs by 32 inputs, one way and the other. */
static void check_filters_in(const struct kernels *k)
{
    enum { IN = 32, PANELS = 2, TAP = IN * GROUP, PANEL = 9 * TAP };
    for (int depth = 1; depth <= IN; depth += 5) {
        float *filters = numbers(PANELS * PANEL);
        for (size_t turned = 0; turned < 2; turned++) {
            size_t used = (turned ? PANELS * GROUP : (size_t)depth) * GROUP, plane = used + 3 * GROUP;
            float *u = canaries(TILE_POINTS * plane);
            struct distance d = {0};
            if (turned)
                k->filters_in_turned(filters + GROUP * GROUP, TAP, PANEL, PANELS, u, plane);
            else
                k->filters_in(filters, TAP, depth, u, plane);
            for (size_t i = 0; i < TILE_POINTS * plane; i++) {
                size_t row = i % plane / GROUP, column = i % GROUP;
                size_t at = turned ? row / GROUP * PANEL + (GROUP + column) * GROUP + row % GROUP : i % plane;
                const float *taps[9];
                for (size_t t = 0; t < 9; t++)
                    taps[t] = filters + t * TAP;
                if (i % plane < used)
                    differ(&d, u[i], filter_point(taps, at, turned, (int)(i / plane)));
                else
                    assert_true(u[i] == canary);
            }
            assert_near(&d);
            free(u);
        }
        free(filters);
    }
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

TEST_OF(tiles_in_plain)
TEST_OF(tiles_in_unpool)
TEST_OF(tiles_out_relu)
TEST_OF(tiles_out_pool)
TEST_OF(tiles_out_alive)
TEST_OF(pool_ties)
TEST_OF(filters_in)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_in_plain), cmocka_unit_test(tiles_in_unpool), cmocka_unit_test(tiles_out_relu),
        cmocka_unit_test(tiles_out_pool), cmocka_unit_test(tiles_out_alive), cmocka_unit_test(pool_ties),
        cmocka_unit_test(filters_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
