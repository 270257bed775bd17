/*
 * picture_png - see picture_png.h.
 *
 * FFmpeg's encoder takes no picture of 16384x16384 and wants a second copy of any; here a row at a time is made of the
 * floats, filtered, and handed to zlib. Each row gets that of the five filters whose differences are smallest in sum, as the
 * standard proposes (PNG, second edition, 12.8). Square pixels are said in pHYs.
 */
#include "stream/picture_png.h"

#include <errno.h>
#include <libavutil/intreadwrite.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/mem.h"

enum { FILTERS = 5, PART_BYTES = 1 << 18, TYPE_RGB = 2, TYPE_RGBA = 6 };

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

struct writer {
    const struct picture_image *p;
    int channels, sample_bytes;
    size_t row_bytes;
    uint8_t *row, *above;       /* [row_bytes] */
    uint8_t *filtered[FILTERS]; /* [1 + row_bytes], the filter's number first */
    z_stream z;
    bool is_open;
    uint8_t *part; /* [PART_BYTES] what zlib has made and no chunk holds yet */
    struct picture_bytes *file;
    size_t room; /* bytes that file->data has room for */
};

/* ---- chunks ---- */

static bool put(struct writer *w, const void *data, size_t bytes)
{
    struct picture_bytes *f = w->file;
    if (w->room - f->bytes < bytes) {
        size_t room = w->room + w->room / 4 + bytes + PART_BYTES;
        uint8_t *bigger = realloc(f->data, room);
        if (!bigger)
            return false;
        f->data = bigger;
        w->room = room;
    }
    if (bytes > 0)
        memcpy(f->data + f->bytes, data, bytes);
    f->bytes += bytes;
    return true;
}

static bool put_chunk(struct writer *w, const char *type, const uint8_t *data, size_t bytes)
{
    uint8_t head[8], tail[4];
    AV_WB32(head, bytes);
    memcpy(head + 4, type, 4);
    uLong crc = crc32(0, head + 4, 4);
    AV_WB32(tail, bytes > 0 ? crc32(crc, data, (uInt)bytes) : crc);
    return put(w, head, sizeof head) && put(w, data, bytes) && put(w, tail, sizeof tail);
}

/* ---- rows ---- */

static void store(uint8_t *out, float v, int sample_bytes)
{
    const float most = sample_bytes == 2 ? 65535 : 255;
    v = v * (most / 255) + 0.5f;
    unsigned level = v > 0 ? (v < most ? (unsigned)v : (unsigned)most) : 0;
    if (sample_bytes == 2)
        *out++ = (uint8_t)(level >> 8);
    *out = (uint8_t)level;
}

static void fill_row(struct writer *w, int y)
{
    const struct picture_image *p = w->p;
    const size_t width = (size_t)p->width_px, plane = width * (size_t)p->height_px, at = (size_t)y * width;
    const size_t step = (size_t)(w->channels * w->sample_bytes);
    for (int c = 0; c < w->channels; c++) {
        const float *from = c < 3 ? p->rgb + (size_t)c * plane + at : p->alpha + at;
        uint8_t *out = w->row + c * w->sample_bytes;
        for (size_t x = 0; x < width; x++)
            store(out + x * step, from[x], w->sample_bytes);
    }
}

static uint8_t paeth(int left, int up, int corner)
{
    int to_left = abs(up - corner), to_up = abs(left - corner), to_corner = abs(left + up - 2 * corner);
    if (to_left <= to_up && to_left <= to_corner)
        return (uint8_t)left;
    return (uint8_t)(to_up <= to_corner ? up : corner);
}

static uint8_t predicted(int filter, int left, int up, int corner)
{
    switch (filter) {
    case 1:
        return (uint8_t)left;
    case 2:
        return (uint8_t)up;
    case 3:
        return (uint8_t)((left + up) / 2);
    case 4:
        return paeth(left, up, corner);
    default:
        return 0;
    }
}

/* Fills w->filtered[filter]; returns the sum of its differences. */
static size_t filter_row(struct writer *w, int filter)
{
    const size_t pixel = (size_t)(w->channels * w->sample_bytes);
    uint8_t *out = w->filtered[filter];
    size_t sum = 0;
    *out++ = (uint8_t)filter;
    for (size_t i = 0; i < w->row_bytes; i++) {
        int left = i < pixel ? 0 : w->row[i - pixel], corner = i < pixel ? 0 : w->above[i - pixel];
        out[i] = (uint8_t)(w->row[i] - predicted(filter, left, w->above[i], corner));
        sum += (size_t)abs((int8_t)out[i]);
    }
    return sum;
}

/* The row as it goes to zlib, [1 + row_bytes]. */
static uint8_t *best_filter(struct writer *w)
{
    int best = 0;
    size_t least = filter_row(w, 0);
    for (int f = 1; f < FILTERS; f++) {
        size_t sum = filter_row(w, f);
        if (sum < least) {
            least = sum;
            best = f;
        }
    }
    return w->filtered[best];
}

/* ---- the stream ---- */

/* Deflates; each full part becomes a chunk, and what is left at the end. */
static bool deflate_bytes(struct writer *w, uint8_t *data, size_t bytes, int flush)
{
    int rc = Z_OK;
    w->z.next_in = data;
    w->z.avail_in = (uInt)bytes;
    do {
        rc = deflate(&w->z, flush);
        bool is_done = rc == Z_STREAM_END;
        if (w->z.avail_out == 0 || is_done) {
            if (!put_chunk(w, "IDAT", w->part, PART_BYTES - w->z.avail_out))
                return false;
            w->z.next_out = w->part;
            w->z.avail_out = PART_BYTES;
        }
    } while ((w->z.avail_in > 0 || flush == Z_FINISH) && rc == Z_OK);
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}

static bool put_head(struct writer *w, int bits)
{
    static const uint8_t square[9] = {0, 0, 0, 1, 0, 0, 0, 1, 0};
    uint8_t head[13] = {0};
    AV_WB32(head, w->p->width_px);
    AV_WB32(head + 4, w->p->height_px);
    head[8] = (uint8_t)bits;
    head[9] = w->channels == 4 ? TYPE_RGBA : TYPE_RGB;
    return put(w, signature, sizeof signature) && put_chunk(w, "IHDR", head, sizeof head) &&
           put_chunk(w, "pHYs", square, sizeof square);
}

static bool put_rows(struct writer *w)
{
    for (int y = 0; y < w->p->height_px; y++) {
        fill_row(w, y);
        if (!deflate_bytes(w, best_filter(w), 1 + w->row_bytes, Z_NO_FLUSH))
            return false;
        uint8_t *row = w->row;
        w->row = w->above;
        w->above = row;
    }
    return deflate_bytes(w, NULL, 0, Z_FINISH);
}

static bool open_writer(struct writer *w)
{
    bool has_all;
    w->row = calloc(1, w->row_bytes);
    w->above = calloc(1, w->row_bytes);
    w->part = malloc(PART_BYTES);
    has_all = w->row && w->above && w->part;
    for (int f = 0; f < FILTERS; f++) {
        w->filtered[f] = malloc(1 + w->row_bytes);
        has_all = has_all && w->filtered[f];
    }
    w->z.next_out = w->part;
    w->z.avail_out = PART_BYTES;
    w->is_open = has_all && deflateInit(&w->z, Z_DEFAULT_COMPRESSION) == Z_OK;
    return w->is_open;
}

static void close_writer(struct writer *w)
{
    if (w->is_open)
        deflateEnd(&w->z);
    free(w->row);
    free(w->above);
    free(w->part);
    for (int f = 0; f < FILTERS; f++)
        free(w->filtered[f]);
}

int picture_png(struct picture_bytes *file, const struct picture_image *p, int bits)
{
    struct writer w = {.p = p, .channels = p->alpha ? 4 : 3, .sample_bytes = bits / 8, .file = file};
    *file = (struct picture_bytes){NULL, 0};
    w.row_bytes = (size_t)p->width_px * (size_t)(w.channels * w.sample_bytes);
    bool ok = open_writer(&w) && put_head(&w, bits) && put_rows(&w) && put_chunk(&w, "IEND", NULL, 0);
    close_writer(&w);
    if (ok)
        return 0;
    free(file->data);
    *file = (struct picture_bytes){NULL, 0};
    return -ENOMEM;
}
