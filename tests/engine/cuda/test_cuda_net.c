/*
 * test_cuda_net - the CUDA network's host code from end to end, on a pretended GPU (cuda_fake.h), against the
 * double-precision reference: layouts, which buffer holds what, scales, objectives, and what happens when the
 * device goes. Needs the toolkit's headers, no GPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef HAVE_CUDA_TOOLKIT

#include "tests/engine/cuda/cuda_rig.h"

static void compare_logits(struct rig *r, int view, double bound)
{
    static float x[VALUES_MAX], logits[64 * MAP_MAX];
    static double truth[64 * MAP_MAX];
    int w = views[view].width_px, h = views[view].height_px;
    int map_w = model_map_size(&r->model, w), map_h = model_map_size(&r->model, h);
    fill_picture(x, 3 * (size_t)w * (size_t)h, 5);
    reference_network(&r->model, x, w, h, NULL, truth, NULL);
    assert_int_equal(cuda_net_logits(r->net, view, x, logits), 0);
    double off = nmse(logits, truth, (size_t)(map_w * map_h * r->model.classes));
    if (!(off < bound))
        fail_msg("%s: logits nmse %g", cuda_net_precision_name(r->net->precision), off);
}

static void compare_all(const struct toy_layer *toy, int wanted, struct bounds b, double logits)
{
    struct rig r;
    rig_must_open(&r, toy, wanted);
    for (int view = 0; view < (int)ARRAY_LEN(views); view++) {
        compare_logits(&r, view, logits);
        compare(&r, view, -1, -1, b);
    }
    for (int layer = 0; layer < r.model.layer_count; layer++) {
        compare(&r, layer % 2, layer, -1, b);
        compare(&r, 0, layer, 3, b);
    }
    compare(&r, 0, -1, -1, b); /* nothing is left over from the others */
    assert_int_equal(fake.allocations, 1);
    rig_close(&r);
}

static void fp32_agrees_with_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(toys); i++)
        for (int kind = 0; kind < (toys[i] == pair_toy ? 3 : 1); kind++) {
            fake_reset();
            fake.likes_fused = kind == 0;
            fake.likes_turned = kind == 1;
            fake.has_fused = kind < 2;
            compare_all(toys[i], DREAM_PRECISION_FP32, (struct bounds){1e-9, 1e-5}, 1e-10);
        }
}

static void short_numbers_stay_near(void **state)
{
    (void)state;
    fake_reset();
    compare_all(pair_toy, DREAM_PRECISION_AUTO, (struct bounds){0.06, 0.05}, 2e-3);
    fake_reset();
    compare_all(odd_toy, DREAM_PRECISION_FP16, (struct bounds){4e-3, 0.01}, 1e-5);
    fake_reset();
    compare_all(early_toy, DREAM_PRECISION_FP16, (struct bounds){4e-3, 0.01}, 1e-5);
}

/* ---- What cannot be done ---- */

static void wrong_questions_are_refused(void **state)
{
    (void)state;
    struct rig r;
    float x[1], grad[1];
    struct cuda_target target = {0};
    fake_reset();
    rig_must_open(&r, odd_toy, DREAM_PRECISION_FP32);
    struct cuda_objective o = {&target, x, -1, -1, false};
    assert_int_equal(cuda_net_gradient(r.net, 3, x, &o, grad, NULL), -EINVAL);
    assert_int_equal(cuda_net_gradient(r.net, -1, x, &o, grad, NULL), -EINVAL);
    assert_int_equal(cuda_net_logits(r.net, 3, x, grad), -EINVAL);
    o.layer = 6;
    assert_int_equal(cuda_net_gradient(r.net, 0, x, &o, grad, NULL), -EINVAL);
    o.layer = 1;
    o.channel = 17;
    assert_int_equal(cuda_net_gradient(r.net, 0, x, &o, grad, NULL), -EINVAL);
    o = (struct cuda_objective){NULL, NULL, -1, -1, false};
    assert_int_equal(cuda_net_gradient(r.net, 0, x, &o, grad, NULL), -EINVAL);
    rig_close(&r);
}

static void devices_are_looked_at(void **state)
{
    (void)state;
    struct error e;
    struct rig r;
    fake_reset();
    assert_int_equal(cuda_probe(0, &e), 0);
    assert_int_equal(cuda_probe(1, &e), -ENODEV);
    fake.devices = 0;
    assert_int_equal(cuda_probe(0, &e), -ENODEV);
    fake_reset();
    fake.sm_major = 6;
    assert_int_equal(cuda_probe(0, &e), -ENOTSUP);
    fake.sm_major = 7; /* 7.0: without tensor cores that cuDNN 9 knows how to use */
    assert_int_equal(rig_open(&r, odd_toy, DREAM_PRECISION_AUTO), -ENOTSUP);
    rig_close(&r);
    fake_reset();
    fake.free_bytes = 200 << 20;
    assert_int_equal(rig_open(&r, odd_toy, DREAM_PRECISION_AUTO), -ENOMEM);
    rig_close(&r);
}

/* Wherever it goes: an error, nothing left open, and the next one works. */
static void a_device_may_go_at_any_moment(void **state)
{
    (void)state;
    struct rig r;
    static float x[VALUES_MAX], grad[VALUES_MAX], weights[CUDA_SUBJECTS_MAX * MAP_MAX];
    struct cuda_target target = {1, {1}, 1};
    struct cuda_objective o = {&target, weights, -1, -1, false};
    int survived = 0;
    log_set_level(LOG_ERROR);
    for (int calls = 0; calls < 4000 && !survived; calls += calls < 40 ? 1 : 97) {
        fake_reset();
        fake.good_calls = calls;
        int rc = rig_open(&r, early_toy, DREAM_PRECISION_BF16);
        if (rc < 0) {
            assert_true(rc == -EIO || rc == -EAGAIN); /* an engine may be blamed for it */
            assert_true(strlen(r.error.text) > 0);
            forget_what_was_learned();
        } else {
            fake.good_calls = calls % 20;
            rc = 0;
            for (int i = 0; rc == 0 && i < 20; i++)
                rc = cuda_net_gradient(r.net, 0, x, &o, grad, NULL);
            assert_int_equal(rc, -EIO);
            assert_int_equal(cuda_net_logits(r.net, 0, x, grad), -EIO);
            assert_int_equal(cuda_device_wait(&r.device), -EIO);
            survived = 1;
        }
        rig_close(&r);
        assert_false(fake.is_lost);
    }
    assert_true(survived);
    log_set_level(LOG_INFO);
}

static void the_arena_gives_what_was_planned(void **state)
{
    (void)state;
    struct cuda_device d;
    fake_reset();
    assert_int_equal(cuda_device_open(&d, 0, NULL), 0);
    assert_int_equal(cuda_arena_open(&d, 3 * CUDA_ALIGN, NULL), 0);
    uint8_t *first = cuda_carve(&d, 1), *second = cuda_carve(&d, CUDA_ALIGN + 1);
    assert_true(second == first + CUDA_ALIGN);
    assert_null(cuda_carve(&d, 1));
    cuda_device_close(&d);
    assert_int_equal(fake.open, 0);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(fp32_agrees_with_the_reference), cmocka_unit_test(short_numbers_stay_near),
        cmocka_unit_test(wrong_questions_are_refused),    cmocka_unit_test(devices_are_looked_at),
        cmocka_unit_test(a_device_may_go_at_any_moment),  cmocka_unit_test(the_arena_gives_what_was_planned),
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
