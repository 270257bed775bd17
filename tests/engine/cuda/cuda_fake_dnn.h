/*
 * cuda_fake_dnn - cuDNN of the pretended machine: its handle, and engines for a convolution.
 */
#ifndef TESTS_ENGINE_CUDA_FAKE_DNN_H
#define TESTS_ENGINE_CUDA_FAKE_DNN_H

#include "tests/engine/cuda/cuda_fake.h"

static cudnnStatus_t cudnn_answer(void)
{
    return answer() == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    *handle = fake_object(1);
    return cudnn_answer();
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    fake_free(handle);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    (void)handle, (void)stream;
    return cudnn_answer();
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_SUCCESS ? "success" : "failure";
}

void cudnnGetLastErrorString(char *message, size_t size)
{
    memset(message, 0, size);
}

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

/* A configuration, a plan or a variant pack. */
struct fake_conv {
    struct cuda_conv problem;
    struct cuda_conv_places at;
    int engine; /* 1 wants more workspace than there is, 2 refuses to run, 3 and more work, the last one is
                 * compiled */
    bool is_compiled, was_run;
};
enum { FAKE_GREEDY = 1, FAKE_REFUSES, FAKE_WORKS };

static cudnnBackendDescriptor_t fake_config(const struct cuda_conv *c, int engine)
{
    struct fake_conv *config = fake_object(sizeof *config);
    *config = (struct fake_conv){.problem = *c, .engine = engine};
    config->is_compiled = engine == FAKE_WORKS + fake.configs + 1 || (c->is_fused && c->is_backward);
    return config;
}

cudnnStatus_t cuda_conv_graph_open(struct cuda_conv_graph *g, const struct cuda_conv_target *t,
                                   const struct cuda_conv *c)
{
    memset(g, 0, sizeof *g);
    g->target = *t;
    if (c->is_fused && !fake.has_fused)
        return CUDNN_STATUS_NOT_SUPPORTED;
    struct fake_conv *graph = g->graph = fake_object(sizeof *graph);
    graph->problem = *c;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cuda_conv_propose(struct cuda_conv_graph *g)
{
    const struct fake_conv *graph = g->graph;
    fake.now_us += fake.propose_us;
    fake.proposals++;
    for (int engine = FAKE_GREEDY; engine <= FAKE_WORKS + fake.configs + 1; engine++)
        g->configs[g->config_count++] = fake_config(&graph->problem, engine);
    return CUDNN_STATUS_SUCCESS;
}

void cuda_conv_graph_close(struct cuda_conv_graph *g)
{
    while (g->config_count > 0)
        fake_free(g->configs[--g->config_count]);
    fake_free(g->graph);
    g->graph = NULL;
}

bool cuda_conv_note(const struct cuda_conv *c, cudnnBackendDescriptor_t config, struct cuda_conv_notes *out)
{
    const struct fake_conv *f = config;
    *out = (struct cuda_conv_notes){.is_exact = c->is_fused == f->problem.is_fused,
                                    .is_compiled = f->is_compiled};
    return true;
}

cudnnStatus_t cuda_conv_engine_of(cudnnBackendDescriptor_t config, struct cuda_conv_engine *out)
{
    *out = (struct cuda_conv_engine){.index = ((const struct fake_conv *)config)->engine};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cuda_conv_recall(struct cuda_conv_graph *g, const struct cuda_conv_engine *e)
{
    const struct fake_conv *graph = g->graph;
    g->configs[g->config_count++] = fake_config(&graph->problem, (int)e->index);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cuda_conv_plan(const struct cuda_conv_target *t, cudnnBackendDescriptor_t config,
                             cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes)
{
    (void)t;
    struct fake_conv *p = *plan = fake_object(sizeof *p);
    *p = *(const struct fake_conv *)config;
    *workspace_bytes = p->engine == FAKE_GREEDY ? INT64_MAX : 0;
    fake.now_us += p->is_compiled ? fake.compile_us : 0;
    fake.compilations += p->is_compiled;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cuda_conv_plan_write(cudnnBackendDescriptor_t plan, char **text, int64_t *bytes)
{
    *bytes = sizeof(struct fake_conv);
    *text = xmalloc(sizeof(struct fake_conv));
    memcpy(*text, plan, sizeof(struct fake_conv));
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cuda_conv_plan_read(const struct cuda_conv_target *t, const char *text, int64_t bytes,
                                  cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes)
{
    (void)t;
    assert_int_equal(bytes, sizeof(struct fake_conv));
    *plan = fake_object(sizeof(struct fake_conv));
    memcpy(*plan, text, sizeof(struct fake_conv));
    *workspace_bytes = 0;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cuda_conv_pack(const struct cuda_conv *c, const struct cuda_conv_places *at,
                             cudnnBackendDescriptor_t *pack)
{
    *pack = NULL;
    if (cudnn_answer() != CUDNN_STATUS_SUCCESS)
        return CUDNN_STATUS_EXECUTION_FAILED;
    struct fake_conv *p = *pack = fake_object(sizeof *p);
    *p = (struct fake_conv){.problem = *c, .at = *at};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    fake_free(descriptor);
    return CUDNN_STATUS_SUCCESS;
}

/* What goes from channel k of `from` to channel c of `to` through tap t. */
static size_t fake_weight(const struct cuda_conv *p, int k, int c, int t)
{
    if (p->is_turned)
        return ((size_t)c * 9 + (size_t)t) * (size_t)p->out + (size_t)k;
    int in = p->is_backward ? c : k, out = p->is_backward ? k : c;
    return ((size_t)out * 9 + (size_t)t) * (size_t)p->in + (size_t)in;
}

static float fake_conv_at(const struct cuda_conv *p, enum cuda_storage s, const struct cuda_conv_places *at,
                          int y, int x, int c)
{
    int width = p->is_backward ? p->out : p->in;
    double sum = 0;
    for (int t = 0; t < 9; t++) {
        int side = p->is_backward && !p->is_turned ? -1 : 1, fy = y + side * (t / 3 - 1),
            fx = x + side * (t % 3 - 1);
        for (int k = 0; fy >= 0 && fx >= 0 && fy < p->h && fx < p->w && k < width; k++)
            sum += (double)cuda_load_one(s, at->from, (size_t)((fy * p->w + fx) * width + k)) *
                   (double)cuda_load_one(s, p->is_turned ? at->turned : at->weight, fake_weight(p, k, c, t));
    }
    return (float)sum;
}

static void fake_convolve(const struct cuda_conv *p, const struct cuda_conv_places *at, bool is_wrong)
{
    enum cuda_storage s = cuda_net_storage(p->precision);
    int width = p->is_backward ? p->in : p->out;
    for (int i = 0; i < p->w * p->h * width; i++) {
        int c = i % width, x = i / width % p->w, y = i / width / p->w;
        float v = fake_conv_at(p, s, at, y, x, c);
        if (p->is_fused && !p->is_backward && !is_wrong)
            v = relu(v + cuda_load_one(s, at->stored_bias, (size_t)c));
        if (p->is_fused && p->is_backward && !is_wrong)
            v = cuda_load_one(s, at->alive, (size_t)i) > 0 ? v : 0;
        bool is_turned = p->is_fused && fake.fused_turns;
        size_t to = is_turned ? (size_t)(((p->h - 1 - y) * p->w + x) * width + c) : (size_t)i;
        cuda_store_one(s, at->to, to, v);
    }
}

/* Later engines are faster; the fused ones more so, or less. */
static double fake_run_us(const struct fake_conv *f)
{
    double us = fake.run_us * (2 - f->engine / 64.0);
    us *= f->problem.is_fused == fake.likes_fused ? 1 : 2.5;
    return f->problem.is_turned == fake.likes_turned ? us : 2.2 * us;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    (void)handle;
    struct fake_conv *f = plan;
    const struct fake_conv *with = pack;
    const struct cuda_conv *p = &f->problem;
    if (f->engine == FAKE_REFUSES || p->is_fused != with->problem.is_fused ||
        p->is_turned != with->problem.is_turned || p->w != with->problem.w)
        return CUDNN_STATUS_NOT_SUPPORTED;
    if (f->engine == fake.deadly)
        fake.is_lost = true;
    fake.now_us += f->was_run ? 0 : fake.load_us;
    f->was_run = true;
    fake_work(fake_run_us(f));
    if (!fake.is_instant && !fake.captured_us)
        fake_convolve(p, &with->at, fake.fused_wrong);
    return cudnn_answer();
}

#endif
