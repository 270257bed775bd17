/*
 * kernels_filters_impl - filters of wide layers, transformed on their way to a matrix product.
 *
 * A transformed filter has 36 numbers where the filter has 9, and the way back needs it turned by 180 degrees
 * with inputs and outputs exchanged. Kept in memory, both would take eight times the model's room, and be
 * read from it in every step; made anew they cost a few hundredths of the products that follow.
 */
/* G of F(4x4,3x3): row of point a: (1, a, a^2) / product over the other points b of (a - b). */
INLINE void transform_filter(const vec *g, vec *out)
{
    vec a = (-2.0f / 3) * g[0] - (1.0f / 3) * g[2], b = (POINT * 2 / 3) * g[1];
    vec c = (1.0f / 6) * g[0] + (1.0f / 3) * g[2], d = (POINT / 3) * g[1];
    out[0] = g[0];
    out[1] = a - b;
    out[2] = a + b;
    out[3] = c + d;
    out[4] = c - d;
    out[5] = g[2];
}

static void filters_in(const float *filters, size_t tap_stride, int depth, float *u, size_t plane)
{
    for (int at = 0; at < depth * GROUP; at += LANES) {
        vec rows[6][3]; /* [transformed row][column] */
#pragma GCC unroll 3
        for (size_t j = 0; j < 3; j++) {
            vec g[3], out[6];
#pragma GCC unroll 3
            for (size_t i = 0; i < 3; i++)
                g[i] = load(filters + (i * 3 + j) * tap_stride + at);
            transform_filter(g, out);
#pragma GCC unroll 6
            for (int i = 0; i < 6; i++)
                rows[i][j] = out[i];
        }
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            vec out[6];
            transform_filter(rows[i], out);
#pragma GCC unroll 6
            for (int j = 0; j < 6; j++)
                store(u + (size_t)(i * 6 + j) * plane + at, out[j]);
        }
    }
}

static void filters_in_turned(const float *filters, size_t tap_stride, size_t block_stride, int blocks,
                              float *u, size_t plane)
{
    for (int b = 0; b < blocks; b++, filters += block_stride, u += BLOCK) {
        _Alignas(64) float turned[9 * BLOCK];
        for (size_t tap = 0; tap < 9; tap++)
            turn_block(filters + (8 - tap) * tap_stride, turned + tap * BLOCK);
        filters_in(turned, BLOCK, GROUP, u, plane);
    }
}
