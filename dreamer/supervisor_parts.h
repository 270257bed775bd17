/*
 * supervisor_parts - what the files of the supervisor share. Inside dreamer/supervisor*.c only.
 *
 * supervisor.c       its thread: starting, watching and ending processes
 * supervisor_hear.c  what a process says, and what the show makes of it
 */
#ifndef DREAMER_SUPERVISOR_PARTS_H
#define DREAMER_SUPERVISOR_PARTS_H

#include "dreamer/intake.h"
#include "dreamer/process.h"
#include "dreamer/supervisor.h"
#include "dreamer/vitals.h"

enum { SUPERVISOR_LINE_BYTES = 512 };

/* Of the first process. */
enum supervisor_progress { SUPERVISOR_OPENING, SUPERVISOR_OPENED, SUPERVISOR_REFUSED };

struct supervisor {
    struct supervisor_params p; /* immutable after open, but for setup */
    struct wire_memory memory;
    struct thread thread;
    int wake_fd; /* the camera has taken a picture, or the show begins */

    pthread_mutex_t lock; /* leaf; guards the next six */
    pthread_cond_t changed;
    enum supervisor_progress progress;
    struct error refusal;
    int refusal_rc;
    struct port *port; /* NULL: the show has not begun */
    int64_t start_us;
    pid_t signalled; /* the process that a signal may go to: it lives, or has not been reaped; 0: none */

    /* The thread's own. */
    struct process process;
    struct intake intake;
    struct vitals vitals;
    struct port_state state; /* as it was told last */
    struct wire_pulse pulse; /* of this process so far */
    int place;               /* the newest whole snapshot; -1: none */
    int64_t place_target;    /* the number of its target */
    bool has_gone;           /* GO was sent */
    bool on_gpu;             /* this process may use one */
    int packets;             /* since the last look */
    int64_t log_second_us;
    int log_lines;
    char errors[SUPERVISOR_LINE_BYTES]; /* of its stderr, a line that has not ended */
    size_t errors_bytes;
    int64_t died_us; /* real time; 0: nobody is missing */
};

/* supervisor.c: the show's port, NULL before it begins. */
struct port *supervisor_port(struct supervisor *s);

/* How it went with the first dream; only the first call counts. False: it was known. */
bool supervisor_progress(struct supervisor *s, enum supervisor_progress progress, int rc, const char *why);

/* Tells the show the state of the dream, with what only the supervisor knows. */
void supervisor_tell(struct supervisor *s);

/* May the settings, as they are by now, mean a GPU? */
bool supervisor_may_use_gpu(const struct supervisor *s);

/* supervisor_hear.c: one packet. NULL, or why that cannot be true (static text): its sender is to be ended. */
const char *supervisor_hear(struct supervisor *s, const struct wire_message *m);

/* Pictures that wait go to the camera, and the process hears which were taken. NULL, or as above. */
const char *supervisor_deliver(struct supervisor *s);

/* What libraries have written to its stderr, line by line into the log. Does not wait. */
void supervisor_read_errors(struct supervisor *s);

#endif
