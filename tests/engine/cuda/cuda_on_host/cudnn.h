/*
 * cuda_on_host - the handle of cuDNN, which the picture's half does not use; see cuda_runtime_api.h.
 */
#ifndef CUDA_ON_HOST_CUDNN_H
#define CUDA_ON_HOST_CUDNN_H

#include <cuda_runtime_api.h>

#define CUDNN_MAJOR 9
typedef enum {
    CUDNN_STATUS_SUCCESS,
    CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED = 4002,
    CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED = 4003
} cudnnStatus_t;
typedef int *cudnnHandle_t;

static inline cudnnStatus_t cudnnCreate(cudnnHandle_t *h)
{
    *h = calloc(1, sizeof **h);
    return CUDNN_STATUS_SUCCESS;
}

static inline cudnnStatus_t cudnnDestroy(cudnnHandle_t h)
{
    free(h);
    return CUDNN_STATUS_SUCCESS;
}

static inline cudnnStatus_t cudnnSetStream(cudnnHandle_t h, cudaStream_t s)
{
    (void)h;
    (void)s;
    return CUDNN_STATUS_SUCCESS;
}

static inline const char *cudnnGetErrorString(cudnnStatus_t s)
{
    (void)s;
    return "fault";
}

static inline void cudnnGetLastErrorString(char *text, size_t bytes)
{
    snprintf(text, bytes, "fault");
}

#endif
