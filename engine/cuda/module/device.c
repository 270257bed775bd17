/*
 * device - see device.h.
 */
#include "engine/cuda/module/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "engine/cuda/plan.h"

/* ---- The verdict ---- */

static int lose(struct cuda_device *d, const char *what, const char *text)
{
    if (!d->is_lost)
        snprintf(d->why, sizeof d->why, "%s: %s", what, text);
    d->is_lost = true;
    return -EIO;
}

int cuda_fail(struct cuda_device *d, cudaError_t status, const char *what)
{
    if (d->is_lost)
        return -EIO;
    if (status == cudaSuccess)
        return 0;
    (void)cudaGetLastError(); /* the runtime remembers it, and would blame the next launch */
    return status == cudaErrorMemoryAllocation ? -ENOMEM : lose(d, what, cudaGetErrorString(status));
}

int cuda_fail_cudnn(struct cuda_device *d, cudnnStatus_t status, const char *what)
{
    if (d->is_lost)
        return -EIO;
    if (status == CUDNN_STATUS_SUCCESS)
        return 0;
    char detail[160] = "", text[224];
    cudnnGetLastErrorString(detail, sizeof detail);
    detail[sizeof detail - 1] = '\0';
    snprintf(text, sizeof text, "%s %s", cudnnGetErrorString(status), detail);
    return status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ||
                   status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED
               ? -ENOMEM
               : lose(d, what, text);
}

int cuda_fail_blas(struct cuda_device *d, cublasStatus_t status, const char *what)
{
    if (d->is_lost)
        return -EIO;
    if (status == CUBLAS_STATUS_SUCCESS)
        return 0;
    return status == CUBLAS_STATUS_ALLOC_FAILED ? -ENOMEM : lose(d, what, cublasLtGetStatusString(status));
}

int cuda_launched(struct cuda_device *d, const char *what)
{
    return cuda_fail(d, cudaGetLastError(), what);
}

int cuda_lost(const struct cuda_device *d, struct error *e)
{
    return error_set(e, EIO, "backend cuda: GPU %d (%s): %s", d->ordinal, d->name,
                     d->is_lost ? d->why : "no answer");
}

/* ---- Looking ---- */

static int no_device(cudaError_t status, struct error *e)
{
    if (status == cudaErrorInsufficientDriver)
        return error_set(e, ENODEV, "backend cuda: no NVIDIA driver, or one that is too old for CUDA %d.%d",
                         CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    if (status == cudaErrorNoDevice)
        return error_set(e, ENODEV, "backend cuda: no NVIDIA GPU");
    return error_set(e, ENODEV, "backend cuda: no usable NVIDIA GPU (%s)", cudaGetErrorString(status));
}

/* Name and capability of a device. The attributes, unlike the whole of cudaDeviceProp, are the same in every
 * version of CUDA. */
static int look(struct cuda_device *d, int ordinal, struct error *e)
{
    int count = 0, major = 0, minor = 0;
    cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
        (void)cudaGetLastError();
        return no_device(status, e);
    }
    if (ordinal < 0 || ordinal >= count)
        return error_set(e, ENODEV, "backend cuda: dream.device %d: there %s %d GPU%s, counted from 0",
                         ordinal, count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
    struct cudaDeviceProp properties;
    status = cudaGetDeviceProperties(&properties, ordinal);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ordinal);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, ordinal);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&d->multiprocessors, cudaDevAttrMultiProcessorCount, ordinal);
    if (status != cudaSuccess) {
        (void)cudaGetLastError();
        return error_set(e, ENODEV, "backend cuda: GPU %d: %s", ordinal, cudaGetErrorString(status));
    }
    d->ordinal = ordinal;
    d->sm = 10 * major + minor;
    snprintf(d->name, sizeof d->name, "%.*s", (int)sizeof d->name - 1, properties.name);
    if (d->sm < CUDA_SM_LEAST)
        return error_set(e, ENOTSUP,
                         "backend cuda: GPU %d (%s): compute capability %d.%d; %d.%d is the least", ordinal,
                         d->name, major, minor, CUDA_SM_LEAST / 10, CUDA_SM_LEAST % 10);
    return 0;
}

int cuda_probe(int ordinal, struct error *e)
{
    struct cuda_device d = {0};
    return look(&d, ordinal, e);
}

/* ---- Opening, closing ---- */

static int open_handles(struct cuda_device *d)
{
    int rc = cuda_fail(d, cudaSetDevice(d->ordinal), "cudaSetDevice");
    /* Waiting must not burn a core: the encoder wants it. Refused where the context is there already. */
    if (rc == 0 && cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync) != cudaSuccess)
        (void)cudaGetLastError();
    int least = 0, greatest = 0; /* what goes beside the stream must not hold it up */
    if (rc == 0)
        rc = cuda_fail(d, cudaDeviceGetStreamPriorityRange(&least, &greatest), "cudaStreamCreate");
    if (rc == 0)
        rc = cuda_fail(d, cudaStreamCreateWithPriority(&d->stream, cudaStreamNonBlocking, greatest),
                       "cudaStreamCreate");
    if (rc == 0)
        rc = cuda_fail_cudnn(d, cudnnCreate(&d->cudnn), "cudnnCreate");
    if (rc == 0)
        rc = cuda_fail_cudnn(d, cudnnSetStream(d->cudnn, d->stream), "cudnnSetStream");
    if (rc == 0)
        rc = cuda_fail_blas(d, cublasLtCreate(&d->blas), "cublasLtCreate");
    if (rc == 0)
        rc = cuda_fail(d, cudaMemGetInfo(&d->free_bytes, &d->total_bytes), "cudaMemGetInfo");
    return rc;
}

int cuda_device_open(struct cuda_device *d, int ordinal, struct error *e)
{
    memset(d, 0, sizeof *d);
    d->opened_us = clock_real_us();
    int rc = look(d, ordinal, e);
    if (rc < 0) {
        memset(d, 0, sizeof *d);
        return rc;
    }
    rc = open_handles(d);
    if (rc == -ENOMEM)
        error_set(e, ENOMEM, "backend cuda: GPU %d (%s): no memory left for the CUDA libraries", ordinal,
                  d->name);
    else if (rc < 0)
        cuda_lost(d, e);
    if (rc < 0)
        cuda_device_close(d);
    return rc;
}

void cuda_device_close(struct cuda_device *d)
{
    if (d->sm == 0)
        return;
    (void)cudaSetDevice(d->ordinal);
    if (d->stream && !d->is_lost)
        (void)cudaStreamSynchronize(d->stream);
    if (d->blas)
        (void)cublasLtDestroy(d->blas);
    if (d->cudnn)
        (void)cudnnDestroy(d->cudnn);
    if (d->stream)
        (void)cudaStreamDestroy(d->stream);
    (void)cudaFree(d->arena);
    if (d->is_lost)
        (void)cudaDeviceReset();
    (void)cudaGetLastError();
    memset(d, 0, sizeof *d);
}

int cuda_device_enter(struct cuda_device *d)
{
    return cuda_fail(d, cudaSetDevice(d->ordinal), "cudaSetDevice");
}

int cuda_device_wait(struct cuda_device *d)
{
    return cuda_fail(d, cudaStreamSynchronize(d->stream), "cudaStreamSynchronize");
}

/* ---- The arena ---- */

int cuda_arena_open(struct cuda_device *d, size_t bytes, struct error *e)
{
    void *p = NULL;
    int rc = cuda_fail(d, cudaMalloc(&p, bytes), "cudaMalloc");
    if (rc == -ENOMEM)
        return error_set(
            e, ENOMEM,
            "backend cuda: GPU %d (%s): no memory for %zu MB; ask for a smaller picture (dream.size)",
            d->ordinal, d->name, bytes >> 20);
    if (rc < 0)
        return cuda_lost(d, e);
    d->arena = p;
    d->arena_bytes = bytes;
    d->arena_used = 0;
    return 0;
}

void *cuda_carve(struct cuda_device *d, size_t bytes)
{
    size_t size = cuda_arena_size(bytes);
    if (!d->arena || size > d->arena_bytes - d->arena_used)
        return NULL;
    void *p = d->arena + d->arena_used;
    d->arena_used += size;
    return p;
}
