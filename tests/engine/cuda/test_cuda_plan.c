/*
 * test_cuda_plan - what the CUDA module plans before it touches a GPU: bytes, refusals with the size that
 * fits, and weights in its layouts.
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

#include "common/mem.h"
#include "engine/cuda/pack.h"
#include "engine/cuda/plan.h"
#include "engine/dream/dream.h"
#include "tests/engine/cuda/storage_check.h"

/* ---- VGG-16 without its weights ---- */

static void vgg_open(struct model *m)
{
    static const int widths[] = {64,  64,  128, 128, 256, 256,  256,  512,
                                 512, 512, 512, 512, 512, 4096, 4096, 1000};
    static const char pools[] = "0101001001001000";
    *m = (struct model){.name = "VGG-16", .classes = 1000, .stride_px = 32, .layer_count = 16};
    for (int i = 0, in = 3; i < m->layer_count; in = widths[i++])
        m->layers[i] = (struct model_layer){.in = in,
                                            .out = widths[i],
                                            .kernel = i < 13    ? 3
                                                      : i == 13 ? 7
                                                                : 1,
                                            .pool_after = pools[i] == '1'};
}

struct rig {
    struct dream_config config;
    struct model model;
    struct backend_params params;
    struct cuda_plan plan;
    struct error error;
};

static void rig_open(struct rig *r, int w, int h)
{
    memset(r, 0, sizeof *r);
    vgg_open(&r->model);
    r->config.size = (struct option_size){w, h};
    r->params = (struct backend_params){.config = &r->config,
                                        .model = &r->model,
                                        .views = {{w, h, 1, 0, 0}, {w / 2, h / 2, 1, 0, 0}},
                                        .view_count = 2};
}

static const size_t mega = 1 << 20;

/* ---- Sizes ---- */

static void views_are_planned_as_the_network_works(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 1286, 723);
    assert_int_equal(cuda_plan_make(&r.plan, &r.params, CUDA_STORAGE_BF16, &r.error), 0);
    const struct cuda_plan_view *v = &r.plan.views[0];
    assert_int_equal(v->conv_w[1], 1286);
    assert_int_equal(v->out_w[1], 643);
    assert_int_equal(v->out_h[1], 361); /* an odd row is left out */
    assert_int_equal(v->conv_w[4], 321);
    assert_int_equal(v->out_w[12], 40);
    assert_int_equal(v->map_w, model_map_size(&r.model, 1286));
    assert_int_equal(v->map_h, model_map_size(&r.model, 723));
    assert_int_equal(r.plan.views[1].map_w, model_map_size(&r.model, 643));
}

/* The sums by hand, for 1280x720 in 2 bytes. */
static void bytes_are_what_is_stored(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 1280, 720);
    assert_int_equal(cuda_plan_make(&r.plan, &r.params, CUDA_STORAGE_BF16, &r.error), 0);
    const struct cuda_plan *p = &r.plan;
    assert_int_equal(p->layers[0].kept_bytes, 1280 * 720 * 64 * 2);
    assert_int_equal(p->layers[0].winner_bytes, 1280 * 720 * 64 / 8);
    assert_int_equal(p->layers[1].kept_bytes, 640 * 360 * 64 * 2);
    assert_int_equal(p->layers[1].winner_bytes, 640 * 360 * 64);
    assert_int_equal(p->wide_bytes, 1280 * 720 * 64 * 2);
    assert_int_equal(p->column_bytes, (size_t)34 * 16 * 49 * 512 * 2);
    assert_int_equal(p->sum_bytes, 34 * 16 * 4096 * 4);
    assert_int_equal(p->layers[13].weight_bytes, (size_t)4096 * 49 * 512 * 2);
    assert_int_equal(p->layers[15].kept_bytes, 0);
    assert_int_equal(p->layers[15].out, 1000);
    assert_int_equal(cuda_plan_fit(&r.plan, &r.params, 100 * mega, 8000 * mega, &r.error), 0);
    assert_true(p->bytes > 850 * mega && p->bytes < 1300 * mega); /* 276 weights, 370 maps, workspace */
    assert_int_equal(p->workspace_bytes, 256 * mega);
    size_t brain = p->bytes - p->workspace_bytes;
    assert_int_equal(cuda_plan_make(&r.plan, &r.params, CUDA_STORAGE_FP32, &r.error), 0);
    assert_int_equal(cuda_plan_fit(&r.plan, &r.params, 100 * mega, 8000 * mega, &r.error), 0);
    double ratio = (double)(p->bytes - p->workspace_bytes) / (double)brain;
    assert_true(ratio > 1.9 && ratio < 2);
}

static void buffers_hold_every_view(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 640, 640);
    r.params.views[1] = (struct image_view){960, 480, 1, 0, 0}; /* wider, and larger behind the last pool */
    assert_int_equal(cuda_plan_make(&r.plan, &r.params, CUDA_STORAGE_FP16, &r.error), 0);
    assert_int_equal(r.plan.wide_bytes, 960 * 480 * 64 * 2);
    assert_int_equal(r.plan.layers[12].kept_bytes, 30 * 15 * 512 * 2);
    assert_int_equal(r.plan.layers[13].kept_bytes, 24 * 9 * 4096 * 2);
}

static void impossible_views_are_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 640, 360);
    r.params.views[1] = (struct image_view){640, 223, 1, 0, 0};
    assert_int_equal(cuda_plan_make(&r.plan, &r.params, CUDA_STORAGE_BF16, &r.error), -ERANGE);
    assert_non_null(strstr(r.error.text, "640x223"));
    r.params.views[1] = (struct image_view){CPU_NET_SIDE_MAX_PX + 1, 640, 1, 0, 0};
    assert_int_equal(cuda_plan_make(&r.plan, &r.params, CUDA_STORAGE_BF16, &r.error), -ERANGE);
    r.params.view_count = 0;
    assert_int_equal(cuda_plan_make(&r.plan, &r.params, CUDA_STORAGE_BF16, &r.error), -ERANGE);
}

/* ---- What does not fit ---- */

static int fit(struct rig *r, int w, int h, size_t other_bytes, size_t free_bytes)
{
    rig_open(r, w, h);
    int rc = cuda_plan_make(&r->plan, &r->params, CUDA_STORAGE_BF16, &r->error);
    return rc == 0 ? cuda_plan_fit(&r->plan, &r->params, other_bytes, free_bytes, &r->error) : rc;
}

static void the_size_that_fits_is_named_and_fits(void **state)
{
    (void)state;
    struct rig r;
    static const size_t sizes[] = {1000, 1200, 1500, 2000, 2500};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t free_bytes = sizes[i] * mega, other_bytes = 300 * mega;
        int w = 0, h = 0;
        assert_int_equal(fit(&r, 3840, 2160, other_bytes, free_bytes), -ENOMEM);
        const char *at = strstr(r.error.text, "dream.size ");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "dream.size %dx%d", &w, &h), 2);
        assert_true(w < 3840 && abs(w * 9 - h * 16) <= 32 && w % 16 == 0 && h % 2 == 0);
        double share = (double)w / 3840;
        assert_int_equal(fit(&r, w, h, (size_t)((double)other_bytes * share * share), free_bytes), 0);
        /* and it is nearly the largest */
        share = (double)(w + 160) / 3840;
        assert_int_equal(fit(&r, w + 160, h + 90, (size_t)((double)other_bytes * share * share), free_bytes),
                         -ENOMEM);
    }
}

static void a_card_for_no_size_is_told_so(void **state)
{
    (void)state;
    struct rig r;
    assert_int_equal(fit(&r, 1280, 720, 0, 500 * mega),
                     -ENOMEM); /* less than the weights and their loading */
    assert_non_null(strstr(r.error.text, "no size fits"));
}

static void what_fits_leaves_room(void **state)
{
    (void)state;
    struct rig r;
    for (size_t free_bytes = 1000 * mega; free_bytes < 3000 * mega; free_bytes += 37 * mega)
        if (fit(&r, 1280, 720, 50 * mega, free_bytes) == 0) {
            assert_true(r.plan.bytes + 50 * mega + 300 * mega < free_bytes);
            assert_true(r.plan.workspace_bytes >= 32 * mega && r.plan.workspace_bytes % CUDA_ALIGN == 0);
        }
    assert_int_equal(fit(&r, 1280, 720, 50 * mega, 3000 * mega), 0);
}

/* ---- Weights ---- */

/* Numbers that tell where they come from, exactly, in every storage. */
static float *numbered(size_t count)
{
    float *f = xcalloc(count, sizeof *f);
    for (size_t i = 0; i < count; i++)
        f[i] = (float)(i % 251);
    return f;
}

/* What goes from k to c through tap t forward goes from c to k through the tap on the other side of the middle. */
static void turned_rows_are_those_of_the_way_back(void **state)
{
    (void)state;
    enum { IN = 5, OUT = 11, TAPS = 9, WIDTH = 16, ROWS = 6 };
    struct model_layer l = {.in = IN, .out = OUT, .kernel = 3, .weight = numbered(OUT * IN * TAPS)};
    for (int first = 0; first < 8; first += 3) {
        float to[ROWS * TAPS * WIDTH + 1];
        to[ROWS * TAPS * WIDTH] = 1234;
        cuda_pack_turned(&l, CUDA_STORAGE_FP32, first, ROWS, to);
        for (int i = 0; i < ROWS * TAPS * WIDTH; i++) {
            int k = i % WIDTH, tap = i / WIDTH % TAPS, c = first + i / (WIDTH * TAPS);
            float truth = c < IN && k < OUT ? l.weight[(k * IN + c) * TAPS + TAPS - 1 - tap] : 0;
            assert_true(to[i] == truth);
        }
        assert_true(to[ROWS * TAPS * WIDTH] == 1234);
    }
    free(l.weight);
}

static void rows_are_packed_with_channels_innermost(void **state)
{
    (void)state;
    enum { IN = 5, OUT = 11, KERNEL = 3, TAPS = KERNEL * KERNEL, WIDTH = 8 };
    struct model_layer l = {.in = IN, .out = OUT, .kernel = KERNEL, .weight = numbered(OUT * IN * TAPS)};
    for (int s = 0; s < CUDA_STORAGES; s++)
        for (int first = 0; first < 16; first += 6) {
            enum { ROWS = 6 };
            size_t row_bytes = TAPS * WIDTH * cuda_storage_bytes((enum cuda_storage)s);
            uint8_t *to = xmalloc(ROWS * row_bytes + 1);
            memset(to, 0xa5, ROWS * row_bytes + 1);
            cuda_pack_rows(&l, (enum cuda_storage)s, first, ROWS, to);
            for (int i = 0; i < ROWS * TAPS * WIDTH; i++) {
                int c = i % WIDTH, tap = i / WIDTH % TAPS, row = first + i / (WIDTH * TAPS);
                float truth = row < OUT && c < IN ? l.weight[(row * IN + c) * TAPS + tap] : 0;
                assert_true(cuda_load_one((enum cuda_storage)s, to, (size_t)i) == truth);
            }
            assert_int_equal(to[ROWS * row_bytes], 0xa5);
            free(to);
        }
    free(l.weight);
}

static void the_first_layer_is_packed_both_ways(void **state)
{
    (void)state;
    enum { OUT = 11, WIDTH = 16 };
    struct model m = {.std = {0.25f, 0.5f, 2}, .layer_count = 1};
    m.layers[0] = (struct model_layer){.in = 3, .out = OUT, .kernel = 3, .weight = numbered(OUT * 27)};
    float forward[27 * WIDTH], backward[27 * WIDTH];
    cuda_pack_rgb(&m, forward, backward);
    for (int i = 0; i < 27 * WIDTH; i++) {
        int t = i / WIDTH, k = i % WIDTH;
        float truth = k < OUT ? m.layers[0].weight[k * 27 + t] : 0;
        assert_true(forward[i] == truth);
        float back = backward[((k / 8 * 9 + t % 9) * 3 + t / 9) * 8 + k % 8];
        assert_true(fabsf(back * 255 * m.std[t / 9] - truth) <= 1e-4f * fabsf(truth));
    }
    free(m.layers[0].weight);
}

static void biases_and_means(void **state)
{
    (void)state;
    enum { IN = 3, OUT = 5 };
    float bias[OUT] = {1, 2, 3, 4, 5}, to[8];
    struct model_layer l = {.in = IN, .out = OUT, .kernel = 1, .weight = numbered(IN * OUT), .bias = bias};
    cuda_pack_bias(&l, 0.5f, to);
    for (int k = 0; k < 8; k++)
        assert_true(to[k] == (k < OUT ? 0.5f * bias[k] : 0));
    assert_true(cuda_pack_mean(&l, to) == 3);
    for (int c = 0; c < 8; c++)
        assert_true(to[c] == (c < IN ? 6.0f + (float)c : 0)); /* rows are 0 1 2, 3 4 5, ... */
    free(l.weight);
}

static void scales_are_powers_of_two(void **state)
{
    (void)state;
    assert_true(cuda_gradient_scale(1) == 1 && cuda_gradient_scale(544) == 1024 &&
                cuda_gradient_scale(1024) == 1024);
    assert_true(cuda_activation_scale(CUDA_STORAGE_FP16) == 0x1p-6f);
    assert_true(cuda_activation_scale(CUDA_STORAGE_BF16) == 1 &&
                cuda_activation_scale(CUDA_STORAGE_FP32) == 1);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(views_are_planned_as_the_network_works),
        cmocka_unit_test(bytes_are_what_is_stored),
        cmocka_unit_test(buffers_hold_every_view),
        cmocka_unit_test(impossible_views_are_refused),
        cmocka_unit_test(the_size_that_fits_is_named_and_fits),
        cmocka_unit_test(a_card_for_no_size_is_told_so),
        cmocka_unit_test(what_fits_leaves_room),
        cmocka_unit_test(rows_are_packed_with_channels_innermost),
        cmocka_unit_test(turned_rows_are_those_of_the_way_back),
        cmocka_unit_test(the_first_layer_is_packed_both_ways),
        cmocka_unit_test(biases_and_means),
        cmocka_unit_test(scales_are_powers_of_two),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
