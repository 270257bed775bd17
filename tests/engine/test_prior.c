/*
 * prior: the energy and its gradient against a plain reference in double precision, against finite
 * differences, and the same bytes from any number of threads.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/rng.h"
#include "engine/prior.h"
#include "models/embedded.h"
#include "engine/weights.h"
#include "tests/engine/safetensors_builder.h"

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

/* The formula as it stands in prior.h, in double precision, without any thought of speed. */
static double reference(const float *x, int w, int h, int pool, int stride, int ox, int oy, double weight,
                        double *grad)
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
                    energy += log(1 + u * u / nu) / ((double)count * DIM);
                    double d = weight * 2 * u / (nu + u * u) / ((double)count * DIM);
                    for (int i = 0; i < DIM; i++)
                        for (int j = 0; j < pool * pool; j++)
                            grad[((i / 64) * h + y + i % 64 / 8 * pool + j / pool) * w + left + i % 8 * pool +
                                 j % pool] += d * filters[k * DIM + i] / (double)(pool * pool);
                }
            }
    return energy;
}

static void agrees_with_the_formula(void **state)
{
    (void)state;
    static const struct {
        int w, h, pool, stride, ox, oy;
    } cases[] = {{37, 29, 1, 1, 0, 0},  {41, 35, 1, 4, 3, 1}, {43, 39, 2, 1, 0, 0}, {70, 50, 2, 4, 1, 7},
                 {90, 67, 4, 3, 11, 2}, {8, 8, 1, 1, 0, 0},   {33, 8, 1, 4, 2, 0}};
    struct pool *pool;
    struct prior *p;
    struct error e;
    assert_int_equal(pool_open(&pool, 2), 0);
    assert_int_equal(prior_open(&p, NULL, pool, 96, 80, &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int w = cases[i].w, h = cases[i].h;
        size_t n = 3 * (size_t)w * (size_t)h;
        float *x = picture(w, h, i), *grad = xcalloc(n, sizeof *grad);
        double *expected = xcalloc(n, sizeof *expected), error = 0, size = 0;
        grad[5] = expected[5] = 0.25; /* what was there must stay */
        double energy =
            prior_gradient(p, x, w, h, cases[i].pool, cases[i].stride, cases[i].ox, cases[i].oy, 3, grad);
        double should =
            reference(x, w, h, cases[i].pool, cases[i].stride, cases[i].ox, cases[i].oy, 3, expected);
        for (size_t k = 0; k < n; k++) {
            error += (grad[k] - expected[k]) * (grad[k] - expected[k]);
            size += k == 5 ? 0 : expected[k] * expected[k];
        }
        assert_true(should > 0.1);
        if (fabs(energy - should) > 1e-5 * should || error > 1e-8 * size)
            fail_msg("case %zu: energy %.9g, not %.9g; relative square error %g", i, energy, should,
                     error / size);
        free(expected);
        free(grad);
        free(x);
    }
    prior_close(&p);
    pool_close(&pool);
}

static void gradient_is_the_slope_of_the_energy(void **state)
{
    (void)state;
    struct pool *pool;
    struct prior *p;
    struct error e;
    enum { W = 30, H = 26 };
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_int_equal(prior_open(&p, "", pool, W, H, &e), 0);
    float *x = picture(W, H, 5), *way = picture(W, H, 6), grad[3 * W * H] = {0}, unused[3 * W * H] = {0};
    double slope = 0, step = 1e-3;
    prior_gradient(p, x, W, H, 1, 1, 0, 0, 1, grad);
    for (int i = 0; i < 3 * W * H; i++)
        slope += (double)grad[i] * (way[i] - 110.0f);
    float *there = xmalloc(sizeof grad), *back = xmalloc(sizeof grad);
    for (int i = 0; i < 3 * W * H; i++) {
        there[i] = x[i] + (float)step * (way[i] - 110);
        back[i] = x[i] - (float)step * (way[i] - 110);
    }
    double rise = prior_gradient(p, there, W, H, 1, 1, 0, 0, 0, unused) -
                  prior_gradient(p, back, W, H, 1, 1, 0, 0, 0, unused);
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

static void small_pictures_have_no_energy(void **state)
{
    (void)state;
    struct pool *pool;
    struct prior *p;
    struct error e;
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_int_equal(prior_open(&p, NULL, pool, 64, 64, &e), 0);
    float *x = picture(64, 64, 1), *grad = xcalloc(3 * 64 * 64, sizeof *grad);
    assert_true(prior_gradient(p, x, 64, 64, 16, 1, 0, 0, 1, grad) == 0);
    assert_true(prior_gradient(p, x, 64, 7, 1, 1, 0, 0, 1, grad) == 0);
    assert_true(prior_gradient(p, x, 10, 64, 1, 4, 3, 0, 1, grad) == 0);
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
        prior_gradient(p, x, W, H, 1, 4, 1, 2, 1, grad);
        prior_gradient(p, x, W, H, 2, 4, 3, 0, 1, grad);
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

static void refuses_other_files(void **state)
{
    (void)state;
    struct pool *pool;
    struct prior *p;
    struct error e;
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_true(prior_open(&p, "models/reverie-mini.safetensors", pool, 64, 64, &e) < 0);
    assert_null(p);
    assert_non_null(strstr(e.text, "tensor filters"));
    assert_true(prior_open(&p, "/nonexistent", pool, 64, 64, &e) < 0);
    assert_null(p);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_formula),
        cmocka_unit_test(gradient_is_the_slope_of_the_energy),
        cmocka_unit_test(small_pictures_have_no_energy),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(refuses_other_files),
    };
    return cmocka_run_group_tests_name("prior", tests, load_reference, NULL);
}
