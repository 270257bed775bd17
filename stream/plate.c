/*
 * plate - see plate.h. Two passes over bands of rows: colours (with the averaging), then the
 * enlargement of luma; within a pass bands are independent, so any number of threads gives the same bytes.
 */
#include "stream/plate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/colour.h"
#include "common/mem.h"
#include "common/spline.h"

enum { BAND_ROWS = 16, PAD_LEFT = 1, PAD_RIGHT = 2 };

struct fill { /* one run of plate_fill */
    struct plate *plate;
    const float *rgb; /* [3][height][width] */
    int up, shrink;
    int width, height; /* of the averaged picture */
    int luma_stride;
    int band_limit;
    float *rows; /* scratch for each worker: 3 rows of colours, or one row of luma with its pads */
    size_t rows_per_worker;
    float weights[PLATE_UP_MAX][4]; /* spline weights of the neighbours -1, 0, 1, 2 at phase i / up */
};

static void for_bands(struct pool *pool, pool_fn *fn, struct fill *f, int rows)
{
    int count = (rows + BAND_ROWS - 1) / BAND_ROWS;
    f->band_limit = rows;
    if (pool)
        pool_run(pool, fn, f, count);
    for (int i = 0; !pool && i < count; i++)
        fn(f, i, 0);
}

static inline float clip(float v, float low, float high)
{
    v = v > low ? v : low; /* NaN goes to low */
    return v < high ? v : high;
}

static inline uint16_t quantise(float v, float low, float high)
{
    return (uint16_t)(clip(v, low, high) * (1 << SAMPLE_BITS) + 0.5f);
}

static inline uint16_t quantise_luma(float v)
{
    return quantise(v, COLOUR_BLACK_Y, COLOUR_WHITE_Y);
}

/* One row of one colour, averaged over shrink x shrink pixels, to out[width]. */
static void average_row(const struct fill *f, const float *plane, int y, float *out)
{
    const struct plate *p = f->plate;
    const float scale = 1.0f / (float)(f->shrink * f->shrink);
    for (int x = 0; x < f->width; x++)
        out[x] = 0;
    for (int i = 0; i < f->shrink; i++) {
        const float *in = plane + ((size_t)y * (size_t)f->shrink + (size_t)i) * (size_t)p->width_px;
        for (int x = 0; x < f->width; x++)
            for (int j = 0; j < f->shrink; j++)
                out[x] += clip(in[x * f->shrink + j], 0, 255) * scale;
    }
}

/* BT.709, limited range. restrict lets the loop be vectorised. */
static void colours_row(int n, const float *restrict r, const float *restrict g, const float *restrict b,
                        float *restrict luma, uint16_t *restrict cb, uint16_t *restrict cr)
{
    const float to_cb = COLOUR_C_STEPS / 255.0f / COLOUR_CB_RANGE(float);
    const float to_cr = COLOUR_C_STEPS / 255.0f / COLOUR_CR_RANGE(float);
    for (int x = 0; x < n; x++) {
        float red = clip(r[x], 0, 255), green = clip(g[x], 0, 255), blue = clip(b[x], 0, 255);
        float y = COLOUR_LUMA(float, red, green, blue);
        luma[x] = COLOUR_BLACK_Y + y * (COLOUR_Y_STEPS / 255.0f);
        cb[x] = quantise(COLOUR_GREY_C + (blue - y) * to_cb, COLOUR_C_MIN, COLOUR_C_MAX);
        cr[x] = quantise(COLOUR_GREY_C + (red - y) * to_cr, COLOUR_C_MIN, COLOUR_C_MAX);
    }
}

/* The neighbour behind the right end of a row repeats the last sample; the last row is repeated below. */
static void repeat_edge(const struct sample_plane *s, int y)
{
    uint16_t *row = s->samples + (size_t)y * (size_t)s->stride;
    row[s->width] = row[s->width - 1];
    if (y == s->height - 1)
        memcpy(row + s->stride, row, sizeof *row * (size_t)(s->width + 1));
}

static void colours_band(void *context, int item, int worker)
{
    struct fill *f = context;
    struct plate *p = f->plate;
    const size_t size = (size_t)p->width_px * (size_t)p->height_px;
    float *scratch = f->rows + f->rows_per_worker * (size_t)worker;
    for (int y = item * BAND_ROWS; y < (item + 1) * BAND_ROWS && y < f->band_limit; y++) {
        const float *colours[3];
        for (int i = 0; i < 3; i++) {
            colours[i] = f->rgb + size * (size_t)i + (size_t)y * (size_t)p->width_px;
            if (f->shrink > 1) {
                float *row = scratch + (size_t)i * (size_t)f->width;
                average_row(f, f->rgb + size * (size_t)i, y, row);
                colours[i] = row;
            }
        }
        size_t at = (size_t)y * (size_t)p->planes[1].stride;
        colours_row(f->width, colours[0], colours[1], colours[2],
                    p->luma + (size_t)y * (size_t)f->luma_stride, p->planes[1].samples + at,
                    p->planes[2].samples + at);
        repeat_edge(&p->planes[1], y);
        repeat_edge(&p->planes[2], y);
    }
}

/* Row `y` of the enlarged picture at the averaged picture's columns, with pads: out[-1 .. width + 1]. */
static void blend_rows(const struct fill *f, int y, float *restrict out)
{
    const float *rows[4], *w = f->weights[y % f->up];
    for (int t = 0; t < 4; t++) {
        int at = y / f->up - 1 + t;
        at = at < 0 ? 0 : at >= f->height ? f->height - 1 : at;
        rows[t] = f->plate->luma + (size_t)at * (size_t)f->luma_stride;
    }
    if (y % f->up == 0)
        memcpy(out, rows[1], sizeof *out * (size_t)f->width);
    else
        for (int x = 0; x < f->width; x++)
            out[x] = w[0] * rows[0][x] + w[1] * rows[1][x] + w[2] * rows[2][x] + w[3] * rows[3][x];
    out[-1] = out[0];
    out[f->width] = out[f->width + 1] = out[f->width - 1];
}

/* in[-1 .. n + 1] -> every up-th sample of out, at one phase. */
static inline void phase_row(int n, int up, const float *w, const float *restrict in, uint16_t *restrict out)
{
    for (int x = 0; x < n; x++)
        out[x * up] = quantise_luma(w[0] * in[x - 1] + w[1] * in[x] + w[2] * in[x + 1] + w[3] * in[x + 2]);
}

/* The usual factor in one loop, which compilers turn into vectors with interleaved stores. */
static void double_row(int n, const float *w, const float *restrict in, uint16_t *restrict out)
{
    for (int x = 0; x < n; x++) {
        out[2 * x] = quantise_luma(in[x]);
        out[2 * x + 1] = quantise_luma(w[0] * in[x - 1] + w[1] * in[x] + w[2] * in[x + 1] + w[3] * in[x + 2]);
    }
}

static void luma_band(void *context, int item, int worker)
{
    struct fill *f = context;
    const struct sample_plane *s = &f->plate->planes[0];
    float *row = f->rows + f->rows_per_worker * (size_t)worker + PAD_LEFT;
    for (int y = item * BAND_ROWS; y < (item + 1) * BAND_ROWS && y < f->band_limit; y++) {
        uint16_t *out = s->samples + (size_t)y * (size_t)s->stride;
        blend_rows(f, y, row);
        if (f->up == 2)
            double_row(f->width - 1, f->weights[1], row, out);
        for (int i = 0; f->up != 2 && i < f->up; i++)
            phase_row(f->width - 1, f->up, f->weights[i], row, out + i);
        out[s->width - 1] = quantise_luma(row[f->width - 1]);
        repeat_edge(s, y);
    }
}

static void phase_weights(struct fill *f)
{
    for (int i = 0; i < f->up; i++) {
        double w[4];
        spline_weights((double)i / f->up, w);
        for (int k = 0; k < 4; k++)
            f->weights[i][k] = (float)w[k];
    }
}

static size_t plane_samples(const struct sample_plane *s)
{
    return (size_t)s->stride * (size_t)(s->height + 1);
}

static void shape_plane(struct sample_plane *s, int width, int height)
{
    s->width = width;
    s->height = height;
    s->stride = (width + 1 + 31) / 32 * 32; /* room for the repeated column; rows start on 64 bytes */
}

/* Makes memory for the shapes in `planes`, unless the plate has just these. */
static int provide(struct plate *p, const struct sample_plane planes[3], size_t luma_floats)
{
    bool same = p->memory != NULL;
    for (int i = 0; i < 3; i++)
        same = same && p->planes[i].width == planes[i].width && p->planes[i].height == planes[i].height;
    if (same)
        return 0;
    size_t sizes[3] = {plane_samples(&planes[0]), plane_samples(&planes[1]), plane_samples(&planes[2])};
    uint16_t *memory = buffer_alloc(sizeof *memory * (sizes[0] + sizes[1] + sizes[2] + SAMPLE_OVERREAD));
    float *luma = buffer_alloc(sizeof *luma * luma_floats);
    if (!memory || !luma) {
        free(memory);
        free(luma);
        return -ENOMEM;
    }
    plate_clear(p);
    p->memory = memory;
    p->luma = luma;
    for (int i = 0; i < 3; i++) {
        p->planes[i] = planes[i];
        p->planes[i].samples = memory;
        memory += sizes[i];
    }
    return 0;
}

int plate_fill(struct plate *p, const struct plate_source *s, struct pool *pool)
{
    int up = s->up, shrink = s->shrink;
    if (s->width_px < shrink || s->height_px < shrink || s->width_px > PLATE_SIDE_MAX ||
        s->height_px > PLATE_SIDE_MAX)
        return -EINVAL;
    struct fill f = {.plate = p, .rgb = s->rgb, .up = up, .shrink = shrink};
    f.width = s->width_px / shrink;
    f.height = s->height_px / shrink;
    f.luma_stride = (f.width + 15) / 16 * 16;
    int sides[2] = {(f.width - 1) * up + 1, (f.height - 1) * up + 1};
    if (sides[0] > PLATE_SIDE_MAX || sides[1] > PLATE_SIDE_MAX)
        return -EINVAL;

    struct sample_plane planes[3] = {0};
    shape_plane(&planes[0], sides[0], sides[1]);
    shape_plane(&planes[1], f.width, f.height);
    shape_plane(&planes[2], f.width, f.height);
    f.rows_per_worker = (size_t)(3 * f.width + PAD_LEFT + PAD_RIGHT + 15) / 16 * 16;
    f.rows = buffer_alloc(sizeof *f.rows * f.rows_per_worker * (size_t)(pool ? pool_threads(pool) : 1));
    if (!f.rows || provide(p, planes, (size_t)f.luma_stride * (size_t)f.height) != 0) {
        free(f.rows);
        return -ENOMEM;
    }
    p->width_px = s->width_px;
    p->height_px = s->height_px;
    double offset = -0.5 * (shrink - 1) / shrink;
    struct plate_map reduced = {1.0 / shrink, offset, offset};
    p->maps[0] = (struct plate_map){reduced.scale * up, offset * up, offset * up};
    p->maps[1] = p->maps[2] = reduced;

    phase_weights(&f);
    for_bands(pool, colours_band, &f, f.height);
    for_bands(pool, luma_band, &f, planes[0].height);
    free(f.rows);
    return 0;
}

/* ---- frames ---- */

static void widen(int n, const uint8_t *restrict in, uint16_t *restrict out)
{
    for (int x = 0; x < n; x++)
        out[x] = (uint16_t)(in[x] << SAMPLE_BITS);
}

static void widen_pairs(int n, const uint8_t *restrict in, uint16_t *restrict first,
                        uint16_t *restrict second)
{
    for (int x = 0; x < n; x++) {
        first[x] = (uint16_t)(in[2 * x] << SAMPLE_BITS);
        second[x] = (uint16_t)(in[2 * x + 1] << SAMPLE_BITS);
    }
}

static void narrow(int n, const uint16_t *restrict in, uint8_t *restrict out)
{
    for (int x = 0; x < n; x++)
        out[x] = (uint8_t)(in[x] >> SAMPLE_BITS);
}

int plate_fill_nv12(struct plate *p, const uint8_t *nv12, int width_px, int height_px)
{
    if (width_px < 2 || height_px < 2 || width_px > PLATE_SIDE_MAX || height_px > PLATE_SIDE_MAX ||
        width_px % 2 || height_px % 2)
        return -EINVAL;
    struct sample_plane planes[3] = {0};
    shape_plane(&planes[0], width_px, height_px);
    shape_plane(&planes[1], width_px / 2, height_px / 2);
    shape_plane(&planes[2], width_px / 2, height_px / 2);
    if (provide(p, planes, 1) != 0)
        return -ENOMEM;
    p->width_px = width_px;
    p->height_px = height_px;
    p->maps[0] = (struct plate_map){1, 0, 0};
    p->maps[1] = p->maps[2] = (struct plate_map){0.5, 0, -0.25};

    const struct sample_plane *luma = &p->planes[0], *cb = &p->planes[1], *cr = &p->planes[2];
    const uint8_t *pairs = nv12 + (size_t)width_px * (size_t)height_px;
    for (int y = 0; y < height_px; y++) {
        widen(width_px, nv12 + (size_t)y * (size_t)width_px,
              luma->samples + (size_t)y * (size_t)luma->stride);
        repeat_edge(luma, y);
    }
    for (int y = 0; y < height_px / 2; y++) {
        size_t at = (size_t)y * (size_t)cb->stride;
        widen_pairs(width_px / 2, pairs + (size_t)y * (size_t)width_px, cb->samples + at, cr->samples + at);
        repeat_edge(cb, y);
        repeat_edge(cr, y);
    }
    return 0;
}

void plate_copy(const struct plate *p, const struct frame *out)
{
    for (int i = 0; i < 3; i++) {
        const struct sample_plane *s = &p->planes[i];
        for (int y = 0; y < s->height; y++)
            narrow(s->width, s->samples + (size_t)y * (size_t)s->stride,
                   out->planes[i] + (int64_t)y * out->strides[i]);
    }
}

void plate_clear(struct plate *p)
{
    free(p->memory);
    free(p->luma);
    *p = (struct plate){0};
}
