/*
 * inject - lets the n-th call fail of everything that an `open` can be refused: memory, threads, descriptors, and what
 * the libraries hand out through calls of ours.
 *
 * The linker puts the functions below in place of the ones they are named after (ld --wrap; the list is in the Makefile),
 * for every object of ours in the program; libraries are not touched. Only calls of the thread that opens are counted
 * and fail, so the n-th call is the same one in every run. What the x-functions of common/mem.h take never fails: they
 * end the program by design, which is their own test's business. Survived must be all else.
 *
 * fail_each() opens once for practice (what a library keeps for good is there then), then with the first call failing,
 * the second, and so on until an open makes fewer calls than that. Each failure must be told: a negative errno,
 * *thing NULL, and one line in the struct error where the open takes one. Afterwards as much memory is held, and as
 * many descriptors and threads are there, as before. fail_each_in_threads() is for what is opened later, by the threads
 * that an open starts: each of them meets its own n-th failure, and the thing must live on and close as ever.
 *
 * Include it in one file of a program: it defines what the linker looks for.
 */
#ifndef TESTS_FAILURES_INJECT_H
#define TESTS_FAILURES_INJECT_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/error.h"
#include "common/mem.h"

/* ---- what is held ---- */

enum { HELD_MAX = 1 << 16, SETTLE_MS = 2000 };

static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the next two */
static void *held[HELD_MAX];                                  /* open addressing; HELD_GONE where one was */
static long held_count;
#define HELD_GONE ((void *)1)

static inline size_t held_place(const void *p)
{
    return (size_t)((uintptr_t)p / 16 * 0x9e3779b97f4a7c15u >> 48) % HELD_MAX;
}

static inline void *hold(void *p)
{
    if (!p)
        return NULL;
    pthread_mutex_lock(&held_lock);
    size_t i = held_place(p);
    while (held[i] && held[i] != HELD_GONE)
        i = (i + 1) % HELD_MAX;
    held[i] = p;
    if (++held_count > HELD_MAX / 2)
        abort(); /* a larger table, please */
    pthread_mutex_unlock(&held_lock);
    return p;
}

/* What a library has allocated is none of ours. */
static inline void let_go(void *p)
{
    pthread_mutex_lock(&held_lock);
    size_t i = held_place(p);
    while (p && held[i] && held[i] != p)
        i = (i + 1) % HELD_MAX;
    if (p && held[i] == p) {
        held[i] = held[(i + 1) % HELD_MAX] ? HELD_GONE : NULL;
        held_count--;
    }
    pthread_mutex_unlock(&held_lock);
}

struct census {
    long memory; /* allocations of ours */
    int descriptors, threads;
};

static inline int count_entries(const char *folder)
{
    int count = 0;
    DIR *d = opendir(folder);
    while (d && readdir(d))
        count++;
    if (d)
        closedir(d);
    return count;
}

static inline struct census take_census(void)
{
    pthread_mutex_lock(&held_lock);
    struct census c = {.memory = held_count};
    pthread_mutex_unlock(&held_lock);
    c.descriptors = count_entries("/proc/self/fd");
    c.threads = count_entries("/proc/self/task");
    return c;
}

/* Fewer threads are fine: one that a library began by itself has ended meanwhile. */
static inline bool is_back(const struct census *before, const struct census *now)
{
    return now->memory == before->memory && now->descriptors == before->descriptors &&
           now->threads <= before->threads;
}

/* A thread that was joined may be in /proc for a moment yet. */
static inline bool back_to(const struct census *before, struct census *now)
{
    for (int ms = 0; ms < SETTLE_MS; ms++, usleep(1000))
        if (*now = take_census(), is_back(before, now))
            return true;
    return false;
}

/* ---- the failing call ---- */

static _Thread_local int calls_left;          /* until one fails; 0: none will */
static _Thread_local const char *failed_call; /* the one that has */
static _Thread_local int never_fail;          /* inside an x-function */

static inline bool fails(const char *name)
{
    if (never_fail || calls_left == 0 || --calls_left > 0)
        return false;
    failed_call = name;
    return true;
}

/* In place of `type name parameters`: hands on `arguments`, or fails with `failure`. */
#define IN_PLACE_OF(type, name, parameters, arguments, failure)                                              \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fails(#name) ? (failure) : __real_##name arguments;                                           \
    }
#define WITH_ERRNO(code, value) (errno = (code), (value))

/* The same for what gives memory to free(). */
#define IN_PLACE_OF_MEMORY(name, parameters, arguments)                                                      \
    void *__real_##name parameters;                                                                          \
    void *__wrap_##name parameters;                                                                          \
    void *__wrap_##name parameters                                                                           \
    {                                                                                                        \
        return fails(#name) ? WITH_ERRNO(ENOMEM, NULL) : hold(__real_##name arguments);                      \
    }
IN_PLACE_OF_MEMORY(malloc, (size_t size), (size))
IN_PLACE_OF_MEMORY(calloc, (size_t count, size_t size), (count, size))
IN_PLACE_OF_MEMORY(aligned_alloc, (size_t alignment, size_t size), (alignment, size))

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size)
{
    if (fails("realloc"))
        return WITH_ERRNO(ENOMEM, NULL);
    let_go(p);
    return hold(__real_realloc(p, size));
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
    let_go(p);
    __real_free(p);
}

/* Those that abort. */
#define NEVER_FAILS(type, name, parameters, arguments)                                                       \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        never_fail++;                                                                                        \
        type taken = __real_##name arguments;                                                                \
        never_fail--;                                                                                        \
        return taken;                                                                                        \
    }
NEVER_FAILS(void *, xmalloc, (size_t size), (size))
NEVER_FAILS(void *, xcalloc, (size_t count, size_t size), (count, size))
NEVER_FAILS(void *, xrealloc, (void *p, size_t size), (p, size))
NEVER_FAILS(char *, xstrdup, (const char *s), (s))

struct stat;
struct sockaddr;
IN_PLACE_OF(FILE *, fopen, (const char *path, const char *mode), (path, mode), WITH_ERRNO(EMFILE, NULL))
IN_PLACE_OF(int, socket, (int domain, int type, int protocol), (domain, type, protocol),
            WITH_ERRNO(EMFILE, -1))
IN_PLACE_OF(int, bind, (int fd, const struct sockaddr *a, unsigned size), (fd, a, size),
            WITH_ERRNO(ENOBUFS, -1))
IN_PLACE_OF(int, listen, (int fd, int backlog), (fd, backlog), WITH_ERRNO(EADDRINUSE, -1))
IN_PLACE_OF(int, connect, (int fd, const struct sockaddr *a, unsigned size), (fd, a, size),
            WITH_ERRNO(ENETDOWN, -1))
IN_PLACE_OF(int, accept4, (int fd, struct sockaddr *a, unsigned *size, int flags), (fd, a, size, flags),
            WITH_ERRNO(EMFILE, -1))
IN_PLACE_OF(int, getsockname, (int fd, struct sockaddr *a, unsigned *size), (fd, a, size),
            WITH_ERRNO(ENOBUFS, -1))
IN_PLACE_OF(int, eventfd, (unsigned count, int flags), (count, flags), WITH_ERRNO(EMFILE, -1))
IN_PLACE_OF(int, pipe2, (int fds[2], int flags), (fds, flags), WITH_ERRNO(EMFILE, -1))
IN_PLACE_OF(int, epoll_create1, (int flags), (flags), WITH_ERRNO(EMFILE, -1))
IN_PLACE_OF(int, timerfd_create, (int clock, int flags), (clock, flags), WITH_ERRNO(EMFILE, -1))
IN_PLACE_OF(int, fstat, (int fd, struct stat *st), (fd, st), WITH_ERRNO(EIO, -1))
IN_PLACE_OF(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, long offset),
            (at, size, protection, flags, fd, offset), WITH_ERRNO(ENOMEM, (void *)-1))

/* A thread that is to meet a failure of its own. */
struct doomed {
    void *(*fn)(void *);
    void *arg;
    int call;
};

static atomic_int doom; /* threads that are started now fail at this call of theirs; 0: none do */
static _Atomic(const char *) doomed_call; /* the latest that has */

static inline void *doomed_main(void *arg)
{
    struct doomed d = *(struct doomed *)arg;
    free(arg);
    calls_left = d.call;
    void *result = d.fn(d.arg);
    if (failed_call)
        atomic_store(&doomed_call, failed_call);
    return result;
}

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg)
{
    if (fails("pthread_create"))
        return EAGAIN;
    int call = atomic_load(&doom);
    if (call == 0)
        return __real_pthread_create(id, attributes, fn, arg);
    struct doomed *d = xmalloc(sizeof *d);
    *d = (struct doomed){fn, arg, call};
    return __real_pthread_create(id, attributes, doomed_main, d);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    unsigned mode = 0;
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, unsigned);
        va_end(rest);
    }
    return fails("open") ? WITH_ERRNO(EMFILE, -1) : __real_open(path, flags, mode);
}

/* ---- one open after the other ---- */

struct opening {
    const char *name;
    int (*open)(void **thing, struct error *e);
    void (*close)(void **thing);
    bool has_no_line;  /* it takes no struct error */
    bool fails_anyway; /* nothing is there to open: only what it leaves behind counts, for `calls` calls */
    const char *may_go_on; /* a call, or several with blanks between, whose failure it can do without */
};

static inline void check_refusal(const struct opening *o, int n, int rc, const void *thing,
                                 const struct error *e)
{
    if (rc >= 0)
        fail_msg("%s: call %d (%s) failed and it opened all the same", o->name, n, failed_call);
    if (thing)
        fail_msg("%s: call %d (%s) failed and it left something open", o->name, n, failed_call);
    if (!o->has_no_line && e->text[0] == '\0')
        fail_msg("%s: call %d (%s) failed, %d (%s), and there is no line", o->name, n, failed_call, rc,
                 strerror(-rc));
    if (strchr(e->text, '\n'))
        fail_msg("%s: call %d (%s): more than a line: %s", o->name, n, failed_call, e->text);
}

static inline void check_census(const struct opening *o, int n, const char *what, const struct census *before)
{
    struct census now;
    if (!back_to(before, &now))
        fail_msg("%s: call %d (%s): left behind: allocations %ld, descriptors %d, threads %d", o->name, n,
                 what, now.memory - before->memory, now.descriptors - before->descriptors,
                 now.threads - before->threads);
}

/* Returns how many calls it makes. */
static inline int fail_each(const struct opening *o)
{
    void *thing = NULL;
    struct error e = {""};
    int rc = o->open(&thing, &e);
    if (rc < 0 && !o->fails_anyway)
        fail_msg("%s does not open at all: %s", o->name, e.text);
    o->close(&thing);
    struct census before = take_census();
    for (int n = 1;; n++) {
        e.text[0] = '\0';
        thing = NULL;
        failed_call = NULL;
        calls_left = n;
        rc = o->open(&thing, &e);
        calls_left = 0;
        bool reached = failed_call != NULL;
        bool fine = reached && rc == 0 && o->may_go_on && strstr(o->may_go_on, failed_call);
        if (reached && !fine)
            check_refusal(o, n, rc, thing, &e);
        if (thing)
            o->close(&thing);
        check_census(o, n, reached ? failed_call : "none", &before);
        if (!reached)
            return n - 1;
    }
}

/* The same for what its threads do between open and close: that must go on, whatever fails there. */
static inline int fail_each_in_threads(const struct opening *o)
{
    void *thing = NULL;
    struct error e = {""};
    struct census before;
    for (int n = 0;; n++) { /* 0: for practice */
        atomic_store(&doomed_call, NULL);
        atomic_store(&doom, n);
        int rc = o->open(&thing, &e);
        atomic_store(&doom, 0);
        if (rc < 0)
            fail_msg("%s: %s", o->name, e.text);
        o->close(&thing);
        const char *failed = atomic_load(&doomed_call);
        if (n == 0)
            before = take_census();
        else
            check_census(o, n, failed ? failed : "none", &before);
        if (n > 0 && !failed)
            return n - 1;
    }
}

static inline void fail_all(const struct opening *openings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_message("# %s: %d calls\n", openings[i].name, fail_each(&openings[i]));
}

/* A row of a table of openings; what else there is to say comes behind. */
#define OPENS(label, function, ...)                                                                          \
    {                                                                                                        \
        .name = label, .open = open_##function, .close = close_##function, __VA_ARGS__                       \
    }

/* `name`_open and `name`_close with the types that a table of openings needs; `call` uses `out` and `e`. */
#define OPENING(name, type, call)                                                                            \
    static int open_##name(void **thing, struct error *e)                                                    \
    {                                                                                                        \
        struct type **out = (struct type **)thing;                                                           \
        (void)e;                                                                                             \
        return call;                                                                                         \
    }                                                                                                        \
    static void close_##name(void **thing)                                                                   \
    {                                                                                                        \
        type##_close((struct type **)thing);                                                                 \
    }

#endif
