/*
 * cuda_fake_blas - cuBLASLt of the pretended machine: any product, in double precision.
 */
#ifndef TESTS_ENGINE_CUDA_FAKE_BLAS_H
#define TESTS_ENGINE_CUDA_FAKE_BLAS_H

#include "tests/engine/cuda/cuda_fake.h"

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

#endif
