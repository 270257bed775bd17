/*
 * trial - one layer's convolution, run with a plan on the real buffers: how long it takes, and whether what it
 * writes is what others write.
 *
 * There are two ways to measure. Quickly: once to load the kernels, then once between two events, behind work
 * that keeps the device busy while the host puts the trial on the stream. Carefully: as the show runs it, from
 * a captured graph, with the clocks up; some hundredths of a second.
 */
#ifndef ENGINE_CUDA_MODULE_TRIAL_H
#define ENGINE_CUDA_MODULE_TRIAL_H

#include "engine/cuda/module/check_arithmetic.h"
#include "engine/cuda/module/net_internal.h"

/* A layer's convolution in one direction, and all that it touches. */
struct net_task {
    struct cuda_net *net;
    int view, layer;
    struct cuda_conv problem; /* is_fused, is_turned: not set */
    bool
        has_epilogue; /* bias and ReLU, or the ReLU's decisions, belong to it: fused, or by a kernel of ours */
    struct cuda_conv_places at;
};

/* The problem computed in a way of enum net_kind. */
struct cuda_conv net_problem_of(const struct net_task *t, int kind);

struct net_task net_task_of(struct cuda_net *n, int view, int layer, bool is_backward);

/* A plan to be tried. */
struct trial_plan {
    cudnnBackendDescriptor_t plan;
    int kind; /* enum net_kind */
};

struct trial {
    struct cuda_device *device; /* not owned */
    cudaEvent_t began, ended;
    void *pattern; /* host: what inputs are filled with */
};

/* All return 0 or -errno: -ENOMEM, -EIO when the device is lost. A plan that does not run is no error. */
int trial_open(struct trial *t, struct cuda_net *n);
void trial_close(struct trial *t); /* also half-opened or zeroed */

/* Fills what the task reads. It belongs to the layer's neighbours; nobody needs what was in there. */
int trial_fill(struct trial *t, const struct net_task *task);

/* Microseconds of the plan and of the kernel behind it, where one is needed; INFINITY: it does not run. */
int trial_quick(struct trial *t, const struct net_task *task, struct trial_plan p, float *us);
/* Behind `warm_ms` of the same work. */
int trial_careful(struct trial *t, const struct net_task *task, struct trial_plan p, int warm_ms, float *us);

/* Sums over what the last trial wrote. */
int trial_check(const struct net_task *task, double sums[CHECK_SUMS]);
/* Are these sums of the same map, up to rounding? */
bool trial_agrees(const double sums[CHECK_SUMS], const double truth[CHECK_SUMS]);

#endif
