/*
 * pool - see pool.h. Workers spin a moment before they sleep: the engine calls pool_run hundreds of times a
 * second with gaps of microseconds, and a wake-up through the kernel costs more than the gap. The spin is
 * short because the encoder wants the core too.
 *
 * A job is over when its items are done, not when every worker has looked at it: on a busy machine a worker
 * may be without a core for milliseconds, and nobody waits for one that has taken nothing. So a late worker
 * can meet the next job at any moment, and claims must not mix jobs up: generation, count and next item live
 * in one atomic word, an item is claimed by compare-and-swap on it, and fn and context are read only after a
 * claim, which keeps the job from ending.
 */
#include "common/pool.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/thread.h"

enum { SPINS = 2000 };

struct worker {
    struct pool *pool;
    struct thread thread;
    int index;      /* 1..threads-1; 0 is the caller */
    atomic_int tid; /* the kernel's number of the thread; 0: not yet running */
};

struct pool {
    int threads;            /* immutable after open */
    struct worker *workers; /* immutable after open; [threads - 1] */
    pthread_mutex_t lock;   /* guards the sleeping on `wake` and `finished` */
    pthread_cond_t wake, finished;

    /* A job: written by the caller while no item is open, read by workers that hold a claim. */
    pool_fn *fn;
    void *context;
    int base;                /* item number of the job's item 0 */
    _Atomic uint64_t ticket; /* generation, count, next item: see pack() */
    atomic_int done;         /* items finished in this job */
    atomic_bool quit;
};

enum { ITEM_BITS = 20, ITEMS_MAX = (1 << ITEM_BITS) - 1 };

static uint64_t pack(uint64_t generation, int count)
{
    return generation << (2 * ITEM_BITS) | (uint64_t)count << ITEM_BITS;
}

static uint64_t generation_of(uint64_t ticket)
{
    return ticket >> (2 * ITEM_BITS);
}

/* Takes the next item of the job that is on. -1: all are taken. */
static int claim(struct pool *p, int *count)
{
    uint64_t t = atomic_load(&p->ticket);
    for (;;) {
        int next = (int)(t & ITEMS_MAX);
        *count = (int)(t >> ITEM_BITS & ITEMS_MAX);
        if (next >= *count)
            return -1;
        if (atomic_compare_exchange_weak(&p->ticket, &t, t + 1))
            return next;
    }
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void work(struct pool *p, int worker)
{
    for (int count, i; (i = claim(p, &count)) >= 0;) {
        p->fn(p->context, p->base + i, worker);
        if (atomic_fetch_add(&p->done, 1) + 1 == count) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->finished);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static uint64_t wait_for_job(struct pool *p, uint64_t seen)
{
    uint64_t now;
    for (int i = 0; i < SPINS; i++) {
        if ((now = generation_of(atomic_load(&p->ticket))) != seen)
            return now;
        cpu_relax();
    }
    pthread_mutex_lock(&p->lock);
    while ((now = generation_of(atomic_load(&p->ticket))) == seen)
        pthread_cond_wait(&p->wake, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return now;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    uint64_t seen = 0;
    atomic_store(&w->tid, (int)gettid());
    for (;;) {
        seen = wait_for_job(p, seen);
        if (atomic_load(&p->quit))
            return NULL;
        work(p, w->index);
    }
}

/* Opens a job of `count` items (0: only wakes everybody). */
static void announce(struct pool *p, int count)
{
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->ticket, pack(generation_of(atomic_load(&p->ticket)) + 1, count));
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

int pool_open(struct pool **pool, int threads)
{
    *pool = NULL;
    if (threads < 1)
        return -EINVAL;
    struct pool *p = xcalloc(1, sizeof *p);
    p->threads = threads;
    p->workers = xcalloc((size_t)threads, sizeof *p->workers);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->finished, NULL);
    for (int i = 0; i < threads - 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "pool-%d", i + 1);
        p->workers[i] = (struct worker){.pool = p, .index = i + 1};
        int rc = thread_start(&p->workers[i].thread, name, worker_main, &p->workers[i]);
        if (rc < 0) {
            pool_close(&p);
            return rc;
        }
    }
    *pool = p;
    return 0;
}

void pool_close(struct pool **pool)
{
    struct pool *p = *pool;
    if (!p)
        return;
    atomic_store(&p->quit, true);
    announce(p, 0);
    for (int i = 0; i < p->threads - 1; i++)
        thread_join(&p->workers[i].thread);
    pthread_cond_destroy(&p->finished);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
    *pool = NULL;
}

int pool_threads(const struct pool *pool)
{
    return pool->threads;
}

void pool_lower_priority(struct pool *p)
{
    for (int i = 0; i < p->threads - 1; i++) {
        struct worker *w = &p->workers[i];
        while (atomic_load(&w->tid) == 0)
            sched_yield();
        thread_lower_priority(atomic_load(&w->tid));
    }
}

static void run_job(struct pool *p, int count)
{
    atomic_store(&p->done, 0);
    announce(p, count);
    work(p, 0);
    for (int i = 0; i < SPINS && atomic_load(&p->done) < count; i++)
        cpu_relax();
    if (atomic_load(&p->done) == count)
        return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->done) < count)
        pthread_cond_wait(&p->finished, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void pool_run(struct pool *p, pool_fn *fn, void *context, int count)
{
    if (p->threads == 1 || count <= 1) {
        for (int i = 0; i < count; i++)
            fn(context, i, 0);
        return;
    }
    p->fn = fn;
    p->context = context;
    for (p->base = 0; p->base < count; p->base += ITEMS_MAX)
        run_job(p, count - p->base < ITEMS_MAX ? count - p->base : ITEMS_MAX);
}
