/*
 * The output side as a whole, with a dream that paints flat pictures: exact and repeatable offline, on time
 * and unimpressed by late pictures live, and quick to end.
 *
 * Live shows whose frames are counted run by a clock that waits for them, so that a busy machine leaves none out; those that
 * are about time run by the machine's.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stream/stream.h"
#include "tests/stream/media.h"

enum { KEYFRAME_EVERY = 20, PICTURES_MAX = 1000 };

struct dream {
    struct keyframes *keyframes;
    struct thread thread;
    int pictures_max, sleep_ms, pictures_per_request;
    int painted;
    bool frames;            /* every output frame, from the first to frames_max */
    int stall_at, stall_ms; /* before this picture it sleeps once */
    int keyframes_from;     /* from this picture on keyframes again; 0: never */
    int64_t z;              /* of the last picture */
};

/* A frame that says which it is, as media_draw does. */
static void paint_frame(struct dream *d, struct keyframe *k)
{
    int width = k->width_px, pixels = width * k->height_px, n = d->painted;
    for (int i = 0; i < pixels; i++) {
        int x = i % width, y = i / width;
        k->nv12[i] = (uint8_t)(x < 16 && y < 16 ? 16 + n * 4 % 200 : 16 + ((x + 3 * n) ^ (y + n)) % 200);
    }
    memset(k->nv12 + pixels, 128, (size_t)pixels / 2);
    int64_t camera = keyframes_position(d->keyframes);
    d->z = d->painted == 0 ? 0 : d->z + 1 > camera || !d->stall_ms ? d->z + 1 : camera + 1;
    k->is_frame = true;
}

static void paint_keyframe(struct dream *d, struct keyframe *k)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < k->width_px * k->height_px; i++)
            k->rgb[c * k->width_px * k->height_px + i] = (float)((i * (c + 2) + d->painted * 40) % 256);
    d->z = d->frames ? keyframes_position(d->keyframes) + KEYFRAME_EVERY : d->painted * KEYFRAME_EVERY;
}

static void *dream_main(void *arg)
{
    struct dream *d = arg;
    struct keyframe *k;
    while (d->painted < d->pictures_max && (k = keyframes_acquire(d->keyframes))) {
        usleep((useconds_t)(d->sleep_ms + (d->painted == d->stall_at ? d->stall_ms : 0)) * 1000);
        if (d->frames && (d->keyframes_from == 0 || d->painted < d->keyframes_from))
            paint_frame(d, k);
        else
            paint_keyframe(d, k);
        k->z_frames = d->z;
        k->request_id = d->painted / d->pictures_per_request;
        snprintf(k->caption, sizeof k->caption, "picture %d", d->painted);
        keyframes_publish(d->keyframes);
        d->painted++;
    }
    return NULL;
}

struct shown {
    int count;
    int64_t ids[64], frames[64];
    struct clock *late; /* NULL, or a hand clock on which everything new makes the stream late */
    int late_times, pace_us;
};

enum { LATE_US = 300000, PERIOD_US = 40000, QUICK_US = 15000 };

static void on_shown(void *context, int64_t request_id, const char *caption, int64_t frame)
{
    struct shown *s = context;
    (void)caption;
    bool again =
        s->count > 0 && s->ids[s->count - 1] == request_id; /* each picture has a caption of its own here */
    if (request_id != 0 && !again && s->count < 64) {
        s->ids[s->count] = request_id;
        s->frames[s->count++] = frame;
    }
    if (!s->late)
        return;
    s->late_times++;
    clock_sleep_until_us(s->late, clock_now_us(s->late) + LATE_US);
}

/* For a clock that waits: frames come in their own time, however late the machine is with them. */
static void pace(void *context, const struct frame *f)
{
    const struct shown *s = context;
    (void)f;
    usleep((useconds_t)s->pace_us);
}

static void set(struct stream_config *c, const char *section, const char *name, const char *value)
{
    const struct option_section *sections[16];
    void *configs[16];
    struct error e = {""};
    int n = stream_config_sections(c, sections, configs, 16);
    for (int i = 0; i < n; i++)
        for (size_t o = 0; o < sections[i]->count; o++)
            if (strcmp(sections[i]->name, section) == 0 && strcmp(sections[i]->options[o].name, name) == 0) {
                if (option_parse(&sections[i]->options[o], configs[i], value, &e) < 0)
                    fail_msg("%s", e.text);
                return;
            }
    fail_msg("no option %s.%s", section, name);
}

struct scene {
    struct stream_config *config;
    struct dream dream;
    struct clock clock;
    struct stats stats;
    struct stop stop;
    struct shown shown;
    struct stream *stream;
    char *folder;
    bool patient; /* the clock waits for the show */
    void (*on_picture)(void *context, const struct frame *f);
};

static void show_open(struct scene *s, bool offline, int pictures_max, int64_t duration_frames)
{
    s->folder = media_folder();
    char *digest = xasprintf("%s/digest", s->folder), *files = xasprintf("%s/files", s->folder);
    s->config = stream_config_new();
    set(s->config, "video", "size", "320x180");
    set(s->config, "record", "dir", files);
    set(s->config, "caption", "position", "bottom-right"); /* not over the numbers */
    set(s->config, "md5", "enabled", "true");
    set(s->config, "md5", "file", digest);
    free(digest);
    free(files);
    if (offline)
        clock_init_virtual(&s->clock, 0);
    else if (s->patient)
        clock_init_by_hand(&s->clock, 1000000);
    else
        clock_init_monotonic(&s->clock);
    assert_int_equal(stop_init(&s->stop), 0);
    assert_int_equal(keyframes_open(&s->dream.keyframes, s->dream.frames ? 320 : 160,
                                    s->dream.frames ? 180 : 90, s->dream.frames),
                     0);
    s->shown.pace_us = s->shown.late ? QUICK_US : PERIOD_US;
    s->dream.pictures_max = pictures_max;
    if (s->dream.pictures_per_request == 0)
        s->dream.pictures_per_request = 2;
    assert_int_equal(thread_start(&s->dream.thread, "dream", dream_main, &s->dream), 0);
    struct stream_params p = {
        .config = s->config,
        .keyframes = s->dream.keyframes,
        .clock = &s->clock,
        .stats = &s->stats,
        .stop = &s->stop,
        .duration_frames = duration_frames,
        .on_shown = on_shown,
        .on_picture = s->patient ? pace : s->on_picture,
        .context = &s->shown,
    };
    struct error e = {""};
    if (stream_open(&s->stream, &p, &e) < 0)
        fail_msg("%s", e.text);
}

static void wait_for_end(struct scene *s)
{
    for (int i = 0; i < 2000 && !stop_requested(&s->stop); i++)
        usleep(10000);
    assert_true(stop_requested(&s->stop));
}

/* Closes; returns the milliseconds that it took. `digest` may be NULL. */
static int64_t show_close(struct scene *s, struct media_report *r, char *digest)
{
    int64_t began_us = clock_real_us();
    struct error e = {""};
    assert_int_equal(stream_close(&s->stream, &e), 0);
    int64_t ms = (clock_real_us() - began_us) / 1000;
    assert_null(s->stream);
    keyframes_shutdown(s->dream.keyframes);
    thread_join(&s->dream.thread);
    keyframes_close(&s->dream.keyframes);
    stop_close(&s->stop);
    stream_config_free(s->config);

    char *files = xasprintf("%s/files", s->folder), *line_path = xasprintf("%s/digest", s->folder);
    char *path = media_file(files, 0);
    memset(r, 0, sizeof *r);
    if (path) {
        assert_int_equal(media_inspect(path, 25, r), 0);
        unlink(path);
    }
    if (digest) {
        FILE *f = fopen(line_path, "r");
        assert_non_null(f);
        assert_non_null(fgets(digest, 200, f));
        fclose(f);
    }
    free(path);
    free(line_path);
    free(files);
    media_remove(s->folder);
    return ms;
}

static void test_offline_is_exact_and_repeats(void **state)
{
    (void)state;
    char digests[2][200];
    struct media_report r;
    for (int i = 0; i < 2; i++) {
        struct scene s = {.dream.sleep_ms = i * 5}; /* how long the dream takes changes nothing */
        show_open(&s, true, PICTURES_MAX, 130);
        wait_for_end(&s);
        show_close(&s, &r, digests[i]);
        assert_int_equal(r.pictures, 130);
        assert_int_equal(r.uneven, 0);
        assert_true(fabs(r.duration_s - 130 / 25.0) < 0.001);
        assert_int_equal(stats_get(&s.stats, STAT_FRAMES), 130);
        assert_int_equal(stats_get(&s.stats, STAT_FRAMES_REPEATED), 0);
        assert_int_equal(stats_get(&s.stats, STAT_KEYFRAMES_LATE), 0);
        assert_int_equal(stats_get(&s.stats, STAT_SINK_PACKETS_DROPPED), 0);
        /* requests change with every second picture, so every 40 frames, half a blend earlier */
        assert_int_equal(s.shown.count, 3);
        for (int n = 0; n < s.shown.count; n++)
            assert_int_equal(s.shown.ids[n], n + 1);
        assert_in_range(s.shown.frames[0], 20, 40);
        assert_int_equal(s.shown.frames[2] - s.shown.frames[1], 40);
    }
    assert_string_equal(digests[0], digests[1]);
}

static void test_offline_ends_while_it_waits(void **state)
{
    (void)state;
    struct scene s = {0};
    struct media_report r;
    show_open(&s, true, 3, 0); /* the dream dries up */
    for (int i = 0; i < 1000 && stats_get(&s.stats, STAT_FRAMES) < 20; i++)
        usleep(10000);
    usleep(200000);
    assert_in_range(stats_get(&s.stats, STAT_FRAMES), 20, 60);
    assert_in_range(show_close(&s, &r, NULL), 0, 4000);
    assert_int_equal(r.pictures, stats_get(&s.stats, STAT_FRAMES));
}

/* Every frame's time was served: encoded, or, by the machine's clock, left out and counted. */
static void assert_frames(const struct scene *s, const struct media_report *r, int64_t frames)
{
    int64_t skipped = stats_get(&s->stats, STAT_FRAMES_SKIPPED);
    assert_int_equal(r->pictures + skipped, frames);
    assert_in_range(r->uneven, 0, skipped); /* one gap each, at most */
    if (s->patient && !s->shown.late)
        assert_int_equal(skipped, 0);
}

static void test_live_keeps_time(void **state)
{
    (void)state;
    struct scene s = {.dream.sleep_ms = 50};
    struct media_report r;
    int64_t began_us = clock_real_us();
    show_open(&s, false, PICTURES_MAX, 50);
    wait_for_end(&s);
    int64_t took_ms = (clock_real_us() - began_us) / 1000;
    assert_in_range(show_close(&s, &r, NULL), 0, 4000);
    assert_in_range(took_ms, 1900, 6000); /* the machine may be busy */
    assert_frames(&s, &r, 50);
    if (r.pictures == 50)
        assert_true(fabs(r.duration_s - 2.0) < 0.001);
}

static void test_live_goes_on_without_pictures(void **state)
{
    (void)state;
    struct scene none = {.patient = true}, few = {.patient = true};
    struct media_report r;
    show_open(&none, false, 0, 20); /* grey, and on time */
    wait_for_end(&none);
    show_close(&none, &r, NULL);
    assert_frames(&none, &r, 20);
    assert_int_equal(none.shown.count, 0);

    show_open(&few, false, 2, 50);
    wait_for_end(&few);
    show_close(&few, &r, NULL);
    assert_frames(&few, &r, 50);
    assert_int_equal(stats_get(&few.stats, STAT_KEYFRAMES_LATE), 1);
}

/* Whatever holds the stream thread up (here: the callback): frames are repeated, time is kept. */
static void test_late_frames_are_repeated(void **state)
{
    (void)state;
    struct scene s = {.patient = true, .dream.pictures_per_request = 1};
    struct media_report r;
    s.shown.late = &s.clock;
    show_open(&s, false, PICTURES_MAX, 30);
    wait_for_end(&s);
    show_close(&s, &r, NULL);
    assert_frames(&s, &r, 30);
    assert_in_range(s.shown.late_times, 1, 2); /* the first picture, and in time the second one */
    assert_int_equal(stats_get(&s.stats, STAT_FRAMES_REPEATED) + stats_get(&s.stats, STAT_FRAMES_SKIPPED),
                     s.shown.late_times * (LATE_US / PERIOD_US - 1));
    assert_true(stats_get(&s.stats, STAT_FRAMES_REPEATED) > 0);
    assert_in_range(clock_now_us(&s.clock), 1000000 + 29 * PERIOD_US, 1000000 + 30 * PERIOD_US + LATE_US);
}

static void draw_slowly(void *context, const struct frame *f)
{
    (void)context;
    (void)f;
    usleep(130000);
}

/* Each frame takes three frames' time: the stream is as long as the clock says, with the sound in step. */
static void test_an_overload_is_no_slow_motion(void **state)
{
    (void)state;
    struct scene s = {.on_picture = draw_slowly};
    struct media_report r;
    int64_t began_us = clock_real_us();
    show_open(&s, false, PICTURES_MAX, 100);
    wait_for_end(&s);
    int64_t took_ms = (clock_real_us() - began_us) / 1000;
    show_close(&s, &r, NULL);
    assert_in_range(took_ms, 3700, 6000); /* four seconds of show */
    assert_in_range(r.pictures, 15, 60);
    assert_in_range(r.last_end_us[1] / 1000, 3900, 4050);
    assert_in_range(r.last_end_us[0] / 1000, 3700, 4050);
    int64_t left_out = stats_get(&s.stats, STAT_FRAMES_SKIPPED);
    assert_int_equal(r.pictures + left_out, 100);
}

/* ---- every frame dreamed ---- */

static void test_offline_frames_are_exact_and_repeat(void **state)
{
    (void)state;
    char digests[2][200];
    struct media_report r;
    for (int i = 0; i < 2; i++) {
        struct scene s = {.dream = {.frames = true, .sleep_ms = i * 3, .pictures_per_request = 20}};
        show_open(&s, true, PICTURES_MAX, 90);
        wait_for_end(&s);
        show_close(&s, &r, digests[i]);
        assert_int_equal(r.pictures, 90);
        assert_int_equal(r.wrong_pictures, 0); /* each output frame is the next picture */
        assert_int_equal(stats_get(&s.stats, STAT_FRAMES_BRIDGED), 0);
        /* a request is seen with its first frame, not half a blend later */
        assert_int_equal(s.shown.count, 4);
        for (int n = 0; n < s.shown.count; n++) {
            assert_int_equal(s.shown.ids[n], n + 1);
            assert_int_equal(s.shown.frames[n], 20 * (n + 1));
        }
    }
    assert_string_equal(digests[0], digests[1]);
}

static void test_live_frames_are_on_time(void **state)
{
    (void)state;
    struct scene s = {.patient = true,
                      .dream = {.frames = true, .sleep_ms = 5, .pictures_per_request = PICTURES_MAX}};
    struct media_report r;
    show_open(&s, false, PICTURES_MAX, 40);
    wait_for_end(&s);
    show_close(&s, &r, NULL);
    assert_frames(&s, &r, 40);
    assert_in_range(stats_get(&s.stats, STAT_FRAMES_BRIDGED), 0, 10); /* the machine may be busy */
    assert_in_range(s.dream.painted, 40 - 15, 40 + 3); /* and nothing is dreamed ahead for long */
}

/* A dream that stands still for half a second: the show does not, and is on time again soon. */
static void test_live_frames_are_bridged(void **state)
{
    (void)state;
    struct scene s = {.patient = true, .dream = {.frames = true, .stall_at = 10, .stall_ms = 600}};
    struct media_report r;
    s.dream.pictures_per_request = PICTURES_MAX;
    show_open(&s, false, PICTURES_MAX, 60);
    wait_for_end(&s);
    show_close(&s, &r, NULL);
    assert_frames(&s, &r, 60);
    /* 600 ms are 15 frames, of which two waited; the glide after it takes 13 */
    assert_in_range(stats_get(&s.stats, STAT_FRAMES_BRIDGED), 12, 40);
    assert_in_range(stats_get(&s.stats, STAT_KEYFRAMES_LATE), 1, 10);

    struct scene few = {
        .patient = true,
        .dream = {.frames = true, .stall_at = 10, .stall_ms = 160}}; /* too short for a glide */
    few.dream.pictures_per_request = PICTURES_MAX;
    show_open(&few, false, PICTURES_MAX, 30);
    wait_for_end(&few);
    show_close(&few, &r, NULL);
    assert_frames(&few, &r, 30);
    assert_in_range(stats_get(&few.stats, STAT_FRAMES_BRIDGED), 1, 12);
}

static void test_from_frames_to_keyframes(void **state)
{
    (void)state;
    struct scene s = {.patient = true,
                      .dream = {.frames = true, .keyframes_from = 20, .pictures_per_request = 10}};
    struct media_report r;
    show_open(&s, false, 24, 60);
    wait_for_end(&s);
    show_close(&s, &r, NULL);
    assert_frames(&s, &r, 60);
    assert_int_equal(s.shown.count, 2);
    assert_in_range(s.shown.frames[1], 25, 40); /* half of the glide into picture 20 */
    assert_in_range(stats_get(&s.stats, STAT_FRAMES_BRIDGED), 0, 10);
}

static void test_stop_in_the_middle(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct scene s = {.dream.sleep_ms = 10};
        struct media_report r;
        show_open(&s, i % 2, PICTURES_MAX, 0);
        usleep((useconds_t)(i * 60000));
        if (i < 3)
            stop_request(&s.stop);
        assert_in_range(show_close(&s, &r, NULL), 0, 4000);
        assert_int_equal(r.pictures, stats_get(&s.stats, STAT_FRAMES));
        assert_int_equal(r.uneven, 0);
    }
}

static void test_wrong_settings_are_refused(void **state)
{
    (void)state;
    struct stream_config *c = stream_config_new();
    struct clock clock;
    struct stats stats = {0};
    struct stop stop;
    struct stream *stream = NULL;
    struct error e = {""};
    clock_init_monotonic(&clock);
    stop_init(&stop);
    struct stream_params p = {.config = c, .clock = &clock, .stats = &stats, .stop = &stop};
    set(c, "video", "size", "321x180");
    assert_int_equal(stream_open(&stream, &p, &e), -EINVAL);
    assert_null(stream);
    assert_non_null(strstr(e.text, "video.size"));
    set(c, "video", "size", "320x180");
    set(c, "rtmp", "enabled", "true");
    assert_int_equal(stream_open(&stream, &p, &e), -EINVAL);
    assert_non_null(strstr(e.text, "rtmp.url"));
    stop_close(&stop);
    stream_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offline_is_exact_and_repeats),
        cmocka_unit_test(test_offline_ends_while_it_waits),
        cmocka_unit_test(test_live_keeps_time),
        cmocka_unit_test(test_live_goes_on_without_pictures),
        cmocka_unit_test(test_late_frames_are_repeated),
        cmocka_unit_test(test_an_overload_is_no_slow_motion),
        cmocka_unit_test(test_offline_frames_are_exact_and_repeat),
        cmocka_unit_test(test_live_frames_are_on_time),
        cmocka_unit_test(test_live_frames_are_bridged),
        cmocka_unit_test(test_from_frames_to_keyframes),
        cmocka_unit_test(test_stop_in_the_middle),
        cmocka_unit_test(test_wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
