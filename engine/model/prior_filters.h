/*
 * prior_filters - what the patch prior is made of: filters, means, and the shape of its energy.
 *
 * Two kinds of file are read. A safetensors file holds `filters` [192][3][8][8] and `mu` [192] as they
 * are used here, by cross-correlation; the one inside the program is such a file. The files of 2015 are a
 * pair of NumPy arrays: filters [8][8][3][n], rows, columns, RGB, and means [n]. There they went through
 * a true convolution, which turns each by 180 degrees (docs/original-2015.md, item 34); so they are
 * turned once, here.
 *
 * The Gaussian energy of 2015 leaves out the last filter of its pair; that goes for pairs only.
 */
#ifndef ENGINE_MODEL_PRIOR_FILTERS_H
#define ENGINE_MODEL_PRIOR_FILTERS_H

#include "common/error.h"
#include "engine/weights/weights.h"

enum { PRIOR_SIDE = 8, PRIOR_DIM = 3 * PRIOR_SIDE * PRIOR_SIDE };

enum prior_kind {
    PRIOR_STUDENT_T, /* log(1 + u^2 / nu) */
    PRIOR_GAUSSIAN   /* u^2 */
};

/* Where it comes from. All zero: Student-t with the filters inside the program. */
struct prior_source {
    int kind;              /* enum prior_kind */
    const char *file;      /* NULL or "": the one inside the program */
    const char *mean_file; /* NULL or "", unless `file` is the filters' half of a NumPy pair */
};

struct prior_filters {
    float *filters; /* [192][3][8][8]; rows that do not count are zero, and so are their offsets */
    float *offset;  /* [192]: u = z - mu = filters . patch + offset, with the 128 and mu inside */
    int kind;       /* enum prior_kind */
    int count;      /* of the filters that count, 1..192: means over filters divide by it */
    float nu;       /* Student-t only */
};

/* 0 or -errno with a line that names the file; the filters are empty then. NULL as `source` is all zero. */
int prior_filters_open(struct prior_filters *f, const struct prior_source *source, struct error *e);

/* The same from open files; `mean` NULL: there is no second one. */
int prior_filters_read(struct prior_filters *f, int kind, const struct weights *w, const struct weights *mean,
                       struct error *e);
void prior_filters_close(struct prior_filters *f);

#endif
