/*
 * kernels_rows_impl - matrix products, the first layer done directly, and passes over rows.
 *
 * A product holds ROWS x 16 results in registers while it walks down the depth: 16 / LANES loads of weights
 * serve ROWS multiplications by a broadcast input each.
 */
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

#define OPERAND float
#include "engine/cpu/kernels_split_impl.h"

/* ---- The first layer ---- */

static void normalise(const float *in, int count, float scale, float offset, float *out)
{
    for (int i = 0; i < count; i++)
        out[i] = in[i] * scale + offset;
}

/* Unrolled, the taps of a line share their broadcasts: good with registers to spare, a
 * third slower without. */
#if LANES == 16
#define UNROLL_TAPS _Pragma("GCC unroll 3")
#else
#define UNROLL_TAPS _Pragma("GCC unroll 1")
#endif

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
        UNROLL_TAPS
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

/* `low` from number `count` on, where there is one. */
INLINE const int8_t *low_from(const int8_t *low, size_t count)
{
    return low ? low + count : NULL;
}

static void widen(const uint16_t *high, const int8_t *low, int count, float *out)
{
    if (low)
        for (int i = 0; i < count; i += LANES)
            store(out + i, (vec)((uvec)upper_bits(high + i) + (uvec)below_bits(low + i)));
    else
        for (int i = 0; i < count; i += LANES)
            store(out + i, (vec)upper_bits(high + i));
}

/* Four rows of four, exchanged; rows of both are 16 long. */
INLINE void turn(const float *from, float *to)
{
    four a = *(const four_in_memory *)from, b = *(const four_in_memory *)(from + GROUP);
    four c = *(const four_in_memory *)(from + 2 * GROUP), d = *(const four_in_memory *)(from + 3 * GROUP);
    four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    *(four_in_memory *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four_in_memory *)(to + GROUP) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(four_in_memory *)(to + 2 * GROUP) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four_in_memory *)(to + 3 * GROUP) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

enum { BLOCK = GROUP * GROUP, BLOCKS_AHEAD = 3 };

INLINE void turn_block(const float *from, float *to)
{
    for (int r = 0; r < GROUP; r += 4)
        for (int c = 0; c < GROUP; c += 4)
            turn(from + r * GROUP + c, to + c * GROUP + r);
}

/* No prefetcher follows strides of megabytes: what comes is asked for ahead. */
static void widen_turned(const uint16_t *high, const int8_t *low, size_t stride, int blocks, float *out)
{
    for (int b = 0; b < blocks; b++, high += stride, low = low_from(low, stride), out += BLOCK) {
        _Alignas(64) float block[BLOCK]; /* widen stores whole vectors */
        for (int i = 0; b + BLOCKS_AHEAD < blocks && i < BLOCK; i += 64) {
            __builtin_prefetch(high + BLOCKS_AHEAD * stride + i);
            __builtin_prefetch(high + BLOCKS_AHEAD * stride + i + 32);
            if (low)
                __builtin_prefetch(low + BLOCKS_AHEAD * stride + i);
        }
        widen(high, low, BLOCK, block);
        turn_block(block, out);
    }
}

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
