/*
 * picture_step - a step put on the stream (engine/cpu/cpu_modern.c and engine/cpu/cpu_classic.c say the same for a
 * CPU), and its graph.
 *
 * The first step runs as it is put there, so that every library has loaded what it needs. Then the work of all
 * views is captured, climbing and not: a show has no late frame because a view comes up for the first time.
 * From then on steps are replayed, until they climb something else than classes, or another layer. Where
 * capturing fails, steps go on as they began.
 */
#include "engine/cuda/module/picture.h"

#include <math.h>
#include <stddef.h>

#include "common/log.h"
#include "engine/octaves.h"

enum { SIDE_MIN = 4 }; /* of a pyramid's level, as image_pyramid.c */

/* ---- Octaves ---- */

struct level {
    int width, height;
};

static int run_halve(struct backend *b, const struct level *l, int i)
{
    struct cuda_device *d = &b->device;
    const struct picture_halve halve = {b->levels[i], b->levels[i + 1], l[i].width, l[i].height};
    const struct picture_band band = {b->levels[i], b->levels[i + 1], l[i].width, l[i].height,
                                      b->band_squares + (size_t)i * KERNEL_BLOCKS};
    int rc = cuda_fail(d, picture_halve(&halve, d->stream), "octaves down");
    return rc == 0 ? cuda_fail(d, picture_band(&band, d->stream), "octaves down") : rc;
}

static int run_gather(struct backend *b, const struct level *l, int i, bool is_last, double weight)
{
    struct cuda_device *d = &b->device;
    const struct picture_gather gather = {
        b->levels[i], is_last ? NULL : b->levels[i + 1],           l[i].width,
        l[i].height,  b->band_squares + (size_t)i * KERNEL_BLOCKS, weight};
    return cuda_fail(d, picture_gather(&gather, d->stream), "octaves up");
}

/* image_pyramid_normalise on b->view_gradient. */
static int even_out(struct backend *b, const struct image_view *v)
{
    struct cuda_device *d = &b->device;
    const struct dream_config *c = &b->config;
    const struct octaves_weight w = octaves_at(c->octave_gain, c->finest_gain, v->scale);
    struct level l[PYRAMID_LEVELS] = {{v->width_px, v->height_px}};
    int last = 0, rc = 0;
    while (rc == 0 && last + 1 < (int)c->octaves && last + 1 < PYRAMID_LEVELS &&
           l[last].width >= 2 * SIDE_MIN && l[last].height >= 2 * SIDE_MIN) {
        l[last + 1] = (struct level){(l[last].width + 1) / 2, (l[last].height + 1) / 2};
        rc = run_halve(b, l, last++);
    }
    const struct picture_squares left = {b->levels[last], l[last].width, l[last].height,
                                         b->band_squares + (size_t)last * KERNEL_BLOCKS};
    if (rc == 0)
        rc = cuda_fail(d, picture_squares(&left, d->stream), "octaves");
    if (rc == 0)
        rc = run_gather(b, l, last, true, pow(w.gain, last));
    while (rc == 0 && last-- > 0)
        rc = run_gather(b, l, last, false, last ? pow(w.gain, last) : w.finest);
    return rc;
}

/* ---- The objective ---- */

static int no_gradient(struct backend *b)
{
    struct cuda_device *d = &b->device;
    int rc = cuda_fail(d, cudaMemsetAsync(b->gradient, 0, b->floats * sizeof *b->gradient, d->stream),
                       "no gradient");
    if (rc == 0)
        rc = cuda_fail(d, cudaMemsetAsync(b->g_squares, 0, KERNEL_BLOCKS * sizeof *b->g_squares, d->stream),
                       "no gradient");
    return rc;
}

/* The view, with noise or without. */
static int sample(struct backend *b, const struct picture_prepared *v, bool is_noisy)
{
    struct cuda_device *d = &b->device;
    struct picture_sample a = {.picture = b->x, .view = b->view, .noise = (float)b->config.input_noise};
    picture_block_axes(b, v, &a.x, &a.y);
    if (is_noisy)
        a.keys = (const uint32_t *)(const void *)(b->block + v->block.keys);
    return cuda_fail(d, picture_sample(&a, d->stream), "view");
}

const float *picture_seen(struct backend *b, const struct picture_prepared *v)
{
    if (b->config.profile == DREAM_CLASSIC)
        return b->x;
    return sample(b, v, false) == 0 ? b->view : NULL;
}

static int back_to_picture(struct backend *b, const struct picture_prepared *v, float colour)
{
    struct cuda_device *d = &b->device;
    struct picture_adjoint a = {.view_gradient = b->view_gradient,
                                .gradient = b->gradient,
                                .colour = colour,
                                .squares = b->g_squares};
    picture_block_axes(b, v, &a.x, &a.y);
    return cuda_fail(d, picture_adjoint(&a, d->stream), "gradient to picture");
}

int picture_climb(struct backend *b, const struct picture_prepared *v, const struct backend_step *s,
                  bool is_plain, double *value)
{
    const struct cuda_objective o = {
        .target = (const struct cuda_target *)(const void *)(b->block + offsetof(struct block_head, target)),
        .weights = (const float *)(const void *)(b->block + v->block.weights),
        .layer = s->objective.layer,
        .channel = s->objective.channel,
        .falls = s->objective.falls};
    int index = (int)(v - b->views);
    if (!s->climbs)
        return no_gradient(b);
    if (b->config.profile == DREAM_CLASSIC) /* the network sees the picture as it is */
        return cuda_net_gradient(b->net, index, b->x, &o, b->gradient, value);
    int rc = sample(b, v, !is_plain);
    if (rc == 0)
        rc = cuda_net_gradient(b->net, index, b->view, &o, b->view_gradient, value);
    if (rc == 0 && !is_plain)
        rc = even_out(b, &v->view);
    if (rc == 0)
        rc = back_to_picture(b, v, is_plain ? 1 : (float)b->config.colour_gain);
    return rc;
}

/* ---- The step ---- */

/* On a stream of its own: it reads the picture, as the network does, and leaves a gradient that nobody needs
 * before both are done. Its small products run where the last layers' maps leave the card half empty. */
static int settle(struct backend *b)
{
    struct cuda_device *d = &b->device;
    const uint8_t *places = b->block + offsetof(struct block_head, places);
    int rc = cuda_fail(d, cudaEventRecord(b->forked, d->stream), "prior");
    if (rc == 0)
        rc = cuda_fail(d, cudaStreamWaitEvent(b->side, b->forked, 0), "prior");
    if (rc == 0)
        rc = cuda_prior_gradient(b->prior, &b->settle, (const struct prior_place *)(const void *)places, b->x,
                                 b->prior_gradient, b->p_squares, b->side);
    return rc == 0 ? cuda_fail(d, cudaEventRecord(b->joined, b->side), "prior") : rc;
}

static int move_modern(struct backend *b)
{
    struct cuda_device *d = &b->device;
    const struct dream_config *c = &b->config;
    const struct picture_momentum momentum = {
        b->momentum,        b->gradient,    b->prior_gradient, b->width,     b->height,
        (float)c->momentum, c->prior_ratio, b->g_squares,      b->p_squares, b->m_squares};
    const struct picture_update update = {b->x,
                                          b->momentum,
                                          b->width,
                                          b->height,
                                          {c->brightness, c->contrast, c->colour_max, c->glare},
                                          c->step_levels,
                                          b->m_squares,
                                          b->state,
                                          b->partials};
    int rc = cuda_fail(d, picture_momentum(&momentum, d->stream), "momentum");
    return rc == 0 ? cuda_fail(d, picture_update(&update, d->stream), "update") : rc;
}

static int move_classic(struct backend *b)
{
    struct cuda_device *d = &b->device;
    const uint8_t *step = b->block + offsetof(struct block_head, classic);
    const struct picture_classic classic = {b->x,
                                            b->momentum,
                                            b->second,
                                            b->gradient,
                                            b->prior_gradient,
                                            b->width,
                                            b->height,
                                            (const struct classic_step *)(const void *)step,
                                            b->partials};
    return cuda_fail(d, picture_classic(&classic, d->stream), "update");
}

/* All work of a step whose block has been sent. */
static int enqueue(struct backend *b, const struct picture_prepared *v, const struct backend_step *s)
{
    struct cuda_device *d = &b->device;
    const struct picture_total total = {b->partials, b->state};
    int rc = settle(b);
    if (rc == 0)
        rc = picture_climb(b, v, s, b->config.profile == DREAM_CLASSIC, NULL);
    if (rc == 0)
        rc = cuda_fail(d, cudaStreamWaitEvent(d->stream, b->joined, 0), "prior");
    if (rc == 0)
        rc = b->config.profile == DREAM_CLASSIC ? move_classic(b) : move_modern(b);
    return rc == 0 ? cuda_fail(d, picture_total(&total, d->stream), "sums") : rc;
}

/* ---- Graphs ---- */

/* Rare enough to wait for one that may be running. */
void picture_drop_graphs(struct backend *b)
{
    if (b->is_captured && !b->device.is_lost)
        (void)cuda_device_wait(&b->device);
    for (int i = 0; i < 2 * b->view_count; i++) {
        cudaGraphExec_t *graph = &b->views[i / 2].graphs[i % 2];
        if (*graph)
            (void)cudaGraphExecDestroy(*graph);
        *graph = NULL;
    }
    b->is_captured = false;
}

/* Nothing of a capture has run, so one that failed leaves the device as it was; unless the device itself is
 * what failed. */
static int survive_capture(struct backend *b, cudaError_t status)
{
    struct cuda_device *d = &b->device;
    (void)cudaGetLastError();
    log_warn("dream", "backend cuda: a step could not be made a graph (%s); going on without",
             d->is_lost ? d->why : cudaGetErrorString(status));
    d->is_lost = false;
    b->is_eager = true;
    picture_drop_graphs(b);
    return cuda_device_wait(d);
}

/* Makes a view's graph of such steps. Also 0 when that cannot be done, without a graph. */
static int capture(struct backend *b, struct picture_prepared *v, const struct backend_step *s)
{
    struct cuda_device *d = &b->device;
    cudaGraph_t graph = NULL;
    cudaGraphExec_t *out = &v->graphs[s->climbs];
    cudaError_t status = cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeThreadLocal);
    if (status != cudaSuccess)
        return survive_capture(b, status);
    int rc = enqueue(b, v, s);
    status = cudaStreamEndCapture(d->stream, &graph);
    if (rc == 0 && status == cudaSuccess)
        status = cudaGraphInstantiate(out, graph, 0);
    if (graph)
        (void)cudaGraphDestroy(graph);
    if (rc == 0 && status == cudaSuccess)
        return 0;
    *out = NULL;
    return survive_capture(b, status);
}

/* Makes the graphs of all views for such steps, and for those that do not climb. */
static int capture_all(struct backend *b, const struct backend_step *s)
{
    struct backend_step kind = *s;
    int rc = 0;
    b->captured = (struct step_kind){s->climbs, s->objective.falls, s->objective.layer, s->objective.channel};
    b->is_captured = true;
    for (int i = 0; rc == 0 && i < 2 * b->view_count && !b->is_eager; i++) {
        kind.climbs = i % 2;
        if (!kind.climbs || s->climbs) /* what is climbed is known once something is */
            rc = capture(b, &b->views[i / 2], &kind);
    }
    return rc;
}

/* Do the graphs know such steps? */
static bool is_known(const struct backend *b, const struct backend_step *s)
{
    const struct step_kind *k = &b->captured;
    return b->is_captured &&
           (!s->climbs || (k->climbs && k->falls == s->objective.falls && k->layer == s->objective.layer &&
                           k->channel == s->objective.channel));
}

static int run(struct backend *b, struct picture_prepared *v, const struct backend_step *s)
{
    struct cuda_device *d = &b->device;
    cudaGraphExec_t graph = v->graphs[s->climbs];
    if (is_known(b, s) && graph)
        return cuda_fail(d, cudaGraphLaunch(graph, d->stream), "step");
    int rc = enqueue(b, v, s);
    if (rc == 0 && !b->is_eager && !is_known(b, s)) {
        picture_drop_graphs(b);
        rc = capture_all(b, s);
    }
    return rc;
}

struct picture_prepared *picture_find_view(struct backend *b, const struct image_view *v)
{
    for (int i = 0; i < b->view_count; i++) {
        const struct image_view *p = &b->views[i].view;
        if (p->width_px == v->width_px && p->height_px == v->height_px && p->scale == v->scale)
            return &b->views[i];
    }
    return NULL;
}

int picture_step(struct backend *b, const struct backend_step *s)
{
    struct picture_prepared *v = picture_find_view(b, &s->view);
    if (!v)
        return -ERANGE;
    int rc = cuda_device_enter(&b->device);
    if (rc == 0 && !cuda_prior_is_planned(&b->settle, s)) {
        picture_drop_graphs(b);
        rc = cuda_prior_plan(b->prior, s, &b->settle);
    }
    if (rc == 0)
        rc = picture_block_send(b, v, &b->settle, s, NULL);
    return picture_verdict(b, rc == 0 ? run(b, v, s) : rc);
}
