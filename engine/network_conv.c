/*
 * network_conv - the 3x3 layers, both ways.
 *
 * A block of tiles goes through all three steps (transform, 36 products, transform back with bias, ReLU and
 * pool) on one core while it is in that core's cache; blocks are the items of the pool. Where a wide layer
 * has so few tiles that every thread would get one block, each would read all of the weights: there the steps
 * are taken one after the other by all threads together, and each plane's weights are read by one thread.
 */
#include <string.h>

#include "engine/network_internal.h"

enum { RGB_ROWS = 4 }; /* picture rows of the first layer per item */

enum way_out { OUT_RELU, OUT_POOL, OUT_ALIVE };

struct conv_job {
    const struct kernels *kernels;
    const struct map *in, *out;
    bool is_unpooling; /* `in` is behind the pool of the tiles' map */
    enum way_out way_out;
    const float *packed, *bias;
    int depth; /* channels of `in` without padding */
    struct block_plan blocks;
    float *scratch;
    size_t scratch_floats;
};

/* V and M of `tiles` tiles, one behind the other. A plane is a group longer than its rows, so that the 36 of
 * them do not share cache sets. */
struct products {
    float *v, *m; /* [36][tiles][in], [36][tiles][out] */
    size_t v_plane, m_plane;
};

static struct products products_in(const struct conv_job *j, float *scratch, int tiles)
{
    struct products p = {.v = scratch,
                         .v_plane = (size_t)tiles * (size_t)j->in->channels + GROUP,
                         .m_plane = (size_t)tiles * (size_t)j->out->channels + GROUP};
    p.m = p.v + TILE_POINTS * p.v_plane;
    return p;
}

static void transform_in(const struct conv_job *j, struct tiles t, float *v, size_t plane)
{
    (j->is_unpooling ? j->kernels->tiles_in_unpool : j->kernels->tiles_in)(j->in, t, v, plane);
}

static void transform_out(const struct conv_job *j, struct tiles t, const float *m, size_t plane)
{
    const struct kernels *k = j->kernels;
    if (j->way_out == OUT_ALIVE)
        k->tiles_out_alive(m, plane, t, j->out);
    else
        (j->way_out == OUT_POOL ? k->tiles_out_pool : k->tiles_out_relu)(m, plane, j->bias, t, j->out);
}

static void multiply_plane(const struct conv_job *j, const struct products *p, size_t plane, int tiles,
                           int first_panel, int panels)
{
    size_t in = (size_t)j->in->channels, out = (size_t)j->out->channels, panel = (size_t)j->depth * GROUP;
    j->kernels->multiply(p->v + plane * p->v_plane, in, tiles, j->depth,
                         j->packed + plane * (size_t)j->depth * out + (size_t)first_panel * panel, panel,
                         panels, p->m + plane * p->m_plane + first_panel * GROUP, out, 0);
}

static struct tiles tiles_of_item(const struct conv_job *j, int item, int per_item)
{
    struct tiles t = {item * per_item, per_item, j->blocks.tiles_w};
    if (t.first + t.count > j->blocks.tiles)
        t.count = j->blocks.tiles - t.first;
    return t;
}

static void conv_block(void *context, int item, int worker)
{
    const struct conv_job *j = context;
    struct tiles t = tiles_of_item(j, item, j->blocks.per_block);
    struct products p = products_in(j, j->scratch + (size_t)worker * j->scratch_floats, j->blocks.per_block);
    transform_in(j, t, p.v, p.v_plane);
    for (size_t i = 0; i < TILE_POINTS; i++)
        multiply_plane(j, &p, i, t.count, 0, j->out->channels / GROUP);
    transform_out(j, t, p.m, p.m_plane);
}

/* ---- The three steps by all threads together ---- */

enum { TILES_AT_ONCE = 4, PANELS_AT_ONCE = 8 };

static void all_in(void *context, int item, int worker)
{
    (void)worker;
    const struct conv_job *j = context;
    struct tiles t = tiles_of_item(j, item, TILES_AT_ONCE);
    struct products p = products_in(j, j->scratch, j->blocks.tiles);
    transform_in(j, t, p.v + (size_t)t.first * (size_t)j->in->channels, p.v_plane);
}

static void all_multiply(void *context, int item, int worker)
{
    (void)worker;
    const struct conv_job *j = context;
    struct products p = products_in(j, j->scratch, j->blocks.tiles);
    int panels = j->out->channels / GROUP, first = item / TILE_POINTS * PANELS_AT_ONCE;
    multiply_plane(j, &p, (size_t)(item % TILE_POINTS), j->blocks.tiles, first,
                   panels - first < PANELS_AT_ONCE ? panels - first : PANELS_AT_ONCE);
}

static void all_out(void *context, int item, int worker)
{
    (void)worker;
    const struct conv_job *j = context;
    struct tiles t = tiles_of_item(j, item, TILES_AT_ONCE);
    struct products p = products_in(j, j->scratch, j->blocks.tiles);
    transform_out(j, t, p.m + (size_t)t.first * (size_t)j->out->channels, p.m_plane);
}

static void conv_together(struct pool *pool, struct conv_job *j)
{
    int items = (j->blocks.tiles + TILES_AT_ONCE - 1) / TILES_AT_ONCE;
    int panels = j->out->channels / GROUP;
    pool_run(pool, all_in, j, items);
    pool_run(pool, all_multiply, j, (panels + PANELS_AT_ONCE - 1) / PANELS_AT_ONCE * TILE_POINTS);
    pool_run(pool, all_out, j, items);
}

void map_clear_border(const struct map *m)
{
    size_t pixel = (size_t)m->channels, row = pixel * (size_t)m->stride_px;
    size_t used = ((size_t)m->w + 1) * pixel;
    memset(m->data, 0, row * sizeof *m->data);
    for (size_t y = 1; y <= (size_t)m->h; y++) {
        memset(m->data + y * row, 0, pixel * sizeof *m->data);
        memset(m->data + y * row + used, 0, (row - used) * sizeof *m->data);
    }
    memset(m->data + (size_t)(m->h + 1) * row, 0, (size_t)(m->rows_px - m->h - 1) * row * sizeof *m->data);
}

static void run_conv(struct network *n, int i, struct conv_job *j)
{
    const struct pack *p = &n->packs[i];
    j->kernels = n->kernels;
    j->blocks = network_blocks(n, n->pre_w[i], n->pre_h[i], p->in, p->out);
    j->scratch = n->scratch;
    j->scratch_floats = n->scratch_floats;
    if (j->blocks.is_together)
        conv_together(n->pool, j);
    else
        pool_run(n->pool, conv_block, j, j->blocks.blocks);
    map_clear_border(j->out);
}

/* ---- The first layer ---- */

struct rgb_job {
    struct network *network;
    const float *x; /* [3][h][w] */
    float *grad;    /* [3][h][w] */
};

static int rows_of_item(const struct map *m, int item)
{
    int y = item * RGB_ROWS;
    return m->h - y < RGB_ROWS ? m->h - y : RGB_ROWS;
}

static void normalise_rows(void *context, int item, int worker)
{
    (void)worker;
    const struct rgb_job *j = context;
    struct network *n = j->network;
    const struct model *m = n->model;
    size_t w = (size_t)n->input.w, h = (size_t)n->input.h;
    for (size_t c = 0; c < 3; c++)
        for (int r = 0; r < rows_of_item(&n->input, item); r++) {
            size_t y = (size_t)(item * RGB_ROWS + r);
            float *to = n->picture + c * n->picture_plane + (y + 1) * n->picture_stride;
            to[0] = 0.0f;
            memset(to + w + 1, 0, (n->picture_stride - w - 1) * sizeof *to);
            n->kernels->normalise(j->x + (c * h + y) * w, (int)w, 1.0f / (255.0f * m->std[c]),
                                  -m->mean[c] / m->std[c], to + 1);
        }
}

static void rgb_forward_rows(void *context, int item, int worker)
{
    (void)worker;
    struct network *n = ((const struct rgb_job *)context)->network;
    n->kernels->rgb_forward(n->picture, n->picture_plane, n->picture_stride, n->packs[0].forward,
                            n->packs[0].bias, item * RGB_ROWS, rows_of_item(&n->out[0], item), &n->out[0]);
}

static void rgb_backward_rows(void *context, int item, int worker)
{
    (void)worker;
    const struct rgb_job *j = context;
    struct network *n = j->network;
    n->kernels->rgb_backward(&n->out[0], n->packs[0].backward, item * RGB_ROWS,
                             rows_of_item(&n->out[0], item), j->grad);
}

/* The planar picture as a map of 16 channels, of which three are used. */
static void picture_to_map(struct network *n)
{
    const struct map *m = &n->input;
    memset(m->data, 0, (size_t)m->rows_px * (size_t)m->stride_px * GROUP * sizeof *m->data);
    for (size_t y = 1; y <= (size_t)m->h; y++)
        for (size_t x = 1; x <= (size_t)m->w; x++)
            for (size_t c = 0; c < 3; c++)
                m->data[(y * (size_t)m->stride_px + x) * GROUP + c] =
                    n->picture[c * n->picture_plane + y * n->picture_stride + x];
}

static void map_to_gradient(const struct network *n, float *grad)
{
    const struct map *m = &n->input;
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 1; y <= (size_t)m->h; y++)
            for (size_t x = 1; x <= (size_t)m->w; x++)
                *grad++ = m->data[(y * (size_t)m->stride_px + x) * GROUP + c] / (255.0f * n->model->std[c]);
}

static void load_picture(struct network *n, const float *x)
{
    struct rgb_job j = {.network = n, .x = x};
    size_t line = n->picture_stride * sizeof *n->picture;
    for (size_t c = 0; c < 3; c++) {
        memset(n->picture + c * n->picture_plane, 0, line);
        memset(n->picture + (c + 1) * n->picture_plane - n->picture_stride, 0, line);
    }
    pool_run(n->pool, normalise_rows, &j, (n->input.h + RGB_ROWS - 1) / RGB_ROWS);
}

/* ---- All of them ---- */

void network_conv_forward(struct network *n, const float *x, int last)
{
    load_picture(n, x);
    if (n->is_rgb_direct) {
        struct rgb_job j = {.network = n};
        pool_run(n->pool, rgb_forward_rows, &j, (n->input.h + RGB_ROWS - 1) / RGB_ROWS);
        map_clear_border(&n->out[0]);
        network_stage_done(n, 0);
    } else {
        picture_to_map(n);
    }
    for (int i = n->is_rgb_direct ? 1 : 0; i <= last; i++) {
        struct conv_job j = {.in = i ? &n->out[i - 1] : &n->input,
                             .out = &n->out[i],
                             .way_out = n->is_pooled[i] ? OUT_POOL : OUT_RELU,
                             .packed = n->packs[i].forward,
                             .bias = n->packs[i].bias,
                             .depth = n->model->layers[i].in};
        run_conv(n, i, &j);
        network_stage_done(n, i);
    }
}

void network_conv_backward(struct network *n, int from, float *grad)
{
    map_clear_border(&n->out[from]);
    for (int i = from; i >= (n->is_rgb_direct ? 1 : 0); i--) {
        struct conv_job j = {.in = &n->out[i],
                             .out = i ? &n->out[i - 1] : &n->input,
                             .is_unpooling = n->is_pooled[i],
                             .way_out = OUT_ALIVE,
                             .packed = n->packs[i].backward,
                             .depth = n->model->layers[i].out};
        run_conv(n, i, &j);
        network_stage_done(n, stage_backward(n, i));
    }
    if (n->is_rgb_direct) {
        struct rgb_job j = {.network = n, .grad = grad};
        pool_run(n->pool, rgb_backward_rows, &j, (n->input.h + RGB_ROWS - 1) / RGB_ROWS);
    } else {
        map_to_gradient(n, grad);
    }
    network_stage_done(n, stage_backward(n, 0));
}
