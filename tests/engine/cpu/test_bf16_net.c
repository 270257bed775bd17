/*
 * test_bf16_net - whole networks with products in bf16: near the double-precision reference, the same bytes for any
 * number of threads, and fp32 untouched. Which tier the settings choose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "engine/cpu/bf16.h"
#include "engine/cpu/net.h"
#include "engine/cpu/precision.h"
#include "tests/engine/reference.h"
#include "tests/engine/toy.h"

/* Odd channel counts, so that pairs are filled up; filters kept. */
static const struct toy_layer odd_toy[] = {
    {"conv1_1", 5, 3, false}, {"conv1_2", 17, 3, true}, {"conv2_1", 33, 3, true}, {"fc6", 9, 2, false},
    {"fc7", 18, 1, false},    {"fc8", 4, 1, false},     {NULL, 0, 0, false}};
/* A pool behind the first layer, which then is convolved like the others; filters made per call and in rounds. */
static const struct toy_layer wide_toy[] = {
    {"conv1_1", 4, 3, true}, {"conv2_1", 133, 3, true}, {"conv3_1", 170, 3, false}, {"conv3_2", 530, 3, true},
    {"fc6", 20, 2, false},   {"fc7", 16, 1, false},     {"fc8", 5, 1, false},       {NULL, 0, 0, false}};
/* The first map exists in bands only. */
static const struct toy_layer even_toy[] = {
    {"conv1_1", 64, 3, false}, {"conv1_2", 16, 3, true}, {"conv2_1", 32, 3, false}, {"conv2_2", 48, 3, true},
    {"fc6", 64, 1, false},     {"fc7", 32, 1, false},    {"fc8", 7, 1, false},      {NULL, 0, 0, false}};
static const struct toy_layer *const toys[] = {odd_toy, wide_toy, even_toy};
static const struct {
    int w, h;
} sizes[] = {{69, 70}, {33, 18}, {20, 41}};
static const enum cpu_tier tiers[] = {CPU_TIER_ROUNDED, CPU_TIER_AVX512BF16, CPU_TIER_AMX, CPU_TIER_NEONBF16};

enum { SIDE_MAX = 70, VALUES_MAX = 3 * SIDE_MAX * SIDE_MAX, MAP_MAX = SIDE_MAX * SIDE_MAX };

static void fill(float *x, float *weight)
{
    struct rng r = rng_make(8, 0);
    for (int i = 0; i < VALUES_MAX; i++)
        x[i] = 255.0f * rng_uniform(&r);
    for (int i = 0; i < MAP_MAX; i++)
        weight[i] = 0.1f * (float)(i % 5 + 1);
}

static void gradient_of(struct model *m, enum cpu_tier tier, int threads, int size, const float *x,
                        const struct objective *o, float *grad)
{
    struct pool *pool;
    struct cpu_net *n;
    assert_int_equal(pool_open(&pool, threads), 0);
    assert_int_equal(
        cpu_net_open(&n, &(struct cpu_net_params){m, pool, SIDE_MAX, SIDE_MAX, tier, 0, true}, NULL), 0);
    assert_int_equal(
        cpu_net_gradient(n, &(struct cpu_net_input){x, sizes[size].w, sizes[size].h}, o, grad, NULL), 0);
    cpu_net_close(&n);
    pool_close(&pool);
}

/* Forwards bf16's 8 bits leave an error of some hundredths. */
static void compare_logits(struct model *m, enum cpu_tier tier, int size, const float *x)
{
    static float logits[MAP_MAX];
    static double truth[MAP_MAX];
    struct pool *pool;
    struct cpu_net *n;
    int map_w = model_map_size(m, sizes[size].w), map_h = model_map_size(m, sizes[size].h);
    size_t count = (size_t)m->classes * (size_t)map_w * (size_t)map_h;
    assert_true(count <= MAP_MAX);
    assert_int_equal(pool_open(&pool, 2), 0);
    assert_int_equal(
        cpu_net_open(&n, &(struct cpu_net_params){m, pool, SIDE_MAX, SIDE_MAX, tier, 0, true}, NULL), 0);
    assert_int_equal(cpu_net_logits(n, &(struct cpu_net_input){x, sizes[size].w, sizes[size].h}, logits), 0);
    reference_network(m, x, sizes[size].w, sizes[size].h, NULL, truth, NULL);
    double error = nmse(logits, truth, count);
    if (!(error < 0.045 * 0.045))
        fail_msg("tier %d, %dx%d: logits off by %f", (int)tier, sizes[size].w, sizes[size].h, sqrt(error));
    cpu_net_close(&n);
    pool_close(&pool);
}

/* Backwards small differences also choose other winners of a pool: what is left is the direction. A wrong channel,
 * tile or filter leaves less. */
static void compare(struct model *m, enum cpu_tier tier, int size)
{
    static float x[VALUES_MAX], weight[MAP_MAX], grad[VALUES_MAX], other[VALUES_MAX];
    static double truth[VALUES_MAX];
    size_t count = 3 * (size_t)sizes[size].w * (size_t)sizes[size].h;
    fill(x, weight);
    compare_logits(m, tier, size, x);
    struct objective_subject subject = {2, weight};
    const struct objective o = {&subject, 1, 0.5f, -1, -1, false};
    gradient_of(m, tier, 1, size, x, &o, grad);
    gradient_of(m, tier, 3, size, x, &o, other);
    assert_memory_equal(grad, other, count * sizeof *grad);
    reference_network(m, x, sizes[size].w, sizes[size].h, &o, NULL, truth);
    double both = 0, one = 0, two = 0;
    for (size_t i = 0; i < count; i++) {
        both += (double)grad[i] * truth[i];
        one += (double)grad[i] * (double)grad[i];
        two += truth[i] * truth[i];
    }
    if (!(both >= 0.93 * sqrt(one * two)))
        fail_msg("tier %d, %dx%d: cosine %f", (int)tier, sizes[size].w, sizes[size].h,
                 both / sqrt(one * two));
    gradient_of(m, CPU_TIER_AUTO, 1, size, x, &o, other);
    assert_memory_not_equal(grad, other, count * sizeof *grad); /* it did round */
}

static void networks_in_bf16_are_near_the_reference(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(toys); t++) {
        struct model m;
        toy_open(&m, toys[t]);
        for (size_t i = 0; i < ARRAY_LEN(tiers); i++)
            for (int size = 0; bf16_pick(tiers[i]) && size < (int)ARRAY_LEN(sizes); size++)
                compare(&m, tiers[i], size);
        toy_close(&m);
    }
}

/* ---- Which layers round ---- */

static double cosine_of(const float *a, const float *b, size_t count)
{
    double both = 0, one = 0, two = 0;
    for (size_t i = 0; i < count; i++) {
        both += (double)a[i] * (double)b[i];
        one += (double)a[i] * (double)a[i];
        two += (double)b[i] * (double)b[i];
    }
    return both / sqrt(one * two);
}

/* A network as the product opens it, on `threads`, for pictures of at most `side`. */
static double choose(struct model *m, enum cpu_tier tier, int threads, int side, int size, const float *x,
                     const struct objective *o, float *grad)
{
    struct pool *pool;
    struct cpu_net *n;
    assert_int_equal(pool_open(&pool, threads), 0);
    assert_int_equal(cpu_net_open(&n, &(struct cpu_net_params){m, pool, side, side, tier, 0, false}, NULL),
                     0);
    double share = cpu_net_rounding_share(n);
    assert_int_equal(
        cpu_net_gradient(n, &(struct cpu_net_input){x, sizes[size].w, sizes[size].h}, o, grad, NULL), 0);
    cpu_net_close(&n);
    pool_close(&pool);
    return share;
}

/* Odd sizes, all kinds of layers: near fp32, some bf16 on the way, the same for threads and the largest size. */
static void layers_round_as_far_as_the_gradient_keeps_its_direction(void **state)
{
    (void)state;
    static float x[VALUES_MAX], weight[MAP_MAX], exact[VALUES_MAX], grad[VALUES_MAX], other[VALUES_MAX];
    fill(x, weight);
    struct objective_subject subject = {2, weight};
    const struct objective o = {&subject, 1, 0.5f, -1, -1, false};
    for (size_t t = 0; t < ARRAY_LEN(toys); t++) {
        struct model m;
        toy_open(&m, toys[t]);
        for (size_t i = 0; i < ARRAY_LEN(tiers); i++)
            for (int size = 0; bf16_pick(tiers[i]) && size < (int)ARRAY_LEN(sizes); size++) {
                size_t count = 3 * (size_t)sizes[size].w * (size_t)sizes[size].h;
                assert_true(choose(&m, CPU_TIER_AUTO, 1, SIDE_MAX, size, x, &o, exact) == 0);
                double share = choose(&m, tiers[i], 1, SIDE_MAX, size, x, &o, grad);
                double is = cosine_of(exact, grad, count);
                if (!(share > 0.3 && share <= 1 && is >= 0.98 && is < 1 - 1e-9))
                    fail_msg("toy %zu, tier %d, %dx%d: share %f, cosine %f", t, (int)tiers[i], sizes[size].w,
                             sizes[size].h, share, is);
                assert_true(choose(&m, tiers[i], 3, SIDE_MAX + 9, size, x, &o, other) == share);
                assert_memory_equal(grad, other, count * sizeof *grad);
            }
        toy_close(&m);
    }
}

/* Logits are what they are in fp32 where no layer may round: a model whose gradient is nothing gives no direction. */
static void a_model_without_a_gradient_stays_in_fp32(void **state)
{
    (void)state;
    static float x[VALUES_MAX], weight[MAP_MAX], exact[VALUES_MAX], grad[VALUES_MAX];
    fill(x, weight);
    struct objective_subject subject = {2, weight};
    const struct objective o = {&subject, 1, 0.5f, -1, -1, false};
    struct model m;
    toy_open(&m, odd_toy);
    for (int i = 0; i < m.layers[2].out; i++)
        m.layers[2].bias[i] = -1e9f;
    assert_true(choose(&m, CPU_TIER_ROUNDED, 1, SIDE_MAX, 0, x, &o, grad) == 0);
    choose(&m, CPU_TIER_AUTO, 1, SIDE_MAX, 0, x, &o, exact);
    assert_memory_equal(grad, exact, 3 * (size_t)sizes[0].w * (size_t)sizes[0].h * sizeof *grad);
    toy_close(&m);
}

/* To bf16 as the head is: to 24 bits, and those to 16. */
static void round_weights(struct model_layer *l)
{
    size_t count = (size_t)l->in * (size_t)l->out * (size_t)l->kernel * (size_t)l->kernel;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &l->weight[i], sizeof bits);
        bits = (bits + 0x7f + (bits >> 8 & 1)) & 0xffffff00;
        bits = (bits + 0x8000) & 0xffff0000;
        memcpy(&l->weight[i], &bits, sizeof bits);
    }
}

/* What lies below bf16 in the head's weights is nothing to a tier that rounds, whichever layers do, and counts in fp32. */
static void the_head_keeps_the_nearest_bf16(void **state)
{
    (void)state;
    static float x[VALUES_MAX], weight[MAP_MAX], grad[VALUES_MAX], other[VALUES_MAX], exact[VALUES_MAX];
    fill(x, weight);
    struct objective_subject subject = {2, weight};
    const struct objective o = {&subject, 1, 0, -1, -1, false};
    for (size_t t = 0; t < ARRAY_LEN(toys); t++) {
        struct model m, rounded;
        toy_open(&m, toys[t]);
        toy_open(&rounded, toys[t]);
        for (int i = m.layer_count - 3; i < m.layer_count; i++)
            round_weights(&rounded.layers[i]);
        size_t bytes = 3 * (size_t)sizes[0].w * (size_t)sizes[0].h * sizeof *grad;
        gradient_of(&m, CPU_TIER_ROUNDED, 1, 0, x, &o, grad);
        gradient_of(&rounded, CPU_TIER_ROUNDED, 1, 0, x, &o, other);
        assert_memory_equal(grad, other, bytes);
        gradient_of(&m, CPU_TIER_AUTO, 1, 0, x, &o, exact);
        gradient_of(&rounded, CPU_TIER_AUTO, 1, 0, x, &o, other);
        assert_memory_not_equal(exact, other, bytes);
        toy_close(&m);
        toy_close(&rounded);
    }
}

static void a_tier_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct model m;
    struct pool *pool;
    struct cpu_net *n;
    struct error e;
    toy_open(&m, odd_toy);
    assert_int_equal(pool_open(&pool, 1), 0);
    for (size_t i = 0; i < ARRAY_LEN(tiers); i++) {
        int rc = cpu_net_open(&n, &(struct cpu_net_params){&m, pool, 40, 40, tiers[i], 0, false}, &e);
        assert_int_equal(rc, bf16_pick(tiers[i]) ? 0 : -ENOTSUP);
        cpu_net_close(&n);
    }
    pool_close(&pool);
    toy_close(&m);
}

/* ---- Settings ---- */

static enum cpu_tier chosen(int profile, int precision, enum cpu_tier tier, int backend)
{
    struct error e;
    enum cpu_tier is;
    const struct dream_config c = {
        .profile = profile, .precision = precision, .cpu_tier = (int)tier, .backend = backend};
    int rc = cpu_precision_tier(&c, &is, &e);
    assert_true(rc == 0 || rc == -EINVAL);
    return rc == 0 ? is : (enum cpu_tier) - 1;
}

static void settings_choose_the_tier(void **state)
{
    (void)state;
    const enum cpu_tier best = bf16_best_tier(), refused = (enum cpu_tier) - 1;
    const int cpu = DREAM_BACKEND_CPU, any = DREAM_BACKEND_AUTO;
    assert_int_equal(chosen(DREAM_MODERN, DREAM_PRECISION_AUTO, CPU_TIER_AUTO, any), best);
    assert_int_equal(chosen(DREAM_MODERN, DREAM_PRECISION_AUTO, CPU_TIER_C, any), CPU_TIER_C);
    assert_int_equal(chosen(DREAM_MODERN, DREAM_PRECISION_BF16, CPU_TIER_AUTO, cpu),
                     best ? best : CPU_TIER_ROUNDED);
    assert_int_equal(chosen(DREAM_MODERN, DREAM_PRECISION_BF16, CPU_TIER_AUTO, any),
                     best); /* never slower unasked */
    for (int precision = DREAM_PRECISION_AUTO; precision <= DREAM_PRECISION_FP32; precision++) {
        assert_int_equal(chosen(DREAM_CLASSIC, precision, CPU_TIER_AUTO, cpu), CPU_TIER_AUTO);
        assert_int_equal(chosen(DREAM_CLASSIC, precision, CPU_TIER_ROUNDED, cpu), refused);
        if (precision > DREAM_PRECISION_BF16)
            assert_int_equal(chosen(DREAM_MODERN, precision, CPU_TIER_AUTO, cpu), CPU_TIER_AUTO);
    }
    assert_int_equal(chosen(DREAM_MODERN, DREAM_PRECISION_AUTO, CPU_TIER_ROUNDED, cpu), CPU_TIER_ROUNDED);
    struct dream_config other = {.profile = DREAM_MODERN, .model = "vgg16.safetensors"};
    enum cpu_tier tier;
    assert_int_equal(cpu_precision_tier(&other, &tier, NULL), 0);
    assert_int_equal(tier, best); /* the network chooses the layers that may */
    assert_int_equal(chosen(DREAM_MODERN, DREAM_PRECISION_FP32, CPU_TIER_ROUNDED, cpu), refused);
    assert_int_equal(chosen(DREAM_MODERN, DREAM_PRECISION_BF16, CPU_TIER_AVX2, cpu), refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_in_bf16_are_near_the_reference),
        cmocka_unit_test(layers_round_as_far_as_the_gradient_keeps_its_direction),
        cmocka_unit_test(a_model_without_a_gradient_stays_in_fp32),
        cmocka_unit_test(the_head_keeps_the_nearest_bf16),
        cmocka_unit_test(a_tier_that_is_not_there_is_refused),
        cmocka_unit_test(settings_choose_the_tier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
