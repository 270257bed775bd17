/*
 * The output side, refused call by call: camera, caption, sound, encoder, muxer, every sink, and the whole of it.
 */
#include "tests/failures/inject_libav.h"

#include <linux/fb.h>
#include <sys/mman.h>

#include "common/log.h"
#include "config/config.h"
#include "stream/av_log.h"
#include "stream/camera.h"
#include "stream/fbdev.h"
#include "stream/mux.h"
#include "stream/overlay.h"
#include "stream/picture.h"
#include "tests/stream/png.h"
#include "stream/sink.h"
#include "stream/stream.h"

enum { WIDTH = 64, HEIGHT = 64, FPS = 25, SECTIONS_MAX = 24 };

static struct stream_config *settings;
static const struct option_section *sections[SECTIONS_MAX];
static void *configs[SECTIONS_MAX];
static struct config_entry entries[SECTIONS_MAX];
static struct config all = {.entries = entries};
static struct keyframes *keyframes;
static struct encoder *tracks_of;
static struct clock show_clock;
static struct stop stop;
static struct stats stats;
static const struct sink_ops *ops; /* of the sink that is opened */
static char folder[] = "/tmp/reverie-test-XXXXXX";

static const void *section(const char *name)
{
    for (size_t i = 0; i < all.count; i++)
        if (strcmp(sections[i]->name, name) == 0)
            return configs[i];
    fail_msg("no section %s", name);
    return NULL;
}

static int open_encoder_of(struct encoder **out, struct error *e)
{
    const struct encoder_params p = {
        .video = section("video"), .audio = section("audio"), .fps = FPS, .reproducible = true};
    return encoder_open(out, &p, e);
}

static int open_stream_of(struct stream **out, struct error *e)
{
    const struct stream_params p = {
        .config = settings, .keyframes = keyframes, .clock = &show_clock, .stats = &stats, .stop = &stop};
    return stream_open(out, &p, e);
}

static int open_sink_of(struct sink **out, struct error *e)
{
    const struct sink_params p = {
        .config = section(ops->section->name), .tracks = encoder_tracks(tracks_of), .stats = &stats};
    return sink_open(out, ops, &p, e);
}

/* A screen that is memory. */
static int open_memory(const char *path, int flags)
{
    (void)flags;
    int fd = memfd_create(path, MFD_CLOEXEC);
    return fd >= 0 && ftruncate(fd, 4 * WIDTH * HEIGHT) == 0 ? fd : -1;
}

static int describe_memory(int fd, unsigned long request, void *out)
{
    static const struct fb_var_screeninfo v = {.xres = WIDTH,
                                               .yres = HEIGHT,
                                               .bits_per_pixel = 32,
                                               .red = {.offset = 16, .length = 8},
                                               .green = {.offset = 8, .length = 8},
                                               .blue = {.length = 8}};
    static const struct fb_fix_screeninfo fix = {.smem_len = 4 * WIDTH * HEIGHT, .line_length = 4 * WIDTH};
    (void)fd;
    memcpy(out, request == FBIOGET_VSCREENINFO ? (const void *)&v : &fix,
           request == FBIOGET_VSCREENINFO ? sizeof v : sizeof fix);
    return 0;
}

static int open_screen(struct fbdev **out, struct error *e)
{
    static const struct fbdev_config config = {.device = "screen", .fps = 12};
    static const struct fbdev_calls calls = {open_memory, describe_memory};
    return fbdev_open(out, &config, WIDTH, HEIGHT, &calls, e);
}

static int open_camera_of(struct camera **out, struct error *e)
{
    const struct camera_params p = {
        .config = section("camera"), .fps = FPS, .width_px = WIDTH, .height_px = HEIGHT};
    return camera_open(out, &p, e);
}

OPENING(camera, camera, open_camera_of(out, e))
OPENING(fbdev, fbdev, open_screen(out, e))
OPENING(overlay, overlay, overlay_open(out, section("caption"), FPS, WIDTH, HEIGHT, e))
OPENING(audio, audio, audio_open(out, section("audio"), false, e))
OPENING(encoder, encoder, open_encoder_of(out, e))
OPENING(sink, sink, open_sink_of(out, e))

static int open_mux(void **thing, struct error *e)
{
    static struct mux mux;
    int rc = mux_open(&mux, "mp4", encoder_tracks(tracks_of));
    (void)e;
    *thing = &mux;
    if (rc < 0) {
        mux_close(&mux);
        *thing = NULL;
    }
    return rc;
}

static void close_mux(void **thing)
{
    if (*thing)
        mux_close(*thing);
    *thing = NULL;
}

static int open_stream(void **thing, struct error *e)
{
    return open_stream_of((struct stream **)thing, e);
}

static void close_stream(void **thing)
{
    keyframes_shutdown(keyframes);
    stream_close((struct stream **)thing, NULL);
}

/* Pictures are read and written whole; what is given back is the test's at once. */
static char picture_path[64];

static int write_picture(void **thing, struct error *e)
{
    static const float rgb[3 * 8 * 8];
    (void)thing;
    return write_png(picture_path, rgb, 8, 8, e);
}

static int read_picture(void **thing, struct error *e)
{
    int width_px, height_px;
    return picture_read(picture_path, (float **)thing, &width_px, &height_px, e);
}

static void close_picture(void **thing)
{
    free(*thing);
    *thing = NULL;
}

static void set(const char *assignment)
{
    struct error e = {""};
    if (config_set(&all, assignment, &e) < 0)
        fail_msg("%s", e.text);
}

static void parts(void **state)
{
    (void)state;
    static const struct opening openings[] = {
        OPENS("camera", camera),
        OPENS("overlay", overlay),
        OPENS("fbdev", fbdev),
        OPENS("silence", audio),
        OPENS("encoder", encoder),
        OPENS("mux", mux, .has_no_line = true),
        {.name = "picture written",
         .open = write_picture,
         .close = close_picture,
         .may_go_on = "open"}, /* of its folder, to sync the rename */
        {.name = "picture read", .open = read_picture, .close = close_picture},
    };
    fail_all(openings, ARRAY_LEN(openings));
}

static void sound_from_a_file(void **state)
{
    (void)state;
    static const struct opening opening = OPENS("sound", audio);
    set("audio.source=/nonexistent/sound.wav");
    fail_all(&opening, 1);
    set("audio.source=silence");
}

static void every_sink(void **state)
{
    (void)state;
    int count = 0;
    for (; sink_registry[count]; count++) {
        ops = sink_registry[count];
        const struct opening opening = OPENS(ops->name, sink);
        if (ops->section)
            fail_all(&opening, 1);
    }
    assert_true(count >= 4);
}

/* A sink's file or connection is opened by its thread, when the first packet comes. */
enum { FRAMES = 60 };
static int64_t errors_before;

static void to_sink(void *context, const AVPacket *packet)
{
    sink_put(context, packet);
}

static int open_fed_sink(void **thing, struct error *e)
{
    struct encoder *encoder = NULL;
    errors_before = stats_get(&stats, STAT_SINK_ERRORS);
    int rc = open_sink(thing, e);
    if (rc == 0)
        rc = open_encoder_of(&encoder, e);
    for (int i = 0; i < FRAMES && rc == 0; i++)
        rc = encoder_push(encoder, to_sink, *thing);
    if (rc == 0)
        rc = encoder_finish(encoder, INT64_MAX, to_sink, *thing);
    encoder_close(&encoder);
    return rc;
}

static void empty_folder(void)
{
    DIR *d = opendir(folder);
    for (const struct dirent *entry; d && (entry = readdir(d));)
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
}

static void close_fed_sink(void **thing)
{
    sink_end(*thing);
    sink_wait(*thing, clock_real_us() + 5000000);
    close_sink(thing);
    char digest[128];
    snprintf(digest, sizeof digest, "%s/md5", folder);
    bool is_written = access(digest, F_OK) == 0; /* only its folder could not be synced */
    empty_folder();
    const char *failed = atomic_load(&doomed_call);
    if (failed && !is_written &&
        strcmp(failed, "fstat") != 0) /* is the file still there? It does without knowing */
        assert_true(stats_get(&stats, STAT_SINK_ERRORS) > errors_before);
}

static void sinks_go_on(void **state)
{
    (void)state;
    for (int i = 0; sink_registry[i]; i++) {
        ops = sink_registry[i];
        const struct opening opening = OPENS(ops->name, fed_sink);
        if (ops->section)
            print_message("# %s, its thread: %d calls\n", ops->name, fail_each_in_threads(&opening));
    }
}

static void the_whole_of_it(void **state)
{
    (void)state;
    static const struct opening opening = OPENS("stream", stream);
    set("record.enabled=true");
    set("rtmp.enabled=true");
    set("md5.enabled=true");
    fail_all(&opening, 1);
}

static int setup(void **state)
{
    (void)state;
    char assignment[128];
    log_set_level(LOG_ERROR);
    av_log_install();
    settings = stream_config_new();
    all.count = (size_t)stream_config_sections(settings, sections, configs, SECTIONS_MAX);
    for (size_t i = 0; i < all.count; i++)
        entries[i] = (struct config_entry){sections[i], configs[i]};
    assert_non_null(mkdtemp(folder));
    set("video.size=64x64");
    set("video.encoder=libx264");
    set("rtmp.url=rtmp://127.0.0.1:1/app");
    snprintf(assignment, sizeof assignment, "record.dir=%s", folder);
    set(assignment);
    snprintf(assignment, sizeof assignment, "md5.file=%s/md5", folder);
    set(assignment);
    snprintf(picture_path, sizeof picture_path, "%s/picture.png", folder);
    clock_init_monotonic(&show_clock);
    return stop_init(&stop) < 0 || keyframes_open(&keyframes, WIDTH, HEIGHT, false) < 0 ||
           open_encoder_of(&tracks_of, NULL) < 0;
}

static int teardown(void **state)
{
    (void)state;
    encoder_close(&tracks_of);
    keyframes_close(&keyframes);
    stop_close(&stop);
    stream_config_free(settings);
    empty_folder();
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),       cmocka_unit_test(sound_from_a_file), cmocka_unit_test(every_sink),
        cmocka_unit_test(sinks_go_on), cmocka_unit_test(the_whole_of_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
