/*
 * dream - see dream.h. What is dreamed is a mix of targets whose shares add up to one: the newest grows by
 * elapsed time / fade time, the others shrink in proportion, so a request in the middle of a fade starts from
 * whatever mix there is and nothing jumps.
 */
#include "engine/dream.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/dream_internal.h"
#include "engine/image_warp.h"

enum { RNG_STREAM = 0x6472, NOISE_OCTAVES = 6 };

static int core_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static bool take(float **out, size_t floats)
{
    *out = buffer_alloc(floats * sizeof **out);
    if (*out)
        memset(*out, 0, floats * sizeof **out);
    return *out != NULL;
}

static int allocate(struct dream *d, struct error *e)
{
    int stride = d->model->stride_px;
    d->max_map = (d->max_view_width / stride + 1) * (d->max_view_height / stride + 1);
    size_t view = 3 * (size_t)d->max_view_width * (size_t)d->max_view_height, map = (size_t)d->max_map;
    bool ok = take(&d->x, d->floats) && take(&d->good, d->floats) && take(&d->spare, d->floats) &&
              take(&d->gradient, d->floats) && take(&d->prior_gradient, d->floats) &&
              take(&d->momentum, d->floats) && take(&d->view, view) && take(&d->view_gradient, view) &&
              take(&d->weights, MIX_MAX * DREAM_SUBJECTS_MAX * map) &&
              take(&d->logits, (size_t)d->model->classes * map) &&
              (d->ops != &dream_classic || take(&d->second, d->floats));
    d->row_sums = xcalloc(3 * (size_t)d->height, sizeof *d->row_sums);
    d->row_updates = xcalloc((size_t)d->height, sizeof *d->row_updates);
    if (!ok)
        return error_set(e, ENOMEM, "dream.size %dx%d: no memory for about %zu MB", d->width, d->height,
                         (8 * d->floats + 2 * view) >> 18);
    return 0;
}

/* Clouds: octaves of smooth noise, each half as strong as the next coarser one, so there is a seed for
 * objects of every size. */
static void fill_noise(struct dream *d)
{
    for (size_t i = 0; i < d->floats; i++)
        d->x[i] = 118;
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
            d->x[i] += strength * ((v[0] + (v[1] - v[0]) * tx) * (1 - ty) + (v[2] + (v[3] - v[2]) * tx) * ty);
        }
    }
}

static int open_network(struct dream *d, struct error *e)
{
    if (d->config.backend == DREAM_BACKEND_NULL)
        return 0;
    return network_open(&d->network, d->model, d->pool, d->max_view_width, d->max_view_height,
                        (enum cpu_tier)d->config.cpu_tier, e);
}

int dream_open(struct dream **out, const struct dream_config *c, struct model *m, uint64_t seed,
               const float *start, struct error *e)
{
    struct dream *d = *out = xcalloc(1, sizeof *d);
    d->config = *c;
    d->model = m;
    d->ops = c->profile == DREAM_CLASSIC ? &dream_classic : &dream_modern;
    d->width = c->size.width_px;
    d->height = c->size.height_px;
    d->floats = 3 * (size_t)d->width * (size_t)d->height;
    d->rng = rng_make(seed, RNG_STREAM);
    d->layer = d->channel = -1;
    int rc = pool_open(&d->pool, c->threads ? (int)c->threads : core_count());
    if (rc < 0)
        error_set(e, -rc, "dream: cannot start %d threads", (int)c->threads);
    if (rc == 0)
        rc = d->ops->open(d, e);
    if (rc == 0)
        rc = allocate(d, e);
    if (rc == 0)
        rc = prior_open(&d->prior, c->prior_file, d->pool, d->width, d->height, e);
    if (rc == 0)
        rc = open_network(d, e);
    if (rc < 0) {
        dream_close(out);
        return rc;
    }
    if (start)
        memcpy(d->x, start, d->floats * sizeof *d->x);
    else
        fill_noise(d);
    memcpy(d->good, d->x, d->floats * sizeof *d->x);
    return 0;
}

void dream_close(struct dream **out)
{
    struct dream *d = *out;
    if (!d)
        return;
    network_close(&d->network);
    prior_close(&d->prior);
    image_pyramid_close(&d->pyramid);
    image_resampler_close(&d->views);
    pool_close(&d->pool);
    float *buffers[] = {d->x,      d->good, d->spare,         d->gradient, d->prior_gradient, d->momentum,
                        d->second, d->view, d->view_gradient, d->weights,  d->logits};
    for (size_t i = 0; i < ARRAY_LEN(buffers); i++)
        free(buffers[i]);
    free(d->row_sums);
    free(d->row_updates);
    free(d);
    *out = NULL;
}

void dream_set_target(struct dream *d, const struct dream_target *t, double fade_s)
{
    struct dream_target clean = {0};
    for (int i = 0; i < t->count && i < DREAM_SUBJECTS_MAX; i++)
        if (t->class_index[i] >= 0 && t->class_index[i] < d->model->classes)
            clean.class_index[clean.count++] = t->class_index[i];
    d->layer = d->channel = -1;
    d->fade_s = fade_s;
    if (d->mix_count == 0 || fade_s <= 0) {
        d->mix[0] = (struct mix){clean, 1};
        d->mix_count = 1;
        return;
    }
    if (d->mix_count == MIX_MAX) { /* the oldest has faded furthest; what is left of it goes to the next */
        d->mix[1].share += d->mix[0].share;
        memmove(d->mix, d->mix + 1, (MIX_MAX - 1) * sizeof *d->mix);
        d->mix_count--;
    }
    d->mix[d->mix_count++] = (struct mix){clean, 0};
}

void dream_set_layer(struct dream *d, int layer, int channel)
{
    d->mix_count = 0;
    d->layer = layer;
    d->channel = channel;
}

static void advance_fade(struct dream *d, double elapsed_s)
{
    if (d->mix_count < 2)
        return;
    struct mix *newest = &d->mix[d->mix_count - 1];
    double grown = newest->share + elapsed_s / d->fade_s;
    if (grown >= 1) {
        d->mix[0] = (struct mix){newest->target, 1};
        d->mix_count = 1;
        return;
    }
    double shrink = (1 - grown) / (1 - newest->share);
    newest->share = grown;
    for (int i = 0; i < d->mix_count - 1; i++)
        d->mix[i].share *= shrink;
}

void dream_lower_priority(struct dream *d)
{
    pool_lower_priority(d->pool);
}

void dream_warp(struct dream *d, double zoom, double degrees, double elapsed_s)
{
    advance_fade(d, elapsed_s);
    image_warp(d->pool, d->x, d->spare, d->width, d->height, zoom, degrees, true);
    float *old = d->x;
    d->x = d->spare;
    d->spare = old;
    d->ops->warped(d, zoom, degrees);
    memcpy(d->good, d->x, d->floats * sizeof *d->x);
}

void dream_add_sums(struct dream *d)
{
    d->sums = (struct image_sums){0};
    for (int i = 0; i < d->height; i++) {
        const struct image_sums *r = &d->row_updates[i];
        d->sums.mean += r->mean;
        d->sums.square += r->square;
        d->sums.chroma += r->chroma;
        d->sums.extreme += r->extreme;
        d->sums.bad += r->bad;
    }
}

int dream_step(struct dream *d)
{
    d->ops->step(d);
    if (d->sums.bad == 0)
        return 0;
    memcpy(d->x, d->good, d->floats * sizeof *d->x);
    memset(d->momentum, 0, d->floats * sizeof *d->momentum);
    if (d->second)
        memset(d->second, 0, d->floats * sizeof *d->second);
    d->moment_steps = 0;
    d->sums = (struct image_sums){0};
    return -EDOM;
}

void dream_picture(const struct dream *d, float *rgb)
{
    memcpy(rgb, d->x, d->floats * sizeof *rgb);
}

struct dream_health dream_health(const struct dream *d)
{
    double pixels = (double)d->width * d->height, mean = d->sums.mean / pixels;
    double variance = d->sums.square / pixels - mean * mean;
    return (struct dream_health){.mean = mean,
                                 .contrast = sqrt(variance > 0 ? variance : 0),
                                 .colour = sqrt(d->sums.chroma / pixels),
                                 .extreme = d->sums.extreme / (3 * pixels)};
}

const struct network *dream_network(const struct dream *d)
{
    return d->network;
}

/* Softmax probability of class k at one position of a map of `positions`. */
static double probability(const float *logits, int classes, int positions, int at, int k)
{
    double top = -INFINITY, sum = 0;
    for (int c = 0; c < classes; c++)
        top = fmax(top, (double)logits[(long)c * positions + at]);
    for (int c = 0; c < classes; c++)
        sum += exp((double)logits[(long)c * positions + at] - top);
    return exp((double)logits[(long)k * positions + at] - top) / sum;
}

void dream_belief(struct dream *d, double belief[DREAM_SUBJECTS_MAX])
{
    for (int i = 0; i < DREAM_SUBJECTS_MAX; i++)
        belief[i] = 0;
    if (!d->network || d->mix_count == 0)
        return;
    const struct dream_target *t = &d->mix[d->mix_count - 1].target;
    struct image_view v = {d->width, d->height, 1, 0, 0};
    const float *seen = d->x;
    if (d->views) {
        v = dream_middle_view(d);
        image_view_plan(d->views, &v);
        image_view_sample(d->views, d->x, d->view);
        seen = d->view;
    }
    struct dream_map map = dream_view_map(d, &v);
    if (network_logits(d->network, seen, v.width_px, v.height_px, d->logits) < 0)
        return;
    int positions = map.width * map.height;
    for (int k = 0; k < t->count; k++) {
        double sum = 0, weights = 0;
        for (int p = 0; p < positions; p++) {
            double w = dream_subject_share(k, t->count, map.first + p / map.width * map.spacing);
            sum += w * probability(d->logits, d->model->classes, positions, p, t->class_index[k]);
            weights += w;
        }
        belief[k] = weights > 0 ? sum / weights : 0;
    }
}
