/*
 * rehearse_parts - what the files of the rehearsal share. Inside app/rehearse*.c only.
 */
#ifndef APP_REHEARSE_PARTS_H
#define APP_REHEARSE_PARTS_H

#include <pthread.h>

#include "app/rehearse.h"
#include "app/rehearse_faults.h"
#include "rehearsal/verdict.h"

struct rehearsal {
    struct rehearsal_params p; /* immutable after open, as are the next five */
    struct settings *settings;
    char folder[64];
    struct irc_tuning tuning;
    struct town *town;
    struct rehearsal_show show; /* filled by rehearsal_begin */
    struct thread thread;
    struct fault_scene scene;

    /* Watcher's thread, but for the warnings; after it has ended whoever reports. */
    int64_t began_us;
    double tick_s;              /* of the look before */
    int planned;                /* faults of the plan that have been begun or left out */
    const struct fault *fault;  /* on or healing; NULL: none */
    double calm_from_s;         /* the next one not before that */
    const struct fault *lately; /* the one before, whose consequences may show still */
    double lately_until_s;
    int64_t dropped[VERDICT_OUTPUTS];           /* of each output at the look before */
    int64_t left_out, keyframes, deaths, hangs; /* at the look before */
    double keyframe_s;                          /* when the last one came; 0: none yet */
    int64_t on_id;                              /* the request that is on, and since when */
    double on_since_s, best_share;

    pthread_mutex_t lock; /* leaf; guards the warnings of `seen`, and the faults that explain them */
    double explains_until_s[VERDICT_FAULTS]; /* each of the plan its warnings; 0: it has not been */
    struct verdict_seen seen;
};

#endif
