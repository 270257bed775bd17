/*
 * programme - answers the dream's question what to dream: the queue's turn, at the dream's own time.
 *
 * The dream asks through dreamer/port.h at the beginning of every picture. Here the script is fed up to that time,
 * the queue is asked whose turn it is, and its synsets become classes of the model. What the dream says of its lag
 * goes to the chat, for "on your screen in about 3 s".
 */
#ifndef APP_PROGRAMME_H
#define APP_PROGRAMME_H

#include <stdatomic.h>

#include "app/formed.h"
#include "chatbot/chatbot.h"
#include "common/thread.h"
#include "dreamer/port.h"
#include "engine/model/model.h"
#include "show/tug.h"
#include "show/way.h"

struct programme {
    struct port *port;
    const struct model *model; /* for its classes */
    struct requests *requests;
    struct chatbot *chatbot;
    struct script *script;     /* NULL: none */
    struct tug *tug;           /* NULL: nobody pulls */
    struct way *way;           /* NULL: nobody measures */
    struct taping *taping;     /* NULL: no tape is written */
    bool first_below;          /* the first of two things is the lower one */
    double fade_s;             /* from one subject to the next */
    bool moves_on_when_formed; /* show.adaptive_hold */

    _Atomic int steer; /* enum chat_steer that waits for the dream's next question; programme_steer */

    bool has_begun; /* something was dreamed before: the first subject fades in, too */

    struct thread thread; /* the rest is the module's own */
    bool has_later;       /* the request on turn goes over into `later` at that show time */
    struct port_target later;
    double later_at_s;
    struct request now; /* on turn; count 0: nothing yet */
    struct formed formed;
    double front;    /* that the dream knows; < 0: none in this turn */
    int wins_told;   /* in this turn */
    int64_t targets; /* so far */
};

/* Starts the thread; the fields above `thread` are filled, and `p` must stay where it is until programme_stop.
 * 0 or -errno. */
int programme_start(struct programme *p);

/* A wish for the camera. From any thread; one that was not passed on yet is replaced. */
void programme_steer(struct programme *p, enum chat_steer how);

/* The port must have been shut down. One that was never started is fine. */
void programme_stop(struct programme *p);

#endif
