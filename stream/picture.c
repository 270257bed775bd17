/*
 * picture - see picture.h.
 *
 * A file is read whole by plain file calls and recognised by its first bytes; only then one of five decoders
 * of libavcodec sees it. No demuxer and no protocol is involved, so a file cannot name other files or
 * addresses, and nothing is guessed from its name. The decoder's pixel format is read component by component
 * through its description, which is exact for palettes, 16 bits and grey alike; swscale would go through
 * 8-bit YUV.
 */
#include "stream/picture.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"

enum {
    FILE_BYTES_MAX = 128 << 20,
    PIXELS_MAX = 1 << 26,   /* 67 million: as much as a picture of 8192 x 8192 */
    MEMORY_MAX = 1 << 30,   /* bytes, decoded and as floats: a small file may unfold to a large picture */
    QUIET_LOG_OFFSET = 100, /* the decoder's own messages are below any level that is shown */
};

static const float background = 128; /* what lies behind transparent pixels */

static const struct format {
    enum AVCodecID codec;
    int offset;
    const char *magic;
    size_t length;
} formats[] = {
    {AV_CODEC_ID_PNG, 0, "\x89PNG\r\n\x1a\n", 8},
    {AV_CODEC_ID_MJPEG, 0, "\xff\xd8\xff", 3},
    {AV_CODEC_ID_WEBP, 8, "WEBP", 4},
    {AV_CODEC_ID_GIF, 0, "GIF8", 4},
    {AV_CODEC_ID_BMP, 0, "BM", 2},
};

/* Reads the file into a packet. 0 or -errno with a line. */
static int read_file(const char *path, AVPacket *packet, struct error *e)
{
    struct stat st;
    int fd = file_open_regular(path, &st, e), rc = 0;
    if (fd < 0)
        return fd;
    if (st.st_size == 0)
        rc = error_set(e, EINVAL, "%s: is empty", path);
    else if (st.st_size > FILE_BYTES_MAX)
        rc = error_set(e, EFBIG, "%s: is larger than %d MiB", path, FILE_BYTES_MAX >> 20);
    else if (av_new_packet(packet, (int)st.st_size) != 0)
        rc = error_set(e, ENOMEM, "%s: no memory for %lld bytes", path, (long long)st.st_size);
    else {
        ssize_t n = file_read(fd, packet->data, (size_t)packet->size);
        if (n < packet->size)
            rc = error_set(e, n < 0 ? (int)-n : EIO, "%s: cannot be read: %s", path,
                           n < 0 ? strerror((int)-n) : "it became shorter");
    }
    close(fd);
    return rc;
}

static const AVCodec *recognise(const AVPacket *packet)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        const struct format *f = &formats[i];
        if ((size_t)packet->size >= (size_t)f->offset + f->length &&
            memcmp(packet->data + f->offset, f->magic, f->length) == 0)
            return avcodec_find_decoder(f->codec);
    }
    return NULL;
}

/* The decoder asks for a frame's memory as soon as it knows the size. context->opaque: a bool that tells about it. */
static int get_bounded_buffer(AVCodecContext *context, AVFrame *frame, int flags)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(frame->format);
    int64_t pixels = (int64_t)frame->width * frame->height;
    if (d && pixels * (av_get_padded_bits_per_pixel(d) / 8 + 3 * (int)sizeof(float)) > MEMORY_MAX) {
        *(bool *)context->opaque = true;
        return AVERROR(ENOMEM);
    }
    return avcodec_default_get_buffer2(context, frame, flags);
}

/* 0 or -errno with a line; the frame is the caller's to free. */
static int decode(const char *path, const AVPacket *packet, AVFrame *frame, struct error *e)
{
    const AVCodec *codec = recognise(packet);
    if (!codec)
        return error_set(e, EINVAL, "%s: is not a picture that can be read; use PNG, JPEG, WebP, BMP or GIF",
                         path);
    bool is_too_large = false;
    AVCodecContext *context = avcodec_alloc_context3(codec);
    if (!context)
        return error_set(e, ENOMEM, "%s: no memory for the %s decoder", path, codec->name);
    context->log_level_offset = QUIET_LOG_OFFSET;
    context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    context->max_pixels = PIXELS_MAX;
    context->get_buffer2 = get_bounded_buffer;
    context->opaque = &is_too_large;
    context->thread_count = 1;
    int rc = avcodec_open2(context, codec, NULL);
    if (rc >= 0)
        rc = avcodec_send_packet(context, packet);
    if (rc >= 0)
        rc = avcodec_send_packet(context, NULL);
    if (rc >= 0)
        rc = avcodec_receive_frame(context, frame);
    bool damaged = rc < 0 || frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT);
    avcodec_free_context(&context);
    if (is_too_large)
        return error_set(e, EFBIG, "%s: takes more than %d MiB when it is unfolded; make it smaller", path,
                         MEMORY_MAX >> 20);
    if (rc == AVERROR(ENOMEM))
        return error_set(e, ENOMEM, "%s: no memory to decode it", path);
    if (damaged)
        return error_set(e, EINVAL, "%s: is damaged, incomplete or larger than %d million pixels (%s)", path,
                         PIXELS_MAX / 1000000, codec->name);
    if (frame->width < 1 || frame->height < 1 || frame->width > PICTURE_SIDE_MAX ||
        frame->height > PICTURE_SIDE_MAX)
        return error_set(e, EINVAL, "%s: is %d x %d; sides can be up to %d", path, frame->width,
                         frame->height, PICTURE_SIDE_MAX);
    return 0;
}

/* One component of a frame's row (of its palette: a byte of the entries): [width], 0..255 (exactly the byte
 * where there are 8 bits). */
static void read_row(const AVFrame *f, const AVPixFmtDescriptor *d, int component, int y, int width,
                     uint16_t *scratch, float *out)
{
    const bool palette = d->flags & AV_PIX_FMT_FLAG_PAL;
    const float scale = 255.0f / (float)((1 << d->comp[palette ? 0 : component].depth) - 1);
    av_read_image_line2(scratch, (const uint8_t **)f->data, f->linesize, d, 0, y, palette ? 0 : component,
                        width, 0, sizeof *scratch);
    for (int x = 0; x < width; x++)
        out[x] = palette ? (float)f->data[1][4 * scratch[x] + component] : (float)scratch[x] * scale;
}

/* Chroma at luma row y, bilinear between samples that lie in the middle of their pixels (as in JPEG and
 * WebP). rows: two rows of scratch. */
static void read_chroma_row(const AVFrame *f, const AVPixFmtDescriptor *d, int component, int y,
                            uint16_t *scratch, float *rows, float *out)
{
    const int width = AV_CEIL_RSHIFT(f->width, d->log2_chroma_w),
              height = AV_CEIL_RSHIFT(f->height, d->log2_chroma_h);
    const float step_x = 1.0f / (float)(1 << d->log2_chroma_w),
                step_y = 1.0f / (float)(1 << d->log2_chroma_h);
    float at_y = ((float)y + 0.5f) * step_y - 0.5f;
    at_y = at_y < 0 ? 0 : at_y > (float)(height - 1) ? (float)(height - 1) : at_y;
    int y0 = (int)at_y, y1 = y0 + 1 < height ? y0 + 1 : y0;
    float *upper = rows, *lower = rows + f->width;
    read_row(f, d, component, y0, width, scratch, upper);
    read_row(f, d, component, y1, width, scratch, lower);
    for (int x = 0; x < width; x++)
        upper[x] += (lower[x] - upper[x]) * (at_y - (float)y0);
    for (int x = 0; x < f->width; x++) {
        float at = ((float)x + 0.5f) * step_x - 0.5f;
        at = at < 0 ? 0 : at > (float)(width - 1) ? (float)(width - 1) : at;
        int x0 = (int)at, x1 = x0 + 1 < width ? x0 + 1 : x0;
        out[x] = upper[x0] + (upper[x1] - upper[x0]) * (at - (float)x0);
    }
}

/* Y, Cb, Cr of 0..255 (BT.601, as still pictures have it) -> R, G, B, in place. */
static void yuv_row_to_rgb(int n, bool full_range, float *rows[3])
{
    for (int x = 0; x < n; x++) {
        float y = rows[0][x], u = rows[1][x] - 128, v = rows[2][x] - 128;
        if (!full_range) {
            y = (y - 16) * (255.0f / 219);
            u *= 255.0f / 224;
            v *= 255.0f / 224;
        }
        rows[0][x] = y + 1.402f * v;
        rows[1][x] = y - 0.344136f * u - 0.714136f * v;
        rows[2][x] = y + 1.772f * u;
    }
}

/* How a frame's components are to be understood. */
struct layout {
    const AVPixFmtDescriptor *description;
    bool rgb, grey, full_range;
    int order[3]; /* component of R, G, B; or Y, Cb, Cr */
    int alpha;    /* its component, or -1 */
};

static struct layout layout_of(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    struct layout l = {.description = d, .order = {0, 1, 2}, .alpha = -1};
    bool palette = d->flags & AV_PIX_FMT_FLAG_PAL;
    l.rgb = palette || (d->flags & AV_PIX_FMT_FLAG_RGB);
    l.grey = !palette && d->nb_components < 3;
    l.full_range = f->color_range == AVCOL_RANGE_JPEG;
    if (palette) {
        /* entries are 0xAARRGGBB words: on this machine blue is the first byte */
        l.order[0] = 2;
        l.order[2] = 0;
        l.alpha = 3;
    } else if (d->flags & AV_PIX_FMT_FLAG_ALPHA) {
        l.alpha = d->nb_components - 1;
    }
    return l;
}

/* scratch: [6][width] floats and as many words. */
static void read_rgb_row(const AVFrame *f, const struct layout *l, int y, float *scratch, uint16_t *words,
                         float *const out[3])
{
    float *rows[3] = {scratch, scratch + f->width, scratch + 2 * f->width}, *alpha = scratch + 3 * f->width;
    for (int i = 0; i < (l->grey ? 1 : 3); i++) {
        if (!l->rgb && i > 0)
            read_chroma_row(f, l->description, l->order[i], y, words, scratch + 4 * f->width, rows[i]);
        else
            read_row(f, l->description, l->order[i], y, f->width, words, rows[i]);
    }
    if (l->grey)
        rows[1] = rows[2] = rows[0];
    else if (!l->rgb)
        yuv_row_to_rgb(f->width, l->full_range, rows);
    if (l->alpha >= 0)
        read_row(f, l->description, l->alpha, y, f->width, words, alpha);
    for (int i = 0; i < 3; i++) {
        for (int x = 0; x < f->width; x++) {
            float v = rows[i][x];
            v = v > 0 ? (v < 255 ? v : 255) : 0;
            out[i][x] = l->alpha >= 0 ? background + (v - background) * (alpha[x] / 255) : v;
        }
    }
}

/* How the camera was held (EXIF: 1..8), or 1. The decoder leaves it as text. */
static int orientation_of(const AVFrame *f)
{
    const AVDictionaryEntry *entry = av_dict_get(f->metadata, "Orientation", NULL, 0);
    long value = entry ? strtol(entry->value, NULL, 10) : 1;
    return value >= 1 && value <= 8 ? (int)value : 1;
}

/* Where a row's pixels go in [height][width] (for orientations over 4 [width][height]) so that the picture stands
 * upright: the first one at `first`, each further one `step` behind it. */
static void place_row(const AVFrame *f, int orientation, int y, ptrdiff_t *first, ptrdiff_t *step)
{
    const bool exchanged = orientation > 4;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const ptrdiff_t x0 = from_right ? f->width - 1 : 0, row = from_below ? f->height - 1 - y : y;
    *first = exchanged ? x0 * f->height + row : row * f->width + x0;
    *step = (exchanged ? f->height : 1) * (from_right ? -1 : 1);
}

/* [3][height][width], upright; NULL without memory. */
static float *frame_to_rgb(const AVFrame *f, int orientation)
{
    const struct layout l = layout_of(f);
    const size_t width = (size_t)f->width, size = width * (size_t)f->height;
    float *rgb = buffer_alloc(sizeof *rgb * 3 * size);
    float *scratch = buffer_alloc(sizeof *scratch * 9 * width), *row = scratch ? scratch + 6 * width : NULL;
    uint16_t *words = buffer_alloc(sizeof *words * width);
    for (int y = 0; rgb && scratch && words && y < f->height; y++) {
        ptrdiff_t first, step;
        read_rgb_row(f, &l, y, scratch, words, (float *[3]){row, row + width, row + 2 * width});
        place_row(f, orientation, y, &first, &step);
        for (size_t c = 0; c < 3; c++)
            for (size_t x = 0; x < width; x++)
                rgb[c * size + (size_t)(first + (ptrdiff_t)x * step)] = row[c * width + x];
    }
    if (!scratch || !words) {
        free(rgb);
        rgb = NULL;
    }
    free(scratch);
    free(words);
    return rgb;
}

int picture_read(const char *path, float **rgb, int *width_px, int *height_px, struct error *e)
{
    *rgb = NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    int rc = packet && frame ? 0 : error_set(e, ENOMEM, "%s: no memory to read it", path);
    if (rc == 0)
        rc = read_file(path, packet, e);
    if (rc == 0)
        rc = decode(path, packet, frame, e);
    if (rc == 0) {
        const int orientation = orientation_of(frame);
        *width_px = orientation > 4 ? frame->height : frame->width;
        *height_px = orientation > 4 ? frame->width : frame->height;
        *rgb = frame_to_rgb(frame, orientation);
        if (!*rgb)
            rc = error_set(e, ENOMEM, "%s: no memory for %d x %d pixels", path, frame->width, frame->height);
    }
    av_packet_free(&packet);
    av_frame_free(&frame);
    return rc;
}

static void fill_rgb24(AVFrame *frame, const float *rgb)
{
    const size_t size = (size_t)frame->width * (size_t)frame->height;
    for (int y = 0; y < frame->height; y++) {
        uint8_t *out = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        const float *in = rgb + (size_t)y * (size_t)frame->width;
        for (int x = 0; x < frame->width; x++)
            for (int c = 0; c < 3; c++) {
                float v = in[(size_t)c * size + (size_t)x] + 0.5f;
                out[3 * x + c] = v > 0 ? (v < 255 ? (uint8_t)v : 255) : 0;
            }
    }
}

/* Encodes to `packet`. 0 or a negative number. */
static int encode_png(const float *rgb, int width_px, int height_px, AVPacket *packet)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    AVFrame *frame = av_frame_alloc();
    int rc = AVERROR(ENOMEM);
    if (context && frame) {
        context->log_level_offset = QUIET_LOG_OFFSET;
        context->thread_count = 1;
        context->time_base = (AVRational){1, 25};
        context->pix_fmt = frame->format = AV_PIX_FMT_RGB24;
        context->width = frame->width = width_px;
        context->height = frame->height = height_px;
        rc = avcodec_open2(context, codec, NULL);
        if (rc >= 0)
            rc = av_frame_get_buffer(frame, 0);
        if (rc >= 0) {
            fill_rgb24(frame, rgb);
            rc = avcodec_send_frame(context, frame);
        }
        if (rc >= 0)
            rc = avcodec_receive_packet(context, packet);
    }
    avcodec_free_context(&context);
    av_frame_free(&frame);
    return rc;
}

int picture_write_png(const char *path, const float *rgb, int width_px, int height_px, struct error *e)
{
    if (width_px < 1 || height_px < 1 || width_px > PICTURE_SIDE_MAX || height_px > PICTURE_SIDE_MAX)
        return error_set(e, EINVAL, "%s: a picture of %d x %d cannot be written; sides can be up to %d", path,
                         width_px, height_px, PICTURE_SIDE_MAX);
    AVPacket *packet = av_packet_alloc();
    if (!packet || encode_png(rgb, width_px, height_px, packet) < 0) {
        av_packet_free(&packet);
        return error_set(e, ENOMEM, "%s: no memory to encode %d x %d pixels", path, width_px, height_px);
    }
    int rc = file_write_whole(path, packet->data, (size_t)packet->size, 0666, e);
    av_packet_free(&packet);
    return rc;
}
