/*
 * test_cuda_picture_arithmetic - the picture's half of the CUDA module, played on this machine
 * (cuda_host_rig.h): what it makes of the same decisions as the CPU backend.
 */
#include "tests/engine/cuda/cuda_host_rig.h"

static const char *const profiles[] = {"dream.profile=modern", "dream.profile=classic"};

static void measures_as_the_cpu_does(void **state)
{
    (void)state;
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
        struct check c;
        CHECK_OPEN(&c, SMALL, profiles[p], "dream.prior_stride=3");
        struct backend *cpu = check_backend(&c, &backend_cpu), *gpu = check_backend(&c, &ops);
        assert_int_equal(gpu->device.arena_used, gpu->device.arena_bytes);
        for (int n = 0; n < c.params.view_count; n++) {
            struct backend_step s;
            check_step(&c, n, &s);
            struct check_look truth = check_look(&c, &backend_cpu, cpu, &s),
                              seen = check_look(&c, &ops, gpu, &s);
            check_near("logits", check_nmse(seen.logits, truth.logits, seen.logit_count), 1e-9);
            check_near("gradient", check_nmse(seen.gradient, truth.gradient, c.floats), 1e-6);
            check_near("prior", check_nmse(seen.prior_gradient, truth.prior_gradient, c.floats), 1e-9);
            assert_float_equal(seen.m.value, truth.m.value, 1e-4);
            for (int k = 0; k < s.prior_count; k++)
                assert_float_equal(seen.m.energy[k], truth.m.energy[k], 1e-5);
            check_look_free(&truth);
            check_look_free(&seen);
        }
        backend_cpu.close(&cpu);
        ops.close(&gpu);
        check_close(&c);
    }
    assert_int_equal(host_device_bytes, 0);
}

/* Two backends side by side through steps and warps. What rounding makes of the first steps is next to
 * nothing; a network's kinks make more of it with each further one, on a CPU against itself too. */
static void compare_dreams(struct check *c, int steps, double first, double later)
{
    struct backend *cpu = check_backend(c, &backend_cpu), *gpu = check_backend(c, &ops);
    for (int part = 0; part < 3; part++) {
        struct image_sums truth = check_run(c, &backend_cpu, cpu, part * steps, steps);
        struct image_sums sums = check_run(c, &ops, gpu, part * steps, steps);
        double pixels = (double)c->floats / 3;
        float *expected = check_picture(c, &backend_cpu, cpu), *x = check_picture(c, &ops, gpu);
        check_sums(&sums, x, c->floats / 3);
        assert_float_equal(sums.mean / pixels, truth.mean / pixels, 0.01);
        assert_float_equal(sums.extreme / pixels, truth.extreme / pixels, 0.01);
        if (!part || later <= 1e-5) { /* else they part with the pictures that they are the sums of */
            assert_float_equal(sums.square / pixels, truth.square / pixels, 2);
            assert_float_equal(sums.chroma / pixels, truth.chroma / pixels, 0.5);
        }
        check_near("picture", check_nmse(x, expected, c->floats), part ? later : first);
        assert_true(check_nmse(x, c->picture, c->floats) > 1e-3);
        free(expected);
        free(x);
        assert_int_equal(backend_cpu.warp(cpu, &(struct image_move){1.03, 2, 0.2, -0.15}), 0);
        assert_int_equal(ops.warp(gpu, &(struct image_move){1.03, 2, 0.2, -0.15}), 0);
    }
    backend_cpu.close(&cpu);
    ops.close(&gpu);
}

/* With octaves that weigh as they did when the bound was set: other pictures meet other kinks of the network, and 3.3e-10
 * after two steps has been seen. The defaults are compared below. */
static void modern_dreams_as_the_cpu_does(void **state)
{
    (void)state;
    struct check c;
    host_replays = 0;
    CHECK_OPEN(&c, SMALL, "dream.octaves=4", "dream.colour_gain=0.8", "dream.octave_gain=1.3",
               "dream.finest_gain=0.15");
    compare_dreams(&c, 2, 1e-12, 1e-5);
    check_close(&c);
    assert_true(host_replays >= 3);
}

/* Where a gradient is next to nothing its sign is chance, and with it the way a pixel goes. How many do depends on the
 * order of the CPU's sums: 3.6e-8 after two steps where it has AVX2, under 1e-10 with AVX-512. */
static void classic_dreams_as_the_cpu_does(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, SMALL, "dream.profile=classic");
    compare_dreams(&c, 2, 1e-7, 1e-3);
    check_close(&c);
}

/* A whole dream: what it plans for prepared views is what this driver takes. The other one is the CPU's
 * driver, which is told to get the same views and no detail. */
static void dreams_are_dreamed_as_on_the_cpu(void **state)
{
    (void)state;
    struct check c;
    struct backend_ops prepared = backend_cpu;
    prepared.prepared_views = true;
    prepared.has_detail = false;
    const struct backend_ops *const drivers[][2] = {{&prepared, NULL}, {&ops, NULL}};
    float *x[2];
    double belief[2][DREAM_SUBJECTS_MAX];
    CHECK_OPEN(&c, SMALL);
    for (int i = 0; i < 2; i++) {
        struct dream *d;
        struct error e = {""};
        const struct dream_target target = {.count = 2,
                                            .subjects = {{.class_index = 3}, {.class_index = 77}}};
        const struct dream_params params = {&c.config, c.model, 11, c.picture, drivers[i]};
        if (dream_open_on(&d, &params, &e) < 0)
            fail_msg("%s", e.text);
        assert_string_equal(dream_backend_name(d), i ? "cuda" : "cpu");
        assert_non_null(strstr(dream_hardware(d), i ? "CPU, fp32" : ""));
        dream_set_target(d, &target, 1);
        for (int n = 0; n < 3; n++) {
            assert_int_equal(dream_step(d), 0);
            assert_int_equal(dream_steps(d, 2), 0);
            dream_warp(d, 1.01, 0.2, 0.3);
        }
        dream_belief(d, belief[i]);
        x[i] = xmalloc(c.floats * sizeof(float));
        dream_picture(d, x[i]);
        dream_close(&d);
    }
    check_near("picture", check_nmse(x[1], x[0], c.floats), 1e-5);
    for (int k = 0; k < DREAM_SUBJECTS_MAX; k++)
        assert_float_equal(belief[1][k], belief[0][k], 0.01);
    free(x[0]);
    free(x[1]);
    check_close(&c);
}

/* Nothing dreamed of, a layer instead of classes, away from it, no prior: each is other work for the stream. */
static void kinds_of_steps_follow_one_another(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, SMALL);
    struct backend *cpu = check_backend(&c, &backend_cpu), *gpu = check_backend(&c, &ops);
    for (int n = 0; n < 20; n++) {
        struct backend_step s;
        check_step(&c, 3 * (n / 4), &s); /* the same view each time, four times each kind */
        s.climbs = n / 4 != 1;
        s.objective.layer = n / 4 == 2 || n / 4 == 3 ? 4 : -1;
        s.objective.falls = n / 4 == 3;
        if (n / 4 == 4)
            s.prior_count = n % 2 ? 0 : 1;
        assert_int_equal(backend_cpu.step(cpu, &s), 0);
        assert_int_equal(ops.step(gpu, &s), 0);
        if (n % 4 < 3)
            continue;
        float *expected = check_picture(&c, &backend_cpu, cpu), *x = check_picture(&c, &ops, gpu);
        check_near("picture", check_nmse(x, expected, c.floats), 1e-7);
        assert_int_equal(backend_cpu.put(cpu, c.picture), 0);
        assert_int_equal(ops.put(gpu, c.picture), 0);
        free(expected);
        free(x);
    }
    backend_cpu.close(&cpu);
    ops.close(&gpu);
    check_close(&c);
}

enum { STEPS = 16 };

/* The picture after steps and warps, with these words in REVERIE_CUDA; `is_waiting`: finish behind each. */
static float *dream_with(struct check *c, const char *words, bool is_waiting)
{
    setenv("REVERIE_CUDA", words, 1);
    struct backend *b = check_backend(c, &ops);
    unsetenv("REVERIE_CUDA");
    for (int n = 0; n < STEPS; n++) {
        struct backend_step s;
        struct image_sums sums;
        check_step(c, n, &s);
        assert_int_equal(ops.step(b, &s), 0);
        if (n % 7 == 6)
            assert_int_equal(ops.warp(b, &(struct image_move){1.01, -0.5, 0, 0}), 0);
        if (is_waiting)
            assert_int_equal(ops.finish(b, &sums), 0);
    }
    struct image_sums sums;
    assert_int_equal(ops.finish(b, &sums), 0);
    float *x = check_picture(c, &ops, b);
    ops.close(&b);
    return x;
}

/* The stream does its work when it is waited for, so a step's data that changes too early shows here. */
static void graphs_and_haste_change_nothing(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, "dream.size=96x80", "dream.threads=1");
    float *first = dream_with(&c, "", true);
    host_replays = 0;
    float *hasty = dream_with(&c, "", false);
    assert_int_equal(host_replays, STEPS - 1); /* all views' graphs are made behind the first step */
    assert_memory_equal(hasty, first, c.floats * sizeof *first);
    host_replays = 0;
    float *eager = dream_with(&c, "eager,guards", false);
    assert_int_equal(host_replays, 0);
    assert_memory_equal(eager, first, c.floats * sizeof *first);
    host_refuses_capture = true;
    float *refused = dream_with(&c, "guards", false);
    host_refuses_capture = false;
    assert_int_equal(host_replays, 0);
    assert_memory_equal(refused, first, c.floats * sizeof *first);
    free(first);
    free(hasty);
    free(eager);
    free(refused);
    check_close(&c);
}

/* A list of patches in pieces must give what it gives in one. */
static void chunks_of_patches_add_up(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, "dream.size=97x83", "dream.threads=1", "dream.prior_stride=2");
    struct backend *gpu = check_backend(&c, &ops);
    struct backend_step s;
    check_step(&c, 0, &s);
    struct check_look whole = check_look(&c, &ops, gpu, &s);
    gpu->prior->chunk = 129;
    struct check_look parts = check_look(&c, &ops, gpu, &s);
    check_near("prior", check_nmse(parts.prior_gradient, whole.prior_gradient, c.floats), 1e-12);
    for (int k = 0; k < s.prior_count; k++)
        assert_float_equal(parts.m.energy[k], whole.m.energy[k], 1e-12);
    double squares = 0, sum = 0;
    for (int i = 0; i < KERNEL_BLOCKS; i++)
        sum += gpu->p_squares[i];
    for (size_t i = 0; i < c.floats; i++)
        squares += (double)parts.prior_gradient[i] * (double)parts.prior_gradient[i];
    assert_float_equal(sum, squares, 1e-5 * squares);
    check_look_free(&whole);
    check_look_free(&parts);
    ops.close(&gpu);
    check_close(&c);
}

#ifdef HOST_COROUTINES
/* With threads, in both orders: a kernel whose threads do not wait where they must gives something else. */
static void threads_of_a_block_wait_for_one_another(void **state)
{
    (void)state;
    struct check c;
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
        float *pictures[3];
        CHECK_OPEN(&c, "dream.size=65x64", "dream.threads=1", profiles[p]);
        for (int i = 0; i < 3; i++) {
            struct backend *b = check_backend(&c, &ops);
            host_threads = i ? 16 : 1;
            host_is_reversed = i == 2;
            check_run(&c, &ops, b, 0, 2);
            assert_int_equal(ops.warp(b, &(struct image_move){1.1, 3, 0, 0}), 0);
            pictures[i] = check_picture(&c, &ops, b);
            host_threads = 1;
            host_is_reversed = false;
            ops.close(&b);
        }
        assert_false(host_is_divergent);
        assert_memory_equal(pictures[2], pictures[1], c.floats * sizeof(float));
        check_near("picture", check_nmse(pictures[1], pictures[0], c.floats), p ? 1e-4 : 1e-7);
        for (int i = 0; i < 3; i++)
            free(pictures[i]);
        check_close(&c);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_as_the_cpu_does),
        cmocka_unit_test(modern_dreams_as_the_cpu_does),
        cmocka_unit_test(classic_dreams_as_the_cpu_does),
        cmocka_unit_test(dreams_are_dreamed_as_on_the_cpu),
        cmocka_unit_test(kinds_of_steps_follow_one_another),
        cmocka_unit_test(graphs_and_haste_change_nothing),
        cmocka_unit_test(chunks_of_patches_add_up),
#ifdef HOST_COROUTINES
        cmocka_unit_test(threads_of_a_block_wait_for_one_another),
#endif
    };
    log_set_level(LOG_ERROR); /* each opening says so */
    return cmocka_run_group_tests_name("cuda, picture", tests, NULL, NULL);
}
