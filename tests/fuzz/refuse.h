/*
 * refuse - every input of a corpus again, with the n-th allocation refused, for all n.
 *
 * The program's malloc, calloc, realloc, aligned_alloc and posix_memalign are the ones below, for us and for every library
 * alike, and hand on to the C library's or the sanitizer's. Each try is a child of its own, so that an end by design
 * (an x-function of common/mem.h, or of common/json.h, which has no memory) is told from a fault: our own abort() becomes
 * the exit code ENDED. Whatever else ends a child, a signal or a sanitizer, fails the test, as does memory that the input
 * leaves behind. What must hold in other runs (fuzz.h) need not here: a reader may refuse an input that it
 * would take with more memory.
 *
 * Some libraries do not look whether they got memory (replay.c names them): for their targets only what our own code asks
 * for is refused, told by where the call comes from.
 *
 * Up to FEW_CALLS every call is met; later ones at distances that grow, so that an input with thousands of them ends soon.
 * Include it in one file of a program: it defines what the linker looks for.
 */
#ifndef TESTS_FUZZ_REFUSE_H
#define TESTS_FUZZ_REFUSE_H

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/fuzz/fuzz.h"

#ifdef __SANITIZE_ADDRESS__
#define REAL(name)    __interceptor_##name
#define REAL_MEMALIGN __interceptor_memalign
#else
#define REAL(name)    __libc_##name
#define REAL_MEMALIGN __libc_memalign
#endif
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *p, size_t size);
void REAL(free)(void *p);
void *REAL_MEMALIGN(size_t alignment, size_t size);

/* ThreadSanitizer takes memory before a function of ours can run, and races are not what this is about. */
#ifdef __SANITIZE_THREAD__
enum { CAN_REFUSE = false };
#else
enum { CAN_REFUSE = true };
#endif

enum { ENDED = 77, LEFT = 78, FEW_CALLS = 100, PATIENCE_S = 60 };

static struct refusal {
    int calls_left; /* until one is refused; 0: none will */
    long held; /* allocations that are not given back; of the thread that reads, nearly always the only one */
} * refusal;   /* shared with the child */
static bool is_refusing, is_only_ours;
extern const char __executable_start, etext; /* the linker's: where the program's own code is */

bool fuzz_is_refused(void)
{
    return is_refusing;
}

static inline bool is_refused(const char *caller)
{
    bool counts = !is_only_ours || (caller >= &__executable_start && caller < &etext);
    return is_refusing && counts && refusal->calls_left > 0 && --refusal->calls_left == 0;
}
#define IS_REFUSED is_refused(__builtin_return_address(0))

static inline void *taken(void *p)
{
    if (is_refusing && p)
        refusal->held++;
    return p;
}

static inline void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

#ifndef __SANITIZE_THREAD__
void *malloc(size_t size)
{
    return IS_REFUSED ? no_memory() : taken(REAL(malloc)(size));
}

void *calloc(size_t count, size_t size)
{
    return IS_REFUSED ? no_memory() : taken(REAL(calloc)(count, size));
}

void *realloc(void *p, size_t size)
{
    if (IS_REFUSED)
        return no_memory();
    void *q = REAL(realloc)(p, size);
    return p ? q : taken(q);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return IS_REFUSED ? no_memory() : taken(REAL_MEMALIGN(alignment, size));
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p = IS_REFUSED ? NULL : taken(REAL_MEMALIGN(alignment, size));
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

void free(void *p)
{
    if (is_refusing && p)
        refusal->held--;
    REAL(free)(p);
}
#endif

/* In place of our own calls of abort (ld --wrap; the Makefile has it): an end by design. */
_Noreturn void __wrap_abort(void);
_Noreturn void __real_abort(void);
_Noreturn void __wrap_abort(void)
{
    if (is_refusing)
        _exit(ENDED);
    __real_abort();
}

/* The input as often as it makes allocations, each time with another one refused. `keeps`: what the target opens once
 * for all inputs may grow, so nothing is said about memory that stays. Returns how many were met. */
static inline int refuse_each(const char *path, const uint8_t *data, size_t size, bool keeps)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    int tries = 0;
    refusal = mmap(NULL, sizeof *refusal, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(refusal != MAP_FAILED);
    for (int n = 1;; n += n < FEW_CALLS ? 1 : n / FEW_CALLS * 4) {
        *refusal = (struct refusal){.calls_left = n};
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(PATIENCE_S);
            for (int i = 0; i < (int)ARRAY_LEN(faults); i++) /* cmocka has handlers of its own */
                signal(faults[i], SIG_DFL);
            is_refusing = true;
            LLVMFuzzerTestOneInput(data, size);
            _exit(!keeps && refusal->held > 0 ? LEFT : 0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status))
            fail_msg("%s: allocation %d refused: signal %d", path, n, WTERMSIG(status));
        if (WEXITSTATUS(status) == LEFT)
            fail_msg("%s: allocation %d refused: %ld are left behind", path, n, refusal->held);
        if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != ENDED)
            fail_msg("%s: allocation %d refused: exit code %d", path, n, WEXITSTATUS(status));
        if (refusal->calls_left > 0)
            break; /* it makes fewer */
        tries++;
    }
    munmap(refusal, sizeof *refusal);
    return tries;
}

#endif
