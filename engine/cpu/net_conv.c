/*
 * net_conv - all 3x3 layers, both ways, and the first one's own passes over the picture.
 *
 * The largest maps of a network are those of the first layers, and most of them are read only once, by the
 * next layer. Where both layers keep their filters and the map between them leaves the caches, they run in
 * bands of tile rows and the map never exists as a whole.
 */
#include <string.h>

#include "engine/cpu/net_internal.h"

enum { RGB_ROWS = 4 }; /* picture rows per item */

/* Zeroes what does not belong to the picture in rows first..end-1 of the map, border included; `data` begins
 * with the first of them. */
static void clear_rows(const struct map *m, int first, int end, float *data)
{
    size_t pixel = (size_t)m->channels, row = pixel * (size_t)m->stride_px;
    size_t used = ((size_t)m->w + 1) * pixel;
    for (int y = first; y < end; y++, data += row)
        if (y == 0 || y > m->h) {
            memset(data, 0, row * sizeof *data);
        } else {
            memset(data, 0, pixel * sizeof *data);
            memset(data + used, 0, (row - used) * sizeof *data);
        }
}

static void map_clear_border(const struct map *m)
{
    clear_rows(m, 0, m->rows_px, m->data);
}

/* ---- The first layer ---- */

struct rgb_job {
    struct cpu_net *net;
    const float *x;        /* [3][h][w] */
    float *grad;           /* [3][h][w]; NULL: forwards */
    const struct map *map; /* of the first layer, from tile row `first` on */
    int first;
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
    struct cpu_net *n = j->net;
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

/* Tile row `item` of the first layer's map, or of the picture's gradient. */
static void rgb_row(void *context, int item, int worker)
{
    (void)worker;
    const struct rgb_job *j = context;
    const struct cpu_net *n = j->net;
    int y = TILE * (j->first + item), rows = n->input.h - y < TILE ? n->input.h - y : TILE;
    if (j->grad)
        n->kernels->rgb_backward(j->map, n->packs[0].backward, TILE * item, rows,
                                 j->grad + (size_t)(TILE * j->first) * (size_t)n->input.w);
    else
        n->kernels->rgb_forward(n->picture + (size_t)(TILE * j->first) * n->picture_stride, n->picture_plane,
                                n->picture_stride, n->packs[0].forward, n->packs[0].bias, TILE * item, rows,
                                j->map);
}

/* The planar picture as a map of 16 channels, of which three are used. */
static void picture_to_map(struct cpu_net *n)
{
    const struct map *m = &n->input;
    memset(m->data, 0, (size_t)m->rows_px * (size_t)m->stride_px * GROUP * sizeof *m->data);
    for (size_t y = 1; y <= (size_t)m->h; y++)
        for (size_t x = 1; x <= (size_t)m->w; x++)
            for (size_t c = 0; c < 3; c++)
                m->data[(y * (size_t)m->stride_px + x) * GROUP + c] =
                    n->picture[c * n->picture_plane + y * n->picture_stride + x];
}

static void map_to_gradient(const struct cpu_net *n, float *grad)
{
    const struct map *m = &n->input;
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 1; y <= (size_t)m->h; y++)
            for (size_t x = 1; x <= (size_t)m->w; x++)
                *grad++ = m->data[(y * (size_t)m->stride_px + x) * GROUP + c] / (255.0f * n->model->std[c]);
}

static void load_picture(struct cpu_net *n, const float *x)
{
    struct rgb_job j = {.net = n, .x = x};
    size_t line = n->picture_stride * sizeof *n->picture;
    for (size_t c = 0; c < 3; c++) {
        memset(n->picture + c * n->picture_plane, 0, line);
        memset(n->picture + (c + 1) * n->picture_plane - n->picture_stride, 0, line);
    }
    pool_run(n->pool, normalise_rows, &j, (n->input.h + RGB_ROWS - 1) / RGB_ROWS);
}

/* ---- A layer, or two of them in bands ---- */

/* One way through all layers. */
struct pass {
    struct cpu_net *net;
    bool is_backward;
    float *grad; /* [3][h][w] */
};

/* The map from the row on that lies `rows` below its first. */
static struct map from_row(struct map m, int rows)
{
    size_t pixels = (size_t)rows * (size_t)m.stride_px, groups = (size_t)(m.channels / GROUP);
    m.data += pixels * (size_t)m.channels;
    m.alive = m.alive ? m.alive + pixels * groups : NULL;
    for (int b = 0; b < 2; b++)
        m.which[b] = m.which[b] ? m.which[b] + pixels * groups : NULL;
    return m;
}

/* What a layer reads on its way, and what it writes, from a tile row on. */
static struct map input_of(const struct pass *p, int i, int tile_row)
{
    const struct cpu_net *n = p->net;
    if (p->is_backward)
        return from_row(n->out[i], tile_row * (n->is_pooled[i] ? TILE / 2 : TILE));
    return from_row(i ? n->out[i - 1] : n->input, tile_row * TILE);
}

static struct map output_of(const struct pass *p, int i, int tile_row)
{
    const struct cpu_net *n = p->net;
    if (p->is_backward)
        return from_row(i ? n->out[i - 1] : n->input, tile_row * TILE);
    return from_row(n->out[i], tile_row * (n->is_pooled[i] ? TILE / 2 : TILE));
}

/* Layer i for tile rows first..end-1 of it, with which `in` and `out` begin. */
static void layer_rows(const struct pass *p, int i, int first, int end, struct map in, struct map out)
{
    struct cpu_net *n = p->net;
    const struct model_layer *l = &n->model->layers[i];
    if (i == 0 && n->is_rgb_direct) {
        struct rgb_job j = {.net = n, .grad = p->grad, .map = p->is_backward ? &in : &out, .first = first};
        pool_run(n->pool, rgb_row, &j, end - first);
    } else {
        struct conv c = {
            .in = &in,
            .out = &out,
            .is_unpooling = p->is_backward && n->is_pooled[i],
            .way_out = p->is_backward    ? OUT_ALIVE
                       : n->is_pooled[i] ? OUT_POOL
                                         : OUT_RELU,
            .pack = &n->packs[i],
            .bf16 = n->rounds[p->is_backward][i] ? n->bf16 : NULL,
            .is_backward = p->is_backward,
            .depth = n->packs[i].filters ? in.channels
                     : p->is_backward    ? l->out
                                         : l->in,
            .tiles = {0, (end - first) * cpu_net_tiles_over(n->pre_w[i]), cpu_net_tiles_over(n->pre_w[i])}};
        cpu_net_convolve(n, &c);
    }
    cpu_net_stage_done(n, p->is_backward ? stage_backward(n, i) : i);
}

/* The whole map that a layer has written is zero around the picture; the gradient has no border. */
static void finish(const struct pass *p, int i)
{
    struct map out = output_of(p, i, 0);
    if (!p->is_backward || i > 0 || !p->net->is_rgb_direct)
        map_clear_border(&out);
}

static void layer(const struct pass *p, int i)
{
    int rows = cpu_net_tiles_over(p->net->pre_h[i]);
    layer_rows(p, i, 0, rows, input_of(p, i, 0), output_of(p, i, 0));
    finish(p, i);
}

/*
 * Two layers whose map between them exists only as a window of some tile rows, while it is in the cache: the
 * first fills the window, the second takes what has all of its neighbours, and the last rows move up. The
 * window begins with the tile row that the second layer takes next.
 */
static void two_layers(const struct pass *p, int first, int second)
{
    struct cpu_net *n = p->net;
    struct map between = n->out[first < second ? first : second];
    size_t row = (size_t)between.stride_px * (size_t)between.channels;
    int rows = cpu_net_tiles_over(between.h), band = cpu_net_band(n, &between);
    for (int made = 0, taken = 0; taken < rows;) {
        int make = rows - made < band ? rows : made + band, take = make == rows ? rows : make - 1;
        struct map to = from_row(between, TILE * made);
        to.data = n->window + (size_t)(TILE * (made - taken)) * row;
        layer_rows(p, first, made, make, input_of(p, first, made), to);
        int from_y = made ? TILE * made + 1 : 0, end_y = make == rows ? between.rows_px : TILE * make + 1;
        clear_rows(&between, from_y, end_y, n->window + (size_t)(from_y - TILE * taken) * row);
        struct map from = between;
        from.data = n->window;
        layer_rows(p, second, taken, take, from, output_of(p, second, taken));
        memmove(n->window, n->window + (size_t)(TILE * (take - taken)) * row,
                (size_t)(TILE * (make - take) + 1) * row * sizeof *n->window);
        made = make;
        taken = take;
    }
    finish(p, second);
}

/* ---- All of them ---- */

void cpu_net_conv_forward(struct cpu_net *n, const float *x, int last)
{
    struct pass p = {.net = n};
    load_picture(n, x);
    if (!n->is_rgb_direct)
        picture_to_map(n);
    for (int i = 0; i <= last; i++)
        if (n->is_windowed[i]) {
            two_layers(&p, i, i + 1);
            i++;
        } else {
            layer(&p, i);
        }
}

void cpu_net_conv_backward(struct cpu_net *n, int from, float *grad)
{
    struct pass p = {.net = n, .is_backward = true, .grad = grad};
    map_clear_border(&n->out[from]);
    for (int i = from; i >= 0; i--) {
        if (i == n->detail_layer && from > i)
            cpu_net_detail_note(n);
        if (i > 0 && n->is_windowed[i - 1]) {
            two_layers(&p, i, i - 1);
            i--;
        } else {
            layer(&p, i);
        }
    }
    if (!n->is_rgb_direct)
        map_to_gradient(n, grad);
}
