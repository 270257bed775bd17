/*
 * net_fc6 - fc6 of a full VGG over a map, both ways, as F(2x2,7x7): a third of the multiplications.
 *
 * Directly (net_head.c) fc6 costs 49 products per pair of channels and position, which over a large map
 * is as much as all convolutions together. Tiled it is 64 for four positions; but its weights, which are most
 * of the model, have to be transformed in every pass, since nobody wants to keep 64 floats where 49 numbers
 * of 24 bits do. So small maps are left to the direct way.
 *
 * An item of the pool is some panels of outputs (forwards) or inputs (on the way back), for all tiles: for
 * one part of the depth after the other it transforms the weights, then multiplies by them at each of the 64
 * points. V of all tiles is made before; on the way back every item makes its own transformed gradients,
 * which would be eight times as many floats in memory. What comes back, 8x8 pixels per tile, overlaps; the
 * rows of the map are added up at the end, tiles in order.
 *
 * Every item reads V of all tiles. Where that would not stay in the shared cache the tiles go in bands, one
 * after the other, so that what is added up stays in the order of the tiles.
 */
#include <string.h>

#include "engine/cpu/net_internal.h"

enum { SEVEN = 7, SIDE = 8, POINTS = SIDE * SIDE, PANELS = 2, DEPTH = 64, WIDTH = PANELS * GROUP };
enum { TILES_MIN = 16 };     /* of a band: so many pay for the transformation of all weights */
enum { POSITIONS_MIN = 25 }; /* where the saved products outweigh the transformation of weights */

struct job {
    struct cpu_net *net;
    const struct pack *pack;
    const struct map *map; /* before fc6 */
    int tiles_w;
    int first, tiles; /* of this band */
    float *v;         /* [64][tiles][in]: transformed pixels, or gradients of pixels */
    size_t v_row, v_plane;
};

/* One worker's memory. Planes, as rows of V, are a group longer than need be: off each other's cache sets. */
struct own {
    float *u, *z, *m; /* [64][panels][depth][16], [64][tiles][depth], [64][tiles][width] */
    size_t z_plane, m_plane;
};

enum { U_PLANE = PANELS * DEPTH * GROUP + GROUP };

static size_t plane_of(int tiles, int width)
{
    return (size_t)tiles * (size_t)width + GROUP;
}

static int half_up(int count)
{
    return (count + 1) / 2;
}

bool cpu_net_fc6_is_tiled(const struct cpu_net *n, int map_w, int map_h)
{
    return n->model->layers[n->convs].kernel == SEVEN && (int64_t)map_w * map_h >= POSITIONS_MIN;
}

size_t cpu_net_fc6_direct_positions(const struct cpu_net *n, int map_w, int map_h)
{
    return cpu_net_fc6_is_tiled(n, map_w, map_h) ? POSITIONS_MIN - 1 : cpu_net_head_columns(n, map_w, map_h);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Tiles whose V fills half of the shared cache. */
static int tiles_that_fit(const struct cpu_net *n)
{
    size_t tile = POINTS * (size_t)(n->packs[n->convs].in + GROUP) * sizeof(float),
           fit = n->cache_bytes / 2 / tile;
    return fit > TILES_MIN ? (int)fit : TILES_MIN;
}

/* Tiles of a band. The nearest number of bands: one more costs another transformation of all weights. */
static int band_of(const struct cpu_net *n, int tiles)
{
    int fit = tiles_that_fit(n), bands = (tiles + fit / 2) / fit;
    return bands > 1 ? (tiles + bands - 1) / bands : tiles;
}

/* Of the bands of all maps up to that size. */
static int largest_band(const struct cpu_net *n, int map_w, int map_h)
{
    return smaller(half_up(map_w) * half_up(map_h), tiles_that_fit(n) * 3 / 2 + 1);
}

size_t cpu_net_fc6_own_floats(const struct cpu_net *n, int map_w, int map_h)
{
    int tiles = largest_band(n, map_w, map_h);
    return POINTS * (U_PLANE + plane_of(tiles, DEPTH) + plane_of(tiles, WIDTH));
}

size_t cpu_net_fc6_v_floats(const struct cpu_net *n, int map_w, int map_h)
{
    return POINTS * plane_of(largest_band(n, map_w, map_h), n->packs[n->convs].in + GROUP);
}

static int tiles_of(const struct cpu_net *n)
{
    return half_up(n->map_w) * half_up(n->map_h);
}

/* The band that begins with tile `first`. */
static struct job job_of(struct cpu_net *n, int first)
{
    struct job j = {.net = n, .pack = &n->packs[n->convs], .map = &n->out[n->convs - 1], .first = first};
    j.tiles_w = half_up(n->map_w);
    j.tiles = smaller(band_of(n, tiles_of(n)), tiles_of(n) - first);
    j.v = n->fc6_tiles;
    j.v_row = (size_t)j.pack->in + GROUP;
    j.v_plane = plane_of(j.tiles, j.pack->in + GROUP);
    return j;
}

static struct own own_of_worker(const struct job *j, int worker)
{
    struct own o = {.u = j->net->filters + (size_t)worker * j->net->filter_floats,
                    .z_plane = plane_of(j->tiles, DEPTH),
                    .m_plane = plane_of(j->tiles, WIDTH)};
    o.z = o.u + (size_t)POINTS * U_PLANE;
    o.m = o.z + POINTS * o.z_plane;
    return o;
}

/* The lower bits of the weights from number `at` on, or NULL. */
static const int8_t *low_from(const struct job *j, size_t at)
{
    const int8_t *low = cpu_net_low(j->net, j->pack);
    return low ? low + at : NULL;
}

/* m[64][tiles][width] (+)= a[64][tiles][depth] * u of `panels` panels. */
static void multiply_points(const struct job *j, const struct own *o, const float *a, size_t plane,
                            size_t lda, int depth, int panels, bool add)
{
    for (size_t i = 0; i < POINTS; i++)
        j->net->kernels->multiply(a + i * plane, lda, j->tiles, depth, o->u + i * U_PLANE, DEPTH * GROUP,
                                  panels, o->m + i * o->m_plane, WIDTH, add);
}

/* ---- Forwards ---- */

static void tile_in(void *context, int item, int worker)
{
    (void)worker;
    const struct job *j = context;
    const struct map *m = j->map;
    size_t pixel = (size_t)m->channels, row = pixel * (size_t)m->stride_px;
    size_t y = 2 * (size_t)((j->first + item) / j->tiles_w) + 1;
    size_t x = 2 * (size_t)((j->first + item) % j->tiles_w) + 1;
    j->net->kernels->seven_in(m->data + y * row + x * pixel, row, pixel, m->channels,
                              j->v + (size_t)item * j->v_row, j->v_plane);
}

static void outputs_of(const struct job *j, const struct own *o, int first, int width)
{
    const struct cpu_net *n = j->net;
    size_t pixel = cpu_net_hidden_row(n, FC6), row = pixel * (size_t)n->map_w;
    float *to = n->hidden[FC6] + first;
    for (int t = 0; t < j->tiles; t++) {
        int y = (j->first + t) / j->tiles_w * 2, x = (j->first + t) % j->tiles_w * 2;
        n->kernels->seven_out(o->m + (size_t)t * WIDTH, o->m_plane, width, smaller(2, n->map_h - y),
                              smaller(2, n->map_w - x), row, pixel, to + (size_t)y * row + (size_t)x * pixel);
    }
    bool is_last = j->first + j->tiles == tiles_of(n);
    for (int c = 0; is_last && c < width; c += GROUP)
        n->kernels->rows_bias(to + c, pixel, n->map_w * n->map_h, j->pack->bias + first + c, 1);
}

static void forward_panels(void *context, int item, int worker)
{
    const struct job *j = context;
    struct own o = own_of_worker(j, worker);
    size_t in = (size_t)j->pack->in, first = (size_t)item * PANELS;
    int panels = smaller(PANELS, j->pack->out / GROUP - (int)first);
    for (int at = 0; at < j->pack->in; at += DEPTH) {
        int depth = smaller(DEPTH, j->pack->in - at);
        for (size_t i = 0; i < (size_t)panels; i++) {
            size_t from = ((first + i) * SEVEN * SEVEN * in + (size_t)at) * GROUP;
            j->net->kernels->seven_filters(j->pack->high + from, low_from(j, from), in * GROUP, depth,
                                           o.u + i * DEPTH * GROUP, U_PLANE);
        }
        multiply_points(j, &o, j->v + at, j->v_plane, j->v_row, depth, panels, at > 0);
    }
    outputs_of(j, &o, (int)first * GROUP, panels * GROUP);
}

void cpu_net_fc6_forward(struct cpu_net *n)
{
    for (int first = 0; first < tiles_of(n);) {
        struct job j = job_of(n, first);
        pool_run(n->pool, tile_in, &j, j.tiles);
        pool_run(n->pool, forward_panels, &j, (j.pack->out / GROUP + PANELS - 1) / PANELS);
        first += j.tiles;
    }
}

/* ---- The way back ---- */

/* Gradients of outputs first..first+depth-1 at all tiles. */
static void gradients_of(const struct job *j, const struct own *o, int first, int depth)
{
    const struct cpu_net *n = j->net;
    size_t pixel = cpu_net_hidden_row(n, FC6), row = pixel * (size_t)n->map_w;
    for (int t = 0; t < j->tiles; t++) {
        int y = (j->first + t) / j->tiles_w * 2, x = (j->first + t) % j->tiles_w * 2;
        n->kernels->seven_out_adjoint(n->d_hidden[FC6] + (size_t)y * row + (size_t)x * pixel + first, row,
                                      pixel, smaller(2, n->map_h - y), smaller(2, n->map_w - x), depth,
                                      o->z + (size_t)t * DEPTH, o->z_plane);
    }
}

static void backward_panels(void *context, int item, int worker)
{
    const struct job *j = context;
    struct own o = own_of_worker(j, worker);
    size_t in = (size_t)j->pack->in, block = SEVEN * SEVEN * in * GROUP, first = (size_t)item * PANELS;
    int panels = smaller(PANELS, j->pack->in / GROUP - (int)first);
    for (int at = 0; at < j->pack->out; at += DEPTH) {
        int depth = smaller(DEPTH, j->pack->out - at);
        for (size_t i = 0; i < (size_t)panels; i++) {
            size_t from = (size_t)(at / GROUP) * block + (first + i) * GROUP * GROUP;
            j->net->kernels->seven_filters_turned(j->pack->high + from, low_from(j, from), in * GROUP, block,
                                                  depth / GROUP, o.u + i * DEPTH * GROUP, U_PLANE);
        }
        gradients_of(j, &o, at, depth);
        multiply_points(j, &o, o.z, o.z_plane, DEPTH, depth, panels, at > 0);
    }
    for (size_t t = 0; t < (size_t)j->tiles; t++)
        j->net->kernels->seven_in_adjoint(o.m + t * WIDTH, o.m_plane, panels * GROUP,
                                          j->v + t * j->v_row + first * GROUP, j->v_plane);
}

static void clear_row(void *context, int y, int worker)
{
    (void)worker;
    const struct map *m = context;
    size_t pixel = (size_t)m->channels, at = (size_t)(y + 1) * (size_t)m->stride_px + 1;
    memset(m->data + at * pixel, 0, (size_t)m->w * pixel * sizeof *m->data);
}

/* Row `y` of the map's gradient: what every tile of the band over it says, added to what the bands above said. */
static void add_tiles(void *context, int y, int worker)
{
    (void)worker;
    const struct job *j = context;
    const struct cpu_net *n = j->net;
    const struct map *m = j->map;
    size_t pixel = (size_t)m->channels, at = (size_t)(y + 1) * (size_t)m->stride_px + 1;
    float *to = m->data + at * pixel;
    for (int t = 0; t < j->tiles; t++) {
        int row = y - (j->first + t) / j->tiles_w * 2, x = (j->first + t) % j->tiles_w * 2;
        if (row < 0 || row >= SIDE)
            continue;
        for (int i = 0; i < SIDE && x + i < m->w; i++)
            n->kernels->add(j->v + (size_t)(row * SIDE + i) * j->v_plane + (size_t)t * j->v_row, m->channels,
                            to + (size_t)(x + i) * pixel);
    }
    if (j->first + j->tiles == tiles_of(n))
        n->kernels->pixels_alive(to, m->alive + at * (pixel / GROUP), m->w, m->channels);
}

void cpu_net_fc6_backward(struct cpu_net *n)
{
    struct map *m = &n->out[n->convs - 1];
    pool_run(n->pool, clear_row, m, m->h);
    for (int first = 0; first < tiles_of(n);) {
        struct job j = job_of(n, first);
        pool_run(n->pool, backward_panels, &j, (j.pack->in / GROUP + PANELS - 1) / PANELS);
        pool_run(n->pool, add_tiles, &j, m->h);
        first += j.tiles;
    }
}
