/*
 * classic: items 31 to 36 of the system of 2015, each against its formula written down once more in double
 * precision. The prior has its own test (test_prior.c), and so have the warp (test_image.c) and the blend
 * (test_camera.c in tests/stream).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "config/config.h"
#include "engine/cpu/image_kernels.h"
#include "engine/cpu/image_warp.h"
#include "engine/dream/probe.h"

/* models/default.py of 2015: build_updates, with its names. Its (1 - beta) stands where Adam has beta. */
struct adam {
    double beta1, beta2, epsilon, learning_rate;
    int t;
    double *m, *v; /* [count] */
};

static void adam_reset(struct adam *a, int count)
{
    a->t = 1;
    memset(a->m, 0, (size_t)count * sizeof *a->m);
    memset(a->v, 0, (size_t)count * sizeof *a->v);
}

static struct adam adam_make(int count)
{
    struct adam a = {0.9,
                     0.999,
                     1e-8,
                     5,
                     1,
                     xmalloc((size_t)count * sizeof(double)),
                     xmalloc((size_t)count * sizeof(double))};
    adam_reset(&a, count);
    return a;
}

static void adam_free(struct adam *a)
{
    free(a->m);
    free(a->v);
}

/* One update of x [count] by the gradient g, then train.py's clip. */
static void adam_step(struct adam *a, double *x, const double *g, int count)
{
    for (int i = 0; i < count; i++) {
        a->m[i] = a->beta1 * g[i] + (1 - a->beta1) * a->m[i];
        a->v[i] = a->beta2 * g[i] * g[i] + (1 - a->beta2) * a->v[i];
        double m = a->m[i] / (1 - pow(1 - a->beta1, a->t)), v = a->v[i] / (1 - pow(1 - a->beta2, a->t));
        x[i] -= a->learning_rate * m / (sqrt(v) + a->epsilon);
        x[i] = fmin(fmax(x[i], 0), 255);
    }
    a->t++;
}

/* Signs that stay, that turn, that vanish; sizes from where epsilon counts to where nothing else does. */
static const double script[][12] = {
    {1e-3, -1e-3, 1e-3, 2, -7e3, 1e-8, -3e-9, 0, 1e-3, -1e-3, 5e-5, 1e-5},
    {1e-3, -1e-3, -1e-3, 2e-3, -7e3, 1e-8, -3e-9, 0, 1e-3, -1e-3, -5e-4, 0},
    {1e-3, -2e-3, 1e-3, 0, 7e-3, 2e-8, 1e-9, 1e-3, 1e-3, -1e-3, 5e-3, 0},
    {1e-3, -4e-3, -1e-3, 1e-3, 7, -1e-8, 0, -1e-3, 1e-3, -1e-3, -5e-2, 1e-7},
    {0, -8e-3, 1e-3, 2, 7e3, 0, 3e-9, 0, 1e-3, -1e-3, 5e-1, -1e-7},
};
enum { STEPS = (int)ARRAY_LEN(script), PLACES = (int)ARRAY_LEN(script[0]), CYCLES = 3 };

static void update_follows_a_scripted_gradient(void **state)
{
    (void)state;
    float x[PLACES], m[PLACES], v[PLACES], gradient[PLACES], prior[PLACES];
    double exact[PLACES], g[PLACES];
    struct adam a = adam_make(PLACES);
    for (int i = 0; i < PLACES; i++)
        exact[i] = (double)(x[i] = i == 8 ? 7.5f : i == 9 ? 251 : 100 + (float)i); /* two reach their ends */
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        adam_reset(&a, PLACES); /* what a zoom step does */
        memset(m, 0, sizeof m);
        memset(v, 0, sizeof v);
        for (int t = 1; t <= STEPS; t++) {
            for (int i = 0; i < PLACES; i++) {
                prior[i] = (float)script[(t - 1 + cycle) % STEPS][i] / 2;
                gradient[i] = -prior[i]; /* the network's is climbed, the prior's descended */
                g[i] = (double)prior[i] - (double)gradient[i];
            }
            adam_step(&a, exact, g, PLACES);
            const struct classic_step s = {5, (float)(1 / (1 - pow(0.1, t))),
                                           (float)(1 / (1 - pow(0.001, t)))};
            assert_true(image_row_classic(x, m, v, gradient, prior, PLACES, &s) == 0);
            for (int i = 0; i < PLACES; i++)
                if (fabs((double)x[i] - exact[i]) > 2e-4)
                    fail_msg("cycle %d, step %d, place %d: %.6f, not %.6f", cycle, t, i, (double)x[i],
                             exact[i]);
            if (cycle == 0 && t == 1) /* the first of a cycle is 5 levels against the sign */
                assert_float_equal(x[0], 95, 1e-3);
        }
    }
    assert_true(x[8] == 0 && x[9] == 255);
    adam_free(&a);
}

static const char *const goldfish = "n01443537", *const pizza = "n07873807";

static struct dream *open_classic(struct model *m, int width, int height)
{
    struct dream_config c;
    const struct config_entry entry = {&dream_section, &c};
    config_defaults(&(struct config){.entries = &entry, .count = 1});
    c.profile = DREAM_CLASSIC;
    c.size = (struct option_size){width, height};
    c.threads = 2;
    struct dream *d;
    struct error e = {""};
    if (dream_open(&d, &c, m, 5, NULL, &e) < 0)
        fail_msg("%s", e.text);
    dream_set_target(d,
                     &(struct dream_target){.count = 2,
                                            .subjects = {{.class_index = model_class(m, goldfish)},
                                                         {.class_index = model_class(m, pizza)}}},
                     0);
    return d;
}

/* The dream itself: its gradient is measured before each step, and the picture must go where the formula
 * takes it, through a zoom step, which is a warp and begins the moments anew. */
static void dream_follows_the_update(void **state)
{
    (void)state;
    enum { W = 96, H = 80, N = 3 * W * H };
    struct model *m;
    struct error e;
    assert_int_equal(model_load(&m, NULL, &e), 0);
    struct dream *d = open_classic(m, W, H);
    struct pool *pool;
    assert_int_equal(pool_open(&pool, 1), 0);
    float *now = xmalloc(N * sizeof *now), *warped = xmalloc(N * sizeof *warped);
    double *exact = xmalloc(N * sizeof *exact), *g = xmalloc(N * sizeof *g);
    struct adam a = adam_make(N);
    dream_picture(d, now);
    for (int i = 0; i < N; i++)
        exact[i] = (double)now[i];
    for (int step = 0; step < 9; step++) {
        if (step == 4 || step == 7) {
            dream_picture(d, now);
            image_warp(pool, now, warped, W, H, &(struct image_warp){{1.02, 0.1, 0, 0}, true});
            dream_warp(d, 1.02, 0.1, 0.4);
            adam_reset(&a, N);
            for (int i = 0; i < N; i++)
                exact[i] = (double)warped[i];
        }
        struct dream_probe p;
        float *logits, *gradient;
        assert_int_equal(dream_probe(d, &p, &logits, &gradient), 0);
        for (int i = 0; i < N; i++)
            g[i] = (double)gradient[i];
        free(logits);
        free(gradient);
        adam_step(&a, exact, g, N);
        assert_int_equal(dream_step(d), 0);
        dream_picture(d, now);
        for (int i = 0; i < N; i++)
            if (fabs((double)now[i] - exact[i]) > 1e-3)
                fail_msg("step %d, value %d: %.6f, not %.6f", step, i, (double)now[i], exact[i]);
    }
    adam_free(&a);
    free(exact);
    free(g);
    free(now);
    free(warped);
    pool_close(&pool);
    dream_close(&d);
    model_close(&m);
}

/* Item 33 from the logits that the probe gives out: the first subject over rows H/2.., the second over rows
 * ..H/2, each over all of them where there is one row, minus the mean; item 34's share of the prior. */
static void loss_is_the_sum_of_2015(void **state)
{
    (void)state;
    static const int sizes[][2] = {{160, 144}, {128, 128}, {112, 64}};
    struct model *m;
    struct error e;
    assert_int_equal(model_load(&m, NULL, &e), 0);
    int goldfish_class = model_class(m, goldfish), pizza_class = model_class(m, pizza), one_row = 0;
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        struct dream *d = open_classic(m, sizes[s][0], sizes[s][1]);
        struct dream_probe p;
        float *logits, *gradient;
        assert_int_equal(dream_probe(d, &p, &logits, &gradient), 0);
        int w = p.map_width, h = p.map_height, cut = h / 2, count = w * h;
        double first = 0, second = 0, all = 0, prior = 0;
        for (int i = 0; i < m->classes * count; i++)
            all += (double)logits[i] / (m->classes * count);
        for (int i = 0; i < count; i++) {
            int row = i / w;
            if (row >= cut || h == 1)
                first += (double)logits[goldfish_class * count + i] / ((h == 1 ? 1 : h - cut) * w);
            if (row < cut || h == 1)
                second += (double)logits[pizza_class * count + i] / ((h == 1 ? 1 : cut) * w);
        }
        one_row += h == 1;
        assert_float_equal(p.network, all - first - second, 1e-5 * (1 + fabs(first) + fabs(second)));
        assert_int_equal(p.prior_count, 5);
        for (int i = 0; i < 5; i++) {
            static const int pools[] = {1, 4, 8, 16, 32};
            assert_int_equal(p.prior[i].pool_px, pools[i]);
            prior += 10.0 / 5 * p.prior[i].energy;
        }
        assert_float_equal(p.total, p.network + prior, 1e-5 * p.total);
        free(logits);
        free(gradient);
        dream_close(&d);
    }
    assert_int_equal(one_row, 1);
    model_close(&m);
}

/* Items 31 and 32: pools round down at every stage, fc6 is a valid convolution. */
static void the_map_of_2015_has_its_size(void **state)
{
    (void)state;
    struct model vgg = {.layer_count = 16, .stride_px = 32};
    vgg.layers[13].kernel = 7;
    assert_int_equal(model_map_size(&vgg, 840), 20);
    assert_int_equal(model_map_size(&vgg, 472), 8);
    assert_int_equal(model_map_size(&vgg, 224), 1);
    assert_int_equal(model_map_size(&vgg, 223), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update_follows_a_scripted_gradient),
        cmocka_unit_test(dream_follows_the_update),
        cmocka_unit_test(loss_is_the_sum_of_2015),
        cmocka_unit_test(the_map_of_2015_has_its_size),
    };
    return cmocka_run_group_tests_name("classic", tests, NULL, NULL);
}
