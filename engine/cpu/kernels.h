/*
 * kernels - the arithmetic of the network on this CPU, one table of functions per tier.
 *
 * The 3x3 convolutions are Winograd's F(4x4,3x3) (Lavin and Gray 2015) with the interpolation points
 * {0, +-1/sqrt2, +-sqrt2, inf}, the most accurate set of that size: a tile of 6x6 inputs becomes 36 numbers
 * per channel, the convolution becomes 36 matrix products over the channels, and 36 products become a tile of
 * 4x4 outputs. Channels lie innermost, so a transform works on whole vectors and never shuffles. The first
 * layer (three channels in) is done directly.
 *
 * Products with factors of bf16 are a family of their own: bf16.h.
 *
 * A tier is kernels_impl.h compiled for its vector width; all tiers share these layouts:
 *   maps      channels padded to groups of 16, a border of zero pixels all around (struct map)
 *   V, M      [36][tiles][channels]: the transformed inputs and the products, `plane` floats per each of 36
 *   packed    [panel of 16 outputs][inputs][16]: what stands on the right of every matrix product
 *   U         [36][panel][inputs][16]: the transformed filters, packed
 * Every tile and every row is computed by itself, in an order that does not depend on its neighbours: how
 * work is cut into blocks never changes a byte of the result.
 */
#ifndef ENGINE_CPU_KERNELS_H
#define ENGINE_CPU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/cpu/net.h"

enum {
    GROUP = 16,      /* channels are padded to this, and a panel of packed weights is this wide */
    TILE = 4,        /* output pixels of a tile on a side */
    TILE_POINTS = 36 /* (TILE + 2)^2 */
};

/*
 * Activations or gradients of one layer. Pixel (x, y) is number (y + 1) * stride_px + x + 1: there is one row
 * and one column of zeros before the first, and enough behind the last that every tile can be read and
 * written whole. What was written outside w x h is zeroed by map_clear_border (net_conv.c).
 */
struct map {
    float *data;        /* [rows_px][stride_px][channels] */
    uint16_t *alive;    /* [rows_px][stride_px][channels / 16]: bit set where the activation is above zero */
    uint16_t *which[2]; /* same shape: column and row bit of the one of four that won the pool */
    int w, h;
    int stride_px, rows_px;
    int channels; /* multiple of GROUP */
};

/* Tiles first..first+count-1 of a picture that is tiles_w tiles wide, row by row. */
struct tiles {
    int first, count, tiles_w;
};

struct kernels {
    const char *name;
    int rows; /* of a matrix product done at once: blocks in multiples of it waste nothing */

    /* U of `depth` inputs of a panel: filters [9 taps, tap_stride apart][depth][16] to
     * u [36, plane apart][depth][16]. */
    void (*filters_in)(const float *filters, size_t tap_stride, int depth, float *u, size_t plane);
    /* The same for the way back: 16 inputs of `blocks` panels, block_stride apart,
     * each [9 taps][16 inputs][16 outputs], become [36][16 * blocks outputs][16 inputs] of the filters turned
     * by 180 degrees. */
    void (*filters_in_turned)(const float *filters, size_t tap_stride, size_t block_stride, int blocks,
                              float *u, size_t plane);
    /* V of a block of tiles of `m`, `row` floats from tile to tile. */
    void (*tiles_in)(const struct map *m, struct tiles t, float *v, size_t row, size_t plane);
    /* The same when `m` is the gradient of a pooled map and the tiles lie in the map before the pool: each
     * gradient goes to the one of its four pixels that `which` names. */
    void (*tiles_in_unpool)(const struct map *m, struct tiles t, float *v, size_t row, size_t plane);

    /* c[rows][16 * panels] (+)= a[rows][depth] * packed. Row strides lda, ldc; `packed` advances by
     * panel_stride floats per panel. */
    void (*multiply)(const float *a, size_t lda, int rows, int depth, const float *packed,
                     size_t panel_stride, int panels, float *c, size_t ldc, int add);

    /* From M to the map, + bias[channels] and ReLU; sets `alive` where `m` has it. */
    void (*tiles_out_relu)(const float *products, size_t plane, const float *bias, struct tiles t,
                           const struct map *m);
    /* The same through a 2x2 max pool: `m` is the pooled map; sets `alive` and `which`. */
    void (*tiles_out_pool)(const float *products, size_t plane, const float *bias, struct tiles t,
                           const struct map *m);
    /* From M to the map, zero where `alive` is not set; all of it when `m` has no `alive`. */
    void (*tiles_out_alive)(const float *products, size_t plane, struct tiles t, const struct map *m);

    /* Planar 0..255 to the normalised picture with a zero border: out = in * scale + offset
     * for `count` values. */
    void (*normalise)(const float *in, int count, float scale, float offset, float *out);
    /* Direct 3x3 convolution of rows y..y+rows-1 from a planar picture [3][plane] with rows of stride floats
     * and a border of one, `packed` [panel][27][16] in order channel, row, column; + bias, ReLU, alive. */
    void (*rgb_forward)(const float *picture, size_t plane, size_t stride, const float *packed,
                        const float *bias, int y, int rows, const struct map *m);
    /* Its adjoint: planar gradient out[3][h][w] of rows y.., `packed` [9 taps][3][channels]. */
    void (*rgb_backward)(const struct map *m, const float *packed, int y, int rows, float *out);

    /* Floats of 24 bits: 65536 * high + 256 * low are their bits, so that `high` alone is the nearest bf16, which is
     * what comes out where `low` is NULL. count / 16 rows of 16. */
    void (*widen)(const uint16_t *high, const int8_t *low, int count, float *out);
    /* The same for blocks of 16 x 16 that lie `stride` numbers apart; each comes out with its rows and
     * columns exchanged: out[blocks][16 of column][16 of row]. */
    void (*widen_turned)(const uint16_t *high, const int8_t *low, size_t stride, int blocks, float *out);

    /* F(2x2,7x7), 64 products for a tile of 2x2 outputs. U of `depth` inputs of a panel of weights, as
     * `widen` reads them: [49 taps, tap_stride apart][depth, a multiple of 4][16] to u [64, plane apart][depth][16]. */
    void (*seven_filters)(const uint16_t *high, const int8_t *low, size_t tap_stride, int depth, float *u,
                          size_t plane);
    /* U of the way back: [49][16 inputs][16] of `blocks` panels, block_stride apart,
     * to [64][16 * blocks outputs][16 inputs]. */
    void (*seven_filters_turned)(const uint16_t *high, const int8_t *low, size_t tap_stride,
                                 size_t block_stride, int blocks, float *u, size_t plane);
    /* V of a tile: 8x8 pixels from `from` on to [64, plane apart][channels]. */
    void (*seven_in)(const float *from, size_t row, size_t pixel, int channels, float *v, size_t plane);
    /* Products of a tile to its rows x columns (1 or 2 each) outputs. */
    void (*seven_out)(const float *m, size_t plane, int channels, int rows, int columns, size_t row,
                      size_t pixel, float *to);
    /* The adjoints: gradients of a tile's outputs to those of its products; products of the way back to
     * gradients of the tile's pixels, [64, to_plane apart][channels]. */
    void (*seven_out_adjoint)(const float *from, size_t row, size_t pixel, int rows, int columns,
                              int channels, float *z, size_t plane);
    void (*seven_in_adjoint)(const float *m, size_t plane, int channels, float *to, size_t to_plane);

    /* c = max(c + bias, 0), or c + bias; c[rows][16]. */
    void (*rows_bias)(float *c, size_t ldc, int rows, const float *bias, int relu);
    /* c = 0 where h <= 0; [rows][16] both. */
    void (*rows_alive)(float *c, size_t ldc, int rows, const float *h, size_t ldh);
    /* to += from, `count` values, a multiple of GROUP. */
    void (*add)(const float *from, int count, float *to);
    /* data[pixels][channels] = 0 where alive[pixels][channels / 16] is not set. */
    void (*pixels_alive)(float *data, const uint16_t *alive, int pixels, int channels);
    /* The objective on a layer itself: activations a[pixels][channels] become its gradient, scale * a and the
     * sum of a^2 is returned. With `channel` >= 0: `scale` in that channel (where a > 0, with `relu`) and 0
     * elsewhere; the sum of a over it is returned. */
    double (*objective)(float *a, int pixels, int channels, int channel, float scale, int relu);
};

extern const struct kernels kernels_c;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_avx512;
#endif

/* The kernels of a tier, CPU_TIER_AUTO for the best; NULL when this CPU lacks it. Of a tier with bf16 what it does in
 * floats. */
const struct kernels *kernels_pick(enum cpu_tier tier);

#endif
