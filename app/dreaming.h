/*
 * dreaming - the dream of a show: within the program as a thread, or beside it as a process.
 *
 * Which of the two is dream.process's to say. `auto` takes a process for every live show that has a network: a driver or a
 * library that crashes or hangs then takes the dream and not the stream, for next to no speed. Without a network there is nothing to crash. An offline render is one process: nobody waits for it,
 * and it must be the same everywhere.
 *
 * A live show keeps where its dream is in show.state_dir, and goes on from there (dreamer/keeper.h).
 */
#ifndef APP_DREAMING_H
#define APP_DREAMING_H

#include "app/settings.h"
#include "common/clock.h"
#include "dreamer/dreamer.h"

struct dreaming;

struct dreaming_params {
    const struct settings *settings; /* these must outlive it */
    struct stats *stats;
    struct stop *stop;
    uint64_t seed;
    bool offline;
    bool begins_anew; /* does not go on where the last show stopped */
    bool is_taped;    /* dreaming_fingerprint is wanted */
};

/* Opens model, keyframes and dream; with a process of its own that runs when this returns. 0 or -errno with a line; *d is
 * NULL then. */
int dreaming_open(struct dreaming **d, const struct dreaming_params *p, struct error *e);

const struct model *dreaming_model(const struct dreaming *d); /* its classes; until dreaming_close */
struct keyframes *dreaming_keyframes(const struct dreaming *d);
bool dreaming_goes_on(const struct dreaming *d); /* from where another show stopped */
/* With what, until dreaming_close; NULL: it began anew. */
const struct snapshot *dreaming_resumed(const struct dreaming *d);
uint64_t dreaming_fingerprint(const struct dreaming *d); /* of the model, when it is taped */

/* From a new target to the screen while there are keyframes: the one that is under way, then half of the glide into the
 * next. */
double dreaming_lag_s(const struct settings *s, bool offline);

/* Begins to dream; show time 0 is start_us on `clock`. `keeps`: where the dream is may be written into show.state_dir.
 * Port and clock must outlive dreaming_stop. 0 or -errno with a line. */
int dreaming_start(struct dreaming *d, struct port *port, struct clock *clock, int64_t start_us, bool keeps,
                   struct error *e);

/* For rehearsals: supervisor_signal; -ESRCH also where the dream has no process of its own. */
int dreaming_signal(struct dreaming *d, int signal);

/* Stop has been requested, keyframes and port are shut down: waits for the step that is under way, a process for a
 * second at most. NULL and one that was never started are fine. */
void dreaming_stop(struct dreaming *d);

/* After dreaming_stop, when nobody uses its keyframes or model any more. NULL is fine. */
void dreaming_close(struct dreaming **d);

/* For a process that dreams: the dream of these settings. *fingerprint (may be NULL) is the model's: a second for a large one. 0
 * or -errno with a line; both are NULL then. */
int dreaming_open_dream(struct model **model, struct dream **dream, const struct dream_config *c,
                        uint64_t seed, uint64_t *fingerprint, struct error *e);

#endif
