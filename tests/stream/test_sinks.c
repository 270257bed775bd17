/*
 * Sinks: files that play, whatever happens to the disk; digests; the family's rules.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/clock.h"
#include "stream/av_log.h"
#include "stream/sink.h"
#include "tests/stream/media.h"

struct fan {
    struct sink *sinks[4];
    int count;
};

static void to_sinks(void *context, const AVPacket *packet)
{
    struct fan *fan = context;
    for (int i = 0; i < fan->count; i++)
        sink_put(fan->sinks[i], packet);
}

static const struct sink_ops *find_ops(const char *name)
{
    for (int i = 0; sink_registry[i]; i++)
        if (strcmp(sink_registry[i]->name, name) == 0)
            return sink_registry[i];
    fail_msg("no sink %s", name);
    return NULL;
}

static void set(const struct sink_ops *ops, void *config, const char *name, const char *value)
{
    struct error e = {""};
    for (size_t i = 0; i < ops->section->count; i++)
        if (strcmp(ops->section->options[i].name, name) == 0) {
            if (option_parse(&ops->section->options[i], config, value, &e) < 0)
                fail_msg("%s", e.text);
            return;
        }
    fail_msg("no option %s", name);
}

static void *config_of(const struct sink_ops *ops)
{
    void *config = xcalloc(1, ops->config_size + 1);
    if (ops->section)
        option_defaults(ops->section, config);
    return config;
}

static void close_in(struct sink **s, int64_t patience_us)
{
    sink_end(*s);
    sink_wait(*s, clock_real_us() + patience_us);
    sink_close(s);
}

/* Records `frames` frames of a small picture into `folder`. */
static void record(const char *folder, const char *minutes, int64_t frames, struct stats *stats)
{
    const struct sink_ops *ops = find_ops("record");
    void *config = config_of(ops);
    set(ops, config, "dir", folder);
    set(ops, config, "segment_minutes", minutes);
    struct video_config v = media_video(160, 96);
    struct audio_config a = media_silence();
    struct encoder *e = media_encoder(&v, &a);
    struct fan fan = {.count = 1};
    struct error error;
    assert_int_equal(sink_open(&fan.sinks[0], ops, config, encoder_tracks(e), stats, true, &error), 0);
    media_encode(e, 0, frames, to_sinks, &fan);
    assert_int_equal(encoder_finish(e, to_sinks, &fan), 0);
    close_in(&fan.sinks[0], 3000000);
    encoder_close(&e);
    free(config);
}

static void test_file_is_exact(void **state)
{
    (void)state;
    struct stats stats = {0};
    char *folder = media_folder();
    record(folder, "30", 75, &stats);
    assert_int_equal(media_file_count(folder), 1);
    char *path = media_file(folder, 0);
    struct media_report r;
    assert_int_equal(media_inspect(path, 25, &r), 0);
    assert_int_equal(r.codec[0], AV_CODEC_ID_H264);
    assert_int_equal(r.codec[1], AV_CODEC_ID_AAC);
    assert_int_equal(r.width, 160);
    assert_int_equal(r.video_packets, 75);
    assert_int_equal(r.pictures, 75);
    assert_int_equal(r.uneven, 0);
    assert_int_equal(r.first_picture, 0);
    assert_int_equal(r.wrong_pictures, 0);
    assert_int_equal(r.first_video_pts_us, 0);
    assert_int_equal(r.first_audio_pts_us, 0);
    assert_true(r.fps.num == 25 && r.fps.den == 1);
    assert_true(r.guessed_fps.num == 25 && r.guessed_fps.den == 1);
    assert_true(fabs(r.duration_s - 3.0) < 0.0005);
    assert_int_equal(stats_get(&stats, STAT_SINK_ERRORS), 0);
    free(path);
    media_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_exact),
    };
    av_log_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
