/*
 * The last minute: what is kept in memory is bounded and can be decoded from its first packet on, and a clip is as long
 * as it should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/clock.h"
#include "stream/held.h"
#include "stream/sink.h"
#include "tests/stream/media.h"

enum { FPS = 25, GROUP = 50 };

extern const struct sink_ops sink_clip;

/* A picture or a piece of sound, of so many bytes. */
static void add(struct held *h, int track, int64_t dts, bool idr, int bytes)
{
    AVPacket *p = av_packet_alloc();
    assert_int_equal(av_new_packet(p, bytes), 0);
    p->stream_index = track;
    p->time_base = (AVRational){1, FPS};
    p->dts = p->pts = dts;
    p->flags = idr ? AV_PKT_FLAG_KEY : 0;
    assert_int_equal(held_add(h, p), 0);
    av_packet_free(&p);
}

static void add_groups(struct held *h, int64_t from, int groups, int bytes)
{
    for (int64_t n = from; n < from + groups * GROUP; n++) {
        add(h, TRACK_VIDEO, n, n % GROUP == 0, bytes);
        add(h, TRACK_AUDIO, n, true, 1);
    }
}

static double kept_s(const struct held *h)
{
    return h->end > h->first ? (double)(h->packets[h->end - 1]->dts - h->packets[h->first]->dts) / FPS : 0;
}

static void it_begins_with_an_idr(void **state)
{
    (void)state;
    struct held h = {.most_us = 60000000};
    add(&h, TRACK_AUDIO, 0, true, 1);
    add(&h, TRACK_VIDEO, 1, false, 1);
    assert_int_equal(h.end, h.first);
    add(&h, TRACK_VIDEO, 2, true, 1);
    add(&h, TRACK_AUDIO, 2, true, 1);
    assert_int_equal(h.end - h.first, 2);
    held_clear(&h);
    assert_int_equal(h.bytes, 0);
    held_free(&h);
}

static void it_is_bounded_in_time(void **state)
{
    (void)state;
    struct held h = {.most_us = 10000000};
    for (int i = 0; i < 100; i++) {
        add_groups(&h, (int64_t)i * GROUP, 1, 100);
        assert_true(h.packets[h.first]->stream_index == TRACK_VIDEO &&
                    (h.packets[h.first]->flags & AV_PKT_FLAG_KEY));
        if (i > 6)
            assert_true(kept_s(&h) >= 10 && kept_s(&h) < 14);
    }
    assert_true(h.room <= 2048);
    held_free(&h);
}

static void it_is_bounded_in_bytes(void **state)
{
    (void)state;
    struct held h = {.most_us = 600000000, .most_bytes = 300000};
    for (int i = 0; i < 50; i++) {
        add_groups(&h, (int64_t)i * GROUP, 1, 1000);
        assert_true(h.bytes <= 300000);
    }
    assert_true(kept_s(&h) > 7);
    add_groups(&h, 50 * GROUP, 1, 10000); /* one group is more than all */
    assert_true(h.bytes <= 300000);
    add_groups(&h, 51 * GROUP, 1, 1000);
    assert_true(h.packets[h.first]->dts == 51 * GROUP);
    held_free(&h);
}

/* ---- clips ---- */

static void set(void *config, const char *name, const char *value)
{
    for (size_t i = 0; i < sink_clip.section->count; i++)
        if (strcmp(sink_clip.section->options[i].name, name) == 0)
            assert_int_equal(option_parse(&sink_clip.section->options[i], config, value, NULL), 0);
}

static void to_sink(void *context, const AVPacket *packet)
{
    sink_put(context, packet);
}

/* Asks for a clip after so many frames. Returns the stats' errors. */
static int64_t keep(const char *folder, int frames)
{
    struct stats stats = {0};
    struct video_config v = media_video(160, 96);
    struct audio_config a = media_silence();
    struct encoder *e = media_encoder(&v, &a);
    struct sink *s = NULL;
    void *config = xcalloc(1, sink_clip.config_size);
    option_defaults(sink_clip.section, config);
    set(config, "dir", folder);
    set(config, "length", "5");
    const struct sink_params p = {
        .config = config, .tracks = encoder_tracks(e), .stats = &stats, .offline = true};
    assert_int_equal(sink_open(&s, &sink_clip, &p, NULL), 0);
    media_encode(e, 0, frames, to_sink, s);
    encoder_finish(e, INT64_MAX, to_sink, s);
    while (sink_lag_us(s) > 0)
        usleep(1000);
    sink_keep(s);
    AVPacket *last = av_packet_alloc(); /* one more wakes it: a piece of sound behind all others */
    av_new_packet(last, 8);
    last->stream_index = TRACK_AUDIO;
    last->time_base = (AVRational){1, 48000};
    last->pts = last->dts = (int64_t)frames * 48000 / FPS + 1024;
    last->flags = AV_PKT_FLAG_KEY;
    sink_put(s, last);
    av_packet_free(&last);
    sink_end(s);
    sink_wait(s, clock_real_us() + 5000000);
    sink_close(&s);
    encoder_close(&e);
    free(config);
    return stats_get(&stats, STAT_SINK_ERRORS);
}

static void a_clip_has_the_last_of_it(void **state)
{
    (void)state;
    char *folder = media_folder();
    assert_int_equal(keep(folder, 12 * FPS), 0);
    char *path = media_file(folder, 0);
    struct media_report r;
    assert_non_null(path);
    assert_int_equal(media_inspect(path, FPS, &r), 0);
    assert_true(r.starts_with_idr);
    assert_true(r.pictures >= 5 * FPS && r.pictures <= 7 * FPS);
    assert_int_equal(r.wrong_pictures, 0);
    assert_int_equal((r.first_picture + r.pictures - 1) % 50, (12 * FPS - 1) % 50); /* up to the newest */
    assert_int_equal(r.first_video_pts_us, 0);
    free(path);
    media_remove(folder);
}

static void a_show_that_has_only_begun_gives_what_there_is(void **state)
{
    (void)state;
    char *folder = media_folder();
    assert_int_equal(keep(folder, 2 * FPS), 0);
    char *path = media_file(folder, 0);
    struct media_report r;
    assert_int_equal(media_inspect(path, FPS, &r), 0);
    assert_int_equal(r.pictures, 2 * FPS);
    free(path);
    media_remove(folder);
}

static void no_folder_is_no_end(void **state)
{
    (void)state;
    assert_int_equal(keep("/dev/null/clips", 2 * FPS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_an_idr),
        cmocka_unit_test(it_is_bounded_in_time),
        cmocka_unit_test(it_is_bounded_in_bytes),
        cmocka_unit_test(a_clip_has_the_last_of_it),
        cmocka_unit_test(a_show_that_has_only_begun_gives_what_there_is),
        cmocka_unit_test(no_folder_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
