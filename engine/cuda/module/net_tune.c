/*
 * net_tune - an engine for every convolution of every view, by measuring.
 *
 * cuDNN's heuristics are not to be trusted to the last factor of two, and differ between its versions; so the
 * first few of what they propose are run, on the real buffers, and the fastest is kept. What follows a
 * convolution (bias and ReLU; on the way back the ReLU's decisions) can be fused to it, by engines that
 * compile a kernel for it, or be a kernel of our own behind a convolution alone: both are measured.
 *
 * Whatever runs is also checked: on the same random input every engine's output must have the energy that the
 * first one's has, which is a convolution alone with our kernel behind it. An engine that is fast because it
 * computes something else is passed over.
 *
 * Compiling takes up to a second per engine, so time is shared out: each problem may use its part of what is
 * left of NET_TUNING_MS, and at least one plan of it is made whatever that takes. Layers of one shape are one
 * problem.
 */
#include "engine/cuda/module/net_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/rng.h"

enum { RUNS = 3, CANDIDATES_FUSED = 4, CANDIDATES_ALONE = 6, PATTERN_BYTES = 1 << 20 };
#define ENERGY_OFF 0.02 /* bf16 is off by a thousandth of it; a forgotten ReLU by half of it */

static int64_t clock_ms(void)
{
    return clock_real_us() / 1000;
}

/* One layer's convolution in one direction, and all that it touches. */
struct task {
    struct cuda_net *net;
    int view, layer;
    struct cuda_conv problem; /* is_fused: to be tried */
    bool has_epilogue;
    struct cuda_conv_places at;
};

static struct task task_of(struct cuda_net *n, int view, int layer, bool is_backward)
{
    const struct cuda_plan_view *v = net_view_plan(n, view);
    const struct cuda_plan_layer *l = &n->plan.layers[layer];
    const struct net_layer *own = &n->layers[layer], *below = &n->layers[layer - 1];
    bool is_masked = !n->plan.layers[layer - 1].is_pooled;
    struct task t = {.net = n, .view = view, .layer = layer, .has_epilogue = !is_backward || is_masked};
    t.problem = (struct cuda_conv){.is_backward = is_backward,
                                   .precision = n->precision,
                                   .w = v->conv_w[layer],
                                   .h = v->conv_h[layer],
                                   .in = l->in,
                                   .out = l->out};
    t.at = (struct cuda_conv_places){.weight = own->weight, .workspace = n->workspace};
    if (is_backward) {
        t.at.from = n->wide[n->source[layer]];
        t.at.to = n->wide[n->arrival[layer - 1]];
        t.at.alive = is_masked ? below->kept : NULL;
    } else {
        t.at.from = below->kept;
        t.at.to = l->is_pooled ? n->wide[0] : own->kept;
        t.at.bias = own->bias;
    }
    return t;
}

/* ---- Running ---- */

/* What was asked for and is not in the plan. */
static int run_epilogue(const struct task *t, bool is_fused)
{
    const struct cuda_net *n = t->net;
    size_t pixels = (size_t)t->problem.w * (size_t)t->problem.h;
    if (is_fused || !t->has_epilogue)
        return 0;
    if (t->problem.is_backward) {
        launch_keep_alive(n->device->stream, n->storage, t->at.to, t->at.alive,
                          pixels * (size_t)t->problem.in);
        return cuda_launched(n->device, "ReLU backward");
    }
    launch_bias_relu(n->device->stream, n->storage, t->at.to, t->at.bias, t->problem.out, pixels);
    return cuda_launched(n->device, "bias and ReLU");
}

int net_run_conv(struct cuda_net *n, int view, int layer, bool is_backward)
{
    const struct net_view *v = &n->views[view];
    const struct net_conv *c = is_backward ? &v->backward[layer] : &v->forward[layer];
    struct task t = task_of(n, view, layer, is_backward);
    int rc = cuda_fail_cudnn(n->device, cudnnBackendExecute(n->device->cudnn, c->solved->plan, c->pack),
                             n->model->layers[layer].name);
    return rc == 0 ? run_epilogue(&t, c->solved->problem.is_fused) : rc;
}

/* ---- Input and output of a trial ---- */

/* Half zeros, a quarter above and a quarter below: ReLUs have something to decide. Host memory,
 * to be freed. */
static void *make_pattern(enum cuda_storage s)
{
    struct rng r = rng_make(1, 0);
    void *pattern = xmalloc(PATTERN_BYTES);
    for (size_t i = 0; i < PATTERN_BYTES / cuda_storage_bytes(s); i++)
        cuda_store_one(s, pattern, i, rng_below(&r, 2) ? rng_uniform(&r) - 0.5f : 0);
    return pattern;
}

/* Fills device memory with the pattern, over and over. */
static int fill(struct cuda_device *d, void *to, const void *pattern, size_t bytes)
{
    size_t done = bytes < PATTERN_BYTES ? bytes : PATTERN_BYTES;
    int rc = cuda_fail(d, cudaMemcpyAsync(to, pattern, done, cudaMemcpyHostToDevice, d->stream), "trial");
    while (rc == 0 && done < bytes) {
        size_t more = bytes - done < done ? bytes - done : done;
        rc = cuda_fail(
            d, cudaMemcpyAsync((uint8_t *)to + done, to, more, cudaMemcpyDeviceToDevice, d->stream), "trial");
        done += more;
    }
    return rc;
}

static size_t map_bytes(const struct task *t, int channels)
{
    return (size_t)t->problem.w * (size_t)t->problem.h * (size_t)channels *
           cuda_storage_bytes(t->net->storage);
}

/* The maps that a problem reads. They belong to this layer's neighbours; nobody needs what was in them. */
static int fill_input(const struct task *t, const void *pattern)
{
    const struct cuda_conv *p = &t->problem;
    struct cuda_device *d = t->net->device;
    int rc = fill(d, (void *)(uintptr_t)t->at.from, pattern, map_bytes(t, p->is_backward ? p->out : p->in));
    if (rc == 0 && t->at.alive)
        rc = fill(d, (void *)(uintptr_t)t->at.alive, pattern, map_bytes(t, p->in));
    return rc;
}

/* The sum of squares of what a problem wrote. */
static int energy_of(const struct task *t, double *energy)
{
    struct cuda_net *n = t->net;
    int channels = t->problem.is_backward ? t->problem.in : t->problem.out;
    double parts[OBJECTIVE_BLOCKS_MAX];
    struct objective_on_layer o = {.activation = t->at.to, /* once, and back to where it is */
                                   .count = map_bytes(t, channels) / cuda_storage_bytes(n->storage),
                                   .channels = channels,
                                   .channel = -1,
                                   .factor = 1,
                                   .gradient = t->at.to};
    int count = launch_objective_on_layer(n->device->stream, n->storage, o, n->parts);
    int rc = cuda_launched(n->device, "trial");
    *energy = 0;
    if (rc == 0)
        rc = cuda_fail(n->device,
                       cudaMemcpyAsync(parts, n->parts, (size_t)count * sizeof *parts, cudaMemcpyDeviceToHost,
                                       n->device->stream),
                       "trial");
    if (rc == 0)
        rc = cuda_device_wait(n->device);
    for (int i = 0; rc == 0 && i < count; i++)
        *energy += parts[i];
    return rc;
}

/* ---- Measuring ---- */

struct stopwatch {
    cudaEvent_t began, ended;
};

static int run_times(const struct task *t, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack,
                     bool is_fused, int times, bool *is_refused)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < times && !*is_refused; i++) {
        cudnnStatus_t status = cudnnBackendExecute(t->net->device->cudnn, plan, pack);
        *is_refused = status != CUDNN_STATUS_SUCCESS;
        if (*is_refused)
            (void)cudaGetLastError();
        rc = *is_refused ? 0 : run_epilogue(t, is_fused);
    }
    return rc;
}

/* Microseconds of a plan; INFINITY when it does not run. Only a lost device is an error. */
static int measure(const struct task *t, const struct stopwatch *w, cudnnBackendDescriptor_t plan,
                   bool is_fused, float *us)
{
    struct cuda_device *d = t->net->device;
    struct cuda_conv problem = t->problem;
    problem.is_fused = is_fused;
    cudnnBackendDescriptor_t pack;
    bool is_refused = cuda_conv_pack(&problem, &t->at, &pack) != CUDNN_STATUS_SUCCESS;
    float ms = 0;
    *us = INFINITY;
    if (is_refused)
        return cuda_device_wait(d);
    int rc = run_times(t, plan, pack, is_fused, 1, &is_refused);
    if (rc == 0)
        rc = cuda_fail(d, cudaEventRecord(w->began, d->stream), "timing");
    if (rc == 0)
        rc = run_times(t, plan, pack, is_fused, RUNS, &is_refused);
    if (rc == 0)
        rc = cuda_fail(d, cudaEventRecord(w->ended, d->stream), "timing");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventSynchronize(w->ended), "timing");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventElapsedTime(&ms, w->began, w->ended), "timing");
    (void)cudnnBackendDestroyDescriptor(pack);
    if (rc == 0 && !is_refused)
        *us = 1000 * ms / RUNS;
    return rc;
}

/* ---- Choosing ---- */

/* What a problem's tuning knows so far. */
struct search {
    const struct task *task;
    const struct stopwatch *watch;
    int64_t until_ms; /* no new candidate after that, once one works */
    double energy;    /* of the first output; 0: there is none yet */
    struct net_solved *best;
    char why[256]; /* the last refusal, for the case that nothing works */
};

static bool is_over(const struct search *s)
{
    return s->best->plan && clock_ms() >= s->until_ms;
}

static void note(struct search *s, cudnnStatus_t status)
{
    char detail[160] = "";
    cudnnGetLastErrorString(detail, sizeof detail);
    detail[sizeof detail - 1] = '\0';
    (void)cudaGetLastError(); /* a refused launch is not the next one's fault; a lost device says so again */
    snprintf(s->why, sizeof s->why, "%s %s", cudnnGetErrorString(status), detail);
}

/* Is what the last trial wrote what the first one wrote? */
static int check_energy(struct search *s, float *us)
{
    double energy;
    int rc = *us < INFINITY ? energy_of(s->task, &energy) : 0;
    if (rc < 0 || !(*us < INFINITY))
        return rc;
    if (s->energy == 0) {
        s->energy = isfinite(energy) ? energy : 0;
    } else if (!(fabs(energy - s->energy) <= ENERGY_OFF * s->energy)) {
        log_debug("cuda", "an engine of cuDNN computes %s %s wrong; it is passed over",
                  s->task->net->model->layers[s->task->layer].name,
                  s->task->problem.is_backward ? "backward" : "forward");
        *us = INFINITY;
    }
    return 0;
}

/* Measures one configuration; *is_better: it is the best so far, and s->best has its plan. */
static int try_config(struct search *s, bool is_fused, cudnnBackendDescriptor_t config, bool *is_better)
{
    const struct cuda_net *n = s->task->net;
    cudnnBackendDescriptor_t plan;
    int64_t workspace_bytes;
    float us = INFINITY;
    *is_better = false;
    cudnnStatus_t status = cuda_conv_plan(n->device->cudnn, config, &plan, &workspace_bytes);
    if (status != CUDNN_STATUS_SUCCESS) {
        note(s, status);
        return 0;
    }
    int rc = 0;
    if (workspace_bytes <= (int64_t)n->plan.workspace_bytes)
        rc = measure(s->task, s->watch, plan, is_fused, &us);
    if (rc == 0)
        rc = check_energy(s, &us);
    if (rc == 0 && us < INFINITY && (!s->best->plan || us < s->best->us)) {
        if (s->best->plan)
            (void)cudnnBackendDestroyDescriptor(s->best->plan);
        s->best->plan = plan;
        s->best->us = us;
        *is_better = true;
        return 0;
    }
    (void)cudnnBackendDestroyDescriptor(plan);
    return rc;
}

/* Tries the configurations of one kind. The graph of the winner stays with it. */
static int try_kind(struct search *s, bool is_fused, int most)
{
    const struct cuda_net *n = s->task->net;
    struct cuda_conv problem = s->task->problem;
    problem.is_fused = is_fused;
    struct cuda_conv_graph graph;
    cudnnStatus_t status = cuda_conv_graph_open(&graph, n->device->cudnn, &problem);
    bool is_winner = false;
    int rc = 0;
    if (status != CUDNN_STATUS_SUCCESS)
        note(s, status);
    for (int i = 0, tried = 0; rc == 0 && i < graph.config_count && !is_over(s); i++) {
        bool is_better;
        if ((tried >= most && s->best->plan) || !cuda_conv_config_fits(&problem, graph.configs[i]))
            continue;
        tried++;
        rc = try_config(s, is_fused, graph.configs[i], &is_better);
        is_winner = is_winner || is_better;
    }
    if (is_winner) {
        cuda_conv_graph_close(&s->best->graph);
        s->best->graph = graph;
        s->best->problem.is_fused = is_fused;
    } else {
        cuda_conv_graph_close(&graph);
    }
    return rc;
}

static bool is_same(const struct net_solved *s, const struct task *t)
{
    const struct cuda_conv *a = &s->problem, *b = &t->problem;
    return a->is_backward == b->is_backward && a->w == b->w && a->h == b->h && a->in == b->in &&
           a->out == b->out && s->has_epilogue == t->has_epilogue;
}

static int solve(const struct task *t, const struct stopwatch *watch, const void *pattern, int64_t until_ms,
                 struct error *e)
{
    struct cuda_net *n = t->net;
    struct net_solved *best = &n->solved[n->solved_count];
    struct search s = {.task = t, .watch = watch, .until_ms = until_ms, .best = best};
    *best = (struct net_solved){.problem = t->problem, .has_epilogue = t->has_epilogue};
    n->solved_count++;
    int rc = fill_input(t, pattern);
    if (rc == 0) /* alone first: those plans are made in no time */
        rc = try_kind(&s, false, CANDIDATES_ALONE);
    if (rc == 0 && t->has_epilogue)
        rc = try_kind(&s, true, CANDIDATES_FUSED);
    if (rc == 0 && !best->plan) /* because there is none, or because the device is gone? */
        rc = cuda_device_wait(n->device);
    if (rc < 0)
        return cuda_lost(n->device, e);
    if (!best->plan)
        return error_set(e, ENOTSUP, "backend cuda: cuDNN has no engine for %s %s at %dx%d: %.200s",
                         n->model->layers[t->layer].name, t->problem.is_backward ? "backward" : "forward",
                         t->problem.w, t->problem.h, s.why);
    log_debug("cuda", "%s %s %dx%d: %.0f us%s", n->model->layers[t->layer].name,
              t->problem.is_backward ? "backward" : "forward", t->problem.w, t->problem.h, (double)best->us,
              best->problem.is_fused ? ", fused" : "");
    return 0;
}

static const struct net_solved *find(const struct cuda_net *n, const struct task *t)
{
    for (int i = 0; i < n->solved_count; i++)
        if (n->solved[i].plan && is_same(&n->solved[i], t))
            return &n->solved[i];
    return NULL;
}

static int prepare(const struct task *t, const struct stopwatch *watch, const void *pattern, int64_t until_ms,
                   struct error *e)
{
    struct cuda_net *n = t->net;
    const struct net_solved *s = find(n, t);
    int rc = s ? 0 : solve(t, watch, pattern, until_ms, e);
    if (rc < 0)
        return rc;
    s = find(n, t);
    struct net_view *v = &n->views[t->view];
    struct net_conv *c = t->problem.is_backward ? &v->backward[t->layer] : &v->forward[t->layer];
    c->solved = s;
    rc = cuda_fail_cudnn(n->device, cuda_conv_pack(&s->problem, &t->at, &c->pack), "variant pack");
    return rc < 0 ? cuda_lost(n->device, e) : 0;
}

int net_prepare_convs(struct cuda_net *n, struct error *e)
{
    struct cuda_device *d = n->device;
    struct stopwatch watch = {NULL, NULL};
    void *pattern = make_pattern(n->storage);
    n->solved = xcalloc(NET_SOLVED_MAX, sizeof *n->solved);
    int rc = cuda_fail(d, cudaEventCreate(&watch.began), "cudaEventCreate");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventCreate(&watch.ended), "cudaEventCreate");
    if (rc < 0)
        cuda_lost(d, e);
    int left = n->plan.view_count * 2 * (n->convs - 1);
    int64_t end_ms = clock_ms() + NET_TUNING_MS;
    for (int view = 0; rc == 0 && view < n->plan.view_count; view++)
        for (int i = 0; rc == 0 && i < 2 * (n->convs - 1); i++, left--) {
            struct task t = task_of(n, view, 1 + i / 2, i % 2 == 1);
            int64_t now_ms = clock_ms(), share_ms = end_ms > now_ms ? (end_ms - now_ms) / left : 0;
            rc = prepare(&t, &watch, pattern, now_ms + share_ms, e);
        }
    free(pattern);
    if (watch.began)
        (void)cudaEventDestroy(watch.began);
    if (watch.ended)
        (void)cudaEventDestroy(watch.ended);
    return rc;
}

void net_forget_convs(struct cuda_net *n)
{
    for (int view = 0; view < n->plan.view_count; view++)
        for (int i = 1; i < n->convs; i++) {
            struct net_conv *both[] = {&n->views[view].forward[i], &n->views[view].backward[i]};
            for (size_t k = 0; k < ARRAY_LEN(both); k++)
                if (both[k]->pack)
                    (void)cudnnBackendDestroyDescriptor(both[k]->pack);
        }
    for (int i = 0; i < n->solved_count; i++) {
        if (n->solved[i].plan)
            (void)cudnnBackendDestroyDescriptor(n->solved[i].plan);
        cuda_conv_graph_close(&n->solved[i].graph);
    }
    free(n->solved);
    n->solved = NULL;
    n->solved_count = 0;
}
