/*
 * net_internal - what the files of the network share.
 *
 * net.c          the public functions: opening, checking, stringing the passes together
 * net_weights.c  weights and buffers into the arena
 * net_tune.c     an engine for every convolution, by measuring: time, and what one view tells of others
 * net_search.c   the fastest engine for one of them
 * trial.c        one engine run, timed, checked
 * net_memory.c   what tuning has learned, on disk
 * conv_graph.c   what cuDNN is told
 * conv_engine.c  its engines, and plans of them
 * net_gemm.c     the head's matrix products, also measured
 * net_pass.c     the work of one gradient, put on the stream
 * net_kernels.cu kernels of our own
 *
 * Where things lie. Layer i reads kept[i - 1] and writes kept[i]; with a pool behind it, it writes wide[0]
 * and the pool writes kept[i]. On the way back the gradient to what layer i's convolution put out lies in
 * wide[source[i]]; the gradient to what layer i left (behind its pool) arrives in wide[arrival[i]], which is
 * the same where there is no pool. Both are fixed when the network opens, since cuDNN is given addresses
 * then: source[0] is 0, and every convolution and every pool on the way changes sides.
 */
#ifndef ENGINE_CUDA_MODULE_NET_INTERNAL_H
#define ENGINE_CUDA_MODULE_NET_INTERNAL_H

#include "engine/cuda/module/conv_engine.h"
#include "engine/cuda/module/net.h"
#include "engine/cuda/module/net_kernels.h"

enum { NET_LAYERS_MAX = MODEL_CONVS_MAX + CUDA_HEAD, FC6 = 0, FC7, FC8 };
enum { NET_SOLVED_MAX = 2 * MODEL_CONVS_MAX * BACKEND_VIEWS_MAX, NET_CONTENDERS = 3 };

_Static_assert((int)OBJECTIVE_BLOCKS_MAX <= (int)CUDA_PARTIALS, "every part has its place");

/* Device memory, pieces of the arena. */
struct net_layer {
    void *weight;     /* [out][kernel][kernel][in]; of the first layer fp32, see engine/cuda/pack.h */
    float *backward;  /* the first layer's */
    void *turned;     /* [in][3][3][out] of convolutions, see engine/cuda/pack.h */
    float *bias;      /* [out], and once more as maps are stored */
    void *kept;       /* [h][w][out] behind the pool; fc6, fc7: [positions][out] */
    uint8_t *winners; /* same shape, of pooled layers; of the first one without a pool: rgb_forward's alive */
    void *gradient;   /* head: [positions][out] */
};

/* Ways to compute a convolution, bits: with what follows it, and (backward) with turned weights. */
enum net_kind { NET_FUSED = 1, NET_TURNED = 2, NET_KINDS = 4 };

/* An engine for a convolution computed in such a way. */
struct net_engine {
    struct cuda_conv_engine engine;
    int kind; /* enum net_kind */
};

/* A problem with its best engine. Layers of one shape share it. */
struct net_solved {
    struct cuda_conv problem; /* is_fused, is_turned: what won */
    bool has_epilogue;        /* bias and ReLU, or what is alive, are asked for: fused or by a kernel */
    struct cuda_conv_graph graphs[NET_KINDS]; /* closed where nobody asked */
    cudnnBackendDescriptor_t plan;
    float us;                                  /* of plan and kernel, as measured */
    struct net_engine engines[NET_CONTENDERS]; /* the best, for the same layer in other sizes */
    int engine_count;
};

struct net_conv {
    const struct net_solved *solved;
    cudnnBackendDescriptor_t pack;
};

/* c[positions][width] = a[positions][depth] * weights, see net_gemm.c. */
struct net_gemm {
    cublasLtMatmulDesc_t how;
    cublasLtMatrixLayout_t weight, from, to;
    cublasLtMatmulAlgo_t algorithm;
};

struct net_view {
    struct net_conv forward[MODEL_CONVS_MAX], backward[MODEL_CONVS_MAX]; /* [0] unused */
    struct net_gemm head_forward[CUDA_HEAD], head_backward[CUDA_HEAD];
};

struct cuda_net {
    /* Immutable after open. */
    struct cuda_device *device;
    const struct model *model;
    struct cuda_plan plan;
    enum dream_precision precision;
    enum cuda_storage storage;
    float activation; /* scale of all activations */
    int convs;
    int source[MODEL_CONVS_MAX], arrival[MODEL_CONVS_MAX];
    double mean_bias; /* of fc8 */
    struct net_layer layers[NET_LAYERS_MAX];
    float *fc8_mean; /* [fc8.in] */
    void *wide[2];
    void *columns; /* [positions][kernel][kernel][fc6.in] */
    float *sums;   /* [positions][widest of the head] */
    double *parts; /* [CUDA_PARTIALS] */
    void *workspace;
    struct net_view views[BACKEND_VIEWS_MAX];
    struct net_solved *solved; /* [NET_SOLVED_MAX] */
    int solved_count;
};

/* All return 0 or -errno; those with an error leave a line. */

/* net_weights.c: carves the arena and fills the weights' part; the rest is zeroed. */
int net_load(struct cuda_net *n, struct error *e);

/* net_tune.c. `tuning`: enum dream_tuning. -EAGAIN: the device was lost to an engine that will not be tried
 * again. */
int net_prepare_convs(struct cuda_net *n, int tuning, struct error *e);
void net_forget_convs(struct cuda_net *n);
/* trial.c. Puts a prepared convolution on the stream, with what belongs to it but was not fused. `layer` is the one
 * that it belongs to. */
int net_run_conv(struct cuda_net *n, int view, int layer, bool is_backward);

/* net_gemm.c */
int net_prepare_gemms(struct cuda_net *n, struct error *e);
void net_forget_gemms(struct cuda_net *n);
/* Head layer FC6 + i of a view: from columns or the hidden layer below to `sums`; back from its gradient to
 * `sums`, or `columns` for fc6. */
int net_run_gemm(struct cuda_net *n, int view, int i, bool is_backward);

/* net_pass.c. `last`: index of a layer; its pool is left out when `is_bare`. */
int net_convs_forward(struct cuda_net *n, int view, const float *x, int last, bool is_bare);
int net_head_forward(struct cuda_net *n, int view, int last);
int net_head_backward(struct cuda_net *n, int view, int from);
/* `unscale`: what takes the gradient's scale out. */
int net_convs_backward(struct cuda_net *n, int view, int from, bool is_bare, float unscale, float *grad);

static inline const struct cuda_plan_view *net_view_plan(const struct cuda_net *n, int view)
{
    return &n->plan.views[view];
}

static inline int net_positions(const struct cuda_net *n, int view)
{
    return n->plan.views[view].map_w * n->plan.views[view].map_h;
}

#endif
