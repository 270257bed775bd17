/*
 * The picture's half of the CUDA module on this machine: its own kernels and its own order of work, with the
 * CUDA runtime played on the CPU (cuda_on_host/) and the network of the CPU in the place of the GPU's,
 * against the CPU backend. One translation unit holds the module and what it stands on.
 */
#include "cuda_on_host/cuda_runtime_api.h"

#include "engine/cpu/net.h"
#include "engine/dream/internal.h"
#include "tests/engine/backend_check.h"

#include "engine/cuda/module/device.c"
#include "engine/cuda/module/module.c"
#include "engine/cuda/module/picture.c"
#include "engine/cuda/module/picture_block.c"
#include "engine/cuda/module/picture_look.c"
#include "engine/cuda/module/picture_step.c"
#include "engine/cuda/module/picture_update.cu"
#include "engine/cuda/module/picture_view.cu"
#include "engine/cuda/module/prior.c"
#include "engine/cuda/module/prior_kernels.cu"

/* ---- The network in the GPU's place ---- */

struct cuda_net {
    struct cuda_device *device;
    struct pool *pool;
    struct cpu_net *net;
    struct backend_params params;
};

int cuda_net_precision(const struct cuda_device *d, int wanted, enum dream_precision *precision,
                       struct error *e)
{
    (void)d;
    *precision = DREAM_PRECISION_FP32;
    return wanted == DREAM_PRECISION_FP16 ? error_set(e, ENOTSUP, "no fp16 here") : 0;
}

enum cuda_storage cuda_net_storage(enum dream_precision precision)
{
    (void)precision;
    return CUDA_STORAGE_FP32;
}

const char *cuda_net_precision_name(enum dream_precision precision)
{
    (void)precision;
    return "fp32";
}

int cuda_net_open(struct cuda_net **out, struct cuda_device *d, const struct backend_params *params,
                  const struct cuda_plan *plan, enum dream_precision precision, struct error *e)
{
    (void)precision;
    struct cuda_net *n = *out = xcalloc(1, sizeof *n);
    n->device = d;
    n->params = *params;
    assert_non_null(cuda_carve(d, plan->bytes));
    assert_int_equal(pool_open(&n->pool, 1), 0);
    return cpu_net_open(&n->net,
                        &(struct cpu_net_params){params->model, n->pool, params->views[0].width_px,
                                                 params->views[0].height_px, CPU_TIER_AUTO},
                        e);
}

void cuda_net_close(struct cuda_net **out)
{
    if (!*out)
        return;
    cpu_net_close(&(*out)->net);
    pool_close(&(*out)->pool);
    free(*out);
    *out = NULL;
}

struct net_job {
    struct cuda_net *net;
    struct image_view view;
    const float *x;
    struct cuda_objective o;
    float *out;
    double *value;
};

static void run_logits(void *args)
{
    const struct net_job *j = args;
    assert_int_equal(cpu_net_logits(j->net->net,
                                    &(struct cpu_net_input){j->x, j->view.width_px, j->view.height_px},
                                    j->out),
                     0);
}

static void run_gradient(void *args)
{
    const struct net_job *j = args;
    struct objective_subject subjects[BACKEND_SUBJECTS_MAX];
    const struct cuda_target *t = j->o.target;
    struct objective o = {.subjects = subjects, .layer = j->o.layer, .channel = j->o.channel};
    const struct model *m = j->net->params.model;
    size_t map = (size_t)model_map_size(m, j->view.width_px) * (size_t)model_map_size(m, j->view.height_px);
    if (o.layer < 0) {
        o.minus_mean = t->minus_mean;
        for (o.subject_count = 0; o.subject_count < t->count; o.subject_count++)
            subjects[o.subject_count] = (struct objective_subject){
                t->class_index[o.subject_count], j->o.weights + (size_t)o.subject_count * map};
    }
    assert_int_equal(cpu_net_gradient(j->net->net,
                                      &(struct cpu_net_input){j->x, j->view.width_px, j->view.height_px}, &o,
                                      j->out, j->value),
                     0);
}

int cuda_net_gradient(struct cuda_net *n, int view_index, const float *x, const struct cuda_objective *o,
                      float *grad, double *value)
{
    const struct net_job job = {n, n->params.views[view_index], x, *o, grad, value};
    int rc = cuda_fail(n->device, host_call(), "net");
    if (rc == 0)
        host_submit(n->device->stream, run_gradient, NULL, 0, &job, sizeof job);
    return rc;
}

int cuda_net_logits(struct cuda_net *n, int view_index, const float *x, float *logits)
{
    const struct net_job job = {.net = n, .view = n->params.views[view_index], .x = x, .out = logits};
    int rc = cuda_fail(n->device, host_call(), "net");
    if (rc == 0)
        host_submit(n->device->stream, run_logits, NULL, 0, &job, sizeof job);
    return rc;
}

/* ---- What it makes of the same decisions ---- */

static const char *const profiles[] = {"dream.profile=modern", "dream.profile=classic"};

#define SMALL "dream.size=150x117", "dream.threads=1", "dream.precision=fp32"

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
        assert_int_equal(backend_cpu.warp(cpu, 1.03, 2), 0);
        assert_int_equal(ops.warp(gpu, 1.03, 2), 0);
    }
    backend_cpu.close(&cpu);
    ops.close(&gpu);
}

static void modern_dreams_as_the_cpu_does(void **state)
{
    (void)state;
    struct check c;
    host_replays = 0;
    CHECK_OPEN(&c, SMALL, "dream.octaves=4", "dream.colour_gain=0.8");
    compare_dreams(&c, 2, 1e-12, 1e-5);
    check_close(&c);
    assert_true(host_replays >= 3);
}

/* Where a gradient is next to nothing its sign is chance, and with it the way a pixel goes. */
static void classic_dreams_as_the_cpu_does(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, SMALL, "dream.profile=classic");
    compare_dreams(&c, 2, 1e-10, 1e-3);
    check_close(&c);
}

/* A whole dream: what it plans for prepared views is what this driver takes. The other one is the CPU's
 * driver, which is told to get the same views. */
static void dreams_are_dreamed_as_on_the_cpu(void **state)
{
    (void)state;
    struct check c;
    struct backend_ops prepared = backend_cpu;
    prepared.prepared_views = true;
    const struct backend_ops *const drivers[][2] = {{&prepared, NULL}, {&ops, NULL}};
    float *x[2];
    double belief[2][DREAM_SUBJECTS_MAX];
    CHECK_OPEN(&c, SMALL);
    for (int i = 0; i < 2; i++) {
        struct dream *d;
        struct error e = {""};
        const struct dream_target target = {.count = 2, .class_index = {3, 77}};
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

/* Nothing dreamed of, a layer instead of classes, no prior: each is other work for the stream. */
static void kinds_of_steps_follow_one_another(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, SMALL);
    struct backend *cpu = check_backend(&c, &backend_cpu), *gpu = check_backend(&c, &ops);
    for (int n = 0; n < 16; n++) {
        struct backend_step s;
        check_step(&c, 3 * (n / 4), &s); /* the same view each time, four times each kind */
        s.climbs = n / 4 != 1;
        s.objective.layer = n / 4 == 2 ? 4 : -1;
        if (n / 4 == 3)
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
            assert_int_equal(ops.warp(b, 1.01, -0.5), 0);
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
    assert_int_equal(host_replays, STEPS - CHECK_VIEWS);
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
            assert_int_equal(ops.warp(b, 1.1, 3), 0);
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

/* ---- The rest of the interface ---- */

static void bad_numbers_bring_the_good_picture_back(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, "dream.size=96x80", "dream.threads=1");
    struct backend *b = check_backend(&c, &ops);
    check_run(&c, &ops, b, 0, 3);
    assert_int_equal(ops.warp(b, 1.02, 0), 0);
    float *good = check_picture(&c, &ops, b);
    check_run(&c, &ops, b, 3, 1);
    b->momentum[777] = INFINITY;
    struct image_sums sums = check_run(&c, &ops, b, 4, 3);
    assert_true(sums.bad > 0);
    float *x = check_picture(&c, &ops, b);
    assert_memory_equal(x, good, c.floats * sizeof *x);
    for (size_t i = 0; i < c.floats; i++)
        assert_true(b->momentum[i] == 0);
    sums = check_run(&c, &ops, b, 7, 2);
    assert_true(sums.bad == 0 && sums.mean > 0);

    /* Bad for one step only, and nobody looked: that counts too. */
    const struct picture_total total = {b->partials, b->state};
    b->partials[4 * KERNEL_BLOCKS + 3] = 2;
    picture_total(&total, b->device.stream);
    struct backend_step s;
    check_step(&c, 9, &s);
    assert_int_equal(ops.step(b, &s), 0);
    assert_int_equal(ops.finish(b, &sums), 0);
    assert_true(sums.bad == 2);
    free(good);
    free(x);
    ops.close(&b);
    check_close(&c);
}

static void expect_frame(const uint8_t *nv12, const float *x, int w, int h)
{
    const float *g = x + (long)w * h, *b = g + (long)w * h;
    for (int i = 0; i < w * h; i++)
        assert_int_equal(nv12[i], image_nv12_luma(x[i], g[i], b[i]));
    for (int j = 0; j < h / 2; j++)
        for (int i = 0; i < w / 2; i++) {
            float red = image_nv12_chroma_site(x, w, i, j), green = image_nv12_chroma_site(g, w, i, j),
                  blue = image_nv12_chroma_site(b, w, i, j);
            const uint8_t *pair = nv12 + (long)w * h + (long)j * w + 2 * i;
            assert_int_equal(pair[0], image_nv12_cb(red, green, blue));
            assert_int_equal(pair[1], image_nv12_cr(red, green, blue));
        }
}

/* More frames than there are slots, before anybody waits. */
static void frames_are_the_picture_of_their_moment(void **state)
{
    (void)state;
    enum { FRAMES = 2 * FRAME_SLOTS + 1, W = 96, H = 80 };
    struct check c;
    CHECK_OPEN(&c, "dream.size=96x80", "dream.threads=1");
    struct backend *b = check_backend(&c, &ops);
    uint8_t *frames[FRAMES];
    float *pictures[FRAMES];
    struct image_sums sums;
    for (int i = 0; i < FRAMES; i++) {
        frames[i] = xcalloc(W * H * 3 / 2, 1);
        assert_int_equal(ops.frame(b, frames[i]), 0);
        assert_int_equal(ops.warp(b, 1.05, 1), 0);
    }
    assert_int_equal(ops.finish(b, &sums), 0);
    assert_int_equal(ops.put(b, c.picture), 0);
    for (int i = 0; i < FRAMES; i++) {
        pictures[i] = check_picture(&c, &ops, b);
        assert_int_equal(ops.warp(b, 1.05, 1), 0);
        expect_frame(frames[i], pictures[i], W, H);
        free(frames[i]);
        free(pictures[i]);
    }
    ops.close(&b);
    check_close(&c);
}

static void what_it_cannot_do_is_said(void **state)
{
    (void)state;
    struct check c;
    struct error e = {""};
    CHECK_OPEN(&c, "dream.size=96x80", "dream.threads=1");
    assert_ptr_equal(reverie_cuda_ops(BACKEND_CUDA_ABI), &ops);
    assert_null(reverie_cuda_ops(BACKEND_CUDA_ABI + 1));
    assert_int_equal(ops.supports(&c.params, &e), 0);
    c.config.device = 3;
    assert_int_equal(ops.supports(&c.params, &e), -ENODEV);
    c.config.device = 0;
    c.config.precision = DREAM_PRECISION_FP16;
    assert_int_equal(ops.supports(&c.params, &e), -ENOTSUP);
    c.config.precision = DREAM_PRECISION_AUTO;
    struct backend *b = check_backend(&c, &ops);
    struct backend_step s;
    struct backend_measure m = {0};
    check_step(&c, 0, &s);
    s.view.width_px++;
    assert_int_equal(ops.step(b, &s), -ERANGE);
    assert_int_equal(ops.measure(b, &s, &m), -ERANGE);
    ops.close(&b);
    ops.close(&b);
    host_memory_limit = 1 << 20;
    assert_int_equal(ops.open(&b, &c.params, &e), -ENOMEM);
    assert_null(b);
    host_memory_limit = (size_t)8 << 30;
    check_close(&c);
    assert_int_equal(host_device_bytes, 0);
}

static void guards_notice_what_crosses_them(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, "dream.size=96x80", "dream.threads=1");
    setenv("REVERIE_CUDA", "guards", 1);
    struct backend *b = check_backend(&c, &ops);
    unsetenv("REVERIE_CUDA");
    struct image_sums sums = check_run(&c, &ops, b, 0, 4);
    assert_true(b->guard_count > 20 && sums.bad == 0);
    b->x[-1] = 3;
    assert_int_equal(ops.finish(b, &sums), -EIO);
    assert_int_equal(ops.finish(b, &sums), -EIO);
    ops.close(&b);
    check_close(&c);
}

/* Everything once; stops at what goes wrong. */
static int live(struct check *c, struct backend **b, struct error *e)
{
    struct image_sums sums;
    struct backend_step s;
    float *x = xmalloc(c->floats * sizeof *x);
    struct backend_measure m = {.gradient = x};
    int rc = ops.open(b, &c->params, e);
    if (rc == 0)
        rc = ops.put(*b, c->picture);
    for (int n = 0; n < 3 && rc == 0; n++) {
        check_step(c, n / 2 * 3, &s);
        rc = ops.step(*b, &s);
    }
    if (rc == 0)
        rc = ops.warp(*b, 1.01, 0);
    if (rc == 0)
        rc = ops.frame(*b, (uint8_t *)x);
    if (rc == 0)
        rc = ops.finish(*b, &sums);
    if (rc == 0)
        rc = ops.measure(*b, &s, &m);
    if (rc == 0)
        rc = ops.get(*b, x);
    free(x);
    return rc;
}

/* Every single call may fail, for once or for good, and a device that is lost stays so until it is closed. */
static void no_failure_is_more_than_an_error(void **state)
{
    (void)state;
    struct check c;
    struct backend *b = NULL;
    struct error e = {""};
    CHECK_OPEN(&c, "dream.size=64x64", "dream.threads=1");
    host_calls = 0;
    assert_int_equal(live(&c, &b, &e), 0);
    ops.close(&b);
    int calls = host_calls, survived = 0;
    assert_true(calls > 100);
    for (int at = 1; at < calls; at += at < 30 ? 2 : 7) {
        host_is_sticky = at % 2;
        host_fail_with = at % 5 ? cudaErrorIllegalAddress : cudaErrorMemoryAllocation;
        host_fail_at = at;
        e.text[0] = '\0';
        int rc = live(&c, &b, &e);
        assert_true(rc == 0 || rc == -EIO || rc == -ENOMEM || rc == -ENODEV);
        assert_true(rc == 0 || b || e.text[0]);
        survived += rc == 0;
        if (rc == -EIO && b) {
            struct image_sums sums;
            assert_int_equal(ops.finish(b, &sums), -EIO);
            assert_int_equal(ops.put(b, c.picture), -EIO);
        }
        host_fail_at = 0;
        host_is_sticky = host_is_broken = false;
        host_last = cudaSuccess;
        ops.close(&b);
        assert_int_equal(host_device_bytes, 0);
    }
    assert_true(survived < calls / 8); /* captures that went wrong, and what is tidied up */
    assert_int_equal(live(&c, &b, &e), 0);
    ops.close(&b);
    check_close(&c);
}

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
        cmocka_unit_test(bad_numbers_bring_the_good_picture_back),
        cmocka_unit_test(frames_are_the_picture_of_their_moment),
        cmocka_unit_test(what_it_cannot_do_is_said),
        cmocka_unit_test(guards_notice_what_crosses_them),
        cmocka_unit_test(no_failure_is_more_than_an_error),
    };
    log_set_level(LOG_ERROR); /* each opening says so, and each failure is wanted */
    return cmocka_run_group_tests_name("cuda, picture", tests, NULL, NULL);
}
