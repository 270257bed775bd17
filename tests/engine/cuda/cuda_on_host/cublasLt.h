/*
 * cuda_on_host - matrix products of cublasLt on the CPU, column-major as there; see cuda_runtime_api.h.
 */
#ifndef CUDA_ON_HOST_CUBLASLT_H
#define CUDA_ON_HOST_CUBLASLT_H

#include <cblas.h>
#include <cuda_runtime_api.h>

typedef enum {
    CUBLAS_STATUS_SUCCESS,
    CUBLAS_STATUS_ALLOC_FAILED = 3,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_EXECUTION_FAILED = 13,
    CUBLAS_STATUS_NOT_SUPPORTED = 15
} cublasStatus_t;
typedef enum { CUBLAS_OP_N, CUBLAS_OP_T } cublasOperation_t;
typedef enum { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 } cublasComputeType_t;
enum { CUDA_R_32F };
enum { CUBLASLT_MATMUL_DESC_TRANSA = 3, CUBLASLT_REDUCTION_SCHEME_NONE = 0 };
typedef enum {
    CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
    CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3
} cublasLtMatmulPreferenceAttributes_t;

typedef int *cublasLtHandle_t;
typedef struct {
    cublasOperation_t a;
} * cublasLtMatmulDesc_t;
typedef struct {
    int rows, columns, ld;
} * cublasLtMatrixLayout_t;
typedef size_t *cublasLtMatmulPreference_t;
typedef struct {
    int columns; /* that it was chosen for */
    cublasOperation_t a;
} cublasLtMatmulAlgo_t;
typedef struct {
    cublasLtMatmulAlgo_t algo;
} cublasLtMatmulHeuristicResult_t;

static inline cublasStatus_t host_blas(void)
{
    return host_call() == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

static inline const char *cublasLtGetStatusString(cublasStatus_t s)
{
    return s == CUBLAS_STATUS_SUCCESS ? "fine" : "fault";
}

static inline cublasStatus_t cublasLtCreate(cublasLtHandle_t *h)
{
    *h = calloc(1, sizeof **h);
    return CUBLAS_STATUS_SUCCESS;
}

static inline cublasStatus_t cublasLtDestroy(cublasLtHandle_t h)
{
    free(h);
    return CUBLAS_STATUS_SUCCESS;
}

static inline cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *d, cublasComputeType_t compute,
                                                      int type)
{
    (void)compute;
    (void)type;
    cublasStatus_t status = host_blas();
    if (status == CUBLAS_STATUS_SUCCESS)
        *d = calloc(1, sizeof **d);
    return status;
}

static inline cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d)
{
    free(d);
    return CUBLAS_STATUS_SUCCESS;
}

static inline cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, int what,
                                                            const void *value, size_t bytes)
{
    if (what != CUBLASLT_MATMUL_DESC_TRANSA || bytes != sizeof d->a)
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&d->a, value, bytes);
    return host_blas();
}

static inline cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *l, int type, uint64_t rows,
                                                        uint64_t columns, int64_t ld)
{
    (void)type;
    cublasStatus_t status = host_blas();
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    *l = calloc(1, sizeof **l);
    (*l)->rows = (int)rows;
    (*l)->columns = (int)columns;
    (*l)->ld = (int)ld;
    return status;
}

static inline cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l)
{
    free(l);
    return CUBLAS_STATUS_SUCCESS;
}

static inline cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p)
{
    cublasStatus_t status = host_blas();
    if (status == CUBLAS_STATUS_SUCCESS)
        *p = calloc(1, sizeof **p);
    return status;
}

static inline cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p)
{
    free(p);
    return CUBLAS_STATUS_SUCCESS;
}

static inline cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p, int what,
                                                                  const void *value, size_t bytes)
{
    (void)what;
    memcpy(p, value, bytes);
    return host_blas();
}

/* d = op(a) b with shapes that fit? */
static inline bool host_fits(cublasLtMatmulDesc_t p, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                             cublasLtMatrixLayout_t d)
{
    int rows = p->a == CUBLAS_OP_T ? a->columns : a->rows, inner = p->a == CUBLAS_OP_T ? a->rows : a->columns;
    return rows == d->rows && inner == b->rows && b->columns == d->columns && a->ld >= a->rows &&
           b->ld >= b->rows && d->ld >= d->rows;
}

static inline cublasStatus_t
cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t h, cublasLtMatmulDesc_t p, cublasLtMatrixLayout_t a,
                               cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                               cublasLtMatmulPreference_t preference, int wanted,
                               cublasLtMatmulHeuristicResult_t *result, int *count)
{
    (void)h;
    (void)c;
    (void)preference;
    if (!host_fits(p, a, b, d) || wanted < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    result->algo = (cublasLtMatmulAlgo_t){b->columns, p->a};
    *count = 1;
    return host_blas();
}

struct host_product {
    const float *a, *b;
    float *d;
    int rows, columns, inner, lda, ldb, ldd;
    bool is_turned;
};

static inline void host_multiply(void *args)
{
    const struct host_product *p = args;
    cblas_sgemm(CblasColMajor, p->is_turned ? CblasTrans : CblasNoTrans, CblasNoTrans, p->rows, p->columns,
                p->inner, 1, p->a, p->lda, p->b, p->ldb, 0, p->d, p->ldd);
}

static inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t h, cublasLtMatmulDesc_t p, const void *alpha,
                                            const void *a, cublasLtMatrixLayout_t al, const void *b,
                                            cublasLtMatrixLayout_t bl, const void *beta, const void *c,
                                            cublasLtMatrixLayout_t cl, void *d, cublasLtMatrixLayout_t dl,
                                            const cublasLtMatmulAlgo_t *algo, void *workspace, size_t bytes,
                                            cudaStream_t s)
{
    (void)h;
    (void)c;
    (void)cl;
    if (!host_fits(p, al, bl, dl) || *(const float *)alpha != 1 || *(const float *)beta != 0 ||
        algo->columns != bl->columns || algo->a != p->a || host_kind(workspace, bytes) != 2)
        return CUBLAS_STATUS_INVALID_VALUE;
    const struct host_product product = {a,        b,      d,      dl->rows, dl->columns,
                                         bl->rows, al->ld, bl->ld, dl->ld,   p->a == CUBLAS_OP_T};
    cublasStatus_t status = host_blas();
    if (status == CUBLAS_STATUS_SUCCESS)
        host_submit(s, host_multiply, NULL, 0, &product, sizeof product);
    return status;
}

#endif
