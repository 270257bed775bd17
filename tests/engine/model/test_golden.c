/*
 * golden: every member of the VGG family in every format gives the logits and the gradient that PyTorch
 * computed in double precision (tests/golden, written by make_goldens there).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "engine/cpu/net.h"
#include "engine/model/model.h"

enum { SAMPLE_EVERY = 17, MAP_MAX = 64 };
#define LOGIT_TOLERANCE    1e-4 /* of the largest logit */
#define GRADIENT_TOLERANCE 1e-7 /* mean square of the error, relative; plain kernels */
#define FAST_TOLERANCE     1e-6 /* the same for the others */

struct golden {
    const char *expected; /* name in expected.safetensors */
    int width_px, height_px, convolutions, kernel;
    const char *files; /* suffixes with blanks between */
};

static const struct golden goldens[] = {
    {"vgg11", 101, 70, 8, 2,
     "legacy.pth zip.pth safetensors py2.pth parameter.pth legacy2.pth wrapped.pth strided.pth bf16.pth "
     "f16.safetensors f64.safetensors bf16.safetensors"},
    {"vgg13", 96, 64, 10, 1, "legacy.pth zip.pth safetensors"},
    {"vgg16", 130, 97, 13, 2, "legacy.pth zip.pth safetensors"},
    {"vgg19", 224, 256, 16, 7, "legacy.pth zip.pth safetensors"},
    {"vgg11_bn", 64, 96, 8, 1, "legacy.pth zip.pth safetensors"},
    {"vgg13_bn", 95, 127, 10, 2, "legacy.pth zip.pth safetensors"},
    {"vgg16_bn", 70, 64, 13, 1, "legacy.pth zip.pth safetensors robust.ckpt"},
    {"vgg19_bn", 64, 128, 16, 2, "legacy.pth zip.pth safetensors"},
    {"vgg11.caffe", 101, 70, 8, 2, "v1.caffemodel v2.caffemodel"},
    {"vgg13.caffe", 96, 64, 10, 1, "v1.caffemodel v2.caffemodel unpacked.caffemodel double.caffemodel"},
    {"vgg16.caffe", 130, 97, 13, 2, "v1.caffemodel v2.caffemodel"},
    {"vgg19.caffe", 224, 256, 16, 7, "v1.caffemodel v2.caffemodel"},
};

/* [3][height][width], 0..255: make_goldens has the same formula. */
static float *picture(size_t count)
{
    float *x = xmalloc(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)((uint32_t)(i * 2654435761u) >> 24);
    return x;
}

static double *expected(const struct weights *w, const char *golden, const char *what, size_t *count)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", golden, what);
    const struct tensor *t = weights_find(w, name);
    assert_non_null(t);
    *count = (size_t)t->elements;
    double *out = xmalloc(*count * sizeof *out);
    memcpy(out, t->data, *count * sizeof *out);
    return out;
}

static void compare_logits(const struct weights *w, const struct golden *g, const float *logits, size_t have,
                           const char *file)
{
    size_t count;
    double *want = expected(w, g->expected, "logits", &count), largest = 0, error = 0;
    assert_int_equal(count, have);
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(want[i]));
        error = fmax(error, fabs(want[i] - (double)logits[i]));
    }
    if (!(error <= LOGIT_TOLERANCE * largest))
        fail_msg("%s: logits are off by %g of %g", file, error, largest);
    free(want);
}

static void compare_gradient(const struct weights *w, const struct golden *g, const float *gradient,
                             size_t have, double value, double tolerance, const char *file)
{
    size_t count, sums_count;
    double *want = expected(w, g->expected, "gradient", &count);
    double *sums = expected(w, g->expected, "sums", &sums_count);
    double error = 0, square = 0, all = 0, weave = 0;
    assert_int_equal(count, (have + SAMPLE_EVERY - 1) / SAMPLE_EVERY);
    for (size_t i = 0; i < count; i++) {
        double d = want[i] - (double)gradient[i * SAMPLE_EVERY];
        error += d * d;
        square += want[i] * want[i];
    }
    for (size_t i = 0; i < have; i++) {
        all += (double)gradient[i] * (double)gradient[i];
        weave += (double)gradient[i] * cos((double)i * 0.7);
    }
    if (!(error <= tolerance * square))
        fail_msg("%s: the gradient's relative square error is %g", file, error / square);
    if (!(fabs(value - sums[0]) <= 1e-4 * fmax(1, fabs(sums[0]))))
        fail_msg("%s: the objective is %g instead of %g", file, value, sums[0]);
    if (!(fabs(all - sums[1]) <= 2e-3 * sums[1]) ||
        !(fabs(weave - sums[2]) <= 1e-3 * sqrt(sums[1] * (double)have)))
        fail_msg("%s: the gradient's sums are %g, %g instead of %g, %g", file, all, weave, sums[1], sums[2]);
    free(sums);
    free(want);
}

/* Class 1 in the upper rows, class 2 in the lower ones, both in all of a map of one row. */
static void halves(struct objective_subject subjects[2], float weight[2][MAP_MAX], int map_w, int map_h)
{
    int cut = map_h / 2;
    assert_true(map_w * map_h <= MAP_MAX);
    for (int half = 0; half < 2; half++) {
        int begin = half && map_h > 1 ? cut : 0, end = half || map_h == 1 ? map_h : cut;
        for (int row = 0; row < map_h; row++)
            for (int column = 0; column < map_w; column++)
                weight[half][row * map_w + column] =
                    row >= begin && row < end ? 1.0f / (float)((end - begin) * map_w) : 0;
        subjects[half] = (struct objective_subject){1 + half, weight[half]};
    }
}

static void compare(const struct weights *w, const struct golden *g, struct model *m, enum cpu_tier tier,
                    const char *file)
{
    struct pool *pool;
    struct cpu_net *n;
    struct error e = {""};
    size_t count = 3 * (size_t)g->width_px * (size_t)g->height_px;
    int map_w = model_map_size(m, g->width_px), map_h = model_map_size(m, g->height_px);
    assert_int_equal(pool_open(&pool, 1), 0);
    if (cpu_net_open(&n, &(struct cpu_net_params){m, pool, g->width_px, g->height_px, tier, 0, false}, &e) <
        0)
        fail_msg("%s: %s", file, e.text);
    float *x = picture(count), *gradient = xmalloc(count * sizeof *gradient);
    float logits[8 * MAP_MAX], weight[2][MAP_MAX];
    struct objective_subject subjects[2];
    double value;
    assert_int_equal(cpu_net_logits(n, &(struct cpu_net_input){x, g->width_px, g->height_px}, logits), 0);
    compare_logits(w, g, logits, (size_t)(m->classes * map_w * map_h), file);
    halves(subjects, weight, map_w, map_h);
    struct objective o = {subjects, 2, 1, -1, -1, false};
    assert_int_equal(
        cpu_net_gradient(n, &(struct cpu_net_input){x, g->width_px, g->height_px}, &o, gradient, &value), 0);
    compare_gradient(w, g, gradient, count, value, tier == CPU_TIER_C ? GRADIENT_TOLERANCE : FAST_TOLERANCE,
                     file);
    free(gradient);
    free(x);
    cpu_net_close(&n);
    pool_close(&pool);
}

static void check_file(const struct weights *w, const struct golden *g, const char *suffix,
                       enum cpu_tier tier)
{
    char file[128];
    struct model *m;
    struct error e = {""};
    snprintf(file, sizeof file, "tests/golden/%.*s.%s", (int)strcspn(g->expected, "."), g->expected, suffix);
    if (model_load(&m, file, &e) < 0)
        fail_msg("%s", e.text);
    bool caffe = strstr(file, "caffemodel") != NULL;
    assert_int_equal(m->layer_count - 3, g->convolutions);
    assert_int_equal(m->layers[m->layer_count - 3].kernel, g->kernel);
    assert_int_equal(m->bgr, caffe);
    assert_string_equal(m->family, caffe ? "caffe" : "torchvision");
    compare(w, g, m, tier, file);
    model_close(&m);
}

static void check_all(enum cpu_tier tier)
{
    struct weights *w;
    struct error e;
    int files = 0;
    assert_int_equal(weights_open(&w, "tests/golden/expected.safetensors", &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        char list[256], *rest = list;
        snprintf(list, sizeof list, "%s", goldens[i].files);
        for (char *suffix; (suffix = strsep(&rest, " ")); files++)
            check_file(w, &goldens[i], suffix, tier);
    }
    assert_int_equal(files, 44);
    weights_close(&w);
}

static void plain_kernels_match_pytorch(void **state)
{
    (void)state;
    check_all(CPU_TIER_C);
}

static void fastest_kernels_match_pytorch(void **state)
{
    (void)state;
    check_all(CPU_TIER_AUTO);
}

/* The same numbers with the other family's preprocessing are another network. */
static void preprocessing_can_be_overruled(void **state)
{
    (void)state;
    struct model *m, *other;
    struct error e;
    assert_int_equal(model_load(&m, "tests/golden/vgg11.zip.pth", &e), 0);
    assert_int_equal(model_load(&other, "tests/golden/vgg11.zip.pth", &e), 0);
    assert_int_equal(model_set_preprocessing(other, "caffe", &e), 0);
    assert_true(other->bgr);
    assert_float_equal(other->std[0], 1.0 / 255, 1e-9);
    assert_memory_equal(other->layers[0].weight, m->layers[0].weight + 18, 9 * sizeof(float));
    assert_memory_equal(other->layers[0].weight + 9, m->layers[0].weight + 9, 9 * sizeof(float));
    assert_int_equal(model_set_preprocessing(other, "torchvision", &e), 0);
    assert_memory_equal(other->layers[0].weight, m->layers[0].weight, 27 * sizeof(float));
    static const char *const greys[] = {"caffe-rgb-grey", "caffe-grey"};
    for (int bgr = 0; bgr < 2; bgr++) {
        assert_int_equal(model_set_preprocessing(other, greys[bgr], &e), 0);
        assert_memory_equal(other->layers[0].weight + 18 * bgr, m->layers[0].weight, 9 * sizeof(float));
        for (int c = 0; c < 3; c++)
            assert_float_equal(255 * other->mean[c], 114.79933, 1e-4);
    }
    assert_true(model_set_preprocessing(other, "keras", &e) < 0);
    assert_non_null(strstr(e.text, "keras"));
    model_close(&other);
    model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_kernels_match_pytorch),
        cmocka_unit_test(fastest_kernels_match_pytorch),
        cmocka_unit_test(preprocessing_can_be_overruled),
    };
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
