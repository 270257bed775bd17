/*
 * The CUDA backend on a real GPU, through the interface that the dream uses, against the CPU's. Without a GPU
 * or without the module every test is skipped, and says why.
 *
 * Bounds: in fp32 two implementations of a network differ by rounding (1e-6 of a number; its square here) and
 * where rounding turns a ReLU or a pool, which is rare; bf16 keeps 8 bits, fp16 and tf32 11. The same
 * roundings put into a network in PyTorch give a cosine with fp32 of 0.994 (bf16) and 0.9995 (fp16) for the
 * model inside the program; of 0.92 and 0.99 for random weights of VGG-16's shapes, whose units all sit near
 * their kink.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "engine/control.h"
#include "engine/nv12.h"
#include "engine/cuda/abi.h"
#include "engine/model/random.h"
#include "tests/engine/backend_check.h"

static const struct backend_ops *gpu_ops;
static char why_not[600];

/* Beside the program that is tested, or where `make` puts it. */
static int load_module(void **state)
{
    (void)state;
    char path[512];
    const char *program = getenv("REVERIE"), *slash = program ? strrchr(program, '/') : NULL;
    snprintf(path, sizeof path, "%.*s/reverie-cuda.so", slash ? (int)(slash - program) : 5,
             slash ? program : "build");
    log_set_level(LOG_WARN);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        snprintf(why_not, sizeof why_not, "%.500s", dlerror());
        return 0;
    }
    backend_cuda_entry *entry;
    void *symbol = dlsym(module, BACKEND_CUDA_ENTRY);
    assert_non_null(symbol);
    memcpy(&entry, &symbol, sizeof entry);
    gpu_ops = entry(BACKEND_CUDA_ABI);
    assert_non_null(gpu_ops);
    assert_null(entry(BACKEND_CUDA_ABI + 1));

    struct check c;
    struct error e = {""};
    CHECK_OPEN(&c, "dream.size=64x64");
    if (gpu_ops->supports(&c.params, &e) < 0) {
        snprintf(why_not, sizeof why_not, "%s", e.text);
        gpu_ops = NULL;
    }
    check_close(&c);
    return 0;
}

static void need_gpu(void)
{
    if (gpu_ops)
        return;
    printf("# skip: %s\n", why_not);
    fflush(stdout);
    skip();
}

/* Opening takes seconds, in which the libraries' engines are timed for each view; so most tests share one of
 * these, each from a picture that it puts there itself. Zones between their buffers are looked at whenever a
 * test waits. */
enum { FP32, FP32_CLASSIC, TF32, BF16, FP16, SHARED };
enum { W = 326, H = 182 };

static struct shared {
    const char *precision, *profile;
    double logits, cosine, prior; /* bounds of what it measures */
    bool is_open;
    struct check c;
    struct backend *gpu; /* NULL: the card is too old for the precision */
} shared[SHARED] = {
    {.precision = "dream.precision=fp32",
     .profile = "dream.profile=modern",
     .logits = 1e-8,
     .cosine = 0.9999,
     .prior = 1e-9},
    {.precision = "dream.precision=fp32",
     .profile = "dream.profile=classic",
     .logits = 1e-8,
     .cosine = 0.9999,
     .prior = 1e-9},
    {.precision = "dream.precision=tf32",
     .profile = "dream.profile=modern",
     .logits = 1e-4,
     .cosine = 0.998,
     .prior = 1e-4},
    {.precision = "dream.precision=bf16",
     .profile = "dream.profile=modern",
     .logits = 1e-3,
     .cosine = 0.99,
     .prior = 1e-4},
    {.precision = "dream.precision=fp16",
     .profile = "dream.profile=modern",
     .logits = 1e-4,
     .cosine = 0.998,
     .prior = 1e-4},
};

static struct shared *share(int which)
{
    struct shared *s = &shared[which];
    struct error e = {""};
    if (!s->is_open) {
        CHECK_OPEN(&s->c, "dream.size=326x182", "dream.prior_stride=4", "dream.colour_gain=0.8", s->precision,
                   s->profile);
        s->is_open = true;
        if (which == TF32 || which == FP16)
            s->c.params.view_count = 1;
        setenv("REVERIE_CUDA", "guards", 1);
        if (gpu_ops->supports(&s->c.params, &e) == -ENOTSUP)
            print_message("left out: %s\n", e.text);
        else
            s->gpu = check_backend(&s->c, gpu_ops);
        unsetenv("REVERIE_CUDA");
    }
    if (s->gpu)
        assert_int_equal(gpu_ops->put(s->gpu, s->c.picture), 0);
    return s;
}

static int close_shared(void **state)
{
    (void)state;
    for (int i = 0; i < SHARED; i++) {
        if (shared[i].gpu)
            gpu_ops->close(&shared[i].gpu);
        if (shared[i].is_open)
            check_close(&shared[i].c);
    }
    return 0;
}

/* ---- In and out ---- */

static void pictures_come_back_as_they_went(void **state)
{
    (void)state;
    need_gpu();
    struct shared *s = share(FP32);
    const struct check *c = &s->c;
    struct backend *cpu = check_backend(c, &backend_cpu), *gpu = s->gpu;
    float *x = check_picture(c, gpu_ops, gpu);
    assert_memory_equal(x, c->picture, c->floats * sizeof *x);
    free(x);
    static const double warps[][2] = {{1.02, 0.5}, {1, 0}, {0.7, -20}, {3, 170}};
    for (size_t i = 0; i < ARRAY_LEN(warps); i++) {
        assert_int_equal(backend_cpu.warp(cpu, &(struct image_move){warps[i][0], warps[i][1], 0.1 * (double)i,
                                                                    -0.05 * (double)i}),
                         0);
        assert_int_equal(gpu_ops->warp(gpu, &(struct image_move){warps[i][0], warps[i][1], 0.1 * (double)i,
                                                                 -0.05 * (double)i}),
                         0);
        float *truth = check_picture(c, &backend_cpu, cpu);
        x = check_picture(c, gpu_ops, gpu);
        check_near("warp", check_nmse(x, truth, c->floats), 1e-9);
        free(truth);
        free(x);
    }
    backend_cpu.close(&cpu);
}

static void expect_frame(const uint8_t *nv12, const float *x)
{
    const float *g = x + (long)W * H, *b = g + (long)W * H;
    long others = 0; /* one more or less, where rounding is at the edge */
    for (int i = 0; i < W * H; i++) {
        int off = abs(nv12[i] - image_nv12_luma(x[i], g[i], b[i]));
        assert_true(off <= 1);
        others += off;
    }
    for (int j = 0; j < H / 2; j++)
        for (int i = 0; i < W / 2; i++) {
            float red = image_nv12_chroma_site(x, W, i, j), green = image_nv12_chroma_site(g, W, i, j),
                  blue = image_nv12_chroma_site(b, W, i, j);
            const uint8_t *pair = nv12 + (long)W * H + (long)j * W + 2 * i;
            int cb = abs(pair[0] - image_nv12_cb(red, green, blue));
            int cr = abs(pair[1] - image_nv12_cr(red, green, blue));
            assert_true(cb <= 1 && cr <= 1);
            others += cb + cr;
        }
    assert_true(others <= (long)W * H / 1000);
}

static void frames_follow_the_formula(void **state)
{
    (void)state;
    need_gpu();
    enum { FRAMES = 8 };
    struct shared *s = share(FP32);
    struct backend *gpu = s->gpu;
    uint8_t *frames[FRAMES];
    struct image_sums sums;
    for (int i = 0; i < FRAMES; i++) { /* faster than they can arrive */
        frames[i] = xcalloc(W * H * 3 / 2, 1);
        assert_int_equal(gpu_ops->frame(gpu, frames[i]), 0);
        assert_int_equal(gpu_ops->warp(gpu, &(struct image_move){1.03, 1, -0.2, 0.1}), 0);
    }
    assert_int_equal(gpu_ops->finish(gpu, &sums), 0);
    share(FP32);
    for (int i = 0; i < FRAMES; i++) {
        float *x = check_picture(&s->c, gpu_ops, gpu);
        expect_frame(frames[i], x);
        assert_int_equal(gpu_ops->warp(gpu, &(struct image_move){1.03, 1, -0.2, 0.1}), 0);
        free(x);
        free(frames[i]);
    }
}

/* ---- Measuring ---- */

static void expect_look(const struct shared *is, const struct check *c, const struct backend_step *s,
                        const struct check_look *truth, const struct check_look *seen)
{
    double logits = check_nmse(seen->logits, truth->logits, truth->logit_count);
    double cosine = check_cosine(seen->gradient, truth->gradient, c->floats);
    double prior = check_nmse(seen->prior_gradient, truth->prior_gradient, c->floats);
    print_message("%s, %s, view %dx%d: logits %.2g, gradient: cosine %.6f, NMSE %.2g; prior %.2g\n",
                  is->precision, is->profile, s->view.width_px, s->view.height_px, logits, cosine,
                  check_nmse(seen->gradient, truth->gradient, c->floats), prior);
    check_near("logits", logits, is->logits);
    check_near("1 - cosine of the gradient", 1 - cosine, 1 - is->cosine);
    check_near("prior", prior, is->prior);
    assert_true(fabs(seen->m.value - truth->m.value) <= sqrt(is->logits) * (fabs(truth->m.value) + 1));
    for (int k = 0; k < s->prior_count; k++)
        assert_true(fabs(seen->m.energy[k] - truth->m.energy[k]) <= 1e-3 * truth->m.energy[k]);
}

/* Every view of the model inside the program, in every arithmetic. */
static void measures_as_the_cpu_does(void **state)
{
    (void)state;
    need_gpu();
    for (int i = 0; i < SHARED; i++) {
        struct shared *is = share(i);
        struct backend *cpu = is->gpu ? check_backend(&is->c, &backend_cpu) : NULL;
        for (int n = 0; is->gpu && n < is->c.params.view_count; n++) {
            struct backend_step s;
            check_step(&is->c, n, &s);
            struct check_look truth = check_look(&is->c, &backend_cpu, cpu, &s),
                              seen = check_look(&is->c, gpu_ops, is->gpu, &s);
            expect_look(is, &is->c, &s, &truth, &seen);
            check_look_free(&truth);
            check_look_free(&seen);
        }
        backend_cpu.close(&cpu);
    }
}

/* The shapes of VGG-16 itself; random weights will do. */
static void measures_a_whole_vgg(void **state)
{
    (void)state;
    need_gpu();
    static const struct shared is[] = {
        {.precision = "dream.precision=fp32",
         .profile = "VGG-16",
         .logits = 1e-8,
         .cosine = 0.999,
         .prior = 1e-9},
        {.precision = "dream.precision=auto",
         .profile = "VGG-16",
         .logits = 1e-2,
         .cosine = 0.85,
         .prior = 1e-4},
    };
    struct backend_step s;
    struct check_look truth = {0};
    for (size_t i = 0; i < ARRAY_LEN(is); i++) {
        struct check c;
        struct error e = {""};
        struct model *m;
        assert_int_equal(model_random(&m, MODEL_RANDOM_FULL, 3, &e), 0);
        const char *const settings[] = {"dream.size=480x270", "dream.prior_stride=4", is[i].precision, NULL};
        check_open(&c, m, settings);
        c.params.view_count = 1;
        check_step(&c, 0, &s);
        if (i == 0) {
            struct backend *cpu = check_backend(&c, &backend_cpu);
            truth = check_look(&c, &backend_cpu, cpu, &s);
            backend_cpu.close(&cpu);
        }
        struct backend *gpu = check_backend(&c, gpu_ops);
        struct check_look seen = check_look(&c, gpu_ops, gpu, &s);
        expect_look(&is[i], &c, &s, &truth, &seen);
        check_look_free(&seen);
        gpu_ops->close(&gpu);
        check_close(&c);
    }
    check_look_free(&truth);
}

/* ---- Steps ---- */

static void expect_sums(const struct check *c, const struct image_sums *sums, const struct image_sums *truth)
{
    double pixels = (double)c->floats / 3;
    struct image_state a = image_state_of(sums, pixels), b = image_state_of(truth, pixels);
    assert_float_equal(a.mean, b.mean, 0.05);
    assert_float_equal(a.contrast, b.contrast, 0.05);
    assert_float_equal(a.colour, b.colour, 0.05);
    assert_float_equal(sums->bad, 0, 0);
}

/* The first steps differ by rounding; a network's kinks make more of that with each further one. */
static void steps_are_those_of_the_cpu(void **state)
{
    (void)state;
    need_gpu();
    static const struct {
        int which;
        double first, later;
    } cases[] = {{FP32, 1e-8, 1e-4}, {FP32_CLASSIC, 1e-5, 2e-2}};
    for (size_t p = 0; p < ARRAY_LEN(cases); p++) {
        struct shared *s = share(cases[p].which);
        struct check *c = &s->c;
        struct backend *cpu = check_backend(c, &backend_cpu), *gpu = s->gpu;
        for (int part = 0; part < 4; part++) {
            struct image_sums truth = check_run(c, &backend_cpu, cpu, 2 * part, 2);
            struct image_sums sums = check_run(c, gpu_ops, gpu, 2 * part, 2);
            float *expected = check_picture(c, &backend_cpu, cpu), *x = check_picture(c, gpu_ops, gpu);
            print_message("%s, %d steps: %.2g\n", s->profile, 2 * part + 2,
                          check_nmse(x, expected, c->floats));
            check_near("picture", check_nmse(x, expected, c->floats), part ? cases[p].later : cases[p].first);
            expect_sums(c, &sums, &truth);
            free(expected);
            free(x);
            assert_int_equal(backend_cpu.warp(cpu, &(struct image_move){1.02, 1, 0, 0}), 0);
            assert_int_equal(gpu_ops->warp(gpu, &(struct image_move){1.02, 1, 0, 0}), 0);
        }
        backend_cpu.close(&cpu);
    }
}

static float *steps_from_the_start(struct check *c, struct backend *gpu, int count, bool is_waiting)
{
    assert_int_equal(gpu_ops->put(gpu, c->picture), 0);
    for (int n = 0; n < count; n++) {
        struct backend_step s;
        check_step(c, n, &s);
        assert_int_equal(gpu_ops->step(gpu, &s), 0);
        if (is_waiting)
            check_run(c, gpu_ops, gpu, 0, 0);
        if (n % 9 == 8)
            assert_int_equal(gpu_ops->warp(gpu, &(struct image_move){1.01, 0.3, 0, 0}), 0);
    }
    check_run(c, gpu_ops, gpu, 0, 0);
    return check_picture(c, gpu_ops, gpu);
}

/* Another layout of the prior makes every step's work another. */
static void forget_graphs(struct check *c, struct backend *gpu)
{
    struct backend_step s;
    check_step(c, 0, &s);
    s.prior_count = 1;
    assert_int_equal(gpu_ops->step(gpu, &s), 0);
}

/* In one and the same backend (another might have measured other engines to be the fastest) the first step is
 * put on the stream as it is, behind it all views become graphs, and later steps replay those. So a step with
 * each view is done in both ways. */
static void graphs_give_the_same_bits(void **state)
{
    (void)state;
    need_gpu();
    struct shared *is = share(BF16)->gpu ? &shared[BF16] : share(FP32);
    struct check *c = &is->c;
    struct backend *gpu = is->gpu;
    struct backend_step s;
    for (int n = 0; n < CHECK_VIEWS; n++) {
        float *both[2];
        forget_graphs(c, gpu);
        check_step(c, n, &s);
        for (int replayed = 0; replayed < 2; replayed++) {
            assert_int_equal(gpu_ops->put(gpu, c->picture), 0);
            assert_int_equal(gpu_ops->step(gpu, &s), 0);
            both[replayed] = check_picture(c, gpu_ops, gpu);
        }
        assert_memory_equal(both[1], both[0], c->floats * sizeof(float));
        free(both[0]);
        free(both[1]);
    }
    float *slow = steps_from_the_start(c, gpu, 40, true), *hasty = steps_from_the_start(c, gpu, 40, false);
    assert_memory_equal(hasty, slow, c->floats * sizeof(float));
    free(slow);
    free(hasty);
}

/* Kinds of work for one view, and what they must not leave behind for one another. */
static void kinds_of_steps_follow_one_another(void **state)
{
    (void)state;
    need_gpu();
    struct check *c = &share(FP32)->c;
    struct backend *cpu = check_backend(c, &backend_cpu), *gpu = share(FP32)->gpu;
    for (int n = 0; n < 12; n++) {
        struct backend_step s;
        check_step(c, 3 * (n / 3), &s);
        s.climbs = n / 3 != 1;
        s.objective.layer = n / 3 == 2 ? 4 : -1;
        s.prior_count = n / 3 == 3 ? n % 3 : s.prior_count;
        assert_int_equal(backend_cpu.step(cpu, &s), 0);
        assert_int_equal(gpu_ops->step(gpu, &s), 0);
    }
    float *expected = check_picture(c, &backend_cpu, cpu), *x = check_picture(c, gpu_ops, gpu);
    check_near("picture", check_nmse(x, expected, c->floats), 1e-4);
    free(expected);
    free(x);
    backend_cpu.close(&cpu);
}

/* 500 steps in the arithmetic of a show; then both arithmetics look at what came of it. */
static void long_dreams_stay_sound(void **state)
{
    (void)state;
    need_gpu();
    struct check c, exact;
    struct backend_step s;
    CHECK_OPEN(&c, "dream.size=640x360");
    CHECK_OPEN(&exact, "dream.size=640x360", "dream.precision=fp32");
    c.params.view_count = exact.params.view_count = 1;
    struct backend *gpu = check_backend(&c, gpu_ops);
    int64_t began_us = clock_real_us();
    struct image_sums sums = {0};
    for (int n = 0; n < 500; n += 10) {
        sums = check_run(&c, gpu_ops, gpu, n, 10);
        assert_float_equal(sums.bad, 0, 0);
        assert_int_equal(gpu_ops->warp(gpu, &(struct image_move){1.01, 0.1, 0, 0}), 0);
    }
    struct image_state looks = image_state_of(&sums, 640.0 * 360);
    print_message("500 steps in %.2f s; mean %.1f, contrast %.1f, colour %.1f\n",
                  (double)(clock_real_us() - began_us) * 1e-6, looks.mean, looks.contrast, looks.colour);
    assert_true(looks.mean > 60 && looks.mean < 180 && looks.contrast > 15 && looks.contrast < 90);
    float *x = check_picture(&c, gpu_ops, gpu);
    for (size_t i = 0; i < c.floats; i++)
        assert_true(x[i] >= 0 && x[i] <= 255);

    struct backend *truth = check_backend(&exact, gpu_ops);
    assert_int_equal(gpu_ops->put(truth, x), 0);
    for (int n = 0; n < c.params.view_count; n++) {
        check_step(&c, n, &s);
        struct check_look a = check_look(&c, gpu_ops, gpu, &s), b = check_look(&exact, gpu_ops, truth, &s);
        double cosine = check_cosine(a.gradient, b.gradient, c.floats);
        print_message("behind 500 steps, view %d: cosine with fp32 %.5f\n", n, cosine);
        assert_true(cosine > 0.99);
        check_look_free(&a);
        check_look_free(&b);
    }
    free(x);
    gpu_ops->close(&truth);
    gpu_ops->close(&gpu);
    check_close(&exact);
    check_close(&c);
}

/* ---- What goes wrong ---- */

static void bad_numbers_bring_the_good_picture_back(void **state)
{
    (void)state;
    need_gpu();
    struct check *c = &share(FP32)->c;
    struct backend *gpu = share(FP32)->gpu;
    struct backend_step s;
    check_run(c, gpu_ops, gpu, 0, 4);
    assert_int_equal(gpu_ops->warp(gpu, &(struct image_move){1.02, 0, 0, 0}), 0);
    float *good = check_picture(c, gpu_ops, gpu);
    check_run(c, gpu_ops, gpu, 4, 2);
    check_step(c, 6, &s);
    c->weights[0][0] = NAN;
    assert_int_equal(gpu_ops->step(gpu, &s), 0);
    struct image_sums sums = check_run(c, gpu_ops, gpu, 7, 3);
    assert_true(sums.bad > 0);
    float *x = check_picture(c, gpu_ops, gpu);
    assert_memory_equal(x, good, c->floats * sizeof *x);
    sums = check_run(c, gpu_ops, gpu, 10, 3);
    assert_true(sums.bad == 0 && sums.mean > 0);
    free(x);
    free(good);
}

static void what_it_cannot_do_is_said(void **state)
{
    (void)state;
    need_gpu();
    struct check c;
    struct error e = {""};
    struct backend_step s;
    struct backend_measure m = {0};
    struct backend *gpu = NULL;
    CHECK_OPEN(&c, "dream.size=64x64");
    c.config.device = 63;
    assert_int_equal(gpu_ops->supports(&c.params, &e), -ENODEV);
    assert_true(gpu_ops->open(&gpu, &c.params, &e) < 0);
    assert_null(gpu);
    check_close(&c);
    gpu = share(FP32)->gpu;
    check_step(&shared[FP32].c, 0, &s);
    s.view.width_px += 32;
    assert_int_equal(gpu_ops->step(gpu, &s), -ERANGE);
    assert_int_equal(gpu_ops->measure(gpu, &s, &m), -ERANGE);
    check_run(&shared[FP32].c, gpu_ops, gpu, 0, 3); /* and nothing is the worse for it */
}

/* Beside one another, and after one another. */
static void it_can_be_opened_again_and_again(void **state)
{
    (void)state;
    need_gpu();
    struct check c;
    CHECK_OPEN(&c, "dream.size=128x96");
    c.params.view_count = 1;
    struct backend *one = check_backend(&c, gpu_ops), *other = check_backend(&c, gpu_ops);
    check_run(&c, gpu_ops, one, 0, 4);
    check_run(&c, gpu_ops, other, 0, 4); /* two at once do not meet */
    gpu_ops->close(&one);
    check_run(&c, gpu_ops, other, 4, 4);
    one = check_backend(&c, gpu_ops);
    check_run(&c, gpu_ops, one, 0, 4);
    gpu_ops->close(&one);
    gpu_ops->close(&other);
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_back_as_they_went),
        cmocka_unit_test(frames_follow_the_formula),
        cmocka_unit_test(measures_as_the_cpu_does),
        cmocka_unit_test(measures_a_whole_vgg),
        cmocka_unit_test(steps_are_those_of_the_cpu),
        cmocka_unit_test(graphs_give_the_same_bits),
        cmocka_unit_test(kinds_of_steps_follow_one_another),
        cmocka_unit_test(long_dreams_stay_sound),
        cmocka_unit_test(bad_numbers_bring_the_good_picture_back),
        cmocka_unit_test(what_it_cannot_do_is_said),
        cmocka_unit_test(it_can_be_opened_again_and_again),
    };
    return cmocka_run_group_tests_name("backend cuda", tests, load_module, close_shared);
}
