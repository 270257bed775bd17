/*
 * pool - see pool.h. Workers spin a moment before they sleep: the engine calls pool_run hundreds of times a
 * second with gaps of microseconds, and a wake-up through the kernel costs more than the gap. The spin is
 * short because the encoder wants the core too.
 */
#include "common/pool.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/thread.h"

enum { SPINS = 2000 };

struct worker {
    struct pool *pool;
    struct thread thread;
    int index; /* 1..threads-1; 0 is the caller */
};

struct pool {
    int threads;            /* immutable after open */
    struct worker *workers; /* immutable after open; [threads - 1] */
    pthread_mutex_t lock;   /* guards the sleeping on `wake` and `done` */
    pthread_cond_t wake, done;

    /* A job: written by the caller before `generation` moves on, read by workers after they saw it move. */
    pool_fn *fn;
    void *context;
    int count;
    atomic_int next;        /* the next item to hand out */
    atomic_int busy;        /* workers that have not finished this generation */
    atomic_uint generation; /* one per job */
    atomic_bool quit;
};

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
    for (int i; (i = atomic_fetch_add(&p->next, 1)) < p->count;)
        p->fn(p->context, i, worker);
}

static unsigned wait_for_job(struct pool *p, unsigned seen)
{
    unsigned now;
    for (int i = 0; i < SPINS; i++) {
        if ((now = atomic_load(&p->generation)) != seen)
            return now;
        cpu_relax();
    }
    pthread_mutex_lock(&p->lock);
    while ((now = atomic_load(&p->generation)) == seen)
        pthread_cond_wait(&p->wake, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return now;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_job(p, seen);
        if (atomic_load(&p->quit))
            return NULL;
        work(p, w->index);
        if (atomic_fetch_sub(&p->busy, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void announce(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->generation, 1);
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
    pthread_cond_init(&p->done, NULL);
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
    announce(p);
    for (int i = 0; i < p->threads - 1; i++)
        thread_join(&p->workers[i].thread);
    pthread_cond_destroy(&p->done);
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

void pool_run(struct pool *p, pool_fn *fn, void *context, int count)
{
    p->fn = fn;
    p->context = context;
    p->count = count;
    atomic_store(&p->next, 0);
    if (p->threads == 1 || count <= 1) {
        work(p, 0);
        return;
    }
    atomic_store(&p->busy, p->threads - 1);
    announce(p);
    work(p, 0);
    for (int i = 0; i < SPINS && atomic_load(&p->busy) > 0; i++)
        cpu_relax();
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->busy) > 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
