/*
 * Time: the three clocks, and frames that are due on them, late ones included.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/clock.h"
#include "common/pacer.h"
#include "common/rng.h"
#include "common/thread.h"

static void the_real_clock_sleeps(void **state)
{
    (void)state;
    struct clock c;
    clock_init_monotonic(&c);
    int64_t began = clock_now_us(&c);
    clock_sleep_until_us(&c, began + 20000);
    assert_in_range(clock_now_us(&c) - began, 20000, 2000000);
    clock_sleep_until_us(&c, began); /* in the past */
    clock_sleep_until_us(&c, -1);
    clock_sleep_until_us(&c, 0);
    assert_in_range(clock_now_us(&c) - began, 20000, 2000000);
    assert_in_range(clock_now_us(&c) - clock_real_us() + 1000000, 0, 1000000);
}

static void the_virtual_clock_moves_when_told(void **state)
{
    (void)state;
    struct clock c;
    clock_init_virtual(&c, 5000);
    assert_true(c.is_virtual);
    assert_int_equal(clock_now_us(&c), 5000);
    int64_t began = clock_real_us();
    clock_sleep_until_us(&c, 3600000000);
    assert_in_range(clock_real_us() - began, 0, 1000000);
    assert_int_equal(clock_now_us(&c), 3600000000);
    clock_sleep_until_us(&c, 1); /* never backwards */
    assert_int_equal(clock_now_us(&c), 3600000000);
}

enum { PUSHES = 20000 };

static void *push_clock(void *arg)
{
    struct clock *c = arg;
    for (int i = 1; i <= PUSHES; i++)
        clock_sleep_until_us(c, clock_now_us(c) + (i % 3) - 1);
    return NULL;
}

static void virtual_time_is_monotonic_for_every_thread(void **state)
{
    (void)state;
    struct clock c;
    struct thread t[2];
    clock_init_virtual(&c, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_start(&t[i], "push", push_clock, &c), 0);
    int64_t last = 0;
    for (int i = 0; i < PUSHES; i++) {
        int64_t now = clock_now_us(&c);
        assert_true(now >= last);
        last = now;
    }
    for (int i = 0; i < 2; i++)
        thread_join(&t[i]);
    assert_true(clock_now_us(&c) >= PUSHES / 3);
}

static void one_frame_at_a_time_on_virtual_time(void **state)
{
    (void)state;
    struct clock c;
    struct pacer p;
    clock_init_virtual(&c, 1000000);
    pacer_start(&p, &c, 30);
    for (int64_t n = 0; n < 1000; n++) {
        assert_int_equal(pacer_wait(&p), 1);
        assert_int_equal(clock_now_us(&c), 1000000 + n * 1000000 / 30);
        if (n % 7 == 0)
            clock_sleep_until_us(&c, clock_now_us(&c) + 20000); /* somebody else's sleep, within the frame */
    }
    assert_int_equal(p.frames, 1000);
    assert_int_equal(p.skipped_us, 0);
}

/* Work of random length between frames: never early, the count follows the time, nothing adds up. */
static void late_frames_are_counted(void **state)
{
    (void)state;
    static const int rates[] = {1, 24, 25, 30, 50, 60};
    struct rng r = rng_make(9, 9);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct clock c;
        struct pacer p;
        int fps = rates[i];
        clock_init_by_hand(&c, 777);
        pacer_start(&p, &c, fps);
        int64_t frames = 0;
        for (int n = 0; n < 5000; n++) {
            int due = pacer_wait(&p);
            assert_true(due >= 1);
            frames += due;
            assert_int_equal(p.frames, frames);
            int64_t now = clock_now_us(&c) - 777;
            assert_true(now >= (frames - 1) * 1000000 / fps); /* the last one that is due is due */
            assert_true(now < frames * 1000000 / fps + 2);    /* and the next one is not */
            clock_sleep_until_us(&c, clock_now_us(&c) + rng_below(&r, 100000));
        }
        assert_int_equal(p.skipped_us, 0);
    }
}

static void a_standstill_is_skipped(void **state)
{
    (void)state;
    struct clock c;
    struct pacer p;
    clock_init_by_hand(&c, 0);
    pacer_start(&p, &c, 25);
    for (int i = 0; i < 10; i++)
        assert_int_equal(pacer_wait(&p), 1);
    clock_sleep_until_us(&c, 400000 + PACER_GAP_MAX_US); /* just not too long: due */
    assert_int_equal(pacer_wait(&p), 1 + 25 * (PACER_GAP_MAX_US / 1000000));
    assert_int_equal(p.skipped_us, 0);
    clock_sleep_until_us(&c, clock_now_us(&c) + 3600000000); /* a laptop lid: given up */
    assert_int_equal(pacer_wait(&p), 1);
    assert_in_range(p.skipped_us, 3599000000, 3600000000);
    int64_t resumed = clock_now_us(&c);
    assert_int_equal(pacer_wait(&p), 1); /* and the rhythm is there again */
    assert_int_equal(clock_now_us(&c) - resumed, 40000);
    assert_int_equal(p.frames, 10 + 1 + 25 * (PACER_GAP_MAX_US / 1000000) + 2);
}

static void nothing_drifts_in_weeks(void **state)
{
    (void)state;
    struct clock c;
    struct pacer p;
    clock_init_by_hand(&c, 123);
    pacer_start(&p, &c, 30);
    p.frames = (int64_t)30 * 86400 * 365; /* a year later */
    assert_int_equal(pacer_wait(&p), 1);
    assert_int_equal(clock_now_us(&c), 123 + (int64_t)86400 * 365 * 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_real_clock_sleeps),
        cmocka_unit_test(the_virtual_clock_moves_when_told),
        cmocka_unit_test(virtual_time_is_monotonic_for_every_thread),
        cmocka_unit_test(one_frame_at_a_time_on_virtual_time),
        cmocka_unit_test(late_frames_are_counted),
        cmocka_unit_test(a_standstill_is_skipped),
        cmocka_unit_test(nothing_drifts_in_weeks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
