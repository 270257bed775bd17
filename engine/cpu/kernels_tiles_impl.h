/*
 * kernels_tiles_impl - Winograd's transforms of tiles, and what happens to a tile on its way out: bias, ReLU,
 * pool, masks.
 *
 * Rows of B^T and A^T, with the points p = 1/sqrt2 and q = sqrt2:
 *   B^T d = d0 - 2.5 d2 + d4, (d4 - 2 d2) +- p (d3 - 2 d1), (d4 - d2/2) +- q (d3 - d1/2), d1 - 2.5 d3 + d5
 *   A^T m = sum of m0..m4, p (m1 - m2) + q (m3 - m4), (m1 + m2)/2 + 2 (m3 + m4),
 *           p/2 (m1 - m2) + 2q (m3 - m4) + m5
 */
#define POINT 0.70710678118654752f /* p; q = 2 p */

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

static void tiles_in(const struct map *m, struct tiles t, float *v, size_t v_row, size_t plane)
{
    size_t pixel = (size_t)m->channels, row = pixel * (size_t)m->stride_px;
    for (int n = 0; n < t.count; n++, v += v_row) {
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

static void tiles_in_unpool(const struct map *m, struct tiles t, float *v, size_t v_row, size_t plane)
{
    size_t channels = (size_t)m->channels, groups = channels / GROUP, stride = (size_t)m->stride_px;
    for (int n = 0; n < t.count; n++, v += v_row) {
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
