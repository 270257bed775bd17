/*
 * device - one CUDA device as the module uses it: a stream, the library handles, one arena, one verdict.
 *
 * Everything that a backend does is ordered on one stream (the prior's part of a step goes beside it, and comes
 * back before the step ends). All of its memory is one allocation, taken after
 * the whole has been planned (engine/cuda/plan.h) and carved up from front to back: nothing is
 * allocated later, so a show that has begun cannot run out of memory.
 *
 * Errors: no memory is -ENOMEM and harmless. Everything else that CUDA, cuDNN or cuBLAS report leaves the
 * device lost: the first cause is kept in `why`, and from then on every check answers -EIO at once. A lost
 * device is closed and may then be opened anew.
 *
 * The current device belongs to a thread: every operation of the backend begins with cuda_device_enter.
 * For C and C++ (.cu files include it for their launchers).
 */
#ifndef ENGINE_CUDA_MODULE_DEVICE_H
#define ENGINE_CUDA_MODULE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include "common/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CUDA_SM_LEAST = 75 };

struct cuda_device {
    int ordinal;
    char name[96]; /* "NVIDIA H200" */
    int sm;        /* compute capability, 90 for 9.0 */
    int multiprocessors;
    size_t total_bytes, free_bytes; /* free: when it was opened, before anything was taken */
    cudaStream_t stream;
    cudnnHandle_t cudnn; /* bound to the stream */
    cublasLtHandle_t blas;
    uint8_t *arena; /* device memory */
    size_t arena_bytes, arena_used;
    int64_t opened_us; /* clock_real_us, before anything was done */
    bool is_lost;
    char why[256]; /* the first error */
};

/* Is there such a device, and can this program use it? 0; -ENODEV: no driver, no such device; -ENOTSUP: too
 * old. With a line. Leaves no context behind on the device. */
int cuda_probe(int ordinal, struct error *e);

/* Makes it this thread's device and creates stream and handles. 0, -ENODEV, -ENOTSUP, -ENOMEM or -EIO with a
 * line; what was begun has been taken down then. */
int cuda_device_open(struct cuda_device *d, int ordinal, struct error *e);

/* Waits for what is under way (unless lost) and gives back everything, the arena too. A lost device is
 * reset: whatever else this process has on it is gone. Takes one that is zeroed or was never opened. */
void cuda_device_close(struct cuda_device *d);

/* This thread works on the device from here on. 0 or -EIO. */
int cuda_device_enter(struct cuda_device *d);

/* Waits for the stream. 0 or -EIO. */
int cuda_device_wait(struct cuda_device *d);

/* What a call said: 0, -ENOMEM or -EIO. `what` names the call for `why`: "pool forward". On a lost device
 * always -EIO. */
int cuda_fail(struct cuda_device *d, cudaError_t status, const char *what);
int cuda_fail_cudnn(struct cuda_device *d, cudnnStatus_t status, const char *what);
int cuda_fail_blas(struct cuda_device *d, cublasStatus_t status, const char *what);

/* Behind a kernel launch: did it start? 0 or -EIO. Clears nothing that is not ours to clear. */
int cuda_launched(struct cuda_device *d, const char *what);

/* The device's verdict as a line for people; returns -EIO. */
int cuda_lost(const struct cuda_device *d, struct error *e);

/* One allocation for everything. 0, -ENOMEM with a line, -EIO. Once per device. */
int cuda_arena_open(struct cuda_device *d, size_t bytes, struct error *e);

/* The next piece, aligned to CUDA_ALIGN (engine/cuda/plan.h says what it takes), not zeroed; NULL
 * when the plan was too small, which is a defect. */
void *cuda_carve(struct cuda_device *d, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
