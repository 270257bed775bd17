/*
 * thread - named threads that are always joined, condition variables on the monotonic clock, and
 * the stop flag.
 *
 * What holds everywhere in the program: no detached threads; locks are leaf (nothing is called under a lock
 * that takes another); calls go down, wake-ups go up. Signals are blocked in every thread that is started
 * here, so their handlers run on the main thread or on one that a library has started.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct thread {
    pthread_t id;
    bool running; /* started and not yet joined; owner's thread only */
};

/* Starts fn(arg) under `name` (at most 15 bytes, shown by top -H). 0 or -errno; on failure `t`
 * is not running. */
int thread_start(struct thread *t, const char *name, void *(*fn)(void *), void *arg);

/* Waits for the end. A thread that is not running is fine. */
void thread_join(struct thread *t);

/* Lets the other threads of the machine go first (nice 10); for good. `tid` is the kernel's number,
 * 0: the caller. */
void thread_lower_priority(int tid);

/* A condition variable whose timed wait counts on CLOCK_MONOTONIC. */
void cond_init_monotonic(pthread_cond_t *c);

/* Waits at most `timeout_us` (< 0: for ever). False on timeout. Spurious wake-ups happen:
 * test the predicate. */
bool cond_wait_us(pthread_cond_t *c, pthread_mutex_t *m, int64_t timeout_us);

/*
 * A flag that tells a part to end, and a file descriptor that becomes readable with it, so that threads which
 * wait in poll() wake up too.
 */
struct stop {
    atomic_bool requested;
    int fd; /* eventfd; poll for POLLIN, never read it */
};

int stop_init(struct stop *s);     /* 0 or -errno */
void stop_request(struct stop *s); /* from any thread, also from a signal handler; more than once is fine */
bool stop_requested(struct stop *s);
void stop_close(struct stop *s);

#endif
