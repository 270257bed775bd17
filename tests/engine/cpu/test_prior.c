/*
 * prior: both energies and their gradients against a plain reference in double precision, against finite
 * differences, the files of 2015 by true convolution, and the same bytes from any number of threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/rng.h"
#include "engine/cpu/prior.h"
#include "models/embedded.h"
#include "tests/common/normal.h"
#include "tests/engine/weights/npy_builder.h"
#include "tests/engine/weights/safetensors_builder.h"

enum { DIM = 192 };

static float filters[DIM * DIM], mu[DIM];
static const double nu = 0.665248;

static int load_reference(void **state)
{
    (void)state;
    struct weights *w;
    struct error e;
    assert_int_equal(
        weights_open_memory(&w, embedded_prior, (size_t)(embedded_prior_end - embedded_prior), "prior", &e),
        0);
    tensor_to_float(weights_find(w, "filters"), 0, DIM * DIM, filters);
    tensor_to_float(weights_find(w, "mu"), 0, DIM, mu);
    weights_close(&w);
    return 0;
}

/* Soft random pictures: sums of a few waves and some noise, around 110. */
static float *picture(int w, int h, uint64_t seed)
{
    float *x = xmalloc(sizeof *x * 3 * (size_t)w * (size_t)h);
    struct rng r = rng_make(seed, 1);
    for (int c = 0; c < 3; c++) {
        float fx = rng_uniform(&r) * 0.5f, fy = rng_uniform(&r) * 0.5f, phase = rng_uniform(&r) * 6;
        for (int i = 0; i < w * h; i++)
            x[c * w * h + i] =
                110 + 60 * sinf(fx * (float)(i % w) + fy * (float)(i / w) + phase) + 4 * rng_normal(&r);
    }
    return x;
}

static double energy_of(int kind, double u)
{
    return kind == PRIOR_GAUSSIAN ? u * u : log(1 + u * u / nu);
}

static double slope_of(int kind, double u)
{
    return kind == PRIOR_GAUSSIAN ? 2 * u : 2 * u / (nu + u * u);
}

/* The formula as it stands in prior.h, in double precision, without any thought of speed. */
static double reference(int kind, const float *x, int w, int h, int pool, int stride, int ox, int oy,
                        double weight, double *grad)
{
    int count = 0;
    double energy = 0;
    for (int pass = 0; pass < 2; pass++) /* first count the patches, then use the count */
        for (int y = oy, n = 0; y + 8 * pool <= h; y += stride * pool)
            for (int left = ox; left + 8 * pool <= w; left += stride * pool, n++) {
                count = pass ? count : n + 1;
                for (int k = 0; pass && k < DIM; k++) {
                    double z = 0;
                    for (int i = 0; i < DIM; i++)
                        for (int j = 0; j < pool * pool; j++)
                            z += filters[k * DIM + i] / (double)(pool * pool) *
                                 (x[((i / 64) * h + y + i % 64 / 8 * pool + j / pool) * w + left +
                                    i % 8 * pool + j % pool] -
                                  128.0);
                    double u = z - mu[k];
                    energy += energy_of(kind, u) / ((double)count * DIM);
                    double d = weight * slope_of(kind, u) / ((double)count * DIM);
                    for (int i = 0; i < DIM; i++)
                        for (int j = 0; j < pool * pool; j++)
                            grad[((i / 64) * h + y + i % 64 / 8 * pool + j / pool) * w + left + i % 8 * pool +
                                 j % pool] += d * filters[k * DIM + i] / (double)(pool * pool);
                }
            }
    return energy;
}

static void agrees_with_the_formula(int kind)
{
    static const struct {
        int w, h, pool, stride, ox, oy;
    } cases[] = {{37, 29, 1, 1, 0, 0},  {41, 35, 1, 4, 3, 1}, {43, 39, 2, 1, 0, 0}, {70, 50, 2, 4, 1, 7},
                 {90, 67, 4, 3, 11, 2}, {8, 8, 1, 1, 0, 0},   {33, 8, 1, 4, 2, 0}};
    struct pool *pool;
    struct prior *p;
    struct error e;
    assert_int_equal(pool_open(&pool, 2), 0);
    const struct prior_source source = {.kind = kind};
    assert_int_equal(prior_open(&p, &source, pool, 96, 80, &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int w = cases[i].w, h = cases[i].h;
        size_t n = 3 * (size_t)w * (size_t)h;
        float *x = picture(w, h, i), *grad = xcalloc(n, sizeof *grad);
        double *expected = xcalloc(n, sizeof *expected), error = 0, size = 0;
        grad[5] = expected[5] = 0.25; /* what was there must stay */
        double energy = prior_gradient(
            p, x, w, h, &(struct backend_prior){cases[i].pool, cases[i].stride, cases[i].ox, cases[i].oy, 3},
            grad);
        double should =
            reference(kind, x, w, h, cases[i].pool, cases[i].stride, cases[i].ox, cases[i].oy, 3, expected);
        for (size_t k = 0; k < n; k++) {
            error += (grad[k] - expected[k]) * (grad[k] - expected[k]);
            size += k == 5 ? 0 : expected[k] * expected[k];
        }
        assert_true(should > 0.1);
        if (fabs(energy - should) > 1e-5 * should || error > 1e-10 * size)
            fail_msg("case %zu: energy %.9g, not %.9g; relative square error %g", i, energy, should,
                     error / size);
        free(expected);
        free(grad);
        free(x);
    }
    prior_close(&p);
    pool_close(&pool);
}

static void student_t_agrees_with_the_formula(void **state)
{
    (void)state;
    agrees_with_the_formula(PRIOR_STUDENT_T);
}

static void gaussian_agrees_with_the_formula(void **state)
{
    (void)state;
    agrees_with_the_formula(PRIOR_GAUSSIAN);
}

static void gradient_is_the_slope(int kind)
{
    struct pool *pool;
    struct prior *p;
    struct error e;
    enum { W = 30, H = 26 };
    assert_int_equal(pool_open(&pool, 1), 0);
    const struct prior_source source = {kind, "", ""};
    assert_int_equal(prior_open(&p, &source, pool, W, H, &e), 0);
    float *x = picture(W, H, 5), *way = picture(W, H, 6), grad[3 * W * H] = {0}, unused[3 * W * H] = {0};
    double slope = 0, step = 1e-3;
    prior_gradient(p, x, W, H, &(struct backend_prior){1, 1, 0, 0, 1}, grad);
    for (int i = 0; i < 3 * W * H; i++)
        slope += (double)grad[i] * (way[i] - 110.0f);
    float *there = xmalloc(sizeof grad), *back = xmalloc(sizeof grad);
    for (int i = 0; i < 3 * W * H; i++) {
        there[i] = x[i] + (float)step * (way[i] - 110);
        back[i] = x[i] - (float)step * (way[i] - 110);
    }
    double rise = prior_gradient(p, there, W, H, &(struct backend_prior){1, 1, 0, 0, 0}, unused) -
                  prior_gradient(p, back, W, H, &(struct backend_prior){1, 1, 0, 0, 0}, unused);
    assert_float_equal(rise / (2 * step), slope, 0.01 * fabs(slope));
    assert_true(fabs(slope) > 1e-4);
    assert_float_equal(unused[0], 0, 0);
    free(there);
    free(back);
    free(way);
    free(x);
    prior_close(&p);
    pool_close(&pool);
}

static void gradient_is_the_slope_of_the_energy(void **state)
{
    (void)state;
    gradient_is_the_slope(PRIOR_STUDENT_T);
    gradient_is_the_slope(PRIOR_GAUSSIAN);
}

static void small_pictures_have_no_energy(void **state)
{
    (void)state;
    struct pool *pool;
    struct prior *p;
    struct error e;
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_int_equal(prior_open(&p, NULL, pool, 64, 64, &e), 0);
    float *x = picture(64, 64, 1), *grad = xcalloc(3 * 64 * 64, sizeof *grad);
    assert_true(prior_gradient(p, x, 64, 64, &(struct backend_prior){16, 1, 0, 0, 1}, grad) == 0);
    assert_true(prior_gradient(p, x, 64, 7, &(struct backend_prior){1, 1, 0, 0, 1}, grad) == 0);
    assert_true(prior_gradient(p, x, 10, 64, &(struct backend_prior){1, 4, 3, 0, 1}, grad) == 0);
    for (int i = 0; i < 3 * 64 * 64; i++)
        assert_true(grad[i] == 0);
    free(x);
    free(grad);
    prior_close(&p);
    pool_close(&pool);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    enum { W = 200, H = 120 };
    size_t n = 3 * W * H;
    float *x = picture(W, H, 9), *first = NULL;
    struct error e;
    for (int threads = 1; threads <= 4; threads++) {
        struct pool *pool;
        struct prior *p;
        assert_int_equal(pool_open(&pool, threads), 0);
        assert_int_equal(prior_open(&p, NULL, pool, W, H, &e), 0);
        float *grad = xcalloc(n, sizeof *grad);
        prior_gradient(p, x, W, H, &(struct backend_prior){1, 4, 1, 2, 1}, grad);
        prior_gradient(p, x, W, H, &(struct backend_prior){2, 4, 3, 0, 1}, grad);
        if (first)
            assert_memory_equal(grad, first, n * sizeof *grad);
        else
            first = grad;
        if (grad != first)
            free(grad);
        prior_close(&p);
        pool_close(&pool);
    }
    free(first);
    free(x);
}

/* A pair of files as in 2015: double precision, means beside the filters. */
enum { PAIR = 5, CELLS = 64 * 3 };

struct pair {
    char folder[32], filters[64], means[64];
    double f[CELLS][PAIR], mu[PAIR]; /* f [8 rows][8 columns][3][PAIR] */
};

static void write_npy(const char *path, const char *descr, const char *order, const char *shape,
                      const void *data, size_t bytes)
{
    char header[160];
    size_t size;
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order,
             shape);
    uint8_t *file = npy_build(header, data, bytes, &size);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file, 1, size, out), size);
    fclose(out);
    free(file);
}

static void open_pair(struct pair *q)
{
    strcpy(q->folder, "/tmp/test_prior.XXXXXX");
    assert_non_null(mkdtemp(q->folder));
    snprintf(q->filters, sizeof q->filters, "%s/filters.npy", q->folder);
    snprintf(q->means, sizeof q->means, "%s/mean.npy", q->folder);
    struct rng r = rng_make(11, 4);
    for (int i = 0; i < CELLS; i++)
        for (int k = 0; k < PAIR; k++)
            q->f[i][k] = 0.01 * (double)rng_normal(&r);
    for (int k = 0; k < PAIR; k++)
        q->mu[k] = (double)rng_normal(&r);
    write_npy(q->filters, "<f8", "False", "(8, 8, 3, 5)", q->f, sizeof q->f);
    write_npy(q->means, "<f8", "False", "(5,)", q->mu, sizeof q->mu);
}

static void close_pair(struct pair *q)
{
    unlink(q->filters);
    unlink(q->means);
    rmdir(q->folder);
}

/* Item 34 as it stands: true convolution, z[y][x] = sum of w[i][j] (pooled[y + 7 - i][x + 7 - j] - 128), all
 * patches, and the Gaussian leaves out the last filter. */
static double energy_of_2015(const struct pair *q, int kind, const double *x, int w, int h)
{
    int filters_used = PAIR - (kind == PRIOR_GAUSSIAN), terms = 0;
    double energy = 0;
    for (int y = 0; y + 8 <= h; y++)
        for (int left = 0; left + 8 <= w; left++)
            for (int k = 0; k < filters_used; k++, terms++) {
                double z = 0;
                for (int i = 0; i < 8; i++)
                    for (int j = 0; j < 8; j++)
                        for (int c = 0; c < 3; c++)
                            z += q->f[(i * 8 + j) * 3 + c][k] *
                                 (x[(c * h + y + 7 - i) * w + left + 7 - j] - 128);
                energy += energy_of(kind, z - q->mu[k]);
            }
    return energy / terms;
}

static void reads_the_files_of_2015(void **state)
{
    (void)state;
    enum { W = 21, H = 18, N = 3 * W * H };
    struct pair q;
    struct pool *pool;
    struct prior *p;
    struct error e = {""};
    open_pair(&q);
    assert_int_equal(pool_open(&pool, 1), 0);
    float *x = picture(W, H, 3);
    double exact[N];
    for (int kind = PRIOR_STUDENT_T; kind <= PRIOR_GAUSSIAN; kind++) {
        const struct prior_source source = {kind, q.filters, q.means};
        if (prior_open(&p, &source, pool, W, H, &e) < 0)
            fail_msg("%s", e.text);
        float grad[N] = {0};
        double energy = prior_gradient(p, x, W, H, &(struct backend_prior){1, 1, 0, 0, 1}, grad), sum = 0,
               error = 0;
        for (int i = 0; i < N; i++)
            exact[i] = (double)x[i];
        double should = energy_of_2015(&q, kind, exact, W, H);
        assert_float_equal(energy, should, 1e-5 * should);
        for (int i = 0; i < N; i += 7) { /* central differences of the formula */
            exact[i] = (double)x[i] + 1e-3;
            double rise = energy_of_2015(&q, kind, exact, W, H);
            exact[i] = (double)x[i] - 1e-3;
            double slope = (rise - energy_of_2015(&q, kind, exact, W, H)) / 2e-3;
            exact[i] = (double)x[i];
            sum += slope * slope;
            error += (slope - (double)grad[i]) * (slope - (double)grad[i]);
        }
        if (error > 1e-9 * sum)
            fail_msg("kind %d: relative square error of the gradient %g", kind, error / sum);
        prior_close(&p);
    }
    free(x);
    pool_close(&pool);
    close_pair(&q);
}

static void refused(const struct prior_source *source, const char *says)
{
    struct pool *pool;
    struct prior *p;
    struct error e = {""};
    assert_int_equal(pool_open(&pool, 1), 0);
    int rc = prior_open(&p, source, pool, 64, 64, &e);
    if (rc >= 0 || p || !strstr(e.text, says) || strchr(e.text, '\n'))
        fail_msg("%d, \"%s\" does not say \"%s\"", rc, e.text, says);
    pool_close(&pool);
}

static void refuses_other_files(void **state)
{
    (void)state;
    const char *const net = "models/reverie-mini.safetensors", *const own = "models/patch-prior.safetensors";
    struct pair q;
    open_pair(&q);
    refused(&(struct prior_source){.file = net}, "tensor filters");
    refused(&(struct prior_source){.file = "/nonexistent"}, "/nonexistent");
    refused(&(struct prior_source){.file = "/dev/zero"}, "regular file");
    refused(&(struct prior_source){.file = q.folder}, "regular file");
    refused(&(struct prior_source){.file = q.filters}, "filters.npy: filters without means");
    refused(&(struct prior_source){.mean_file = q.means}, "patch prior: holds its own means");
    refused(&(struct prior_source){.file = own, .mean_file = q.means}, "holds its own means");
    refused(&(struct prior_source){.file = q.filters, .mean_file = own}, "NumPy array (.npy) of means");
    refused(&(struct prior_source){.file = q.filters, .mean_file = "/nonexistent"}, "/nonexistent");
    refused(&(struct prior_source){.file = q.means, .mean_file = q.means}, "[8, 8, 3, n]");
    refused(&(struct prior_source){.file = q.filters, .mean_file = q.filters}, "an array [5]");
    const struct prior_source pair = {.file = q.filters, .mean_file = q.means};
    write_npy(q.means, "<f8", "False", "(4,)", q.mu, 32);
    refused(&pair, "mean.npy: an array [5]");
    q.mu[3] = NAN;
    write_npy(q.means, "<f8", "False", "(5,)", q.mu, sizeof q.mu);
    refused(&pair, "filter 3 or its mu is not a finite number");
    q.f[100][1] = INFINITY;
    write_npy(q.filters, "<f8", "False", "(8, 8, 3, 5)", q.f, sizeof q.f);
    refused(&pair, "filter 1 or its mu is not a finite number");
    write_npy(q.filters, "<f4", "False", "(8, 8, 3, 1)", q.f, CELLS * 4);
    refused(&pair, "2 to 192 filters");
    float *many = xcalloc(CELLS * 193, sizeof *many);
    write_npy(q.filters, "<f4", "False", "(8, 8, 3, 193)", many, CELLS * 193 * sizeof *many);
    refused(&pair, "2 to 192 filters");
    write_npy(q.filters, "<f4", "False", "(8, 8, 3, 0)", many, 0);
    refused(&pair, "2 to 192 filters");
    free(many);
    close_pair(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(student_t_agrees_with_the_formula),
        cmocka_unit_test(gaussian_agrees_with_the_formula),
        cmocka_unit_test(gradient_is_the_slope_of_the_energy),
        cmocka_unit_test(small_pictures_have_no_energy),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(reads_the_files_of_2015),
        cmocka_unit_test(refuses_other_files),
    };
    return cmocka_run_group_tests_name("prior", tests, load_reference, NULL);
}
