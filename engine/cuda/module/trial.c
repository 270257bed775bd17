/*
 * trial - see trial.h.
 */
#include "engine/cuda/module/trial.h"

#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/rng.h"

enum {
    PATTERN_BYTES = 1 << 20,
    GRAPH_RUNS = 10,       /* in the graph that is timed */
    GRAPH_TIMES = 3,       /* the best of so many */
    LAUNCHES_MOST = 1000,  /* to warm up */
    BUSY_BYTES = 128 << 20 /* written in some 50 us: longer than the host takes for a trial */
};
#define CHECK_OFF 0.02 /* bf16 is off by a thousandth; a forgotten ReLU by half */

/* ---- Tasks ---- */

struct net_task net_task_of(struct cuda_net *n, int view, int layer, bool is_backward)
{
    const struct cuda_plan_view *v = net_view_plan(n, view);
    const struct cuda_plan_layer *l = &n->plan.layers[layer];
    const struct net_layer *own = &n->layers[layer], *below = &n->layers[layer - 1];
    /* A pool's winners know what the ReLU below let through; the first layer masks its gradient itself. */
    bool is_masked = layer > 1 && !n->plan.layers[layer - 1].is_pooled;
    struct net_task t = {.net = n, .view = view, .layer = layer};
    t.has_epilogue = is_backward ? is_masked : !l->is_pooled; /* a pool adds the bias itself */
    t.problem = (struct cuda_conv){.is_backward = is_backward,
                                   .precision = n->precision,
                                   .w = v->conv_w[layer],
                                   .h = v->conv_h[layer],
                                   .in = l->in,
                                   .out = l->out};
    t.at = (struct cuda_conv_places){.weight = own->weight, .workspace = n->workspace};
    if (is_backward) {
        t.at.turned = own->turned;
        t.at.from = n->wide[n->source[layer]];
        t.at.to = n->wide[n->arrival[layer - 1]];
        t.at.alive = is_masked ? below->kept : NULL;
    } else {
        t.at.from = below->kept;
        t.at.to = l->is_pooled ? n->wide[0] : own->kept;
        t.at.bias = own->bias;
        t.at.stored_bias = own->bias + l->out;
    }
    return t;
}

struct cuda_conv net_problem_of(const struct net_task *t, int kind)
{
    struct cuda_conv problem = t->problem;
    problem.is_fused = kind & NET_FUSED;
    problem.is_turned = kind & NET_TURNED;
    return problem;
}

/* What belongs to the task and is not in the plan. */
static int run_epilogue(const struct net_task *t, bool is_fused)
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
    struct net_task t = net_task_of(n, view, layer, is_backward);
    int rc = cuda_fail_cudnn(n->device, cudnnBackendExecute(n->device->cudnn, c->solved->plan, c->pack),
                             n->model->layers[layer].name);
    return rc == 0 ? run_epilogue(&t, c->solved->problem.is_fused) : rc;
}

/* ---- Input ---- */

/* Half zeros, a quarter above and a quarter below: ReLUs have something to decide. */
static void *make_pattern(enum cuda_storage s)
{
    struct rng r = rng_make(1, 0);
    void *pattern = xmalloc(PATTERN_BYTES);
    for (size_t i = 0; i < PATTERN_BYTES / cuda_storage_bytes(s); i++)
        cuda_store_one(s, pattern, i, rng_below(&r, 2) ? rng_uniform(&r) - 0.5f : 0);
    return pattern;
}

int trial_open(struct trial *t, struct cuda_net *n)
{
    *t = (struct trial){.device = n->device, .pattern = make_pattern(n->storage)};
    int rc = cuda_fail(n->device, cudaEventCreate(&t->began), "cudaEventCreate");
    return rc == 0 ? cuda_fail(n->device, cudaEventCreate(&t->ended), "cudaEventCreate") : rc;
}

void trial_close(struct trial *t)
{
    free(t->pattern);
    if (t->began)
        (void)cudaEventDestroy(t->began);
    if (t->ended)
        (void)cudaEventDestroy(t->ended);
    *t = (struct trial){0};
}

/* Fills device memory with the pattern, over and over. */
static int fill(struct trial *t, const void *place, size_t bytes)
{
    struct cuda_device *d = t->device;
    uint8_t *to = (uint8_t *)(uintptr_t)place;
    size_t done = bytes < PATTERN_BYTES ? bytes : PATTERN_BYTES;
    int rc = cuda_fail(d, cudaMemcpyAsync(to, t->pattern, done, cudaMemcpyHostToDevice, d->stream), "trial");
    while (rc == 0 && done < bytes) {
        size_t more = bytes - done < done ? bytes - done : done;
        rc = cuda_fail(d, cudaMemcpyAsync(to + done, to, more, cudaMemcpyDeviceToDevice, d->stream), "trial");
        done += more;
    }
    return rc;
}

static size_t map_count(const struct net_task *t, int channels)
{
    return (size_t)t->problem.w * (size_t)t->problem.h * (size_t)channels;
}

int trial_fill(struct trial *t, const struct net_task *task)
{
    const struct cuda_conv *p = &task->problem;
    size_t number = cuda_storage_bytes(task->net->storage);
    int rc = fill(t, task->at.from, map_count(task, p->is_backward ? p->out : p->in) * number);
    return rc == 0 && task->at.alive ? fill(t, task->at.alive, map_count(task, p->in) * number) : rc;
}

/* ---- Measuring ---- */

/* Puts a trial on the stream; *is_refused: cuDNN does not run it. */
static int put(const struct net_task *task, struct trial_plan p, cudnnBackendDescriptor_t pack,
               bool *is_refused)
{
    *is_refused = cudnnBackendExecute(task->net->device->cudnn, p.plan, pack) != CUDNN_STATUS_SUCCESS;
    if (*is_refused)
        (void)cudaGetLastError();
    return *is_refused ? 0 : run_epilogue(task, p.kind & NET_FUSED);
}

static int begin_timing(struct trial *t)
{
    return cuda_fail(t->device, cudaEventRecord(t->began, t->device->stream), "timing");
}

/* Waits; microseconds since begin_timing. */
static int end_timing(struct trial *t, float *us)
{
    struct cuda_device *d = t->device;
    float ms = 0;
    int rc = cuda_fail(d, cudaEventRecord(t->ended, d->stream), "timing");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventSynchronize(t->ended), "timing");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventElapsedTime(&ms, t->began, t->ended), "timing");
    *us = 1000 * ms;
    return rc;
}

/* Where the task's tensors lie, for this plan; NULL when cuDNN does not take them. */
static cudnnBackendDescriptor_t pack_for(const struct net_task *task, struct trial_plan p)
{
    struct cuda_conv problem = net_problem_of(task, p.kind);
    cudnnBackendDescriptor_t pack = NULL;
    (void)cuda_conv_pack(&problem, &task->at, &pack);
    return pack;
}

/* Keeps the device busy for a moment. */
static int keep_busy(const struct net_task *task)
{
    struct cuda_net *n = task->net;
    size_t most = n->plan.workspace_bytes, bytes = most < BUSY_BYTES ? most : BUSY_BYTES;
    return cuda_fail(n->device, cudaMemsetAsync(n->workspace, 0, bytes, n->device->stream), "trial");
}

int trial_quick(struct trial *t, const struct net_task *task, struct trial_plan p, float *us)
{
    cudnnBackendDescriptor_t pack = pack_for(task, p);
    bool is_refused = !pack;
    float took_us = 0;
    *us = INFINITY;
    int rc = is_refused ? 0 : put(task, p, pack, &is_refused);
    if (rc == 0 && !is_refused)
        rc = keep_busy(task);
    if (rc == 0 && !is_refused)
        rc = begin_timing(t);
    if (rc == 0 && !is_refused)
        rc = put(task, p, pack, &is_refused);
    if (rc == 0)
        rc = is_refused ? cuda_device_wait(t->device) : end_timing(t, &took_us);
    if (pack)
        (void)cudnnBackendDestroyDescriptor(pack);
    if (rc == 0 && !is_refused)
        *us = took_us;
    return rc;
}

/* A graph of GRAPH_RUNS runs, or NULL where it cannot be captured, which a show would not want either. */
static int capture(const struct net_task *task, struct trial_plan p, cudnnBackendDescriptor_t pack,
                   cudaGraphExec_t *out)
{
    struct cuda_device *d = task->net->device;
    cudaGraph_t graph = NULL;
    bool is_refused = false;
    int rc = 0;
    *out = NULL;
    cudaError_t status = cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeThreadLocal);
    if (status != cudaSuccess)
        return cuda_fail(d, status, "timing");
    for (int i = 0; rc == 0 && i < GRAPH_RUNS && !is_refused; i++)
        rc = put(task, p, pack, &is_refused);
    status = cudaStreamEndCapture(d->stream, &graph);
    if (rc == 0 && !is_refused && status == cudaSuccess)
        status = cudaGraphInstantiate(out, graph, 0);
    if (graph)
        (void)cudaGraphDestroy(graph);
    if (rc == 0 && !is_refused && status == cudaSuccess)
        return 0;
    *out = NULL;
    (void)cudaGetLastError();
    return cuda_device_wait(d);
}

/* Launches until `warm_ms` of work are done, then takes the best of a few. */
static int time_graph(struct trial *t, cudaGraphExec_t graph, int warm_ms, float *us)
{
    struct cuda_device *d = t->device;
    float took_us, warm_us = 0, best_us = INFINITY;
    int rc = 0, launches = 0;
    for (int left = GRAPH_TIMES; rc == 0 && left > 0; launches++) {
        bool is_warm = warm_us >= 1000 * (float)warm_ms || launches >= LAUNCHES_MOST;
        rc = begin_timing(t);
        if (rc == 0)
            rc = cuda_fail(d, cudaGraphLaunch(graph, d->stream), "timing");
        if (rc == 0)
            rc = end_timing(t, &took_us);
        warm_us += rc == 0 ? took_us : 0;
        if (rc == 0 && is_warm && left-- > 0)
            best_us = took_us < best_us ? took_us : best_us;
    }
    *us = best_us / GRAPH_RUNS;
    return rc;
}

int trial_careful(struct trial *t, const struct net_task *task, struct trial_plan p, int warm_ms, float *us)
{
    cudnnBackendDescriptor_t pack = pack_for(task, p);
    cudaGraphExec_t graph = NULL;
    *us = INFINITY;
    if (!pack)
        return 0;
    int rc = capture(task, p, pack, &graph);
    if (rc == 0 && graph)
        rc = time_graph(t, graph, warm_ms, us);
    if (graph)
        (void)cudaGraphExecDestroy(graph);
    (void)cudnnBackendDestroyDescriptor(pack);
    return rc;
}

/* ---- Is it right? ---- */

int trial_check(const struct net_task *task, double sums[CHECK_SUMS])
{
    struct cuda_net *n = task->net;
    struct cuda_device *d = n->device;
    double parts[CHECK_SUMS * CHECK_BLOCKS_MAX];
    size_t count = map_count(task, task->problem.is_backward ? task->problem.in : task->problem.out);
    int blocks = launch_check(d->stream, n->storage, task->at.to, count, n->parts);
    int rc = cuda_launched(d, "trial");
    for (int k = 0; k < CHECK_SUMS; k++)
        sums[k] = 0;
    if (rc == 0)
        rc = cuda_fail(d,
                       cudaMemcpyAsync(parts, n->parts, (size_t)(CHECK_SUMS * blocks) * sizeof *parts,
                                       cudaMemcpyDeviceToHost, d->stream),
                       "trial");
    if (rc == 0)
        rc = cuda_device_wait(d);
    for (int i = 0; rc == 0 && i < CHECK_SUMS * blocks; i++)
        sums[i / blocks] += parts[i];
    return rc;
}

bool trial_agrees(const double sums[CHECK_SUMS], const double truth[CHECK_SUMS])
{
    bool agrees = fabs(sums[0] - truth[0]) <= CHECK_OFF * truth[0]; /* false for what is no number */
    for (int k = 1; k < CHECK_SUMS; k++)
        agrees = agrees && fabs(sums[k] - truth[k]) <= CHECK_OFF * sqrt(truth[0]);
    return agrees;
}
