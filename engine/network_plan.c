/*
 * network_plan - sizes of every map, and the one arena that holds them.
 *
 * The arena is laid out for the largest picture; a smaller one uses the beginning of each buffer. Pages that
 * no call touches (the second map buffer is sized for objectives on early layers) cost address space only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/network_internal.h"

enum {
    BLOCK_BYTES = 192 * 1024, /* V and M of a block should stay in a core's second-level cache */
    BLOCK_TILES_MIN = 24,
    BLOCK_TILES_MAX = 48,
    WIDE_TILES_MAX = 96,
    WIDE_BYTES = 1024 * 1024 /* weights that do not stay in a core's own cache */
};

static int tiles_over(int px)
{
    return (px + TILE - 1) / TILE;
}

static struct map plan_map(int w, int h, int channels)
{
    return (struct map){.w = w,
                        .h = h,
                        .stride_px = TILE * tiles_over(w) + 4,
                        .rows_px = TILE * tiles_over(h) + 4,
                        .channels = channels};
}

static size_t map_pixels(const struct map *m)
{
    return (size_t)m->stride_px * (size_t)m->rows_px;
}

bool network_plan(struct network *n, int width_px, int height_px, int last, bool is_bare)
{
    int w = width_px, h = height_px;
    n->input = plan_map(w, h, GROUP);
    n->input.data = n->rgb_map;
    n->picture_stride = ((size_t)w + 2 + GROUP - 1) / GROUP * GROUP;
    n->picture_plane = n->picture_stride * ((size_t)h + 2);
    for (int i = 0; i < n->convs && i <= last; i++) {
        n->pre_w[i] = w;
        n->pre_h[i] = h;
        n->is_pooled[i] = n->model->layers[i].pool_after && !(is_bare && i == last);
        w /= n->is_pooled[i] ? 2 : 1;
        h /= n->is_pooled[i] ? 2 : 1;
        if (w < 1 || h < 1)
            return false;
        n->out[i] = plan_map(w, h, n->packs[i].out);
        n->out[i].data = n->maps[i % 2];
        n->out[i].alive = is_bare && i == last ? NULL : n->alive[i];
        n->out[i].which[0] = n->which[i][0];
        n->out[i].which[1] = n->which[i][1];
    }
    n->map_w = w - n->model->layers[n->convs].kernel + 1;
    n->map_h = h - n->model->layers[n->convs].kernel + 1;
    return last < n->convs || (n->map_w >= 1 && n->map_h >= 1);
}

static int64_t weight_bytes(int in, int out)
{
    return (int64_t)in * out * TILE_POINTS * (int)sizeof(float);
}

/* Every block reads the layer's weights once. Where layers are so wide that V and M leave the cache anyway,
 * blocks grow until they move as many bytes for their tiles as for the weights. A multiple of the rows that
 * a matrix product takes at once. */
static int most_tiles_per_block(const struct network *n, int in, int out)
{
    int tile_bytes = TILE_POINTS * (in + out) * (int)sizeof(float), rows = n->kernels->rows;
    int most = BLOCK_BYTES / tile_bytes;
    most = most < BLOCK_TILES_MIN ? BLOCK_TILES_MIN : most > BLOCK_TILES_MAX ? BLOCK_TILES_MAX : most;
    int wide = (int)(weight_bytes(in, out) / (2 * tile_bytes));
    wide = wide > WIDE_TILES_MAX ? WIDE_TILES_MAX : wide;
    most = wide > most ? wide : most;
    return (most + rows / 2) / rows * rows;
}

struct block_plan network_blocks(const struct network *n, int w, int h, int in, int out)
{
    struct block_plan b = {.tiles_w = tiles_over(w)};
    b.tiles = b.tiles_w * tiles_over(h);
    int most = most_tiles_per_block(n, in, out), threads = pool_threads(n->pool);
    b.is_together = threads > 1 && b.tiles <= threads * most && weight_bytes(in, out) > WIDE_BYTES;
    b.per_block = most;
    b.blocks = (b.tiles + most - 1) / most;
    if (b.blocks < 8 * threads) { /* few: the last round should keep every thread busy */
        b.blocks = (b.blocks + threads - 1) / threads * threads;
        b.per_block = (b.tiles + b.blocks - 1) / b.blocks;
    }
    b.blocks = (b.tiles + b.per_block - 1) / b.per_block;
    return b;
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

/* For the largest block, which a smaller picture may have though the largest picture has not. */
static size_t scratch_of(const struct network *n, const struct pack *p)
{
    size_t tiles = (size_t)most_tiles_per_block(n, p->in, p->out);
    return TILE_POINTS * (tiles * (size_t)(p->in + p->out) + 2 * GROUP);
}

static void carve_convs(struct network *n, struct carver *c)
{
    size_t map_floats[2] = {0};
    n->scratch_floats = 0;
    for (int i = 0; i < n->convs; i++) {
        size_t bits = map_pixels(&n->out[i]) * (size_t)(n->packs[i].out / GROUP);
        struct map bare = plan_map(n->pre_w[i], n->pre_h[i], n->packs[i].out);
        map_floats[i % 2] = larger_of(map_floats[i % 2], map_pixels(&bare) * (size_t)bare.channels);
        n->alive[i] = carve(c, bits, sizeof *n->alive[i]);
        for (int b = 0; b < 2 && n->is_pooled[i]; b++)
            n->which[i][b] = carve(c, bits, sizeof *n->which[i][b]);
        n->scratch_floats = larger_of(n->scratch_floats, scratch_of(n, &n->packs[i]));
    }
    for (int i = 0; i < 2; i++)
        n->maps[i] = carve(c, map_floats[i], sizeof(float));
    n->scratch_floats = 4096 * ((n->scratch_floats + 4095) / 4096) + 64; /* workers off each other's pages */
    n->scratch = carve(c, n->scratch_floats * (size_t)pool_threads(n->pool), sizeof(float));
}

static void carve_head(struct network *n, struct carver *c)
{
    size_t positions = (size_t)n->map_w * (size_t)n->map_h;
    const struct pack *fc6 = &n->packs[n->convs];
    for (int i = 0; i < HEAD_LAYERS; i++) {
        n->hidden[i] = carve(c, positions * (size_t)n->packs[n->convs + i].out, sizeof(float));
        n->d_hidden[i] = carve(c, positions * (size_t)n->packs[n->convs + i].out, sizeof(float));
    }
    size_t kernel = (size_t)n->model->layers[n->convs].kernel;
    n->columns = carve(c, positions * kernel * (size_t)fc6->in, sizeof(float));
}

static void carve_all(struct network *n, struct carver *c)
{
    carve_convs(n, c); /* bits first: they alone are zeroed */
    n->picture = carve(c, 3 * n->picture_plane, sizeof(float));
    n->rgb_map = n->is_rgb_direct ? NULL : carve(c, map_pixels(&n->input) * GROUP, sizeof(float));
    carve_head(n, c);
    n->row_sums = carve(c, (size_t)n->max_height_px, sizeof(double));
}

int network_plan_arena(struct network *n, struct error *e)
{
    if (!network_plan(n, n->max_width_px, n->max_height_px, LAYERS_MAX, false))
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
