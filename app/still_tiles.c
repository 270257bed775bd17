/*
 * still_tiles - an octave that is larger than the memory, dreamed a tile at a time.
 *
 * A round lays a grid of overlapping tiles over the picture at a random place (still_grid.c), gives each some steps from what the picture
 * was before the round (else each tile would go on with what its neighbours have begun, and the first get most), and adds
 * what has changed back under a window that falls to nothing at the tile's edge; the windows add up to one everywhere. The next
 * round has its grid elsewhere, so no place is always an edge. Brightness, contrast and colours are led for the picture
 * as a whole, between rounds: a tile of sky must not become a tile of average contrast.
 *
 * Order and chance depend on the seed alone, and a dream gives the same bytes with any number of threads; so do tiles.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/still_grid.h"
#include "app/still_parts.h"
#include "common/rng.h"
#include "engine/control.h"

enum {
    TILE_MAX_PX = 1536,
    TILE_MIN_PX = 192,
    TILE_GRID_PX = 64,
    PROGRAM_BYTES = 40 << 20,
    CANVAS_BYTES = 12,     /* of a picture, each pixel */
    TILE_COPY_BYTES = 24,  /* of a tile, each pixel, before and after its steps */
    PICTURE_BYTES = 84,    /* of a dream, each pixel: its picture, gradients, momentum, copies */
    VIEW_BYTES = 40,       /* of what the network sees, each pixel, its octaves too */
    MAP_BYTES = 5,         /* of the network's maps, each pixel and channel of its first layer */
    MAP_BYTES_OF_LAYER = 9 /* the same when an early layer itself is climbed */
};

/* ---- How much memory ---- */

static double weight_bytes(const struct model *m, bool serves_once)
{
    double floats = 0;
    for (int i = 0; i < m->layer_count; i++) {
        const struct model_layer *l = &m->layers[i];
        floats += (double)l->in * l->out * l->kernel * l->kernel;
    }
    return floats * sizeof(float) * (serves_once ? 1.1 : 2.0);
}

/* The largest view against its picture: objects of the smallest size are seen at the network's own. */
static double view_share(const struct still_run *run, const struct dream_config *c, double side_px)
{
    double small = fmin(c->object_small, c->object_large) * 0.7;
    double scale = c->profile == DREAM_CLASSIC ? 1 : fmin(1, run->model->window_px / (small * side_px));
    return scale * scale;
}

static double bytes_of_pixel(const struct still_run *run, const struct dream_config *c)
{
    double side = fmin(c->size.width_px, c->size.height_px);
    int per_channel = run->target->layer_count > 0 ? MAP_BYTES_OF_LAYER : MAP_BYTES;
    return PICTURE_BYTES + view_share(run, c, side) * (VIEW_BYTES + per_channel * run->model->layers[0].out);
}

/* Pictures of the whole size that are there all the time: what is dreamed, and what was read for it. */
static int canvases(const struct still_run *run)
{
    int saved = run->options->still.save_every > 0 && run->save;
    return 1 + (run->original != NULL) + (run->mask != NULL) + run->has_alpha + saved;
}

/* What else it takes to bring an octave to the next one's size (still_dream.c), each pixel. */
static double growth_bytes(const struct still_run *run)
{
    double smaller = 1 / (run->options->still.octave_scale * run->options->still.octave_scale);
    bool keeps = run->original && run->options->still.keep_detail;
    return run->options->still.octaves == 1 ? 0 : 4 + CANVAS_BYTES * (smaller + (keeps ? 1 + smaller : 0));
}

/* The tiles' side for so much memory; besides each tile's own there is a line's strip. Below 0: none. */
static double side_for(double left, double each, double width)
{
    double strip = CANVAS_BYTES * width;
    return left > 0 ? (sqrt(strip * strip + 4 * each * left) - strip) / (2 * each) : 0;
}

int still_tile_side(const struct still_run *run, const struct dream_config *c, struct error *e)
{
    const struct option_size whole = run->options->dream.size;
    double pixels = (double)c->size.width_px * c->size.height_px,
           whole_pixels = (double)whole.width_px * whole.height_px;
    double memory = 1e6 * (double)run->options->still.memory_mb;
    double resident = PROGRAM_BYTES + weight_bytes(run->model, run->model->serves_once) +
                      whole_pixels * CANVAS_BYTES * canvases(run);
    double left = memory - resident, each = bytes_of_pixel(run, c);
    if (pixels * each <= left || c->profile == DREAM_CLASSIC)
        return 0;
    each += TILE_COPY_BYTES;
    int side = (int)side_for(left, each, c->size.width_px) / TILE_GRID_PX * TILE_GRID_PX;
    double least =
        resident + fmax(whole_pixels * growth_bytes(run),
                        TILE_MIN_PX * (TILE_MIN_PX * each + CANVAS_BYTES * (double)c->size.width_px));
    if (side < TILE_MIN_PX || memory < least)
        return error_set(
            e, ENOMEM, "--memory %lld: %dx%d needs %.0f MB with this model; give more or ask for less",
            (long long)run->options->still.memory_mb, whole.width_px, whole.height_px, ceil(least / 1e6));
    return side < TILE_MAX_PX ? side : TILE_MAX_PX;
}

/* ---- A tile ---- */

struct tiles {
    const struct still_run *run;
    float *x; /* [3][height][width], the whole picture */
    struct still_cells across, down;
    float *strip;          /* [3][side][width]: a line's rows as they were before the round */
    int strip_top;         /* -1: nothing is in it */
    struct dream *dream;   /* of a tile */
    float *before, *after; /* [3][side][side] */
};

/* Before a line of tiles: the picture's rows from `top` on as they were before the round. Those that the line above has
 * changed already are in the strip still. */
static void begin_line(struct tiles *t, int top)
{
    size_t row = (size_t)t->across.size, side = (size_t)t->down.side, plane = row * (size_t)t->down.size;
    int moved = t->strip_top < 0 ? t->down.side : top - t->strip_top;
    size_t kept = moved < t->down.side ? side - (size_t)moved : 0;
    for (size_t c = 0; c < 3; c++) {
        float *strip = t->strip + c * side * row;
        memmove(strip, strip + (side - kept) * row, kept * row * sizeof *strip);
        memcpy(strip + kept * row, t->x + c * plane + ((size_t)top + kept) * row,
               (side - kept) * row * sizeof *strip);
    }
    t->strip_top = top;
}

static void copy_out(const struct tiles *t, int left)
{
    size_t w = (size_t)t->across.side, h = (size_t)t->down.side;
    for (size_t row = 0; row < 3 * h; row++)
        memcpy(t->before + row * w, t->strip + row * (size_t)t->across.size + (size_t)left,
               w * sizeof(float));
}

/* What has changed, under the windows of the cell. */
static void add_back(const struct tiles *t, int column, int line, int left, int top)
{
    size_t w = (size_t)t->across.side, h = (size_t)t->down.side;
    size_t whole_w = (size_t)t->across.size, whole_h = (size_t)t->down.size;
    for (size_t row = 0; row < 3 * h; row++) {
        int y = top + (int)(row % h);
        float down = still_cell_window(&t->down, line, y);
        float *to = t->x + ((row / h) * whole_h + (size_t)y) * whole_w + (size_t)left;
        for (size_t i = 0; down > 0 && i < w; i++)
            to[i] += down * still_cell_window(&t->across, column, left + (int)i) *
                     (t->after[row * w + i] - t->before[row * w + i]);
    }
}

static int dream_tile(struct tiles *t, int column, int line, int steps)
{
    int left = still_cell_begin(&t->across, column), top = still_cell_begin(&t->down, line);
    double pixels = (double)t->across.size * t->down.size * steps / (t->across.count * t->down.count);
    copy_out(t, left);
    dream_put(t->dream, t->before);
    dream_set_window(t->dream, &(struct dream_place){(float)left / (float)t->across.size,
                                                     (float)top / (float)t->down.size,
                                                     (float)(left + t->across.side) / (float)t->across.size,
                                                     (float)(top + t->down.side) / (float)t->down.size});
    for (int i = 0; i < steps && !still_is_stopped(); i++)
        dream_step(t->dream);
    dream_picture(t->dream, t->after);
    add_back(t, column, line, left, top);
    still_progress_step(t->run->progress, pixels, false);
    return still_is_stopped();
}

/* ---- The whole ---- */

static struct image_sums sums_of(const float *x, size_t pixels)
{
    struct image_sums s = {0};
    for (size_t i = 0; i < pixels; i++) {
        double r = (double)x[i], g = (double)x[i + pixels], b = (double)x[i + 2 * pixels],
               grey = (r + g + b) / 3;
        s.mean += grey;
        s.square += grey * grey;
        s.chroma += ((r - grey) * (r - grey) + (g - grey) * (g - grey) + (b - grey) * (b - grey)) / 3;
    }
    return s;
}

/* The pulls of `steps` steps of a whole dream (engine/control.h). */
static void lead(float *x, size_t pixels, const struct dream_config *c, int steps)
{
    const struct image_aim aim = {c->brightness, c->contrast, c->colour_max, c->glare};
    struct image_sums sums = sums_of(x, pixels);
    struct image_step s = image_control(&aim, &sums, (double)pixels, 0, 0);
    float n = (float)steps;
    for (size_t i = 0; i < pixels; i++) {
        float grey = (x[i] + x[i + pixels] + x[i + 2 * pixels]) / 3;
        for (size_t k = 0; k < 3; k++) {
            float *v = &x[i + k * pixels];
            *v += n * (s.shift - s.contrast * (*v - s.centre) - s.chroma * (*v - grey));
            *v = *v > 0 ? (*v < 255 ? *v : 255) : 0;
        }
    }
}

/* The dream of a tile: the same sizes of objects, nothing led. */
static int open_tile(struct tiles *t, const struct dream_config *c, uint64_t seed, struct error *e)
{
    struct dream_config tile = *c;
    tile.size = (struct option_size){t->across.side, t->down.side};
    double ratio = fmin(c->size.width_px, c->size.height_px) / fmin(t->across.side, t->down.side);
    tile.object_small = fmin(4, c->object_small * ratio);
    tile.object_large = fmin(4, c->object_large * ratio);
    tile.contrast = 0;
    tile.focus = 0; /* its middle is not the picture's */
    t->before = still_picture_alloc(tile.size, e);
    t->after = still_picture_alloc(tile.size, e);
    t->strip = still_picture_alloc((struct option_size){t->across.size, t->down.side}, e);
    return t->before && t->after && t->strip ? still_dream_open(&t->dream, t->run, &tile, seed, NULL, e)
                                             : -ENOMEM;
}

static int dream_round(struct tiles *t, int steps)
{
    t->strip_top = -1;
    for (int line = 0; line < t->down.count; line++) {
        begin_line(t, still_cell_begin(&t->down, line));
        for (int column = 0; column < t->across.count; column++)
            if (dream_tile(t, column, line, steps))
                return 1;
    }
    return 0;
}

int still_dream_tiles(const struct still_run *run, const struct dream_config *c, float *x, int octave,
                      int side, struct error *e)
{
    int w = c->size.width_px, h = c->size.height_px, left = (int)run->options->octave_steps[octave], rc;
    uint64_t seed = run->seed + (uint64_t)octave * 1000003;
    struct rng rng = still_grid_rng(run->seed, octave);
    struct tiles t = {
        .run = run, .x = x, .across = still_cells_lay(w, side, &rng), .down = still_cells_lay(h, side, &rng)};
    rc = open_tile(&t, c, seed, e);
    while (rc == 0 && left > 0) {
        int steps = left < STILL_ROUND_STEPS ? left : STILL_ROUND_STEPS;
        rc = dream_round(&t, steps);
        lead(x, (size_t)w * (size_t)h, c, steps);
        left -= steps;
        for (int i = 0; i < steps && rc == 0; i++) {
            still_progress_step(run->progress, 0, true);
            rc = still_step_done(run, x, octave, e);
        }
        t.across = still_cells_lay(w, side, &rng);
        t.down = still_cells_lay(h, side, &rng);
    }
    dream_close(&t.dream);
    free(t.before);
    free(t.after);
    free(t.strip);
    return rc < 0 ? rc : 0;
}
