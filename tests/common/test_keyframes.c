/*
 * Hand-off H2: order, who waits for whom, what a slot keeps, and the end.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/keyframes.h"
#include "common/thread.h"

enum { WIDTH = 8, HEIGHT = 4, SAMPLES = 3 * WIDTH * HEIGHT };

static void fill(struct keyframe *f, int64_t number)
{
    for (int i = 0; i < SAMPLES; i++)
        f->rgb[i] = (float)(number * 100 + i);
    f->z_frames = number;
    f->request_id = number * 7;
    snprintf(f->caption, sizeof f->caption, "no. %lld", (long long)number);
}

static void expect(const struct keyframe *f, int64_t number)
{
    char caption[32];
    snprintf(caption, sizeof caption, "no. %lld", (long long)number);
    assert_non_null(f);
    assert_int_equal(f->z_frames, number);
    assert_int_equal(f->request_id, number * 7);
    assert_string_equal(f->caption, caption);
    for (int i = 0; i < SAMPLES; i++)
        assert_true(f->rgb[i] == (float)(number * 100 + i));
}

static void publish(struct keyframes *k, int64_t number)
{
    struct keyframe *f = keyframes_acquire(k);
    assert_non_null(f);
    fill(f, number);
    keyframes_publish(k);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    struct keyframes *k = (struct keyframes *)1;
    assert_int_equal(keyframes_open(&k, 0, 4, false), -EINVAL);
    assert_null(k);
    assert_int_equal(keyframes_open(&k, 4, -1, false), -EINVAL);
    assert_int_equal(keyframes_open(&k, 2147483647, 2147483647, false), -ENOMEM);
    assert_null(k);
    keyframes_close(&k);
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    struct keyframe *f = keyframes_acquire(k);
    assert_int_equal(f->width_px, WIDTH);
    assert_int_equal(f->height_px, HEIGHT);
    keyframes_close(&k);
    assert_null(k);
}

static void with_frames_there_is_room_for_their_bytes(void **state)
{
    (void)state;
    struct keyframes *k;
    assert_int_equal(keyframes_open(&k, WIDTH + 1, HEIGHT, true), -EINVAL);
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT + 1, true), -EINVAL);
    assert_int_equal(keyframes_open(&k, 2147483646, 2147483646, true), -ENOMEM);
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    assert_null(keyframes_acquire(k)->nv12);
    keyframes_close(&k);

    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, true), 0);
    for (int n = 0; n < 4; n++) { /* one slot more than without */
        struct keyframe *f = keyframes_acquire(k);
        assert_false(f->is_frame);
        memset(f->nv12, n, WIDTH * HEIGHT / 2 * 3);
        f->is_frame = true;
        keyframes_publish(k);
    }
    for (int n = 0; n < 4; n++) {
        const struct keyframe *f = keyframes_next(k, 0);
        assert_true(f->is_frame);
        assert_int_equal(f->nv12[0], n);
        assert_int_equal(f->nv12[WIDTH * HEIGHT / 2 * 3 - 1], n);
        assert_non_null(f->rgb);
    }
    assert_false(keyframes_acquire(k)->is_frame); /* not what the slot held before */
    keyframes_close(&k);
}

static void they_come_in_order(void **state)
{
    (void)state;
    struct keyframes *k;
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    assert_null(keyframes_next(k, 0));
    publish(k, 1);
    publish(k, 2);
    publish(k, 3);
    const struct keyframe *older = keyframes_next(k, 0), *newer = keyframes_next(k, 0);
    expect(older, 1);
    expect(newer, 2);
    for (int64_t n = 4; n < 100; n++) {
        older = newer;
        newer = keyframes_next(k, 0);
        expect(newer, n - 1);
        publish(k, n);        /* goes to the slot that the camera has let go */
        expect(older, n - 2); /* while the two that it holds stay as they are */
        expect(newer, n - 1);
    }
    keyframes_close(&k);
}

static void acquiring_twice_is_the_same_slot(void **state)
{
    (void)state;
    struct keyframes *k;
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    struct keyframe *first = keyframes_acquire(k);
    assert_ptr_equal(keyframes_acquire(k), first);
    fill(first, 1);
    assert_null(keyframes_next(k, 0)); /* not handed over yet */
    keyframes_publish(k);
    assert_ptr_not_equal(keyframes_acquire(k), first);
    keyframes_close(&k);
}

static void next_waits_as_long_as_told(void **state)
{
    (void)state;
    struct keyframes *k;
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    int64_t began = clock_real_us();
    assert_null(keyframes_next(k, 30000));
    assert_in_range(clock_real_us() - began, 30000, 3000000);
    keyframes_close(&k);
}

static void the_position_is_passed_on(void **state)
{
    (void)state;
    struct keyframes *k;
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    assert_int_equal(keyframes_position(k), 0);
    keyframes_set_position(k, 123456789012);
    assert_int_equal(keyframes_position(k), 123456789012);
    keyframes_close(&k);
}

enum { MANY = 3000 };

static void *dream(void *arg)
{
    struct keyframes *k = arg;
    for (int64_t n = 1; n <= MANY; n++) {
        struct keyframe *f = keyframes_acquire(k);
        if (!f)
            return NULL;
        fill(f, n);
        keyframes_publish(k);
    }
    return k;
}

static void two_threads_lose_nothing(void **state)
{
    (void)state;
    struct keyframes *k;
    struct thread t;
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    assert_int_equal(thread_start(&t, "dream", dream, k), 0);
    const struct keyframe *older = NULL, *newer = NULL;
    for (int64_t n = 1; n <= MANY; n++) {
        older = newer;
        newer = keyframes_next(k, n % 2 ? -1 : 10000000);
        expect(newer, n);
        if (older)
            expect(older, n - 1);
    }
    assert_null(keyframes_next(k, 0));
    thread_join(&t);
    keyframes_close(&k);
}

struct waiter {
    struct keyframes *k;
    atomic_bool waiting, woken;
};

static void *wait_for_slot(void *arg)
{
    struct waiter *w = arg;
    atomic_store(&w->waiting, true);
    if (!keyframes_acquire(w->k))
        atomic_store(&w->woken, true);
    return NULL;
}

static void *fill_one_more(void *arg)
{
    struct waiter *w = arg;
    atomic_store(&w->waiting, true);
    fill(keyframes_acquire(w->k), 4);
    keyframes_publish(w->k);
    atomic_store(&w->woken, true);
    return NULL;
}

static void *wait_for_keyframe(void *arg)
{
    struct waiter *w = arg;
    atomic_store(&w->waiting, true);
    if (!keyframes_next(w->k, -1))
        atomic_store(&w->woken, true);
    return NULL;
}

/* The camera blends two; with the third waiting there is no slot to fill until it takes that one. */
static void pictures_in_use_are_not_given_away(void **state)
{
    (void)state;
    struct waiter w = {.woken = false};
    struct thread t;
    assert_int_equal(keyframes_open(&w.k, WIDTH, HEIGHT, false), 0);
    for (int i = 1; i <= 3; i++)
        publish(w.k, i);
    keyframes_next(w.k, 0);
    keyframes_next(w.k, 0);
    assert_int_equal(thread_start(&t, "dream", fill_one_more, &w), 0);
    while (!atomic_load(&w.waiting))
        usleep(1000);
    usleep(30000);
    assert_false(atomic_load(&w.woken));
    expect(keyframes_next(w.k, 0), 3);
    thread_join(&t);
    assert_true(atomic_load(&w.woken));
    expect(keyframes_next(w.k, 0), 4);
    keyframes_close(&w.k);
}

/* Fewer may wait than there are slots: the dream begins later and answers a later request. */
static void ahead_bounds_what_waits(void **state)
{
    (void)state;
    struct waiter w = {.woken = false};
    struct thread t;
    assert_int_equal(keyframes_open(&w.k, WIDTH, HEIGHT, true), 0);
    publish(w.k, 2);
    publish(w.k, 3);
    keyframes_set_ahead(w.k, 2);
    assert_int_equal(thread_start(&t, "dream", fill_one_more, &w), 0);
    while (!atomic_load(&w.waiting))
        usleep(1000);
    usleep(30000);
    assert_false(atomic_load(&w.woken));
    expect(keyframes_next(w.k, 0), 2);
    thread_join(&t);
    expect(keyframes_next(w.k, 0), 3);
    expect(keyframes_next(w.k, 0), 4);
    keyframes_close(&w.k);
}

/* ---- a relay ---- */

static bool is_readable(int fd)
{
    uint64_t count;
    return read(fd, &count, sizeof count) == sizeof count;
}

static void a_relay_is_woken_and_looks(void **state)
{
    (void)state;
    struct keyframes *k;
    int64_t published, taken;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    keyframes_set_wake_fd(k, fd);
    assert_null(keyframes_peek(k, 0));
    assert_false(is_readable(fd));
    publish(k, 1);
    assert_true(is_readable(fd));
    expect(keyframes_peek(k, 0), 1);
    expect(keyframes_peek(k, 0), 1); /* it is not taken */
    assert_null(keyframes_peek(k, 1));
    keyframes_next(k, 0);
    assert_true(is_readable(fd));
    assert_null(keyframes_peek(k, 0));
    keyframes_count(k, &published, &taken);
    assert_int_equal(published, 1);
    assert_int_equal(taken, 1);
    keyframes_set_wake_fd(k, -1);
    publish(k, 2);
    assert_false(is_readable(fd));
    close(fd);
    keyframes_close(&k);
}

static void a_relay_does_not_wait_for_a_slot(void **state)
{
    (void)state;
    struct keyframes *k;
    assert_int_equal(keyframes_open(&k, WIDTH, HEIGHT, false), 0);
    keyframes_set_ahead(k, 1); /* is for the dream */
    for (int i = 1; i <= keyframes_slots(false); i++) {
        struct keyframe *slot = keyframes_try_acquire(k);
        assert_non_null(slot);
        fill(slot, i);
        keyframes_publish(k);
    }
    assert_null(keyframes_try_acquire(k));
    expect(keyframes_next(k, 0), 1);
    assert_null(keyframes_try_acquire(k)); /* the camera still has it */
    expect(keyframes_next(k, 0), 2);
    expect(keyframes_next(k, 0), 3);
    assert_non_null(keyframes_try_acquire(k));
    keyframes_shutdown(k);
    assert_null(keyframes_try_acquire(k));
    keyframes_close(&k);
}

static void memory_and_position_may_be_shared(void **state)
{
    (void)state;
    static float pixels[KEYFRAMES_SLOTS_MAX][SAMPLES];
    struct keyframe_memory memory[KEYFRAMES_SLOTS_MAX];
    struct keyframes *dream, *camera;
    _Atomic int64_t position = 0;
    for (int i = 0; i < KEYFRAMES_SLOTS_MAX; i++)
        memory[i] = (struct keyframe_memory){pixels[i], NULL};
    assert_int_equal(keyframes_open_in(&dream, WIDTH, HEIGHT, false, memory), 0);
    assert_int_equal(keyframes_open(&camera, WIDTH, HEIGHT, false), 0);
    publish(dream, 1);
    publish(dream, 2);
    assert_true(pixels[1][0] == 200 && pixels[0][3] == 103);

    keyframes_set_position(camera, 40);
    keyframes_send_position(camera, &position);
    keyframes_follow_position(dream, &position);
    assert_int_equal(keyframes_position(dream), 40);
    keyframes_set_position(camera, 41);
    assert_int_equal(keyframes_position(dream), 41);
    atomic_store(&position, -5); /* by whoever else sees it */
    assert_int_equal(keyframes_position(camera), 41);
    keyframes_send_position(camera, NULL);
    keyframes_set_position(camera, 42);
    assert_int_equal(position, -5);
    keyframes_close(&dream); /* the memory is not its own */
    keyframes_close(&camera);
}

static void shutdown_wakes(void *(*side)(void *), int published)
{
    struct waiter w = {.woken = false};
    struct thread t;
    assert_int_equal(keyframes_open(&w.k, WIDTH, HEIGHT, false), 0);
    for (int i = 1; i <= published; i++)
        publish(w.k, i);
    assert_int_equal(thread_start(&t, "side", side, &w), 0);
    while (!atomic_load(&w.waiting))
        usleep(1000);
    usleep(20000);
    assert_false(atomic_load(&w.woken));
    keyframes_shutdown(w.k);
    thread_join(&t);
    assert_true(atomic_load(&w.woken));
    assert_null(keyframes_acquire(w.k));
    assert_null(keyframes_next(w.k, -1)); /* even when some are left */
    keyframes_close(&w.k);
}

static void shutdown_wakes_both_sides(void **state)
{
    (void)state;
    shutdown_wakes(wait_for_slot, 3);
    shutdown_wakes(wait_for_keyframe, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(with_frames_there_is_room_for_their_bytes),
        cmocka_unit_test(they_come_in_order),
        cmocka_unit_test(acquiring_twice_is_the_same_slot),
        cmocka_unit_test(next_waits_as_long_as_told),
        cmocka_unit_test(the_position_is_passed_on),
        cmocka_unit_test(two_threads_lose_nothing),
        cmocka_unit_test(pictures_in_use_are_not_given_away),
        cmocka_unit_test(ahead_bounds_what_waits),
        cmocka_unit_test(a_relay_is_woken_and_looks),
        cmocka_unit_test(a_relay_does_not_wait_for_a_slot),
        cmocka_unit_test(memory_and_position_may_be_shared),
        cmocka_unit_test(shutdown_wakes_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
