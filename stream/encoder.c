/*
 * encoder - see encoder.h. Video through libx264 or h264_nvenc, audio through FFmpeg's own AAC encoder. NVENC
 * gets its frames in the card's memory (upload.h); it is tried by opening it, and whatever is missing then -
 * the driver, the card, an encoder on it (data-centre cards have none) - means libx264.
 */
#include "stream/encoder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/dict.h>
#include <libavutil/mathematics.h>

#include "common/clock.h"
#include "common/log.h"
#include "stream/av_log.h"
#include "stream/upload.h"

enum {
    KEYFRAME_SECONDS = 2,
    SIDE_MIN_PX = 64,
    LIVE_LOOKAHEAD = 10, /* frames; medium has 40, which at 4 frames/s of a slow machine are ten seconds */
};

static const char *const encoder_names[] = {"auto", "libx264", "h264_nvenc", NULL};
static const char *const flash_guards[] = {"on", "off-i-accept-the-risk", NULL}; /* enum flash_guard_mode */
static const char *const presets[] = {"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", NULL};

static const struct option rows[] = {
    OPTION_SIZE(struct video_config, size, "1280x720", SIDE_MIN_PX, 3840,
                "Size of the video; both sides even."),
    OPTION_INT(struct video_config, fps, "25", 1, 60, "per second", "Frames per second, constant."),
    OPTION_INT(struct video_config, bitrate_kbps, "3000", 100, 50000, "kbit/s",
               "Bit rate of the video, constant. Twitch takes at most 6000."),
    OPTION_INT(
        struct video_config, bitrate_floor_kbps, "800", 0, 50000, "kbit/s",
        "When the line to a server is too thin, the bit rate goes down as far as this, and back when it is "
        "wide again. 0: it stays, and pictures are dropped."),
    OPTION_CHOICE(struct video_config, encoder, "auto", encoder_names,
                  "auto takes h264_nvenc when this machine's graphics card opens it, else libx264."),
    OPTION_CHOICE(
        struct video_config, preset, "superfast", presets,
        "libx264's bargain between processor time and picture: the dream wants the same processor."),
    OPTION_INT(struct video_config, b_frames, "2", 0, 4, NULL,
               "B-frames in a row; 0 lowers the delay to the viewer by a few frames."),
    OPTION_INT(struct video_config, threads, "1", 1, 64, NULL,
               "Threads of libx264. A given number gives the same bytes on every machine."),
    OPTION_BOOL(
        struct video_config, adapt, "true",
        "When this machine is too slow for the preset for ten seconds, go on with a faster one, in new files "
        "and connections. Frames that are not encoded in time are left out either way; a stream is never "
        "slower than the clock."),
    OPTION_BOOL(struct video_config, half_rate, "false",
                "When even the fastest preset is too slow, encode every second frame only."),
    OPTION_CHOICE(
        struct video_config, flash_guard, "on", flash_guards,
        "Holds back more than three flashes in a second over a large part of the picture (WCAG 2.3.1), bright "
        "or red, because they can cause seizures. Frames without such flashes stay as they are."),
};
const struct option_section video_section = OPTION_SECTION(
    "video", struct video_config, rows, "The picture: H.264, constant frame rate and bit rate.");

struct fifo {
    AVPacket **packets; /* [count], oldest first; owned */
    size_t count, room;
};

struct encoder {
    struct audio *source;
    AVCodecContext *codecs[TRACK_COUNT];
    AVFrame *frames[TRACK_COUNT];
    struct upload *upload; /* h264_nvenc only */
    AVPacket *packet;
    struct encoder_tracks tracks;
    int64_t frames_in; /* video frames pushed or skipped: the clock of everything */
    int64_t idr_frame; /* of these, the first or the last that had to be an IDR */
    bool has_gap; /* frames were skipped: the codec, which counts frames, would be late with its next IDR */
    int64_t samples_in; /* audio samples encoded */

    int64_t reorder_frames;        /* pts - dts of the first video packet; -1 before it */
    struct fifo held[TRACK_COUNT]; /* encoded, waiting for their turn in the common order */
};

static int fail(struct error *e, int rc, const char *what)
{
    return error_set(e, rc == AVERROR(ENOMEM) ? ENOMEM : EIO, "%s: %s", what, av_error_describe(rc).text);
}

/* ---- opening ---- */

static void set_video_fields(AVCodecContext *c, const struct encoder_params *p)
{
    const struct video_config *v = p->video;
    c->width = v->size.width_px;
    c->height = v->size.height_px;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->colorspace = AVCOL_SPC_BT709;
    c->color_range = AVCOL_RANGE_MPEG;
    c->chroma_sample_location = AVCHROMA_LOC_LEFT;
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->time_base = (AVRational){1, p->fps};
    c->framerate = (AVRational){p->fps, 1};
    c->gop_size = c->keyint_min = KEYFRAME_SECONDS * p->fps;
    c->max_b_frames = (int)v->b_frames;
    c->bit_rate = c->rc_max_rate = v->bitrate_kbps * 1000;
    c->rc_buffer_size = (int)(v->bitrate_kbps * 1000); /* one second */
    c->profile = FF_PROFILE_H264_HIGH;
    c->thread_count = (int)v->threads;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
}

/* A live show looks no further ahead than veryfast does: what is looked at waits, and is lost when the show ends. */
static void set_x264_options(AVDictionary **options, const struct encoder_params *p)
{
    enum { VERYFAST = 2 };
    char params[128];
    int n = snprintf(params, sizeof params, "scenecut=0:open-gop=0%s", p->filler ? ":filler=1" : "");
    if (!p->reproducible && p->video->preset > VERYFAST)
        snprintf(params + n, sizeof params - (size_t)n, ":rc-lookahead=%d", LIVE_LOOKAHEAD);
    av_dict_set(options, "preset", presets[p->video->preset], 0);
    av_dict_set(options, "x264-params", params, 0);
}

static void set_video_options(AVDictionary **options, const char *name, const struct encoder_params *p)
{
    av_dict_set(options, "profile", "high", 0);
    av_dict_set(options, "forced-idr", "1", 0);
    if (strcmp(name, "libx264") == 0) {
        set_x264_options(options, p);
    } else {
        av_dict_set(options, "preset", "p4", 0);
        av_dict_set(options, "rc", "cbr", 0);
        av_dict_set(options, "no-scenecut", "1", 0);
        av_dict_set(options, "strict_gop", "1", 0);
        av_dict_set(options, "delay", "0", 0);
    }
}

/* The encoder takes its frames from the card's memory. */
static int attach_upload(struct encoder *e, AVCodecContext *c, int gpu)
{
    int rc = upload_open(&e->upload, gpu, c->width, c->height);
    if (rc < 0)
        return rc;
    c->pix_fmt = AV_PIX_FMT_CUDA;
    c->sw_pix_fmt = AV_PIX_FMT_NV12;
    c->hw_frames_ctx = av_buffer_ref(upload_pool(e->upload));
    return c->hw_frames_ctx ? 0 : AVERROR(ENOMEM);
}

static int open_video_as(struct encoder *e, const char *name, const struct encoder_params *p)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    AVCodecContext *c = e->codecs[TRACK_VIDEO] = avcodec_alloc_context3(codec);
    if (!c)
        return AVERROR(ENOMEM);
    set_video_fields(c, p);
    int rc = strcmp(name, encoder_names[VIDEO_ENCODER_NVENC]) == 0 ? attach_upload(e, c, p->gpu) : 0;
    AVDictionary *options = NULL;
    set_video_options(&options, name, p);
    if (rc >= 0)
        rc = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    if (rc < 0) {
        avcodec_free_context(&e->codecs[TRACK_VIDEO]);
        upload_close(&e->upload);
    }
    return rc;
}

int encoder_valid(const struct video_config *v, struct error *e)
{
    int w = v->size.width_px, h = v->size.height_px;
    if (w < SIDE_MIN_PX || h < SIDE_MIN_PX)
        return error_set(e, EINVAL, "video.size %dx%d: each side takes at least %d pixels", w, h,
                         SIDE_MIN_PX);
    if (w % 2 || h % 2)
        return error_set(e, EINVAL, "video.size %dx%d: both sides must be even, as in %dx%d", w, h, w - w % 2,
                         h - h % 2);
    return 0;
}

static int open_video(struct encoder *e, const struct encoder_params *p, struct error *error)
{
    const struct video_config *v = p->video;
    int rc = encoder_valid(v, error);
    if (rc < 0)
        return rc;
    rc = AVERROR_ENCODER_NOT_FOUND;
    av_log_forget();
    if (v->encoder == VIDEO_ENCODER_NVENC || (v->encoder == VIDEO_ENCODER_AUTO && !p->reproducible))
        rc = open_video_as(e, encoder_names[VIDEO_ENCODER_NVENC], p);
    if (rc < 0 && v->encoder == VIDEO_ENCODER_AUTO && !p->reproducible)
        log_debug("encoder", "no h264_nvenc here: %s", av_error_describe(rc).text);
    if (rc < 0 && v->encoder == VIDEO_ENCODER_NVENC)
        return error_set(error, ENODEV, "h264_nvenc does not open: %s. Set video.encoder to auto or libx264",
                         av_error_describe(rc).text);
    if (rc < 0) {
        av_log_forget();
        rc = open_video_as(e, encoder_names[VIDEO_ENCODER_LIBX264], p);
    }
    if (rc < 0)
        return fail(error, rc, "libx264 does not open; check the section \"video\"");
    log_info("encoder", "%s, %dx%d, %d fps, %d kbit/s", e->codecs[TRACK_VIDEO]->codec->name, v->size.width_px,
             v->size.height_px, p->fps, (int)v->bitrate_kbps);
    return 0;
}

static int open_audio(struct encoder *e, const struct encoder_params *p, struct error *error)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    AVCodecContext *c = codec ? e->codecs[TRACK_AUDIO] = avcodec_alloc_context3(codec) : NULL;
    if (!c)
        return error_set(error, ENOMEM, "the AAC encoder is missing or there is no memory for it");
    c->sample_fmt = AV_SAMPLE_FMT_FLTP;
    c->sample_rate = AUDIO_RATE_HZ;
    c->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_STEREO;
    c->time_base = (AVRational){1, AUDIO_RATE_HZ};
    c->bit_rate = p->audio->bitrate_kbps * 1000;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    c->thread_count = 1;
    int rc = avcodec_open2(c, codec, NULL);
    if (rc < 0)
        return fail(error, rc, "the AAC encoder does not open; check audio.bitrate_kbps");
    return audio_open(&e->source, p->audio, p->reproducible, error);
}

static struct frame frame_of(const AVFrame *f)
{
    return (struct frame){
        .width_px = f->width,
        .height_px = f->height,
        .planes = {f->data[0], f->data[1], f->data[2]},
        .strides = {f->linesize[0], f->linesize[1], f->linesize[2]},
    };
}

static int make_frames(struct encoder *e)
{
    const AVCodecContext *v = e->codecs[TRACK_VIDEO], *a = e->codecs[TRACK_AUDIO];
    AVFrame *picture = e->frames[TRACK_VIDEO] = av_frame_alloc();
    AVFrame *sound = e->frames[TRACK_AUDIO] = av_frame_alloc();
    if (!picture || !sound)
        return AVERROR(ENOMEM);
    picture->format = AV_PIX_FMT_YUV420P; /* what is drawn on, whatever the encoder takes */
    picture->width = v->width;
    picture->height = v->height;
    picture->color_primaries = v->color_primaries;
    picture->color_trc = v->color_trc;
    picture->colorspace = v->colorspace;
    picture->color_range = v->color_range;
    picture->chroma_location = v->chroma_sample_location;
    sound->format = a->sample_fmt;
    sound->sample_rate = a->sample_rate;
    sound->nb_samples = a->frame_size;
    int rc = av_channel_layout_copy(&sound->ch_layout, &a->ch_layout);
    if (rc >= 0)
        rc = av_frame_get_buffer(picture, 0);
    if (rc >= 0)
        rc = av_frame_get_buffer(sound, 0);
    if (rc < 0)
        return rc;
    struct frame shown = frame_of(picture);
    frame_fill_grey(&shown, COLOUR_BLACK_Y); /* until somebody fills the picture */
    return 0;
}

static int describe_tracks(struct encoder *e, int fps)
{
    e->tracks.fps = fps;
    for (int t = 0; t < TRACK_COUNT; t++) {
        e->tracks.time_base[t] = e->codecs[t]->time_base;
        e->tracks.parameters[t] = avcodec_parameters_alloc();
        if (!e->tracks.parameters[t])
            return AVERROR(ENOMEM);
        int rc = avcodec_parameters_from_context(e->tracks.parameters[t], e->codecs[t]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int encoder_open(struct encoder **out, const struct encoder_params *p, struct error *error)
{
    struct encoder *e = *out = xcalloc(1, sizeof *e);
    e->reorder_frames = -1;
    int rc = open_video(e, p, error);
    if (rc == 0)
        rc = open_audio(e, p, error);
    if (rc < 0)
        goto error;
    e->packet = av_packet_alloc();
    rc = e->packet ? make_frames(e) : AVERROR(ENOMEM);
    if (rc >= 0)
        rc = describe_tracks(e, p->fps);
    if (rc < 0) {
        rc = fail(error, rc, "cannot prepare the encoder");
        goto error;
    }
    return 0;
error:
    encoder_close(out);
    return rc;
}

void encoder_close(struct encoder **out)
{
    struct encoder *e = *out;
    if (!e)
        return;
    audio_close(&e->source);
    av_packet_free(&e->packet);
    for (int t = 0; t < TRACK_COUNT; t++) {
        for (size_t i = 0; i < e->held[t].count; i++)
            av_packet_free(&e->held[t].packets[i]);
        free(e->held[t].packets);
        av_frame_free(&e->frames[t]);
        avcodec_free_context(&e->codecs[t]);
        avcodec_parameters_free(&e->tracks.parameters[t]);
    }
    upload_close(&e->upload);
    free(e);
    *out = NULL;
}

const struct encoder_tracks *encoder_tracks(const struct encoder *e)
{
    return &e->tracks;
}

/* libx264 and NVENC look at these with each frame. */
void encoder_set_bitrate(struct encoder *e, int64_t kbps)
{
    AVCodecContext *c = e->codecs[TRACK_VIDEO];
    c->bit_rate = c->rc_max_rate = kbps * 1000;
    c->rc_buffer_size = (int)(kbps * 1000);
}

const char *encoder_preset(const struct encoder *e, const struct video_config *c)
{
    return e->upload ? "" : presets[c->preset];
}

bool encoder_faster(const struct encoder *e, struct video_config *c)
{
    enum { ULTRAFAST, SUPERFAST };
    if (e->upload || c->preset == ULTRAFAST)
        return false;
    c->preset = c->preset > SUPERFAST ? SUPERFAST : ULTRAFAST;
    return true;
}

/* ---- packets out ---- */

/* No other picture refers to this one: nal_ref_idc is 0 in its first slice (H.264, 7.4.1). */
static bool is_disposable(const AVPacket *p)
{
    for (int i = 0; i + 3 < p->size; i++) {
        if (p->data[i] != 0 || p->data[i + 1] != 0 || p->data[i + 2] != 1)
            continue;
        int type = p->data[i + 3] & 0x1f;
        if (type >= 1 && type <= 5)
            return (p->data[i + 3] & 0x60) == 0;
    }
    return false;
}

/* Moves e->packet to the end of its track's queue. */
static int hold(struct encoder *e, enum track track)
{
    struct fifo *f = &e->held[track];
    if (f->count == f->room) {
        f->room = f->room ? 2 * f->room : 64;
        f->packets = xrealloc(f->packets, f->room * sizeof *f->packets);
    }
    AVPacket *p = av_packet_alloc();
    if (!p)
        return -ENOMEM;
    av_packet_move_ref(p, e->packet);
    p->stream_index = track;
    p->time_base = e->tracks.time_base[track];
    if (track == TRACK_VIDEO) {
        if (p->duration == 0)
            p->duration = 1;
        if (e->reorder_frames < 0)
            e->reorder_frames = p->pts - p->dts;
        if (!(p->flags & AV_PKT_FLAG_KEY) && is_disposable(p))
            p->flags |= AV_PKT_FLAG_DISPOSABLE;
    }
    f->packets[f->count++] = p;
    return 0;
}

static void release_first(struct fifo *f, encoder_packet_fn *fn, void *context)
{
    fn(context, f->packets[0]);
    av_packet_free(&f->packets[0]);
    f->count--;
    memmove(f->packets, f->packets + 1, f->count * sizeof *f->packets);
}

/* Hands out what has its place in the order: a video packet goes when all audio before its pts (for
 * B-frames: before the picture that is shown when it is decoded) has gone, which is certain once later
 * audio is there. */
static void release(struct encoder *e, bool at_end, encoder_packet_fn *fn, void *context)
{
    struct fifo *video = &e->held[TRACK_VIDEO], *audio = &e->held[TRACK_AUDIO];
    const AVRational *tb = e->tracks.time_base;
    while (video->count > 0) {
        const AVPacket *first = video->packets[0];
        int64_t shown = first->flags & AV_PKT_FLAG_KEY ? first->pts : first->dts + e->reorder_frames;
        while (audio->count > 0 &&
               av_compare_ts(audio->packets[0]->pts, tb[TRACK_AUDIO], shown, tb[TRACK_VIDEO]) < 0)
            release_first(audio, fn, context);
        if (audio->count == 0 && !at_end)
            return;
        release_first(video, fn, context);
    }
    while (at_end && audio->count > 0)
        release_first(audio, fn, context);
}

/* Sends `frame` (NULL: end) to a codec and keeps what it gives. At the end it may hold a second's pictures that take several
 * to encode: what has not come by `until_us` is given up. */
static int encode(struct encoder *e, enum track track, AVFrame *frame, int64_t until_us)
{
    int rc = avcodec_send_frame(e->codecs[track], frame);
    while (rc >= 0) {
        if (until_us != INT64_MAX && clock_real_us() > until_us) {
            log_info("encoder", "the last pictures were not ready in time for the end");
            return 0;
        }
        rc = avcodec_receive_packet(e->codecs[track], e->packet);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return 0;
        if (rc >= 0)
            rc = hold(e, track);
        av_packet_unref(e->packet);
    }
    return rc == AVERROR(ENOMEM) ? -ENOMEM : -EIO;
}

static int encode_audio_frame(struct encoder *e, int samples)
{
    AVFrame *f = e->frames[TRACK_AUDIO];
    if (av_frame_make_writable(f) < 0)
        return -ENOMEM;
    f->nb_samples = samples;
    f->pts = e->samples_in;
    audio_read(e->source, (float *)f->data[0], (float *)f->data[1], samples);
    e->samples_in += samples;
    return encode(e, TRACK_AUDIO, f, INT64_MAX);
}

/* ---- frames in ---- */

bool encoder_picture(struct encoder *e, struct frame *picture)
{
    AVFrame *f = e->frames[TRACK_VIDEO];
    if (av_frame_make_writable(f) < 0)
        return false;
    *picture = frame_of(f);
    return true;
}

void encoder_set_mood(struct encoder *e, const struct synth_mood *m)
{
    audio_set_mood(e->source, m);
}

double encoder_beat(const struct encoder *e)
{
    return audio_beat(e->source);
}

void encoder_skip(struct encoder *e, int frames)
{
    e->frames_in += frames;
    e->has_gap = e->has_gap || frames > 0;
}

/* Without gaps the codec's own count is right. From the first one on every IDR is asked for, every two seconds. */
static bool is_idr_due(struct encoder *e)
{
    int64_t frame = e->frames_in - 1, gop = e->codecs[TRACK_VIDEO]->gop_size;
    if (!e->has_gap) {
        e->idr_frame = frame - frame % gop;
        return false;
    }
    if (frame - e->idr_frame < gop)
        return false;
    e->idr_frame = frame;
    return true;
}

int encoder_push(struct encoder *e, encoder_packet_fn *fn, void *context)
{
    const AVRational *tb = e->tracks.time_base;
    int rc = 0, frame_size = e->codecs[TRACK_AUDIO]->frame_size;
    while (av_compare_ts(e->samples_in, tb[TRACK_AUDIO], e->frames_in, tb[TRACK_VIDEO]) < 0 && rc == 0)
        rc = encode_audio_frame(e, frame_size);

    AVFrame *f = e->frames[TRACK_VIDEO];
    f->pts = e->frames_in++;
    f->pict_type = is_idr_due(e) ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    int video_rc =
        e->upload && upload_frame(e->upload, f, &f) < 0 ? -EIO : encode(e, TRACK_VIDEO, f, INT64_MAX);
    release(e, false, fn, context);
    return video_rc < 0 ? video_rc : rc;
}

int encoder_finish(struct encoder *e, int64_t until_us, encoder_packet_fn *fn, void *context)
{
    const AVRational *tb = e->tracks.time_base;
    int64_t end = av_rescale_q(e->frames_in, tb[TRACK_VIDEO], tb[TRACK_AUDIO]);
    int audio_rc = 0, frame_size = e->codecs[TRACK_AUDIO]->frame_size;
    while (e->samples_in < end && audio_rc == 0)
        audio_rc =
            encode_audio_frame(e, end - e->samples_in < frame_size ? (int)(end - e->samples_in) : frame_size);
    if (audio_rc == 0)
        audio_rc = encode(e, TRACK_AUDIO, NULL, INT64_MAX);
    int rc = encode(e, TRACK_VIDEO, NULL, until_us);
    release(e, true, fn, context);
    return rc < 0 ? rc : audio_rc;
}
