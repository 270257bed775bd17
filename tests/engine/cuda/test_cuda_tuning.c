/*
 * test_cuda_tuning - how the CUDA network chooses engines, on a pretended GPU (cuda_fake.h): the fastest that
 * is right, in a second of the pretended clock, and what is kept of it on disk. Needs the toolkit's headers,
 * no GPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef HAVE_CUDA_TOOLKIT

#include "tests/engine/cuda/cuda_rig.h"

/* ---- Choosing ---- */

static void the_faster_engine_wins(void **state)
{
    (void)state;
    for (int likes = 0; likes < 2; likes++) {
        struct rig r;
        fake_reset();
        fake.likes_fused = likes;
        fake.likes_turned = likes;
        rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
        for (int view = 0; view < 3; view++)
            for (int i = 1; i < 4; i++) {
                const struct net_view *v = &r.net->views[view];
                /* a pool adds the bias itself; on the way back all that is fused would have to be compiled */
                assert_int_equal(v->forward[i].solved->problem.is_fused, likes && i == 2);
                assert_false(v->backward[i].solved->problem.is_fused);
                assert_int_equal(v->backward[i].solved->problem.is_turned, likes);
                assert_false(v->forward[i].solved->problem.is_turned);
            }
        rig_close(&r);
    }
}

/* The number of the engine that won. */
static int winner(const struct net_conv *c)
{
    return ((const struct fake_conv *)c->solved->plan)->engine;
}

/* The last of those that are compiled already is the fastest; only `full` tries the one behind it. */
static void all_that_is_compiled_is_tried(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct rig r;
        fake_reset();
        fake.configs = 40;
        tuning = full ? DREAM_TUNING_FULL : DREAM_TUNING_FAST;
        rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
        for (int view = 0; view < 3; view++)
            for (int i = 1; i < 4; i++) {
                assert_int_equal(winner(&r.net->views[view].forward[i]), FAKE_WORKS + 40 + full);
                assert_int_equal(r.net->views[view].backward[i].solved->problem.is_fused, full && i == 3);
            }
        assert_int_equal(fake.compilations > 0, full);
        rig_close(&r);
        forget_what_was_learned();
    }
    tuning = DREAM_TUNING_FAST;
}

/* Three convolutions; forward one has something to be fused to it, back there are two ways for each. */
static void one_view_is_searched_for_all(void **state)
{
    (void)state;
    struct rig r;
    fake_reset();
    rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
    assert_int_equal(fake.proposals, 10);
    rig_close(&r);
}

static void a_wrong_engine_does_not(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    for (int kind = 0; kind < 2; kind++) {
        struct rig r;
        fake_reset();
        fake.fused_wrong = kind == 0;
        fake.fused_turns = kind == 1;
        rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
        for (int i = 1; i < 4; i++) {
            assert_false(r.net->views[0].forward[i].solved->problem.is_fused);
            assert_false(r.net->views[0].backward[i].solved->problem.is_fused);
        }
        rig_close(&r);
    }
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
    /* The last adds no bias, since its pool does; the first masks its gradient itself. */
    assert_int_equal(r.net->solved_count, 4 * ARRAY_LEN(views));
    assert_ptr_equal(r.net->views[0].forward[1].solved, r.net->views[0].forward[2].solved);
    assert_ptr_equal(r.net->views[0].backward[2].solved, r.net->views[0].backward[3].solved);
    compare(&r, 1, -1, -1, (struct bounds){1e-9, 1e-5});
    rig_close(&r);
}

/* ---- Time ---- */

/* As VGG-16, with maps of a few pixels: what matters is how many convolutions there are. */
static const struct toy_layer deep_toy[] = {
    {"conv1_1", 8, 3, false}, {"conv1_2", 8, 3, true},   {"conv2_1", 16, 3, false},
    {"conv2_2", 16, 3, true}, {"conv3_1", 24, 3, false}, {"conv3_2", 24, 3, false},
    {"conv3_3", 24, 3, true}, {"conv4_1", 32, 3, false}, {"conv4_2", 32, 3, false},
    {"conv4_3", 32, 3, true}, {"conv5_1", 32, 3, false}, {"conv5_2", 32, 3, false},
    {"conv5_3", 32, 3, true}, {"fc6", 16, 1, false},     {"fc7", 16, 1, false},
    {"fc8", 10, 1, false},    {NULL, 0, 0, false}};

/* Seconds of the pretended clock that choosing engines takes, with `count` views. Times are those of cuDNN
 * 9.19 planning for an H100 (12 ms for a graph's proposals, 32 to 42 of them usable, no time for a plan of one
 * that is compiled, two seconds for others), of a step's mean convolution at 1280x720 (150 us for the good
 * engines, twice that for the first), and a guess of 2 ms for loading a kernel when it first runs. */
static double opening_s(int count)
{
    struct rig r = {.config = {.tuning = tuning, .size = {64, 64}}};
    fake_reset();
    fake.run_us = 150;
    fake.propose_us = 12000;
    fake.compile_us = 2000000;
    fake.load_us = 2000;
    fake.configs = 36;
    fake.is_instant = true;
    toy_open(&r.model, deep_toy);
    r.params = (struct backend_params){.config = &r.config, .model = &r.model, .view_count = count};
    for (int i = 0; i < count; i++)
        r.params.views[i] = (struct image_view){64 - 4 * (i % 2), 64 - 4 * (i / 2), 1, 0, 0};
    rig_must_connect(&r, DREAM_PRECISION_BF16);
    double took_s = (double)fake.now_us / 1e6;
    print_message("%d views: engines chosen after %.2f s, %d proposals, %d plans compiled\n", count, took_s,
                  fake.proposals, fake.compilations);
    rig_close(&r);
    return took_s;
}

static void opening_takes_no_time_to_speak_of(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    for (int count = 1; count <= BACKEND_VIEWS_MAX; count += 5)
        assert_true(opening_s(count) < 2);
    assert_int_equal(fake.compilations, 0);
    log_set_level(LOG_INFO);
}

/* ---- Memory ---- */

static void what_full_found_is_kept(void **state)
{
    (void)state;
    struct rig r;
    log_set_level(LOG_ERROR);
    tuning = DREAM_TUNING_FULL;
    fake_reset();
    rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
    assert_true(fake.compilations > 0);
    int best = winner(&r.net->views[1].forward[2]);
    rig_close(&r);
    for (int kind = DREAM_TUNING_FAST; kind <= DREAM_TUNING_FULL; kind++) {
        tuning = kind;
        fake_reset();
        rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
        assert_int_equal(fake.compilations + fake.proposals, 0);
        assert_int_equal(winner(&r.net->views[1].forward[2]), best);
        compare(&r, 1, -1, -1, (struct bounds){0.06, 0.05});
        rig_close(&r);
    }
    tuning = DREAM_TUNING_FULL;
    fake_reset(); /* another card: another file */
    fake.sm_major = 8;
    rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
    assert_true(fake.compilations > 0);
    rig_close(&r);
    forget_what_was_learned();
    tuning = DREAM_TUNING_FAST;
    log_set_level(LOG_INFO);
}

/* The path of the one file in the cache. */
static const char *file_of_engines(void)
{
    static glob_t found;
    char pattern[256];
    snprintf(pattern, sizeof pattern, "%s/reverie/engines-*", getenv("XDG_CACHE_HOME"));
    globfree(&found);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    return found.gl_pathv[0];
}

static void a_damaged_memory_does_no_harm(void **state)
{
    (void)state;
    struct rig r;
    struct stat st;
    log_set_level(LOG_ERROR);
    tuning = DREAM_TUNING_FULL;
    fake_reset();
    rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
    rig_close(&r);
    const char *path = file_of_engines();
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (long at = 0; at <= st.st_size;
         at += st.st_size / 4) { /* one byte is another; at the end: cut short */
        FILE *f = fopen(path, "r+");
        fseek(f, at, SEEK_SET);
        int c = getc(f);
        fseek(f, at, SEEK_SET);
        if (c != EOF)
            putc(c ^ 0x11, f);
        fclose(f);
        if (c == EOF)
            assert_int_equal(truncate(path, at / 2), 0);
        fake_reset();
        rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
        compare(&r, 0, -1, -1, (struct bounds){0.06, 0.05});
        rig_close(&r); /* which writes it anew */
        path = file_of_engines();
    }
    assert_int_equal(chmod(path, 0666), 0); /* somebody else may have written to it */
    fake_reset();
    rig_must_open(&r, pair_toy, DREAM_PRECISION_BF16);
    assert_true(fake.compilations > 0);
    rig_close(&r);
    assert_int_equal(stat(file_of_engines(), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    forget_what_was_learned();
    tuning = DREAM_TUNING_FAST;
    log_set_level(LOG_INFO);
}

static void an_engine_that_loses_the_device_is_not_tried_again(void **state)
{
    (void)state;
    struct rig r;
    log_set_level(LOG_ERROR);
    fake_reset();
    fake.configs = 2;
    fake.deadly = FAKE_WORKS + 1;
    /* alone, fused, backward and turned are different engines of that number */
    int rc = -EAGAIN;
    for (int i = 0; i < 6 && rc == -EAGAIN; i++) {
        rc = rig_open(&r, pair_toy, DREAM_PRECISION_BF16);
        if (rc < 0)
            rig_close(&r);
    }
    assert_int_equal(rc, 0);
    for (int i = 1; i < 4; i++)
        assert_int_not_equal(winner(&r.net->views[0].forward[i]), fake.deadly);
    compare(&r, 0, -1, -1, (struct bounds){0.06, 0.05});
    rig_close(&r);
    forget_what_was_learned();
    log_set_level(LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_faster_engine_wins),
        cmocka_unit_test(all_that_is_compiled_is_tried),
        cmocka_unit_test(one_view_is_searched_for_all),
        cmocka_unit_test(a_wrong_engine_does_not),
        cmocka_unit_test(layers_of_one_shape_share_a_plan),
        cmocka_unit_test(opening_takes_no_time_to_speak_of),
        cmocka_unit_test(what_full_found_is_kept),
        cmocka_unit_test(a_damaged_memory_does_no_harm),
        cmocka_unit_test(an_engine_that_loses_the_device_is_not_tried_again),
    };
    return cmocka_run_group_tests(all, open_cache, close_cache);
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
