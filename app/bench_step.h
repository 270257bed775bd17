/*
 * bench_step - what a whole gradient step costs on a backend: the network both ways at the picture's own
 * size, the patch prior at three scales, and the update.
 *
 * It drives the backend itself, not through a dream, because a dream looks at views of many sizes: here
 * every step has the same view, the picture at scale 1, so that figures of two machines, or of another
 * program, can be compared. A GPU gets several steps at a time, as a dream gives them.
 */
#ifndef APP_BENCH_STEP_H
#define APP_BENCH_STEP_H

#include "engine/backend.h"
#include "engine/dream/dream.h"

struct bench_step {
    int steps; /* measured */
    double median_ms, best_ms;
    char hardware[96]; /* as the backend describes itself */
};

/* `c`: size, threads, tier, precision, device, prior. The model must not be one that serves once if it is
 * needed again. 0 or -errno with a line. */
int bench_step_measure(struct bench_step *out, const struct backend_ops *ops, const struct dream_config *c,
                       struct model *m, struct error *e);

#endif
