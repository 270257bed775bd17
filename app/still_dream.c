/*
 * still_dream - see still_dream.h.
 */
#include "app/still_dream.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/still_parts.h"
#include "stream/picture.h"

enum { SEED_STEP = 1000003 };

/* ---- Pictures ---- */

static size_t floats_of(struct option_size size)
{
    return 3 * (size_t)size.width_px * (size_t)size.height_px;
}

float *still_picture_alloc(struct option_size size, struct error *e)
{
    float *x = buffer_alloc(floats_of(size) * sizeof *x);
    if (!x)
        error_set(e, ENOMEM, "no memory for a picture of %dx%d", size.width_px, size.height_px);
    return x;
}

static float *scaled(const float *rgb, struct option_size from, struct option_size to, struct error *e)
{
    float *out = still_picture_alloc(to, e);
    if (out && picture_scale(rgb, from.width_px, from.height_px, out, to.width_px, to.height_px) < 0) {
        free(out);
        error_set(e, ENOMEM, "no memory to scale a picture to %dx%d", to.width_px, to.height_px);
        return NULL;
    }
    return out;
}

static struct option_size octave_size(const struct still_options *o, int octave)
{
    double ratio = pow(o->still.octave_scale, (double)(o->still.octaves - 1 - octave));
    struct option_size s = o->dream.size;
    s.width_px = (int)fmax(STILL_SIDE_MIN, round(s.width_px / ratio));
    s.height_px = (int)fmax(STILL_SIDE_MIN, round(s.height_px / ratio));
    return s;
}

double still_dream_pixels(const struct still_options *o)
{
    double sum = 0;
    for (int i = 0; i < o->still.octaves; i++) {
        struct option_size s = octave_size(o, i);
        sum += (double)s.width_px * s.height_px * (double)o->octave_steps[i];
    }
    return sum;
}

/* The start picture's light and colour, changed by the dream's light alone. BT.601. */
static void take_light(float *x, const float *original, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        float light = 0;
        for (size_t c = 0; c < 3; c++)
            light += (x[c * pixels + i] - original[c * pixels + i]) * (c == 0   ? 0.299f
                                                                       : c == 1 ? 0.587f
                                                                                : 0.114f);
        for (size_t c = 0; c < 3; c++)
            x[c * pixels + i] = fminf(255, fmaxf(0, original[c * pixels + i] + light));
    }
}

/* Where the mask is black the start picture is what it was. x and base: [3] of `size`. */
static int apply_mask(const struct still_run *run, float *x, const float *base, struct option_size size,
                      struct error *e)
{
    if (!run->mask)
        return 0;
    float *mask = scaled(run->mask, run->options->dream.size, size, e);
    for (size_t i = 0; mask && i < floats_of(size); i++)
        x[i] = base[i] + (x[i] - base[i]) * (mask[i] / 255);
    free(mask);
    return mask ? 0 : -ENOMEM;
}

/* ---- From octave to octave ---- */

/* The start picture at an octave's size; NULL: no memory. The last octave's is the original itself. */
static float *base_of(const struct still_run *run, int octave, struct error *e)
{
    return scaled(run->original, run->options->dream.size, octave_size(run->options, octave), e);
}

/* `x`, grown from octave `from` to the size of `to`, loses what the start picture has there from `from`, and gets all of its
 * detail. False: no memory. */
static bool bring_detail(const struct still_run *run, float *x, int from, int to, struct error *e)
{
    const struct still_options *o = run->options;
    struct option_size small = octave_size(o, from), large = octave_size(o, to);
    float *base = base_of(run, from, e), *coarse = base ? scaled(base, small, large, e) : NULL;
    free(base);
    if (!coarse)
        return false;
    for (size_t i = 0; i < floats_of(large); i++)
        x[i] -= coarse[i];
    free(coarse);
    bool is_last = to == o->still.octaves - 1;
    float *smaller = is_last ? NULL : base_of(run, to, e);
    const float *fine = is_last ? run->original : smaller;
    if (!fine)
        return false;
    for (size_t i = 0; i < floats_of(large); i++)
        x[i] = fminf(255, fmaxf(0, fine[i] + x[i]));
    free(smaller);
    return true;
}

/* What octave `from` has made of `x`, at the size of octave `to`, with the start picture's detail there. New memory. */
static float *grown(const struct still_run *run, const float *x, int from, int to, struct error *e)
{
    const struct still_options *o = run->options;
    float *out = scaled(x, octave_size(o, from), octave_size(o, to), e);
    if (!out || !run->original || !o->still.keep_detail || bring_detail(run, out, from, to, e))
        return out;
    free(out);
    return NULL;
}

/* The finished picture out of what octave `octave` has made so far. Takes `x`; NULL: no memory. */
static float *finished(const struct still_run *run, float *x, int octave, struct error *e)
{
    const struct still_options *o = run->options;
    int last = (int)o->still.octaves - 1;
    float *out = octave == last ? x : grown(run, x, octave, last, e);
    if (out != x)
        free(x);
    if (!out || !run->original)
        return out;
    if (apply_mask(run, out, run->original, o->dream.size, e) < 0) {
        free(out);
        return NULL;
    }
    if (o->still.original_colours)
        take_light(out, run->original, floats_of(o->dream.size) / 3);
    return out;
}

static bool save_is_due(const struct still_run *run)
{
    int64_t every = run->options->still.save_every;
    return run->save && every > 0 && run->progress->steps % every == 0 && run->progress->steps > 0;
}

int still_step_done(const struct still_run *run, const float *x, int octave, struct error *e)
{
    if (save_is_due(run) && x) {
        struct option_size size = octave_size(run->options, octave);
        float *copy = scaled(x, size, size, e), *now = copy ? finished(run, copy, octave, e) : NULL;
        int rc = now ? run->save(run->context, now, e) : -ENOMEM;
        free(now);
        if (rc < 0)
            return rc;
    }
    return still_is_stopped();
}

/* ---- One octave ---- */

int still_dream_open(struct dream **d, const struct still_run *run, const struct dream_config *c,
                     uint64_t seed, const float *start, struct error *e)
{
    int rc = dream_open(d, c, run->model, seed, start, e);
    if (rc < 0)
        return rc;
    if (run->target->layer_count > 0)
        dream_set_layers(*d, run->target->layers, run->target->layer_count);
    else
        dream_set_target(*d, &run->target->subjects, 0);
    return 0;
}

static void say_belief(const struct still_run *run, struct dream *d)
{
    double belief[DREAM_SUBJECTS_MAX];
    if (run->target->layer_count > 0)
        return;
    dream_belief(d, belief);
    still_progress_belief(run->progress, belief, run->target->subjects.count);
}

/* Steps of a whole picture; *x is scratch of its size for what is saved on the way. */
static int take_steps(const struct still_run *run, struct dream *d, int octave, float *x, struct error *e)
{
    struct option_size size = octave_size(run->options, octave);
    double pixels = (double)size.width_px * size.height_px;
    int rc = 0;
    for (int64_t i = 0; i < run->options->octave_steps[octave] && rc == 0; i++) {
        dream_step(d);
        if (still_progress_step(run->progress, pixels, true))
            say_belief(run, d);
        if (save_is_due(run))
            dream_picture(d, x);
        rc = still_step_done(run, x, octave, e);
    }
    return rc < 0 ? rc : 0;
}

/* One octave at the size in `c`. `start` may be NULL. The result is new memory, NULL on failure. */
static float *dream_whole(const struct still_run *run, const struct dream_config *c, const float *start,
                          int octave, struct error *e)
{
    struct dream *d;
    if (still_dream_open(&d, run, c, run->seed + (uint64_t)octave * SEED_STEP, start, e) < 0)
        return NULL;
    float *out = still_picture_alloc(c->size, e);
    if (out && take_steps(run, d, octave, out, e) < 0) {
        free(out);
        out = NULL;
    } else if (out) {
        dream_picture(d, out);
    }
    dream_close(&d);
    return out;
}

/* Noise as a dream begins with, for tiles: of a dream of nothing, enlarged. */
static float *noise(const struct still_run *run, const struct dream_config *c, struct error *e)
{
    struct dream_config small = *c;
    struct dream *d;
    small.backend = DREAM_BACKEND_NULL;
    small.size = (struct option_size){c->size.width_px > 2048 ? 2048 : c->size.width_px,
                                      c->size.height_px > 2048 ? 2048 : c->size.height_px};
    if (dream_open(&d, &small, run->model, run->seed, NULL, e) < 0)
        return NULL;
    float *x = still_picture_alloc(small.size, e), *out = NULL;
    if (x) {
        dream_picture(d, x);
        out = scaled(x, small.size, c->size, e);
    }
    dream_close(&d);
    free(x);
    return out;
}

/* Takes `start` (may be NULL) and returns what the octave makes of it, NULL on failure. */
static float *dream_octave(const struct still_run *run, const struct dream_config *c, float *start,
                           int octave, struct error *e)
{
    int side = still_tile_side(run, c, e);
    float *x = side == 0 ? dream_whole(run, c, start, octave, e) : NULL;
    if (side > 0) {
        x = start ? start : noise(run, c, e);
        start = NULL;
        if (x && still_dream_tiles(run, c, x, octave, side, e) < 0) {
            free(x);
            x = NULL;
        }
    }
    free(start);
    if (x && run->mask) {
        float *base = base_of(run, octave, e);
        if (!base || apply_mask(run, x, base, c->size, e) < 0) {
            free(x);
            x = NULL;
        }
        free(base);
    }
    return x;
}

int still_dream(const struct still_run *run, float **out, struct error *e)
{
    const struct still_options *o = run->options;
    struct dream_config c = o->dream;
    float *x = NULL;
    int last = 0;
    *out = NULL;
    for (int octave = 0; octave < o->still.octaves && !(octave > 0 && still_is_stopped()); octave++) {
        float *start = octave > 0      ? grown(run, x, octave - 1, octave, e)
                       : run->original ? base_of(run, 0, e)
                                       : NULL;
        bool lost = !start && (octave > 0 || run->original);
        free(x);
        c.size = octave_size(o, octave);
        x = lost ? NULL : dream_octave(run, &c, start, octave, e);
        if (!x)
            return -ENOMEM;
        last = octave;
    }
    *out = finished(run, x, last, e);
    return *out ? 0 : -ENOMEM;
}
