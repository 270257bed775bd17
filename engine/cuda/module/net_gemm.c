/*
 * net_gemm - the head's matrix products, in cuBLASLt.
 *
 * Maps of the head are [positions][channels], weights [out][depth] (depth: kernel row, column, in). cuBLAS
 * counts columns first, so what is [rows][columns] here is columns x rows there, and the products come out as
 *     forward    sums[p][out]   = from[p][depth] * weight[out][depth]^T     to (out x p) = weight^T from
 *     backward   to[p][depth]   = gradient[p][out] * weight[out][depth]     to (depth x p) = weight gradient
 * with all leading dimensions the row lengths, multiples of 8 numbers. Sums leave as fp32, so that bias and
 * ReLU see them unrounded; but for the way back through fc6, whose windows are many and are stored as maps
 * are. As with convolutions, what the heuristics propose is measured.
 */
#include "engine/cuda/module/net_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { PROPOSALS = 12, RUNS = 3 };

/* What is multiplied. */
struct product {
    const void *weight, *from;
    void *to;
    int rows, columns, depth; /* of `to` as cuBLAS sees it: rows x columns; depth is summed over */
    int weight_rows, weight_columns, from_rows;
    cublasOperation_t weight_turn;
    cudaDataType_t to_type;
};

static cudaDataType_t stored_type(enum cuda_storage s)
{
    return s == CUDA_STORAGE_BF16 ? CUDA_R_16BF : s == CUDA_STORAGE_FP16 ? CUDA_R_16F : CUDA_R_32F;
}

static struct product product_of(const struct cuda_net *n, int view, int i, bool is_backward)
{
    const struct cuda_plan_layer *l = &n->plan.layers[n->convs + i];
    const struct net_layer *own = &n->layers[n->convs + i], *below = &n->layers[n->convs + i - 1];
    int depth = l->kernel * l->kernel * l->in;
    struct product p = {.weight = own->weight,
                        .columns = net_positions(n, view),
                        .weight_rows = depth,
                        .weight_columns = l->out,
                        .to_type = CUDA_R_32F};
    if (is_backward) {
        p.from = own->gradient;
        p.to = i == FC6 ? n->columns : (void *)n->sums;
        p.rows = depth;
        p.depth = l->out;
        p.weight_turn = CUBLAS_OP_N;
        if (i == FC6)
            p.to_type = stored_type(n->storage);
    } else {
        p.from = i == FC6 ? n->columns : below->kept;
        p.to = n->sums;
        p.rows = l->out;
        p.depth = depth;
        p.weight_turn = CUBLAS_OP_T;
    }
    p.from_rows = p.depth;
    return p;
}

static cublasStatus_t multiply(const struct cuda_net *n, const struct net_gemm *g, const struct product *p,
                               const cublasLtMatmulAlgo_t *algorithm)
{
    const float one = 1, zero = 0;
    return cublasLtMatmul(n->device->blas, g->how, &one, p->weight, g->weight, p->from, g->from, &zero, p->to,
                          g->to, p->to, g->to, algorithm, n->workspace, n->plan.workspace_bytes,
                          n->device->stream);
}

int net_run_gemm(struct cuda_net *n, int view, int i, bool is_backward)
{
    const struct net_view *v = &n->views[view];
    const struct net_gemm *g = is_backward ? &v->head_backward[i] : &v->head_forward[i];
    struct product p = product_of(n, view, i, is_backward);
    return cuda_fail_blas(n->device, multiply(n, g, &p, &g->algorithm), n->model->layers[n->convs + i].name);
}

/* ---- Preparing ---- */

static cublasStatus_t describe(const struct cuda_net *n, const struct product *p, struct net_gemm *g)
{
    cublasComputeType_t compute =
        n->precision == DREAM_PRECISION_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    cublasOperation_t no_turn = CUBLAS_OP_N;
    cudaDataType_t type = stored_type(n->storage);
    cublasStatus_t s = cublasLtMatmulDescCreate(&g->how, compute, CUDA_R_32F);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatmulDescSetAttribute(g->how, CUBLASLT_MATMUL_DESC_TRANSA, &p->weight_turn,
                                           sizeof p->weight_turn);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatmulDescSetAttribute(g->how, CUBLASLT_MATMUL_DESC_TRANSB, &no_turn, sizeof no_turn);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatrixLayoutCreate(&g->weight, type, (uint64_t)p->weight_rows,
                                       (uint64_t)p->weight_columns, p->weight_rows);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatrixLayoutCreate(&g->from, type, (uint64_t)p->from_rows, (uint64_t)p->columns,
                                       p->from_rows);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatrixLayoutCreate(&g->to, p->to_type, (uint64_t)p->rows, (uint64_t)p->columns, p->rows);
    return s;
}

/* Proposals whose sums are fp32 to the end, and come out the same every time: parts of a split sum are added
 * in the workspace, not by whoever comes first. */
static cublasStatus_t propose(const struct cuda_net *n, const struct net_gemm *g,
                              cublasLtMatmulHeuristicResult_t *results, int *count)
{
    cublasLtMatmulPreference_t preference = NULL;
    size_t workspace_bytes = n->plan.workspace_bytes;
    uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    *count = 0;
    cublasStatus_t s = cublasLtMatmulPreferenceCreate(&preference);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                 &workspace_bytes, sizeof workspace_bytes);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                                 &reductions, sizeof reductions);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = cublasLtMatmulAlgoGetHeuristic(n->device->blas, g->how, g->weight, g->from, g->to, g->to,
                                           preference, PROPOSALS, results, count);
    if (preference)
        (void)cublasLtMatmulPreferenceDestroy(preference);
    return s;
}

/* Milliseconds of RUNS products; INFINITY when it does not run. Only a lost device is an error. */
static int measure(const struct cuda_net *n, const struct net_gemm *g, const struct product *p,
                   const cublasLtMatmulAlgo_t *algorithm, const cudaEvent_t events[2], float *ms)
{
    struct cuda_device *d = n->device;
    *ms = INFINITY;
    for (int i = 0; i <= RUNS; i++) { /* the first to warm up */
        int rc = 0;
        if (i ==
            1) /* behind work that keeps the device busy while the host puts the products on the stream */
            rc = cuda_fail(d, cudaMemsetAsync(n->workspace, 0, n->plan.workspace_bytes, d->stream), "timing");
        if (i == 1 && rc == 0)
            rc = cuda_fail(d, cudaEventRecord(events[0], d->stream), "timing");
        if (rc < 0)
            return rc;
        if (multiply(n, g, p, algorithm) != CUBLAS_STATUS_SUCCESS) {
            (void)cudaGetLastError();
            return cuda_device_wait(d);
        }
    }
    int rc = cuda_fail(d, cudaEventRecord(events[1], d->stream), "timing");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventSynchronize(events[1]), "timing");
    return rc == 0 ? cuda_fail(d, cudaEventElapsedTime(ms, events[0], events[1]), "timing") : rc;
}

static int prepare_product(struct cuda_net *n, int view, int i, bool is_backward, const cudaEvent_t events[2],
                           struct error *e)
{
    struct net_gemm *g = is_backward ? &n->views[view].head_backward[i] : &n->views[view].head_forward[i];
    struct product p = product_of(n, view, i, is_backward);
    cublasLtMatmulHeuristicResult_t results[PROPOSALS];
    int count = 0;
    float best = INFINITY;
    cublasStatus_t s = describe(n, &p, g);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = propose(n, g, results, &count);
    for (int k = 0; s == CUBLAS_STATUS_SUCCESS && k < count; k++) {
        float ms = INFINITY;
        if (results[k].state == CUBLAS_STATUS_SUCCESS &&
            results[k].workspaceSize <= n->plan.workspace_bytes &&
            measure(n, g, &p, &results[k].algo, events, &ms) < 0)
            return cuda_lost(n->device, e);
        if (ms < best) {
            best = ms;
            g->algorithm = results[k].algo;
        }
    }
    if (best < INFINITY)
        return 0;
    if (cuda_device_wait(n->device) < 0)
        return cuda_lost(n->device, e);
    return error_set(e, ENOTSUP, "backend cuda: cuBLAS has no product for %s %s (%d x %d x %d): %s",
                     n->model->layers[n->convs + i].name, is_backward ? "backward" : "forward", p.rows,
                     p.columns, p.depth, cublasLtGetStatusString(s));
}

int net_prepare_gemms(struct cuda_net *n, struct error *e)
{
    struct cuda_device *d = n->device;
    cudaEvent_t events[2] = {NULL, NULL};
    int rc = cuda_fail(d, cudaEventCreate(&events[0]), "cudaEventCreate");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventCreate(&events[1]), "cudaEventCreate");
    if (rc < 0)
        cuda_lost(d, e);
    for (int view = 0; rc == 0 && view < n->plan.view_count; view++)
        for (int i = 0; rc == 0 && i < 2 * CUDA_HEAD; i++)
            rc = prepare_product(n, view, i / 2, i % 2 == 1, events, e);
    for (int i = 0; i < 2; i++)
        if (events[i])
            (void)cudaEventDestroy(events[i]);
    return rc;
}

static void forget(struct net_gemm *g)
{
    if (g->how)
        (void)cublasLtMatmulDescDestroy(g->how);
    if (g->weight)
        (void)cublasLtMatrixLayoutDestroy(g->weight);
    if (g->from)
        (void)cublasLtMatrixLayoutDestroy(g->from);
    if (g->to)
        (void)cublasLtMatrixLayoutDestroy(g->to);
}

void net_forget_gemms(struct cuda_net *n)
{
    for (int view = 0; view < n->plan.view_count; view++)
        for (int i = 0; i < CUDA_HEAD; i++) {
            forget(&n->views[view].head_forward[i]);
            forget(&n->views[view].head_backward[i]);
        }
}
