/*
 * test_network - the whole network on a toy model: the gradient against finite differences, sizes, threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "engine/network.h"

static void toy_layer(struct model *m, struct rng *r, const char *name, int in, int out, int kernel,
                      bool pool)
{
    struct model_layer *l = &m->layers[m->layer_count++];
    *l = (struct model_layer){.in = in, .out = out, .kernel = kernel, .pool_after = pool};
    snprintf(l->name, sizeof l->name, "%s", name);
    size_t size = (size_t)in * (size_t)out * (size_t)(kernel * kernel);
    l->weight = xcalloc(size, sizeof(float));
    l->bias = xcalloc((size_t)out, sizeof(float));
    for (size_t i = 0; i < size; i++)
        l->weight[i] = rng_normal(r) * sqrtf(2.0f / (float)(in * kernel * kernel));
    for (int i = 0; i < out; i++)
        l->bias[i] = 0.1f * rng_normal(r);
}

static void toy_open(struct model *m)
{
    struct rng r = rng_make(1, 2);
    *m = (struct model){.classes = 4, .mean = {0.48f, 0.45f, 0.40f}, .std = {0.28f, 0.27f, 0.28f}};
    toy_layer(m, &r, "conv1_1", 3, 5, 3, false);
    toy_layer(m, &r, "conv1_2", 5, 6, 3, true);
    toy_layer(m, &r, "conv2_1", 6, 7, 3, true);
    toy_layer(m, &r, "fc6", 7, 9, 2, false);
    toy_layer(m, &r, "fc7", 9, 8, 1, false);
    toy_layer(m, &r, "fc8", 8, 4, 1, false);
}

static void toy_close(struct model *m)
{
    for (int i = 0; i < m->layer_count; i++) {
        free(m->layers[i].weight);
        free(m->layers[i].bias);
    }
}

enum { W = 21, H = 18, MAP_W = 4, MAP_H = 3 };

/* A kink within the step spoils a single difference, so most of the pixels must agree, not all. */
static void check_gradient(struct network *n, const struct objective *o)
{
    struct rng r = rng_make(3, 4);
    static float x[3 * H * W], grad[3 * H * W], scratch[3 * H * W];
    for (int i = 0; i < 3 * H * W; i++)
        x[i] = 255.0f * rng_uniform(&r);
    double value = 0, norm = 0;
    assert_int_equal(network_gradient(n, x, W, H, o, grad, &value), 0);
    for (int i = 0; i < 3 * H * W; i++)
        norm += (double)grad[i] * grad[i] / (3 * H * W);
    assert_true(norm > 0);
    int good = 0, tried = 0;
    for (int i = 0; i < 3 * H * W; i += 7, tried++) {
        float step = 0.25f, old = x[i];
        double up, down;
        x[i] = old + step;
        assert_int_equal(network_gradient(n, x, W, H, o, scratch, &up), 0);
        x[i] = old - step;
        assert_int_equal(network_gradient(n, x, W, H, o, scratch, &down), 0);
        x[i] = old;
        good += fabs((up - down) / (2 * step) - grad[i]) < 0.01 * sqrt(norm);
    }
    assert_true(good >= tried * 9 / 10);
}

static void gradient_matches_finite_differences(void **state)
{
    (void)state;
    struct model m;
    struct pool *pool;
    struct network *n;
    toy_open(&m);
    assert_int_equal(pool_open(&pool, 2), 0);
    assert_int_equal(network_open(&n, &m, pool, W, H, CPU_TIER_AUTO, NULL), 0);
    float weight[MAP_H * MAP_W];
    for (int i = 0; i < MAP_H * MAP_W; i++)
        weight[i] = 0.1f * (float)(i + 1);
    struct objective_subject subject = {2, weight};
    check_gradient(n, &(struct objective){&subject, 1, 0.5f, -1, -1});
    check_gradient(n, &(struct objective){.layer = 1, .channel = -1});
    check_gradient(n, &(struct objective){.layer = 2, .channel = 3});
    network_close(&n);
    pool_close(&pool);
    toy_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradient_matches_finite_differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
