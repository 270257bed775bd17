/*
 * backend_check - the same decisions for two backends, so that what they make of them can be compared: the
 * CUDA module with the CPU, on the GPU and as it is played on the host.
 *
 * Step n is made of n alone. Distances are NMSE: squared differences over squares of the truth.
 */
#ifndef TESTS_ENGINE_BACKEND_CHECK_H
#define TESTS_ENGINE_BACKEND_CHECK_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "common/rng.h"
#include "config/config.h"
#include "engine/backend.h"
#include "engine/dream/dream.h"
#include "tests/common/normal.h"

enum { CHECK_VIEWS = 3, CHECK_SUBJECTS = 2 };

struct check {
    struct dream_config config;
    struct model *model;
    struct backend_params params;
    size_t floats;
    float *picture; /* [3][height][width] to begin with */
    struct objective_subject subjects[CHECK_SUBJECTS];
    float *weights[CHECK_SUBJECTS]; /* [largest map] */
};

/* Sums are those of this very picture [3][pixels]: mean, squares and colour as their definition has them. */
static inline void check_sums(const struct image_sums *sums, const float *x, size_t pixels)
{
    struct image_sums own = {0};
    for (size_t i = 0; i < pixels; i++) {
        double grey = 0;
        for (size_t c = 0; c < 3; c++)
            grey += (double)x[c * pixels + i] / 3;
        own.mean += grey;
        own.square += grey * grey;
        for (size_t c = 0; c < 3; c++) {
            double v = (double)x[c * pixels + i];
            own.chroma += (v - grey) * (v - grey) / 3;
            own.extreme += v < 4 || v > 251;
        }
    }
    assert_float_equal(sums->mean / own.mean, 1, 1e-5);
    assert_float_equal(sums->square / own.square, 1, 1e-5);
    assert_float_equal(sums->chroma / own.chroma, 1, 1e-5);
    assert_float_equal(sums->extreme, own.extreme, 0);
    assert_float_equal(sums->bad, 0, 0);
}

static inline double check_nmse(const float *a, const float *truth, size_t count)
{
    double error = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        error += ((double)a[i] - (double)truth[i]) * ((double)a[i] - (double)truth[i]);
        norm += (double)truth[i] * (double)truth[i];
    }
    return norm > 0 ? error / norm : error;
}

static inline double check_cosine(const float *a, const float *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

static inline int check_side(const struct model *m, int picture_px, double scale)
{
    int cells = (int)ceil(picture_px * scale / m->stride_px) + 1, least = model_min_px(m) / m->stride_px + 1;
    return m->stride_px * (cells > least ? cells : least);
}

/* Waves of several lengths in all colours, and noise. */
static inline void check_fill(struct check *c)
{
    int w = c->config.size.width_px, h = c->config.size.height_px;
    struct rng r = rng_make(5, 1);
    for (int k = 0; k < 3; k++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                c->picture[((size_t)k * (size_t)h + (size_t)y) * (size_t)w + (size_t)x] =
                    110 + 40 * sinf(0.05f * (float)(x + k * y)) + 25 * sinf(0.31f * (float)(y - k * x)) +
                    9 * rng_normal(&r);
}

/* Assignments as on the command line, NULL at the end. `m` (NULL: the one that the settings name) belongs to
 * the check from here on. */
static inline void check_open(struct check *c, struct model *m, const char *const *assignments)
{
    struct error e = {""};
    *c = (struct check){0};
    const struct config_entry entry = {&dream_section, &c->config};
    const struct config all = {.entries = &entry, .count = 1};
    config_defaults(&all);
    for (; *assignments; assignments++)
        if (config_set(&all, *assignments, &e) < 0)
            fail_msg("%s", e.text);
    c->model = m;
    if (!m && dream_load_model(&c->model, &c->config, &e) < 0)
        fail_msg("%s", e.text);
    int w = c->config.size.width_px, h = c->config.size.height_px;
    c->params = (struct backend_params){.config = &c->config, .model = c->model};
    static const double scales[CHECK_VIEWS] = {1, 0.71, 0.45};
    bool is_modern = c->config.profile == DREAM_MODERN;
    for (int i = 0; i < (is_modern ? CHECK_VIEWS : 1); i++)
        c->params.views[c->params.view_count++] =
            is_modern ? (struct image_view){check_side(c->model, w, scales[i]),
                                            check_side(c->model, h, scales[i]), scales[i], 0, 0}
                      : (struct image_view){w, h, 1, 0, 0};
    c->floats = 3 * (size_t)w * (size_t)h;
    c->picture = xmalloc(c->floats * sizeof *c->picture);
    check_fill(c);
    size_t map = (size_t)model_map_size(c->model, c->params.views[0].width_px) *
                 (size_t)model_map_size(c->model, c->params.views[0].height_px);
    for (int k = 0; k < CHECK_SUBJECTS; k++)
        c->weights[k] = xmalloc(map * sizeof(float));
}

static inline void check_close(struct check *c)
{
    for (int k = 0; k < CHECK_SUBJECTS; k++)
        free(c->weights[k]);
    free(c->picture);
    model_close(&c->model);
}

static inline void check_objective(struct check *c, struct backend_step *s, int n)
{
    int map_w = model_map_size(c->model, s->view.width_px),
        map_h = model_map_size(c->model, s->view.height_px);
    for (int k = 0; k < CHECK_SUBJECTS; k++) {
        c->subjects[k] =
            (struct objective_subject){(17 + 31 * k + n / 16) % c->model->classes, c->weights[k]};
        for (int p = 0; p < map_w * map_h; p++)
            c->weights[k][p] = (float)(1 + (p + k) % 3) / (float)(2 * map_w * map_h);
    }
    s->objective = (struct objective){.subjects = c->subjects,
                                      .subject_count = 1 + n % CHECK_SUBJECTS,
                                      .minus_mean = 1,
                                      .layer = -1,
                                      .channel = -1};
    s->climbs = true;
}

/* What step n decides. Points into `c`. */
static inline void check_step(struct check *c, int n, struct backend_step *s)
{
    static const int modern[] = {1, 2, 4}, classic[] = {1, 4, 8, 16, 32};
    bool is_modern = c->config.profile == DREAM_MODERN;
    struct rng r = rng_make((uint64_t)n, 9);
    *s = (struct backend_step){.view = c->params.views[n % c->params.view_count], .moment = n + 1};
    s->noise_key = (uint32_t)rng_u64(&r);
    if (is_modern) {
        s->view.offset_x =
            (double)rng_uniform(&r) * (s->view.width_px - s->view.scale * c->config.size.width_px);
        s->view.offset_y =
            (double)rng_uniform(&r) * (s->view.height_px - s->view.scale * c->config.size.height_px);
    }
    check_objective(c, s, n);
    s->prior_count = is_modern ? 3 : 5;
    for (int i = 0; i < s->prior_count; i++) {
        int pool = is_modern ? modern[i] : classic[i], stride = is_modern ? (int)c->config.prior_stride : 1;
        uint32_t period = (uint32_t)(is_modern ? stride * pool : 1);
        s->prior[i].pool_px = pool;
        s->prior[i].stride = stride;
        s->prior[i].offset_x = (int)rng_below(&r, period);
        s->prior[i].offset_y = (int)rng_below(&r, period);
        s->prior[i].weight = is_modern ? 1 : 2;
    }
}

static inline struct backend *check_backend(const struct check *c, const struct backend_ops *hw)
{
    struct backend *b = NULL;
    struct error e = {""};
    if (hw->open(&b, &c->params, &e) < 0)
        fail_msg("backend %s: %s", hw->name, e.text);
    assert_int_equal(hw->put(b, c->picture), 0);
    return b;
}

static inline float *check_picture(const struct check *c, const struct backend_ops *hw, struct backend *b)
{
    float *x = xmalloc(c->floats * sizeof *x);
    assert_int_equal(hw->get(b, x), 0);
    return x;
}

/* Steps from..from+count-1, then waits. */
static inline struct image_sums check_run(struct check *c, const struct backend_ops *hw, struct backend *b,
                                          int from, int count)
{
    struct backend_step s;
    struct image_sums sums;
    for (int n = from; n < from + count; n++) {
        check_step(c, n, &s);
        assert_int_equal(hw->step(b, &s), 0);
    }
    assert_int_equal(hw->finish(b, &sums), 0);
    return sums;
}

/* All that can be measured. */
struct check_look {
    size_t logit_count;
    float *logits, *gradient, *prior_gradient;
    struct backend_measure m;
};

static inline struct check_look check_look(const struct check *c, const struct backend_ops *hw,
                                           struct backend *b, const struct backend_step *s)
{
    struct check_look l;
    l.logit_count = (size_t)c->model->classes * (size_t)model_map_size(c->model, s->view.width_px) *
                    (size_t)model_map_size(c->model, s->view.height_px);
    l.logits = xmalloc(l.logit_count * sizeof(float));
    l.gradient = xmalloc(c->floats * sizeof(float));
    l.prior_gradient = xmalloc(c->floats * sizeof(float));
    l.m = (struct backend_measure){
        .logits = l.logits, .gradient = l.gradient, .prior_gradient = l.prior_gradient};
    assert_int_equal(hw->measure(b, s, &l.m), 0);
    return l;
}

static inline void check_look_free(struct check_look *l)
{
    free(l->logits);
    free(l->gradient);
    free(l->prior_gradient);
}

static inline void check_near(const char *what, double got, double bound)
{
    if (!(got <= bound))
        fail_msg("%s: %g, more than %g", what, got, bound);
}

#define CHECK_OPEN(c, ...) check_open(c, NULL, (const char *const[]){__VA_ARGS__, NULL})

#endif
