/*
 * still_job - what the ways of making stills share: everything that is opened before the first step. cmd_still.c opens and
 * closes it, still_sheet.c and still_film.c make more than one picture of it.
 */
#ifndef APP_STILL_JOB_H
#define APP_STILL_JOB_H

#include "app/still_dream.h"
#include "app/still_output.h"

struct still_job {
    struct still_options options;
    struct still_output output;
    struct model *model;
    char *note;                                   /* the recipe, kept in what is written */
    struct still_target targets[STILL_TEXTS_MAX]; /* one for each text, or that of the layers */
    int target_count;
    float *original, *alpha,
        *mask; /* [3][height][width] of options.dream.size, or NULL; alpha: its first plane */
    struct still_progress progress;
};

/* One picture of a text and a seed. *out is new memory. 0 or -errno with a line. */
int still_job_dream(struct still_job *job, int target, int64_t seed, float **out, struct error *e);

/* Writes a picture of that size, with the alpha when it is the start picture's size and `is_alone`. */
int still_job_write(const struct still_job *job, const float *rgb, struct option_size size, bool is_alone,
                    struct error *e);

/* All texts and seeds on one sheet (still_sheet.c), its size before it is begun. */
struct option_size still_sheet_size(const struct still_job *job);
int still_sheet(struct still_job *job, struct error *e);

/* A film that falls into the picture (still_film.c). */
int still_film_check(const struct still_job *job, struct error *e);
int still_film(struct still_job *job, struct error *e);

#endif
