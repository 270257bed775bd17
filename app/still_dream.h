/*
 * still_dream - one still: octaves, each a dream of its own, from a small picture to the whole.
 *
 * With octaves the dream begins on a small picture and goes on on larger ones: shapes first, details later. A start
 * picture loses nothing on that way: what each octave has dreamed is enlarged and laid over the start picture at the next
 * size (google/deepdream, 2015, keeps the detail so). An octave that would not fit into --memory is dreamed in tiles.
 */
#ifndef APP_STILL_DREAM_H
#define APP_STILL_DREAM_H

#include "app/still_progress.h"
#include "app/still_target.h"

struct still_run {
    const struct still_options *options;
    struct model *model;
    const struct still_target *target;
    uint64_t seed;
    const float *original; /* [3][height][width] of options->dream.size, NULL: noise */
    const float *mask;     /* [3][height][width] 0..255: how much of the dream is taken there; NULL: all */
    bool has_alpha;        /* another picture of that size is kept beside it */
    struct still_progress *progress;
    /* Takes the picture so far, whole and finished; NULL: nobody wants it. 0 or -errno with a line. */
    int (*save)(void *context, const float *rgb, struct error *e);
    void *context;
};

/* *out: [3][height][width] of options->dream.size, new memory. When somebody stops it, what there is. 0 or -errno with a
 * line. */
int still_dream(const struct still_run *run, float **out, struct error *e);

/* All its steps, in pixels. */
double still_dream_pixels(const struct still_options *o);

#endif
