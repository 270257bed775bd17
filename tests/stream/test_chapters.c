/*
 * Chapters of recordings: what the notes become, what libavformat reads of them, and files that are left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "stream/mp4_chapters.h"
#include "stream/sidecar.h"
#include "stream/sink.h"
#include "tests/stream/media.h"

enum { FPS = 25 };

extern const struct sink_ops sink_mp4;

static void to_sink(void *context, const AVPacket *packet)
{
    sink_put(context, packet);
}

/* Records so many frames; `notes` more of them are shown, one each second. Returns the file's name. */
static char *record(const char *folder, int frames, int notes)
{
    struct stats stats = {0};
    struct video_config v = media_video(160, 96);
    struct audio_config a = media_silence();
    struct encoder *e = media_encoder(&v, &a);
    struct sink *s = NULL;
    void *config = xcalloc(1, sink_mp4.config_size);
    option_defaults(sink_mp4.section, config);
    for (size_t i = 0; i < sink_mp4.section->count; i++)
        if (strcmp(sink_mp4.section->options[i].name, "dir") == 0)
            assert_int_equal(option_parse(&sink_mp4.section->options[i], config, folder, NULL), 0);
    const struct sink_params p = {
        .config = config, .tracks = encoder_tracks(e), .stats = &stats, .offline = true};
    assert_int_equal(sink_open(&s, &sink_mp4, &p, NULL), 0);
    sink_shown(s, 0, "volcano", "", 0);
    for (int i = 1; i <= notes; i++)
        sink_shown(s, i, i % 2 ? "goldfish + pizza" : "lion", i % 2 ? "ann" : "b\xc3\xb6", FPS * i);
    media_encode(e, 0, frames, to_sink, s);
    assert_int_equal(encoder_finish(e, INT64_MAX, to_sink, s), 0);
    sink_end(s);
    sink_wait(s, clock_real_us() + 3000000);
    sink_close(&s);
    encoder_close(&e);
    free(config);
    return media_file(folder, notes > 0 ? 1 : 0); /* behind what describes it */
}

static AVFormatContext *open_file(const char *path)
{
    AVFormatContext *format = NULL;
    assert_true(avformat_open_input(&format, path, NULL, NULL) >= 0);
    return format;
}

static void expect(const AVFormatContext *format, unsigned i, double begin_s, const char *title)
{
    const AVChapter *c = format->chapters[i];
    double begins = (double)c->start * av_q2d(c->time_base);
    assert_true(begins > begin_s - 0.001 && begins < begin_s + 0.001);
    assert_string_equal(av_dict_get(c->metadata, "title", NULL, 0)->value, title);
}

static void each_wish_has_one(void **state)
{
    (void)state;
    char *folder = media_folder(), *path = record(folder, 100, 2);
    AVFormatContext *format = open_file(path);
    assert_int_equal(format->nb_chapters, 3);
    expect(format, 0, 0, "volcano");
    expect(format, 1, 1, "goldfish + pizza (ann)");
    expect(format, 2, 2, "lion (b\xc3\xb6)");
    avformat_close_input(&format);
    struct media_report r;
    assert_int_equal(media_inspect(path, FPS, &r), 0);
    assert_int_equal(r.pictures, 100);
    assert_int_equal(r.uneven, 0);
    assert_true(r.duration_s > 3.99 && r.duration_s < 4.01);
    free(path);
    media_remove(folder);
}

/* A name goes and nothing else changes: times, pictures, size. */
static void a_title_is_changed_afterwards(void **state)
{
    (void)state;
    char *folder = media_folder(), *path = record(folder, 100, 2);
    struct stat before, after;
    struct media_report r;
    const struct mp4_chapter others[] = {
        {0, "volcano"}, {1, "goldfish + pizza"}, {2, "lion (b\xc3\xb6) and too long"}};
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(mp4_chapters_rename(path, others, 2), -EINVAL);
    assert_int_equal(mp4_chapters_rename(path, others, 3), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_size == after.st_size);
    AVFormatContext *format = open_file(path);
    assert_int_equal(format->nb_chapters, 3);
    expect(format, 0, 0, "volcano");
    expect(format, 1, 1, "goldfish + pizza      ");
    expect(format, 2, 2, "lion (b\xc3\xb6)");
    avformat_close_input(&format);
    assert_int_equal(media_inspect(path, FPS, &r), 0);
    assert_int_equal(r.pictures, 100);
    free(path);
    media_remove(folder);
}

/* Whatever a file says of itself, nothing is read or written beyond it. */
static void a_file_without_ours_is_left_alone(void **state)
{
    (void)state;
    const struct mp4_chapter one = {.title = "x"};
    char *folder = media_folder(), *path = record(folder, 50, 0), *whole, *again;
    size_t bytes, bytes_again;
    assert_int_equal(file_read_all(path, 1 << 24, &whole, &bytes, NULL), 0);
    assert_int_equal(mp4_chapters_rename(path, &one, 1), -ENODATA);
    assert_int_equal(file_read_all(path, 1 << 24, &again, &bytes_again, NULL), 0);
    assert_true(bytes == bytes_again && memcmp(whole, again, bytes) == 0);
    free(again);
    free(whole);
    assert_int_equal(mp4_chapters_rename("/nonexistent/a.mp4", &one, 1), -ENOENT);
    free(path);
    media_remove(folder);

    folder = media_folder();
    path = record(folder, 50, 1);
    assert_int_equal(file_read_all(path, 1 << 24, &whole, &bytes, NULL), 0);
    uint8_t *chpl = memmem(whole, bytes, "chpl", 4);
    assert_non_null(chpl);
    chpl[12] = 255; /* more chapters than there are */
    assert_int_equal(file_write_whole(path, whole, bytes, 0600, NULL), 0);
    static struct mp4_chapter many[255];
    assert_int_equal(mp4_chapters_rename(path, many, 255), -EINVAL);
    free(whole);
    free(path);
    media_remove(folder);
}

static void nobody_asked_and_there_are_none(void **state)
{
    (void)state;
    char *folder = media_folder(), *path = record(folder, 50, 0);
    AVFormatContext *format = open_file(path);
    assert_int_equal(format->nb_chapters, 0);
    avformat_close_input(&format);
    free(path);
    media_remove(folder);
}

/* More than a byte counts and more than the room holds. */
static void many_are_cut(void **state)
{
    (void)state;
    char *folder = media_folder(), *path = record(folder, 50, 0);
    static struct mp4_chapter many[400];
    for (int i = 0; i < 400; i++) {
        many[i].begin_s = i;
        memset(many[i].title, 'a' + i % 26, i < 20 ? 20 : MP4_CHAPTER_TITLE_BYTES - 1);
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char head[4096];
    ssize_t n = pread(fd, head, sizeof head, 0);
    char *room = memmem(head, (size_t)n, "\0\0\x40\0free", 8);
    assert_non_null(room);
    assert_int_equal(mp4_chapters_write(fd, room - head, many, 400), 0);
    assert_int_equal(mp4_chapters_write(fd, room - head, many, 400), -EINVAL); /* the room is taken */
    close(fd);
    AVFormatContext *format = open_file(path);
    assert_true(format->nb_chapters > 100 && format->nb_chapters <= 255);
    assert_string_equal(av_dict_get(format->chapters[0]->metadata, "title", NULL, 0)->value,
                        "aaaaaaaaaaaaaaaaaaaa");
    avformat_close_input(&format);
    struct media_report r;
    assert_int_equal(media_inspect(path, FPS, &r), 0);
    assert_int_equal(r.pictures, 50);
    free(path);
    media_remove(folder);
}

static void strange_files_are_left_alone(void **state)
{
    (void)state;
    static const char strange[64] = "\0\0\0\x10moovabcdefgh\0\0\0\x20nope";
    const struct mp4_chapter one = {.title = "x"};
    char *folder = media_folder(), *path = xasprintf("%s/a.mp4", folder), after[64];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, strange, sizeof strange), sizeof strange);
    for (off_t header = 0; header <= 64; header += 8)
        assert_int_equal(mp4_chapters_write(fd, header, &one, 1), -EINVAL);
    assert_int_equal(pread(fd, after, sizeof after, 0), sizeof after);
    assert_memory_equal(after, strange, sizeof strange);
    close(fd);
    free(path);
    media_remove(folder);
}

static void withdrawn_ones_lose_their_names(void **state)
{
    (void)state;
    struct sidecar *s = sidecar_new();
    int count;
    sidecar_note(s, 0, "volcano", "", 0);
    assert_null(sidecar_chapters(s, 0, 100, FPS, &count));
    assert_int_equal(count, 0);
    sidecar_note(s, 7, "lion", "ann", 50);
    sidecar_note(s, 7, NULL, "", 60);
    struct mp4_chapter *list = sidecar_chapters(s, 0, 100, FPS, &count);
    assert_int_equal(count, 2);
    assert_string_equal(list[1].title, "lion");
    assert_true(list[1].begin_s == 2);
    free(list);
    sidecar_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wish_has_one),
        cmocka_unit_test(a_title_is_changed_afterwards),
        cmocka_unit_test(a_file_without_ours_is_left_alone),
        cmocka_unit_test(nobody_asked_and_there_are_none),
        cmocka_unit_test(many_are_cut),
        cmocka_unit_test(strange_files_are_left_alone),
        cmocka_unit_test(withdrawn_ones_lose_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
