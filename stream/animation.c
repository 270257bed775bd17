/*
 * animation - see animation.h. One encoder and one muxer of FFmpeg's libraries; the pixels are converted by swscale, but
 * for GIF: its 252 colours are a cube of 6 x 7 x 6 with an ordered dither, the same for all frames, so nothing flickers.
 */
#include "stream/animation.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "stream/picture_meta.h"

enum { QUIET_LOG_OFFSET = 100, DITHER = 4, REDS = 6, GREENS = 7, BLUES = 6, COLOURS = REDS * GREENS * BLUES };

static const struct kind {
    const char *ending, *muxer, *encoder;
    enum AVPixelFormat pixels;
    int side_max;
    bool even;
} kinds[] = {
    {".mp4", "mp4", "libx264", AV_PIX_FMT_YUV420P, 8192, true},
    {".webp", "webp", "libwebp_anim", AV_PIX_FMT_YUV420P, 16383, false},
    {".gif", "gif", "gif", AV_PIX_FMT_PAL8, 16384, false},
};

struct animation {
    const struct kind *kind;
    struct animation_params params;
    AVCodecContext *codec;
    AVFormatContext *format;
    AVIOContext *io;
    AVPacket *packet;
    AVFrame *frame;
    struct SwsContext *scaler; /* NULL: GIF */
    uint8_t *rgb24;            /* [height][width][3] */
    int64_t count;
};

static const struct kind *kind_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < ARRAY_LEN(kinds); i++)
        if (strcasecmp(dot, kinds[i].ending) == 0)
            return &kinds[i];
    return NULL;
}

int animation_valid(const struct animation_params *p, struct error *e)
{
    const struct kind *k = kind_of(p->path);
    if (!k)
        return error_set(e, EINVAL, "%s: films are written as .mp4, .webp or .gif; give a name that ends so",
                         p->path);
    if (p->width_px > k->side_max || p->height_px > k->side_max)
        return error_set(e, EINVAL, "%s: %dx%d is too large for a film; sides can be up to %d", p->path,
                         p->width_px, p->height_px, k->side_max);
    if (k->even && (p->width_px % 2 || p->height_px % 2))
        return error_set(e, EINVAL, "%s: both sides must be even for MP4, as in %dx%d", p->path,
                         p->width_px & ~1, p->height_px & ~1);
    return 0;
}

static int set_codec(struct animation *a, const AVCodec *codec)
{
    AVCodecContext *c = a->codec = avcodec_alloc_context3(codec);
    if (!c)
        return AVERROR(ENOMEM);
    c->log_level_offset = QUIET_LOG_OFFSET;
    c->width = a->params.width_px;
    c->height = a->params.height_px;
    c->pix_fmt = a->kind->pixels;
    c->time_base = (AVRational){1, a->params.fps};
    c->framerate = (AVRational){a->params.fps, 1};
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->thread_count = 1;
    if (a->format->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (a->kind->pixels == AV_PIX_FMT_PAL8)
        return avcodec_open2(c, codec, NULL);
    char crf[16];
    snprintf(crf, sizeof crf, "%d",
             40 - a->params.quality * 28 / 100); /* x264: 12 is as good as it gets, 40 poor */
    av_opt_set(c->priv_data, "crf", crf, 0);
    c->flags |= a->kind->even ? 0 : AV_CODEC_FLAG_QSCALE;
    c->global_quality = a->kind->even ? 0 : a->params.quality * FF_QP2LAMBDA;
    return avcodec_open2(c, codec, NULL);
}

static int set_muxer(struct animation *a)
{
    AVStream *stream = avformat_new_stream(a->format, NULL);
    if (!stream)
        return AVERROR(ENOMEM);
    stream->time_base = a->codec->time_base;
    stream->avg_frame_rate = a->codec->framerate;
    int rc = avcodec_parameters_from_context(stream->codecpar, a->codec);
    if (rc < 0)
        return rc;
    if (a->params.note)
        av_dict_set(&a->format->metadata, "comment", a->params.note, 0);
    AVDictionary *options = NULL;
    av_dict_set(&options, "loop", "0", 0); /* WebP and GIF: for ever */
    rc = avformat_write_header(a->format, &options);
    av_dict_free(&options);
    return rc;
}

static int set_frame(struct animation *a)
{
    int w = a->params.width_px, h = a->params.height_px;
    a->packet = av_packet_alloc();
    a->frame = av_frame_alloc();
    a->rgb24 = buffer_alloc(3 * (size_t)w * (size_t)h);
    if (!a->packet || !a->frame || !a->rgb24)
        return AVERROR(ENOMEM);
    a->frame->format = a->kind->pixels;
    a->frame->width = w;
    a->frame->height = h;
    if (a->kind->pixels != AV_PIX_FMT_PAL8)
        a->scaler = sws_getContext(w, h, AV_PIX_FMT_RGB24, w, h, a->kind->pixels,
                                   SWS_BICUBIC | SWS_ACCURATE_RND, NULL, NULL, NULL);
    return a->scaler || a->kind->pixels == AV_PIX_FMT_PAL8 ? av_frame_get_buffer(a->frame, 0)
                                                           : AVERROR(ENOMEM);
}

int animation_open(struct animation **out, const struct animation_params *p, struct error *e)
{
    *out = NULL;
    int rc = animation_valid(p, e);
    if (rc < 0)
        return rc;
    struct animation *a = *out = xcalloc(1, sizeof *a);
    a->kind = kind_of(p->path);
    a->params = *p;
    const AVCodec *codec = avcodec_find_encoder_by_name(a->kind->encoder);
    rc = codec ? avformat_alloc_output_context2(&a->format, NULL, a->kind->muxer, NULL)
               : AVERROR_ENCODER_NOT_FOUND;
    if (rc >= 0)
        rc = avio_open_dyn_buf(&a->io);
    if (rc >= 0) {
        a->format->pb = a->io;
        rc = set_codec(a, codec);
    }
    if (rc >= 0)
        rc = set_frame(a);
    if (rc >= 0)
        rc = set_muxer(a);
    if (rc >= 0)
        return 0;
    animation_close(out);
    return error_set(e, rc == AVERROR(ENOMEM) ? ENOMEM : ENOSYS, "%s: the film cannot be begun (%s: %s)",
                     p->path, kind_of(p->path)->encoder, av_err2str(rc));
}

void animation_close(struct animation **out)
{
    struct animation *a = *out;
    if (!a)
        return;
    avcodec_free_context(&a->codec);
    avformat_free_context(a->format);
    if (a->io) {
        uint8_t *rest;
        avio_close_dyn_buf(a->io, &rest);
        av_free(rest);
    }
    av_packet_free(&a->packet);
    av_frame_free(&a->frame);
    sws_freeContext(a->scaler);
    free(a->rgb24);
    free(a);
    *out = NULL;
}

/* ---- frames ---- */

static void fill_rgb24(struct animation *a, const float *rgb)
{
    size_t size = (size_t)a->params.width_px * (size_t)a->params.height_px;
    for (size_t i = 0; i < size; i++)
        for (size_t c = 0; c < 3; c++) {
            float v = rgb[c * size + i] + 0.5f;
            a->rgb24[3 * i + c] = v > 0 ? (v < 255 ? (uint8_t)v : 255) : 0;
        }
}

/* The level of `levels` that v 0..255 becomes, moved by a threshold of 0..1. */
static int quantise(int v, int levels, float threshold)
{
    int at = (int)((float)v * (float)(levels - 1) / 255 + threshold);
    return at < levels ? at : levels - 1;
}

static void fill_palette(struct animation *a)
{
    static const uint8_t bayer[DITHER][DITHER] = {
        {0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    uint32_t *palette = (uint32_t *)(void *)a->frame->data[1];
    for (uint32_t i = 0; i < COLOURS; i++) {
        uint32_t r = i / (GREENS * BLUES) * 255 / (REDS - 1), g = i / BLUES % GREENS * 255 / (GREENS - 1),
                 b = i % BLUES * 255 / (BLUES - 1);
        palette[i] = 0xff000000u | r << 16 | g << 8 | b;
    }
    for (uint32_t i = COLOURS; i < 256; i++)
        palette[i] = 0xff000000u;
    for (int y = 0; y < a->params.height_px; y++)
        for (int x = 0; x < a->params.width_px; x++) {
            const uint8_t *p = a->rgb24 + 3 * ((size_t)y * (size_t)a->params.width_px + (size_t)x);
            float t = ((float)bayer[y % DITHER][x % DITHER] + 0.5f) / (DITHER * DITHER);
            int index = (quantise(p[0], REDS, t) * GREENS + quantise(p[1], GREENS, t)) * BLUES +
                        quantise(p[2], BLUES, t);
            a->frame->data[0][(ptrdiff_t)y * a->frame->linesize[0] + x] = (uint8_t)index;
        }
}

/* Encodes `frame` (NULL: the end) and writes what comes. 0 or AVERROR. */
static int push(struct animation *a, const AVFrame *frame)
{
    int rc = avcodec_send_frame(a->codec, frame);
    while (rc >= 0) {
        rc = avcodec_receive_packet(a->codec, a->packet);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return 0;
        if (rc < 0)
            break;
        if (a->packet->duration == 0)
            a->packet->duration = 1;
        av_packet_rescale_ts(a->packet, a->codec->time_base, a->format->streams[0]->time_base);
        rc = av_write_frame(a->format, a->packet);
        av_packet_unref(a->packet);
    }
    return rc;
}

static int failed(const struct animation *a, int rc, struct error *e)
{
    return error_set(e, rc == AVERROR(ENOMEM) ? ENOMEM : EIO, "%s: the film cannot go on: %s", a->params.path,
                     av_err2str(rc));
}

/* What is in rgb24 becomes the next frame. */
static int add(struct animation *a, struct error *e)
{
    int rc = av_frame_make_writable(a->frame);
    if (rc < 0)
        return failed(a, rc, e);
    if (a->scaler)
        sws_scale(a->scaler, (const uint8_t *const[]){a->rgb24}, (const int[]){3 * a->params.width_px}, 0,
                  a->params.height_px, a->frame->data, a->frame->linesize);
    else
        fill_palette(a);
    a->frame->pts = a->count++;
    rc = push(a, a->frame);
    return rc < 0 ? failed(a, rc, e) : 0;
}

int animation_add(struct animation *a, const float *rgb, struct error *e)
{
    fill_rgb24(a, rgb);
    return add(a, e);
}

int animation_add_rgb24(struct animation *a, const uint8_t *rgb, struct error *e)
{
    memcpy(a->rgb24, rgb, 3 * (size_t)a->params.width_px * (size_t)a->params.height_px);
    return add(a, e);
}

/* FFmpeg's muxer leaves the comment out of WebP; its pictures keep theirs in EXIF, and so does a film. */
static int keep_note(const struct animation *a, struct picture_bytes *file)
{
    if (!a->params.note || strcmp(a->kind->muxer, "webp") != 0)
        return 0;
    return picture_meta_put(file, a->params.note, a->params.width_px, a->params.height_px, false);
}

int animation_finish(struct animation *a, uint8_t **data, size_t *bytes, struct error *e)
{
    int rc = push(a, NULL);
    *data = NULL;
    if (rc >= 0)
        rc = av_write_trailer(a->format);
    if (rc < 0)
        return failed(a, rc, e);
    uint8_t *whole;
    int size = avio_close_dyn_buf(a->io, &whole);
    a->io = a->format->pb = NULL;
    struct picture_bytes file = {size > 0 ? malloc((size_t)size) : NULL, (size_t)size};
    if (file.data)
        memcpy(file.data, whole, (size_t)size);
    av_free(whole);
    if (!file.data || keep_note(a, &file) < 0) {
        free(file.data);
        return error_set(e, ENOMEM, "%s: no memory for a film of %d bytes", a->params.path, size);
    }
    *data = file.data;
    *bytes = file.bytes;
    return 0;
}
