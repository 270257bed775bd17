/*
 * kernels_impl - the kernels, written once with the compiler's vectors and compiled per tier.
 *
 * The including file defines LANES (floats per vector, a divisor of 16), ROWS (rows of a matrix product held
 * in registers), KERNELS and KERNEL_NAME. Only two things have no spelling in vector arithmetic and are
 * intrinsics, with a plain form beside them: the larger of two vectors and the sign bits of a vector.
 *
 * Transforms (rows of B^T, A^T; points p = 1/sqrt2, q = sqrt2):
 *   B^T d = d0 - 2.5 d2 + d4, (d4 - 2 d2) +- p (d3 - 2 d1), (d4 - d2/2) +- q (d3 - d1/2), d1 - 2.5 d3 + d5
 *   A^T m = sum of m0..m4, p(m1 - m2) + q(m3 - m4), (m1 + m2)/2 + 2(m3 + m4), p/2 (m1 - m2) + 2q(m3 - m4) +
 * m5
 */
#include "engine/kernels.h"

#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define POINT  0.70710678118654752f /* p; q = 2 p */

enum { VECTORS = GROUP / LANES };

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
typedef float vec_in_memory __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

INLINE vec load(const float *p)
{
    return *(const vec_in_memory *)p;
}

INLINE void store(float *p, vec x)
{
    *(vec_in_memory *)p = x;
}

INLINE vec keep(vec x, ivec mask)
{
    return (vec)((ivec)x & mask);
}

INLINE vec larger(vec a, vec b)
{
#if LANES == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif LANES == 8
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    ivec m = b > a;
    return (vec)(((ivec)a & ~m) | ((ivec)b & m));
#endif
}

/* One bit per lane of a comparison's result. */
INLINE unsigned bits_of(ivec mask)
{
#if LANES == 16
    return _mm512_movepi32_mask((__m512i)mask);
#elif LANES == 8
    return (unsigned)_mm256_movemask_ps((__m256)mask);
#elif defined(__SSE2__)
    return (unsigned)_mm_movemask_ps((__m128)mask);
#else
    unsigned bits = 0;
    for (int i = 0; i < LANES; i++)
        bits |= ((unsigned)mask[i] & 1u) << i;
    return bits;
#endif
}

/* The way back: lanes of all ones where the bit is set. Bits from `shift` on belong to this vector. */
INLINE ivec mask_of(unsigned bits, int shift)
{
#if LANES == 16
    const ivec lane = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
#elif LANES == 8
    const ivec lane = {1, 2, 4, 8, 16, 32, 64, 128};
#else
    const ivec lane = {1, 2, 4, 8};
#endif
    ivec all = (ivec){0} + (int32_t)(bits >> shift);
    return (all & lane) == lane;
}

/* ---- Winograd's transforms, in one dimension ---- */

INLINE void transform_in(const vec *d, vec *out)
{
    vec a = d[4] - 2.0f * d[2], b = d[3] - 2.0f * d[1];
    vec c = d[4] - 0.5f * d[2], e = d[3] - 0.5f * d[1];
    out[0] = (d[0] + d[4]) - 2.5f * d[2];
    out[1] = a + POINT * b;
    out[2] = a - POINT * b;
    out[3] = c + (2.0f * POINT) * e;
    out[4] = c - (2.0f * POINT) * e;
    out[5] = (d[1] + d[5]) - 2.5f * d[3];
}

INLINE void transform_out(const vec *m, vec *out)
{
    vec s = m[1] + m[2], d = m[1] - m[2], t = m[3] + m[4], e = m[3] - m[4];
    vec pd = POINT * d, qe = (2.0f * POINT) * e;
    out[0] = m[0] + s + t;
    out[1] = pd + qe;
    out[2] = 0.5f * s + 2.0f * t;
    out[3] = (0.5f * pd + m[5]) + 2.0f * qe;
}

INLINE void transform_rows_and_store(vec columns[6][6], float *v, size_t plane)
{
    for (int i = 0; i < 6; i++) {
        vec out[6];
        transform_in(columns[i], out);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++)
            store(v + (size_t)(i * 6 + j) * plane, out[j]);
    }
}

static void tiles_in(const struct map *m, struct tiles t, float *v, size_t plane)
{
    size_t pixel = (size_t)m->channels, row = pixel * (size_t)m->stride_px;
    for (int n = 0; n < t.count; n++, v += pixel) {
        int ty = (t.first + n) / t.tiles_w, tx = (t.first + n) % t.tiles_w;
        const float *corner = m->data + (size_t)(TILE * ty) * row + (size_t)(TILE * tx) * pixel;
        for (size_t c = 0; c < pixel; c += LANES) {
            vec columns[6][6]; /* [transformed row][column] */
            for (size_t j = 0; j < 6; j++) {
                vec d[6], out[6];
#pragma GCC unroll 6
                for (size_t i = 0; i < 6; i++)
                    d[i] = load(corner + i * row + j * pixel + c);
                transform_in(d, out);
#pragma GCC unroll 6
                for (int i = 0; i < 6; i++)
                    columns[i][j] = out[i];
            }
            transform_rows_and_store(columns, v + c, plane);
        }
    }
}

/* One column of 6x6 pixels out of four pooled cells: of the first only its lower pixel lies in the tile, of
 * the last only its upper one. */
INLINE void unpool_column(const vec *g, const ivec *in_column, const ivec *in_lower_row, vec columns[6][6],
                          int j)
{
    vec d[6], out[6];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        vec here = keep(g[i], in_column[i]);
        if (i > 0)
            d[2 * i - 1] = keep(here, ~in_lower_row[i]);
        if (i < 3)
            d[2 * i] = keep(here, in_lower_row[i]);
    }
    transform_in(d, out);
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++)
        columns[i][j] = out[i];
}

static void tiles_in_unpool(const struct map *m, struct tiles t, float *v, size_t plane)
{
    size_t channels = (size_t)m->channels, groups = channels / GROUP, stride = (size_t)m->stride_px;
    for (int n = 0; n < t.count; n++, v += channels) {
        int ty = (t.first + n) / t.tiles_w, tx = (t.first + n) % t.tiles_w;
        size_t corner = (size_t)(TILE / 2 * ty) * stride + (size_t)(TILE / 2 * tx);
        for (size_t c = 0; c < channels; c += LANES) {
            int shift = (int)(c % GROUP);
            vec columns[6][6]; /* [transformed row][column] */
#pragma GCC unroll 4
            for (size_t j = 0; j < 4; j++) {
                vec g[4];
                ivec left[4], right[4], lower[4];
#pragma GCC unroll 4
                for (size_t i = 0; i < 4; i++) {
                    size_t at = corner + i * stride + j, bits = at * groups + c / GROUP;
                    g[i] = load(m->data + at * channels + c);
                    right[i] = mask_of(m->which[0][bits], shift);
                    lower[i] = mask_of(m->which[1][bits], shift);
                    left[i] = ~right[i];
                }
                if (j > 0)
                    unpool_column(g, left, lower, columns, 2 * (int)j - 1);
                if (j < 3)
                    unpool_column(g, right, lower, columns, 2 * (int)j);
            }
            transform_rows_and_store(columns, v + c, plane);
        }
    }
}

/* Both passes of A^T m A for LANES channels: out[row][column]. */
INLINE void transform_products(const float *m, size_t plane, vec out[4][4])
{
    vec columns[4][6];
    for (size_t j = 0; j < 6; j++) {
        vec d[6], y[4];
#pragma GCC unroll 6
        for (size_t i = 0; i < 6; i++)
            d[i] = load(m + (i * 6 + j) * plane);
        transform_out(d, y);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            columns[i][j] = y[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        transform_out(columns[i], out[i]);
}

static void tiles_out_relu(const float *products, size_t plane, const float *bias, struct tiles t,
                           const struct map *m)
{
    size_t channels = (size_t)m->channels, groups = channels / GROUP, stride = (size_t)m->stride_px;
    for (int n = 0; n < t.count; n++, products += channels) {
        int ty = (t.first + n) / t.tiles_w, tx = (t.first + n) % t.tiles_w;
        size_t corner = (size_t)(TILE * ty + 1) * stride + (size_t)(TILE * tx + 1);
        for (size_t g = 0; g < groups; g++) {
            unsigned bits[TILE][TILE] = {{0}};
#pragma GCC unroll 4
            for (size_t s = 0; s < VECTORS; s++) {
                size_t c = g * GROUP + s * LANES;
                vec y[4][4], b = load(bias + c);
                transform_products(products + c, plane, y);
#pragma GCC unroll 4
                for (size_t i = 0; i < TILE; i++)
#pragma GCC unroll 4
                    for (size_t j = 0; j < TILE; j++) {
                        vec x = y[i][j] + b;
                        ivec positive = x > 0.0f;
                        store(m->data + (corner + i * stride + j) * channels + c, keep(x, positive));
                        bits[i][j] |= bits_of(positive) << (s * LANES);
                    }
            }
            for (size_t i = 0; i < TILE && m->alive; i++)
                for (size_t j = 0; j < TILE; j++)
                    m->alive[(corner + i * stride + j) * groups + g] = (uint16_t)bits[i][j];
        }
    }
}

static void tiles_out_pool(const float *products, size_t plane, const float *bias, struct tiles t,
                           const struct map *m)
{
    size_t channels = (size_t)m->channels, groups = channels / GROUP, stride = (size_t)m->stride_px;
    for (int n = 0; n < t.count; n++, products += channels) {
        int ty = (t.first + n) / t.tiles_w, tx = (t.first + n) % t.tiles_w;
        size_t corner = (size_t)(TILE / 2 * ty + 1) * stride + (size_t)(TILE / 2 * tx + 1);
        for (size_t g = 0; g < groups; g++) {
            unsigned alive[2][2] = {{0}}, column[2][2] = {{0}}, row[2][2] = {{0}};
#pragma GCC unroll 4
            for (size_t s = 0; s < VECTORS; s++) {
                size_t c = g * GROUP + s * LANES;
                vec y[4][4], b = load(bias + c);
                transform_products(products + c, plane, y);
#pragma GCC unroll 2
                for (size_t i = 0; i < 2; i++)
#pragma GCC unroll 2
                    for (size_t j = 0; j < 2; j++) {
                        vec *up = &y[2 * i][2 * j], *low = &y[2 * i + 1][2 * j];
                        vec best_up = larger(up[0], up[1]), best_low = larger(low[0], low[1]);
                        ivec is_low = best_low > best_up;
                        ivec is_right = ((up[1] > up[0]) & ~is_low) | ((low[1] > low[0]) & is_low);
                        vec x = larger(best_up, best_low) + b;
                        ivec positive = x > 0.0f;
                        store(m->data + (corner + i * stride + j) * channels + c, keep(x, positive));
                        alive[i][j] |= bits_of(positive) << (s * LANES);
                        column[i][j] |= bits_of(is_right) << (s * LANES);
                        row[i][j] |= bits_of(is_low) << (s * LANES);
                    }
            }
            for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < 2; j++) {
                    size_t at = (corner + i * stride + j) * groups + g;
                    m->alive[at] = (uint16_t)alive[i][j];
                    m->which[0][at] = (uint16_t)column[i][j];
                    m->which[1][at] = (uint16_t)row[i][j];
                }
        }
    }
}

static void tiles_out_alive(const float *products, size_t plane, struct tiles t, const struct map *m)
{
    size_t channels = (size_t)m->channels, groups = channels / GROUP, stride = (size_t)m->stride_px;
    for (int n = 0; n < t.count; n++, products += channels) {
        int ty = (t.first + n) / t.tiles_w, tx = (t.first + n) % t.tiles_w;
        size_t corner = (size_t)(TILE * ty + 1) * stride + (size_t)(TILE * tx + 1);
        for (size_t c = 0; c < channels; c += LANES) {
            vec y[4][4];
            transform_products(products + c, plane, y);
#pragma GCC unroll 4
            for (size_t i = 0; i < TILE; i++)
#pragma GCC unroll 4
                for (size_t j = 0; j < TILE; j++) {
                    size_t at = corner + i * stride + j;
                    unsigned bits = m->alive ? m->alive[at * groups + c / GROUP] : 0xffffu;
                    store(m->data + at * channels + c, keep(y[i][j], mask_of(bits, (int)(c % GROUP))));
                }
        }
    }
}

/* ---- Matrix products ---- */

INLINE void multiply_rows(const float *a, size_t lda, int depth, const float *packed, float *c, size_t ldc,
                          int add, const int rows)
{
    vec sum[ROWS][VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int s = 0; s < VECTORS; s++)
            sum[r][s] = add ? load(c + (size_t)r * ldc + s * LANES) : (vec){0};
    for (int x = 0; x < depth; x++, packed += GROUP) {
        vec w[VECTORS];
#pragma GCC unroll 4
        for (int s = 0; s < VECTORS; s++)
            w[s] = load(packed + s * LANES);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            float scalar = a[(size_t)r * lda + (size_t)x];
#pragma GCC unroll 4
            for (int s = 0; s < VECTORS; s++)
                sum[r][s] += scalar * w[s];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int s = 0; s < VECTORS; s++)
            store(c + (size_t)r * ldc + s * LANES, sum[r][s]);
}

/* `parts` times `rows` rows against all panels. */
INLINE void multiply_parts(const float *a, size_t lda, int parts, int depth, const float *packed,
                           size_t panel_stride, int panels, float *c, size_t ldc, int add, const int rows)
{
    for (int p = 0; p < panels; p++, packed += panel_stride)
        for (int i = 0; i < parts; i++) {
            size_t first = (size_t)(i * rows);
            multiply_rows(a + first * lda, lda, depth, packed, c + first * ldc + p * GROUP, ldc, add, rows);
        }
}

#define MULTIPLY_CASE(n)                                                                                     \
    case n:                                                                                                  \
        if (n <= ROWS)                                                                                       \
            multiply_parts(a, lda, parts, depth, packed, panel_stride, panels, c, ldc, add,                  \
                           n <= ROWS ? n : ROWS);                                                            \
        break

static void multiply_parts_of(int rows, const float *a, size_t lda, int parts, int depth, const float *packed,
                              size_t panel_stride, int panels, float *c, size_t ldc, int add)
{
    switch (parts ? rows : 0) {
        MULTIPLY_CASE(1);
        MULTIPLY_CASE(2);
        MULTIPLY_CASE(3);
        MULTIPLY_CASE(4);
        MULTIPLY_CASE(5);
        MULTIPLY_CASE(6);
        MULTIPLY_CASE(7);
        MULTIPLY_CASE(8);
        MULTIPLY_CASE(9);
        MULTIPLY_CASE(10);
        MULTIPLY_CASE(11);
        MULTIPLY_CASE(12);
        MULTIPLY_CASE(13);
        MULTIPLY_CASE(14);
    }
}

/* Parts of nearly equal height, the higher ones first: a last part of a single row would be slow. */
static void multiply(const float *a, size_t lda, int rows, int depth, const float *packed,
                     size_t panel_stride, int panels, float *c, size_t ldc, int add)
{
    int parts = (rows + ROWS - 1) / ROWS, low = rows / parts, high_parts = rows % parts;
    size_t first = (size_t)(high_parts * (low + 1));
    multiply_parts_of(low + 1, a, lda, high_parts, depth, packed, panel_stride, panels, c, ldc, add);
    multiply_parts_of(low, a + first * lda, lda, parts - high_parts, depth, packed, panel_stride, panels,
                      c + first * ldc, ldc, add);
}

/* ---- The first layer ---- */

static void normalise(const float *in, int count, float scale, float offset, float *out)
{
    for (int i = 0; i < count; i++)
        out[i] = in[i] * scale + offset;
}

/* `count` neighbouring pixels of 16 channels: in [3][plane] at the upper left tap of the first pixel. */
INLINE void rgb_pixels(const float *in, size_t plane, size_t stride, const float *packed, const float *bias,
                       float *out, size_t channels, uint16_t *alive, size_t groups, const int count)
{
    vec sum[ROWS][VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < count; r++)
#pragma GCC unroll 4
        for (int s = 0; s < VECTORS; s++)
            sum[r][s] = load(bias + s * LANES);
    for (int line = 0; line < 9; line++) {
        const float *from = in + (size_t)(line / 3) * plane + (size_t)(line % 3) * stride;
#pragma GCC unroll 3
        for (int tap = 0; tap < 3; tap++, packed += GROUP) {
            vec w[VECTORS];
#pragma GCC unroll 4
            for (int s = 0; s < VECTORS; s++)
                w[s] = load(packed + s * LANES);
#pragma GCC unroll 16
            for (int r = 0; r < count; r++)
#pragma GCC unroll 4
                for (int s = 0; s < VECTORS; s++)
                    sum[r][s] += from[tap + r] * w[s];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < count; r++) {
        unsigned bits = 0;
#pragma GCC unroll 4
        for (int s = 0; s < VECTORS; s++) {
            ivec positive = sum[r][s] > 0.0f;
            store(out + (size_t)r * channels + s * LANES, keep(sum[r][s], positive));
            bits |= bits_of(positive) << (s * LANES);
        }
        if (alive)
            alive[(size_t)r * groups] = (uint16_t)bits;
    }
}

static void rgb_forward(const float *picture, size_t plane, size_t stride, const float *packed,
                        const float *bias, int y, int rows, const struct map *m)
{
    size_t channels = (size_t)m->channels, groups = channels / GROUP;
    for (; rows > 0; rows--, y++)
        for (size_t g = 0; g < groups; g++) {
            const float *w = packed + g * 27 * GROUP, *b = bias + g * GROUP;
            for (int x = 0; x < m->w;) {
                size_t at = (size_t)(y + 1) * (size_t)m->stride_px + (size_t)(x + 1);
                const float *in = picture + (size_t)y * stride + (size_t)x;
                float *out = m->data + at * channels + g * GROUP;
                uint16_t *alive = m->alive ? m->alive + at * groups + g : NULL;
                if (x + ROWS <= m->w) {
                    rgb_pixels(in, plane, stride, w, b, out, channels, alive, groups, ROWS);
                    x += ROWS;
                } else {
                    rgb_pixels(in, plane, stride, w, b, out, channels, alive, groups, 1);
                    x++;
                }
            }
        }
}

typedef float four __attribute__((vector_size(16)));
typedef float four_in_memory __attribute__((vector_size(16), aligned(4), may_alias));

INLINE four fold(vec x)
{
#if LANES == 16
    typedef float eight __attribute__((vector_size(32)));
    eight e = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
              __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(e, e, 0, 1, 2, 3) + __builtin_shufflevector(e, e, 4, 5, 6, 7);
#elif LANES == 8
    return __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
#else
    return x;
#endif
}

/* The sums of the lanes of four vectors. */
INLINE four sums_of(vec x0, vec x1, vec x2, vec x3)
{
    four a = fold(x0), b = fold(x1), c = fold(x2), d = fold(x3);
    four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/* Four neighbouring pixels, three colours: twelve dot products over 9 taps and all channels. */
INLINE void rgb_gradient(const float *corner, size_t row, size_t pixel, const float *packed, four out[3])
{
    vec sum[3][4] = {{{0}}};
    for (size_t tap = 0; tap < 9; tap++) {
        const float *from = corner + tap / 3 * row + tap % 3 * pixel;
        for (size_t c = 0; c < pixel; c += LANES) {
            vec g[4];
#pragma GCC unroll 4
            for (size_t r = 0; r < 4; r++)
                g[r] = load(from + r * pixel + c);
#pragma GCC unroll 3
            for (size_t k = 0; k < 3; k++) {
                vec w = load(packed + k * pixel + c);
#pragma GCC unroll 4
                for (size_t r = 0; r < 4; r++)
                    sum[k][r] += g[r] * w;
            }
        }
        packed += 3 * pixel;
    }
#pragma GCC unroll 3
    for (int k = 0; k < 3; k++)
        out[k] = sums_of(sum[k][0], sum[k][1], sum[k][2], sum[k][3]);
}

static void rgb_backward(const struct map *m, const float *packed, int y, int rows, float *out)
{
    size_t pixel = (size_t)m->channels, row = pixel * (size_t)m->stride_px;
    size_t plane = (size_t)m->w * (size_t)m->h;
    for (; rows > 0; rows--, y++)
        for (int x = 0; x < m->w; x += 4) {
            four sums[3];
            rgb_gradient(m->data + (size_t)y * row + (size_t)x * pixel, row, pixel, packed, sums);
            for (size_t k = 0; k < 3; k++) {
                float *to = out + k * plane + (size_t)y * (size_t)m->w + (size_t)x;
                if (x + 4 <= m->w)
                    *(four_in_memory *)to = sums[k];
                else
                    for (int r = 0; x + r < m->w; r++)
                        to[r] = sums[k][r];
            }
        }
}

/* ---- The fully connected layers ---- */

static void rows_bias(float *c, size_t ldc, int rows, const float *bias, int relu)
{
    for (; rows > 0; rows--, c += ldc)
        for (int s = 0; s < GROUP; s += LANES) {
            vec x = load(c + s) + load(bias + s);
            store(c + s, relu ? keep(x, x > 0.0f) : x);
        }
}

static void rows_alive(float *c, size_t ldc, int rows, const float *h, size_t ldh)
{
    for (; rows > 0; rows--, c += ldc, h += ldh)
        for (int s = 0; s < GROUP; s += LANES)
            store(c + s, keep(load(c + s), load(h + s) > 0.0f));
}

static void add(const float *from, int count, float *to)
{
    for (int i = 0; i < count; i += LANES)
        store(to + i, load(to + i) + load(from + i));
}

static void pixels_alive(float *data, const uint16_t *alive, int pixels, int channels)
{
    for (int g = 0; g < pixels * (channels / GROUP); g++)
        for (int s = 0; s < GROUP; s += LANES, data += LANES)
            store(data, keep(load(data), mask_of(alive[g], s)));
}

static double objective(float *a, int pixels, int channels, int channel, float scale, int relu)
{
    double sum = 0;
    if (channel >= 0) {
        for (int p = 0; p < pixels; p++, a += channels) {
            float x = a[channel];
            memset(a, 0, (size_t)channels * sizeof *a);
            a[channel] = !relu || x > 0.0f ? scale : 0.0f;
            sum += (double)x;
        }
        return sum;
    }
    for (int p = 0; p < pixels; p++) {
        vec squares = {0};
        for (int c = 0; c < channels; c += LANES, a += LANES) {
            vec x = load(a);
            squares += x * x;
            store(a, scale * x);
        }
        for (int i = 0; i < LANES; i++)
            sum += (double)squares[i];
    }
    return sum;
}

const struct kernels KERNELS = {
    .name = KERNEL_NAME,
    .rows = ROWS,
    .tiles_in = tiles_in,
    .tiles_in_unpool = tiles_in_unpool,
    .multiply = multiply,
    .tiles_out_relu = tiles_out_relu,
    .tiles_out_pool = tiles_out_pool,
    .tiles_out_alive = tiles_out_alive,
    .normalise = normalise,
    .rgb_forward = rgb_forward,
    .rgb_backward = rgb_backward,
    .rows_bias = rows_bias,
    .rows_alive = rows_alive,
    .add = add,
    .pixels_alive = pixels_alive,
    .objective = objective,
};
