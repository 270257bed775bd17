/*
 * test_cuda_picture - the CUDA driver's interface, played on this machine (cuda_host_rig.h): bad numbers,
 * frames, copies, refusals, and every failure of the runtime.
 */
#include "tests/engine/cuda/cuda_host_rig.h"

static void bad_numbers_bring_the_good_picture_back(void **state)
{
    (void)state;
    struct check c;
    CHECK_OPEN(&c, "dream.size=96x80", "dream.threads=1");
    struct backend *b = check_backend(&c, &ops);
    check_run(&c, &ops, b, 0, 3);
    assert_int_equal(ops.warp(b, &(struct image_move){1.02, 0, 0, 0}), 0);
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
        assert_int_equal(ops.warp(b, &(struct image_move){1.05, 1, 0, 0}), 0);
    }
    assert_int_equal(ops.finish(b, &sums), 0);
    assert_int_equal(ops.put(b, c.picture), 0);
    for (int i = 0; i < FRAMES; i++) {
        pictures[i] = check_picture(&c, &ops, b);
        assert_int_equal(ops.warp(b, &(struct image_move){1.05, 1, 0, 0}), 0);
        expect_frame(frames[i], pictures[i], W, H);
        free(frames[i]);
        free(pictures[i]);
    }
    ops.close(&b);
    check_close(&c);
}

/* A copy of the picture outlives the device. */
static void a_kept_picture_outlives_the_device(void **state)
{
    (void)state;
    struct check c;
    struct image_sums sums;
    CHECK_OPEN(&c, "dream.size=96x80", "dream.threads=1");
    struct backend *b = check_backend(&c, &ops);
    float *x = xmalloc(c.floats * sizeof *x);
    assert_int_equal(ops.kept(b, x), -ENOENT);
    float *before[2];
    for (int i = 0; i < 2; i++) {
        check_run(&c, &ops, b, i, 1);
        before[i] = check_picture(&c, &ops, b);
        assert_int_equal(ops.keep(b), 0);
        struct backend_step s;
        check_step(&c, 5, &s); /* the copy is of the moment that it was asked for */
        assert_int_equal(ops.step(b, &s), 0);
        assert_int_equal(ops.finish(b, &sums), 0);
        assert_int_equal(ops.kept(b, x), 0);
        assert_memory_equal(x, before[i], c.floats * sizeof *x);
    }
    assert_int_equal(ops.keep(b), 0); /* on its way when the device goes: the one before it is whole */
    host_fail_at = 1;
    host_is_sticky = true;
    assert_int_equal(ops.finish(b, &sums), -EIO);
    assert_int_equal(ops.kept(b, x), 0);
    assert_memory_equal(x, before[1], c.floats * sizeof *x);
    ops.close(&b);
    host_fail_at = 0;
    host_is_sticky = host_is_broken = false;
    free(before[0]);
    free(before[1]);
    free(x);
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
        rc = ops.warp(*b, &(struct image_move){1.01, 0, 0, 0});
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
        cmocka_unit_test(bad_numbers_bring_the_good_picture_back),
        cmocka_unit_test(frames_are_the_picture_of_their_moment),
        cmocka_unit_test(a_kept_picture_outlives_the_device),
        cmocka_unit_test(what_it_cannot_do_is_said),
        cmocka_unit_test(guards_notice_what_crosses_them),
        cmocka_unit_test(no_failure_is_more_than_an_error),
    };
    log_set_level(LOG_ERROR); /* each opening says so, and each failure is wanted */
    return cmocka_run_group_tests_name("cuda, picture", tests, NULL, NULL);
}
