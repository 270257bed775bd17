/*
 * The encoder: exact times, one order that may be cut at any IDR, the same bytes for the same frames; sound
 * from a file, and silence where there is none.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <libavutil/hwcontext.h>

#include "stream/av_log.h"
#include "stream/upload.h"
#include "tests/stream/media.h"

struct seen {
    int video, audio, idr, disposable;
    int64_t newest_audio_pts, audio_end, newest_dts, frames_shown;
    int bad_order, bad_time, bad_idr;
    int64_t bytes;
    uint8_t shown[4096];
};

static void look(void *context, const AVPacket *p)
{
    struct seen *s = context;
    s->bytes += p->size;
    if (p->stream_index == TRACK_AUDIO) {
        s->bad_time += s->audio > 0 && p->pts != s->newest_audio_pts + 1024;
        s->newest_audio_pts = p->pts;
        s->audio_end = p->pts + p->duration;
        s->audio++;
        return;
    }
    s->bad_time += s->video > 0 && p->dts != s->newest_dts + 1;
    s->newest_dts = p->dts;
    s->video++;
    s->disposable += (p->flags & AV_PKT_FLAG_DISPOSABLE) != 0;
    assert_in_range(p->pts, 0, (int64_t)sizeof s->shown - 1);
    s->shown[p->pts]++;
    if (p->flags & AV_PKT_FLAG_KEY) {
        s->bad_idr += p->pts != s->idr * 50;
        s->idr++;
        /* all sound before this picture has come, and none that begins with it or later */
        int64_t at = p->pts * 1920;
        s->bad_order += s->newest_audio_pts >= at || s->newest_audio_pts + 1024 < at;
    }
}

static struct seen encode(struct video_config v, const struct audio_config *a, int64_t frames)
{
    struct seen s = {0};
    struct encoder *e = media_encoder(&v, a);
    media_encode(e, 0, frames, look, &s);
    assert_int_equal(encoder_finish(e, INT64_MAX, look, &s), 0);
    encoder_close(&e);
    return s;
}

static void test_times_and_order(void **state)
{
    (void)state;
    static const struct {
        int b_frames, preset, threads;
    } cases[] = {{2, 1, 1}, {0, 0, 1}, {2, 2, 1}, {4, 5, 2}, {1, 1, 3}};
    struct audio_config a = media_silence();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct video_config v = media_video(128, 64);
        v.b_frames = cases[i].b_frames;
        v.preset = cases[i].preset;
        v.threads = cases[i].threads;
        struct seen s = encode(v, &a, 160);
        assert_int_equal(s.video, 160);
        assert_int_equal(s.idr, 4);
        for (int n = 0; n < 160; n++)
            assert_int_equal(s.shown[n], 1);
        assert_int_equal(s.bad_order + s.bad_time + s.bad_idr, 0);
        assert_int_equal(s.audio_end, 160 * 1920); /* sound and picture end together */
        assert_true(cases[i].b_frames == 0 || cases[i].preset == 0 || s.disposable > 0);
        assert_true(cases[i].b_frames > 0 || s.disposable == 0);
    }
}

/* How many frames go in before the first one comes out, which is how many a viewer is late. */
static int frames_kept(int preset, bool offline)
{
    struct audio_config a = media_silence();
    struct video_config v = media_video(128, 64);
    v.preset = preset;
    struct encoder_params p = {.video = &v, .audio = &a, .fps = (int)v.fps, .reproducible = offline};
    struct encoder *e = NULL;
    struct seen s = {0};
    int frames = 0;
    v.encoder = VIDEO_ENCODER_LIBX264;
    assert_int_equal(encoder_open(&e, &p, NULL), 0);
    for (; s.video == 0 && frames < 100; frames++)
        media_encode(e, frames, 1, look, &s);
    encoder_close(&e);
    return frames;
}

static void test_a_live_show_looks_ahead_for_a_moment_only(void **state)
{
    (void)state;
    enum { SUPERFAST = 1, VERYFAST, MEDIUM = 5 };
    assert_in_range(frames_kept(SUPERFAST, false), 1, 6);
    assert_in_range(frames_kept(MEDIUM, false), 1, 16);
    assert_int_equal(frames_kept(MEDIUM, false), frames_kept(VERYFAST, false));
    assert_in_range(frames_kept(MEDIUM, true), 40, 50); /* offline nobody waits */
}

struct gaps {
    int idr, late_idr, bad_order, wrong_time;
    int64_t last_idr_pts, audio_end, dts;
    bool *pushed; /* [4096] which frames were encoded */
};

static void look_at_gaps(void *context, const AVPacket *p)
{
    struct gaps *g = context;
    if (p->stream_index == TRACK_AUDIO) {
        g->bad_order += p->pts != g->audio_end;
        g->audio_end = p->pts + p->duration;
        return;
    }
    g->wrong_time += !g->pushed[p->pts] || (g->dts >= p->dts && g->idr > 0);
    g->dts = p->dts;
    if (!(p->flags & AV_PKT_FLAG_KEY))
        return;
    g->late_idr += g->idr > 0 && p->pts - g->last_idr_pts > 50 + 7; /* a gap may lie on its place */
    int64_t at = p->pts * 1920;
    g->bad_order += g->audio_end < at || g->audio_end - 1024 >= at;
    g->last_idr_pts = p->pts;
    g->idr++;
}

/* Frames that are left out leave their time empty: sound goes on, IDRs come every two seconds, files can be cut. */
static void test_frames_left_out(void **state)
{
    (void)state;
    static const int gaps[] = {1, 3, 0, 7, 2, 0, 0, 5};
    struct audio_config a = media_silence();
    for (int b_frames = 0; b_frames <= 2; b_frames += 2) {
        static bool pushed[4096];
        struct video_config v = media_video(128, 64);
        struct gaps g = {.pushed = pushed,
                         .audio_end = -1024}; /* the codec begins with a packet of its own */
        v.b_frames = b_frames;
        struct encoder *e = media_encoder(&v, &a);
        int64_t at = 0;
        memset(pushed, 0, sizeof pushed);
        for (int i = 0; i < 300; i++) {
            pushed[at++] = true;
            media_encode(e, i, 1, look_at_gaps, &g);
            int gap = i < 30 ? 0 : gaps[i % (int)ARRAY_LEN(gaps)];
            encoder_skip(e, gap);
            at += gap;
        }
        assert_int_equal(encoder_finish(e, INT64_MAX, look_at_gaps, &g), 0);
        encoder_close(&e);
        assert_int_equal(g.late_idr, 0);
        assert_int_equal(g.bad_order, 0);
        assert_int_equal(g.wrong_time, 0);
        assert_in_range(g.idr, at / 58, at / 50 + 1);
        assert_in_range(g.audio_end, at * 1920 - 1024, at * 1920);
    }
}

static void test_what_ingest_servers_want(void **state)
{
    (void)state;
    struct video_config v = media_video(320, 180);
    struct audio_config a = media_silence();
    v.bitrate_kbps = 400;
    struct encoder_params p = {.video = &v, .audio = &a, .fps = 25, .reproducible = true, .filler = true};
    struct encoder *e = NULL;
    assert_int_equal(encoder_open(&e, &p, NULL), 0);
    const struct encoder_tracks *t = encoder_tracks(e);
    assert_true(t->parameters[TRACK_VIDEO]->extradata_size > 0 &&
                t->parameters[TRACK_AUDIO]->extradata_size > 0);
    assert_int_equal(t->parameters[TRACK_VIDEO]->profile, FF_PROFILE_H264_HIGH);
    assert_int_equal(t->parameters[TRACK_VIDEO]->extradata[5], 100); /* profile_idc, in the SPS itself */
    assert_int_equal(t->parameters[TRACK_VIDEO]->color_space, AVCOL_SPC_BT709);
    assert_int_equal(t->parameters[TRACK_VIDEO]->color_range, AVCOL_RANGE_MPEG);
    assert_int_equal(t->parameters[TRACK_AUDIO]->sample_rate, 48000);

    /* a black picture costs nothing, and still the rate is kept */
    struct seen s = {0};
    for (int n = 0; n < 250; n++)
        assert_int_equal(encoder_push(e, look, &s), 0);
    encoder_finish(e, INT64_MAX, look, &s);
    encoder_close(&e);
    assert_in_range(s.bytes * 8 / 10, 330000, 440000);
}

static void test_sizes_that_cannot_be(void **state)
{
    (void)state;
    static const struct option_size sizes[] = {{0, 0}, {1281, 720}, {1280, 719}, {8, 8}};
    struct audio_config a = media_silence();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct video_config v = media_video(sizes[i].width_px, sizes[i].height_px);
        struct encoder_params p = {.video = &v, .audio = &a, .fps = 25};
        struct error error = {""};
        struct encoder *e = NULL;
        assert_int_equal(encoder_open(&e, &p, &error), -EINVAL);
        assert_null(e);
        assert_non_null(strstr(error.text, "video.size"));
    }
}

static void test_auto_falls_back(void **state)
{
    (void)state;
    struct video_config v = media_video(320, 180);
    struct audio_config a = media_silence();
    struct encoder_params p = {.video = &v, .audio = &a, .fps = 25};
    struct encoder *e = NULL;
    struct error error = {""};
    v.encoder = VIDEO_ENCODER_AUTO;
    assert_int_equal(encoder_open(&e, &p, &error), 0);
    encoder_close(&e);
    v.encoder = VIDEO_ENCODER_NVENC;
    int rc = encoder_open(&e, &p, &error);
    assert_true(rc == 0 || strstr(error.text, "libx264")); /* without such a card: the remedy is named */
    encoder_close(&e);
}

/* ---- on the way to a graphics card ---- */

static AVFrame *new_frame(enum AVPixelFormat format, int width, int height)
{
    AVFrame *f = av_frame_alloc();
    f->format = format;
    f->width = width;
    f->height = height;
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    return f;
}

static void test_planes_are_interleaved(void **state)
{
    (void)state;
    enum { W = 70, H = 38 };
    AVFrame *from = new_frame(AV_PIX_FMT_YUV420P, W, H), *to = new_frame(AV_PIX_FMT_NV12, W, H);
    media_draw(&(struct frame){.width_px = W,
                               .height_px = H,
                               .planes = {from->data[0], from->data[1], from->data[2]},
                               .strides = {from->linesize[0], from->linesize[1], from->linesize[2]}},
               3);
    upload_interleave(from, to);
    for (int y = 0; y < H; y++)
        assert_memory_equal(to->data[0] + y * to->linesize[0], from->data[0] + y * from->linesize[0], W);
    for (int i = 0; i < W * H / 4; i++) {
        int x = i % (W / 2), y = i / (W / 2);
        const uint8_t *pair = to->data[1] + y * to->linesize[1] + 2 * x;
        assert_int_equal(pair[0], from->data[1][y * from->linesize[1] + x]);
        assert_int_equal(pair[1], from->data[2][y * from->linesize[2] + x]);
    }
    av_frame_free(&from);
    av_frame_free(&to);
}

/* Without a driver it says so; with one, what goes up comes down again. */
static void test_upload(void **state)
{
    (void)state;
    struct upload *u = NULL;
    int rc = upload_open(&u, 0, 128, 64);
    assert_true((rc == 0) == (u != NULL));
    if (u) {
        AVFrame *from = new_frame(AV_PIX_FMT_YUV420P, 128, 64), *up, *down = av_frame_alloc();
        memset(from->data[0], 77, (size_t)from->linesize[0] * 64);
        memset(from->data[1], 99, (size_t)from->linesize[1] * 32);
        memset(from->data[2], 111, (size_t)from->linesize[2] * 32);
        from->pts = 5;
        assert_int_equal(upload_frame(u, from, &up), 0);
        assert_int_equal(up->pts, 5);
        assert_int_equal(av_hwframe_transfer_data(down, up, 0), 0);
        assert_int_equal(down->data[0][127], 77);
        assert_int_equal(down->data[1][126], 99);
        assert_int_equal(down->data[1][127], 111);
        av_frame_free(&from);
        av_frame_free(&down);
    }
    upload_close(&u);
    upload_close(&u);
    assert_true(upload_open(&u, 63, 128, 64) < 0); /* no machine has as many cards */
    assert_null(u);
}

/* ---- sound ---- */

enum { TONE_SAMPLES = 24000 };

static float tone(int n)
{
    return 0.5f * sinf(2 * (float)M_PI * 440 * (float)n / 48000);
}

/* Half a second of 440 Hz, right channel inverted, 16 bits. */
static char *write_wav(const char *folder)
{
    char *path = xasprintf("%s/tone.wav", folder);
    FILE *f = fopen(path, "wb");
    uint32_t bytes = TONE_SAMPLES * 4;
    struct {
        char riff[4];
        uint32_t size;
        char wave_fmt[8];
        uint32_t fmt_size;
        uint16_t format, channels;
        uint32_t rate, byte_rate;
        uint16_t block, bits;
        char data[4];
        uint32_t data_size;
    } head = {{'R', 'I', 'F', 'F'},
              bytes + 36,
              {'W', 'A', 'V', 'E', 'f', 'm', 't', ' '},
              16,
              1,
              2,
              48000,
              48000 * 4,
              4,
              16,
              {'d', 'a', 't', 'a'},
              bytes};
    fwrite(&head, 44, 1, f);
    for (int i = 0; i < TONE_SAMPLES; i++) {
        int16_t v[2] = {(int16_t)lrintf(32767 * tone(i)), (int16_t)lrintf(-32767 * tone(i))};
        fwrite(v, sizeof v, 1, f);
    }
    fclose(f);
    return path;
}

static void test_sound_file_loops(void **state)
{
    (void)state;
    static float left[1024], right[1024];
    char *folder = media_folder(), *path = write_wav(folder);
    struct audio_config c = media_silence();
    snprintf(c.source, sizeof c.source, "%s", path);
    c.volume = 0.5;
    struct audio *a = NULL;
    assert_int_equal(audio_open(&a, &c, true, NULL), 0);
    double worst = 0;
    for (int n = 0; n < 200 * 1024; n += 1024) { /* more than eight times round, more than the ring holds */
        audio_read(a, left, right, 1024);
        for (int i = 0; i < 1024; i++) {
            float want = 0.5f * tone((n + i) % TONE_SAMPLES);
            worst = fmax(worst, fmax(fabsf(left[i] - want), fabsf(right[i] + want)));
        }
    }
    assert_true(worst < 1e-4);
    audio_close(&a);
    free(path);
    media_remove(folder);
}

static void test_broken_sound_is_silence(void **state)
{
    (void)state;
    static float left[1024], right[1024];
    char *folder = media_folder(), *broken = xasprintf("%s/broken.mp3", folder);
    char *missing = xasprintf("%s/missing.mp3", folder);
    FILE *f = fopen(broken, "wb");
    for (int i = 0; i < 5000; i++)
        fputc(i * 7919 >> 3 & 0xff, f);
    fclose(f);
    const char *sources[] = {broken, missing, folder};
    for (size_t i = 0; i < 2 * ARRAY_LEN(sources); i++) {
        struct audio_config c = media_silence();
        snprintf(c.source, sizeof c.source, "%s", sources[i / 2]);
        struct audio *a = NULL;
        assert_int_equal(audio_open(&a, &c, i % 2, NULL), 0);
        for (int n = 0; n < 50; n++)
            audio_read(a, left, right, 1024);
        assert_true(left[1023] == 0 && right[1023] == 0);
        audio_close(&a);
    }
    free(missing);
    free(broken);
    media_remove(folder);
}

static void test_sound_that_nobody_reads_is_closed(void **state)
{
    (void)state;
    char *folder = media_folder(), *path = write_wav(folder);
    struct audio_config c = media_silence();
    snprintf(c.source, sizeof c.source, "%s", path);
    struct audio *a = NULL;
    assert_int_equal(audio_open(&a, &c, false, NULL), 0);
    usleep(100000); /* the ring is full, the decoder waits */
    audio_close(&a);
    assert_null(a);
    free(path);
    media_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_and_order),
        cmocka_unit_test(test_a_live_show_looks_ahead_for_a_moment_only),
        cmocka_unit_test(test_frames_left_out),
        cmocka_unit_test(test_what_ingest_servers_want),
        cmocka_unit_test(test_sizes_that_cannot_be),
        cmocka_unit_test(test_auto_falls_back),
        cmocka_unit_test(test_planes_are_interleaved),
        cmocka_unit_test(test_upload),
        cmocka_unit_test(test_sound_file_loops),
        cmocka_unit_test(test_broken_sound_is_silence),
        cmocka_unit_test(test_sound_that_nobody_reads_is_closed),
    };
    av_log_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
