/*
 * supervisor - the dreamer in a process of its own, kept alive: the show goes on whatever happens to it.
 *
 * One thread starts the process (process.h), talks with it (wire.h), plays the dream for port and keyframes of the show, and
 * watches it (vitals.h). A process that dies, hangs, or says what cannot be true is ended, and another goes on from the last
 * snapshot: the same picture, momentum, chance and subject, zoomed to where the camera is by now. Meanwhile the camera
 * zooms on into what it has. After three deaths on a GPU the CPU dreams. Each death is told once, and counted.
 *
 * Where the dream is can be kept beyond the show: each snapshot is offered to `keep`.
 */
#ifndef DREAMER_SUPERVISOR_H
#define DREAMER_SUPERVISOR_H

#include "dreamer/dreamer.h"
#include "dreamer/wire.h"

struct supervisor;

struct supervisor_params {
    const char *path;          /* the program; /proc/self/exe */
    char *const *arguments;    /* of the child, ends with NULL; must outlive it */
    struct wire_setup setup;   /* parent, resume_place and target are the supervisor's to fill */
    const struct model *model; /* for its classes only; must outlive it, as must the next three */
    struct keyframes *keyframes;
    struct stats *stats;
    struct stop *stop;
    double first_start_s; /* so long may the first start take */
    const void *resumed; /* a snapshot that was checked, of another show, to begin with; NULL: none; copied */
    /* A snapshot that is whole for the time of the call; `last`: none follows. On the supervisor's thread; must not wait.
     * NULL: not kept. */
    void (*keep)(void *context, const struct snapshot *s, bool last);
    void *context;
};

/* Starts the process and waits until its dream is open, or the show is stopped. 0, or -errno with a line: what was asked for
 * cannot be opened, or no process can; *s is NULL then. */
int supervisor_open(struct supervisor **s, const struct supervisor_params *p, struct error *e);

/* The show begins: show time 0 is start_us on the monotonic clock. `port` must outlive the supervisor. */
void supervisor_begin(struct supervisor *s, struct port *port, int64_t start_us);

/* For rehearsals: sends a signal to the process that dreams now. 0 or -ESRCH: there is none. From any thread. */
int supervisor_signal(struct supervisor *s, int signal);

/* p.stop must have been requested, keyframes and port shut down. Ends the process, at the latest after STOP_MS, and
 * keeps the last snapshot. NULL is fine. */
enum { SUPERVISOR_STOP_MS = 1000 };
void supervisor_close(struct supervisor **s);

#endif
