/*
 * conv_graph - see conv_graph.h. Attribute by attribute as the reference of cuDNN's backend API lists them.
 */
#include "engine/cuda/module/conv_graph.h"

#include <string.h>

#include "engine/cuda/module/descriptor.h"

enum { DIMS = 4, SPATIAL = 2, PASSING_FIRST = 10 /* names of what passes between fused operations */ };

#if CUDNN_VERSION >= 90800
#define ATTR_PROPERTIES CUDNN_ATTR_ENGINEHEUR_DEVICEPROP
#else /* refused where it is set, and nobody sets it there */
#define ATTR_PROPERTIES CUDNN_ATTR_ENGINEHEUR_MODE
#endif

/* ---- Attributes ---- */

/* A new descriptor, which belongs to the graph. */
static struct setter begin(struct cuda_conv_graph *g, cudnnBackendDescriptorType_t type)
{
    struct setter s = {NULL, CUDNN_STATUS_INTERNAL_ERROR};
    if (g->part_count == CUDA_CONV_PARTS_MAX)
        return s;
    s.status = cudnnBackendCreateDescriptor(type, &s.of);
    if (s.status == CUDNN_STATUS_SUCCESS)
        g->parts[g->part_count++] = s.of;
    return s;
}

static cudnnBackendDescriptor_t end(struct setter *s, cudnnStatus_t *status)
{
    if (s->status == CUDNN_STATUS_SUCCESS)
        s->status = cudnnBackendFinalize(s->of);
    if (*status == CUDNN_STATUS_SUCCESS)
        *status = s->status;
    return s->status == CUDNN_STATUS_SUCCESS ? s->of : NULL;
}

/* ---- Tensors ---- */

static cudnnDataType_t stored_type(enum dream_precision p)
{
    return p == DREAM_PRECISION_BF16   ? CUDNN_DATA_BFLOAT16
           : p == DREAM_PRECISION_FP16 ? CUDNN_DATA_HALF
                                       : CUDNN_DATA_FLOAT;
}

struct shape {
    int64_t n, c, h, w;
};

static cudnnBackendDescriptor_t tensor(struct cuda_conv_graph *g, int64_t name, cudnnDataType_t type,
                                       struct shape s, bool is_passing, cudnnStatus_t *status)
{
    if (*status != CUDNN_STATUS_SUCCESS)
        return NULL;
    int64_t dims[DIMS] = {s.n, s.c, s.h, s.w};
    int64_t strides[DIMS] = {s.h * s.w * s.c, 1, s.w * s.c, s.c};
    int64_t alignment = 16;
    struct setter t = begin(g, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(&t, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(&t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, DIMS, dims);
    set(&t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, DIMS, strides);
    set(&t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &name);
    set(&t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    set(&t, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_passing);
    return end(&t, status);
}

/* ---- Operations ---- */

static cudnnBackendDescriptor_t convolution(struct cuda_conv_graph *g, const struct cuda_conv *c,
                                            cudnnBackendDescriptor_t from, cudnnBackendDescriptor_t weight,
                                            cudnnBackendDescriptor_t to, cudnnStatus_t *status)
{
    if (*status != CUDNN_STATUS_SUCCESS)
        return NULL;
    cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t spatial = SPATIAL, ones[SPATIAL] = {1, 1};
    struct setter s = begin(g, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(&s, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &spatial);
    set(&s, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums);
    set(&s, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(&s, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, SPATIAL, ones);
    set(&s, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, SPATIAL, ones);
    set(&s, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, SPATIAL, ones);
    set(&s, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, SPATIAL, ones);
    cudnnBackendDescriptor_t how = end(&s, status);
    if (*status != CUDNN_STATUS_SUCCESS)
        return NULL;

    float one = 1, zero = 0;
    bool is_transposed = c->is_backward && !c->is_turned;
    s = begin(g, is_transposed ? CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR
                               : CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    if (is_transposed) {
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, how);
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, from);
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, weight);
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, to);
        set(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_TYPE_FLOAT, 1, &one);
        set(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, CUDNN_TYPE_FLOAT, 1, &zero);
    } else {
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, how);
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, from);
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, weight);
        set_descriptor(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, to);
        set(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &one);
        set(&s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &zero);
    }
    return end(&s, status);
}

/* y = x + b, y = relu(x), or dx = dy where x > 0: which tensors there are depends on the mode. */
struct pointwise {
    cudnnPointwiseMode_t mode;
    cudnnBackendDescriptor_t x, b, y, dx, dy;
};

static cudnnBackendDescriptor_t pointwise(struct cuda_conv_graph *g, struct pointwise p,
                                          cudnnStatus_t *status)
{
    if (*status != CUDNN_STATUS_SUCCESS)
        return NULL;
    cudnnDataType_t in_fp32 = CUDNN_DATA_FLOAT;
    struct setter s = begin(g, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    set(&s, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &p.mode);
    set(&s, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &in_fp32);
    cudnnBackendDescriptor_t how = end(&s, status);
    if (*status != CUDNN_STATUS_SUCCESS)
        return NULL;
    const struct {
        cudnnBackendAttributeName_t name;
        cudnnBackendDescriptor_t tensor;
    } tensors[] = {{CUDNN_ATTR_OPERATION_POINTWISE_XDESC, p.x},
                   {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, p.b},
                   {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, p.y},
                   {CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, p.dx},
                   {CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, p.dy}};
    s = begin(g, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_descriptor(&s, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i].tensor)
            set_descriptor(&s, tensors[i].name, tensors[i].tensor);
    return end(&s, status);
}

/* ---- The graph ---- */

/* Operations in order; returns how many. */
static int operations(struct cuda_conv_graph *g, const struct cuda_conv *c, cudnnBackendDescriptor_t ops[3],
                      cudnnStatus_t *status)
{
    cudnnDataType_t type = stored_type(c->precision), fp32 = CUDNN_DATA_FLOAT;
    struct shape in = {1, c->in, c->h, c->w}, out = {1, c->out, c->h, c->w};
    struct shape from_shape = c->is_backward ? out : in, to_shape = c->is_backward ? in : out;
    struct shape filter = {c->is_turned ? c->in : c->out, c->is_turned ? c->out : c->in, 3, 3};
    struct shape per_channel = {1, c->out, 1, 1};
    cudnnBackendDescriptor_t from = tensor(g, CUDA_CONV_FROM, type, from_shape, false, status);
    cudnnBackendDescriptor_t weight = tensor(g, CUDA_CONV_WEIGHT, type, filter, false, status);
    cudnnBackendDescriptor_t to = tensor(g, CUDA_CONV_TO, type, to_shape, false, status);
    if (!c->is_fused) {
        ops[0] = convolution(g, c, from, weight, to, status);
        return 1;
    }
    cudnnBackendDescriptor_t sum = tensor(g, PASSING_FIRST, fp32, to_shape, true, status);
    ops[0] = convolution(g, c, from, weight, sum, status);
    if (c->is_backward) {
        cudnnBackendDescriptor_t alive = tensor(g, CUDA_CONV_ALIVE, type, to_shape, false, status);
        ops[1] = pointwise(
            g, (struct pointwise){.mode = CUDNN_POINTWISE_RELU_BWD, .x = alive, .dy = sum, .dx = to}, status);
        return 2;
    }
    cudnnBackendDescriptor_t bias = tensor(g, CUDA_CONV_BIAS, type, per_channel, false, status);
    cudnnBackendDescriptor_t biased = tensor(g, PASSING_FIRST + 1, fp32, to_shape, true, status);
    ops[1] = pointwise(g, (struct pointwise){.mode = CUDNN_POINTWISE_ADD, .x = sum, .b = bias, .y = biased},
                       status);
    ops[2] = pointwise(g, (struct pointwise){.mode = CUDNN_POINTWISE_RELU_FWD, .x = biased, .y = to}, status);
    return 3;
}

/* Appends what one mode of the heuristics proposes. */
static cudnnStatus_t propose(struct cuda_conv_graph *g, cudnnBackendHeurMode_t mode)
{
    cudnnBackendDescriptor_t heuristics = NULL;
    cudnnStatus_t status = cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, &heuristics);
    struct setter s = {heuristics, status};
    set_descriptor(&s, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, g->graph);
    set(&s, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (g->target.properties)
        set_descriptor(&s, ATTR_PROPERTIES, g->target.properties);
    int first = g->config_count;
    int64_t there = 0, got = 0;
    if (end(&s, &status))
        status = cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &there, NULL);
    if (there > CUDA_CONV_CONFIGS_MAX - first)
        there = CUDA_CONV_CONFIGS_MAX - first;
    while (status == CUDNN_STATUS_SUCCESS && g->config_count < first + there) {
        status =
            cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &g->configs[g->config_count]);
        g->config_count += status == CUDNN_STATUS_SUCCESS;
    }
    if (status == CUDNN_STATUS_SUCCESS && there > 0)
        status = cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, there, &got, g->configs + first);
    /* Those that were not filled are no configurations. */
    while (g->config_count > first + (status == CUDNN_STATUS_SUCCESS ? got : 0))
        (void)cudnnBackendDestroyDescriptor(g->configs[--g->config_count]);
    if (heuristics)
        (void)cudnnBackendDestroyDescriptor(heuristics);
    return status;
}

cudnnStatus_t cuda_conv_graph_open(struct cuda_conv_graph *g, const struct cuda_conv_target *t,
                                   const struct cuda_conv *c)
{
    memset(g, 0, sizeof *g);
    g->target = *t;
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    cudnnBackendDescriptor_t ops[3] = {NULL};
    int count = operations(g, c, ops, &status);
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    struct setter s = begin(g, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(&s, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, ops);
    if (t->handle)
        set(&s, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &t->handle);
    g->graph = end(&s, &status);
    return status;
}

cudnnStatus_t cuda_conv_propose(struct cuda_conv_graph *g)
{
    /* The first mode may know nothing where the second does, and the other way round. */
    cudnnStatus_t best = propose(g, CUDNN_HEUR_MODE_A), fallback = propose(g, CUDNN_HEUR_MODE_FALLBACK);
    return g->config_count > 0                ? CUDNN_STATUS_SUCCESS
           : best != CUDNN_STATUS_SUCCESS     ? best
           : fallback != CUDNN_STATUS_SUCCESS ? fallback
                                              : CUDNN_STATUS_NOT_SUPPORTED;
}

void cuda_conv_graph_close(struct cuda_conv_graph *g)
{
    while (g->config_count > 0)
        (void)cudnnBackendDestroyDescriptor(g->configs[--g->config_count]);
    while (g->part_count > 0) /* the graph first: it was made last */
        (void)cudnnBackendDestroyDescriptor(g->parts[--g->part_count]);
    g->graph = NULL;
}

/* ---- Running ---- */

cudnnStatus_t cuda_conv_pack(const struct cuda_conv *c, const struct cuda_conv_places *at,
                             cudnnBackendDescriptor_t *pack)
{
    const void *pointers[4] = {at->from, c->is_turned ? at->turned : at->weight, at->to};
    int64_t names[4] = {CUDA_CONV_FROM, CUDA_CONV_WEIGHT, CUDA_CONV_TO};
    int64_t count = 3;
    if (c->is_fused) {
        names[count] = c->is_backward ? CUDA_CONV_ALIVE : CUDA_CONV_BIAS;
        pointers[count++] = c->is_backward ? at->alive : at->stored_bias;
    }
    struct setter s = setter_make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(&s, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, names);
    set(&s, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, pointers);
    set(&s, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &at->workspace);
    finalize(&s);
    *pack = setter_take(&s);
    return s.status;
}
