/*
 * test_cuda_net - the CUDA network's host code from end to end, on a pretended GPU (cuda_fake.h), against the
 * double-precision reference: layouts, which buffer holds what, scales, objectives, choosing engines, and
 * what happens when the device goes. Needs the toolkit's headers, no GPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef HAVE_CUDA_TOOLKIT

#include <errno.h>
#include <stdio.h>

#include "common/rng.h"
#include "tests/engine/cuda/cuda_fake.h"
#include "tests/engine/reference.h"
#include "tests/engine/toy.h"

/* The module's files: they are no part of the program. */
#include "engine/cuda/module/device.c"
#include "engine/cuda/module/net.c"
#include "engine/cuda/module/net_pass.c"
#include "engine/cuda/module/net_weights.c"
#define measure     measure_conv
#define prepare     prepare_conv
#define RUNS        RUNS_OF_CONV
#define stored_type stored_type_of_conv
#include "engine/cuda/module/net_tune.c"
#undef measure
#undef prepare
#undef RUNS
#undef stored_type
#include "engine/cuda/module/net_gemm.c"

/* ---- Toy models ---- */

/* Odd channel counts; a pool in the middle and none behind the last convolution. */
static const struct toy_layer odd_toy[] = {
    {"conv1_1", 5, 3, false}, {"conv1_2", 17, 3, true}, {"conv2_1", 13, 3, false}, {"fc6", 9, 2, false},
    {"fc7", 18, 1, false},    {"fc8", 4, 1, false},     {NULL, 0, 0, false}};
/* A pool right behind the first layer, two without a convolution between their neighbours' sides. */
static const struct toy_layer early_toy[] = {
    {"conv1_1", 8, 3, true}, {"conv2_1", 12, 3, true}, {"conv3_1", 16, 3, true}, {"fc6", 20, 1, false},
    {"fc7", 16, 1, false},   {"fc8", 21, 1, false},    {NULL, 0, 0, false}};
/* As VGG-16's beginning: pairs between pools. */
static const struct toy_layer pair_toy[] = {
    {"conv1_1", 16, 3, false}, {"conv1_2", 16, 3, true}, {"conv2_1", 24, 3, false}, {"conv2_2", 24, 3, true},
    {"fc6", 32, 3, false},     {"fc7", 24, 1, false},    {"fc8", 10, 1, false},     {NULL, 0, 0, false}};
static const struct toy_layer *const toys[] = {odd_toy, early_toy, pair_toy};

/* ---- A network on the pretended card ---- */

struct rig {
    struct dream_config config;
    struct model model;
    struct backend_params params;
    struct cuda_device device;
    struct cuda_plan plan;
    struct cuda_net *net;
    struct error error;
};

static const struct image_view views[] = {{33, 18, 1, 0, 0}, {21, 26, 1, 0, 0}, {16, 12, 1, 0, 0}};

static int rig_open(struct rig *r, const struct toy_layer *toy, int wanted)
{
    memset(r, 0, sizeof *r);
    toy_open(&r->model, toy);
    r->config.size = (struct option_size){64, 64};
    r->params =
        (struct backend_params){.config = &r->config, .model = &r->model, .view_count = ARRAY_LEN(views)};
    memcpy(r->params.views, views, sizeof views);
    enum dream_precision precision = DREAM_PRECISION_AUTO;
    int rc = cuda_device_open(&r->device, 0, &r->error);
    if (rc == 0)
        rc = cuda_net_precision(&r->device, wanted, &precision, &r->error);
    if (rc == 0)
        rc = cuda_plan_make(&r->plan, &r->params, cuda_net_storage(precision), &r->error);
    if (rc == 0)
        rc = cuda_plan_fit(&r->plan, &r->params, 0, r->device.free_bytes, &r->error);
    if (rc == 0)
        rc = cuda_arena_open(&r->device, r->plan.bytes, &r->error);
    return rc == 0 ? cuda_net_open(&r->net, &r->device, &r->params, &r->plan, precision, &r->error) : rc;
}

static void rig_close(struct rig *r)
{
    cuda_net_close(&r->net);
    cuda_device_close(&r->device);
    toy_close(&r->model);
    assert_int_equal(fake.open, 0);
}

static void rig_must_open(struct rig *r, const struct toy_layer *toy, int wanted)
{
    if (rig_open(r, toy, wanted) < 0)
        fail_msg("%s", r->error.text);
}

/* ---- Against the reference ---- */

enum { VALUES_MAX = 3 * 33 * 26, MAP_MAX = 33 * 26 };

static void fill_picture(float *x, size_t count, uint64_t seed)
{
    struct rng r = rng_make(seed, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = rng_below(&r, 8) ? 255.0f * rng_uniform(&r) : 255.0f;
}

static double cosine(const float *a, const double *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * (double)a[i];
        bb += b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* What the gradient may be off by: 1 - cosine, and of the value relative to it. */
struct bounds {
    double angle, value;
};

static void compare(struct rig *r, int view, int layer, int channel, struct bounds b)
{
    static float x[VALUES_MAX], grad[VALUES_MAX + 1], weights[CUDA_SUBJECTS_MAX * MAP_MAX];
    static double truth[VALUES_MAX];
    int w = views[view].width_px, h = views[view].height_px, map_w, map_h;
    size_t count = 3 * (size_t)w * (size_t)h;
    cuda_net_map(r->net, view, &map_w, &map_h);
    size_t positions = (size_t)(map_w * map_h);
    fill_picture(x, count, (uint64_t)(10 * view + 1));
    for (size_t i = 0; i < 2 * positions; i++)
        weights[i] = (float)(i % 5 + 1) / (float)positions;
    struct objective_subject subjects[2] = {{2, weights}, {3, weights + positions}};
    double value,
        expected = reference_network(&r->model, x, w, h,
                                     &(struct objective){subjects, 2, 0.5f, layer, channel}, NULL, truth);
    struct cuda_target target = {2, {2, 3}, 0.5f};
    grad[count] = 1234;
    int rc = cuda_net_gradient(r->net, view, x, &(struct cuda_objective){&target, weights, layer, channel},
                               grad, &value);
    assert_int_equal(rc, 0);
    assert_true(grad[count] == 1234);
    double angle = 1 - cosine(grad, truth, count), norm = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        norm += truth[i] * truth[i];
        size += (double)grad[i] * (double)grad[i];
    }
    if (norm == 0) { /* a channel that is dead everywhere */
        assert_true(size == 0 && fabs(value - expected) < 1e-6);
        return;
    }
    if (!(angle <= b.angle) || !(fabs(value - expected) <= b.value * (fabs(expected) + 0.1)) ||
        !(fabs(sqrt(size / norm) - 1) < 4 * sqrt(b.angle)))
        fail_msg("%s view %d layer %d channel %d: 1 - cosine %g, length %g, value %g instead of %g",
                 cuda_net_precision_name(r->net->precision), view, layer, channel, angle, sqrt(size / norm),
                 value, expected);
}

static void compare_logits(struct rig *r, int view, double bound)
{
    static float x[VALUES_MAX], logits[64 * MAP_MAX];
    static double truth[64 * MAP_MAX];
    int w = views[view].width_px, h = views[view].height_px, map_w, map_h;
    fill_picture(x, 3 * (size_t)w * (size_t)h, 5);
    reference_network(&r->model, x, w, h, NULL, truth, NULL);
    assert_int_equal(cuda_net_logits(r->net, view, x, logits), 0);
    cuda_net_map(r->net, view, &map_w, &map_h);
    double off = nmse(logits, truth, (size_t)(map_w * map_h * r->model.classes));
    if (!(off < bound))
        fail_msg("%s: logits nmse %g", cuda_net_precision_name(r->net->precision), off);
}

static void compare_all(const struct toy_layer *toy, int wanted, struct bounds b, double logits)
{
    struct rig r;
    rig_must_open(&r, toy, wanted);
    for (int view = 0; view < (int)ARRAY_LEN(views); view++) {
        compare_logits(&r, view, logits);
        compare(&r, view, -1, -1, b);
    }
    for (int layer = 0; layer < r.model.layer_count; layer++) {
        compare(&r, layer % 2, layer, -1, b);
        compare(&r, 0, layer, 3, b);
    }
    compare(&r, 0, -1, -1, b); /* nothing is left over from the others */
    assert_int_equal(fake.allocations, 1);
    rig_close(&r);
}

static void fp32_agrees_with_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(toys); i++)
        for (int kind = 0; kind < (toys[i] == pair_toy ? 3 : 1); kind++) {
            fake_reset();
            fake.likes_fused = kind == 0;
            fake.has_fused = kind < 2;
            compare_all(toys[i], DREAM_PRECISION_FP32, (struct bounds){1e-9, 1e-5}, 1e-10);
        }
}

static void short_numbers_stay_near(void **state)
{
    (void)state;
    fake_reset();
    compare_all(pair_toy, DREAM_PRECISION_AUTO, (struct bounds){0.06, 0.05}, 2e-3);
    fake_reset();
    compare_all(odd_toy, DREAM_PRECISION_FP16, (struct bounds){4e-3, 0.01}, 1e-5);
    fake_reset();
    compare_all(early_toy, DREAM_PRECISION_FP16, (struct bounds){4e-3, 0.01}, 1e-5);
}

/* ---- Choosing ---- */

static void the_faster_engine_wins(void **state)
{
    (void)state;
    for (int likes = 0; likes < 2; likes++) {
        struct rig r;
        fake_reset();
        fake.likes_fused = likes;
        rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
        for (int view = 0; view < 3; view++)
            for (int i = 1; i < 4; i++) {
                const struct net_view *v = &r.net->views[view];
                assert_int_equal(v->forward[i].solved->problem.is_fused, likes);
                /* conv2_1 is behind a pool: nothing is to be fused to its way back */
                assert_int_equal(v->backward[i].solved->problem.is_fused, likes && i != 2);
            }
        rig_close(&r);
    }
}

static void a_wrong_engine_does_not(void **state)
{
    (void)state;
    struct rig r;
    fake_reset();
    fake.fused_wrong = true;
    log_set_level(LOG_ERROR);
    rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
    for (int i = 1; i < 4; i++) {
        assert_false(r.net->views[0].forward[i].solved->problem.is_fused);
        assert_false(r.net->views[0].backward[i].solved->problem.is_fused);
    }
    rig_close(&r);
    log_set_level(LOG_INFO);
}

static void layers_of_one_shape_share_a_plan(void **state)
{
    (void)state;
    static const struct toy_layer toy[] = {
        {"conv1_1", 8, 3, false}, {"conv1_2", 8, 3, false}, {"conv1_3", 8, 3, false}, {"conv1_4", 8, 3, true},
        {"fc6", 8, 1, false},     {"fc7", 8, 1, false},     {"fc8", 8, 1, false},     {NULL, 0, 0, false}};
    struct rig r;
    fake_reset();
    rig_must_open(&r, toy, DREAM_PRECISION_FP32);
    assert_int_equal(r.net->solved_count, 2 * ARRAY_LEN(views));
    assert_ptr_equal(r.net->views[0].forward[1].solved, r.net->views[0].forward[3].solved);
    compare(&r, 1, -1, -1, (struct bounds){1e-9, 1e-5});
    rig_close(&r);
}

/* ---- What cannot be done ---- */

static void wrong_questions_are_refused(void **state)
{
    (void)state;
    struct rig r;
    float x[1], grad[1];
    struct cuda_target target = {0};
    fake_reset();
    rig_must_open(&r, odd_toy, DREAM_PRECISION_FP32);
    struct cuda_objective o = {&target, x, -1, -1};
    assert_int_equal(cuda_net_gradient(r.net, 3, x, &o, grad, NULL), -EINVAL);
    assert_int_equal(cuda_net_gradient(r.net, -1, x, &o, grad, NULL), -EINVAL);
    assert_int_equal(cuda_net_logits(r.net, 3, x, grad), -EINVAL);
    o.layer = 6;
    assert_int_equal(cuda_net_gradient(r.net, 0, x, &o, grad, NULL), -EINVAL);
    o.layer = 1;
    o.channel = 17;
    assert_int_equal(cuda_net_gradient(r.net, 0, x, &o, grad, NULL), -EINVAL);
    o = (struct cuda_objective){NULL, NULL, -1, -1};
    assert_int_equal(cuda_net_gradient(r.net, 0, x, &o, grad, NULL), -EINVAL);
    rig_close(&r);
}

static void devices_are_looked_at(void **state)
{
    (void)state;
    struct error e;
    struct rig r;
    fake_reset();
    assert_int_equal(cuda_probe(0, &e), 0);
    assert_int_equal(cuda_probe(1, &e), -ENODEV);
    fake.devices = 0;
    assert_int_equal(cuda_probe(0, &e), -ENODEV);
    fake_reset();
    fake.sm_major = 6;
    assert_int_equal(cuda_probe(0, &e), -ENOTSUP);
    fake.sm_major = 7; /* 7.0: without tensor cores that cuDNN 9 knows how to use */
    assert_int_equal(rig_open(&r, odd_toy, DREAM_PRECISION_AUTO), -ENOTSUP);
    rig_close(&r);
    fake_reset();
    fake.free_bytes = 200 << 20;
    assert_int_equal(rig_open(&r, odd_toy, DREAM_PRECISION_AUTO), -ENOMEM);
    rig_close(&r);
}

/* Wherever it goes: an error, nothing left open, and the next one works. */
static void a_device_may_go_at_any_moment(void **state)
{
    (void)state;
    struct rig r;
    static float x[VALUES_MAX], grad[VALUES_MAX], weights[CUDA_SUBJECTS_MAX * MAP_MAX];
    struct cuda_target target = {1, {1}, 1};
    struct cuda_objective o = {&target, weights, -1, -1};
    int survived = 0;
    for (int calls = 0; calls < 4000 && !survived; calls += calls < 40 ? 1 : 97) {
        fake_reset();
        fake.good_calls = calls;
        int rc = rig_open(&r, early_toy, DREAM_PRECISION_BF16);
        if (rc < 0) {
            assert_int_equal(rc, -EIO);
            assert_true(strlen(r.error.text) > 0);
        } else {
            fake.good_calls = calls % 20;
            rc = 0;
            for (int i = 0; rc == 0 && i < 20; i++)
                rc = cuda_net_gradient(r.net, 0, x, &o, grad, NULL);
            assert_int_equal(rc, -EIO);
            assert_int_equal(cuda_net_logits(r.net, 0, x, grad), -EIO);
            assert_int_equal(cuda_device_wait(&r.device), -EIO);
            survived = 1;
        }
        rig_close(&r);
        assert_false(fake.is_lost);
    }
    assert_true(survived);
}

static void the_arena_gives_what_was_planned(void **state)
{
    (void)state;
    struct cuda_device d;
    fake_reset();
    assert_int_equal(cuda_device_open(&d, 0, NULL), 0);
    assert_int_equal(cuda_arena_open(&d, 3 * CUDA_ALIGN, NULL), 0);
    uint8_t *first = cuda_carve(&d, 1), *second = cuda_carve(&d, CUDA_ALIGN + 1);
    assert_true(second == first + CUDA_ALIGN);
    assert_null(cuda_carve(&d, 1));
    cuda_device_close(&d);
    assert_int_equal(fake.open, 0);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(fp32_agrees_with_the_reference),
        cmocka_unit_test(short_numbers_stay_near),
        cmocka_unit_test(the_faster_engine_wins),
        cmocka_unit_test(a_wrong_engine_does_not),
        cmocka_unit_test(layers_of_one_shape_share_a_plan),
        cmocka_unit_test(wrong_questions_are_refused),
        cmocka_unit_test(devices_are_looked_at),
        cmocka_unit_test(a_device_may_go_at_any_moment),
        cmocka_unit_test(the_arena_gives_what_was_planned),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}

#else

static void needs_the_toolkit(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(needs_the_toolkit)};
    return cmocka_run_group_tests(all, NULL, NULL);
}

#endif
