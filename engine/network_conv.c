/*
 * network_conv - all 3x3 layers, both ways, and the first one's own passes over the picture.
 */
#include <string.h>

#include "engine/network_internal.h"

enum { RGB_ROWS = 4 }; /* picture rows of the first layer per item */

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
        struct conv c = {.in = i ? &n->out[i - 1] : &n->input,
                         .out = &n->out[i],
                         .way_out = n->is_pooled[i] ? OUT_POOL : OUT_RELU,
                         .pack = &n->packs[i],
                         .depth = n->packs[i].filters ? n->packs[i].in : n->model->layers[i].in,
                         .tiles = network_tiles(n, i)};
        network_convolve(n, &c);
        map_clear_border(c.out);
        network_stage_done(n, i);
    }
}

void network_conv_backward(struct network *n, int from, float *grad)
{
    map_clear_border(&n->out[from]);
    for (int i = from; i >= (n->is_rgb_direct ? 1 : 0); i--) {
        struct conv c = {.in = &n->out[i],
                         .out = i ? &n->out[i - 1] : &n->input,
                         .is_unpooling = n->is_pooled[i],
                         .way_out = OUT_ALIVE,
                         .pack = &n->packs[i],
                         .is_backward = true,
                         .depth = n->packs[i].filters ? n->packs[i].out : n->model->layers[i].out,
                         .tiles = network_tiles(n, i)};
        network_convolve(n, &c);
        map_clear_border(c.out);
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
