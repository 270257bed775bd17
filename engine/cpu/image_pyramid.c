/*
 * image_pyramid - see image_pyramid.h. Down: [1 3 3 1] / 8 both ways, every second pixel. Up: the transpose
 * of that times four, which is bilinear interpolation between the same places.
 */
#include "engine/cpu/image_pyramid.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "engine/cpu/image_kernels.h"

enum { LEVELS_MAX = 10, SIDE_MIN = 4 };

struct level {
    float *x; /* [3][height][width]; level 0 belongs to the caller */
    int width, height;
};

struct image_pyramid {
    struct pool *pool;
    int max_width, max_height;
    struct level levels[LEVELS_MAX];
    float **line;    /* [threads][max_width + 4] */
    double *squares; /* [3 * max_height] per row */
};

int image_pyramid_open(struct image_pyramid **out, struct pool *pool, int max_width_px, int max_height_px,
                       struct error *e)
{
    struct image_pyramid *p = *out = xcalloc(1, sizeof *p);
    p->pool = pool;
    p->max_width = max_width_px;
    p->max_height = max_height_px;
    p->line = xcalloc((size_t)pool_threads(pool), sizeof *p->line);
    p->squares = xcalloc(3 * (size_t)max_height_px, sizeof *p->squares);
    bool ok = true;
    int w = max_width_px, h = max_height_px;
    for (int i = 1; i < LEVELS_MAX; i++) {
        w = (w + 1) / 2;
        h = (h + 1) / 2;
        ok = (p->levels[i].x = buffer_alloc(3 * (size_t)w * (size_t)h * sizeof(float))) && ok;
    }
    for (int i = 0; i < pool_threads(pool); i++)
        ok = (p->line[i] = buffer_alloc(((size_t)max_width_px + 4) * sizeof(float))) && ok;
    if (ok)
        return 0;
    image_pyramid_close(out);
    return error_set(e, ENOMEM, "no memory for a pyramid of %dx%d", max_width_px, max_height_px);
}

void image_pyramid_close(struct image_pyramid **out)
{
    struct image_pyramid *p = *out;
    if (!p)
        return;
    for (int i = 1; i < LEVELS_MAX; i++)
        free(p->levels[i].x);
    for (int i = 0; i < pool_threads(p->pool); i++)
        free(p->line[i]);
    free(p->line);
    free(p->squares);
    free(p);
    *out = NULL;
}

/* Work on the rows of two neighbouring levels. */
struct job {
    struct image_pyramid *p;
    const struct level *fine, *coarse;
    float a, b; /* fine = a * fine + b * up(coarse) */
};

static int clamp_row(int y, int height)
{
    return y < 0 ? 0 : y >= height ? height - 1 : y;
}

static void halve_row(void *context, int item, int worker)
{
    const struct job *job = context;
    const struct level *f = job->fine, *s = job->coarse;
    int c = item / s->height, y = item % s->height;
    const float *rows[4];
    for (int k = 0; k < 4; k++)
        rows[k] = f->x + ((long)c * f->height + clamp_row(2 * y - 1 + k, f->height)) * f->width;
    image_row_halve(s->x + (long)item * s->width, rows, job->p->line[worker], f->width);
}

static void double_row(void *context, int item, int worker)
{
    const struct job *job = context;
    const struct level *f = job->fine, *s = job->coarse;
    int c = item / f->height, y = item % f->height;
    const float *plane = s->x + (long)c * s->height * s->width;
    const float *near = plane + (long)(y / 2) * s->width;
    const float *far = plane + (long)clamp_row(y % 2 ? y / 2 + 1 : y / 2 - 1, s->height) * s->width;
    float *row = f->x + (long)item * f->width;
    image_row_double(row, near, far, job->p->line[worker], s->width, f->width, job->a, job->b);
    job->p->squares[item] = image_row_squares(row, f->width);
}

static void square_row(void *context, int item, int worker)
{
    (void)worker;
    const struct job *job = context;
    job->p->squares[item] = image_row_squares(job->fine->x + (long)item * job->fine->width, job->fine->width);
}

static double rms(const struct image_pyramid *p, const struct level *l)
{
    double sum = 0;
    for (int i = 0; i < 3 * l->height; i++)
        sum += p->squares[i];
    return sqrt(sum / (3.0 * l->height * l->width));
}

static float share(double root_mean_square, double weight)
{
    return root_mean_square > 1e-30 ? (float)(weight / root_mean_square) : 0;
}

static void scale_level(const struct level *l, float factor)
{
    long n = 3L * l->height * l->width;
    for (long i = 0; i < n; i++)
        l->x[i] *= factor;
}

void image_pyramid_normalise(struct image_pyramid *p, float *x, int width_px, int height_px,
                             const struct image_octaves *o)
{
    struct level *l = p->levels;
    float factor[LEVELS_MAX];
    l[0] = (struct level){x, width_px, height_px};
    int last = 0;
    while (last + 1 < o->levels && last + 1 < LEVELS_MAX && l[last].width >= 2 * SIDE_MIN &&
           l[last].height >= 2 * SIDE_MIN) {
        l[last + 1].width = (l[last].width + 1) / 2;
        l[last + 1].height = (l[last].height + 1) / 2;
        struct job job = {.p = p, .fine = &l[last], .coarse = &l[last + 1]};
        pool_run(p->pool, halve_row, &job, 3 * l[last + 1].height);
        job.a = 1;
        job.b = -1;
        pool_run(p->pool, double_row, &job, 3 * l[last].height); /* l[last] now holds its band alone */
        factor[last] = share(rms(p, &l[last]), last ? pow(o->gain, last) : o->finest_gain);
        last++;
    }
    struct job job = {.p = p, .fine = &l[last]};
    pool_run(p->pool, square_row, &job, 3 * l[last].height);
    scale_level(&l[last], o->drops_rest ? 0 : share(rms(p, &l[last]), pow(o->gain, last)));
    while (last-- > 0) {
        struct job up = {.p = p, .fine = &l[last], .coarse = &l[last + 1], .a = factor[last], .b = 1};
        pool_run(p->pool, double_row, &up, 3 * l[last].height);
    }
}
