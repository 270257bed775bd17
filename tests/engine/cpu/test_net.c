/*
 * test_net - the whole network on toy models: against the double-precision reference on every tier,
 * against finite differences, and its promises: sizes, threads, no allocation, nothing left over from the
 * call before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>

#include "common/rng.h"
#include "engine/cpu/kernels.h"
#include "tests/engine/reference.h"
#include "tests/engine/toy.h"

/* ---- Counting allocations: the program's own malloc family in front of the library's ---- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define COUNTS_ALLOCATIONS 1
static atomic_int allocations;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, size);
}
void *realloc(void *p, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(p, size);
}
void *aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, size);
}
#endif

/* ---- Toy models ---- */

/* Odd channel counts, a kernel that is not square to anything, two pools. */
static const struct toy_layer odd_toy[] = {
    {"conv1_1", 5, 3, false}, {"conv1_2", 17, 3, true}, {"conv2_1", 33, 3, true}, {"fc6", 9, 2, false},
    {"fc7", 18, 1, false},    {"fc8", 4, 1, false},     {NULL, 0, 0, false}};
/* As VGG-11: a pool right behind the first layer; and none behind the last. */
static const struct toy_layer early_pool_toy[] = {
    {"conv1_1", 8, 3, true}, {"conv2_1", 12, 3, true}, {"conv3_1", 16, 3, false}, {"fc6", 20, 3, false},
    {"fc7", 16, 1, false},   {"fc8", 21, 1, false},    {NULL, 0, 0, false}};
/* Groups of 16 exactly, and more than one of them; the first map is large enough to exist in bands only. */
static const struct toy_layer even_toy[] = {
    {"conv1_1", 64, 3, false}, {"conv1_2", 16, 3, true}, {"conv2_1", 32, 3, false}, {"conv2_2", 48, 3, true},
    {"fc6", 64, 1, false},     {"fc7", 32, 1, false},    {"fc8", 7, 1, false},      {NULL, 0, 0, false}};
/* Wide enough that several threads share one layer and its filters are transformed as they are used. */
static const struct toy_layer wide_toy[] = {
    {"conv1_1", 4, 3, true}, {"conv2_1", 133, 3, true}, {"conv3_1", 170, 3, true}, {"fc6", 20, 2, false},
    {"fc7", 16, 1, false},   {"fc8", 5, 1, false},      {NULL, 0, 0, false}};
/* fc6 as a full VGG's, wider than what is done at once: over larger maps it goes in tiles. */
static const struct toy_layer seven_toy[] = {{"conv1_1", 5, 3, true}, {"conv2_1", 70, 3, true},
                                             {"fc6", 90, 7, false},   {"fc7", 16, 1, false},
                                             {"fc8", 5, 1, false},    {NULL, 0, 0, false}};
static const struct toy_layer *const toys[] = {odd_toy, early_pool_toy, even_toy, wide_toy, seven_toy};

/* Positions of the logit map along one side. */
static int toy_positions(const struct model *m, int px)
{
    for (int i = 0; i < m->layer_count - 3; i++)
        px /= m->layers[i].pool_after ? 2 : 1;
    return px - m->layers[m->layer_count - 3].kernel + 1;
}

enum { SIDE_MAX = 70, VALUES_MAX = 3 * SIDE_MAX * SIDE_MAX, MAP_MAX = SIDE_MAX * SIDE_MAX };

/* Picture values with many at the ends of the range, where clipped dreams sit. */
static void fill_picture(float *x, size_t count, uint64_t seed)
{
    struct rng r = rng_make(seed, 0);
    for (size_t i = 0; i < count; i++) {
        uint32_t kind = rng_below(&r, 8);
        x[i] = kind == 0 ? 0.0f : kind == 1 ? 255.0f : 255.0f * rng_uniform(&r);
    }
}

static void fill_weight(float *weight, size_t count)
{
    for (size_t i = 0; i < count; i++)
        weight[i] = 0.1f * (float)(i % 5 + 1);
}

static const struct {
    int w, h;
} sizes[] = {{69, 70}, {16, 16}, {33, 18}, {20, 41}, {64, 13}, {15, 14}, {43, 40}, {51, 46}};

static const enum cpu_tier tiers[] = {CPU_TIER_C, CPU_TIER_AVX2, CPU_TIER_AVX512};

/* ---- Against the reference ---- */

static void compare(struct cpu_net *n, const struct model *m, int w, int h, const struct objective *o)
{
    static float x[VALUES_MAX], grad[VALUES_MAX];
    static double truth[VALUES_MAX];
    size_t count = 3 * (size_t)w * (size_t)h;
    fill_picture(x, count, (uint64_t)(w * 100 + h));
    double value, expected = reference_network(m, x, w, h, o, NULL, truth);
    assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, w, h}, o, grad, &value), 0);
    double error = nmse(grad, truth, count);
    if (!(error < 1e-6) || !(fabs(value - expected) <= 1e-5 * (fabs(expected) + 1)))
        fail_msg("%s %dx%d layer %d channel %d: gradient nmse %g, value %g instead of %g",
                 cpu_net_tier_name(n), w, h, o->layer, o->channel, error, value, expected);
}

static void compare_logits(struct cpu_net *n, const struct model *m, int w, int h)
{
    static float x[VALUES_MAX], logits[MAP_MAX];
    static double truth[MAP_MAX];
    size_t positions = (size_t)(toy_positions(m, w) * toy_positions(m, h));
    fill_picture(x, 3 * (size_t)w * (size_t)h, 5);
    reference_network(m, x, w, h, NULL, truth, NULL);
    assert_int_equal(cpu_net_logits(n, &(struct cpu_net_input){x, w, h}, logits), 0);
    assert_true(nmse(logits, truth, positions * (size_t)m->classes) < 1e-10);
}

static void compare_all(const struct toy_layer *toy, enum cpu_tier tier)
{
    struct model m;
    struct pool *pool;
    struct cpu_net *n;
    static float weight[2][MAP_MAX];
    toy_open(&m, toy);
    assert_int_equal(pool_open(&pool, 2), 0);
    assert_int_equal(
        cpu_net_open(&n, &(struct cpu_net_params){&m, pool, SIDE_MAX, SIDE_MAX, tier, 0, false}, NULL), 0);
    fill_weight(weight[0], MAP_MAX);
    fill_weight(weight[1], MAP_MAX);
    struct objective_subject subjects[2] = {{2, weight[0]}, {3, weight[1]}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        int positions = toy_positions(&m, sizes[i].w) * toy_positions(&m, sizes[i].h);
        if (positions < 1 || toy_positions(&m, sizes[i].w) < 1 || (toy == seven_toy && positions > 50))
            continue; /* too small, or too long for the reference */
        compare_logits(n, &m, sizes[i].w, sizes[i].h);
        compare(n, &m, sizes[i].w, sizes[i].h, &(struct objective){subjects, 2, 0.5f, -1, -1, false});
    }
    for (int layer = 0; layer < m.layer_count && toy != wide_toy && toy != seven_toy; layer++) {
        compare(n, &m, 33, 18, &(struct objective){.layer = layer, .channel = -1});
        compare(n, &m, 33, 18, &(struct objective){.layer = layer, .channel = 3});
    }
    cpu_net_close(&n);
    pool_close(&pool);
    toy_close(&m);
}

static void every_tier_agrees_with_the_reference(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++)
        for (size_t i = 0; kernels_pick(tiers[t]) && i < ARRAY_LEN(toys); i++)
            compare_all(toys[i], tiers[t]);
}

/* ---- Against finite differences ---- */

/* Halving the step must bring the quotient no nearer a kink: pixels where two steps disagree are left out. */
static void check_differences(struct cpu_net *n, const struct objective *o)
{
    enum { W = 21, H = 18 };
    static float x[3 * H * W], grad[3 * H * W], scratch[3 * H * W];
    fill_picture(x, 3 * H * W, 3);
    double norm = 0;
    assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, W, H}, o, grad, NULL), 0);
    for (int i = 0; i < 3 * H * W; i++)
        norm += (double)grad[i] * (double)grad[i] / (3 * H * W);
    assert_true(norm > 0);
    int used = 0, tried = 0;
    for (int i = 0; i < 3 * H * W; i += 5, tried++) {
        double quotient[2];
        float old = x[i];
        for (int s = 0; s < 2; s++) {
            float step = s ? 0.5f : 1.0f;
            double up, down;
            x[i] = old + step;
            assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, W, H}, o, scratch, &up), 0);
            x[i] = old - step;
            assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, W, H}, o, scratch, &down), 0);
            x[i] = old;
            quotient[s] = (up - down) / (2 * (double)step);
        }
        if (fabs(quotient[0] - quotient[1]) > 0.01 * sqrt(norm))
            continue;
        used++;
        assert_true(fabs(quotient[1] - (double)grad[i]) < 0.03 * sqrt(norm));
    }
    assert_true(used > tried / 3);
}

static void gradient_matches_finite_differences(void **state)
{
    (void)state;
    struct model m;
    struct pool *pool;
    struct cpu_net *n;
    static float weight[MAP_MAX];
    toy_open(&m, odd_toy);
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_int_equal(
        cpu_net_open(&n, &(struct cpu_net_params){&m, pool, SIDE_MAX, SIDE_MAX, CPU_TIER_AUTO, 0, false},
                     NULL),
        0);
    fill_weight(weight, MAP_MAX);
    struct objective_subject subject = {2, weight};
    check_differences(n, &(struct objective){&subject, 1, 0.5f, -1, -1, false});
    check_differences(n, &(struct objective){.layer = 2, .channel = 3});
    check_differences(n, &(struct objective){.layer = 2, .channel = 3, .falls = true});
    check_differences(n, &(struct objective){.layer = 2, .channel = -1, .falls = true});
    cpu_net_close(&n);
    pool_close(&pool);
    toy_close(&m);
}

/* ---- Promises ---- */

/* One thread with this machine's cache, two with none to speak of (everything in the smallest bands), three with one
 * that nothing fills. */
static void compare_threads(const struct toy_layer *toy, enum cpu_tier tier)
{
    static const size_t caches[3] = {0, 1, (size_t)1 << 30};
    struct model m;
    static float x[VALUES_MAX], grad[3][VALUES_MAX], logits[3][MAP_MAX], weight[MAP_MAX];
    double value[3];
    size_t count = 3 * 69 * 70;
    toy_open(&m, toy);
    fill_picture(x, count, 1);
    fill_weight(weight, MAP_MAX);
    struct objective_subject subject = {1, weight};
    struct objective o = {&subject, 1, 1.0f, -1, -1, false};
    for (int i = 0; i < 3; i++) {
        struct pool *pool;
        struct cpu_net *n;
        assert_int_equal(pool_open(&pool, i + 1), 0);
        const struct cpu_net_params params = {&m, pool, SIDE_MAX, SIDE_MAX, tier, caches[i], false};
        assert_int_equal(cpu_net_open(&n, &params, NULL), 0);
        assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 69, 70}, &o, grad[i], &value[i]), 0);
        assert_int_equal(cpu_net_logits(n, &(struct cpu_net_input){x, 69, 70}, logits[i]), 0);
        assert_memory_equal(grad[0], grad[i], count * sizeof(float));
        assert_memory_equal(logits[0], logits[i], sizeof logits[0]);
        assert_true(value[0] == value[i]);
        cpu_net_close(&n);
        pool_close(&pool);
    }
    toy_close(&m);
}

static void threads_and_caches_do_not_change_a_byte(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++)
        for (size_t i = 0; kernels_pick(tiers[t]) && i < ARRAY_LEN(toys); i++)
            compare_threads(toys[i], tiers[t]);
}

static void a_call_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    struct model m;
    struct pool *pool;
    struct cpu_net *n;
    static float x[VALUES_MAX], first[VALUES_MAX], again[VALUES_MAX], other[VALUES_MAX], weight[MAP_MAX];
    assert_int_equal(pool_open(&pool, 2), 0);
    fill_picture(x, VALUES_MAX, 1);
    fill_weight(weight, MAP_MAX);
    struct objective_subject subject = {1, weight};
    struct objective o = {&subject, 1, 1.0f, -1, -1, false}, deep = {.layer = 1, .channel = -1};
    for (size_t i = 0; i < ARRAY_LEN(toys); i++) {
        toy_open(&m, toys[i]);
        assert_int_equal(
            cpu_net_open(&n, &(struct cpu_net_params){&m, pool, SIDE_MAX, SIDE_MAX, CPU_TIER_AUTO, 0, false},
                         NULL),
            0);
        assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 33, 29}, &o, first, NULL), 0);
        assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 70, 69}, &o, other, NULL), 0);
        assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 64, 66}, &deep, other, NULL), 0);
        assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 33, 29}, &o, again, NULL), 0);
        assert_memory_equal(first, again, 3 * 33 * 29 * sizeof(float));
        cpu_net_close(&n);
        toy_close(&m);
    }
    pool_close(&pool);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
#ifdef COUNTS_ALLOCATIONS
    struct model m;
    struct pool *pool;
    struct cpu_net *n;
    static float x[VALUES_MAX], grad[VALUES_MAX], logits[MAP_MAX], weight[MAP_MAX];
    toy_open(&m, odd_toy);
    assert_int_equal(pool_open(&pool, 2), 0);
    int before = atomic_load(&allocations);
    assert_int_equal(
        cpu_net_open(&n, &(struct cpu_net_params){&m, pool, SIDE_MAX, SIDE_MAX, CPU_TIER_AUTO, 0, false},
                     NULL),
        0);
    assert_true(atomic_load(&allocations) > before); /* the counter counts */
    fill_picture(x, VALUES_MAX, 1);
    fill_weight(weight, MAP_MAX);
    struct objective_subject subject = {1, weight};
    struct objective o = {&subject, 1, 1.0f, -1, -1, false}, deep = {.layer = 1, .channel = 2};
    before = atomic_load(&allocations);
    int rc = 0;
    for (int i = 0; i < 20; i++)
        rc |=
            cpu_net_gradient(n, &(struct cpu_net_input){x, SIDE_MAX - i, SIDE_MAX - 2 * i}, &o, grad, NULL) |
            cpu_net_gradient(n, &(struct cpu_net_input){x, SIDE_MAX - i, SIDE_MAX}, &deep, grad, NULL) |
            cpu_net_logits(n, &(struct cpu_net_input){x, SIDE_MAX, SIDE_MAX - i}, logits);
    assert_int_equal(atomic_load(&allocations), before);
    assert_int_equal(rc, 0);
    cpu_net_close(&n);
    pool_close(&pool);
    toy_close(&m);
#else
    skip();
#endif
}

static void impossible_calls_are_refused(void **state)
{
    (void)state;
    struct model m;
    struct pool *pool;
    struct cpu_net *n;
    struct error e = {""};
    static float x[VALUES_MAX], grad[VALUES_MAX], weight[MAP_MAX];
    toy_open(&m, odd_toy);
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_int_equal(cpu_net_open(&n, &(struct cpu_net_params){&m, pool, 7, 40, CPU_TIER_AUTO, 0, false}, &e),
                     -ERANGE);
    assert_null(n);
    assert_non_null(strstr(e.text, "7x40"));
    assert_int_equal(
        cpu_net_open(
            &n, &(struct cpu_net_params){&m, pool, 40, CPU_NET_SIDE_MAX_PX + 1, CPU_TIER_AUTO, 0, false}, &e),
        -ERANGE);
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++)
        if (!kernels_pick(tiers[t]))
            assert_int_equal(
                cpu_net_open(&n, &(struct cpu_net_params){&m, pool, 40, 40, tiers[t], 0, false}, &e),
                -ENOTSUP);
    assert_int_equal(
        cpu_net_open(&n, &(struct cpu_net_params){&m, pool, 40, 50, CPU_TIER_AUTO, 0, false}, &e), 0);
    struct objective_subject subject = {1, weight};
    struct objective o = {&subject, 1, 0, -1, -1, false};
    const int bad[][2] = {{41, 50}, {40, 51}, {7, 50}, {40, 7}, {0, 0}, {-1, 20}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(
            cpu_net_gradient(n, &(struct cpu_net_input){x, bad[i][0], bad[i][1]}, &o, grad, NULL), -ERANGE);
        assert_int_equal(cpu_net_logits(n, &(struct cpu_net_input){x, bad[i][0], bad[i][1]}, grad), -ERANGE);
    }
    assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 8, 8}, &o, grad, NULL), 0);
    subject.class_index = m.classes;
    assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 40, 40}, &o, grad, NULL), -EINVAL);
    subject.class_index = -1;
    assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 40, 40}, &o, grad, NULL), -EINVAL);
    struct objective no_layer = {.layer = m.layer_count, .channel = -1};
    assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 40, 40}, &no_layer, grad, NULL), -EINVAL);
    struct objective no_channel = {.layer = 0, .channel = 5};
    assert_int_equal(cpu_net_gradient(n, &(struct cpu_net_input){x, 40, 40}, &no_channel, grad, NULL),
                     -EINVAL);
    cpu_net_close(&n);
    cpu_net_close(&n);
    pool_close(&pool);
    toy_close(&m);
}

/* Weights that serve once are gone but for fc8's, and the network does what it does with others. */
static void a_model_that_serves_once_gives_its_weights_away(void **state)
{
    (void)state;
    struct model m;
    struct pool *pool;
    struct cpu_net *n, *second;
    struct error e = {""};
    static float x[VALUES_MAX], logits[2][MAP_MAX];
    fill_picture(x, VALUES_MAX, 1);
    toy_open(&m, odd_toy);
    assert_int_equal(pool_open(&pool, 1), 0);
    for (int once = 0; once < 2; once++) {
        m.serves_once = once;
        assert_int_equal(
            cpu_net_open(&n, &(struct cpu_net_params){&m, pool, SIDE_MAX, SIDE_MAX, CPU_TIER_AUTO, 0, false},
                         &e),
            0);
        assert_int_equal(cpu_net_logits(n, &(struct cpu_net_input){x, SIDE_MAX, SIDE_MAX}, logits[once]), 0);
        for (int i = 0; i < m.layer_count; i++)
            assert_int_equal(m.layers[i].weight == NULL, once);
        if (!once)
            cpu_net_close(&n);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_int_equal(
        cpu_net_open(&second, &(struct cpu_net_params){&m, pool, SIDE_MAX, SIDE_MAX, CPU_TIER_AUTO, 0, false},
                     &e),
        -EINVAL);
    assert_null(second);
    assert_non_null(strstr(e.text, "another network"));
    cpu_net_close(&n);
    pool_close(&pool);
    toy_close(&m);
}

static void lack_of_memory_is_reported(void **state)
{
    (void)state;
#ifdef COUNTS_ALLOCATIONS
    struct model m;
    struct pool *pool;
    struct cpu_net *n;
    struct error e = {""};
    struct rlimit old, tight;
    toy_open(&m, odd_toy);
    assert_int_equal(pool_open(&pool, 1), 0);
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)1 << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
    int rc = cpu_net_open(
        &n,
        &(struct cpu_net_params){&m, pool, CPU_NET_SIDE_MAX_PX, CPU_NET_SIDE_MAX_PX, CPU_TIER_AUTO, 0, false},
        &e);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(rc, -ENOMEM);
    assert_null(n);
    assert_non_null(strstr(e.text, "MB"));
    pool_close(&pool);
    toy_close(&m);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tier_agrees_with_the_reference),
        cmocka_unit_test(gradient_matches_finite_differences),
        cmocka_unit_test(threads_and_caches_do_not_change_a_byte),
        cmocka_unit_test(a_call_leaves_nothing_to_the_next),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(impossible_calls_are_refused),
        cmocka_unit_test(a_model_that_serves_once_gives_its_weights_away),
        cmocka_unit_test(lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
