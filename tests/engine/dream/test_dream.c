/*
 * dream: both profiles do what their formulas say, reproducibly, without allocating, and come back
 * from bad numbers.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "config/config.h"
#include "engine/cpu/cpu.h"
#include "engine/dream/internal.h"

/* Counts allocations of the whole program by taking malloc's place; sanitizers have their own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 1
static atomic_long allocations;
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t n)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, n);
}
#endif

static struct model *model;

static int load_model(void **state)
{
    (void)state;
    struct error e;
    return model_load(&model, NULL, &e);
}

static int close_model(void **state)
{
    (void)state;
    model_close(&model);
    return 0;
}

static struct dream_config config_with(const char *const *assignments)
{
    struct dream_config c;
    const struct config_entry entry = {&dream_section, &c};
    const struct config all = {.entries = &entry, .count = 1};
    struct error e = {""};
    config_defaults(&all);
    for (; *assignments; assignments++)
        if (config_set(&all, *assignments, &e) < 0)
            fail_msg("%s", e.text);
    return c;
}

#define CONFIG(...) config_with((const char *const[]){__VA_ARGS__, NULL})

static struct dream *open_or_fail(const struct dream_config *c, uint64_t seed, const float *start)
{
    struct dream *d;
    struct error e = {""};
    if (dream_open(&d, c, model, seed, start, &e) < 0)
        fail_msg("%s", e.text);
    return d;
}

static const char *const goldfish = "n01443537", *const pizza = "n07873807";

static struct dream_target target(const char *first, const char *second)
{
    struct dream_target t = {.count = second ? 2 : 1,
                             .subjects = {{.class_index = model_class(model, first)}}};
    if (second)
        t.subjects[1].class_index = model_class(model, second);
    return t;
}

static float *dream_a_while(const struct dream_config *c, uint64_t seed)
{
    struct dream *d = open_or_fail(c, seed, NULL);
    struct dream_target one = target(goldfish, NULL), two = target(pizza, goldfish);
    dream_set_target(d, &one, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dream_step(d), 0);
    dream_warp(d, 1.02, 0.5, 0.4);
    dream_set_target(d, &two, 2);
    dream_warp(d, 1.02, 0.5, 0.4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dream_step(d), 0);
    float *x = xmalloc(d->floats * sizeof *x);
    dream_picture(d, x);
    dream_close(&d);
    assert_null(d);
    return x;
}

static void same_seed_same_bytes_whatever_the_threads(void **state)
{
    (void)state;
    static const char *const profiles[] = {"dream.profile=modern", "dream.profile=classic"};
    for (int p = 0; p < 2; p++) {
        struct dream_config c = CONFIG("dream.size=144x96", profiles[p], "dream.threads=1");
        size_t bytes = 3 * 144 * 96 * sizeof(float);
        float *first = dream_a_while(&c, 5), *other = dream_a_while(&c, 6);
        assert_memory_not_equal(first, other, bytes);
        free(other);
        for (c.threads = 2; c.threads <= 3; c.threads++) {
            float *again = dream_a_while(&c, 5);
            assert_memory_equal(first, again, bytes);
            free(again);
        }
        free(first);
    }
}

static void dreams_what_it_is_told(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* many steps and nothing about threads */
#endif
    struct dream_config c = CONFIG("dream.size=192x160");
    struct dream *d = open_or_fail(&c, 1, NULL);
    struct dream_target one = target(pizza, NULL), two = target(goldfish, pizza);
    double before[DREAM_SUBJECTS_MAX], after[DREAM_SUBJECTS_MAX];
    dream_set_target(d, &one, 0);
    dream_belief(d, before);
    for (int i = 0; i < 60; i++)
        dream_step(d);
    dream_belief(d, after);
    /* One thing is asked for in the middle most of all (dream.focus), and belief is of the whole picture: 0.39 to 0.43 with
     * four seeds. */
    assert_true(before[0] < 0.01 && after[0] > 0.35);
    struct dream_sight sight;
    dream_look(d, &sight);
    assert_int_equal(sight.seen_count, DREAM_SEEN_MAX);
    assert_int_equal(sight.seen[0].class_index, one.subjects[0].class_index);
    assert_float_equal(sight.seen[0].probability, after[0], 1e-9); /* its part is all of the picture */
    assert_float_equal(sight.share, after[0], 1e-9);
    for (int i = 1; i < DREAM_SEEN_MAX; i++)
        assert_true(sight.seen[i].probability <= sight.seen[i - 1].probability &&
                    sight.seen[i].class_index != sight.seen[i - 1].class_index);
    assert_true(after[1] == 0);
    dream_set_target(d, &two, 0);
    for (int i = 0; i < 80; i++)
        dream_step(d);
    dream_belief(d, after);
    assert_true(after[0] > 0.2 && after[1] > 0.2);
    struct dream_health h = dream_health(d);
    assert_true(h.mean > 40 && h.mean < 200 && h.contrast > 5 && h.extreme < 0.2);
    dream_close(&d);
}

/* The centroid is where the thing was dreamed, though the question is about all of the picture. */
static void a_look_says_where(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* many steps and nothing about threads */
#endif
    struct dream_config c = CONFIG("dream.size=192x128");
    struct dream_target one = target(goldfish, NULL), right = one, low = one;
    right.subjects[0].place = (struct dream_place){0.6f, 0, 1, 1};
    low.subjects[0].place = (struct dream_place){0, 0.6f, 1, 1};
    const struct dream_target *const targets[] = {&right, &low};
    double at[2][2];
    for (int i = 0; i < 2; i++) {
        struct dream *d = open_or_fail(&c, 1, NULL);
        struct dream_sight sight;
        dream_set_target(d, targets[i], 0);
        for (int n = 0; n < 40; n++)
            dream_step(d);
        dream_set_target(d, &one, 0);
        dream_look(d, &sight);
        at[i][0] = sight.x;
        at[i][1] = sight.y;
        dream_close(&d);
    }
    assert_true(at[0][0] > 0.08 && at[0][0] < 0.5 && at[0][0] > at[1][0] + 0.08);
    assert_true(at[1][1] > 0.03 && at[1][1] < 0.5 && at[1][1] > at[0][1] + 0.03);
}

static void subjects_share_the_picture(void **state)
{
    (void)state;
    static const struct {
        const char *profile, *first;
        int on_top;
    } cases[] = {{"dream.profile=modern", "dream.first=auto", 0},
                 {"dream.profile=modern", "dream.first=bottom", 1},
                 {"dream.profile=classic", "dream.first=auto", 1},
                 {"dream.profile=classic", "dream.first=top", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dream_config c =
            CONFIG("dream.size=96x64", "dream.backend=null", cases[i].profile, cases[i].first);
        struct dream *d = open_or_fail(&c, 1, NULL);
        assert_int_equal(dream_first_below(&c), cases[i].on_top);
        struct dream_target one = target(goldfish, NULL), two = target(goldfish, pizza);
        const struct mix *m = &d->mix[0];
        dream_set_target(d, &one, 0);
        assert_true(dream_subject_share(d, m, 0, 0.5, 0.9) == 1);
        dream_set_target(d, &two, 0);
        assert_true(dream_subject_share(d, m, cases[i].on_top, 0.5, 0.1) == 1);
        assert_true(dream_subject_share(d, m, !cases[i].on_top, 0.5, 0.1) == 0);
        assert_float_equal(dream_subject_share(d, m, 0, 0.5, 0.5), 0.5, 1e-9);
        for (double y = -0.5; y < 1.5; y += 0.03)
            assert_float_equal(dream_subject_share(d, m, 0, 0.2, y) + dream_subject_share(d, m, 1, 0.7, y), 1,
                               1e-9);
        dream_close(&d);
    }
}

static double sum_of(const float *w, int first, int end)
{
    double sum = 0;
    for (int i = first; i < end; i++)
        sum += (double)w[i];
    return sum;
}

/* Item 33: each half's mean; 7x5 cells: two rows above, three below. */
static void classic_splits_the_rows(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.size=256x192", "dream.profile=classic", "dream.backend=null");
    struct objective_subject s[MIX_MAX * DREAM_SUBJECTS_MAX];
    struct dream_target two = target(goldfish, pizza), one = target(pizza, NULL);
    for (int below = 0; below < 2; below++) {
        c.first = below ? DREAM_FIRST_AUTO : DREAM_FIRST_TOP; /* auto: as in 2015, below */
        struct dream *d = open_or_fail(&c, 1, NULL);
        dream_set_target(d, &two, 0);
        assert_int_equal(dream_objective_halves(d, 7, 5, s), 2);
        assert_int_equal(s[0].class_index, two.subjects[below].class_index);
        assert_float_equal(sum_of(s[0].weight, 0, 14), 1, 1e-6);
        assert_true(sum_of(s[0].weight, 14, 35) == 0);
        assert_float_equal(sum_of(s[1].weight, 14, 35), 1, 1e-6);
        dream_set_target(d, &one, 0);
        assert_int_equal(dream_objective_halves(d, 7, 5, s), 2);
        assert_int_equal(s[0].class_index, s[1].class_index);
        assert_int_equal(dream_objective_halves(d, 3, 1, s), 2);
        assert_float_equal(sum_of(s[0].weight, 0, 3), 1, 1e-6);
        assert_float_equal(sum_of(s[1].weight, 0, 3), 1, 1e-6);
        dream_close(&d);
    }
}

static void fades_add_up(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.size=96x64", "dream.backend=null");
    struct dream *d = open_or_fail(&c, 1, NULL);
    struct dream_target a = target(goldfish, NULL), b = target(pizza, NULL), none = {0};
    dream_set_target(d, &a, 4);
    assert_true(d->mix_count == 1 && d->mix[0].share == 1);
    dream_set_target(d, &b, 4);
    dream_warp(d, 1, 0, 1);
    assert_float_equal(d->mix[1].share, 0.25, 1e-9);
    assert_float_equal(d->mix[0].share, 0.75, 1e-9);
    dream_warp(d, 1, 0, 1);
    assert_float_equal(d->mix[1].share, 0.5, 1e-9);
    assert_float_equal(d->mix[0].share, 0.5, 1e-9);
    for (int i = 0; i < 7; i++) { /* many requests in a row, in the middle of fades */
        dream_set_target(d, i % 2 ? &a : &none, 4);
        dream_warp(d, 1, 0, 0.5);
        double sum = 0;
        for (int k = 0; k < d->mix_count; k++) {
            assert_true(d->mix[k].share >= 0);
            sum += d->mix[k].share;
        }
        assert_float_equal(sum, 1, 1e-9);
        assert_true(d->mix_count <= MIX_MAX);
    }
    dream_warp(d, 1, 0, 10);
    assert_int_equal(d->mix_count, 1);
    assert_int_equal(d->mix[0].target.count, 0);
    struct dream_target bad = {.count = 2, .subjects = {{.class_index = -1}, {.class_index = 200}}};
    dream_set_target(d, &bad, 0);
    assert_int_equal(d->mix[0].target.count, 0);
    dream_close(&d);
}

/* A single subject's weights keep their sum and gather in the middle; two are left alone. */
static void focus_gathers_a_single_subject_in_the_middle(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.size=320x192", "dream.backend=null", "dream.focus=1");
    struct dream_config without = c;
    without.focus = 0;
    struct dream *d = open_or_fail(&c, 1, NULL), *plain = open_or_fail(&without, 1, NULL);
    for (int count = 1; count <= 2; count++) {
        struct dream_target t = target(goldfish, count == 2 ? pizza : NULL);
        struct backend_step s = {.climbs = false}, usual = {.climbs = false};
        dream_set_target(d, &t, 0);
        dream_set_target(plain, &t, 0);
        d->profile->look(d, &s);
        plain->profile->look(plain, &usual);
        int w = model_map_size(model, s.view.width_px), h = model_map_size(model, s.view.height_px);
        const float *weight = s.objective.subjects[0].weight, *even = usual.objective.subjects[0].weight;
        assert_float_equal(sum_of(weight, 0, w * h), sum_of(even, 0, w * h), 1e-5);
        if (count == 1)
            assert_true(weight[h / 2 * w + w / 2] > 1.5f * even[0] && weight[0] < 0.3f * even[0]);
        else
            assert_memory_equal(weight, even, (size_t)(w * h) * sizeof *weight);
    }
    dream_close(&d);
    dream_close(&plain);
}

/* Every second step looks closely at a part that may lie across the picture's border. */
static void detail_comes_every_second_step(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.size=160x96", "dream.threads=1", "dream.detail=1");
    struct dream *d = open_or_fail(&c, 1, NULL);
    struct dream_target t = target(goldfish, NULL);
    dream_set_target(d, &t, 0);
    for (int i = 0; i < 40; i++) {
        struct backend_step s = {.climbs = false};
        d->profile->plan(d, &s);
        const struct image_view *v = &s.detail.view;
        if (i % 2 == 0) {
            assert_true(s.detail.ratio == 0);
            continue;
        }
        assert_true(s.detail.ratio == 1);
        assert_true(v->scale == 1 && v->width_px == d->params.detail.width_px);
        assert_true(v->offset_x > -160 && v->offset_x < v->width_px);
        assert_true(v->offset_y > -96 && v->offset_y < v->height_px);
        assert_int_equal(d->ops->step(d->backend, &s), 0);
    }
    struct image_sums sums;
    assert_int_equal(d->ops->finish(d->backend, &sums), 0);
    assert_true(sums.bad == 0);
    dream_close(&d);
}

/* The loss of item 33 in full: what the step descends must be the gradient of exactly that. */
static void classic_descends_the_whole_loss(void **state)
{
    (void)state;
    struct dream_config c = CONFIG("dream.size=128x96", "dream.profile=classic");
    struct dream *d = open_or_fail(&c, 4, NULL);
    struct dream_target t = target(goldfish, pizza);
    dream_set_target(d, &t, 0);
    float *before = xmalloc(d->floats * sizeof *before), *after = xmalloc(d->floats * sizeof *after);
    dream_warp(d, 1, 0, 0);
    dream_picture(d, before);
    assert_int_equal(dream_step(d), 0);
    dream_picture(d, after);
    float *gradient = xcalloc(d->floats, sizeof *gradient), *prior = xcalloc(d->floats, sizeof *prior);
    float lower[6] = {0, 0, 0, 1 / 3.f, 1 / 3.f, 1 / 3.f};
    float above[6] = {1 / 3.f, 1 / 3.f, 1 / 3.f};
    struct objective_subject s[2] = {{t.subjects[0].class_index, lower}, {t.subjects[1].class_index, above}};
    struct objective o = {s, 2, 1, -1, -1, false};
    assert_int_equal(
        cpu_net_gradient(d->backend->net, &(struct cpu_net_input){before, 128, 96}, &o, gradient, NULL), 0);
    static const int pools[] = {1, 4, 8, 16, 32};
    for (int i = 0; i < 5; i++)
        prior_gradient(d->backend->prior, before, 128, 96, &(struct backend_prior){pools[i], 1, 0, 0, 2},
                       prior);
    size_t agree = 0;
    for (size_t i = 0; i < d->floats; i++) { /* the first step behind a warp: m / 0.9 = g, v / 0.999 = g^2 */
        double g = (double)prior[i] - (double)gradient[i];
        agree += fabs((double)(before[i] - after[i]) - 5 * g / (fabs(g) + 1e-8)) < 0.01;
    }
    assert_true(agree > d->floats * 999 / 1000);
    free(before);
    free(after);
    free(gradient);
    free(prior);
    dream_close(&d);
}

static void bad_numbers_bring_back_the_last_good_picture(void **state)
{
    (void)state;
    static const char *const profiles[] = {"dream.profile=modern", "dream.profile=classic"};
    for (int p = 0; p < 2; p++) {
        struct dream_config c = CONFIG("dream.size=128x96", profiles[p]);
        struct dream *d = open_or_fail(&c, 1, NULL);
        struct dream_target t = target(goldfish, NULL);
        float *good = xmalloc(d->floats * sizeof *good), *now = xmalloc(d->floats * sizeof *now);
        dream_set_target(d, &t, 0);
        dream_step(d);
        dream_warp(d, 1.01, 0, 1);
        dream_picture(d, good);
        assert_int_equal(dream_step(d), 0);
        d->backend->momentum[7] = NAN;
        assert_int_equal(dream_step(d), -EDOM);
        dream_picture(d, now);
        assert_memory_equal(good, now, d->floats * sizeof *now);
        for (int i = 0; i < 3; i++)
            assert_int_equal(dream_step(d), 0);
        dream_picture(d, now);
        for (size_t i = 0; i < d->floats; i++)
            assert_true(now[i] >= 0 && now[i] <= 255);
        free(good);
        free(now);
        dream_close(&d);
    }
}

static void steps_do_not_allocate(void **state)
{
    (void)state;
#ifdef COUNTS_ALLOCATIONS
    struct dream_config c = CONFIG("dream.size=160x128", "dream.threads=2");
    struct dream *d = open_or_fail(&c, 1, NULL);
    struct dream_target t = target(goldfish, pizza), next = target(pizza, NULL);
    dream_set_target(d, &t, 0);
    dream_step(d);
    long before = atomic_load(&allocations);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(dream_step(d), 0);
        if (i == 5)
            dream_set_target(d, &next, 4);
        if (i % 4 == 0)
            dream_warp(d, 1.01, 0.1, 0.3);
    }
    double belief[DREAM_SUBJECTS_MAX];
    dream_belief(d, belief);
    assert_int_equal(atomic_load(&allocations) - before, 0);
    void *volatile seen = malloc(1); /* the counter does count */
    free(seen);
    assert_true(atomic_load(&allocations) > before);
    dream_close(&d);
#else
    skip();
#endif
}

/* Mean of a channel over the dream's picture. */
static double channel_mean(struct dream *d, int layer, int channel)
{
    float *x = xmalloc(d->floats * sizeof *x), means[512];
    struct cpu_net *net;
    struct pool *pool;
    struct error e;
    assert_int_equal(pool_open(&pool, 1), 0);
    const struct cpu_net_params p = {model, pool, d->width, d->height, CPU_TIER_AUTO, 0, false};
    assert_int_equal(cpu_net_open(&net, &p, &e), 0);
    dream_picture(d, x);
    assert_int_equal(
        cpu_net_channel_means(net, &(struct cpu_net_input){x, d->width, d->height}, layer, means), 0);
    cpu_net_close(&net);
    pool_close(&pool);
    free(x);
    return (double)means[channel];
}

/* A layer of negative weight is descended; of two each is drawn by the size of its weight. */
static void layers_can_be_left(void **state)
{
    (void)state;
    enum { LAYER = 7, CHANNEL = 4, OTHER = 5 }; /* a channel that is awake at the start, so it can be left */
    const struct dream_layer wanted[][2] = {{{LAYER, CHANNEL, 1}, {LAYER, OTHER, 1}},
                                            {{LAYER, CHANNEL, -1}, {LAYER, OTHER, 1}}};
    double before = 0, after[2], other[2];
    for (int i = 0; i < 2; i++) {
        struct dream_config c = CONFIG("dream.size=96x64", "dream.prior_ratio=0");
        struct dream *d = open_or_fail(&c, 1, NULL);
        before = channel_mean(d, LAYER, CHANNEL);
        dream_set_layers(d, wanted[i], 2);
        for (int n = 0; n < 24; n++)
            assert_int_equal(dream_step(d), 0);
        after[i] = channel_mean(d, LAYER, CHANNEL);
        other[i] = channel_mean(d, LAYER, OTHER);
        dream_close(&d);
    }
    print_message("# %g: %g, %g; other %g, %g\n", before, after[0], after[1], other[0], other[1]);
    assert_true(after[0] > 1.5 * before && after[1] < 0.8 * before && other[1] > 2 * after[1]);
}

static void layers_small_pictures_and_no_network(void **state)
{
    (void)state;
    struct error e = {""};
    struct dream *d;
    struct dream_config c = CONFIG("dream.size=64x64");
    d = open_or_fail(&c, 1, NULL);
    dream_set_layers(d, &(struct dream_layer){7, -1, 1}, 1);
    assert_int_equal(dream_step(d), 0);
    dream_set_layers(d, &(struct dream_layer){9, 3, 1}, 1);
    assert_int_equal(dream_step(d), 0);
    dream_close(&d);

    c = CONFIG("dream.size=64x64", "dream.backend=null");
    float *start = xmalloc(3 * 64 * 64 * sizeof *start);
    for (int i = 0; i < 3 * 64 * 64; i++)
        start[i] = (float)(i % 256);
    d = open_or_fail(&c, 1, start);
    float *now = xmalloc(d->floats * sizeof *now);
    dream_picture(d, now);
    assert_memory_equal(start, now, d->floats * sizeof *now);
    double belief[DREAM_SUBJECTS_MAX] = {1, 1};
    dream_belief(d, belief);
    assert_true(belief[0] == 0 && belief[1] == 0);
    struct dream_sight sight;
    dream_look(d, &sight);
    assert_true(sight.seen_count == 0 && sight.share == -1);
    assert_int_equal(dream_step(d), 0);
    dream_picture(d, now);
    assert_memory_not_equal(start, now, d->floats * sizeof *now);
    dream_close(&d);
    free(start);
    free(now);

    struct model larger = *model;
    larger.stride_px = 64; /* needs 128 pixels */
    c = CONFIG("dream.size=96x160", "dream.profile=classic");
    assert_int_equal(dream_open(&d, &c, &larger, 1, NULL, &e), -ERANGE);
    assert_null(d);
    assert_non_null(strstr(e.text, "96x160"));
    c = CONFIG("dream.size=96x96", "dream.prior_file=/nonexistent");
    assert_int_equal(dream_open(&d, &c, model, 1, NULL, &e), -ENOENT);
    assert_null(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bytes_whatever_the_threads),
        cmocka_unit_test(dreams_what_it_is_told),
        cmocka_unit_test(a_look_says_where),
        cmocka_unit_test(subjects_share_the_picture),
        cmocka_unit_test(classic_splits_the_rows),
        cmocka_unit_test(fades_add_up),
        cmocka_unit_test(focus_gathers_a_single_subject_in_the_middle),
        cmocka_unit_test(detail_comes_every_second_step),
        cmocka_unit_test(classic_descends_the_whole_loss),
        cmocka_unit_test(bad_numbers_bring_back_the_last_good_picture),
        cmocka_unit_test(steps_do_not_allocate),
        cmocka_unit_test(layers_can_be_left),
        cmocka_unit_test(layers_small_pictures_and_no_network),
    };
    return cmocka_run_group_tests_name("dream", tests, load_model, close_model);
}
