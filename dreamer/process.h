/*
 * process - a child process of our own program: started, listened to, ended.
 *
 * It is /proc/self/exe once more with other words behind it, started by exec and not only by fork: a GPU's libraries and
 * those that compute in threads do not survive a fork, and a fork would carry keys, chat and open files along. The
 * child has three descriptors that mean something (stderr, a socket to us, memory that both see); all others are closed, and what
 * the environment holds for this program alone (secrets) is taken out of it. It dies with the thread that started it,
 * by the kernel's hand: process_die_with_parent. Ctrl-C and SIGTERM go to the whole group or unit, and are for the
 * parent to hear: the child ignores them.
 */
#ifndef DREAMER_PROCESS_H
#define DREAMER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

/* The child's descriptors. */
enum { PROCESS_SOCKET_FD = 3, PROCESS_MEMORY_FD = 4 };

struct process {
    pid_t pid;     /* 0: none */
    int socket_fd; /* our end, packets (SOCK_SEQPACKET); -1: none, as the next */
    int errors_fd; /* what it writes to stderr; does not block */
};

/* Starts `path` with `arguments` (ends with NULL). The calling thread must stay as long as the child, which dies with
 * it. 0 or -errno with a line; *p is empty then. */
int process_start(struct process *p, const char *path, char *const *arguments, int memory_fd,
                  struct error *e);

/* Ends it at once, closes our ends, and says in `text` how it ended ("it was killed by signal 9", "it ended with code 3"). An empty one is
 * fine. Waits a moment for the kernel, not longer: one that hangs in a driver is left to it. */
void process_end(struct process *p, char *text, size_t size);

/* Has it ended by itself within `timeout_ms`? It must be ended still. */
bool process_is_over(const struct process *p, int timeout_ms);

/* The child's first call: it dies when its parent, `pid`, does, or is dead already. */
void process_die_with_parent(pid_t pid);

#endif
