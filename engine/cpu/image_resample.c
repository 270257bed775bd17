/*
 * image_resample - see image_resample.h. Two separable passes each way: first along columns, which works on
 * whole rows, then along rows.
 */
#include "engine/cpu/image_resample.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "engine/cpu/image_kernels.h"

struct image_resampler {
    struct pool *pool;
    struct image_axis x, y;
    int max_taps;
    bool is_one_way;
    float **line; /* [threads][width] scratch rows */
    float *half;  /* [3][max view height][width] rows of the view, columns of the picture */
};

static bool axis_alloc(struct image_axis *a, int size, int max_view, int max_taps)
{
    size_t n = (size_t)max_view * (size_t)max_taps;
    a->size = size;
    a->index = buffer_alloc(n * sizeof *a->index);
    a->weight = buffer_alloc(n * sizeof *a->weight);
    a->back = buffer_alloc(n * sizeof *a->back);
    a->back_weight = buffer_alloc(n * sizeof *a->back_weight);
    a->start = buffer_alloc(((size_t)size + 2) * sizeof *a->start);
    return a->index && a->weight && a->back && a->back_weight && a->start;
}

static void axis_free(struct image_axis *a)
{
    free(a->index);
    free(a->weight);
    free(a->back);
    free(a->back_weight);
    free(a->start);
}

int image_resampler_open(struct image_resampler **out, struct pool *pool,
                         const struct image_resampler_params *p, struct error *e)
{
    struct image_resampler *r = *out = xcalloc(1, sizeof *r);
    r->pool = pool;
    r->is_one_way = p->is_one_way;
    r->max_taps = image_axis_taps(p->min_scale);
    r->line = xcalloc((size_t)pool_threads(pool), sizeof *r->line);
    r->half = buffer_alloc(3 * (size_t)p->max_view_height_px * (size_t)p->width_px * sizeof(float));
    bool ok = axis_alloc(&r->x, p->width_px, p->max_view_width_px, r->max_taps) &&
              axis_alloc(&r->y, p->height_px, p->max_view_height_px, r->max_taps) && r->half;
    for (int i = 0; i < pool_threads(pool); i++)
        ok = (r->line[i] = buffer_alloc((size_t)p->width_px * sizeof(float))) && ok;
    if (ok)
        return 0;
    image_resampler_close(out);
    return error_set(e, ENOMEM, "no memory for views of a picture of %dx%d", p->width_px, p->height_px);
}

void image_resampler_close(struct image_resampler **out)
{
    struct image_resampler *r = *out;
    if (!r)
        return;
    for (int i = 0; i < pool_threads(r->pool); i++)
        free(r->line[i]);
    axis_free(&r->x);
    axis_free(&r->y);
    free(r->line);
    free(r->half);
    free(r);
    *out = NULL;
}

void image_view_plan(struct image_resampler *r, const struct image_view *v)
{
    image_axis_plan(&r->x, v->width_px, v->scale, v->offset_x, r->is_one_way);
    image_axis_plan(&r->y, v->height_px, v->scale, v->offset_y, r->is_one_way);
}

struct job {
    struct image_resampler *r;
    const float *in;
    float *out;
};

static void sample_row(void *context, int item, int worker)
{
    const struct job *job = context;
    const struct image_axis *x = &job->r->x, *y = &job->r->y;
    int c = item / y->view, row = item % y->view;
    float *line = job->r->line[worker];
    const float *plane = job->in + (long)c * y->size * x->size;
    int filled = 0;
    for (int t = 0; t < y->taps; t++) {
        float w = y->weight[(long)row * y->taps + t];
        if (w == 0)
            continue;
        image_row_scale(line, plane + (long)y->index[(long)row * y->taps + t] * x->size, w, x->size, filled);
        filled = 1;
    }
    image_row_gather(job->out + (long)item * x->view, line, x->index, x->weight, x->taps, x->view);
}

static void widen_row(void *context, int item, int worker)
{
    (void)worker;
    const struct job *job = context;
    const struct image_axis *x = &job->r->x;
    image_row_gather_lists(job->r->half + (long)item * x->size, job->in + (long)item * x->view, x->start,
                           x->back, x->back_weight, x->size);
}

static void spread_row(void *context, int item, int worker)
{
    (void)worker;
    const struct job *job = context;
    const struct image_axis *x = &job->r->x, *y = &job->r->y;
    int c = item / y->size, row = item % y->size;
    float *out = job->out + (long)item * x->size;
    const float *plane = job->r->half + (long)c * y->view * x->size;
    int filled = 0;
    for (int k = y->start[row]; k < y->start[row + 1]; k++) {
        if (y->back_weight[k] == 0)
            continue;
        image_row_scale(out, plane + (long)y->back[k] * x->size, y->back_weight[k], x->size, filled);
        filled = 1;
    }
    if (!filled) /* a picture row that no view pixel looks at */
        image_row_scale(out, plane, 0, x->size, 0);
}

void image_view_sample(struct image_resampler *r, const float *picture, float *view)
{
    struct job job = {r, picture, view};
    pool_run(r->pool, sample_row, &job, 3 * r->y.view);
}

void image_view_adjoint(struct image_resampler *r, const float *view, float *picture)
{
    struct job job = {r, view, picture};
    pool_run(r->pool, widen_row, &job, 3 * r->y.view);
    pool_run(r->pool, spread_row, &job, 3 * r->y.size);
}
