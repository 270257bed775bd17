/*
 * Hand-off H4: what a queue throws away, in which order, and that what is left can be decoded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <libavcodec/avcodec.h>

#include "common/mem.h"
#include "common/thread.h"
#include "stream/encoder.h"
#include "stream/sink_queue.h"

static const struct sink_limits network = {
    .drop_unreferenced_ms = 700, .drop_pictures_ms = 900, .hard_ms = 2000};

/* Kinds: I, P, B (unreferenced), A. One letter is one packet; `ms` its dts, and it comes at `at_ms` of the clock. */
static int put_at(struct sink_queue *q, char kind, int64_t ms, int64_t at_ms)
{
    AVPacket *p = av_packet_alloc();
    assert_int_equal(av_new_packet(p, 1000), 0);
    p->stream_index = kind == 'A' ? TRACK_AUDIO : TRACK_VIDEO;
    p->time_base = (AVRational){1, 1000};
    p->pts = p->dts = ms;
    p->flags = kind == 'I' || kind == 'A' ? AV_PKT_FLAG_KEY : kind == 'B' ? AV_PKT_FLAG_DISPOSABLE : 0;
    p->data[0] = (uint8_t)kind;
    int dropped = sink_queue_put(q, p, at_ms * 1000);
    av_packet_free(&p);
    return dropped;
}

static int put(struct sink_queue *q, char kind, int64_t ms)
{
    return put_at(q, kind, ms, ms);
}

/* 25 frames a second as I B B P B B P ..., an IDR every two seconds, sound with every frame. */
static char kind_of(int frame)
{
    return frame % 50 == 0 ? 'I' : frame % 3 == 1 ? 'P' : 'B';
}

static int put_frames(struct sink_queue *q, int from, int count)
{
    int dropped = 0;
    for (int n = from; n < from + count; n++)
        dropped += put(q, 'A', n * 40) + put(q, kind_of(n), n * 40);
    return dropped;
}

/* Takes everything that is there; `seen` gets one letter per packet. */
static size_t take_all(struct sink_queue *q, char *seen, size_t size)
{
    size_t n = 0;
    while (sink_queue_fill(q).packets > 0) {
        AVPacket *p = sink_queue_take(q);
        assert_true(n + 1 < size);
        seen[n++] = (char)p->data[0];
        av_packet_free(&p);
    }
    seen[n] = '\0';
    return n;
}

static int count(const char *s, char c)
{
    int n = 0;
    for (; *s; s++)
        n += *s == c;
    return n;
}

static void test_order_is_kept(void **state)
{
    (void)state;
    struct sink_queue *q;
    char seen[64];
    sink_queue_open(&q, &network, false);
    assert_int_equal(put_frames(q, 0, 5), 0);
    take_all(q, seen, sizeof seen);
    assert_string_equal(seen, "AIAPABABAP");
    sink_queue_close(&q);
    assert_null(q);
}

static void test_unreferenced_pictures_go_first(void **state)
{
    (void)state;
    struct sink_queue *q;
    char seen[256];
    sink_queue_open(&q, &network, false);
    assert_int_equal(put_frames(q, 0, 18), 0); /* the newest is 680 ms younger than the oldest */
    assert_true(put_frames(q, 18, 4) > 0);     /* 840 ms */
    take_all(q, seen, sizeof seen);
    assert_int_equal(count(seen, 'B'), 0);
    assert_int_equal(count(seen, 'P'), 7);
    assert_int_equal(count(seen, 'I'), 1);
    assert_int_equal(count(seen, 'A'), 22);
    sink_queue_close(&q);
}

/* The encoder stood still for three seconds: their sound comes at once, and the picture behind it. Only what then waits counts. */
static void test_a_burst_has_not_waited(void **state)
{
    (void)state;
    struct sink_queue *q;
    char seen[512];
    sink_queue_open(&q, &network, false);
    assert_int_equal(put_at(q, 'I', 0, 0), 0);
    for (int64_t ms = 0; ms < 3000; ms += 40)
        assert_int_equal(put_at(q, 'A', ms, 3), 0);
    assert_int_equal(put_at(q, 'P', 3000, 3), 0);
    assert_in_range(sink_queue_fill(q).us, 0, 3000);
    for (int64_t ms = 3040; ms < 3680; ms += 40) /* and 0.7 s later nothing was taken */
        assert_int_equal(put_at(q, 'P', ms, ms - 2997), 0);
    assert_int_equal(put_at(q, 'P', 3920, 920) > 0, 1);
    take_all(q, seen, sizeof seen);
    assert_int_equal(count(seen, 'P'), 0);
    assert_int_equal(count(seen, 'A'), 75);
    sink_queue_close(&q);
}

static void test_then_all_pictures_until_the_next_idr(void **state)
{
    (void)state;
    struct sink_queue *q;
    char seen[256];
    sink_queue_open(&q, &network, false);
    put_frames(q, 0, 25); /* 960 ms */
    take_all(q, seen, sizeof seen);
    assert_int_equal(count(seen, 'B') + count(seen, 'P'), 0);
    assert_int_equal(count(seen, 'A'), 25);
    put_frames(q, 25, 25); /* the queue is empty, but these pictures lack what they refer to */
    take_all(q, seen, sizeof seen);
    assert_int_equal(count(seen, 'A'), (int)strlen(seen));
    put_frames(q, 50, 3);
    take_all(q, seen, sizeof seen);
    assert_string_equal(seen, "AIABAP");
    sink_queue_close(&q);
}

static void test_hard_limit_bounds_everything(void **state)
{
    (void)state;
    struct sink_queue *q;
    char seen[512];
    sink_queue_open(&q, &network, false);
    int dropped = 0, most_us = 0;
    for (int n = 0; n < 250; n++) {
        dropped += put_frames(q, n, 1);
        int us = (int)sink_queue_fill(q).us;
        most_us = us > most_us ? us : most_us;
    }
    assert_in_range(most_us, 1, 2000000);
    size_t left = take_all(q, seen, sizeof seen);
    assert_int_equal(dropped + (int)left, 500);
    assert_int_equal(count(seen, 'P') + count(seen, 'B'), 0);
    sink_queue_close(&q);
}

static void test_bytes_drop_whole_groups(void **state)
{
    (void)state;
    struct sink_limits limits = {.hard_bytes = 150000};
    struct sink_queue *q;
    char seen[512];
    sink_queue_open(&q, &limits, false);
    int dropped = put_frames(q, 0, 74); /* 148 packets of 1000 bytes */
    assert_int_equal(dropped, 0);
    dropped = put_frames(q, 74, 2);
    assert_int_equal(dropped, 101); /* the first group and the sound up to the next IDR */
    assert_true(sink_queue_fill(q).bytes <= 150000);
    take_all(q, seen, sizeof seen);
    assert_int_equal(seen[0], 'I');
    assert_int_equal(count(seen, 'P') + count(seen, 'B') + 1, 26);
    sink_queue_close(&q);
}

static void test_deaf_queue_starts_again_at_an_idr(void **state)
{
    (void)state;
    struct sink_queue *q;
    struct sink_limits none = {0};
    char seen[512];
    sink_queue_open(&q, &none, false);
    put_frames(q, 0, 10);
    sink_queue_set_deaf(q, true);
    assert_int_equal(sink_queue_fill(q).packets, 0);
    assert_int_equal(put_frames(q, 10, 60), 0); /* not the encoder's fault: not counted */
    assert_int_equal(sink_queue_fill(q).packets, 0);
    sink_queue_set_deaf(q, false);
    assert_int_equal(put_frames(q, 70, 32), 0);
    take_all(q, seen, sizeof seen);
    assert_string_equal(seen + strlen(seen) - 4, "AIAB");
    assert_int_equal(count(seen, 'P') + count(seen, 'B'), 1);
    assert_int_equal(count(seen, 'A'), 32);
    sink_queue_close(&q);
}

struct drain {
    struct sink_queue *q;
    int taken, sleep_us;
};

static void *drain_main(void *arg)
{
    struct drain *d = arg;
    for (AVPacket *p; (p = sink_queue_take(d->q)); d->taken++) {
        usleep((useconds_t)d->sleep_us);
        av_packet_free(&p);
    }
    return NULL;
}

static void test_lossless_waits_and_loses_nothing(void **state)
{
    (void)state;
    struct sink_limits limits = {.hard_bytes = 20000, .drop_unreferenced_ms = 1, .drop_pictures_ms = 1};
    struct drain d = {.sleep_us = 200};
    struct thread t;
    sink_queue_open(&d.q, &limits, true);
    assert_int_equal(thread_start(&t, "drain", drain_main, &d), 0);
    int dropped = 0;
    int64_t most = 0;
    for (int n = 0; n < 300; n++) {
        dropped += put_frames(d.q, n, 1);
        int64_t bytes = sink_queue_fill(d.q).bytes;
        most = bytes > most ? bytes : most;
    }
    sink_queue_end(d.q);
    thread_join(&t);
    assert_int_equal(dropped, 0);
    assert_int_equal(d.taken, 600);
    assert_in_range(most, 1, 22000);
    sink_queue_close(&d.q);
}

static void test_abort_ends_waiting(void **state)
{
    (void)state;
    struct sink_limits limits = {.hard_bytes = 1000};
    struct drain d = {.sleep_us = 0};
    struct thread t;
    sink_queue_open(&d.q, &limits, true);
    assert_int_equal(thread_start(&t, "drain", drain_main, &d), 0);
    sink_queue_abort(d.q);
    thread_join(&t); /* take returned NULL */
    assert_int_equal(put_frames(d.q, 0, 100), 200);
    assert_int_equal(sink_queue_fill(d.q).packets, 0);
    sink_queue_close(&d.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_kept),
        cmocka_unit_test(test_unreferenced_pictures_go_first),
        cmocka_unit_test(test_a_burst_has_not_waited),
        cmocka_unit_test(test_then_all_pictures_until_the_next_idr),
        cmocka_unit_test(test_hard_limit_bounds_everything),
        cmocka_unit_test(test_bytes_drop_whole_groups),
        cmocka_unit_test(test_deaf_queue_starts_again_at_an_idr),
        cmocka_unit_test(test_lossless_waits_and_loses_nothing),
        cmocka_unit_test(test_abort_ends_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
