/*
 * prior - see prior.h.
 *
 * Patches become the rows of a matrix, so that both ways are matrix products: z = P F', dP = dz F. The
 * picture is cut into bands of patch rows high enough (8 pixels) that a band reaches into its next neighbour
 * only; all even bands are worked on at once, then all odd ones. So gradients of overlapping patches are
 * added without locks and in an order that does not depend on the number of threads.
 */
#include "engine/cpu/prior.h"

#include <cblas.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/cpu/prior_kernels.h"

enum { CHUNK = 128 }; /* patches per matrix product: two matrices of 96 KB stay in a core's own cache */

struct scratch {
    float *patches; /* [CHUNK][192] */
    float *z;       /* [CHUNK][192] */
};

struct prior {
    struct pool *pool;
    struct prior_filters f;
    prior_energy *energy; /* of f.kind */
    int max_width_px, max_height_px;
    struct scratch *scratch; /* [threads] */
    float *pooled;           /* [3][h / 2][w / 2] */
    float *pooled_grad;      /* the same */
    double *band_energy;     /* [bands] */
};

static bool allocate(struct prior *p)
{
    size_t half = (size_t)(p->max_width_px / 2) * (size_t)(p->max_height_px / 2);
    bool ok = true;
    for (int i = 0; i < pool_threads(p->pool); i++) {
        struct scratch *s = &p->scratch[i];
        s->patches = buffer_alloc(CHUNK * PRIOR_DIM * sizeof(float));
        s->z = buffer_alloc(CHUNK * PRIOR_DIM * sizeof(float));
        ok = ok && s->patches && s->z;
    }
    p->pooled = buffer_alloc((3 * half + 1) * sizeof(float));
    p->pooled_grad = buffer_alloc((3 * half + 1) * sizeof(float));
    return ok && p->pooled && p->pooled_grad;
}

int prior_open(struct prior **out, const struct prior_source *source, struct pool *pool, int max_width_px,
               int max_height_px, struct error *e)
{
    struct prior *p = *out = xcalloc(1, sizeof *p);
    p->pool = pool;
    p->max_width_px = max_width_px;
    p->max_height_px = max_height_px;
    p->scratch = xcalloc((size_t)pool_threads(pool), sizeof *p->scratch);
    p->band_energy = xcalloc((size_t)max_height_px, sizeof *p->band_energy);
    int rc = prior_filters_open(&p->f, source, e);
    p->energy = p->f.kind == PRIOR_GAUSSIAN ? prior_gaussian : prior_student_t;
    if (rc == 0 && !allocate(p))
        rc = error_set(e, ENOMEM, "patch prior: no memory for a picture of %dx%d", max_width_px,
                       max_height_px);
    if (rc < 0)
        prior_close(out);
    else
        openblas_set_num_threads(1); /* the pool is the only one who divides work */
    return rc;
}

void prior_close(struct prior **out)
{
    struct prior *p = *out;
    if (!p)
        return;
    for (int i = 0; i < pool_threads(p->pool); i++) {
        free(p->scratch[i].patches);
        free(p->scratch[i].z);
    }
    free(p->scratch);
    free(p->band_energy);
    free(p->pooled);
    free(p->pooled_grad);
    prior_filters_close(&p->f);
    free(p);
    *out = NULL;
}

/* One scale: a grid of patches on one picture. */
struct grid {
    struct prior *prior;
    const float *x; /* [3][height][width] */
    float *grad;    /* the same */
    int width, height;
    int stride, offset_x, offset_y;
    int columns, rows; /* patches */
    int band_rows;     /* patch rows per band */
    int first_band;    /* 0 or 1: even or odd bands */
    float scale;       /* of the gradient of one response */
};

static long patch_place(const struct grid *g, int row, int column)
{
    return (long)(g->offset_y + row * g->stride) * g->width + g->offset_x + column * g->stride;
}

/* Patches first..first+count-1 of the band that begins at patch row `row0`. Returns their energy. */
static double work_chunk(const struct grid *g, struct scratch *s, int row0, int first, int count)
{
    const struct prior *p = g->prior;
    long plane = (long)g->width * g->height;
    double energy = 0;
    for (int i = 0; i < count; i++) {
        int n = first + i;
        prior_patch_gather(g->x + patch_place(g, row0 + n / g->columns, n % g->columns), plane, g->width,
                           s->patches + (long)i * PRIOR_DIM);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, PRIOR_DIM, PRIOR_DIM, 1, s->patches,
                PRIOR_DIM, p->f.filters, PRIOR_DIM, 0, s->z, PRIOR_DIM);
    for (int i = 0; i < count; i++)
        energy += p->energy(s->z + (long)i * PRIOR_DIM, p->f.offset, p->f.nu, g->scale);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, PRIOR_DIM, PRIOR_DIM, 1, s->z, PRIOR_DIM,
                p->f.filters, PRIOR_DIM, 0, s->patches, PRIOR_DIM);
    for (int i = 0; i < count; i++) {
        int n = first + i;
        prior_patch_scatter(g->grad + patch_place(g, row0 + n / g->columns, n % g->columns), plane, g->width,
                            s->patches + (long)i * PRIOR_DIM);
    }
    return energy;
}

static void work_band(void *context, int item, int worker)
{
    const struct grid *g = context;
    int band = g->first_band + 2 * item;
    int row0 = band * g->band_rows;
    int rows = g->rows - row0 < g->band_rows ? g->rows - row0 : g->band_rows;
    int patches = rows * g->columns;
    double energy = 0;
    for (int first = 0; first < patches; first += CHUNK) {
        int count = patches - first < CHUNK ? patches - first : CHUNK;
        energy += work_chunk(g, &g->prior->scratch[worker], row0, first, count);
    }
    g->prior->band_energy[band] = energy;
}

/* Energy of the grid; its gradient times `weight` is added to g->grad. */
static double run_grid(struct grid *g, float weight)
{
    g->columns =
        g->width - g->offset_x < PRIOR_SIDE ? 0 : (g->width - g->offset_x - PRIOR_SIDE) / g->stride + 1;
    g->rows =
        g->height - g->offset_y < PRIOR_SIDE ? 0 : (g->height - g->offset_y - PRIOR_SIDE) / g->stride + 1;
    if (g->columns == 0 || g->rows == 0)
        return 0;
    double terms = (double)g->columns * g->rows * g->prior->f.count;
    g->scale = (float)((double)weight / terms);
    g->band_rows = (PRIOR_SIDE + g->stride - 1) / g->stride;
    int bands = (g->rows + g->band_rows - 1) / g->band_rows;
    for (g->first_band = 0; g->first_band < 2; g->first_band++)
        pool_run(g->prior->pool, work_band, g, (bands - g->first_band + 1) / 2);
    double energy = 0;
    for (int i = 0; i < bands; i++)
        energy += g->prior->band_energy[i];
    return energy / terms;
}

/* Pooling there and back, by rows of the pooled picture. */
struct pooling {
    struct prior *prior;
    const float *x; /* [3][height][width] */
    float *grad;
    int width, height, p;
    int left, top;                   /* where pooling begins, 0..p-1 */
    int pooled_width, pooled_height; /* whole pooled pixels behind that */
};

static long pooling_place(const struct pooling *q, int c, int y)
{
    return ((long)c * q->height + q->top + (long)y * q->p) * q->width + q->left;
}

static void pool_rows(void *context, int y, int worker)
{
    (void)worker;
    const struct pooling *q = context;
    int w = q->pooled_width;
    for (int c = 0; c < 3; c++) {
        long at = ((long)c * q->pooled_height + y) * w;
        prior_pool_row(q->x + pooling_place(q, c, y), q->width, q->p, w, q->prior->pooled + at);
        memset(q->prior->pooled_grad + at, 0, (size_t)w * sizeof(float));
    }
}

static void unpool_rows(void *context, int y, int worker)
{
    (void)worker;
    const struct pooling *q = context;
    int w = q->pooled_width;
    for (int c = 0; c < 3; c++)
        prior_unpool_row(q->prior->pooled_grad + ((long)c * q->pooled_height + y) * w, w, q->p,
                         q->grad + pooling_place(q, c, y), q->width);
}

double prior_gradient(struct prior *p, const float *x, int width_px, int height_px,
                      const struct backend_prior *s, float *grad)
{
    int pool_px = s->pool_px;
    struct grid g = {.prior = p,
                     .x = x,
                     .grad = grad,
                     .width = width_px,
                     .height = height_px,
                     .stride = s->stride,
                     .offset_x = s->offset_x / pool_px,
                     .offset_y = s->offset_y / pool_px};
    if (pool_px == 1)
        return run_grid(&g, s->weight);
    struct pooling q = {.prior = p,
                        .x = x,
                        .grad = grad,
                        .width = width_px,
                        .height = height_px,
                        .p = pool_px,
                        .left = s->offset_x % pool_px,
                        .top = s->offset_y % pool_px};
    g.x = p->pooled;
    g.grad = p->pooled_grad;
    g.width = q.pooled_width = (width_px - q.left) / pool_px;
    g.height = q.pooled_height = (height_px - q.top) / pool_px;
    if (g.width < PRIOR_SIDE || g.height < PRIOR_SIDE)
        return 0;
    pool_run(p->pool, pool_rows, &q, g.height);
    double energy = run_grid(&g, s->weight);
    pool_run(p->pool, unpool_rows, &q, g.height);
    return energy;
}
