/*
 * still - see still.h. libswscale scales and turns BT.709 video into what still pictures are made of: BT.601 of full
 * range in a JPEG, RGB in a PNG.
 */
#include "stream/still.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>

#include "common/mem.h"

enum { JPEG_QUANTISER = 4, PNG_LEVEL = 3, SIDE_MIN = 2 };

/* A part of a picture. */
struct area {
    int x, y, width_px, height_px;
};

/* The largest part of `width` x `height` with the shape of `like`, in its middle; sides and places are even. */
static struct area shaped(int width_px, int height_px, int like_width_px, int like_height_px)
{
    struct area a = {0, 0, width_px, height_px};
    if ((int64_t)width_px * like_height_px > (int64_t)height_px * like_width_px)
        a.width_px = (int)((int64_t)height_px * like_width_px / like_height_px);
    else
        a.height_px = (int)((int64_t)width_px * like_height_px / like_width_px);
    a.width_px = a.width_px > SIDE_MIN ? a.width_px & ~1 : SIDE_MIN;
    a.height_px = a.height_px > SIDE_MIN ? a.height_px & ~1 : SIDE_MIN;
    a.x = (width_px - a.width_px) / 2 & ~1;
    a.y = (height_px - a.height_px) / 2 & ~1;
    return a;
}

static struct SwsContext *make_scaler(struct area from, struct area to, enum AVPixelFormat format)
{
    struct SwsContext *s =
        sws_getContext(from.width_px, from.height_px, AV_PIX_FMT_YUV420P, to.width_px, to.height_px, format,
                       SWS_BICUBIC | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (s)
        sws_setColorspaceDetails(s, sws_getCoefficients(SWS_CS_ITU709), 0, sws_getCoefficients(SWS_CS_ITU601),
                                 1, 0, 1 << 16, 1 << 16);
    return s;
}

static void blacken(AVFrame *f)
{
    ptrdiff_t strides[4] = {f->linesize[0], f->linesize[1], f->linesize[2], f->linesize[3]};
    av_image_fill_black(f->data, strides, f->format, AVCOL_RANGE_JPEG, f->width, f->height);
}

/* The picture in `out`, whose format and size are set and whose memory is there. */
static int scale(const struct frame *f, bool contain, AVFrame *out)
{
    struct area whole = {0, 0, f->width_px, f->height_px}, to = {0, 0, out->width, out->height};
    struct area from = contain ? whole : shaped(f->width_px, f->height_px, out->width, out->height);
    if (contain)
        to = shaped(out->width, out->height, f->width_px, f->height_px);
    struct SwsContext *s = make_scaler(from, to, out->format);
    if (!s)
        return -ENOMEM;
    bool rgb = out->format == AV_PIX_FMT_RGB24;
    const uint8_t *in[4] = {f->planes[0] + (ptrdiff_t)from.y * f->strides[0] + from.x,
                            f->planes[1] + (ptrdiff_t)(from.y / 2) * f->strides[1] + from.x / 2,
                            f->planes[2] + (ptrdiff_t)(from.y / 2) * f->strides[2] + from.x / 2};
    uint8_t *at[4] = {out->data[0] + (ptrdiff_t)to.y * out->linesize[0] + (rgb ? 3 : 1) * to.x};
    for (int plane = 1; plane < 3 && !rgb; plane++)
        at[plane] = out->data[plane] + (ptrdiff_t)(to.y / 2) * out->linesize[plane] + to.x / 2;
    if (contain)
        blacken(out);
    sws_scale(s, in, f->strides, 0, from.height_px, at, out->linesize);
    sws_freeContext(s);
    return 0;
}

static AVFrame *new_frame(enum AVPixelFormat format, int width_px, int height_px)
{
    AVFrame *f = av_frame_alloc();
    if (!f)
        return NULL;
    f->format = format;
    f->width = width_px;
    f->height = height_px;
    f->color_range = AVCOL_RANGE_JPEG;
    if (av_frame_get_buffer(f, 0) < 0)
        av_frame_free(&f);
    return f;
}

/* The RGB picture as indices of inks. NULL without memory. */
static AVFrame *to_inks(const AVFrame *rgb, const struct panel *panel, enum panel_dither how)
{
    size_t pixels = (size_t)rgb->width * (size_t)rgb->height;
    uint8_t *packed = malloc(4 * pixels), *indices = packed ? packed + 3 * pixels : NULL;
    AVFrame *f = new_frame(AV_PIX_FMT_PAL8, rgb->width, rgb->height);
    for (int y = 0; packed && y < rgb->height; y++)
        memcpy(packed + 3 * (size_t)y * (size_t)rgb->width, rgb->data[0] + (ptrdiff_t)y * rgb->linesize[0],
               3 * (size_t)rgb->width);
    if (!packed || !f || panel_dither(panel, how, packed, rgb->width, rgb->height, indices) < 0) {
        free(packed);
        av_frame_free(&f);
        return NULL;
    }
    for (int y = 0; y < f->height; y++)
        memcpy(f->data[0] + (ptrdiff_t)y * f->linesize[0], indices + (size_t)y * (size_t)f->width,
               (size_t)f->width);
    uint32_t *palette = (uint32_t *)(void *)f->data[1]; /* 0xAARRGGBB */
    for (int i = 0; i < 256; i++) {
        const uint8_t *ink = panel->inks[i < panel->count ? i : 0];
        palette[i] = 0xff000000u | (uint32_t)ink[0] << 16 | (uint32_t)ink[1] << 8 | ink[2];
    }
    free(packed);
    return f;
}

/* Encodes a frame into memory of the caller's. */
static int encode(AVFrame *f, bool png, uint8_t **bytes, size_t *size)
{
    const AVCodec *codec = avcodec_find_encoder(png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    int rc = AVERROR(ENOMEM);
    if (c && packet) {
        c->thread_count = 1;
        c->time_base = (AVRational){1, 25};
        c->pix_fmt = f->format;
        c->width = f->width;
        c->height = f->height;
        c->color_range = AVCOL_RANGE_JPEG;
        c->compression_level = PNG_LEVEL;
        if (!png) {
            c->flags |= AV_CODEC_FLAG_QSCALE;
            c->global_quality = f->quality = JPEG_QUANTISER * FF_QP2LAMBDA;
        }
        rc = avcodec_open2(c, codec, NULL);
        if (rc >= 0)
            rc = avcodec_send_frame(c, f);
        if (rc >= 0)
            rc = avcodec_receive_packet(c, packet);
    }
    if (rc >= 0) {
        *bytes = xmalloc((size_t)packet->size);
        *size = (size_t)packet->size;
        memcpy(*bytes, packet->data, *size);
    }
    av_packet_free(&packet);
    avcodec_free_context(&c);
    return rc < 0 ? -ENOMEM : 0;
}

static bool is_size(int width_px, int height_px)
{
    return width_px >= SIDE_MIN && height_px >= SIDE_MIN && width_px <= STILL_SIDE_MAX &&
           height_px <= STILL_SIDE_MAX;
}

int still_scale(const struct frame *f, int width_px, int height_px, bool contain, uint8_t *rgb)
{
    if (!is_size(width_px, height_px))
        return -EINVAL;
    AVFrame *out = av_frame_alloc();
    if (!out)
        return -ENOMEM;
    out->format = AV_PIX_FMT_RGB24;
    out->width = width_px;
    out->height = height_px;
    out->data[0] = rgb; /* only lent: no buffer goes with it */
    out->linesize[0] = 3 * width_px;
    int rc = scale(f, contain, out);
    av_frame_free(&out);
    return rc;
}

int still_make(const struct frame *f, const struct still_params *p, uint8_t **bytes, size_t *size)
{
    int width_px = p->width_px ? p->width_px : f->width_px,
        height_px = p->height_px ? p->height_px : f->height_px;
    if (!is_size(width_px, height_px))
        return -EINVAL;
    AVFrame *picture = new_frame(p->png ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUVJ420P, width_px, height_px);
    int rc = picture ? scale(f, p->contain, picture) : -ENOMEM;
    if (rc == 0 && p->png && p->panel) {
        AVFrame *inks = to_inks(picture, p->panel, p->dither);
        av_frame_free(&picture);
        picture = inks;
    }
    if (rc == 0)
        rc = picture ? encode(picture, p->png, bytes, size) : -ENOMEM;
    av_frame_free(&picture);
    return rc;
}
