/*
 * conv_graph - a 3x3 convolution as cuDNN's graph API takes it, both ways, with what can be fused to it.
 *
 *     forward          y  = conv(x, w)               fused: y  = relu(conv(x, w) + bias)
 *     backward (data)  dx = conv_transposed(dy, w)   fused: dx = that, 0 where the activation is not above 0
 *
 * The way back is also a forward convolution, from `out` to `in` channels, with weights turned by half a circle.
 *
 * All maps are [h][w][channels] (NHWC), weights [out][3][3][in]; the API is told so by strides, since its
 * order of dimensions is always N, C, H, W. What is multiplied, and the bias, is stored as the precision says
 * (with an fp32 bias cuDNN has no fused engine that is compiled already); sums and what passes between fused
 * operations are fp32.
 *
 * cuDNN knows many engines for one graph (conv_engine.h); whoever asks makes plans of them one by one, and
 * measures (net_tune.c).
 */
#ifndef ENGINE_CUDA_MODULE_CONV_GRAPH_H
#define ENGINE_CUDA_MODULE_CONV_GRAPH_H

#include <cudnn.h>

#include "engine/recipe.h"

/* What is to be computed; equal problems have equal plans. */
struct cuda_conv {
    bool is_backward, is_fused;
    bool
        is_turned; /* backward, as a forward convolution with turned weights: cuDNN has other engines for it */
    enum dream_precision precision; /* not auto */
    int w, h;                       /* of both maps */
    int in, out;                    /* channels of the layer, padded: forward reads `in`, backward `out` */
};

/* For whom: the device of a handle. Or, with a NULL handle, one that need not be here, by its properties
 * (CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, cuDNN from 9.8 on): everything but running works. */
struct cuda_conv_target {
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t properties;
};

/* Names of the tensors in a variant pack. */
enum cuda_conv_tensor { CUDA_CONV_FROM = 1, CUDA_CONV_WEIGHT, CUDA_CONV_TO, CUDA_CONV_BIAS, CUDA_CONV_ALIVE };

enum { CUDA_CONV_CONFIGS_MAX = 64, CUDA_CONV_PARTS_MAX = 24 };

/* A graph and the engine configurations for it. Zeroed before first use. */
struct cuda_conv_graph {
    struct cuda_conv_target target;
    cudnnBackendDescriptor_t parts[CUDA_CONV_PARTS_MAX]; /* tensors, operations: kept as long as the graph */
    int part_count;
    cudnnBackendDescriptor_t graph;
    cudnnBackendDescriptor_t configs[CUDA_CONV_CONFIGS_MAX]; /* best guess first */
    int config_count;
};

/* Describes the problem; configurations come from cuda_conv_propose or cuda_conv_recall (conv_engine.h).
 * Whatever the status, `g` is to be closed. */
cudnnStatus_t cuda_conv_graph_open(struct cuda_conv_graph *g, const struct cuda_conv_target *t,
                                   const struct cuda_conv *c);
void cuda_conv_graph_close(struct cuda_conv_graph *g);

/* Asks cuDNN's heuristics for configurations, which takes some 12 ms. A status other than success means that
 * there are none, or an error. */
cudnnStatus_t cuda_conv_propose(struct cuda_conv_graph *g);

/* Where a layer's tensors lie, for a plan of `c`. Pointers that the problem has not are not read. */
struct cuda_conv_places {
    const void *from, *weight;
    const void *turned; /* weights [in][3][3][out], rows and columns from the far end; turned backward */
    void *to;
    const float *bias;       /* [out], for kernels of our own */
    const void *stored_bias; /* [out] as maps are stored; fused forward */
    const void *alive;       /* activation of the map that `to` is the gradient of; fused backward */
    void *workspace;
};
cudnnStatus_t cuda_conv_pack(const struct cuda_conv *c, const struct cuda_conv_places *at,
                             cudnnBackendDescriptor_t *pack);

#endif
