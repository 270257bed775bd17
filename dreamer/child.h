/*
 * child - the dreamer's process, from the inside: it plays programme and camera for a dreamer that knows no difference.
 *
 * The process was started by process.h and is told what to do over the wire. Its dreamer has a port and a hand-off of keyframes as
 * in a show of one process; one loop on the main thread carries questions, pictures, state and snapshots out and
 * answers in. The hand-off lies in shared memory, so a picture crosses without being sent, and a slot is free again
 * when the camera on the other side has taken its picture. What the process logs goes over the wire too, and into
 * the show's log.
 *
 * SIGINT, SIGTERM and SIGHUP are the show's to hear. The process ends when it is told to, when the show's end of the wire
 * closes, or with the show's process, by the kernel's hand.
 */
#ifndef DREAMER_CHILD_H
#define DREAMER_CHILD_H

#include "dreamer/wire.h"

struct child;

/* Takes descriptors PROCESS_SOCKET_FD and PROCESS_MEMORY_FD, waits for SETUP, and takes over the log. 0 or -errno with a line:
 * nobody but a show starts this. */
int child_open(struct child **c, struct error *e);
void child_close(struct child **c); /* NULL is fine */

const struct wire_setup *child_setup(const struct child *c); /* valid until child_close */

/* What was asked for cannot be opened. */
void child_refuse(struct child *c, const char *why);

/* The dream is open: dreams until the end. 0, or -errno when it could not begin. */
int child_run(struct child *c, struct dream *dream, const struct model *model);

#endif
