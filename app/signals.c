/*
 * signals - see signals.h. Blocking the signals and waiting for them in main would not do: OpenBLAS starts threads
 * of its own while the program is loaded, with nothing blocked. So handlers write to descriptors.
 */
#include "app/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/mem.h"

/* What a signal handler can reach. */
static struct stop *signalled;
static int hangup_fd = -1;

static void on_end(int number)
{
    (void)number;
    stop_request(signalled);
}

static void on_hangup(int number)
{
    (void)number;
    int code = errno;
    uint64_t one = 1;
    ssize_t n = write(hangup_fd, &one, sizeof one); /* fails only when it is readable already */
    (void)n;
    errno = code;
}

int signals_catch(struct stop *stop)
{
    struct sigaction end = {.sa_handler = on_end, .sa_flags = SA_RESTART};
    struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    hangup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hangup_fd < 0)
        return -errno;
    signalled = stop;
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, isatty(STDIN_FILENO) ? &end : &hangup, NULL);
    return 0;
}

void signals_release(void)
{
    signal(SIGINT, SIG_IGN); /* the flag goes away under the handlers */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (hangup_fd >= 0)
        close(hangup_fd);
    hangup_fd = -1;
}

bool signals_wait(struct stop *stop, int timeout_ms, bool *timed_out)
{
    struct pollfd fds[] = {{.fd = stop->fd, .events = POLLIN}, {.fd = hangup_fd, .events = POLLIN}};
    uint64_t count;
    int ready = poll(fds, ARRAY_LEN(fds), timeout_ms);
    *timed_out = ready == 0;
    return ready > 0 && fds[1].revents && read(hangup_fd, &count, sizeof count) > 0;
}
