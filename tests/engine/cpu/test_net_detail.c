/*
 * test_net_detail - what a subject asks of the middle layer is the objective's slope along that layer's biases,
 * and the detail's gradient is that of the squares which it says it climbs, where the mask is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "common/rng.h"
#include "engine/cpu/net_internal.h"
#include "tests/engine/toy.h"

enum { W = 40, H = 32, VALUES = 3 * W * H, ASKED = 1, CHANNELS = 17 };

/* Three pools, the last but one behind the second layer, which has an odd number of channels. */
static const struct toy_layer toy[] = {
    {"conv1_1", 5, 3, true}, {"conv2_1", CHANNELS, 3, true}, {"conv3_1", 33, 3, true}, {"fc6", 9, 2, false},
    {"fc7", 18, 1, false},   {"fc8", 4, 1, false},           {NULL, 0, 0, false}};
static const struct toy_layer flat_toy[] = {{"conv1_1", 5, 3, true},
                                            {"fc6", 9, 2, false},
                                            {"fc7", 18, 1, false},
                                            {"fc8", 4, 1, false},
                                            {NULL, 0, 0, false}};

static struct model model;
static struct pool *pool;
static float x[VALUES], gradient[VALUES], weight[W * H];
static const struct cpu_net_input input = {x, W, H};

static int open_all(void **state)
{
    (void)state;
    toy_open(&model, toy);
    struct rng r = rng_make(7, 0);
    for (int i = 0; i < VALUES; i++)
        x[i] = 255 * rng_uniform(&r);
    for (int i = 0; i < W * H; i++)
        weight[i] = 0.1f * (float)(i % 5 + 1);
    return pool_open(&pool, 2);
}

static int close_all(void **state)
{
    (void)state;
    pool_close(&pool);
    toy_close(&model);
    return 0;
}

static struct cpu_net *open_net(struct model *m)
{
    struct cpu_net *n;
    assert_int_equal(cpu_net_open(&n, &(struct cpu_net_params){m, pool, W, H, CPU_TIER_AUTO, 0, false}, NULL),
                     0);
    return n;
}

/* The objective of class 2, and what it asks of every channel. */
static double climb(struct cpu_net *n, float wanted[CHANNELS])
{
    double value;
    struct objective_subject subject = {2, weight};
    assert_int_equal(
        cpu_net_gradient(n, &input, &(struct objective){&subject, 1, 0.5f, -1, -1, false}, gradient, &value),
        0);
    for (int c = 0; c < CHANNELS; c++)
        wanted[c] = n->wanted[c];
    return value;
}

static void the_layer_is_the_one_before_the_last_pool_but_one(void **state)
{
    (void)state;
    struct model flat;
    toy_open(&flat, flat_toy);
    assert_int_equal(cpu_net_detail_layer(&model), ASKED);
    assert_int_equal(cpu_net_detail_stride(&model), 2);
    assert_int_equal(cpu_net_detail_layer(&flat), -1);
    struct cpu_net *n = open_net(&flat);
    assert_int_equal(cpu_net_detail(n, &input, weight, gradient), -ENOTSUP);
    cpu_net_close(&n);
    toy_close(&flat);
}

static void what_is_wanted_is_the_slope_along_the_bias(void **state)
{
    (void)state;
    const float step = 1e-3f;
    float wanted[CHANNELS], ignored[CHANNELS];
    struct cpu_net *n = open_net(&model);
    climb(n, wanted);
    cpu_net_close(&n);
    int positive = 0;
    for (int c = 0; c < CHANNELS; c++) {
        double value[2], slope;
        for (int s = 0; s < 2; s++) {
            model.layers[ASKED].bias[c] += s ? 2 * step : -step;
            n = open_net(&model);
            value[s] = climb(n, ignored);
            cpu_net_close(&n);
        }
        model.layers[ASKED].bias[c] -= step;
        slope = (value[1] - value[0]) / (2 * (double)step);
        assert_float_equal(wanted[c], slope > 0 ? slope : 0, 0.02 * fabs(slope) + 0.05);
        positive += wanted[c] > 0;
    }
    assert_true(positive > 2 && positive < CHANNELS - 2);
}

/* With every channel wanted alike and no mask it is the climb of the layer itself, but for its length. */
static void wanting_everything_is_climbing_the_layer(void **state)
{
    (void)state;
    static float layer[VALUES], mask[W * H];
    struct cpu_net *n = open_net(&model);
    const struct objective whole = {.layer = ASKED, .channel = -1};
    assert_int_equal(cpu_net_gradient(n, &input, &whole, layer, NULL), 0);
    for (int c = 0; c < CHANNELS; c++)
        n->wanted[c] = 1;
    for (int i = 0; i < W * H; i++)
        mask[i] = 1;
    assert_int_equal(cpu_net_detail(n, &input, mask, gradient), 0);
    double both = 0, own = 0, other = 0;
    for (int i = 0; i < VALUES; i++) {
        both += (double)layer[i] * (double)gradient[i];
        own += (double)gradient[i] * (double)gradient[i];
        other += (double)layer[i] * (double)layer[i];
    }
    assert_float_equal(both / sqrt(own * other), 1, 1e-5);
    cpu_net_close(&n);
}

static void nothing_moves_where_the_mask_is_zero(void **state)
{
    (void)state;
    static float mask[W * H];
    float wanted[CHANNELS];
    struct cpu_net *n = open_net(&model);
    climb(n, wanted);
    for (int i = 0; i < W / 2 * (H / 2); i++) /* the map is half as large as the picture */
        mask[i] = i % (W / 2) < 4 ? 1 : 0;
    assert_int_equal(cpu_net_detail(n, &input, mask, gradient), 0);
    double left = 0, right = 0;
    for (int i = 0; i < VALUES; i++)
        *(i % W < W / 2 ? &left : &right) += fabs((double)gradient[i]);
    assert_true(left > 0);
    assert_true(right == 0);
    assert_int_equal(cpu_net_detail(n, &(struct cpu_net_input){x, 1, 1}, mask, gradient), -ERANGE);
    cpu_net_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layer_is_the_one_before_the_last_pool_but_one),
        cmocka_unit_test(what_is_wanted_is_the_slope_along_the_bias),
        cmocka_unit_test(wanting_everything_is_climbing_the_layer),
        cmocka_unit_test(nothing_moves_where_the_mask_is_zero),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
