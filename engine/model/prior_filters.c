/*
 * prior_filters - see prior_filters.h. Fewer than 192 filters are filled up with zeros, which add nothing to
 * energy and gradient, so that nobody else has to know how many there are.
 */
#include "engine/model/prior_filters.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "models/embedded.h"

#define NU_DEFAULT 0.665248

static bool is_numpy(const struct weights *w)
{
    return strcmp(weights_format(w), "NumPy") == 0;
}

static int file_error(const struct weights *w, struct error *e, const char *expected)
{
    return error_set(e, EINVAL, "%s: %s", weights_path(w), expected);
}

/* filters [192][3][8][8] and mu [192]; mu is left in f->offset. */
static int read_named(struct prior_filters *f, const struct weights *w, struct error *e)
{
    const struct tensor *filters = weights_find(w, "filters"), *mu = weights_find(w, "mu");
    if (!filters || filters->dims != 4 || filters->shape[0] != PRIOR_DIM || filters->shape[1] != 3 ||
        filters->shape[2] != PRIOR_SIDE || filters->shape[3] != PRIOR_SIDE)
        return file_error(w, e, "tensor filters: [192, 3, 8, 8] is expected");
    if (!mu || mu->dims != 1 || mu->shape[0] != PRIOR_DIM)
        return file_error(w, e, "tensor mu: [192] is expected");
    const char *nu = weights_metadata(w, "prior.nu");
    f->nu = (float)(nu ? strtod(nu, NULL) : NU_DEFAULT);
    if (!(f->nu > 1e-6f && f->nu < 1e6f))
        return error_set(e, EINVAL, "%s: metadata prior.nu: \"%.40s\"; a positive number is expected",
                         weights_path(w), nu);
    f->count = PRIOR_DIM;
    tensor_to_float(filters, 0, filters->elements, f->filters);
    tensor_to_float(mu, 0, PRIOR_DIM, f->offset);
    return 0;
}

/* The pair of 2015: [8][8][3][n] and [n]. */
static int read_pair(struct prior_filters *f, const struct weights *w, const struct weights *mean,
                     struct error *e)
{
    const struct tensor *filters = weights_at(w, 0), *mu = weights_at(mean, 0);
    if (filters->dims != 4 || filters->shape[0] != PRIOR_SIDE || filters->shape[1] != PRIOR_SIDE ||
        filters->shape[2] != 3 || filters->shape[3] < 2 || filters->shape[3] > PRIOR_DIM)
        return file_error(w, e, "an array [8, 8, 3, n] of 2 to 192 filters is expected");
    int n = (int)filters->shape[3];
    if (mu->dims != 1 || mu->shape[0] != n)
        return error_set(e, EINVAL, "%s: an array [%d], one mean per filter, is expected", weights_path(mean),
                         n);
    f->nu = (float)NU_DEFAULT;
    f->count = n - (f->kind == PRIOR_GAUSSIAN);
    float row[PRIOR_DIM];
    for (int place = 0; place < PRIOR_DIM; place++) { /* of the file: y, x, channel */
        int y = place / (3 * PRIOR_SIDE), x = place / 3 % PRIOR_SIDE, c = place % 3;
        int turned = (c * PRIOR_SIDE + PRIOR_SIDE - 1 - y) * PRIOR_SIDE + PRIOR_SIDE - 1 - x;
        tensor_to_float(filters, (int64_t)place * n, n, row);
        for (int k = 0; k < f->count; k++)
            f->filters[k * PRIOR_DIM + turned] = row[k];
    }
    tensor_to_float(mu, 0, f->count, f->offset);
    return 0;
}

/* mu in f->offset becomes what is added to a response. */
static int make_offsets(struct prior_filters *f, const struct weights *w, struct error *e)
{
    for (int k = 0; k < f->count; k++) {
        double sum = 0;
        for (int i = 0; i < PRIOR_DIM; i++)
            sum += (double)f->filters[k * PRIOR_DIM + i];
        f->offset[k] = (float)(-128 * sum - (double)f->offset[k]);
        if (!isfinite(f->offset[k]))
            return error_set(e, EDOM, "%s: filter %d or its mu is not a finite number", weights_path(w), k);
    }
    return 0;
}

int prior_filters_read(struct prior_filters *f, int kind, const struct weights *w, const struct weights *mean,
                       struct error *e)
{
    *f = (struct prior_filters){.kind = kind,
                                .filters = xcalloc(PRIOR_DIM * PRIOR_DIM, sizeof(float)),
                                .offset = xcalloc(PRIOR_DIM, sizeof(float))};
    int rc;
    if (mean && !is_numpy(w))
        rc = file_error(w, e, "holds its own means; a second file (prior_mean) belongs to a .npy only");
    else if (mean && !is_numpy(mean))
        rc = file_error(mean, e, "a NumPy array (.npy) of means is expected");
    else if (!mean && is_numpy(w))
        rc = file_error(w, e, "filters without means; their file is to be named too (prior_mean)");
    else
        rc = mean ? read_pair(f, w, mean, e) : read_named(f, w, e);
    if (rc == 0)
        rc = make_offsets(f, w, e);
    if (rc < 0)
        prior_filters_close(f);
    return rc;
}

int prior_filters_open(struct prior_filters *f, const struct prior_source *source, struct error *e)
{
    static const struct prior_source embedded = {PRIOR_STUDENT_T, NULL, NULL};
    const struct prior_source *s = source ? source : &embedded;
    bool inside = !s->file || !*s->file, pair = s->mean_file && *s->mean_file;
    struct weights *w = NULL, *mean = NULL;
    *f = (struct prior_filters){0};
    int rc = inside ? weights_open_memory(&w, embedded_prior, (size_t)(embedded_prior_end - embedded_prior),
                                          "patch prior", e)
                    : weights_open(&w, s->file, e);
    if (rc == 0 && pair)
        rc = weights_open(&mean, s->mean_file, e);
    if (rc == 0)
        rc = prior_filters_read(f, s->kind, w, mean, e);
    weights_close(&mean);
    weights_close(&w);
    return rc;
}

void prior_filters_close(struct prior_filters *f)
{
    free(f->filters);
    free(f->offset);
    *f = (struct prior_filters){0};
}
