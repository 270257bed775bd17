/*
 * cuda_fake - stand-ins for CUDA, cuDNN, cuBLASLt and the kernels' launches, so that the module's host code
 * runs on any machine: device memory is memory, a stream does its work at once, kernels are walked through
 * (cuda_walk.h). What is fake has the libraries' own prototypes; conv_graph.c, which only describes graphs to
 * cuDNN, is replaced as a whole.
 */
#ifndef TESTS_ENGINE_CUDA_FAKE_H
#define TESTS_ENGINE_CUDA_FAKE_H

#include "engine/cuda/module/net_internal.h"
#include "tests/engine/cuda/cuda_walk.h"

/* How the pretended machine behaves. */
static struct fake {
    int devices, sm_major;
    size_t free_bytes;
    int allocations;  /* of device memory, ever */
    int good_calls;   /* so many more calls succeed; then the device is lost. Negative: all do */
    bool is_lost;     /* until it is reset */
    bool likes_fused; /* the fused engine is the faster one */
    bool has_fused;   /* there are such engines at all */
    bool fused_wrong; /* and they forget the ReLU */
    bool was_fused;   /* the last engine that ran */
    int open;         /* descriptors that nobody destroyed yet */
} fake;

static void fake_reset(void)
{
    fake = (struct fake){.devices = 1,
                         .sm_major = 9,
                         .free_bytes = (size_t)450 << 20,
                         .good_calls = -1,
                         .likes_fused = true,
                         .has_fused = true};
}

static cudaError_t answer(void)
{
    if (fake.good_calls == 0)
        fake.is_lost = true;
    else if (fake.good_calls > 0)
        fake.good_calls--;
    return fake.is_lost ? cudaErrorLaunchFailure : cudaSuccess;
}

static void *fake_object(size_t size)
{
    fake.open++;
    return xcalloc(1, size);
}

static void fake_free(void *p)
{
    fake.open -= p != NULL;
    free(p);
}

/* ---- CUDA ---- */

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = fake.devices;
    return fake.devices ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    (void)device;
    memset(p, 0, sizeof *p);
    memcpy(p->name, "Fake", 5);
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    (void)device;
    *value = attribute == cudaDevAttrComputeCapabilityMajor ? fake.sm_major : 0;
    return cudaSuccess;
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaSuccess ? "no error" : "unspecified launch failure";
}

cudaError_t cudaGetLastError(void)
{
    return answer();
}

cudaError_t cudaSetDevice(int device)
{
    (void)device;
    return answer();
}

cudaError_t cudaSetDeviceFlags(unsigned flags)
{
    (void)flags;
    return answer();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    (void)flags;
    *stream = fake_object(1);
    return answer();
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    (void)stream;
    return answer();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    fake_free(stream);
    return answer();
}

cudaError_t cudaMalloc(void **p, size_t size)
{
    cudaError_t status = size <= fake.free_bytes ? answer() : cudaErrorMemoryAllocation;
    *p = status == cudaSuccess ? buffer_alloc(size) : NULL;
    if (*p)
        memset(*p, 0xff, size);
    fake.allocations++;
    return status;
}

cudaError_t cudaFree(void *p)
{
    free(p);
    return answer();
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    (void)kind;
    memcpy(to, from, bytes);
    return answer();
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    (void)stream;
    return cudaMemcpy(to, from, bytes, kind);
}

cudaError_t cudaMemset(void *p, int value, size_t bytes)
{
    memset(p, value, bytes);
    return answer();
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    *available = *total = fake.free_bytes;
    return answer();
}

cudaError_t cudaDeviceReset(void)
{
    fake.is_lost = false;
    fake.good_calls = -1;
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    return answer();
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = fake_object(1);
    return answer();
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    (void)event, (void)stream;
    return answer();
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    (void)event;
    return answer();
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t began, cudaEvent_t ended)
{
    (void)began, (void)ended;
    *ms = fake.was_fused == fake.likes_fused ? 1 : 2;
    return answer();
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    fake_free(event);
    return answer();
}

/* ---- cuDNN: the handle, and engines for a convolution ---- */

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

/* A configuration, a plan or a variant pack. */
struct fake_conv {
    struct cuda_conv problem;
    struct cuda_conv_places at;
    int engine; /* 0 wants more workspace than there is, 1 works, 2 refuses to run */
};

cudnnStatus_t cuda_conv_graph_open(struct cuda_conv_graph *g, cudnnHandle_t handle, const struct cuda_conv *c)
{
    (void)handle;
    memset(g, 0, sizeof *g);
    if (c->is_fused && !fake.has_fused)
        return CUDNN_STATUS_NOT_SUPPORTED;
    for (; g->config_count < 3; g->config_count++) {
        struct fake_conv *config = g->configs[g->config_count] = fake_object(sizeof *config);
        *config = (struct fake_conv){.problem = *c, .engine = g->config_count};
    }
    return CUDNN_STATUS_SUCCESS;
}

void cuda_conv_graph_close(struct cuda_conv_graph *g)
{
    while (g->config_count > 0)
        fake_free(g->configs[--g->config_count]);
}

bool cuda_conv_config_fits(const struct cuda_conv *c, cudnnBackendDescriptor_t config)
{
    return c->is_fused == ((const struct fake_conv *)config)->problem.is_fused;
}

cudnnStatus_t cuda_conv_plan(cudnnHandle_t handle, cudnnBackendDescriptor_t config,
                             cudnnBackendDescriptor_t *plan, int64_t *workspace_bytes)
{
    (void)handle;
    struct fake_conv *p = *plan = fake_object(sizeof *p);
    *p = *(const struct fake_conv *)config;
    *workspace_bytes = p->engine == 0 ? INT64_MAX : 0;
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
    int in = p->is_backward ? c : k, out = p->is_backward ? k : c;
    return ((size_t)out * 9 + (size_t)t) * (size_t)p->in + (size_t)in;
}

static float fake_conv_at(const struct cuda_conv *p, enum cuda_storage s, const struct cuda_conv_places *at,
                          int y, int x, int c)
{
    int width = p->is_backward ? p->out : p->in;
    double sum = 0;
    for (int t = 0; t < 9; t++) {
        int side = p->is_backward ? -1 : 1, fy = y + side * (t / 3 - 1), fx = x + side * (t % 3 - 1);
        for (int k = 0; fy >= 0 && fx >= 0 && fy < p->h && fx < p->w && k < width; k++)
            sum += (double)cuda_load_one(s, at->from, (size_t)((fy * p->w + fx) * width + k)) *
                   (double)cuda_load_one(s, at->weight, fake_weight(p, k, c, t));
    }
    return (float)sum;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    (void)handle;
    const struct fake_conv *f = plan, *with = pack;
    const struct cuda_conv *p = &f->problem;
    enum cuda_storage s = cuda_net_storage(p->precision);
    int width = p->is_backward ? p->in : p->out;
    fake.was_fused = p->is_fused;
    if (f->engine == 2 || p->is_fused != with->problem.is_fused || p->w != with->problem.w)
        return CUDNN_STATUS_NOT_SUPPORTED;
    for (int i = 0; i < p->w * p->h * width; i++) {
        int c = i % width, x = i / width % p->w, y = i / width / p->w;
        float v = fake_conv_at(p, s, &with->at, y, x, c);
        if (p->is_fused && !p->is_backward && !fake.fused_wrong)
            v = relu(v + ((const float *)with->at.bias)[c]);
        if (p->is_fused && p->is_backward && !fake.fused_wrong)
            v = cuda_load_one(s, with->at.alive, (size_t)i) > 0 ? v : 0;
        cuda_store_one(s, with->at.to, (size_t)i, v);
    }
    return cudnn_answer();
}

/* ---- cuBLASLt ---- */

struct fake_layout {
    cudaDataType type;
    uint64_t rows, columns;
    int64_t leading;
};

struct fake_product {
    cublasOperation_t turn_a, turn_b;
};

static cublasStatus_t blas_answer(void)
{
    return answer() == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    *handle = fake_object(1);
    return blas_answer();
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    fake_free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "failure";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *how, cublasComputeType_t compute,
                                        cudaDataType_t scale)
{
    (void)compute, (void)scale;
    *how = fake_object(sizeof(struct fake_product));
    return blas_answer();
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t how)
{
    fake_free(how);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t how,
                                              cublasLtMatmulDescAttributes_t attribute, const void *value,
                                              size_t size)
{
    struct fake_product *p = (void *)how;
    memcpy(attribute == CUBLASLT_MATMUL_DESC_TRANSA ? &p->turn_a : &p->turn_b, value, size);
    return blas_answer();
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t leading)
{
    struct fake_layout *l = fake_object(sizeof *l);
    *l = (struct fake_layout){type, rows, columns, leading};
    *layout = (void *)l;
    return blas_answer();
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    fake_free(layout);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    *preference = fake_object(1);
    return blas_answer();
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    fake_free(preference);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t size)
{
    (void)preference, (void)attribute, (void)value, (void)size;
    return blas_answer();
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t how,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[], int *count)
{
    (void)handle, (void)how, (void)a, (void)b, (void)c, (void)d, (void)preference;
    *count = wanted < 2 ? wanted : 2;
    memset(results, 0, (size_t)*count * sizeof *results);
    results[0].state = CUBLAS_STATUS_NOT_SUPPORTED;
    return blas_answer();
}

static enum cuda_storage storage_of(const struct fake_layout *l)
{
    return l->type == CUDA_R_16BF  ? CUDA_STORAGE_BF16
           : l->type == CUDA_R_16F ? CUDA_STORAGE_FP16
                                   : CUDA_STORAGE_FP32;
}

static double element(const struct fake_layout *l, const void *data, cublasOperation_t turn, uint64_t row,
                      uint64_t column)
{
    uint64_t r = turn == CUBLAS_OP_T ? column : row, c = turn == CUBLAS_OP_T ? row : column;
    return r < l->rows && c < l->columns
               ? (double)cuda_load_one(storage_of(l), data, c * (uint64_t)l->leading + r)
               : NAN;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t how, const void *alpha,
                              const void *A, cublasLtMatrixLayout_t layout_a, const void *B,
                              cublasLtMatrixLayout_t layout_b, const void *beta, const void *C,
                              cublasLtMatrixLayout_t layout_c, void *D, cublasLtMatrixLayout_t layout_d,
                              const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t workspace_bytes,
                              cudaStream_t stream)
{
    (void)handle, (void)alpha, (void)beta, (void)C, (void)layout_c, (void)algorithm, (void)stream;
    const struct fake_product *p = (void *)how;
    const struct fake_layout *a = (void *)layout_a, *b = (void *)layout_b, *d = (void *)layout_d;
    uint64_t depth = p->turn_a == CUBLAS_OP_T ? a->rows : a->columns;
    if (!workspace || !workspace_bytes)
        return CUBLAS_STATUS_INVALID_VALUE;
    for (uint64_t row = 0; row < d->rows; row++)
        for (uint64_t column = 0; column < d->columns; column++) {
            double sum = 0;
            for (uint64_t k = 0; k < depth; k++)
                sum += element(a, A, p->turn_a, row, k) * element(b, B, p->turn_b, k, column);
            cuda_store_one(storage_of(d), D, column * (uint64_t)d->leading + row, (float)sum);
        }
    return blas_answer();
}

/* ---- Launches ---- */

void launch_rgb_forward(cudaStream_t stream, enum cuda_storage storage, struct rgb_forward a)
{
    (void)stream;
    walk_rgb_forward(storage, a);
}

void launch_rgb_backward(cudaStream_t stream, enum cuda_storage storage, struct rgb_backward a)
{
    (void)stream;
    walk_rgb_backward(storage, a);
}

void launch_pool_forward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *in,
                         void *out, uint8_t *winners)
{
    (void)stream;
    walk_pool_forward(storage, p, in, out, winners);
}

void launch_pool_backward(cudaStream_t stream, enum cuda_storage storage, struct pool p, const void *gradient,
                          const uint8_t *winners, void *out)
{
    (void)stream;
    walk_pool_backward(storage, p, gradient, winners, out);
}

void launch_bias_relu(cudaStream_t stream, enum cuda_storage storage, void *map, const float *bias,
                      int channels, size_t pixels)
{
    (void)stream;
    for (size_t i = 0; i < pixels * (size_t)(channels / CUDA_GROUP); i++)
        bias_relu(storage, map, bias, channels, i);
}

void launch_keep_alive(cudaStream_t stream, enum cuda_storage storage, void *gradient, const void *activation,
                       size_t count)
{
    (void)stream;
    for (size_t i = 0; i < count / CUDA_GROUP; i++)
        keep_alive(storage, gradient, activation, i);
}

void launch_columns_gather(cudaStream_t stream, enum cuda_storage storage, struct columns c, const void *map,
                           void *columns)
{
    (void)stream;
    walk_columns_gather(storage, c, map, columns);
}

void launch_columns_scatter(cudaStream_t stream, enum cuda_storage storage, struct columns c,
                            const void *columns, const void *alive, void *map)
{
    (void)stream;
    walk_columns_scatter(storage, c, columns, alive, map);
}

void launch_head_forward(cudaStream_t stream, enum cuda_storage storage, const float *sum, const float *bias,
                         int positions, int channels, bool has_relu, void *hidden)
{
    (void)stream;
    for (size_t i = 0; i < (size_t)(positions * channels / CUDA_GROUP); i++)
        head_forward(storage, sum, bias, channels, has_relu, hidden, i);
}

void launch_head_backward(cudaStream_t stream, enum cuda_storage storage, const float *sum,
                          const void *hidden, int positions, int channels, void *gradient)
{
    (void)stream;
    for (size_t i = 0; i < (size_t)(positions * channels / CUDA_GROUP); i++)
        head_backward(storage, sum, hidden, gradient, i);
}

void launch_head_logits(cudaStream_t stream, const float *sum, const float *bias, int classes,
                        int padded_classes, int positions, float activation, float *logits)
{
    (void)stream;
    for (size_t i = 0; i < (size_t)(classes * positions); i++)
        head_logits(sum, bias, padded_classes, positions, activation, logits, i);
}

int launch_objective_on_logits(cudaStream_t stream, enum cuda_storage storage, struct objective_on_logits o,
                               double *parts)
{
    (void)stream;
    *parts = walk_objective_on_logits(storage, o);
    return 1;
}

int launch_objective_on_layer(cudaStream_t stream, enum cuda_storage storage, struct objective_on_layer o,
                              double *parts)
{
    (void)stream;
    *parts = walk_objective_on_layer(storage, o);
    return 1;
}

void launch_objective_value(cudaStream_t stream, const double *parts, int count, double factor,
                            const struct cuda_target *target, double mean, double *value)
{
    (void)stream;
    *value = objective_value(parts, count, factor, target, mean);
}

#endif
