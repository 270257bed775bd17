/*
 * host_block - a kernel on the CPU: its blocks one after the other, the threads of a block as coroutines that give
 * way at barriers; see cuda_runtime_api.h.
 */
#ifndef CUDA_ON_HOST_BLOCK_H
#define CUDA_ON_HOST_BLOCK_H

#include <stdbool.h>

/* Sanitizers do not follow a change of stacks; with them a block has one thread. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HOST_COROUTINES
#include <ucontext.h>
#endif

enum { HOST_THREADS_MAX = 32, HOST_STACK_BYTES = 64 << 10 };
static int host_threads = 1;
static bool host_is_reversed;
static struct {
    unsigned x;
} blockIdx, blockDim, gridDim, threadIdx;

#ifdef HOST_COROUTINES
static bool host_is_divergent; /* not all threads of a block came to a barrier */
static struct {
    ucontext_t scheduler, threads[HOST_THREADS_MAX];
    bool is_done[HOST_THREADS_MAX];
    void (*kernel)(const void *args);
    const void *args;
} host_block;

static inline void host_barrier(void)
{
    unsigned me = threadIdx.x;
    if (host_threads > 1)
        swapcontext(&host_block.threads[me], &host_block.scheduler);
}

static inline void host_thread(void)
{
    host_block.kernel(host_block.args);
    host_block.is_done[threadIdx.x] = true;
}

/* One block whose threads are coroutines. */
static inline void host_run_block(void)
{
    static char stacks[HOST_THREADS_MAX][HOST_STACK_BYTES];
    int done = 0;
    for (int t = 0; t < host_threads; t++) {
        host_block.is_done[t] = false;
        getcontext(&host_block.threads[t]);
        host_block.threads[t].uc_stack.ss_sp = stacks[t];
        host_block.threads[t].uc_stack.ss_size = HOST_STACK_BYTES;
        host_block.threads[t].uc_link = &host_block.scheduler;
        makecontext(&host_block.threads[t], host_thread, 0);
    }
    while (done == 0) { /* to the next barrier; all end between the same two */
        for (int i = 0; i < host_threads; i++) {
            threadIdx.x = (unsigned)(host_is_reversed ? host_threads - 1 - i : i);
            swapcontext(&host_block.scheduler, &host_block.threads[threadIdx.x]);
            done += host_block.is_done[threadIdx.x];
        }
        host_is_divergent |= done != 0 && done != host_threads;
    }
}
#else
static inline void host_barrier(void)
{
}
#endif

static inline void host_run_kernel(void (*kernel)(const void *args), int blocks, const void *args)
{
#ifdef HOST_COROUTINES
    host_block.kernel = kernel;
    host_block.args = args;
#endif
    blockDim.x = (unsigned)host_threads;
    gridDim.x = (unsigned)blocks;
    for (int i = 0; i < blocks; i++) {
        blockIdx.x = (unsigned)(host_is_reversed ? blocks - 1 - i : i);
        threadIdx.x = 0;
        if (host_threads == 1)
            kernel(args);
#ifdef HOST_COROUTINES
        else
            host_run_block();
#endif
    }
}

#endif
