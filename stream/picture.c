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
#include "stream/picture_meta.h"

enum {
    FILE_BYTES_MAX = 128 << 20,
    HEAD_BYTES = 1 << 18,   /* of a file, where PNG and JPEG have their notes */
    PIXELS_MAX = 1 << 26,   /* 67 million: as much as a picture of 8192 x 8192 */
    MEMORY_MAX = 1 << 30,   /* bytes, decoded and as floats: a small file may unfold to a large picture */
    QUIET_LOG_OFFSET = 100, /* the decoder's own messages are below any level that is shown */
    VP8X_ANIMATION = 0x02
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

/* Reads the file into a packet, `is_head`: what it begins with, however large it is. 0 or -errno with a line. */
static int read_file(const char *path, bool is_head, AVPacket *packet, struct error *e)
{
    struct stat st;
    int fd = file_open_regular(path, &st, e), rc = 0;
    if (fd < 0)
        return fd;
    if (is_head && st.st_size > HEAD_BYTES)
        st.st_size = HEAD_BYTES;
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

/* What is no picture that can be read, said as well as it is known. */
static int refuse(const char *path, const AVPacket *packet, struct error *e)
{
    if (packet->size > 12 && memcmp(packet->data + 4, "ftyp", 4) == 0)
        return error_set(
            e, EINVAL,
            "%s: is a HEIC or AVIF picture; heif-convert (Debian: libheif-examples) makes a JPEG of it",
            path);
    return error_set(e, EINVAL, "%s: is not a picture that can be read; use PNG, JPEG, WebP, BMP or GIF",
                     path);
}

static bool is_animated_webp(const AVPacket *packet)
{
    return packet->size > 20 && memcmp(packet->data + 8, "WEBPVP8X", 8) == 0 &&
           (packet->data[20] & VP8X_ANIMATION);
}

/* The size that a decoder asked memory for, as soon as it knew it, and did not get. */
struct too_large {
    int width, height; /* 0: it was none of that */
};

static bool unfolds_too_far(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    int64_t pixels = (int64_t)f->width * f->height;
    return d && pixels * (av_get_padded_bits_per_pixel(d) / 8 + 3 * (int)sizeof(float)) > MEMORY_MAX;
}

static int limited_buffer(AVCodecContext *c, AVFrame *f, int flags)
{
    struct too_large *t = c->opaque;
    if ((int64_t)f->width * f->height <= PIXELS_MAX && f->width <= PICTURE_SIDE_MAX &&
        f->height <= PICTURE_SIDE_MAX && !unfolds_too_far(f))
        return avcodec_default_get_buffer2(c, f, flags);
    *t = (struct too_large){f->width, f->height};
    return AVERROR(EINVAL);
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What a PNG's header says, where that is too large: its decoder looks at the pixels first. */
static struct too_large png_beyond(const AVPacket *packet)
{
    if (packet->size < 24 || memcmp(packet->data, formats[0].magic, formats[0].length) != 0)
        return (struct too_large){0, 0};
    uint32_t width = big32(packet->data + 16), height = big32(packet->data + 20);
    if (width > INT32_MAX || height > INT32_MAX || (uint64_t)width * height <= PIXELS_MAX)
        return (struct too_large){0, 0};
    return (struct too_large){(int)width, (int)height};
}

/* One packet through the decoder. 0, AVERROR, or a positive number for a picture with faults. */
static int run_decoder(AVCodecContext *c, const AVCodec *codec, const AVPacket *packet, AVFrame *frame)
{
    int rc = avcodec_open2(c, codec, NULL);
    if (rc >= 0)
        rc = avcodec_send_packet(c, packet);
    if (rc >= 0)
        rc = avcodec_send_packet(c, NULL);
    if (rc >= 0)
        rc = avcodec_receive_frame(c, frame);
    if (rc < 0)
        return rc;
    return frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT);
}

/* 0 or -errno with a line; the frame is the caller's to free. */
static int decode(const char *path, const AVPacket *packet, AVFrame *frame, struct error *e)
{
    const AVCodec *codec = recognise(packet);
    struct too_large large = {0, 0};
    if (!codec)
        return refuse(path, packet, e);
    if (is_animated_webp(packet))
        return error_set(e, EINVAL, "%s: is an animated WebP; webpmux -get frame 1 takes a picture out of it",
                         path);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    if (!context)
        return error_set(e, ENOMEM, "%s: no memory for the %s decoder", path, codec->name);
    context->log_level_offset = QUIET_LOG_OFFSET;
    context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    context->thread_count = 1;
    context->opaque = &large;
    context->get_buffer2 = limited_buffer;
    int rc = run_decoder(context, codec, packet, frame);
    avcodec_free_context(&context);
    if (rc == 0 && frame->width > 0 && frame->height > 0)
        return 0;
    if (rc == AVERROR(ENOMEM))
        return error_set(e, ENOMEM, "%s: no memory to decode it", path);
    if (!large.width)
        large = png_beyond(packet);
    if (large.width > PICTURE_SIDE_MAX || large.height > PICTURE_SIDE_MAX)
        return error_set(e, EINVAL, "%s: is %d x %d; sides can be up to %d", path, large.width, large.height,
                         PICTURE_SIDE_MAX);
    if (large.width && (int64_t)large.width * large.height <= PIXELS_MAX)
        return error_set(e, EFBIG, "%s: takes more than %d MiB when it is unfolded; make it smaller", path,
                         MEMORY_MAX >> 20);
    if (large.width)
        return error_set(e, EINVAL, "%s: is %d x %d; pictures of up to %d million pixels can be read", path,
                         large.width, large.height, PIXELS_MAX / 1000000);
    return error_set(e, EINVAL, "%s: is damaged or incomplete (%s)", path, codec->name);
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

/* What a pixel looks like: over grey, or with its transparency kept as it is where it shows at all. */
static float seen(float v, float alpha, bool is_kept)
{
    if (is_kept)
        return alpha > 0 ? v : background;
    return background + (v - background) * (alpha / 255);
}

/* scratch: [6][width] floats and as many words. `clear` [width] takes the alpha, NULL: all lies over grey. */
static void read_rgb_row(const AVFrame *f, const struct layout *l, int y, float *scratch, uint16_t *words,
                         float *const out[3], float *clear)
{
    float *rows[3] = {scratch, scratch + f->width, scratch + 2 * f->width};
    float *alpha = clear ? clear : scratch + 3 * f->width;
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
            out[i][x] = l->alpha >= 0 ? seen(v, alpha[x], clear != NULL) : v;
        }
    }
}

/* How the camera was held (EXIF: 1..8), or 1. The decoders leave it as text, but PNG's. */
static int orientation_of(const AVFrame *f, const AVPacket *packet)
{
    const AVDictionaryEntry *entry = av_dict_get(f->metadata, "Orientation", NULL, 0);
    if (!entry)
        return picture_meta_png_orientation(packet->data, (size_t)packet->size);
    long value = strtol(entry->value, NULL, 10);
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

/* All rows into rgb [3][size] and, unless NULL, clear [size], upright. scratch [10][width]. */
static void place_rows(const AVFrame *f, int orientation, bool keeps, float *scratch, uint16_t *words,
                       float *rgb, float *clear)
{
    const struct layout l = layout_of(f);
    const size_t width = (size_t)f->width, size = width * (size_t)f->height;
    float *row = scratch + 6 * width;
    for (int y = 0; y < f->height; y++) {
        ptrdiff_t first, step;
        read_rgb_row(f, &l, y, scratch, words, (float *[3]){row, row + width, row + 2 * width},
                     keeps ? row + 3 * width : NULL);
        place_row(f, orientation, y, &first, &step);
        for (size_t c = 0; c < (keeps ? 4 : 3); c++) {
            float *plane = c < 3 ? rgb + c * size : clear;
            for (size_t x = 0; x < width; x++)
                plane[(size_t)(first + (ptrdiff_t)x * step)] = row[c * width + x];
        }
    }
}

/* [3][height][width], upright; *alpha (`alpha` may be NULL) likewise [height][width], or NULL for an opaque picture. NULL
 * without memory. */
static float *frame_to_rgb(const AVFrame *f, int orientation, float **alpha)
{
    const size_t width = (size_t)f->width, size = width * (size_t)f->height;
    float *rgb = buffer_alloc(sizeof *rgb * 3 * size);
    float *scratch = buffer_alloc(sizeof *scratch * 10 * width);
    uint16_t *words = buffer_alloc(sizeof *words * width);
    bool keeps = alpha && layout_of(f).alpha >= 0;
    float *clear = keeps ? buffer_alloc(sizeof *clear * size) : NULL;
    if (rgb && scratch && words && (clear || !keeps)) {
        place_rows(f, orientation, keeps, scratch, words, rgb, clear);
    } else {
        free(rgb);
        free(clear);
        rgb = clear = NULL;
    }
    if (alpha)
        *alpha = clear;
    free(scratch);
    free(words);
    return rgb;
}

static int read_picture(const char *path, float **rgb, float **alpha, int *width_px, int *height_px,
                        struct error *e)
{
    *rgb = NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    int rc = packet && frame ? 0 : error_set(e, ENOMEM, "%s: no memory to read it", path);
    if (rc == 0)
        rc = read_file(path, false, packet, e);
    if (rc == 0)
        rc = decode(path, packet, frame, e);
    if (rc == 0) {
        const int orientation = orientation_of(frame, packet);
        *width_px = orientation > 4 ? frame->height : frame->width;
        *height_px = orientation > 4 ? frame->width : frame->height;
        *rgb = frame_to_rgb(frame, orientation, alpha);
        if (!*rgb)
            rc = error_set(e, ENOMEM, "%s: no memory for %d x %d pixels", path, frame->width, frame->height);
    }
    av_packet_free(&packet);
    av_frame_free(&frame);
    return rc;
}

int picture_read(const char *path, float **rgb, int *width_px, int *height_px, struct error *e)
{
    return read_picture(path, rgb, NULL, width_px, height_px, e);
}

int picture_read_layered(const char *path, float **rgb, float **alpha, int *width_px, int *height_px,
                         struct error *e)
{
    *alpha = NULL;
    return read_picture(path, rgb, alpha, width_px, height_px, e);
}

/* The note of the file, or of what it begins with. 0 with *note, NULL where there is none; -errno with a line. */
static int find_note(const char *path, bool is_head, char **note, struct error *e)
{
    AVPacket *packet = av_packet_alloc();
    int rc =
        packet ? read_file(path, is_head, packet, e) : error_set(e, ENOMEM, "%s: no memory to read it", path);
    if (rc == 0)
        *note = picture_meta_note(packet->data, (size_t)packet->size);
    av_packet_free(&packet);
    return rc;
}

/* A print may be larger than what is read whole; PNG and JPEG have their notes in front. */
int picture_read_note(const char *path, char **note, struct error *e)
{
    *note = NULL;
    int rc = find_note(path, true, note, e);
    if (rc == 0 && !*note)
        rc = find_note(path, false, note, e);
    if (rc == 0 && !*note)
        rc = error_set(e, ENODATA, "%s: no recipe is kept in it", path);
    return rc;
}
