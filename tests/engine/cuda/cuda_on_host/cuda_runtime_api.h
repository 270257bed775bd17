/*
 * cuda_on_host - as much of the CUDA runtime as the picture's half of the GPU module uses, played on the CPU,
 * so that its kernels and its order of work can be tested where there is no GPU. Stands in front of the real
 * headers in the include path of one test, which is one translation unit: everything here is static.
 *
 * What it is strict about, because mistakes there are the ones that only show on a device:
 *  - a stream does nothing until somebody waits for it (the queue runs at synchronisation), so memory that
 *    the host changes too early, or reads too soon, is seen changed;
 *  - copies from and to pageable memory wait for the stream, and are refused while it is captured, as are
 *    waiting, allocating and copying without a stream;
 *  - a graph keeps the arguments that kernels were captured with; what changes must lie in device memory;
 *  - a kernel runs block by block with host_threads threads. With more than one, each is a coroutine that
 *    gives way at __syncthreads, in rising order or (host_is_reversed) falling; a barrier that not all
 *    threads reach is a failure.
 * host_fail_at counts calls: the one that brings it to 0 reports an error, sticky when host_is_sticky.
 */
#ifndef CUDA_ON_HOST_RUNTIME_H
#define CUDA_ON_HOST_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_block.h"

#define CUDART_VERSION  13000
#define DEVICE_FN       static inline
#define __shared__      static
#define __syncthreads() host_barrier()
#define KERNEL(name, args)                                                                                   \
    static void name##_body(const args a);                                                                   \
    static void name(const void *p)                                                                          \
    {                                                                                                        \
        name##_body(*(const args *)p);                                                                       \
    }                                                                                                        \
    static void name##_body(const args a)
#define LAUNCH(name, blocks, args, stream) host_launch(name, blocks, &(args), sizeof(args), stream)

typedef enum {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorIllegalAddress = 700,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorUnknown = 999
} cudaError_t;

enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum {
    cudaHostAllocDefault,
    cudaEventDisableTiming = 2,
    cudaEventBlockingSync = 1,
    cudaStreamNonBlocking = 1
};
enum { cudaDeviceScheduleBlockingSync = 4 };
typedef enum { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal } cudaStreamCaptureMode;
enum cudaDeviceAttr {
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76
};
struct cudaDeviceProp {
    char name[256];
};

/* ---- Errors ---- */

static int host_fail_at; /* 0: never */
static bool host_is_sticky, host_is_broken;
static cudaError_t host_fail_with = cudaErrorIllegalAddress, host_last;
static int host_calls;

/* Counts a call; not cudaSuccess: it fails. */
static inline cudaError_t host_call(void)
{
    host_calls++;
    if (host_is_broken || (host_fail_at > 0 && --host_fail_at == 0)) {
        host_is_broken = host_is_sticky;
        host_last = host_fail_with;
        return host_fail_with;
    }
    return cudaSuccess;
}

static inline cudaError_t host_error(cudaError_t status)
{
    host_last = status;
    return status;
}

static inline cudaError_t cudaGetLastError(void)
{
    cudaError_t last = host_last;
    host_last = host_is_broken ? host_fail_with : cudaSuccess;
    return last;
}

static inline const char *cudaGetErrorString(cudaError_t status)
{
    return status == cudaSuccess                 ? "no error"
           : status == cudaErrorMemoryAllocation ? "out of memory"
                                                 : "fault";
}

/* ---- The queue ---- */

struct host_op {
    struct host_op *next;
    void (*run)(void *args);
    void (*kernel)(const void *args); /* instead of run */
    int blocks;
    size_t bytes;
    char args[];
};

struct host_list {
    struct host_op *first, **last;
};

typedef struct host_stream {
    struct host_list queue, captured;
    bool is_capturing, is_spoiled;
    struct host_stream *joined; /* to whose capture: it waited for an event of that one */
    bool is_out;                /* and has not been waited for yet */
} * cudaStream_t;
typedef struct host_list *cudaGraph_t, *cudaGraphExec_t;
typedef struct host_event {
    long records, done;
    cudaStream_t stream; /* of its last record */
} * cudaEvent_t;

static bool host_refuses_capture;
static cudaStream_t host_capturing; /* the stream that is captured, or NULL */
static cudaStream_t host_out;       /* one that forked from it and must come back */

static inline void host_append(struct host_list *l, const struct host_op *from)
{
    struct host_op *op = malloc(sizeof *op + from->bytes);
    memcpy(op, from, sizeof *op + from->bytes);
    op->next = NULL;
    if (!l->first)
        l->last = &l->first;
    *l->last = op;
    l->last = &op->next;
}

static inline void host_clear(struct host_list *l)
{
    for (struct host_op *op = l->first, *next; op; op = next) {
        next = op->next;
        free(op);
    }
    l->first = NULL;
}

static inline bool host_is_captured(cudaStream_t s)
{
    return host_capturing && (s == host_capturing || s->joined == host_capturing);
}

static inline void host_submit(cudaStream_t s, void (*run)(void *), void (*kernel)(const void *), int blocks,
                               const void *args, size_t bytes)
{
    struct host_op *op = calloc(1, sizeof *op + bytes);
    op->run = run;
    op->kernel = kernel;
    op->blocks = blocks;
    op->bytes = bytes;
    memcpy(op->args, args, bytes);
    cudaStream_t to = host_is_captured(s) ? host_capturing : s;
    host_append(to->is_capturing ? &to->captured : &to->queue, op);
    free(op);
}

static inline void host_run_one(cudaStream_t s)
{
    struct host_op *op = s->queue.first;
    s->queue.first = op->next;
    if (op->kernel)
        host_run_kernel(op->kernel, op->blocks, op->args);
    else
        op->run(op->args);
    free(op);
}

static inline void host_run_queue(cudaStream_t s)
{
    while (s && s->queue.first)
        host_run_one(s);
}

/* What waits, allocates or copies pageable memory may not happen in a capture. */
static inline bool host_spoils(void)
{
    if (host_capturing)
        host_capturing->is_spoiled = true;
    return host_capturing != NULL;
}

static inline cudaError_t host_launch(void (*kernel)(const void *), int blocks, const void *args,
                                      size_t bytes, cudaStream_t s)
{
    cudaError_t status = host_call();
    if (status == cudaSuccess)
        host_submit(s, NULL, kernel, blocks, args, bytes);
    return status;
}

static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
    (void)flags;
    cudaError_t status = host_call();
    if (status == cudaSuccess)
        *s = calloc(1, sizeof **s);
    return status;
}

static inline cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0;
    *greatest = -5;
    return host_call();
}

static inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t *s, unsigned flags, int priority)
{
    (void)priority;
    return cudaStreamCreateWithFlags(s, flags);
}

static inline cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    if (host_spoils())
        return host_error(cudaErrorStreamCaptureUnsupported);
    cudaError_t status = host_call();
    if (status == cudaSuccess)
        host_run_queue(s);
    return status;
}

static inline cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    host_clear(&s->queue);
    host_clear(&s->captured);
    host_capturing = host_capturing == s ? NULL : host_capturing;
    free(s);
    return cudaSuccess;
}

/* ---- Events ---- */

static inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags)
{
    (void)flags;
    cudaError_t status = host_call();
    if (status == cudaSuccess)
        *e = calloc(1, sizeof **e);
    return status;
}

static inline cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    free(e);
    return cudaSuccess;
}

static inline void host_event_done(void *args)
{
    (*(cudaEvent_t *)args)->done++;
}

static inline cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    cudaError_t status = host_call();
    if (status != cudaSuccess)
        return status;
    e->stream = s;
    if (host_is_captured(s)) /* an edge of the graph, nothing to wait for */
        return cudaSuccess;
    e->records++;
    host_submit(s, host_event_done, NULL, 0, &e, sizeof e);
    return cudaSuccess;
}

static inline cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    if (host_spoils())
        return host_error(cudaErrorStreamCaptureUnsupported);
    cudaError_t status = host_call();
    while (status == cudaSuccess && e->done < e->records) /* no further than it must */
        host_run_one(e->stream);
    return status;
}

struct host_wait {
    cudaEvent_t event;
    long records;
};

static inline void host_wait_now(void *args)
{
    const struct host_wait *w = args;
    while (w->event->done < w->records)
        host_run_one(w->event->stream);
}

/* In a capture everything is in one row, which is one of the orders that the edges allow. */
static inline cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags)
{
    (void)flags;
    cudaError_t status = host_call();
    const struct host_wait w = {e, e->records};
    if (status != cudaSuccess)
        return status;
    if (!host_capturing) {
        host_submit(s, host_wait_now, NULL, 0, &w, sizeof w);
    } else if (s == host_capturing) {
        e->stream->is_out = false;
    } else if (e->stream == host_capturing) {
        s->joined = host_capturing;
        s->is_out = true;
    }
    if (host_capturing)
        host_out = s == host_capturing ? NULL : s;
    return cudaSuccess;
}

/* ---- Memory ---- */

enum { HOST_PIECES_MAX = 200, HOST_DIRTY_BYTES = 24 << 20 };
static struct {
    char *at;
    size_t bytes;
    bool is_pinned;
} host_memory[HOST_PIECES_MAX];
static size_t host_device_bytes; /* taken */
static size_t host_memory_limit = (size_t)8 << 30;

static inline cudaError_t host_take(void **p, size_t bytes, bool is_pinned)
{
    if (host_spoils())
        return host_error(cudaErrorStreamCaptureUnsupported);
    cudaError_t status = host_call();
    if (status == cudaSuccess && bytes > host_memory_limit)
        status = host_error(cudaErrorMemoryAllocation);
    if (status != cudaSuccess)
        return status;
    int i = 0;
    while (i < HOST_PIECES_MAX - 1 && host_memory[i].at)
        i++;
    host_memory[i].at = *p = aligned_alloc(256, (bytes + 255) / 256 * 256);
    size_t dirty =
        bytes < HOST_DIRTY_BYTES ? bytes : HOST_DIRTY_BYTES; /* nobody cleared it; all takes time */
    memset((char *)*p + bytes - dirty, 0xcc, dirty);
    host_memory[i].bytes = bytes;
    host_memory[i].is_pinned = is_pinned;
    host_device_bytes += is_pinned ? 0 : bytes;
    return cudaSuccess;
}

static inline cudaError_t host_give(void *p)
{
    for (int i = 0; p && i < HOST_PIECES_MAX; i++)
        if (host_memory[i].at == p) {
            host_device_bytes -= host_memory[i].is_pinned ? 0 : host_memory[i].bytes;
            host_memory[i].at = NULL;
        }
    free(p);
    return cudaSuccess;
}

/* 0 pageable, 1 pinned, 2 the device's; all of it, or it is pageable. */
static inline int host_kind(const void *p, size_t bytes)
{
    for (int i = 0; i < HOST_PIECES_MAX; i++)
        if (host_memory[i].at && (const char *)p >= host_memory[i].at &&
            (const char *)p + bytes <= host_memory[i].at + host_memory[i].bytes)
            return host_memory[i].is_pinned ? 1 : 2;
    return 0;
}

static inline cudaError_t cudaMalloc(void **p, size_t bytes)
{
    return host_take(p, bytes, false);
}

static inline cudaError_t cudaFree(void *p)
{
    return host_give(p);
}

static inline cudaError_t cudaHostAlloc(void *p, size_t bytes, unsigned flags)
{
    (void)flags;
    return host_take(p, bytes, true);
}

static inline cudaError_t cudaFreeHost(void *p)
{
    return host_give(p);
}

static inline cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    *available = *total = host_memory_limit;
    return host_call();
}

struct host_copy {
    void *to;
    const void *from;
    size_t bytes;
};

static inline void host_copy_now(void *args)
{
    const struct host_copy *c = args;
    memcpy(c->to, c->from, c->bytes);
}

static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                                          cudaStream_t s)
{
    cudaError_t status = host_call();
    const struct host_copy c = {to, from, bytes};
    int to_kind = host_kind(to, bytes), from_kind = host_kind(from, bytes);
    if (status != cudaSuccess)
        return status;
    if ((to_kind == 2) != (kind != cudaMemcpyDeviceToHost) ||
        (from_kind == 2) != (kind != cudaMemcpyHostToDevice))
        return host_error(cudaErrorInvalidValue);
    if (to_kind > 0 && from_kind > 0) {
        host_submit(s, host_copy_now, NULL, 0, &c, sizeof c);
        return cudaSuccess;
    }
    if (host_spoils())
        return host_error(cudaErrorStreamCaptureUnsupported);
    host_run_queue(s);
    memcpy(to, from, bytes);
    return cudaSuccess;
}

struct host_fill {
    void *to;
    int value;
    size_t bytes;
};

static inline void host_fill_now(void *args)
{
    const struct host_fill *f = args;
    memset(f->to, f->value, f->bytes);
}

static inline cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t s)
{
    cudaError_t status = host_call();
    const struct host_fill f = {to, value, bytes};
    if (status != cudaSuccess)
        return status;
    if (host_kind(to, bytes) != 2)
        return host_error(cudaErrorInvalidValue);
    host_submit(s, host_fill_now, NULL, 0, &f, sizeof f);
    return cudaSuccess;
}

/* ---- Graphs ---- */

static int host_graphs, host_replays;

static inline cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode)
{
    (void)mode;
    cudaError_t status = host_call();
    if (status == cudaSuccess) {
        host_capturing = s;
        s->is_capturing = true;
        s->is_spoiled = host_refuses_capture;
    }
    return status;
}

static inline cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g)
{
    cudaError_t status = host_call();
    s->is_spoiled = s->is_spoiled || (host_out && host_out->is_out);
    host_capturing = host_out = NULL;
    s->is_capturing = false;
    if (s->is_spoiled || status != cudaSuccess) {
        host_clear(&s->captured);
        *g = NULL;
        return host_error(status == cudaSuccess ? cudaErrorStreamCaptureUnsupported : status);
    }
    *g = malloc(sizeof **g);
    **g = s->captured;
    s->captured.first = NULL;
    host_graphs++;
    return cudaSuccess;
}

static inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t *x, cudaGraph_t g, unsigned long long flags)
{
    (void)flags;
    cudaError_t status = host_call();
    if (status != cudaSuccess)
        return status;
    *x = calloc(1, sizeof **x);
    for (struct host_op *op = g->first; op; op = op->next)
        host_append(*x, op);
    return cudaSuccess;
}

static inline cudaError_t cudaGraphDestroy(cudaGraph_t g)
{
    host_clear(g);
    free(g);
    return cudaSuccess;
}

static inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t x)
{
    return cudaGraphDestroy(x);
}

static inline cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s)
{
    cudaError_t status = host_call();
    for (struct host_op *op = x->first; op && status == cudaSuccess; op = op->next)
        host_append(&s->queue, op);
    host_replays++;
    return status;
}

/* ---- The device ---- */

static inline cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return host_call();
}

static inline cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int ordinal)
{
    (void)ordinal;
    snprintf(p->name, sizeof p->name, "CPU");
    return host_call();
}

static inline cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr which, int ordinal)
{
    (void)ordinal;
    *value = which == cudaDevAttrComputeCapabilityMajor   ? 9
             : which == cudaDevAttrComputeCapabilityMinor ? 0
                                                          : 4;
    return host_call();
}

static inline cudaError_t cudaSetDevice(int ordinal)
{
    (void)ordinal;
    return host_call();
}

static inline cudaError_t cudaSetDeviceFlags(unsigned flags)
{
    (void)flags;
    return cudaSuccess;
}

static inline cudaError_t cudaDeviceReset(void)
{
    host_is_broken = false;
    return cudaSuccess;
}

#endif
