/*
 * test_kernels_rows - matrix products, the first layer and the passes over rows, checked
 * as test_kernels does.
 */
#include "tests/engine/cpu/kernel_check.h"

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

/* ---- Weights of 24 bits ---- */

enum { BLOCKS = 5, STRIDE = 256 + 48, NUMBERS = BLOCKS * STRIDE };

static void check_widen_of(const struct kernels *k, const uint16_t *high, const int8_t *low,
                           const float *straight)
{
    static float out[BLOCKS * 256 + 1];
    for (int count = 16; count <= 256; count += 16) {
        out[count] = canary;
        k->widen(high + 3, low ? low + 3 : NULL, count, out);
        assert_memory_equal(out, straight + 3, (size_t)count * sizeof *out);
        assert_true(out[count] == canary);
    }
    for (int blocks = 1; blocks <= BLOCKS; blocks++) {
        out[blocks * 256] = canary;
        k->widen_turned(high, low, STRIDE, blocks, out);
        for (int i = 0; i < blocks * 256; i++) {
            int block = i / 256, row = i % 16, column = i / 16 % 16;
            assert_memory_equal(&out[i], &straight[block * STRIDE + row * 16 + column], sizeof *out);
        }
        assert_true(out[blocks * 256] == canary);
    }
}

/* Any 24 bits but those of NaN, as bits: the upper 16 alone are the nearest that 16 can be. */
static void check_widen(const struct kernels *k)
{
    static uint16_t high[NUMBERS];
    static int8_t low[NUMBERS];
    static float all[NUMBERS], upper[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) {
        uint32_t bits = (uint32_t)rng_u64(&rng) & 0xbfffff00, near = (bits + 0x8000) & 0xffff0000;
        high[i] = (uint16_t)(near >> 16);
        low[i] = (int8_t)((int32_t)(bits - near) / 256);
        memcpy(&all[i], &bits, sizeof bits);
        memcpy(&upper[i], &near, sizeof near);
    }
    check_widen_of(k, high, low, all);
    check_widen_of(k, high, NULL, upper);
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

TEST_OF(multiply)
TEST_OF(widen)
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
        cmocka_unit_test(multiply),    cmocka_unit_test(widen),        cmocka_unit_test(normalise),
        cmocka_unit_test(rgb_forward), cmocka_unit_test(rgb_backward), cmocka_unit_test(rows),
        cmocka_unit_test(add),         cmocka_unit_test(pixels_alive), cmocka_unit_test(objective),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
