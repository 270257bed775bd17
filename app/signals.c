/*
 * signals - see signals.h. The state is the process's, as signals are.
 */
#include "app/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

enum {
    AGAIN_US = 300000
}; /* one Ctrl-C may come twice: from the terminal, and passed on by whoever started us */

static pthread_t main_thread;
static struct stop *stop_of;
static _Atomic(struct watch *) watched;
static _Atomic int64_t interrupted_us; /* the first SIGINT; 0: none */
static int hangup_fd = -1;

/* True when this is not the main thread, which is called instead. */
static bool passed_on(int number)
{
    return !pthread_equal(pthread_self(), main_thread) && pthread_kill(main_thread, number) == 0;
}

/* Ends the process without _exit, for which ThreadSanitizer takes locks that the interrupted thread may hold. */
static void leave(const char *why)
{
    ssize_t n = write(STDERR_FILENO, why, strlen(why));
    (void)n;
    watch_restore(atomic_load(&watched));
    syscall(SYS_exit_group, 1);
}

static void on_end(int number)
{
    if (passed_on(number))
        return;
    int64_t now_us = clock_real_us(), before_us = 0;
    if (number == SIGINT && !atomic_compare_exchange_strong(&interrupted_us, &before_us, now_us) &&
        now_us - before_us > AGAIN_US)
        leave("\nreverie: interrupted twice; gone. The recording ends at its last fragment.\n");
    if (stop_of)
        stop_request(stop_of);
}

static void on_hangup(int number)
{
    if (passed_on(number))
        return;
    int saved_errno = errno;
    const uint64_t one = 1;
    ssize_t n = write(hangup_fd, &one, sizeof one);
    (void)n;
    errno = saved_errno;
}

static void on_deadline(int number)
{
    (void)number;
    leave("reverie: shutting down took too long; gone. The recording ends at its last fragment.\n");
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(number, &action, NULL);
}

int signals_catch(struct stop *stop)
{
    main_thread = pthread_self();
    stop_of = stop;
    handle(SIGINT, on_end);
    handle(SIGTERM, on_end);
    handle(SIGHUP, on_hangup);
    handle(SIGALRM, on_deadline);
    handle(SIGUSR1, SIG_IGN); /* mean nothing to a show, and by default they would end it */
    handle(SIGUSR2, SIG_IGN);
    hangup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return hangup_fd < 0 ? -errno : 0;
}

/* The flag and the descriptor go away under the handlers: first these. */
void signals_release(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    alarm(0);
    if (hangup_fd >= 0)
        close(hangup_fd);
    hangup_fd = -1;
    stop_of = NULL;
}

void signals_watched(struct watch *w)
{
    atomic_store(&watched, w);
}

bool signals_wait(struct stop *stop, int timeout_ms, bool *timed_out)
{
    struct pollfd fds[] = {{.fd = stop->fd, .events = POLLIN}, {.fd = hangup_fd, .events = POLLIN}};
    uint64_t count;
    int ready = poll(fds, ARRAY_LEN(fds), timeout_ms);
    *timed_out = ready == 0;
    return ready > 0 && fds[1].revents && read(hangup_fd, &count, sizeof count) > 0;
}

void signals_deadline(int seconds)
{
    alarm((unsigned)seconds);
}
