/*
 * Outputs that come and go while the show runs: the others go on, one that hangs is waited for by nobody, and the
 * packets that one gets are whole.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"
#include "config/config.h"
#include "stream/outputs.h"
#include "tests/stream/media.h"

struct scene {
    struct stream_config *config;
    struct stats stats;
    struct encoder *encoder;
    struct video_config video;
    struct audio_config audio;
    struct outputs *outputs;
    int64_t frames, slowest_us;
    char *folder;
    bool finished;
};

static void to_outputs(void *context, const AVPacket *packet)
{
    outputs_put(context, packet);
}

static void set_up(struct scene *s, bool offline)
{
    *s = (struct scene){.config = stream_config_new(), .folder = media_folder()};
    const struct option_section *sections[24];
    void *configs[24];
    struct config_entry entries[24];
    struct error e = {""};
    int n = stream_config_sections(s->config, sections, configs, 24);
    for (int i = 0; i < n; i++)
        entries[i] = (struct config_entry){sections[i], configs[i]};
    const struct config all = {entries, (size_t)n, stream_config_outputs(s->config)};
    char *dir = xasprintf("outputs.a.dir=%s/a", s->folder),
         *second = xasprintf("outputs.b.dir=%s/b", s->folder);
    const char *const sets[] = {"record.enabled=false",
                                "outputs.a.kind=record",
                                "outputs.b.kind=record",
                                "outputs.b.enabled=no",
                                "outputs.t.kind=rtmp",
                                "outputs.t.enabled=no",
                                "outputs.t.url=rtmp://127.0.0.1:1/app"};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        if (config_set(&all, sets[i], &e) < 0)
            fail_msg("%s", e.text);
    assert_int_equal(config_set(&all, dir, &e), 0);
    assert_int_equal(config_set(&all, second, &e), 0);
    free(dir);
    free(second);
    s->video = media_video(160, 96);
    s->audio = media_silence();
    s->encoder = media_encoder(&s->video, &s->audio);
    s->outputs = outputs_new(s->config, &s->stats, offline);
    assert_int_equal(outputs_open(s->outputs, encoder_tracks(s->encoder), &e), 0);
}

static void run(struct scene *s, int frames)
{
    for (int i = 0; i < frames; i++) {
        media_encode(s->encoder, s->frames++, 1, to_outputs, s->outputs);
        int64_t began_us = clock_real_us();
        outputs_tend(s->outputs);
        int64_t us = clock_real_us() - began_us;
        s->slowest_us = us > s->slowest_us ? us : s->slowest_us;
    }
}

static void finish(struct scene *s)
{
    if (!s->finished)
        encoder_finish(s->encoder, INT64_MAX, to_outputs, s->outputs);
    outputs_close(s->outputs);
    s->finished = true;
}

static void tear_down(struct scene *s)
{
    finish(s);
    outputs_free(&s->outputs);
    encoder_close(&s->encoder);
    stream_config_free(s->config);
    for (int i = 0; i < 2; i++) {
        char *sub = xasprintf("%s/%c", s->folder, 'a' + i);
        if (access(sub, F_OK) == 0)
            media_remove(sub);
        else
            free(sub);
    }
    media_remove(s->folder);
}

/* Those of one that was switched off end anywhere: the last B-frames may be missing before the last picture. */
static int pictures(const struct scene *s, char output)
{
    char *dir = xasprintf("%s/%c", s->folder, output), *path = media_file(dir, 0);
    struct media_report r = {0};
    int rc = path ? media_inspect(path, 25, &r) : -1;
    int missing_max = output == 'b' ? 2 : 0;
    assert_true(rc < 0 || (r.uneven <= missing_max && r.wrong_pictures <= missing_max));
    free(path);
    free(dir);
    return rc < 0 ? -1 : r.pictures;
}

static enum stats_sink_state state_of(struct scene *s, const char *name)
{
    return (enum stats_sink_state)atomic_load(&stats_sink(&s->stats, name)->state);
}

static void wait_until_off(struct scene *s, const char *name)
{
    for (int i = 0; i < 500 && state_of(s, name) != STATS_SINK_ENDED; i++) {
        usleep(10000);
        outputs_tend(s->outputs);
    }
    assert_int_equal(state_of(s, name), STATS_SINK_ENDED);
}

static void one_comes_and_goes(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, false);
    assert_int_equal(state_of(&s, "b"), STATS_SINK_ENDED);
    run(&s, 50);
    assert_int_equal(outputs_switch(s.outputs, "b", true), 0);
    assert_int_equal(outputs_switch(s.outputs, "B", true), -EALREADY);
    run(&s, 100);
    assert_int_equal(outputs_switch(s.outputs, "b", false), 0);
    run(&s, 1);
    wait_until_off(&s, "b");
    int of_b = pictures(&s, 'b');
    assert_true(of_b >= 90 && of_b <= 101);
    run(&s, 49);
    finish(&s);
    assert_int_equal(pictures(&s, 'a'), 200);
    assert_true(s.slowest_us < 500000);
    tear_down(&s);
}

/* To a port where nobody listens: it tries for ever, and goes when it is told to. */
static void one_that_never_connects(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, false);
    assert_true(outputs_want_constant_rate(s.outputs)); /* it may come */
    assert_int_equal(outputs_switch(s.outputs, "t", true), 0);
    run(&s, 60);
    assert_true(state_of(&s, "t") == STATS_SINK_CONNECTING || state_of(&s, "t") == STATS_SINK_RETRYING);
    assert_int_equal(outputs_switch(s.outputs, "t", false), 0);
    run(&s, 1);
    wait_until_off(&s, "t");
    tear_down(&s);
}

static void what_cannot_be_switched(void **state)
{
    (void)state;
    struct scene s;
    struct stream_output list[16];
    set_up(&s, false);
    assert_int_equal(outputs_switch(s.outputs, "page", true), -ENOENT);
    assert_int_equal(outputs_switch(s.outputs, "null", true), -ENOENT);
    assert_int_equal(outputs_switch(s.outputs, "", true), -ENOENT);
    assert_int_equal(outputs_clip(s.outputs), -ENOENT);
    int count = outputs_list(s.outputs, list, 16), on = 0;
    assert_int_equal(count, 7); /* record, rtmp, clip, md5, a, b, t */
    for (int i = 0; i < count; i++)
        on += list[i].on;
    assert_int_equal(on, 1);
    assert_int_equal(outputs_list(s.outputs, list, 2), 2);
    tear_down(&s);
    set_up(&s, true);
    assert_int_equal(outputs_switch(s.outputs, "b", true), -EPERM);
    tear_down(&s);
}

/* rtmp is on by the settings of its section, and cannot work. */
static void one_that_cannot_be_opened_stays_off(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, false);
    log_set_level(LOG_ERROR);
    assert_int_equal(outputs_switch(s.outputs, "rtmp", true), 0); /* it has no url */
    run(&s, 2);
    struct stream_output list[16];
    int count = outputs_list(s.outputs, list, 16);
    for (int i = 0; i < count; i++)
        assert_true(strcmp(list[i].name, "rtmp") != 0 || !list[i].on);
    log_set_level(LOG_INFO);
    tear_down(&s);
}

static void *flip(void *arg)
{
    struct outputs *o = arg;
    struct stream_output list[16];
    for (int i = 0; i < 200; i++) {
        outputs_switch(o, "b", i % 2 == 0);
        outputs_list(o, list, 16);
        outputs_clip(o);
        usleep(1000);
    }
    return NULL;
}

static void from_another_thread(void **state)
{
    (void)state;
    struct scene s;
    struct thread other = {0};
    set_up(&s, false);
    log_set_level(LOG_ERROR);
    assert_int_equal(thread_start(&other, "flip", flip, s.outputs), 0);
    run(&s, 100);
    thread_join(&other);
    run(&s, 1);
    wait_until_off(&s, "b");
    log_set_level(LOG_INFO);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_comes_and_goes),      cmocka_unit_test(one_that_never_connects),
        cmocka_unit_test(what_cannot_be_switched), cmocka_unit_test(one_that_cannot_be_opened_stays_off),
        cmocka_unit_test(from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
