/*
 * picture_write - the writing half of picture.h: floats into picture_png.c or one of two encoders of libavcodec, and a
 * text of ours into what comes out.
 *
 * JPEG keeps all of its colour (4:4:4): dreams are of saturated edges. Its quality means what libjpeg's means, so its
 * tables (T.81, annex K) are scaled here; the encoder's own scale is MPEG's. WebP's encoder counts 0..100 itself.
 */
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "stream/picture.h"
#include "stream/picture_meta.h"
#include "stream/picture_png.h"

enum {
    QUIET_LOG_OFFSET = 100, /* the encoders' own messages are below any level that is shown */
    WEBP_SIDE_MAX = 16383,
    SIZE_OF_ONE = 8 /* the encoder's scale at which a table counts as it is */
};

static const struct ending {
    const char *text;
    enum picture_format format;
} endings[] = {
    {".png", PICTURE_PNG}, {".jpg", PICTURE_JPEG}, {".jpeg", PICTURE_JPEG}, {".webp", PICTURE_WEBP}};

int picture_format_of(const char *path, enum picture_format *format, struct error *e)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    *format = PICTURE_PNG;
    if (!dot || !dot[1] || dot == path)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (strcasecmp(dot, endings[i].text) == 0) {
            *format = endings[i].format;
            return 0;
        }
    return error_set(e, EINVAL, "%s: pictures are written as .png, .jpg or .webp; give a name that ends so",
                     path);
}

int picture_fits(const struct picture_style *s, int width_px, int height_px, struct error *e)
{
    int most = s->format == PICTURE_WEBP ? WEBP_SIDE_MAX : PICTURE_SIDE_MAX;
    bool has_sides = width_px >= 1 && height_px >= 1 && width_px <= most && height_px <= most;
    if (has_sides && s->format != PICTURE_PNG &&
        av_image_check_size((unsigned)width_px, (unsigned)height_px, AV_LOG_DEBUG, NULL) < 0)
        return error_set(e, EINVAL,
                         "a picture of %d x %d is too large for JPEG and WebP; give a name that ends in .png",
                         width_px, height_px);
    if (has_sides)
        return 0;
    return error_set(e, EINVAL, "a picture of %d x %d cannot be written; sides can be up to %d%s", width_px,
                     height_px, most, s->format == PICTURE_WEBP ? " in WebP" : "");
}

/* ---- pixels ---- */

static unsigned level(float v, float most)
{
    v = v * (most / 255) + 0.5f;
    return v > 0 ? (v < most ? (unsigned)v : (unsigned)most) : 0;
}

/* WebP's: 32-bit words, blue in the lowest byte. */
static void fill_bgra(AVFrame *frame, const struct picture_image *p)
{
    const size_t size = (size_t)p->width_px * (size_t)p->height_px;
    for (int y = 0; y < p->height_px; y++) {
        uint8_t *out = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        const size_t row = (size_t)y * (size_t)p->width_px;
        for (size_t x = row; x < row + (size_t)p->width_px; x++) {
            for (size_t c = 3; c > 0; c--)
                *out++ = (uint8_t)level(p->rgb[(c - 1) * size + x], 255);
            *out++ = p->alpha ? (uint8_t)level(p->alpha[x], 255) : 255;
        }
    }
}

/* JFIF's full-range BT.601, a value for every pixel. */
static void fill_yuv444(AVFrame *frame, const struct picture_image *p)
{
    const size_t size = (size_t)p->width_px * (size_t)p->height_px;
    for (int y = 0; y < p->height_px; y++)
        for (int x = 0; x < p->width_px; x++) {
            size_t at = (size_t)y * (size_t)p->width_px + (size_t)x;
            float r = (float)level(p->rgb[at], 255), g = (float)level(p->rgb[at + size], 255),
                  b = (float)level(p->rgb[at + 2 * size], 255);
            float luma = 0.299f * r + 0.587f * g + 0.114f * b;
            frame->data[0][(ptrdiff_t)y * frame->linesize[0] + x] = (uint8_t)level(luma, 255);
            frame->data[1][(ptrdiff_t)y * frame->linesize[1] + x] =
                (uint8_t)level(128 + (b - luma) / 1.772f, 255);
            frame->data[2][(ptrdiff_t)y * frame->linesize[2] + x] =
                (uint8_t)level(128 + (r - luma) / 1.402f, 255);
        }
}

/* ---- encoders ---- */

static const uint8_t luma_table[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                       14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                       18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                       49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
static const uint8_t chroma_table[64] = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                         24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                         99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                         99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

/* libjpeg's scale of a quality, in percent: 50 leaves the table as it is. run_encoder frees it. */
static uint16_t *scaled_table(const uint8_t table[64], int quality)
{
    int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    uint16_t *out = av_malloc(64 * sizeof *out);
    for (int i = 0; out && i < 64; i++) {
        int v = (table[i] * percent + 50) / 100;
        out[i] = (uint16_t)(v < 1 ? 1 : v > 255 ? 255 : v);
    }
    return out;
}

static int set_jpeg(AVCodecContext *c, AVFrame *frame, const struct picture_style *s)
{
    c->flags |= AV_CODEC_FLAG_QSCALE;
    c->qmin = c->qmax = SIZE_OF_ONE;
    c->global_quality = frame->quality = SIZE_OF_ONE * FF_QP2LAMBDA;
    c->color_range = frame->color_range = AVCOL_RANGE_JPEG;
    c->intra_matrix = scaled_table(luma_table, s->quality);
    c->chroma_intra_matrix = scaled_table(chroma_table, s->quality);
    return c->intra_matrix && c->chroma_intra_matrix ? 0 : AVERROR(ENOMEM);
}

static const char *const encoders[] = {[PICTURE_JPEG] = "mjpeg", [PICTURE_WEBP] = "libwebp"};

static int set_up(AVCodecContext *c, AVFrame *frame, const struct picture_image *p,
                  const struct picture_style *s)
{
    c->log_level_offset = QUIET_LOG_OFFSET;
    c->thread_count = 1;
    c->time_base = (AVRational){1, 25};
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->pix_fmt = frame->format = s->format == PICTURE_JPEG ? AV_PIX_FMT_YUVJ444P : AV_PIX_FMT_BGRA;
    c->width = frame->width = p->width_px;
    c->height = frame->height = p->height_px;
    frame->sample_aspect_ratio = c->sample_aspect_ratio;
    if (s->format == PICTURE_JPEG)
        return set_jpeg(c, frame, s);
    c->global_quality = s->quality * FF_QP2LAMBDA;
    c->flags |= AV_CODEC_FLAG_QSCALE;
    return av_opt_set_int(c->priv_data, "lossless", s->quality == 100, 0);
}

/* Encodes to `packet`. 0 or AVERROR. */
static int run_encoder(const struct picture_image *p, const struct picture_style *s, AVPacket *packet)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(encoders[s->format]);
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    AVCodecContext *context = avcodec_alloc_context3(codec);
    AVFrame *frame = av_frame_alloc();
    int rc = context && frame ? set_up(context, frame, p, s) : AVERROR(ENOMEM);
    if (rc >= 0)
        rc = avcodec_open2(context, codec, NULL);
    if (rc >= 0)
        rc = av_frame_get_buffer(frame, 0);
    if (rc >= 0) {
        (s->format == PICTURE_JPEG ? fill_yuv444 : fill_bgra)(frame, p);
        rc = avcodec_send_frame(context, frame);
    }
    if (rc >= 0)
        rc = avcodec_send_frame(context, NULL);
    av_frame_free(&frame); /* a print's is the larger half of the memory */
    if (rc >= 0)
        rc = avcodec_receive_packet(context, packet);
    if (context) /* FFmpeg 5.1 forgets this one */
        av_freep(&context->chroma_intra_matrix);
    avcodec_free_context(&context);
    return rc;
}

/* The whole file of a format that libavcodec writes. 0 or AVERROR. */
static int encode(struct picture_bytes *file, const struct picture_image *p, const struct picture_style *s)
{
    AVPacket *packet = av_packet_alloc();
    int rc = packet ? run_encoder(p, s, packet) : AVERROR(ENOMEM);
    if (rc >= 0) {
        file->data = malloc((size_t)packet->size);
        file->bytes = (size_t)packet->size;
        rc = file->data ? 0 : AVERROR(ENOMEM);
    }
    if (rc >= 0)
        memcpy(file->data, packet->data, file->bytes);
    av_packet_free(&packet);
    return rc;
}

int picture_encode(uint8_t **data, size_t *bytes, const struct picture_image *p,
                   const struct picture_style *s, struct error *e)
{
    struct picture_bytes file = {NULL, 0};
    *data = NULL;
    int rc = picture_fits(s, p->width_px, p->height_px, e);
    if (rc < 0)
        return rc;
    rc = s->format == PICTURE_PNG ? picture_png(&file, p, s->bits) : encode(&file, p, s);
    if (rc >= 0 && s->note)
        rc = picture_meta_put(&file, s->note, p->width_px, p->height_px, p->alpha != NULL);
    if (rc < 0) {
        free(file.data);
        if (rc == AVERROR_ENCODER_NOT_FOUND)
            return error_set(e, ENOSYS, "this machine's libavcodec has no encoder %s; write another format",
                             encoders[s->format]);
        return error_set(e, ENOMEM, "no memory to encode %d x %d pixels", p->width_px, p->height_px);
    }
    *data = file.data;
    *bytes = file.bytes;
    return 0;
}
