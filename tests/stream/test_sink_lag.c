/*
 * How far behind a line counts that throws packets away: its queue is short just after a drop, and yet it is too thin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <libavcodec/avcodec.h>

#include "common/clock.h"
#include "stream/encoder.h"
#include "stream/sink.h"

enum { FRAME_MS = 40, LIMIT_MS = 900 };

static atomic_bool stuck;
static atomic_int written;

static int line_open(struct sink *s, struct error *e)
{
    (void)s;
    (void)e;
    return 0;
}

/* A line that takes nothing while `stuck`. */
static void line_write(struct sink *s, AVPacket *packet)
{
    (void)packet;
    while (atomic_load(&stuck) && !sink_aborted(s))
        usleep(1000);
    atomic_fetch_add(&written, 1);
}

static const struct sink_ops line = {
    .name = "line",
    .limits = {.drop_unreferenced_ms = 700, .drop_pictures_ms = LIMIT_MS, .hard_ms = 2000},
    .priv_size = 1,
    .open = line_open,
    .write = line_write,
};

/* As they come: what comes at once has not waited. */
static void put_frames(struct sink *s, int from, int to)
{
    for (int n = from; n < to; n++) {
        usleep(FRAME_MS * 1000);
        AVPacket *p = av_packet_alloc();
        assert_int_equal(av_new_packet(p, 1000), 0);
        p->stream_index = TRACK_VIDEO;
        p->time_base = (AVRational){1, 1000};
        p->pts = p->dts = n * FRAME_MS;
        p->flags = n % 50 == 0 ? AV_PKT_FLAG_KEY : 0;
        sink_put(s, p);
        av_packet_free(&p);
    }
}

static void test_drops_count_as_lag(void **state)
{
    (void)state;
    struct stats stats = {0};
    const struct sink_params p = {.stats = &stats};
    struct sink *s;
    atomic_store(&stuck, true);
    assert_int_equal(sink_open(&s, &line, &p, NULL), 0);
    put_frames(s, 0, 12);
    assert_in_range(sink_lag_us(s), 300000, 500000); /* what waits, and nothing was dropped */
    put_frames(s, 12, 40);
    assert_true(stats_get(&stats, STAT_SINK_PACKETS_DROPPED) > 0);
    assert_in_range(sink_lag_us(s), LIMIT_MS * 1000, 2000000);

    int64_t kept = 40 - stats_get(&stats, STAT_SINK_PACKETS_DROPPED);
    atomic_store(&stuck, false);
    for (int i = 0; i < 2000 && atomic_load(&written) < kept; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&written), kept);
    assert_int_equal(sink_lag_us(s), LIMIT_MS * 1000); /* empty, but only because it threw things away */
    usleep(1700000);
    assert_int_equal(sink_lag_us(s), 0); /* and that is forgotten */
    sink_end(s);
    sink_wait(s, clock_real_us() + 3000000);
    sink_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drops_count_as_lag)};
    return cmocka_run_group_tests_name("sink_lag", tests, NULL, NULL);
}
