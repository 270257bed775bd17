/*
 * conv_graph - a 3x3 convolution as cuDNN's graph API takes it, both ways, with what can be fused to it.
 *
 *     forward          y  = conv(x, w)               fused: y  = relu(conv(x, w) + bias)
 *     backward (data)  dx = conv_transposed(dy, w)   fused: dx = that, 0 where the activation is not above 0
 *
 * All maps are [h][w][channels] (NHWC), weights [out][3][3][in]; the API is told so by strides, since its
 * order of dimensions is always N, C, H, W. What is multiplied is stored as the precision says; sums, bias
 * and what passes between fused operations are fp32.
 *
 * cuDNN knows many engines for one graph. They come in the order in which its heuristics believe in them;
 * whoever asks makes plans of them one by one, and measures (net_tune.c).
 */
#ifndef ENGINE_CUDA_MODULE_CONV_GRAPH_H
#define ENGINE_CUDA_MODULE_CONV_GRAPH_H

#include <cudnn.h>

#include "engine/recipe.h"

/* What is to be computed; equal problems have equal plans. */
struct cuda_conv {
    bool is_backward, is_fused;
    enum dream_precision precision; /* not auto */
    int w, h;                       /* of both maps */
    int in, out;                    /* channels of the layer, padded: forward reads `in`, backward `out` */
};

/* Names of the tensors in a variant pack. */
enum cuda_conv_tensor { CUDA_CONV_FROM = 1, CUDA_CONV_WEIGHT, CUDA_CONV_TO, CUDA_CONV_BIAS, CUDA_CONV_ALIVE };

enum { CUDA_CONV_CONFIGS_MAX = 64, CUDA_CONV_PARTS_MAX = 24 };

/* A graph and the engine configurations for it. Zeroed before first use. */
struct cuda_conv_graph {
    cudnnBackendDescriptor_t parts[CUDA_CONV_PARTS_MAX]; /* tensors, operations: kept as long as the graph */
    int part_count;
    cudnnBackendDescriptor_t graph;
    cudnnBackendDescriptor_t configs[CUDA_CONV_CONFIGS_MAX]; /* best guess first */
    int config_count;
};

/* Describes the problem and asks for engines. A status other than success means that cuDNN has nothing for
 * it, or an error; either way `g` is to be closed. */
cudnnStatus_t cuda_conv_graph_open(struct cuda_conv_graph *g, cudnnHandle_t handle,
                                   const struct cuda_conv *c);
void cuda_conv_graph_close(struct cuda_conv_graph *g);

/* May this configuration be used? Not those whose results differ from run to run or whose sums are less than
 * fp32; with fp32 not those that multiply less. */
bool cuda_conv_config_fits(const struct cuda_conv *c, cudnnBackendDescriptor_t config);

/* Makes it executable; compiles, for some engines. NULL in *plan with a status other than success. Destroy
 * with cudnnBackendDestroyDescriptor. */
cudnnStatus_t cuda_conv_plan(cudnnHandle_t handle, cudnnBackendDescriptor_t config,
                             cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes);

/* Where a layer's tensors lie, for a plan of `c`. Pointers that the problem has not are not read. */
struct cuda_conv_places {
    const void *from, *weight;
    void *to;
    const void *bias;  /* [out] fp32; fused forward */
    const void *alive; /* activation of the map that `to` is the gradient of; fused backward */
    void *workspace;
};
cudnnStatus_t cuda_conv_pack(const struct cuda_conv *c, const struct cuda_conv_places *at,
                             cudnnBackendDescriptor_t *pack);

#endif
