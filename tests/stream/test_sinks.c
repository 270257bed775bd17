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
#include "stream/stream.h"
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
    void *config = xcalloc(1, ops->section ? ops->section->struct_size : 1);
    if (ops->section)
        option_defaults(ops->section, config);
    return config;
}

/* For an offline render. */
static int open_sink(struct sink **s, const struct sink_ops *ops, const void *config, struct encoder *e,
                     struct stats *stats)
{
    const struct sink_params params = {
        .config = config, .tracks = encoder_tracks(e), .stats = stats, .offline = true};
    return sink_open(s, ops, &params, NULL);
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
    assert_int_equal(open_sink(&fan.sinks[0], ops, config, e, stats), 0);
    media_encode(e, 0, frames, to_sinks, &fan);
    assert_int_equal(encoder_finish(e, INT64_MAX, to_sinks, &fan), 0);
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

static void test_files_change_over_without_loss(void **state)
{
    (void)state;
    struct stats stats = {0};
    char *folder = media_folder();
    record(folder, "1", 60 * 25 + 75, &stats);
    assert_int_equal(media_file_count(folder), 2);
    struct media_report a, b;
    char *first = media_file(folder, 0), *second = media_file(folder, 1);
    assert_int_equal(media_inspect(first, 25, &a), 0);
    assert_int_equal(media_inspect(second, 25, &b), 0);
    assert_int_equal(a.pictures, 60 * 25);
    assert_int_equal(b.pictures, 75);
    assert_int_equal(a.uneven + b.uneven + a.wrong_pictures + b.wrong_pictures, 0);
    assert_int_equal(b.first_picture, 60 * 25 % 50);
    assert_true(b.starts_with_idr);
    assert_int_equal(a.first_video_pts_us + b.first_video_pts_us, 0);
    assert_true(b.first_audio_pts_us >= 0 && b.first_audio_pts_us < 22000);
    /* 63 s of sound in frames of 1024 (one of priming is left out), none twice, none lost */
    assert_int_equal(a.audio_packets + b.audio_packets, 63 * 48000 / 1024 + 1);
    free(first);
    free(second);
    media_remove(folder);
}

static void test_existing_name_is_never_taken(void **state)
{
    (void)state;
    struct stats stats = {0};
    char *folder = media_folder();
    for (int i = 0; i < 3; i++)
        record(folder, "30", 25, &stats); /* within one second or two: the same name would be taken */
    assert_int_equal(media_file_count(folder), 3);
    media_remove(folder);
}

/* Returns when the folder's first file has had the same size for half a second. */
static void wait_for_quiet(const char *folder)
{
    off_t size = -1;
    for (int same = 0; same < 50; usleep(10000)) {
        char *path = media_file(folder, 0);
        struct stat st = {.st_size = 0};
        if (path)
            stat(path, &st);
        same = st.st_size > 0 && st.st_size == size ? same + 1 : 0;
        size = st.st_size;
        free(path);
    }
}

/* The show in a child process that is killed in the middle; offline, so all it gave out is in the queue or
 * the file. */
static void test_killed_file_plays(void **state)
{
    (void)state;
    char *folder = media_folder();
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct stats stats = {0};
        const struct sink_ops *ops = find_ops("record");
        void *config = config_of(ops);
        set(ops, config, "dir", folder);
        struct video_config v = media_video(160, 96);
        struct audio_config a = media_silence();
        struct encoder *e = media_encoder(&v, &a);
        struct fan fan = {.count = 1};
        if (open_sink(&fan.sinks[0], ops, config, e, &stats) < 0)
            _exit(1);
        media_encode(e, 0, 130, to_sinks, &fan);
        wait_for_quiet(folder); /* the last packet is written */
        if (write(pipes[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char x;
    assert_int_equal(read(pipes[0], &x, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);

    struct media_report r;
    char *path = media_file(folder, 0);
    assert_non_null(path);
    assert_int_equal(media_inspect(path, 25, &r), 0);
    print_message("of 130 frames %d play after SIGKILL\n", r.pictures);
    assert_in_range(r.pictures, 130 - 13 - 6, 130); /* one fragment, and what is still in the encoder */
    assert_int_equal(r.uneven + r.wrong_pictures, 0);
    free(path);
    media_remove(folder);
}

/* A disk that is full after so many bytes, as a child sees it. */
static void test_full_disk(void **state)
{
    (void)state;
    char *folder = media_folder();
    pid_t child = fork();
    if (child == 0) {
        struct stats stats = {0};
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {.rlim_cur = 70000, .rlim_max = RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
        const struct sink_ops *ops = find_ops("record"), *null_ops = find_ops("null");
        void *config = config_of(ops);
        set(ops, config, "dir", folder);
        struct video_config v = media_video(160, 96);
        struct audio_config a = media_silence();
        struct encoder *e = media_encoder(&v, &a);
        struct fan fan = {.count = 2};
        if (open_sink(&fan.sinks[0], ops, config, e, &stats) < 0 ||
            open_sink(&fan.sinks[1], null_ops, NULL, e, &stats) < 0)
            _exit(1);
        media_encode(e, 0, 150, to_sinks, &fan);
        for (int i = 0; stats_get(&stats, STAT_SINK_ERRORS) < 1; i++, usleep(10000))
            if (i == 1000)
                _exit(2);
        usleep(200000);                 /* what was queued behind the fault is gone, too */
        limit.rlim_cur = RLIM_INFINITY; /* room again: it goes on in a new file */
        setrlimit(RLIMIT_FSIZE, &limit);
        usleep(3200000);
        media_encode(e, 150, 150, to_sinks, &fan);
        encoder_finish(e, INT64_MAX, to_sinks, &fan);
        for (int i = 0; i < 2; i++)
            close_in(&fan.sinks[i], 3000000);
        encoder_close(&e);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(media_file_count(folder), 2);
    struct media_report r;
    char *first = media_file(folder, 0), *second = media_file(folder, 1);
    assert_int_equal(media_inspect(first, 25, &r), 0);
    assert_in_range(r.pictures, 10, 140);
    assert_int_equal(r.uneven + r.wrong_pictures, 0);
    assert_int_equal(media_inspect(second, 25, &r), 0);
    assert_int_equal(r.pictures, 150);
    assert_int_equal(r.uneven + r.wrong_pictures, 0);
    free(first);
    free(second);
    media_remove(folder);
}

static void test_folder_that_cannot_be(void **state)
{
    (void)state;
    struct stats stats = {0};
    char *folder = media_folder(), *file = xasprintf("%s/file", folder), *below = xasprintf("%s/sub", file);
    FILE *f = fopen(file, "w");
    fclose(f);
    record(below, "30", 25, &stats);
    assert_true(stats_get(&stats, STAT_SINK_ERRORS) >= 1);
    assert_int_equal(media_file_count(folder), 1);
    free(below);
    free(file);
    media_remove(folder);
}

/* Somebody tidies up while the show runs: a new folder and a new file, without a word from anyone. */
static void test_removed_folder_comes_back(void **state)
{
    (void)state;
    struct stats stats = {0};
    const struct sink_ops *ops = find_ops("record");
    char *folder = media_folder(), *sub = xasprintf("%s/sub", folder);
    void *config = config_of(ops);
    set(ops, config, "dir", sub);
    struct video_config v = media_video(64, 64);
    struct audio_config a = media_silence();
    struct encoder *e = media_encoder(&v, &a);
    struct fan fan = {.count = 1};
    assert_int_equal(open_sink(&fan.sinks[0], ops, config, e, &stats), 0);
    media_encode(e, 0, 60, to_sinks, &fan);
    while (media_file_count(folder) == 0 || media_file_count(sub) == 0)
        usleep(1000);
    char *path = media_file(sub, 0);
    unlink(path);
    free(path);
    assert_int_equal(rmdir(sub), 0);
    usleep(1100000); /* it looks once a second */
    media_encode(e, 60, 140, to_sinks, &fan);
    encoder_finish(e, INT64_MAX, to_sinks, &fan);
    close_in(&fan.sinks[0], 3000000);
    encoder_close(&e);
    assert_int_equal(media_file_count(sub), 1);
    struct media_report r;
    path = media_file(sub, 0);
    assert_int_equal(media_inspect(path, 25, &r), 0);
    assert_int_equal(r.pictures, 100); /* from the next IDR on */
    assert_int_equal(r.uneven + r.wrong_pictures, 0);
    unlink(path);
    free(path);
    free(config);
    free(sub);
    media_remove(folder);
}

static void test_missing_folder_is_made(void **state)
{
    (void)state;
    struct stats stats = {0};
    char *folder = media_folder(), *deep = xasprintf("%s/deep", folder);
    char *deeper = xasprintf("%s/er//", deep), *plain = xasprintf("%s/er", deep);
    record(deeper, "30", 25, &stats);
    assert_int_equal(media_file_count(plain), 1);
    char *path = media_file(plain, 0);
    unlink(path);
    free(path);
    rmdir(plain);
    free(plain);
    free(deeper);
    free(deep);
    media_remove(folder);
}

static void test_little_room_pauses(void **state)
{
    (void)state;
    struct stats stats = {0};
    const struct sink_ops *ops = find_ops("record");
    char *folder = media_folder();
    void *config = config_of(ops);
    set(ops, config, "dir", folder);
    set(ops, config, "min_free_mb", "1000000"); /* a petabyte is more than any test machine has */
    struct video_config v = media_video(64, 64);
    struct audio_config a = media_silence();
    struct encoder *e = media_encoder(&v, &a);
    struct fan fan = {.count = 1};
    assert_int_equal(open_sink(&fan.sinks[0], ops, config, e, &stats), 0);
    media_encode(e, 0, 60, to_sinks, &fan);
    close_in(&fan.sinks[0], 3000000);
    struct media_report r;
    char *path = media_file(folder, 0);
    if (path) /* a machine with a petabyte */
        assert_int_equal(media_inspect(path, 25, &r), 0);
    else
        assert_true(stats_get(&stats, STAT_SINK_ERRORS) >= 1);
    free(path);
    encoder_close(&e);
    free(config);
    media_remove(folder);
}

/* ---- digest ---- */

static void digest(char line[200], int64_t frames, int preset)
{
    struct stats stats = {0};
    const struct sink_ops *ops = find_ops("md5");
    char *folder = media_folder(), *path = xasprintf("%s/digest", folder);
    void *config = config_of(ops);
    set(ops, config, "file", path);
    struct video_config v = media_video(160, 96);
    struct audio_config a = media_silence();
    v.preset = preset;
    struct encoder *e = media_encoder(&v, &a);
    struct fan fan = {.count = 1};
    assert_int_equal(open_sink(&fan.sinks[0], ops, config, e, &stats), 0);
    media_encode(e, 0, frames, to_sinks, &fan);
    encoder_finish(e, INT64_MAX, to_sinks, &fan);
    close_in(&fan.sinks[0], 3000000);
    encoder_close(&e);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, 200, f));
    fclose(f);
    free(config);
    free(path);
    media_remove(folder);
}

static void test_digest_repeats(void **state)
{
    (void)state;
    char a[200], b[200], other[200], video[40], audio[40];
    int frames;
    digest(a, 60, 1);
    digest(b, 60, 1);
    digest(other, 60, 0);
    assert_string_equal(a, b);
    assert_string_not_equal(a, other);
    assert_int_equal(sscanf(a, "md5 video=%32s audio=%32s frames=%d\n", video, audio, &frames), 3);
    assert_int_equal(strlen(video), 32);
    assert_int_equal(frames, 60);
}

/* ---- the family ---- */

static void test_names_are_different(void **state)
{
    (void)state;
    for (int i = 0; sink_registry[i]; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(sink_registry[i]->name, sink_registry[j]->name);
}

/* The last one, which is only taken when no other is enabled, can always be opened. */
static void test_every_member_is_whole(void **state)
{
    (void)state;
    int last = 0;
    while (sink_registry[last + 1])
        last++;
    for (int i = 0; i <= last; i++) {
        const struct sink_ops *ops = sink_registry[i];
        assert_true(ops->name && ops->description && ops->open && ops->write);
        assert_true(ops->limits.hard_ms > 0 || ops->limits.hard_bytes > 0);
        assert_int_equal(ops->enabled != NULL, i != last);
        assert_int_equal(ops->section || ops->kind, ops->enabled != NULL && ops != &sink_page &&
                                                        ops != &sink_stand_in); /* set up by the program */
        assert_true(!ops->section || ops->section->struct_size == ops->config_size);
        assert_true(!ops->kind || ops->kind->struct_size == ops->config_size);
        assert_true(!ops->kind || strcmp(ops->kind->options[0].name, "enabled") == 0);
    }
    assert_string_equal(sink_registry[last]->name, "null");
    assert_false(sink_registry[last]->live_only);
}

static void test_wrong_options_name_their_section(void **state)
{
    (void)state;
    static const char *const bad_urls[] = {"",        "twitch",      "http://host/app",
                                           "rtmp://", "rtmp://host", "rtmp:///app"};
    struct stats stats = {0};
    struct encoder_tracks tracks = {.fps = 25};
    const struct sink_ops *ops = find_ops("rtmp");
    void *config = config_of(ops);
    for (size_t i = 0; i < ARRAY_LEN(bad_urls); i++) {
        struct sink *s = NULL;
        struct error e = {""};
        set(ops, config, "url", bad_urls[i]);
        assert_int_equal(
            sink_open(&s, ops, &(struct sink_params){.config = config, .tracks = &tracks, .stats = &stats},
                      &e),
            -EINVAL);
        assert_null(s);
        assert_int_equal(strncmp(e.text, "rtmp.url", 8), 0);
    }
    free(config);
    ops = find_ops("record");
    config = config_of(ops);
    set(ops, config, "dir", "");
    struct sink *s = NULL;
    struct error e = {""};
    assert_int_equal(
        sink_open(&s, ops, &(struct sink_params){.config = config, .tracks = &tracks, .stats = &stats}, &e),
        -EINVAL);
    assert_int_equal(strncmp(e.text, "record.dir", 10), 0);
    free(config);
}

/* What the preview was given. */
struct preview {
    int begins, fragments, groups;
    char type[128];
    int64_t zero_frame;
    double end_s;
    uint8_t *bytes; /* owned: header and all fragments */
    size_t count, header_bytes;
};

static void gather(struct preview *p, const uint8_t *data, size_t bytes)
{
    p->bytes = xrealloc(p->bytes, p->count + bytes);
    memcpy(p->bytes + p->count, data, bytes);
    p->count += bytes;
}

static void on_begin(void *context, const uint8_t *header, size_t bytes, const char *type, int64_t zero_frame)
{
    struct preview *p = context;
    p->begins++;
    p->zero_frame = zero_frame;
    snprintf(p->type, sizeof p->type, "%s", type);
    p->header_bytes = bytes;
    assert_memory_equal(header + 4, "ftyp", 4);
    gather(p, header, bytes);
}

static void on_fragment(void *context, const uint8_t *data, size_t bytes, bool group, double end_s)
{
    struct preview *p = context;
    assert_memory_equal(data + 4, "moof", 4);
    assert_true(end_s > p->end_s);
    p->end_s = end_s;
    assert_true(p->fragments++ > 0 || group); /* it begins with one that can be shown alone */
    p->groups += group;
    gather(p, data, bytes);
}

static void test_preview_in_fragments(void **state)
{
    (void)state;
    struct stats stats = {0};
    struct preview p = {0};
    struct stream_page page = {.begin = on_begin, .fragment = on_fragment, .context = &p};
    struct video_config v = media_video(160, 96);
    struct audio_config a = media_silence();
    struct encoder *e = media_encoder(&v, &a);
    struct fan fan = {.count = 1};
    stats_add(&stats, STAT_FRAMES, 900); /* the encoder is the show's second one */
    stats_add(&stats, STAT_FRAMES_SKIPPED, 100);
    assert_false(sink_page.enabled(&(struct stream_page){0}));
    assert_true(sink_page.enabled(&page));
    assert_int_equal(open_sink(&fan.sinks[0], &sink_page, &page, e, &stats), 0);
    media_encode(e, 0, 125, to_sinks, &fan);
    assert_int_equal(encoder_finish(e, INT64_MAX, to_sinks, &fan), 0);
    close_in(&fan.sinks[0], 3000000);
    assert_int_equal(p.begins, 1);
    assert_int_equal(p.groups, 3); /* groups of two seconds */
    assert_in_range(p.fragments, 40, 63);
    assert_memory_equal(p.type, "video/mp4; codecs=\"avc1.64", 26);
    assert_true(p.zero_frame >= 996 && p.zero_frame <= 1000);
    assert_true(p.end_s > 4.7 && p.end_s < 5.3);
    char *folder = media_folder(), *path = xasprintf("%s/preview.mp4", folder);
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(p.bytes, 1, p.count, f), p.count);
    fclose(f);
    struct media_report r;
    assert_int_equal(media_inspect(path, 25, &r), 0);
    assert_int_equal(r.codec[1], AV_CODEC_ID_AAC);
    assert_in_range(r.pictures, 120, 125);
    assert_int_equal(atomic_load(&stats.sinks[0].bytes), (int64_t)(p.count - p.header_bytes));
    encoder_close(&e);
    free(p.bytes);
    free(path);
    media_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_exact),
        cmocka_unit_test(test_files_change_over_without_loss),
        cmocka_unit_test(test_existing_name_is_never_taken),
        cmocka_unit_test(test_killed_file_plays),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_folder_that_cannot_be),
        cmocka_unit_test(test_removed_folder_comes_back),
        cmocka_unit_test(test_missing_folder_is_made),
        cmocka_unit_test(test_little_room_pauses),
        cmocka_unit_test(test_preview_in_fragments),
        cmocka_unit_test(test_digest_repeats),
        cmocka_unit_test(test_names_are_different),
        cmocka_unit_test(test_every_member_is_whole),
        cmocka_unit_test(test_wrong_options_name_their_section),
    };
    av_log_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
