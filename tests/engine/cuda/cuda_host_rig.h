/*
 * cuda_host_rig - the picture's half of the CUDA module on this machine: its own kernels and its own order of
 * work, with the CUDA runtime played on the CPU (cuda_on_host/) and the network of the CPU in the place of the
 * GPU's. The one translation unit that includes it holds the module and what it stands on.
 */
#ifndef TESTS_ENGINE_CUDA_HOST_RIG_H
#define TESTS_ENGINE_CUDA_HOST_RIG_H

#include "cuda_on_host/cuda_runtime_api.h"

#include "engine/cpu/net.h"
#include "engine/dream/internal.h"
#include "tests/engine/backend_check.h"

#include "engine/cuda/module/device.c"
#include "engine/cuda/module/module.c"
#include "engine/cuda/module/picture.c"
#include "engine/cuda/module/picture_block.c"
#include "engine/cuda/module/picture_look.c"
#include "engine/cuda/module/picture_step.c"
#include "engine/cuda/module/picture_update.cu"
#include "engine/cuda/module/picture_view.cu"
#include "engine/cuda/module/prior.c"
#include "engine/cuda/module/prior_kernels.cu"

/* ---- The network in the GPU's place ---- */

struct cuda_net {
    struct cuda_device *device;
    struct pool *pool;
    struct cpu_net *net;
    struct backend_params params;
};

int cuda_net_precision(const struct cuda_device *d, int wanted, enum dream_precision *precision,
                       struct error *e)
{
    (void)d;
    *precision = DREAM_PRECISION_FP32;
    return wanted == DREAM_PRECISION_FP16 ? error_set(e, ENOTSUP, "no fp16 here") : 0;
}

enum cuda_storage cuda_net_storage(enum dream_precision precision)
{
    (void)precision;
    return CUDA_STORAGE_FP32;
}

const char *cuda_net_precision_name(enum dream_precision precision)
{
    (void)precision;
    return "fp32";
}

int cuda_net_open(struct cuda_net **out, struct cuda_device *d, const struct backend_params *params,
                  const struct cuda_plan *plan, enum dream_precision precision, struct error *e)
{
    (void)precision;
    struct cuda_net *n = *out = xcalloc(1, sizeof *n);
    n->device = d;
    n->params = *params;
    assert_non_null(cuda_carve(d, plan->bytes));
    assert_int_equal(pool_open(&n->pool, 1), 0);
    return cpu_net_open(&n->net,
                        &(struct cpu_net_params){params->model, n->pool, params->views[0].width_px,
                                                 params->views[0].height_px, CPU_TIER_AUTO, 0, false},
                        e);
}

void cuda_net_close(struct cuda_net **out)
{
    if (!*out)
        return;
    cpu_net_close(&(*out)->net);
    pool_close(&(*out)->pool);
    free(*out);
    *out = NULL;
}

struct net_job {
    struct cuda_net *net;
    struct image_view view;
    const float *x;
    struct cuda_objective o;
    float *out;
    double *value;
};

static void run_logits(void *args)
{
    const struct net_job *j = args;
    assert_int_equal(cpu_net_logits(j->net->net,
                                    &(struct cpu_net_input){j->x, j->view.width_px, j->view.height_px},
                                    j->out),
                     0);
}

static void run_gradient(void *args)
{
    const struct net_job *j = args;
    struct objective_subject subjects[BACKEND_SUBJECTS_MAX];
    const struct cuda_target *t = j->o.target;
    struct objective o = {
        .subjects = subjects, .layer = j->o.layer, .channel = j->o.channel, .falls = j->o.falls};
    const struct model *m = j->net->params.model;
    size_t map = (size_t)model_map_size(m, j->view.width_px) * (size_t)model_map_size(m, j->view.height_px);
    if (o.layer < 0) {
        o.minus_mean = t->minus_mean;
        for (o.subject_count = 0; o.subject_count < t->count; o.subject_count++)
            subjects[o.subject_count] = (struct objective_subject){
                t->class_index[o.subject_count], j->o.weights + (size_t)o.subject_count * map};
    }
    assert_int_equal(cpu_net_gradient(j->net->net,
                                      &(struct cpu_net_input){j->x, j->view.width_px, j->view.height_px}, &o,
                                      j->out, j->value),
                     0);
}

int cuda_net_gradient(struct cuda_net *n, int view_index, const float *x, const struct cuda_objective *o,
                      float *grad, double *value)
{
    const struct net_job job = {n, n->params.views[view_index], x, *o, grad, value};
    int rc = cuda_fail(n->device, host_call(), "net");
    if (rc == 0)
        host_submit(n->device->stream, run_gradient, NULL, 0, &job, sizeof job);
    return rc;
}

int cuda_net_logits(struct cuda_net *n, int view_index, const float *x, float *logits)
{
    const struct net_job job = {.net = n, .view = n->params.views[view_index], .x = x, .out = logits};
    int rc = cuda_fail(n->device, host_call(), "net");
    if (rc == 0)
        host_submit(n->device->stream, run_logits, NULL, 0, &job, sizeof job);
    return rc;
}

#define SMALL "dream.size=150x117", "dream.threads=1", "dream.precision=fp32"

#endif
