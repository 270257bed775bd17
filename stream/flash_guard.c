/*
 * flash_guard - see flash_guard.h. Every fourth row is enough for a cell's mean, which keeps the look at a frame of 720
 * lines far below a millisecond.
 */
#include "stream/flash_guard.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum {
    COLUMNS = 48,
    ROWS = 27,
    CELLS = COLUMNS * ROWS,
    FIELD_COLUMNS = COLUMNS / 3, /* of 10 degrees */
    FIELD_ROWS = ROWS / 3,
    CHANGES = 6, /* three pairs */
    ROW_STEP = 4,
    NEVER = -1000000
};

static const double luminance_step = 0.1, darker_below = 0.8, red_step = 20, red_share = 0.8;

/* Changes of one quantity of a cell. */
struct track {
    float extreme;         /* since the last change the furthest that it went on */
    int8_t direction;      /* of the last change; 0: there was none */
    int64_t when[CHANGES]; /* frames of the last ones */
    uint8_t next;          /* the oldest of those, overwritten next */
};

struct cell {
    float sent[3]; /* Y, Cb, Cr as they were sent last */
    float was_red; /* the share of red at red's extreme */
    struct track luminance, red;
};

struct flash_guard {
    int width_px, height_px, fps;
    int64_t frame;          /* of the next one, from 0 */
    float linear[256];      /* of a colour value 0..255 */
    float mean[3][CELLS];   /* of the frame at hand */
    float offset[3][CELLS]; /* what is added to it */
    bool held[CELLS];
    struct cell cells[CELLS];
};

int flash_guard_open(struct flash_guard **out, int width_px, int height_px, int fps, struct error *e)
{
    struct flash_guard *g = *out = calloc(1, sizeof *g);
    if (!g)
        return error_set(e, ENOMEM, "no memory for the flash guard");
    g->width_px = width_px;
    g->height_px = height_px;
    g->fps = fps;
    for (int i = 0; i < 256; i++) { /* IEC 61966-2-1 */
        double v = i / 255.0;
        g->linear[i] = (float)(v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
    for (int i = 0; i < CELLS; i++)
        for (int k = 0; k < CHANGES; k++)
            g->cells[i].luminance.when[k] = g->cells[i].red.when[k] = NEVER;
    return 0;
}

void flash_guard_close(struct flash_guard **g)
{
    free(*g);
    *g = NULL;
}

/* ---- what is there ---- */

static int edge(int i, int cells, int size)
{
    return (int)((int64_t)i * size / cells);
}

/* Eight at a time, in four sums of 16 bits: of at most 256 bytes, more than a cell of any video has. */
static uint32_t sum_bytes(const uint8_t *p, int count)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t sums = 0, eight;
    int x = 0;
    for (; x + 8 <= count; x += 8) {
        memcpy(&eight, p + x, sizeof eight);
        sums += (eight & even) + (eight >> 8 & even);
    }
    uint32_t sum = (uint32_t)(sums * UINT64_C(0x0001000100010001) >> 48);
    for (; x < count; x++)
        sum += p[x];
    return sum;
}

/* Means of one plane's cells. A picture with fewer pixels than cells repeats them. */
static void measure_plane(struct flash_guard *g, const struct frame *f, int plane)
{
    int width = plane ? (f->width_px + 1) / 2 : f->width_px, left[COLUMNS], pixels[COLUMNS];
    int height = plane ? (f->height_px + 1) / 2 : f->height_px, step = plane ? ROW_STEP / 2 : ROW_STEP;
    for (int column = 0; column < COLUMNS; column++) {
        left[column] = edge(column, COLUMNS, width);
        pixels[column] = edge(column + 1, COLUMNS, width) - left[column];
        pixels[column] += pixels[column] == 0;
    }
    for (int row = 0; row < ROWS; row++) {
        uint32_t sums[COLUMNS] = {0}, rows = 0;
        int top = edge(row, ROWS, height), bottom = edge(row + 1, ROWS, height);
        for (int y = top; y < bottom || y == top; y += step, rows++) {
            const uint8_t *p = f->planes[plane] + (int64_t)y * f->strides[plane];
            for (int column = 0; column < COLUMNS; column++)
                sums[column] += sum_bytes(p + left[column], pixels[column]);
        }
        for (int column = 0; column < COLUMNS; column++)
            g->mean[plane][row * COLUMNS + column] =
                (float)sums[column] / (float)((int)rows * pixels[column]);
    }
}

static void measure(struct flash_guard *g, const struct frame *f)
{
    for (int plane = 0; plane < 3; plane++)
        measure_plane(g, f, plane);
}

static float linear(const struct flash_guard *g, double value)
{
    return g->linear[value < 0 ? 0 : value > 1 ? 255 : (int)(value * 255 + 0.5)];
}

/* Linear red, green and blue of a cell's mean. */
static void to_rgb(const struct flash_guard *g, int cell, double rgb[3])
{
    double y = ((double)g->mean[0][cell] - COLOUR_BLACK_Y) / COLOUR_Y_STEPS;
    double cb = ((double)g->mean[1][cell] - COLOUR_GREY_C) / COLOUR_C_STEPS;
    double cr = ((double)g->mean[2][cell] - COLOUR_GREY_C) / COLOUR_C_STEPS;
    double r = y + COLOUR_CR_RANGE(double) * cr, b = y + COLOUR_CB_RANGE(double) * cb;
    double green = (y - 0.2126 * r - 0.0722 * b) / 0.7152;
    rgb[0] = (double)linear(g, r);
    rgb[1] = (double)linear(g, green);
    rgb[2] = (double)linear(g, b);
}

/* ---- changes ---- */

static void note_change(struct track *t, int direction, int64_t frame, double value)
{
    t->direction = (int8_t)direction;
    t->extreme = (float)value;
    t->when[t->next] = frame;
    t->next = (uint8_t)((t->next + 1) % CHANGES);
}

/* Follows a value; `step` and more against the way that it went is a change, if `counts`. True: it was one. */
static bool follow(struct track *t, double value, double step, bool counts, int64_t frame)
{
    double moved = value - (double)t->extreme;
    int way = moved > 0 ? 1 : -1;
    if (way == t->direction)
        t->extreme = (float)value; /* further on */
    else if (fabs(moved) >= step && counts) {
        note_change(t, way, frame, value);
        return true;
    } else if (fabs(moved) >= step)
        t->extreme = (float)value; /* large, and no flash for all that: bright to brighter */
    return false;
}

static void follow_cell(struct flash_guard *g, int i)
{
    struct cell *c = &g->cells[i];
    double rgb[3];
    to_rgb(g, i, rgb);
    double luminance = COLOUR_LUMA(double, rgb[0], rgb[1], rgb[2]), sum = rgb[0] + rgb[1] + rgb[2];
    double red = fmax(rgb[0] - rgb[1] - rgb[2], 0) * 320, share = sum > 1e-3 ? rgb[0] / sum : 0;
    if (g->frame == 0) {
        c->luminance.extreme = (float)luminance;
        c->red.extreme = (float)red;
        c->was_red = (float)share;
    }
    bool dark = fmin(luminance, (double)c->luminance.extreme) < darker_below;
    follow(&c->luminance, luminance, luminance_step, dark, g->frame);
    float before = c->red.extreme;
    follow(&c->red, red, red_step, fmax(share, (double)c->was_red) >= red_share, g->frame);
    if (before != c->red.extreme)
        c->was_red = (float)share;
    for (int plane = 0; plane < 3; plane++)
        c->sent[plane] = g->mean[plane][i];
}

/* Had it all the changes that a second may have? */
static bool is_full(const struct flash_guard *g, const struct track *t)
{
    return t->when[t->next] > g->frame - g->fps;
}

/* ---- fields ---- */

/* Marks the cells that may not change again now. False: they are too few for any field. */
static bool find_held(struct flash_guard *g)
{
    int sums[ROWS + 1][COLUMNS + 1] = {{0}}; /* of full cells above and left */
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            int i = row * COLUMNS + column;
            g->held[i] = is_full(g, &g->cells[i].luminance) || is_full(g, &g->cells[i].red);
            sums[row + 1][column + 1] =
                sums[row][column + 1] + sums[row + 1][column] - sums[row][column] + g->held[i];
        }
    for (int row = FIELD_ROWS; row <= ROWS; row++)
        for (int column = FIELD_COLUMNS; column <= COLUMNS; column++)
            if (4 * (sums[row][column] - sums[row - FIELD_ROWS][column] - sums[row][column - FIELD_COLUMNS] +
                     sums[row - FIELD_ROWS][column - FIELD_COLUMNS]) >=
                FIELD_ROWS * FIELD_COLUMNS)
                return true;
    return false;
}

static bool near_held(const struct flash_guard *g, int row, int column)
{
    for (int y = row - 1; y <= row + 1; y++)
        for (int x = column - 1; x <= column + 1; x++)
            if (y >= 0 && y < ROWS && x >= 0 && x < COLUMNS && g->held[y * COLUMNS + x])
                return true;
    return false;
}

/* What must be added to the cells so that those that are held stay as they were sent. Their neighbours are taken along,
 * because what is added is blended from cell to cell. Returns how many are held and would have changed. */
static int find_offsets(struct flash_guard *g)
{
    int count = 0;
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            int i = row * COLUMNS + column;
            bool moves = false;
            for (int plane = 0; plane < 3; plane++) {
                double moved = (double)g->mean[plane][i] - (double)g->cells[i].sent[plane];
                g->offset[plane][i] = near_held(g, row, column) ? (float)-moved : 0;
                moves = moves || fabs(moved) > 1;
            }
            count += g->held[i] && moves;
        }
    return count;
}

/* ---- the frame ---- */

/* Where a pixel lies between the centres of two cells. */
struct between {
    int first, second;
    float part; /* of the second */
};

static struct between between_cells(int at, int size, int cells)
{
    float place = ((float)at + 0.5f) * (float)cells / (float)size - 0.5f;
    int first = (int)floorf(place);
    struct between b = {first < 0 ? 0 : first, first + 1 < cells ? first + 1 : cells - 1,
                        place - (float)first};
    return b;
}

static void add_to_row(const struct flash_guard *g, int plane, uint8_t *p, int width, struct between y)
{
    const float *above = g->offset[plane] + y.first * COLUMNS, *below = g->offset[plane] + y.second * COLUMNS;
    int low = plane ? COLOUR_C_MIN : COLOUR_BLACK_Y, high = plane ? COLOUR_C_MAX : COLOUR_WHITE_Y;
    for (int x = 0; x < width; x++) {
        struct between b = between_cells(x, width, COLUMNS);
        float first = above[b.first] + (below[b.first] - above[b.first]) * y.part;
        float second = above[b.second] + (below[b.second] - above[b.second]) * y.part;
        float add = first + (second - first) * b.part;
        int v = add == 0 ? p[x] : (int)lrintf((float)p[x] + add);
        p[x] = (uint8_t)(add == 0 ? v : v < low ? low : v > high ? high : v);
    }
}

static void apply(const struct flash_guard *g, const struct frame *f)
{
    for (int plane = 0; plane < 3; plane++) {
        int width = plane ? (f->width_px + 1) / 2 : f->width_px;
        int height = plane ? (f->height_px + 1) / 2 : f->height_px;
        for (int row = 0; row < height; row++)
            add_to_row(g, plane, f->planes[plane] + (int64_t)row * f->strides[plane], width,
                       between_cells(row, height, ROWS));
    }
}

int flash_guard_pass(struct flash_guard *g, const struct frame *f)
{
    int count = 0;
    measure(g, f);
    if (g->frame > 0 && find_held(g) && (count = find_offsets(g)) > 0) {
        apply(g, f);
        measure(g, f); /* as it is sent: ends of the scale may have cut it */
    }
    for (int i = 0; i < CELLS; i++)
        follow_cell(g, i);
    g->frame++;
    return count;
}
