/*
 * cuda_rig - the module's network on a pretended GPU (cuda_fake.h), with toy models, and what it computes
 * compared with the double-precision reference. Part of the one translation unit that includes it, behind
 * cmocka.h.
 */
#ifndef TESTS_ENGINE_CUDA_RIG_H
#define TESTS_ENGINE_CUDA_RIG_H

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/rng.h"
#include "tests/engine/reference.h"
#include "tests/engine/toy.h"
#include "tests/engine/cuda/cuda_fake.h"
#include "tests/engine/cuda/cuda_fake_blas.h"
#include "tests/engine/cuda/cuda_fake_dnn.h"
#include "tests/engine/cuda/cuda_fake_kernels.h"

/* The module's files: they are no part of the program. */
#define clock_real_us fake_clock_us
#include "engine/cuda/module/device.c"
#include "engine/cuda/module/net.c"
#include "engine/cuda/module/net_memory.c"
#include "engine/cuda/module/net_pass.c"
#include "engine/cuda/module/net_search.c"
#include "engine/cuda/module/net_tune.c"
#include "engine/cuda/module/net_weights.c"
#undef clock_real_us
#include "engine/cuda/module/net_gemm.c"
#include "engine/cuda/module/trial.c"

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

static int tuning = DREAM_TUNING_FAST; /* of the next network */

static const struct image_view views[] = {{33, 18, 1, 0, 0}, {21, 26, 1, 0, 0}, {16, 12, 1, 0, 0}};

/* Everything behind the parameters. */
static int rig_connect(struct rig *r, int wanted)
{
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

static int rig_open(struct rig *r, const struct toy_layer *toy, int wanted)
{
    memset(r, 0, sizeof *r);
    toy_open(&r->model, toy);
    r->config.size = (struct option_size){64, 64};
    r->config.tuning = tuning;
    r->params =
        (struct backend_params){.config = &r->config, .model = &r->model, .view_count = ARRAY_LEN(views)};
    memcpy(r->params.views, views, sizeof views);
    return rig_connect(r, wanted);
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

/* With the parameters that are set already. */
static inline void rig_must_connect(struct rig *r, int wanted)
{
    if (rig_connect(r, wanted) < 0)
        fail_msg("%s", r->error.text);
}

/* A cache of this test's own, for the whole group. */
static int open_cache(void **state)
{
    static char folder[] = "/tmp/reverie-cache-XXXXXX";
    if (!mkdtemp(folder))
        return -1;
    *state = folder;
    return setenv("XDG_CACHE_HOME", folder, 1);
}

static void forget_what_was_learned(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s/reverie'", getenv("XDG_CACHE_HOME"));
    assert_int_equal(system(command), 0);
}

static int close_cache(void **state)
{
    forget_what_was_learned();
    return rmdir(*state);
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
    int w = views[view].width_px, h = views[view].height_px;
    int map_w = model_map_size(&r->model, w), map_h = model_map_size(&r->model, h);
    size_t count = 3 * (size_t)w * (size_t)h;
    size_t positions = (size_t)(map_w * map_h);
    fill_picture(x, count, (uint64_t)(10 * view + 1));
    for (size_t i = 0; i < 2 * positions; i++)
        weights[i] = (float)(i % 5 + 1) / (float)positions;
    struct objective_subject subjects[2] = {{2, weights}, {3, weights + positions}};
    double value, expected = reference_network(&r->model, x, w, h,
                                               &(struct objective){subjects, 2, 0.5f, layer, channel, false},
                                               NULL, truth);
    struct cuda_target target = {2, {2, 3}, 0.5f};
    grad[count] = 1234;
    int rc = cuda_net_gradient(
        r->net, view, x, &(struct cuda_objective){&target, weights, layer, channel, false}, grad, &value);
    assert_int_equal(rc, 0);
    assert_true(grad[count] == 1234);
    double angle = 1 - cosine(grad, truth, count), norm = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        norm += truth[i] * truth[i];
        size += (double)grad[i] * (double)grad[i];
    }
    if (norm == 0 ||
        (size == 0 && fabs(expected) < 1e-6)) { /* a channel that is dead everywhere, or nearly */
        assert_true(size == 0 && fabs(value - expected) < 1e-6);
        return;
    }
    if (!(angle <= b.angle) || !(fabs(value - expected) <= b.value * (fabs(expected) + 0.1)) ||
        !(fabs(sqrt(size / norm) - 1) < 4 * sqrt(b.angle)))
        fail_msg("%s view %d layer %d channel %d: 1 - cosine %g, length %g, value %g instead of %g",
                 cuda_net_precision_name(r->net->precision), view, layer, channel, angle, sqrt(size / norm),
                 value, expected);
}

#endif
