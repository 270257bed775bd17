/*
 * net_plan - sizes of every map, and the one arena that holds them.
 *
 * The arena is laid out for the largest picture; a smaller one uses the beginning of each buffer. Pages that
 * no call touches (the second map buffer is sized for objectives on early layers) cost address space only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/cpu/net_internal.h"

enum {
    BLOCK_BYTES = 192 * 1024, /* V and M of a block should stay in a core's second-level cache */
    BLOCK_TILES_MIN = 24,
    BLOCK_TILES_MAX = 48,
    KEPT_BYTES = 5 * 512 * 1024,   /* U of up to this is kept in memory */
    MADE_BYTES = 10 * 1024 * 1024, /* and up to this made at once: about the share of a shared cache */
    WIDE_TILES_MIN = 24,
    WIDE_SCRATCH_BYTES = 19 * 1024 * 1024, /* of a round; more gains nothing */
    WINDOW_MIN_BYTES = 1024 * 1024,        /* smaller maps stay in a cache as they are */
    WINDOW_BYTES = 3 * 1024 * 1024,        /* per thread */
    BAND_MIN = 4
};

static struct map plan_map(int w, int h, int channels)
{
    return (struct map){.w = w,
                        .h = h,
                        .stride_px = TILE * cpu_net_tiles_over(w) + 4,
                        .rows_px = TILE * cpu_net_tiles_over(h) + 4,
                        .channels = channels};
}

static size_t map_pixels(const struct map *m)
{
    return (size_t)m->stride_px * (size_t)m->rows_px;
}

static size_t map_bytes(const struct map *m)
{
    return map_pixels(m) * (size_t)m->channels * sizeof(float);
}

/* Both layers keep their filters, which would be made again for every band, and the first is no window's
 * second layer already. */
static bool is_window(const struct cpu_net *n, int i)
{
    const struct pack *p = &n->packs[i], *next = &n->packs[i + 1];
    return i + 1 < n->convs && !n->is_pooled[i] && !(i > 0 && n->is_windowed[i - 1]) &&
           (i == 0 || cpu_net_filters_of(p->in, p->out) == FILTERS_KEPT) &&
           cpu_net_filters_of(next->in, next->out) == FILTERS_KEPT &&
           map_bytes(&n->out[i]) > WINDOW_MIN_BYTES;
}

static size_t tile_row_floats(const struct map *m)
{
    return (size_t)TILE * (size_t)m->stride_px * (size_t)m->channels;
}

/* All windows take turns: no more than three eighths of the shared cache. */
static size_t window_bytes(const struct cpu_net *n)
{
    size_t most = WINDOW_BYTES * (size_t)pool_threads(n->pool), share = n->cache_bytes / 8 * 3;
    return share < most ? share : most;
}

int cpu_net_band(const struct cpu_net *n, const struct map *m)
{
    size_t bytes = window_bytes(n);
    int fit = (int)(bytes / (tile_row_floats(m) * sizeof(float))), quarter = cpu_net_tiles_over(m->h) / 4;
    fit = fit < quarter ? fit : quarter;
    return fit < BAND_MIN ? BAND_MIN : fit;
}

/* Of any picture up to that width: a band, the tile row that waits for the next one, and the borders. */
static size_t most_window_floats(const struct cpu_net *n, const struct map *m)
{
    return window_bytes(n) / sizeof(float) + (BAND_MIN + 3) * tile_row_floats(m);
}

/* Floats of the last map, and behind it of the head's rows. */
static size_t last_map_floats(const struct cpu_net *n)
{
    return map_bytes(&n->out[n->convs - 1]) / sizeof(float);
}

static size_t hidden_floats(const struct cpu_net *n, int i)
{
    size_t row = cpu_net_hidden_row(n, i), other = cpu_net_hidden_row(n, i == FC6 ? FC7 : FC6);
    return (size_t)n->map_w * (size_t)n->map_h * (i == FC8 || row > other ? row : other);
}

/* Activations of the head and their gradients lie behind the last map, in the part of its buffer that only the
 * larger maps before it fill. */
static void place_head(struct cpu_net *n)
{
    float *at = n->out[n->convs - 1].data + last_map_floats(n);
    for (int i = 0; i < HEAD_LAYERS; at += hidden_floats(n, i++))
        n->hidden[i] = at;
    n->d_hidden[FC6] = n->hidden[FC7]; /* which is not needed any more when that comes */
    for (int i = FC7; i < HEAD_LAYERS; at += hidden_floats(n, i++))
        n->d_hidden[i] = at;
}

static size_t head_floats(const struct cpu_net *n)
{
    return hidden_floats(n, FC6) + 2 * hidden_floats(n, FC7) + 2 * hidden_floats(n, FC8);
}

bool cpu_net_plan(struct cpu_net *n, int width_px, int height_px, int last, bool is_bare)
{
    int w = width_px, h = height_px, buffer = 0;
    n->input = plan_map(w, h, GROUP);
    n->input.data = n->rgb_map;
    n->picture_stride = ((size_t)w + 2 + GROUP - 1) / GROUP * GROUP;
    n->picture_plane = n->picture_stride * ((size_t)h + 2);
    n->picture = n->maps[1]; /* smaller than any map of that size; the first layer writes to the other */
    for (int i = 0; i < n->convs && i <= last; i++) {
        n->pre_w[i] = w;
        n->pre_h[i] = h;
        n->is_pooled[i] = n->model->layers[i].pool_after && !(is_bare && i == last);
        w /= n->is_pooled[i] ? 2 : 1;
        h /= n->is_pooled[i] ? 2 : 1;
        if (w < 1 || h < 1)
            return false;
        n->out[i] = plan_map(w, h, n->packs[i].out);
        n->is_windowed[i] = i < last && is_window(n, i);
        n->out[i].data = n->is_windowed[i] ? n->window : n->maps[buffer];
        buffer ^= n->is_windowed[i] ? 0 : 1;
        n->out[i].alive = is_bare && i == last ? NULL : n->alive[i];
        n->out[i].which[0] = n->which[i][0];
        n->out[i].which[1] = n->which[i][1];
    }
    n->fc6_tiles = n->maps[buffer];
    n->map_w = w - n->model->layers[n->convs].kernel + 1;
    n->map_h = h - n->model->layers[n->convs].kernel + 1;
    if (last < n->convs)
        return true;
    if (n->map_w < 1 || n->map_h < 1)
        return false;
    if (n->arena)
        place_head(n);
    return true;
}

static size_t filter_floats(int in, int out)
{
    return (size_t)TILE_POINTS * ((size_t)in * (size_t)out + GROUP);
}

enum filters cpu_net_filters_of(int in, int out)
{
    size_t bytes = filter_floats(in, out) * sizeof(float);
    return bytes <= KEPT_BYTES ? FILTERS_KEPT : bytes <= MADE_BYTES ? FILTERS_PER_CALL : FILTERS_IN_ROUNDS;
}

static int between(int least, int x, int most)
{
    return x < least ? least : x > most ? most : x;
}

/* Every block reads U once. Where that is more than V and M of the block, which leave the core's own cache
 * anyway, blocks grow until they move as many bytes for their tiles as for U. A multiple of the rows that a
 * matrix product takes at once. */
int cpu_net_block_tiles(const struct cpu_net *n, int in, int out)
{
    int tile_bytes = TILE_POINTS * (in + out) * (int)sizeof(float), rows = n->kernels->rows;
    int most = between(BLOCK_TILES_MIN, BLOCK_BYTES / tile_bytes, BLOCK_TILES_MAX);
    int balanced = (int)(filter_floats(in, out) * sizeof(float)) / (2 * tile_bytes);
    most = balanced > most ? balanced : most;
    return (most + rows / 2) / rows * rows;
}

/* V and M of a round should stay in the shared cache, with room for the filters. */
int cpu_net_wide_tiles(const struct cpu_net *n, int in, int out)
{
    int tile_bytes = TILE_POINTS * (in + out) * (int)sizeof(float), rows = n->kernels->rows;
    size_t share = n->cache_bytes / 32 * 19;
    int most = (int)(share < WIDE_SCRATCH_BYTES ? share : WIDE_SCRATCH_BYTES) / tile_bytes;
    return most < WIDE_TILES_MIN ? WIDE_TILES_MIN : most / rows * rows;
}

/* ---- The arena ---- */

/* Hands out pieces of 64 bytes' multiple; with `base` NULL it only counts. */
struct carver {
    uint8_t *base;
    size_t used;
};

static void *carve(struct carver *c, size_t count, size_t size)
{
    void *p = c->base ? c->base + c->used : NULL;
    c->used += (count * size + 63) / 64 * 64;
    return p;
}

static size_t larger_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Of both ways; the largest block, which a smaller picture may have though the largest picture has not. */
static size_t scratch_of(int in, int out, int tiles)
{
    return TILE_POINTS * ((size_t)tiles * (size_t)(in + out + GROUP) + 2 * GROUP);
}

static void carve_scratch(struct cpu_net *n, struct carver *c)
{
    size_t together = 0, made = 0, threads = (size_t)pool_threads(n->pool);
    n->scratch_floats = n->filter_floats = 0;
    for (int i = 0; i < n->convs; i++) {
        int in = n->packs[i].in, out = n->packs[i].out;
        enum filters filters = cpu_net_filters_of(in, out);
        if (filters == FILTERS_IN_ROUNDS) {
            n->filter_floats = TILE_POINTS * cpu_net_wide_plane(WIDE_DEPTH);
            together = larger_of(together, scratch_of(in, out, cpu_net_wide_tiles(n, in, out)));
            continue;
        }
        size_t own = scratch_of(in, out, cpu_net_block_tiles(n, in, out));
        n->scratch_floats = larger_of(n->scratch_floats, own);
        made = filters == FILTERS_PER_CALL ? larger_of(made, filter_floats(in, out)) : made;
    }
    if (cpu_net_fc6_is_tiled(n, n->map_w, n->map_h))
        n->filter_floats = larger_of(n->filter_floats, cpu_net_fc6_own_floats(n, n->map_w, n->map_h));
    n->scratch_floats = 4096 * ((n->scratch_floats + 4095) / 4096) + 64; /* workers off each other's pages */
    n->scratch = carve(c, larger_of(n->scratch_floats * threads, together), sizeof(float));
    n->filters = carve(c, larger_of(n->filter_floats * threads, made), sizeof(float));
}

/* Bf16: V of one tile of the widest layer, or U of a part of a panel. */
static void carve_unrounded(struct cpu_net *n, struct carver *c)
{
    size_t plane = UNROUNDED_PLANE;
    for (int i = 0; i < n->convs; i++)
        plane = larger_of(plane, (size_t)GROUP + larger_of((size_t)n->packs[i].in, (size_t)n->packs[i].out));
    n->unrounded_floats = n->bf16 ? TILE_POINTS * plane : 0;
    n->unrounded = carve(c, n->unrounded_floats * (size_t)pool_threads(n->pool), sizeof(float));
}

static void carve_convs(struct cpu_net *n, struct carver *c)
{
    size_t map_floats = 0, window_floats = 0;
    for (int i = 0; i < n->convs; i++) {
        size_t bits = map_pixels(&n->out[i]) * (size_t)(n->packs[i].out / GROUP);
        struct map bare = plan_map(n->pre_w[i], n->pre_h[i], n->packs[i].out);
        map_floats = larger_of(map_floats, map_pixels(&bare) * (size_t)bare.channels);
        if (n->is_windowed[i])
            window_floats = larger_of(window_floats, most_window_floats(n, &n->out[i]));
        n->alive[i] = carve(c, bits, sizeof *n->alive[i]);
        for (int b = 0; b < 2 && n->is_pooled[i]; b++)
            n->which[i][b] = carve(c, bits, sizeof *n->which[i][b]);
    }
    if (cpu_net_fc6_is_tiled(n, n->map_w, n->map_h))
        map_floats = larger_of(map_floats, cpu_net_fc6_v_floats(n, n->map_w, n->map_h));
    map_floats = larger_of(map_floats, last_map_floats(n) + head_floats(n));
    for (int i = 0; i < 2; i++)
        n->maps[i] = carve(c, map_floats, sizeof(float));
    n->window = carve(c, window_floats, sizeof(float));
    carve_scratch(n, c);
    carve_unrounded(n, c);
}

static void carve_head(struct cpu_net *n, struct carver *c)
{
    const struct pack *fc6 = &n->packs[n->convs];
    n->class_row = carve(c, (size_t)n->packs[n->convs + FC8].in, sizeof(float));
    size_t kernel = (size_t)n->model->layers[n->convs].kernel;
    size_t positions = cpu_net_fc6_direct_positions(n, n->map_w, n->map_h);
    n->columns = carve(c, positions * kernel * (size_t)fc6->in, sizeof(float));
}

static void carve_all(struct cpu_net *n, struct carver *c)
{
    carve_convs(n, c); /* bits first: they alone are zeroed */
    size_t positions = (size_t)n->map_w * (size_t)n->map_h;
    n->rgb_map = n->is_rgb_direct ? NULL : carve(c, map_pixels(&n->input) * GROUP, sizeof(float));
    carve_head(n, c);
    n->evidence = carve(c, positions, sizeof(float));
    n->wanted = carve(c, n->detail_layer >= 0 ? (size_t)n->packs[n->detail_layer].out : 0, sizeof(float));
    n->row_sums = carve(c, larger_of((size_t)n->max_height_px, positions), sizeof(double));
}

int cpu_net_plan_arena(struct cpu_net *n, struct error *e)
{
    if (!cpu_net_plan(n, n->max_width_px, n->max_height_px, LAYERS_MAX, false))
        return error_set(e, ERANGE, "network: %dx%d is too small for %s; ask for a larger picture",
                         n->max_width_px, n->max_height_px, n->model->name);
    struct carver c = {NULL, 0};
    carve_all(n, &c);
    n->arena_bytes = c.used;
    n->arena = buffer_alloc(c.used);
    if (!n->arena)
        return error_set(e, ENOMEM, "network: no memory for the %zu MB of a %dx%d picture", c.used >> 20,
                         n->max_width_px, n->max_height_px);
    c = (struct carver){n->arena, 0};
    carve_all(n, &c);
    memset(n->arena, 0, (size_t)((uint8_t *)n->maps[0] - n->arena));
    return 0;
}
