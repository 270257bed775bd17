/*
 * prior - see prior.h. The matrices are fp32; where the device has TF32 and the dream does not ask for more,
 * products round their factors to it. The 128 is taken from patches before that, which keeps them small.
 */
#include "engine/cuda/module/prior.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/cuda/plan.h"

enum {
    CHUNK_MAX = 32768,         /* patches at once: two matrices of 25 MB */
    WORKSPACE_BYTES = 4 << 20, /* for the products */
    SM_TF32 = 80
};

struct cuda_prior {
    struct cuda_device *device;
    int width, height, chunk;
    int filter_count; /* that means are taken over */
    struct prior_law law;
    float *filters, *offset; /* device [192][192], [192] */
    float *patches, *z;      /* device [chunk][192] */
    double *energy;          /* device [chunk] */
    double *energy_host;     /* [chunk] */
    void *workspace;         /* device */
    cublasLtMatmulDesc_t there, back;
    cublasLtMatmulPreference_t preference;
};

/* ---- Memory ---- */

static int chunk_for(const struct dream_config *c)
{
    long pixels = (long)c->size.width_px * c->size.height_px;
    return pixels < CHUNK_MAX ? (int)pixels : CHUNK_MAX;
}

size_t cuda_prior_bytes(const struct dream_config *c)
{
    size_t matrix = (size_t)chunk_for(c) * PRIOR_DIM * sizeof(float);
    return cuda_arena_size(PRIOR_DIM * PRIOR_DIM * sizeof(float)) +
           cuda_arena_size(PRIOR_DIM * sizeof(float)) + 2 * cuda_arena_size(matrix) +
           cuda_arena_size((size_t)chunk_for(c) * sizeof(double)) + cuda_arena_size(WORKSPACE_BYTES);
}

static int carve_buffers(struct cuda_prior *p)
{
    size_t matrix = (size_t)p->chunk * PRIOR_DIM * sizeof(float);
    p->filters = cuda_carve(p->device, PRIOR_DIM * PRIOR_DIM * sizeof(float));
    p->offset = cuda_carve(p->device, PRIOR_DIM * sizeof(float));
    p->patches = cuda_carve(p->device, matrix);
    p->z = cuda_carve(p->device, matrix);
    p->energy = cuda_carve(p->device, (size_t)p->chunk * sizeof(double));
    p->workspace = cuda_carve(p->device, WORKSPACE_BYTES);
    return p->filters && p->offset && p->patches && p->z && p->energy && p->workspace ? 0 : -ENOMEM;
}

/* Filters to the device; offsets for patches from which 128 is taken already. */
static int upload(struct cuda_prior *p, const struct prior_filters *f)
{
    float offset[PRIOR_DIM];
    for (int k = 0; k < PRIOR_DIM; k++) {
        double sum = 0;
        for (int i = 0; i < PRIOR_DIM; i++)
            sum += (double)f->filters[k * PRIOR_DIM + i];
        offset[k] = (float)((double)f->offset[k] + 128 * sum);
    }
    p->filter_count = f->count;
    p->law = (struct prior_law){p->offset, f->nu, f->kind};
    struct cuda_device *d = p->device;
    int rc = cuda_fail(d,
                       cudaMemcpyAsync(p->filters, f->filters, PRIOR_DIM * PRIOR_DIM * sizeof(float),
                                       cudaMemcpyHostToDevice, d->stream),
                       "prior filters");
    if (rc == 0)
        rc =
            cuda_fail(d, cudaMemcpyAsync(p->offset, offset, sizeof offset, cudaMemcpyHostToDevice, d->stream),
                      "prior offsets");
    return rc == 0 ? cuda_device_wait(d) : rc;
}

/* ---- The products ----
 *
 * Rows here are columns to cuBLAS: a matrix [n][192] is one of 192 x n there. z' = F'^T P' with the filters
 * F' transposed once more, and dP' = F' dz'. */

static int make_product(struct cuda_prior *p, cublasLtMatmulDesc_t *out, cublasComputeType_t compute,
                        cublasOperation_t filters)
{
    struct cuda_device *d = p->device;
    int rc = cuda_fail_blas(d, cublasLtMatmulDescCreate(out, compute, CUDA_R_32F), "prior product");
    if (rc == 0)
        rc = cuda_fail_blas(
            d, cublasLtMatmulDescSetAttribute(*out, CUBLASLT_MATMUL_DESC_TRANSA, &filters, sizeof filters),
            "prior product");
    return rc;
}

static int prefer(struct cuda_prior *p, cublasLtMatmulPreferenceAttributes_t what, const void *value,
                  size_t bytes)
{
    return cuda_fail_blas(p->device, cublasLtMatmulPreferenceSetAttribute(p->preference, what, value, bytes),
                          "prior product");
}

static int make_products(struct cuda_prior *p, int precision)
{
    struct cuda_device *d = p->device;
    const size_t workspace = WORKSPACE_BYTES;
    const uint32_t unsplit = CUBLASLT_REDUCTION_SCHEME_NONE;
    bool is_rounded = precision != DREAM_PRECISION_FP32 && d->sm >= SM_TF32;
    cublasComputeType_t compute = is_rounded ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    int rc = make_product(p, &p->there, compute, CUBLAS_OP_T);
    if (rc == 0)
        rc = make_product(p, &p->back, compute, CUBLAS_OP_N);
    if (rc == 0)
        rc = cuda_fail_blas(d, cublasLtMatmulPreferenceCreate(&p->preference), "prior product");
    if (rc == 0)
        rc = prefer(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    if (rc == 0) /* sums of 192 in one go: the same order each time */
        rc = prefer(p, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &unsplit, sizeof unsplit);
    return rc;
}

/* The matrices of a product: filters, and `count` patches in and out. */
struct shapes {
    cublasLtMatrixLayout_t filters, patches;
};

static void drop_shapes(struct shapes *s)
{
    if (s->filters)
        (void)cublasLtMatrixLayoutDestroy(s->filters);
    if (s->patches)
        (void)cublasLtMatrixLayoutDestroy(s->patches);
}

static int make_shapes(struct cuda_prior *p, int count, struct shapes *s)
{
    *s = (struct shapes){NULL, NULL};
    struct cuda_device *d = p->device;
    int rc = cuda_fail_blas(
        d, cublasLtMatrixLayoutCreate(&s->filters, CUDA_R_32F, PRIOR_DIM, PRIOR_DIM, PRIOR_DIM),
        "prior matrix");
    if (rc == 0)
        rc = cuda_fail_blas(
            d, cublasLtMatrixLayoutCreate(&s->patches, CUDA_R_32F, PRIOR_DIM, (uint64_t)count, PRIOR_DIM),
            "prior matrix");
    if (rc < 0)
        drop_shapes(s);
    return rc;
}

static int choose(struct cuda_prior *p, cublasLtMatmulDesc_t product, const struct shapes *s,
                  cublasLtMatmulAlgo_t *algo)
{
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;
    cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(p->device->blas, product, s->filters, s->patches, s->patches,
                                       s->patches, p->preference, 1, &found, &count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && count == 0))
        return -ENOTSUP;
    *algo = found.algo;
    return cuda_fail_blas(p->device, status, "prior product");
}

static int plan_product(struct cuda_prior *p, int count, struct cuda_prior_product *out)
{
    struct shapes s;
    out->count = count;
    if (count == 0)
        return 0;
    int rc = make_shapes(p, count, &s);
    if (rc < 0)
        return rc;
    rc = choose(p, p->there, &s, &out->there);
    if (rc == 0)
        rc = choose(p, p->back, &s, &out->back);
    drop_shapes(&s);
    return rc;
}

static int multiply(struct cuda_prior *p, cublasLtMatmulDesc_t product, int count, const float *in,
                    float *out, const cublasLtMatmulAlgo_t *algo, cudaStream_t stream)
{
    static const float one = 1, zero = 0;
    struct shapes s;
    int rc = make_shapes(p, count, &s);
    if (rc < 0)
        return rc;
    rc = cuda_fail_blas(p->device,
                        cublasLtMatmul(p->device->blas, product, &one, p->filters, s.filters, in, s.patches,
                                       &zero, out, s.patches, out, s.patches, algo, p->workspace,
                                       WORKSPACE_BYTES, stream),
                        "prior product");
    drop_shapes(&s);
    return rc;
}

/* ---- Opening ---- */

int cuda_prior_open(struct cuda_prior **out, struct cuda_device *d, const struct dream_config *c,
                    struct error *e)
{
    const struct prior_source source = {c->prior, c->prior_file, c->prior_mean};
    struct prior_filters filters;
    *out = NULL;
    int rc = prior_filters_open(&filters, &source, e);
    if (rc < 0)
        return rc;
    struct cuda_prior *p = *out = xcalloc(1, sizeof *p);
    p->device = d;
    p->width = c->size.width_px;
    p->height = c->size.height_px;
    p->chunk = chunk_for(c);
    p->energy_host = xcalloc((size_t)p->chunk, sizeof *p->energy_host);
    rc = carve_buffers(p);
    if (rc < 0)
        error_set(e, ENOMEM, "backend cuda: the prior's memory was not planned");
    if (rc == 0 && ((rc = upload(p, &filters)) < 0 || (rc = make_products(p, c->precision)) < 0))
        cuda_lost(d, e);
    prior_filters_close(&filters);
    if (rc < 0)
        cuda_prior_close(out);
    return rc;
}

void cuda_prior_close(struct cuda_prior **out)
{
    struct cuda_prior *p = *out;
    if (!p)
        return;
    if (p->preference)
        (void)cublasLtMatmulPreferenceDestroy(p->preference);
    if (p->there)
        (void)cublasLtMatmulDescDestroy(p->there);
    if (p->back)
        (void)cublasLtMatmulDescDestroy(p->back);
    free(p->energy_host);
    free(p);
    *out = NULL;
}

/* ---- Planning ---- */

/* Patches in `pixels` pooled pixels behind an offset. */
static int patches_in(int pixels, int offset, int stride)
{
    return pixels - offset < PRIOR_SIDE ? 0 : (pixels - offset - PRIOR_SIDE) / stride + 1;
}

bool cuda_prior_is_planned(const struct cuda_prior_plan *plan, const struct backend_step *s)
{
    bool is_same = plan->grid.width > 0 && plan->grid.scale_count == s->prior_count;
    for (int i = 0; i < s->prior_count && is_same; i++)
        is_same = plan->grid.scales[i].pool == s->prior[i].pool_px &&
                  plan->grid.scales[i].stride == s->prior[i].stride;
    return is_same;
}

int cuda_prior_plan(struct cuda_prior *p, const struct backend_step *s, struct cuda_prior_plan *plan)
{
    *plan = (struct cuda_prior_plan){.chunk = p->chunk};
    struct prior_grid *g = &plan->grid;
    for (int i = 0; i < s->prior_count; i++) {
        struct prior_scale *scale = &g->scales[i];
        scale->pool = s->prior[i].pool_px;
        scale->stride = s->prior[i].stride;
        scale->columns = patches_in(p->width / scale->pool, 0, scale->stride);
        scale->rows = patches_in(p->height / scale->pool, 0, scale->stride);
        scale->first = plan->patches;
        plan->patches += scale->columns * scale->rows;
    }
    int whole = plan->patches > plan->chunk ? plan->chunk : 0;
    int rest = whole ? plan->patches % whole : plan->patches;
    int rc = plan_product(p, whole, &plan->whole);
    if (rc == 0)
        rc = plan_product(p, rest, &plan->rest);
    if (rc < 0)
        return rc;
    g->scale_count = s->prior_count;
    g->width = p->width; /* last: this makes it a plan */
    g->height = p->height;
    return 0;
}

void cuda_prior_place(const struct cuda_prior *p, const struct cuda_prior_plan *plan,
                      const struct backend_step *s, struct prior_place *places)
{
    for (int i = 0; i < plan->grid.scale_count; i++) {
        const struct backend_prior *from = &s->prior[i];
        struct prior_place *at = &places[i];
        at->left = from->offset_x % from->pool_px;
        at->top = from->offset_y % from->pool_px;
        at->grid_x = from->offset_x / from->pool_px;
        at->grid_y = from->offset_y / from->pool_px;
        at->columns = patches_in((p->width - at->left) / from->pool_px, at->grid_x, from->stride);
        at->rows = patches_in((p->height - at->top) / from->pool_px, at->grid_y, from->stride);
        double terms = (double)at->columns * at->rows * p->filter_count;
        at->weight = terms > 0 ? (float)((double)from->weight / terms) : 0;
    }
}

/* ---- Working ---- */

static int run_chunk(struct cuda_prior *p, const struct prior_grid *grid, struct prior_chunk chunk,
                     const struct cuda_prior_product *product, const float *picture, double *energy,
                     cudaStream_t stream)
{
    struct cuda_device *d = p->device;
    const struct prior_take take = {*grid, chunk, picture, p->patches};
    const struct prior_slope slope = {*grid, chunk, p->law, p->z, energy};
    int rc = cuda_fail(d, prior_take(&take, stream), "prior patches");
    if (rc == 0)
        rc = multiply(p, p->there, chunk.count, p->patches, p->z, &product->there, stream);
    if (rc == 0)
        rc = cuda_fail(d, prior_slope(&slope, stream), "prior slopes");
    if (rc == 0)
        rc = multiply(p, p->back, chunk.count, p->z, p->patches, &product->back, stream);
    return rc;
}

/* Waits, and adds the chunk's energies to their scales. */
static int add_energies(struct cuda_prior *p, const struct prior_grid *grid, struct prior_chunk chunk,
                        double *energy)
{
    struct cuda_device *d = p->device;
    int rc = cuda_fail(d,
                       cudaMemcpyAsync(p->energy_host, p->energy, (size_t)chunk.count * sizeof *p->energy,
                                       cudaMemcpyDeviceToHost, d->stream),
                       "prior energies");
    if (rc == 0)
        rc = cuda_device_wait(d);
    for (int n = 0, k = 0; n < chunk.count && rc == 0; n++) {
        while (k + 1 < grid->scale_count && chunk.first + n >= grid->scales[k + 1].first)
            k++;
        energy[k] += p->energy_host[n];
    }
    return rc;
}

/* `energy` [scales], sums: NULL when they are not wanted, and nothing waits. */
static int run_chunks(struct cuda_prior *p, const struct cuda_prior_plan *plan,
                      const struct prior_place *places, const float *picture, float *gradient,
                      double *squares, double *energy, cudaStream_t stream)
{
    struct cuda_device *d = p->device;
    struct prior_grid grid = plan->grid;
    grid.places = places;
    int rc = 0;
    if (plan->patches == 0) {
        size_t floats = 3 * (size_t)p->width * (size_t)p->height;
        rc = cuda_fail(d, cudaMemsetAsync(gradient, 0, floats * sizeof *gradient, stream), "no prior");
        if (rc == 0)
            rc = cuda_fail(d, cudaMemsetAsync(squares, 0, KERNEL_BLOCKS * sizeof *squares, stream),
                           "no prior");
        return rc;
    }
    for (int first = 0; first < plan->patches && rc == 0; first += plan->chunk) {
        bool is_last = plan->patches - first <= plan->chunk;
        struct prior_chunk chunk = {first, is_last ? plan->patches - first : plan->chunk};
        rc = run_chunk(p, &grid, chunk, plan->rest.count == chunk.count ? &plan->rest : &plan->whole, picture,
                       energy ? p->energy : NULL, stream);
        const struct prior_give give = {grid, chunk, p->patches, gradient, is_last ? squares : NULL};
        if (rc == 0)
            rc = cuda_fail(d, prior_give(&give, stream), "prior gradient");
        if (rc == 0 && energy)
            rc = add_energies(p, &grid, chunk, energy);
    }
    return rc;
}

int cuda_prior_gradient(struct cuda_prior *p, const struct cuda_prior_plan *plan,
                        const struct prior_place *places, const float *picture, float *gradient,
                        double *squares, cudaStream_t stream)
{
    return run_chunks(p, plan, places, picture, gradient, squares, NULL, stream);
}

int cuda_prior_measure(struct cuda_prior *p, const struct cuda_prior_plan *plan,
                       const struct prior_place *places, const struct prior_place *host_places,
                       const float *picture, float *gradient, double *squares, double *energy)
{
    for (int i = 0; i < plan->grid.scale_count; i++)
        energy[i] = 0;
    int rc = run_chunks(p, plan, places, picture, gradient, squares, energy, p->device->stream);
    for (int i = 0; i < plan->grid.scale_count && rc == 0; i++) {
        double terms = (double)host_places[i].columns * host_places[i].rows * p->filter_count;
        energy[i] = terms > 0 ? energy[i] / terms : 0;
    }
    return rc == 0 ? cuda_device_wait(p->device) : rc;
}
