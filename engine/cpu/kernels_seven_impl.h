/*
 * kernels_seven_impl - the transforms of F(2x2,7x7): fc6 of a full VGG over a map, with 64 multiplications
 * for four outputs instead of 196.
 *
 * Points 0, +-1, +-2, +-1/2, infinity. Rows of B^T hold the coefficients of the product of (x - b) over the
 * other points b, rows of G the powers of the point over that product at the point, rows of A^T the powers
 * alone. The way back is the adjoint algorithm: with outputs of 2x2 and a kernel of 7x7 the map that comes
 * out of it is larger than the one that goes in, and as an ordinary convolution it would save nothing.
 */
/* ---- One dimension ---- */

/* G g; both outputs of a pair of points share the sums over even and over odd powers. */
INLINE void seven_filter(const vec *g, vec *out)
{
    static const float even[3][4] = {{-2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9},
                                     {1.0f / 90, 4.0f / 90, 16.0f / 90, 64.0f / 90},
                                     {32.0f / 45, 8.0f / 45, 2.0f / 45, 0.5f / 45}};
    static const float odd[3][3] = {{-2.0f / 9, -2.0f / 9, -2.0f / 9},
                                    {2.0f / 90, 8.0f / 90, 32.0f / 90},
                                    {16.0f / 45, 4.0f / 45, 1.0f / 45}};
    out[0] = g[0];
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
        vec e = even[i][0] * g[0] + even[i][1] * g[2] + even[i][2] * g[4] + even[i][3] * g[6];
        vec o = odd[i][0] * g[1] + odd[i][1] * g[3] + odd[i][2] * g[5];
        out[1 + 2 * i] = e + o;
        out[2 + 2 * i] = e - o;
    }
    out[7] = g[6];
}

/* B^T d. */
INLINE void seven_data(const vec *d, vec *out)
{
    vec e1 = d[2] + d[6] - 4.25f * d[4], o1 = d[1] + d[5] - 4.25f * d[3];
    vec e2 = d[6] + 0.25f * d[2] - 1.25f * d[4], o2 = 0.5f * d[1] - 2.5f * d[3] + 2.0f * d[5];
    vec e3 = d[6] + 4.0f * d[2] - 5.0f * d[4], o3 = 2.0f * d[1] - 2.5f * d[3] + 0.5f * d[5];
    out[0] = (d[0] - d[6]) + 5.25f * (d[4] - d[2]);
    out[1] = e1 + o1;
    out[2] = e1 - o1;
    out[3] = e2 + o2;
    out[4] = e2 - o2;
    out[5] = e3 + o3;
    out[6] = e3 - o3;
    out[7] = (d[7] - d[1]) + 5.25f * (d[3] - d[5]);
}

/* B m. */
INLINE void seven_data_adjoint(const vec *m, vec *d)
{
    vec s1 = m[1] + m[2], s2 = m[3] + m[4], s3 = m[5] + m[6];
    vec r1 = m[1] - m[2], r2 = m[3] - m[4], r3 = m[5] - m[6];
    d[0] = m[0];
    d[1] = r1 + 0.5f * r2 + 2.0f * r3 - m[7];
    d[2] = s1 + 0.25f * s2 + 4.0f * s3 - 5.25f * m[0];
    d[3] = 5.25f * m[7] - 4.25f * r1 - 2.5f * (r2 + r3);
    d[4] = 5.25f * m[0] - 4.25f * s1 - 1.25f * s2 - 5.0f * s3;
    d[5] = r1 + 2.0f * r2 + 0.5f * r3 - 5.25f * m[7];
    d[6] = s1 + s2 + s3 - m[0];
    d[7] = m[7];
}

/* A^T m. */
INLINE void seven_outputs(const vec *m, vec *out)
{
    out[0] = m[0] + (m[1] + m[2]) + (m[3] + m[4]) + (m[5] + m[6]);
    out[1] = (m[1] - m[2]) + 2.0f * (m[3] - m[4]) + 0.5f * (m[5] - m[6]) + m[7];
}

/* A y. */
INLINE void seven_outputs_adjoint(const vec *y, vec *out)
{
    out[0] = y[0];
    out[1] = y[0] + y[1];
    out[2] = y[0] - y[1];
    out[3] = y[0] + 2.0f * y[1];
    out[4] = y[0] - 2.0f * y[1];
    out[5] = y[0] + 0.5f * y[1];
    out[6] = y[0] - 0.5f * y[1];
    out[7] = y[1];
}

/* ---- Both ---- */

/* From [7][7] filters of LANES channels, `stride` apart, to 64 points. */
INLINE void seven_filter_points(const float *filters, size_t stride, float *u, size_t plane)
{
    vec rows[8][7]; /* [transformed row][column] */
    for (size_t j = 0; j < 7; j++) {
        vec g[7], out[8];
#pragma GCC unroll 7
        for (size_t i = 0; i < 7; i++)
            g[i] = load(filters + (i * 7 + j) * stride);
        seven_filter(g, out);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++)
            rows[i][j] = out[i];
    }
    for (int i = 0; i < 8; i++) {
        vec out[8];
        seven_filter(rows[i], out);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++)
            store(u + (size_t)(i * 8 + j) * plane, out[j]);
    }
}

/* No prefetcher follows 49 strides of kilobytes: what comes next is asked for ahead, a few taps after each
 * of `parts` pieces of work, so that memory and arithmetic go on side by side. `count` numbers per tap. */
INLINE void seven_ask(const uint16_t *high, const int8_t *low, size_t tap_stride, int count, int part,
                      int parts)
{
    for (int tap = part * 49 / parts; tap < (part + 1) * 49 / parts; tap++)
        for (int i = 0; i < count; i += 64) {
            size_t at = (size_t)tap * tap_stride + (size_t)i;
            __builtin_prefetch(high + at);
            __builtin_prefetch(high + at + 32);
            if (low)
                __builtin_prefetch(low + at);
        }
}

static void seven_filters(const uint16_t *high, const int8_t *low, size_t tap_stride, int depth, float *u,
                          size_t plane)
{
    enum { COUNT = 4 * GROUP }; /* [49][4][16] floats stay in the first-level cache */
    for (int at = 0; at < depth * GROUP; at += COUNT, high += COUNT, low = low_from(low, COUNT)) {
        _Alignas(64) float filters[49 * COUNT];
        for (size_t tap = 0; tap < 49; tap++)
            widen(high + tap * tap_stride, low_from(low, tap * tap_stride), COUNT, filters + tap * COUNT);
        for (int i = 0; i < COUNT; i += LANES) {
            seven_filter_points(filters + i, COUNT, u + at + i, plane);
            seven_ask(high + COUNT, low_from(low, COUNT), tap_stride, COUNT, i / LANES, COUNT / LANES);
        }
    }
}

static void seven_filters_turned(const uint16_t *high, const int8_t *low, size_t tap_stride,
                                 size_t block_stride, int blocks, float *u, size_t plane)
{
    for (int b = 0; b < blocks; b++, high += block_stride, low = low_from(low, block_stride), u += BLOCK) {
        _Alignas(64) float block[BLOCK], filters[49 * BLOCK];
        for (size_t tap = 0; tap < 49; tap++) {
            widen(high + tap * tap_stride, low_from(low, tap * tap_stride), BLOCK, block);
            turn_block(block, filters + tap * BLOCK);
        }
        for (int i = 0; i < BLOCK; i += LANES) {
            seven_filter_points(filters + i, BLOCK, u + i, plane);
            seven_ask(high + block_stride, low_from(low, block_stride), tap_stride,
                      b + 1 < blocks ? BLOCK : 0, i / LANES, BLOCK / LANES);
        }
    }
}

/* Both passes of an 8x8 transform for LANES channels, in place in points[row][column]. */
#define SEVEN_BOTH_PASSES(transform_, points_)                                                               \
    do {                                                                                                     \
        for (int j_ = 0; j_ < 8; j_++) {                                                                     \
            vec d_[8], out_[8];                                                                              \
            for (int i_ = 0; i_ < 8; i_++)                                                                   \
                d_[i_] = (points_)[i_][j_];                                                                  \
            transform_(d_, out_);                                                                            \
            for (int i_ = 0; i_ < 8; i_++)                                                                   \
                (points_)[i_][j_] = out_[i_];                                                                \
        }                                                                                                    \
        for (int i_ = 0; i_ < 8; i_++) {                                                                     \
            vec out_[8];                                                                                     \
            transform_((points_)[i_], out_);                                                                 \
            for (int j_ = 0; j_ < 8; j_++)                                                                   \
                (points_)[i_][j_] = out_[j_];                                                                \
        }                                                                                                    \
    } while (0)

static void seven_in(const float *from, size_t row, size_t pixel, int channels, float *v, size_t plane)
{
    for (int c = 0; c < channels; c += LANES) {
        vec points[8][8];
        for (size_t i = 0; i < 64; i++)
            points[i / 8][i % 8] = load(from + i / 8 * row + i % 8 * pixel + c);
        SEVEN_BOTH_PASSES(seven_data, points);
        for (size_t i = 0; i < 64; i++)
            store(v + i * plane + c, points[i / 8][i % 8]);
    }
}

static void seven_out(const float *m, size_t plane, int channels, int rows, int columns, size_t row,
                      size_t pixel, float *to)
{
    for (int c = 0; c < channels; c += LANES) {
        vec half[2][8], out[2];
        for (size_t j = 0; j < 8; j++) {
            vec d[8];
            for (size_t i = 0; i < 8; i++)
                d[i] = load(m + (i * 8 + j) * plane + c);
            seven_outputs(d, out);
            half[0][j] = out[0];
            half[1][j] = out[1];
        }
        for (int i = 0; i < rows; i++) {
            seven_outputs(half[i], out);
            for (int j = 0; j < columns; j++)
                store(to + (size_t)i * row + (size_t)j * pixel + c, out[j]);
        }
    }
}

static void seven_out_adjoint(const float *from, size_t row, size_t pixel, int rows, int columns,
                              int channels, float *z, size_t plane)
{
    for (int c = 0; c < channels; c += LANES) {
        vec half[2][8] = {{{0}}};
        for (int i = 0; i < rows; i++) {
            vec y[2] = {load(from + (size_t)i * row + c), {0}};
            if (columns > 1)
                y[1] = load(from + (size_t)i * row + pixel + c);
            seven_outputs_adjoint(y, half[i]);
        }
        for (size_t j = 0; j < 8; j++) {
            vec y[2] = {half[0][j], half[1][j]}, out[8];
            seven_outputs_adjoint(y, out);
            for (size_t i = 0; i < 8; i++)
                store(z + (i * 8 + j) * plane + c, out[i]);
        }
    }
}

static void seven_in_adjoint(const float *m, size_t plane, int channels, float *to, size_t to_plane)
{
    for (int c = 0; c < channels; c += LANES) {
        vec points[8][8];
        for (size_t i = 0; i < 64; i++)
            points[i / 8][i % 8] = load(m + i * plane + c);
        SEVEN_BOTH_PASSES(seven_data_adjoint, points);
        for (size_t i = 0; i < 64; i++)
            store(to + i * to_plane + c, points[i / 8][i % 8]);
    }
}
