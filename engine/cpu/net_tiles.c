/*
 * net_tiles - one 3x3 layer over a run of tiles, one way: transform, 36 products, transform back with
 * bias, ReLU and pool or with the mask of the way back.
 *
 * A block of tiles goes through all three steps on one core while it is in that core's cache; blocks are the
 * items of the pool. What it multiplies by, the transformed filters U, is kept for narrow layers
 * (net_pack.c) and made at the beginning of every call for middling ones. U of a wide layer fills no
 * cache and would fill half of the memory: there all threads take the steps together, for as many tiles as
 * the shared cache holds, and each makes U of a few outputs at a time before it multiplies by it.
 *
 * With bf16 (bf16.h) V and U are made in floats a piece at a time and rounded into the place where they would
 * stand: as many numbers, of half the size. All else is the same.
 */
#include "engine/cpu/net_internal.h"

struct job {
    const struct cpu_net *net;
    const struct kernels *kernels;
    const struct conv *conv;
    struct tiles tiles; /* rounds: of this one */
    int per_item;       /* blocks: tiles of one */
    int depth;          /* as multiplied: of bf16 even */
    const void *u;      /* blocks: [36, u_plane apart][panels][depth][16] */
    size_t u_plane;
};

/* Number `count` of V or U behind `base`. */
static void *operand(const struct job *j, const void *base, size_t count)
{
    return (uint8_t *)base + count * (j->conv->bf16 ? sizeof(uint16_t) : sizeof(float));
}

static float *unrounded_of(const struct job *j, int worker)
{
    return j->net->unrounded + (size_t)worker * j->net->unrounded_floats;
}

/* V and M of `tiles` tiles, one behind the other. Rows of V and planes of both are a group longer than they
 * need to be: a product reads ROWS of the former at once, transforms all 36 of the latter, and at distances
 * of powers of two they would share a cache set. */
struct products {
    void *v;  /* [36][tiles][in] */
    float *m; /* [36][tiles][out] */
    size_t v_row, v_plane, m_plane;
};

static struct products products_in(const struct conv *c, float *scratch, int tiles)
{
    size_t v_row = (size_t)c->in->channels + GROUP;
    struct products p = {.v = scratch,
                         .v_row = v_row,
                         .v_plane = (size_t)tiles * v_row + GROUP,
                         .m_plane = (size_t)tiles * (size_t)c->out->channels + GROUP};
    p.m = scratch + TILE_POINTS * p.v_plane; /* behind floats, also where V is half as large */
    return p;
}

/* V of tiles t, from tile `at` of p on. */
static void transform_in(const struct job *j, struct tiles t, const struct products *p, int at, int worker)
{
    const struct conv *c = j->conv;
    const struct kernels *k = j->kernels;
    void *v = operand(j, p->v, (size_t)at * p->v_row);
    if (!j->conv->bf16) {
        (c->is_unpooling ? k->tiles_in_unpool : k->tiles_in)(c->in, t, v, p->v_row, p->v_plane);
        return;
    }
    float *floats = unrounded_of(j, worker);
    for (int i = 0; i < t.count; i++) {
        struct tiles one = {t.first + i, 1, t.tiles_w};
        (c->is_unpooling ? k->tiles_in_unpool : k->tiles_in)(c->in, one, floats, p->v_row, p->v_row);
        j->conv->bf16->round(floats, p->v_row, TILE_POINTS, c->in->channels,
                             operand(j, v, (size_t)i * p->v_row), p->v_plane);
    }
}

static void multiply(const struct job *j, const void *v, const struct products *p, int tiles, int depth,
                     const void *u, int panels, float *m, bool add)
{
    size_t panel = (size_t)depth * GROUP, out = (size_t)j->conv->out->channels;
    if (j->conv->bf16)
        j->conv->bf16->multiply(v, p->v_row, tiles, depth, u, panel, panels, m, out, add);
    else
        j->kernels->multiply(v, p->v_row, tiles, depth, u, panel, panels, m, out, add);
}

static void transform_out(const struct kernels *k, const struct conv *c, struct tiles t, const float *m,
                          size_t plane)
{
    if (c->way_out == OUT_ALIVE)
        k->tiles_out_alive(m, plane, t, c->out);
    else
        (c->way_out == OUT_POOL ? k->tiles_out_pool : k->tiles_out_relu)(m, plane, c->pack->bias, t, c->out);
}

static struct tiles tiles_of_item(struct tiles all, int item, int per_item)
{
    struct tiles t = {all.first + item * per_item, per_item, all.tiles_w};
    if (item * per_item + t.count > all.count)
        t.count = all.count - item * per_item;
    return t;
}

static int items_of(int count, int per_item)
{
    return (count + per_item - 1) / per_item;
}

/* U of `depth` inputs from number `first` on, of one panel of outputs, in floats. */
static void floats_of(const struct job *j, int panel, int first, int depth, float *u, size_t plane)
{
    const struct pack *p = j->conv->pack;
    size_t tap = (size_t)p->in * GROUP, of = (size_t)panel, at = (size_t)first;
    if (j->conv->is_backward)
        j->kernels->filters_in_turned(p->filters + at / GROUP * 9 * tap + of * GROUP * GROUP, tap, 9 * tap,
                                      depth / GROUP, u, plane);
    else
        j->kernels->filters_in(p->filters + of * 9 * tap + at * GROUP, tap, depth, u, plane);
}

/* The same as it is multiplied by. */
static void filters_of(const struct job *j, int panel, int first, int depth, void *u, size_t plane,
                       int worker)
{
    if (!j->conv->bf16) {
        floats_of(j, panel, first, depth, u, plane);
        return;
    }
    float *floats = unrounded_of(j, worker);
    for (int at = 0; at < depth; at += UNROUNDED_DEPTH) {
        int part = depth - at < UNROUNDED_DEPTH ? depth - at : UNROUNDED_DEPTH;
        floats_of(j, panel, first + at, part, floats, UNROUNDED_PLANE);
        j->conv->bf16->pair(floats, UNROUNDED_PLANE, TILE_POINTS, part, operand(j, u, (size_t)at * GROUP),
                            plane);
    }
}

/* ---- A block goes all the way on one core ---- */

enum { DEPTH_AT_ONCE = 64 };

static int depth_items(const struct job *j)
{
    return items_of(j->depth, DEPTH_AT_ONCE);
}

/* U of a panel, for a part of its depth. */
static void make_filters(void *context, int item, int worker)
{
    const struct job *j = context;
    int panel = item / depth_items(j), first = item % depth_items(j) * DEPTH_AT_ONCE;
    int left = j->depth - first;
    size_t at = (size_t)panel * (size_t)j->depth + (size_t)first;
    filters_of(j, panel, first, left < DEPTH_AT_ONCE ? left : DEPTH_AT_ONCE,
               operand(j, j->net->filters, at * GROUP), j->u_plane, worker);
}

static void block(void *context, int item, int worker)
{
    const struct job *j = context;
    const struct conv *c = j->conv;
    struct tiles t = tiles_of_item(j->tiles, item, j->per_item);
    struct products p =
        products_in(c, j->net->scratch + (size_t)worker * j->net->scratch_floats, j->per_item);
    transform_in(j, t, &p, 0, worker);
    for (size_t i = 0; i < TILE_POINTS; i++)
        multiply(j, operand(j, p.v, i * p.v_plane), &p, t.count, j->depth, operand(j, j->u, i * j->u_plane),
                 c->out->channels / GROUP, p.m + i * p.m_plane, false);
    transform_out(j->kernels, c, t, p.m, p.m_plane);
}

static void convolve_blocks(struct cpu_net *n, struct job *j)
{
    const struct conv *c = j->conv;
    int most = cpu_net_block_tiles(n, c->in->channels, c->out->channels), threads = pool_threads(n->pool);
    int blocks = items_of(c->tiles.count, most);
    j->per_item = most;
    if (blocks < 8 * threads) { /* few: the last round should keep every thread busy */
        blocks = (blocks + threads - 1) / threads * threads;
        j->per_item = items_of(c->tiles.count, blocks);
    }
    j->tiles = c->tiles;
    if (c->bf16)
        j->u = c->is_backward ? c->pack->backward_pairs : c->pack->forward_pairs;
    else
        j->u = c->is_backward ? c->pack->backward : c->pack->forward;
    j->u_plane = (size_t)j->depth * (size_t)c->out->channels;
    if (c->pack->filters) {
        j->u = n->filters;
        j->u_plane += GROUP; /* off each other's cache sets */
        pool_run(n->pool, make_filters, j, c->out->channels / GROUP * depth_items(j));
    }
    pool_run(n->pool, block, j, items_of(c->tiles.count, j->per_item));
}

/* ---- Wide layers: all threads together ---- */

enum { TILES_AT_ONCE = 4 };

static void all_in(void *context, int item, int worker)
{
    const struct job *j = context;
    struct tiles t = tiles_of_item(j->tiles, item, TILES_AT_ONCE);
    struct products p = products_in(j->conv, j->net->scratch, j->tiles.count);
    transform_in(j, t, &p, t.first - j->tiles.first, worker);
}

/* Some panels of outputs: their filters, and all products with them. The filters are made for a part of the
 * depth at a time, which stays in the core's own cache until it has been multiplied by. */
static void all_multiply(void *context, int item, int worker)
{
    const struct job *j = context;
    const struct conv *c = j->conv;
    struct products p = products_in(c, j->net->scratch, j->tiles.count);
    int first = item * WIDE_PANELS, panels = c->out->channels / GROUP - first;
    panels = panels < WIDE_PANELS ? panels : WIDE_PANELS;
    for (int at = 0; at < j->depth; at += WIDE_DEPTH) {
        int depth = j->depth - at < WIDE_DEPTH ? j->depth - at : WIDE_DEPTH;
        float *u = j->net->filters + (size_t)worker * j->net->filter_floats;
        size_t plane = cpu_net_wide_plane(depth), panel = (size_t)depth * GROUP;
        for (int i = 0; i < panels; i++)
            filters_of(j, first + i, at, depth, operand(j, u, (size_t)i * panel), plane, worker);
        for (size_t i = 0; i < TILE_POINTS; i++)
            multiply(j, operand(j, p.v, i * p.v_plane + (size_t)at), &p, j->tiles.count, depth,
                     operand(j, u, i * plane), panels, p.m + i * p.m_plane + (size_t)first * GROUP, at > 0);
    }
}

static void all_out(void *context, int item, int worker)
{
    (void)worker;
    const struct job *j = context;
    struct tiles t = tiles_of_item(j->tiles, item, TILES_AT_ONCE);
    struct products p = products_in(j->conv, j->net->scratch, j->tiles.count);
    size_t at = (size_t)(t.first - j->tiles.first) * (size_t)j->conv->out->channels;
    transform_out(j->kernels, j->conv, t, p.m + at, p.m_plane);
}

static void convolve_wide(struct cpu_net *n, struct job *j)
{
    const struct conv *c = j->conv;
    int most = cpu_net_wide_tiles(n, c->in->channels, c->out->channels);
    int per_round = items_of(c->tiles.count, items_of(c->tiles.count, most));
    for (int round = 0; round < items_of(c->tiles.count, per_round); round++) {
        j->tiles = tiles_of_item(c->tiles, round, per_round);
        pool_run(n->pool, all_in, j, items_of(j->tiles.count, TILES_AT_ONCE));
        pool_run(n->pool, all_multiply, j, items_of(c->out->channels, WIDE_PANELS * GROUP));
        pool_run(n->pool, all_out, j, items_of(j->tiles.count, TILES_AT_ONCE));
    }
}

void cpu_net_convolve(struct cpu_net *n, const struct conv *c)
{
    struct job j = {
        .net = n, .kernels = n->kernels, .conv = c, .depth = c->bf16 ? cpu_net_even(c->depth) : c->depth};
    if (cpu_net_filters_of(c->in->channels, c->out->channels) == FILTERS_IN_ROUNDS)
        convolve_wide(n, &j);
    else
        convolve_blocks(n, &j);
}
