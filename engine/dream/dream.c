/*
 * dream - see dream.h. What is dreamed is kept by target.c; the work is done by a backend (drivers.c).
 */
#include "engine/dream/dream.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/control.h"
#include "engine/nv12.h"
#include "engine/dream/internal.h"

enum { RNG_STREAM = 0x6472, NOISE_OCTAVES = 6 };

static int allocate(struct dream *d, struct error *e)
{
    int stride = d->model->stride_px;
    const struct image_view *largest = &d->params.views[0];
    d->max_map = (largest->width_px / stride + 1) * (largest->height_px / stride + 1);
    size_t map = (size_t)d->max_map;
    d->copy = buffer_alloc(d->floats * sizeof *d->copy);
    d->weights = buffer_alloc((BACKEND_SUBJECTS_MAX + 1) * map * sizeof *d->weights);
    d->logits = buffer_alloc((size_t)d->model->classes * map * sizeof *d->logits);
    d->seen = buffer_alloc((size_t)d->model->classes * sizeof *d->seen);
    if (d->copy && d->weights && d->logits && d->seen)
        return 0;
    return error_set(e, ENOMEM, "dream.size %dx%d: no memory for about %zu MB", d->width, d->height,
                     (d->floats + (size_t)d->model->classes * map) >> 18);
}

/* Clouds: octaves of smooth noise, each half as strong as the next coarser one, so there is a seed for
 * objects of every size. */
static void fill_noise(struct dream *d, float *x)
{
    for (size_t i = 0; i < d->floats; i++)
        x[i] = 118;
    for (int octave = 0; octave < NOISE_OCTAVES; octave++) {
        int cell = 4 << octave;
        float strength = 2.0f * (float)(octave + 1);
        uint64_t key = rng_u64(&d->rng);
        for (size_t i = 0; i < d->floats; i++) {
            int px = (int)(i % (size_t)d->width), py = (int)(i / (size_t)d->width);
            int cx = px / cell, cy = py / cell;
            float tx = (float)(px % cell) / (float)cell, ty = (float)(py % cell) / (float)cell, v[4];
            for (int k = 0; k < 4; k++) {
                uint64_t corner = (uint64_t)(cy + k / 2) * 65536 + (uint64_t)(cx + k % 2);
                v[k] = (float)(rng_mix(key + corner * 0x9e3779b97f4a7c15u) >> 40) * 0x1p-23f - 1;
            }
            tx = tx * tx * (3 - 2 * tx);
            ty = ty * ty * (3 - 2 * ty);
            x[i] += strength * ((v[0] + (v[1] - v[0]) * tx) * (1 - ty) + (v[2] + (v[3] - v[2]) * tx) * ty);
        }
    }
}

int dream_open_on(struct dream **out, const struct dream_params *p, struct error *e)
{
    const struct dream_config *c = p->config;
    struct dream *d = *out = xcalloc(1, sizeof *d);
    d->config = *c;
    d->model = p->model;
    d->profile = c->profile == DREAM_CLASSIC ? &dream_classic : &dream_modern;
    d->drivers = p->drivers;
    d->width = c->size.width_px;
    d->height = c->size.height_px;
    d->floats = 3 * (size_t)d->width * (size_t)d->height;
    d->rng = rng_make(p->seed, RNG_STREAM);
    d->layer = d->channel = -1;
    d->window = (struct dream_place){0, 0, 1, 1};
    d->params = (struct backend_params){.config = &d->config, .model = p->model};
    int rc = d->profile->open(d, e);
    if (rc == 0)
        rc = allocate(d, e);
    if (rc == 0) {
        if (p->start)
            memcpy(d->copy, p->start, d->floats * sizeof *d->copy);
        else
            fill_noise(d, d->copy);
        rc = dream_backend_open(d, e);
    }
    if (rc < 0)
        dream_close(out);
    return rc;
}

int dream_open(struct dream **out, const struct dream_config *c, struct model *m, uint64_t seed,
               const float *start, struct error *e)
{
    const struct dream_params p = {.config = c, .model = m, .seed = seed, .start = start};
    return dream_open_on(out, &p, e);
}

void dream_set_window(struct dream *d, const struct dream_place *window)
{
    d->window = *window;
}

void dream_close(struct dream **out)
{
    struct dream *d = *out;
    if (!d)
        return;
    if (d->ops)
        d->ops->close(&d->backend);
    free(d->copy);
    free(d->weights);
    free(d->logits);
    free(d->seen);
    free(d);
    *out = NULL;
}

void dream_put(struct dream *d, const float *rgb)
{
    memcpy(d->copy, rgb, d->floats * sizeof *rgb);
    d->is_kept = false;
    d->moment = 0;
    d->sums = (struct image_sums){0};
    if (dream_backend_ready(d))
        dream_backend_check(d, d->ops->put(d->backend, rgb));
}

void dream_move(struct dream *d, const struct image_move *by, double elapsed_s)
{
    dream_mix_advance(d, by, elapsed_s);
    d->moment = 0;
    if (dream_backend_ready(d))
        dream_backend_check(d, d->ops->warp(d->backend, by));
}

void dream_warp(struct dream *d, double zoom, double degrees, double elapsed_s)
{
    dream_move(d, &(struct image_move){.zoom = zoom, .degrees = degrees}, elapsed_s);
}

int dream_steps(struct dream *d, int count)
{
    if (!dream_backend_ready(d))
        return -EIO;
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        struct backend_step s = {.climbs = false};
        dream_draw_layer(d);
        d->profile->plan(d, &s);
        rc = d->ops->step(d->backend, &s);
    }
    if (rc == 0)
        rc = d->ops->finish(d->backend, &d->sums);
    if (rc < 0)
        return dream_backend_check(d, rc);
    if (d->sums.bad == 0)
        return 0;
    d->moment = 0;
    d->sums = (struct image_sums){0};
    return -EDOM;
}

int dream_step(struct dream *d)
{
    return dream_steps(d, 1);
}

void dream_picture(struct dream *d, float *rgb)
{
    if (!d->backend || dream_backend_check(d, d->ops->get(d->backend, rgb)) < 0)
        memcpy(rgb, d->copy, d->floats * sizeof *rgb);
    else if (d->ops->can_be_lost) {
        memcpy(d->copy, rgb, d->floats * sizeof *rgb);
        d->is_kept = false;
    }
}

static void convert(const float *x, int width, int height, uint8_t *nv12)
{
    const float *r = x, *g = x + (long)width * height, *b = g + (long)width * height;
    for (long i = 0; i < (long)width * height; i++)
        *nv12++ = image_nv12_luma(r[i], g[i], b[i]);
    for (int j = 0; j < height / 2; j++)
        for (int i = 0; i < width / 2; i++) {
            float red = image_nv12_chroma_site(r, width, i, j);
            float green = image_nv12_chroma_site(g, width, i, j);
            float blue = image_nv12_chroma_site(b, width, i, j);
            *nv12++ = image_nv12_cb(red, green, blue);
            *nv12++ = image_nv12_cr(red, green, blue);
        }
}

bool dream_makes_frames(const struct dream *d)
{
    return d->backend && d->ops->frame;
}

void dream_frame(struct dream *d, uint8_t *nv12)
{
    struct image_sums sums;
    if (dream_makes_frames(d)) {
        int rc = d->ops->frame(d->backend, nv12);
        if (rc == 0)
            rc = d->ops->finish(d->backend, &sums);
        if (rc == 0 && d->frames_since_copy++ >= COPY_EVERY_FRAMES) {
            d->frames_since_copy = 0;
            rc = d->ops->keep ? d->ops->keep(d->backend) : d->ops->get(d->backend, d->copy);
            d->is_kept = d->ops->keep != NULL;
        }
        if (dream_backend_check(d, rc) == 0)
            return;
    }
    if (d->backend && dream_backend_check(d, d->ops->get(d->backend, d->copy)) == 0)
        d->is_kept = false;
    convert(d->copy, d->width, d->height, nv12);
}

struct dream_health dream_health(const struct dream *d)
{
    double pixels = (double)d->width * d->height;
    struct image_state s = image_state_of(&d->sums, pixels);
    return (struct dream_health){.mean = s.mean,
                                 .contrast = s.contrast,
                                 .colour = s.colour,
                                 .extreme = d->sums.extreme / (3 * pixels)};
}
