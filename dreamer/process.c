/*
 * process - see process.h.
 */
#include "dreamer/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"

enum { REAP_MS = 1000, REAP_EVERY_MS = 5, FIRST_FREE_FD = 16 };

extern char **environ;

static const struct process no_process = {.socket_fd = -1, .errors_fd = -1};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What is meant for the parent alone. */
static bool is_private(const char *variable)
{
    static const char *const parents[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "CREDENTIALS_DIRECTORY=", "LISTEN_"};
    for (size_t i = 0; i < ARRAY_LEN(parents); i++)
        if (begins(variable, parents[i]))
            return true;
    return begins(variable, "REVERIE_") && !begins(variable, "REVERIE_CUDA");
}

/* The environment without it; the caller frees the list. */
static char **open_environment(void)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **list = xcalloc(count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++)
        if (!is_private(environ[i]))
            list[kept++] = environ[i];
    return list;
}

/* Descriptors of the child, out of the way of the numbers that they get there. */
struct ends {
    int null, errors, socket, memory; /* -1: not open */
};

static int lift(int *fd)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (high < 0)
        return -errno;
    close(*fd);
    *fd = high;
    return 0;
}

static void close_ends(struct ends *c)
{
    const int fds[] = {c->null, c->errors, c->socket, c->memory};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int open_ends(struct process *p, struct ends *c, int memory_fd)
{
    int pair[2], pipe_ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    p->socket_fd = pair[0];
    c->socket = pair[1];
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return -errno;
    p->errors_fd = pipe_ends[0];
    c->errors = pipe_ends[1];
    c->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    c->memory = fcntl(memory_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (c->null < 0 || c->memory < 0 || fcntl(p->errors_fd, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    int rc = lift(&c->socket);
    rc = rc == 0 ? lift(&c->errors) : rc;
    return rc == 0 ? lift(&c->null) : rc;
}

static int arrange(posix_spawn_file_actions_t *a, const struct ends *c)
{
    const int places[][2] = {{c->null, STDIN_FILENO},
                             {c->null, STDOUT_FILENO},
                             {c->errors, STDERR_FILENO},
                             {c->socket, PROCESS_SOCKET_FD},
                             {c->memory, PROCESS_MEMORY_FD}};
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(places) && rc == 0; i++)
        rc = posix_spawn_file_actions_adddup2(a, places[i][0], places[i][1]);
    return rc == 0 ? posix_spawn_file_actions_addclosefrom_np(a, PROCESS_MEMORY_FD + 1) : rc;
}

/* Signals reach it from its first instruction on as in any program: the thread that starts it blocks them all. */
static int spawn(struct process *p, const char *path, char *const *arguments, const struct ends *c)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char **variables = open_environment();
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int rc = arrange(&actions, c);
    if (rc == 0)
        rc = posix_spawn(&p->pid, path, &actions, &attributes, arguments, variables);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(variables);
    return -rc;
}

static void close_own(struct process *p)
{
    if (p->socket_fd >= 0)
        close(p->socket_fd);
    if (p->errors_fd >= 0)
        close(p->errors_fd);
    *p = no_process;
}

int process_start(struct process *p, const char *path, char *const *arguments, int memory_fd, struct error *e)
{
    struct ends c = {-1, -1, -1, -1};
    *p = no_process;
    int rc = open_ends(p, &c, memory_fd);
    if (rc == 0)
        rc = spawn(p, path, arguments, &c);
    close_ends(&c);
    if (rc == 0)
        return 0;
    close_own(p);
    return error_set(e, -rc, "%s cannot be started as a process of its own: %s", path, strerror(-rc));
}

bool process_is_over(const struct process *p, int timeout_ms)
{
    siginfo_t info = {0};
    for (int ms = 0;; ms += REAP_EVERY_MS) {
        if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0)
            return true;
        if (ms >= timeout_ms)
            return false;
        poll(NULL, 0, REAP_EVERY_MS);
    }
}

static void describe(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "it was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "it ended with code %d", WEXITSTATUS(status));
}

void process_end(struct process *p, char *text, size_t size)
{
    int status = 0;
    text[0] = '\0';
    if (p->pid > 0) {
        bool was_over = process_is_over(p, 0);
        kill(p->pid, SIGKILL);
        if (!process_is_over(p, REAP_MS))
            snprintf(text, size, "it hangs in the kernel and is left there");
        else if (waitpid(p->pid, &status, WNOHANG) == p->pid && was_over)
            describe(status, text, size);
    }
    close_own(p);
}

void process_die_with_parent(pid_t pid)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != pid)
        _exit(0);
}
