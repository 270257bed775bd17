/*
 * cuda_fake - stand-ins for CUDA, cuDNN, cuBLASLt and the kernels' launches, so that the module's host code
 * runs on any machine: device memory is memory, a stream does its work at once, kernels are walked through
 * (cuda_walk.h). What is fake has the libraries' own prototypes; conv_graph.c and conv_engine.c, which only
 * describe graphs to cuDNN, are replaced as a whole. The libraries' part is in cuda_fake_*.h.
 */
#ifndef TESTS_ENGINE_CUDA_FAKE_H
#define TESTS_ENGINE_CUDA_FAKE_H

#include "engine/cuda/module/net_internal.h"
#include "tests/engine/cuda/cuda_walk.h"
#include "tests/engine/cuda/storage_check.h"

/* How the pretended machine behaves. */
static struct fake {
    int devices, sm_major;
    size_t free_bytes;
    int allocations;   /* of device memory, ever */
    int good_calls;    /* so many more calls succeed; then the device is lost. Negative: all do */
    bool is_lost;      /* until it is reset */
    bool likes_fused;  /* the fused engine is the faster one */
    bool likes_turned; /* the way back is faster with turned weights */
    bool has_fused;    /* there are such engines at all */
    bool fused_wrong;  /* and they forget the ReLU */
    bool fused_turns;  /* and they mix up their rows */
    int deadly;        /* this engine loses the device; 0: none does */
    int open;          /* descriptors that nobody destroyed yet */

    /* Time. */
    int64_t now_us;      /* of the pretended clock: the host waits for all that the device does */
    double run_us;       /* of an engine */
    int64_t propose_us;  /* of the heuristics */
    int64_t compile_us;  /* of a plan that is compiled */
    int64_t load_us;     /* of an engine's first run */
    int proposals;       /* how often the heuristics were asked */
    int compilations;    /* plans that were compiled */
    int configs;         /* that the heuristics propose, besides the three that misbehave */
    bool is_instant;     /* engines compute nothing: only time is looked at */
    double *captured_us; /* of the graph that is being captured, or NULL */
} fake;

static void fake_reset(void)
{
    fake = (struct fake){.devices = 1,
                         .sm_major = 9,
                         .free_bytes = (size_t)450 << 20,
                         .good_calls = -1,
                         .likes_fused = true,
                         .has_fused = true,
                         .run_us = 100};
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

/* The device works for so long, now or whenever the graph is launched. */
static void fake_work(double us)
{
    if (fake.captured_us)
        *fake.captured_us += us;
    else
        fake.now_us += (int64_t)us;
}

static inline int64_t fake_clock_us(void)
{
    return fake.now_us;
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

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0;
    *greatest = -5;
    return answer();
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority)
{
    (void)flags;
    assert_int_equal(priority, -5);
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

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream)
{
    (void)stream;
    return cudaMemset(p, value, bytes);
}

/* A graph is how long it takes. Trials alone make some here, and what they compute has been looked at before. */
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    (void)stream, (void)mode;
    cudaError_t status = answer();
    if (status == cudaSuccess)
        fake.captured_us = fake_object(sizeof *fake.captured_us);
    return status;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    (void)stream;
    *graph = (void *)fake.captured_us;
    fake.captured_us = NULL;
    return answer();
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    (void)flags;
    cudaError_t status = answer();
    double *us = NULL;
    if (status == cudaSuccess) {
        us = fake_object(sizeof *us);
        *us = *(const double *)(void *)graph;
    }
    *exec = (void *)us;
    return status;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    fake_free(graph);
    return answer();
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    (void)stream;
    fake_work(*(const double *)(void *)exec);
    return answer();
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    fake_free(exec);
    return answer();
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = fake_object(sizeof(int64_t));
    return answer();
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    (void)stream;
    *(int64_t *)(void *)event = fake.now_us;
    return answer();
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    (void)event;
    return answer();
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t began, cudaEvent_t ended)
{
    *ms = (float)(*(int64_t *)(void *)ended - *(int64_t *)(void *)began) / 1000;
    return answer();
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    fake_free(event);
    return answer();
}

#endif
