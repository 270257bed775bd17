/*
 * thread - see thread.h.
 */
#include "common/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/text.h"

enum { BACKGROUND_NICE = 10 };

/* What a new thread is to do; it frees this itself. */
struct beginning {
    void *(*fn)(void *);
    void *arg;
    char name[16]; /* as long as Linux takes */
};

/* Each thread names itself: to name another, a file under /proc is written, which the fence of app/fence.h refuses. */
static void *begin(void *context)
{
    struct beginning b = *(struct beginning *)context;
    free(context);
    pthread_setname_np(pthread_self(), b.name);
    return b.fn(b.arg);
}

int thread_start(struct thread *t, const char *name, void *(*fn)(void *), void *arg)
{
    sigset_t all, old;
    struct beginning *b = malloc(sizeof *b);
    if (!b)
        return -ENOMEM;
    *b = (struct beginning){.fn = fn, .arg = arg};
    text_copy(b->name, sizeof b->name, name);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* the new thread inherits the mask */
    int rc = pthread_create(&t->id, NULL, begin, b);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    t->running = rc == 0;
    if (!t->running)
        free(b);
    return -rc;
}

void thread_join(struct thread *t)
{
    if (!t->running)
        return;
    pthread_join(t->id, NULL);
    t->running = false;
}

void thread_lower_priority(int tid)
{
    /* On Linux the "process" of this call is a thread. */
    setpriority(PRIO_PROCESS, (id_t)tid, BACKGROUND_NICE);
}

void cond_init_monotonic(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

bool cond_wait_us(pthread_cond_t *c, pthread_mutex_t *m, int64_t timeout_us)
{
    if (timeout_us < 0)
        return pthread_cond_wait(c, m) == 0;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + timeout_us % 1000000 * 1000;
    t.tv_sec += (time_t)(timeout_us / 1000000 + ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return pthread_cond_timedwait(c, m, &t) == 0;
}

int stop_init(struct stop *s)
{
    atomic_init(&s->requested, false);
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return s->fd < 0 ? -errno : 0;
}

void stop_request(struct stop *s)
{
    int saved_errno = errno;
    uint64_t one = 1;
    atomic_store(&s->requested, true);
    ssize_t n = write(s->fd, &one, sizeof one); /* fails only when it is readable already */
    (void)n;
    errno = saved_errno;
}

bool stop_requested(struct stop *s)
{
    return atomic_load(&s->requested);
}

void stop_close(struct stop *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
