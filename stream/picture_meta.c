/*
 * picture_meta - see picture_meta.h.
 *
 * Sources: PNG 1.2 and its extension eXIf, JPEG (T.81, annex B; EXIF in APP1), RIFF container of WebP, TIFF 6.0 for
 * what is inside EXIF.
 */
#include "stream/picture_meta.h"

#include <errno.h>
#include <libavutil/crc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum {
    TAG_DESCRIPTION = 0x010e,
    TAG_ORIENTATION = 0x0112,
    TYPE_ASCII = 2,
    TYPE_SHORT = 3,
    IFD_ENTRY_BYTES = 12,
    EXIF_HEAD_BYTES = 26, /* header, one entry, no next directory */
    PNG_SIGNATURE_BYTES = 8,
    PNG_IHDR_END = 33,
    RIFF_HEAD_BYTES = 12,
    VP8X_BYTES = 18,
    VP8X_EXIF = 0x08,
    VP8X_ALPHA = 0x10
};

static const char keyword[] = "Reverie";
static const char exif_mark[] = "Exif\0"; /* and its terminator: six bytes */

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void put_big32(uint8_t *p, size_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put_little(uint8_t *p, size_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static bool is_png(const uint8_t *d, size_t n)
{
    return n > PNG_IHDR_END && memcmp(d, "\x89PNG\r\n\x1a\n", PNG_SIGNATURE_BYTES) == 0;
}

static bool is_jpeg(const uint8_t *d, size_t n)
{
    return n > 4 && memcmp(d, "\xff\xd8\xff", 3) == 0;
}

static bool is_webp(const uint8_t *d, size_t n)
{
    return n > RIFF_HEAD_BYTES + 8 && memcmp(d, "RIFF", 4) == 0 && memcmp(d + 8, "WEBP", 4) == 0;
}

/* ---- finding ---- */

/* Some bytes of a file; NULL: not there. */
struct span {
    const uint8_t *at;
    size_t bytes;
};

/* The content of the first chunk of that type; for iTXt the first with our keyword. */
static struct span png_chunk(const uint8_t *d, size_t n, const char *type)
{
    for (size_t at = PNG_SIGNATURE_BYTES; n - at >= 12;) {
        size_t bytes = big32(d + at);
        if (bytes > n - at - 12)
            break;
        const uint8_t *content = d + at + 8;
        bool ours = strcmp(type, "iTXt") != 0 ||
                    (bytes >= sizeof keyword + 4 && memcmp(content, keyword, sizeof keyword) == 0);
        if (memcmp(d + at + 4, type, 4) == 0 && ours)
            return (struct span){content, bytes};
        at += 12 + bytes;
    }
    return (struct span){NULL, 0};
}

static struct span jpeg_exif(const uint8_t *d, size_t n)
{
    for (size_t at = 2; n - at >= 4 && d[at] == 0xff && d[at + 1] != 0xda;) {
        size_t bytes = (size_t)d[at + 2] << 8 | d[at + 3];
        if (bytes < 2 || bytes > n - at - 2)
            break;
        if (d[at + 1] == 0xe1 && bytes > 8 && memcmp(d + at + 4, exif_mark, sizeof exif_mark) == 0)
            return (struct span){d + at + 10, bytes - 8};
        at += 2 + bytes;
    }
    return (struct span){NULL, 0};
}

static struct span webp_exif(const uint8_t *d, size_t n)
{
    for (size_t at = RIFF_HEAD_BYTES; n - at >= 8;) {
        size_t bytes = little32(d + at + 4), padded = bytes + (bytes & 1);
        if (padded > n - at - 8)
            break;
        if (memcmp(d + at, "EXIF", 4) == 0)
            return (struct span){d + at + 8, bytes};
        at += 8 + padded;
    }
    return (struct span){NULL, 0};
}

/* The value of an entry of EXIF's first directory: its bytes, in *is_big the order of numbers. */
static struct span exif_value(struct span exif, int tag, int type, bool *is_big)
{
    const struct span none = {NULL, 0};
    if (!exif.at || exif.bytes < 8 || (memcmp(exif.at, "II*\0", 4) != 0 && memcmp(exif.at, "MM\0*", 4) != 0))
        return none;
    bool big = *is_big = exif.at[0] == 'M';
    size_t at = big ? big32(exif.at + 4) : little32(exif.at + 4);
    if (at > exif.bytes - 2)
        return none;
    size_t count =
        big ? (size_t)exif.at[at] << 8 | exif.at[at + 1] : (size_t)exif.at[at + 1] << 8 | exif.at[at];
    for (at += 2; count > 0 && exif.bytes - at >= IFD_ENTRY_BYTES; count--, at += IFD_ENTRY_BYTES) {
        const uint8_t *entry = exif.at + at;
        int entry_tag = big ? entry[0] << 8 | entry[1] : entry[1] << 8 | entry[0];
        int entry_type = big ? entry[2] << 8 | entry[3] : entry[3] << 8 | entry[2];
        if (entry_tag != tag || entry_type != type)
            continue;
        size_t values = big ? big32(entry + 4) : little32(entry + 4);
        if (type == TYPE_SHORT && values == 1)
            return (struct span){entry + 8, 2};
        size_t place = values <= 4 ? at + 8 : big ? big32(entry + 8) : little32(entry + 8);
        if (values > exif.bytes || place > exif.bytes - values)
            return none;
        return (struct span){exif.at + place, values};
    }
    return none;
}

int picture_meta_png_orientation(const uint8_t *data, size_t bytes)
{
    bool is_big = false;
    if (!is_png(data, bytes))
        return 1;
    struct span v = exif_value(png_chunk(data, bytes, "eXIf"), TAG_ORIENTATION, TYPE_SHORT, &is_big);
    int held = !v.at ? 1 : is_big ? v.at[0] << 8 | v.at[1] : v.at[1] << 8 | v.at[0];
    return held >= 1 && held <= 8 ? held : 1;
}

static char *text_of(struct span s)
{
    if (!s.at || s.bytes > PICTURE_NOTE_MAX_BYTES)
        return NULL;
    char *text = xmalloc(s.bytes + 1);
    memcpy(text, s.at, s.bytes);
    text[s.bytes] = '\0';
    return text;
}

char *picture_meta_note(const uint8_t *data, size_t bytes)
{
    bool is_big;
    if (is_png(data, bytes)) {
        struct span s = png_chunk(data, bytes, "iTXt");
        const size_t head = sizeof keyword + 4; /* not compressed, no language, no translation */
        if (!s.at || memcmp(s.at + sizeof keyword, "\0\0\0\0", 4) != 0)
            return NULL;
        return text_of((struct span){s.at + head, s.bytes - head});
    }
    if (is_jpeg(data, bytes))
        return text_of(exif_value(jpeg_exif(data, bytes), TAG_DESCRIPTION, TYPE_ASCII, &is_big));
    if (is_webp(data, bytes))
        return text_of(exif_value(webp_exif(data, bytes), TAG_DESCRIPTION, TYPE_ASCII, &is_big));
    return NULL;
}

/* ---- putting ---- */

/* Opens a gap of `more` bytes at `at`; NULL without memory. */
static uint8_t *widen(struct picture_bytes *file, size_t at, size_t more)
{
    uint8_t *bigger = realloc(file->data, file->bytes + more);
    if (!bigger)
        return NULL;
    memmove(bigger + at + more, bigger + at, file->bytes - at);
    file->data = bigger;
    file->bytes += more;
    return bigger + at;
}

/* EXIF_HEAD_BYTES and the text with its terminator. */
static void write_exif(uint8_t *p, const char *note, size_t bytes)
{
    memcpy(p, "II*\0\10\0\0\0\1\0", 10);
    put_little(p + 10, TAG_DESCRIPTION, 2);
    put_little(p + 12, TYPE_ASCII, 2);
    put_little(p + 14, bytes, 4);
    put_little(p + 18, bytes > 4 ? EXIF_HEAD_BYTES : 0, 4);
    if (bytes <= 4) /* so short a value stands in its entry */
        memcpy(p + 18, note, bytes);
    put_little(p + 22, 0, 4);
    memcpy(p + EXIF_HEAD_BYTES, note, bytes);
}

static int put_png(struct picture_bytes *file, const char *note)
{
    size_t text = strlen(note), bytes = sizeof keyword + 4 + text;
    uint8_t *p = widen(file, PNG_IHDR_END, 12 + bytes);
    if (!p)
        return -ENOMEM;
    put_big32(p, bytes);
    memcpy(p + 4, "iTXt", 4);
    memcpy(p + 8, keyword, sizeof keyword);
    memset(p + 8 + sizeof keyword, 0, 4);
    memcpy(p + 8 + sizeof keyword + 4, note, text);
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE_LE);
    put_big32(p + 8 + bytes, ~av_crc(table, ~0u, p + 4, 4 + bytes));
    return 0;
}

static int put_jpeg(struct picture_bytes *file, const char *note)
{
    size_t text = strlen(note) + 1, bytes = 2 + sizeof exif_mark + EXIF_HEAD_BYTES + text;
    uint8_t *p = widen(file, 2, 2 + bytes);
    if (!p)
        return -ENOMEM;
    p[0] = 0xff;
    p[1] = 0xe1;
    p[2] = (uint8_t)(bytes >> 8);
    p[3] = (uint8_t)bytes;
    memcpy(p + 4, exif_mark, sizeof exif_mark);
    write_exif(p + 4 + sizeof exif_mark, note, text);
    return 0;
}

static int put_webp(struct picture_bytes *file, const char *note, int width_px, int height_px, int has_alpha)
{
    size_t text = strlen(note) + 1, exif = EXIF_HEAD_BYTES + text;
    if (memcmp(file->data + RIFF_HEAD_BYTES, "VP8X", 4) != 0) {
        uint8_t *p = widen(file, RIFF_HEAD_BYTES, VP8X_BYTES);
        if (!p)
            return -ENOMEM;
        memcpy(p, "VP8X\12\0\0\0", 8);
        memset(p + 8, 0, 4);
        p[8] = has_alpha ? VP8X_ALPHA : 0;
        put_little(p + 12, (size_t)width_px - 1, 3);
        put_little(p + 15, (size_t)height_px - 1, 3);
    }
    file->data[RIFF_HEAD_BYTES + 8] |= VP8X_EXIF;
    uint8_t *p = widen(file, file->bytes, 8 + exif + (exif & 1));
    if (!p)
        return -ENOMEM;
    memcpy(p, "EXIF", 4);
    put_little(p + 4, exif, 4);
    if (exif & 1)
        p[8 + exif] = 0;
    write_exif(p + 8, note, text);
    put_little(file->data + 4, file->bytes - 8, 4);
    return 0;
}

int picture_meta_put(struct picture_bytes *file, const char *note, int width_px, int height_px, int has_alpha)
{
    if (strlen(note) >= PICTURE_NOTE_MAX_BYTES)
        return -EINVAL;
    if (is_png(file->data, file->bytes))
        return put_png(file, note);
    if (is_jpeg(file->data, file->bytes))
        return put_jpeg(file, note);
    if (is_webp(file->data, file->bytes))
        return put_webp(file, note, width_px, height_px, has_alpha);
    return -EINVAL;
}
