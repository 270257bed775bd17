/*
 * text - see text.h.
 */
#include "common/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unictype.h>

#include "common/mem.h"
#include "common/rng.h"

enum { DISTANCE_MAX_BYTES = 63, MARKS_MAX = 3 };

/* Decodes one character at s (n bytes left). Returns its length, 0 when the bytes are not UTF-8. */
static size_t decode(const unsigned char *s, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80   ? 1
                    : s[0] < 0xc2 ? 0
                    : s[0] < 0xe0 ? 2
                    : s[0] < 0xf0 ? 3
                    : s[0] < 0xf5 ? 4
                                  : 0;
    if (length == 0 || length > n)
        return 0;
    uint32_t c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (length > 1 && c < least[length])
        return 0;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *code = c;
    return length;
}

static bool breaks_line(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

size_t text_line_bytes(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        uint32_t c = 0;
        size_t length = decode((const unsigned char *)text + i, bytes - i, &c);
        if (length == 0 || breaks_line(c))
            return i;
        i += length;
    }
    return bytes;
}

/* ---- what terminals get to see ---- */

struct range {
    uint32_t first, last;
};

static bool within(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* Whoever writes them may make a line read otherwise than it is (Unicode's Bidi_Control). */
static const struct range turning[] = {{0x61c, 0x61c}, {0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}};

size_t text_escape(char *out, size_t size, const char *in)
{
    size_t n = 0, left = strlen(in);
    while (left > 0) {
        uint32_t c = 0;
        size_t length = decode((const unsigned char *)in, left, &c);
        bool visible = length > 0 && !breaks_line(c) && !within(turning, ARRAY_LEN(turning), c);
        length += length == 0;
        if (n + (visible ? 1 : 4) * length >= size)
            break;
        for (size_t i = 0; !visible && i < length; i++)
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", (unsigned char)in[i]);
        if (visible) {
            memcpy(out + n, in, length);
            n += length;
        }
        in += length;
        left -= length;
    }
    out[n] = '\0';
    return n;
}

struct text_shown text_shown(const char *in)
{
    struct text_shown s = {""};
    text_escape(s.text, sizeof s.text, in);
    return s;
}

/* ---- what is fit to be shown to everybody ---- */

static const struct range blanks[] = {{0x09, 0x0d},     {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},
                                      {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f},
                                      {0x205f, 0x205f}, {0x2800, 0x2800}, {0x3000, 0x3000}};

/* Controls, characters that turn the direction or show nothing at all, private use and noncharacters. */
static const struct range hidden[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f}, {0x200b, 0x200b},   {0x200e, 0x200f},
    {0x202a, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164}, {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},
    {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};

/* What is drawn onto the character before it (general categories Mn and Me), or joins two. */
static bool is_joiner(uint32_t c)
{
    return c == 0x200c || c == 0x200d;
}

static bool is_mark(uint32_t c)
{
    return c >= 0x300 &&
           (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Me) || is_joiner(c));
}

size_t text_clean(char *out, size_t size, const char *in, size_t in_bytes)
{
    const unsigned char *s = (const unsigned char *)in;
    size_t n = 0;
    int blank = 0, stacked = MARKS_MAX; /* no mark without a character to stand on */
    uint32_t before = 0;
    for (size_t i = 0, length; i < in_bytes; i += length ? length : 1) {
        uint32_t c = 0;
        length = decode(s + i, in_bytes - i, &c);
        if (length == 0)
            continue;
        if (within(blanks, ARRAY_LEN(blanks), c)) {
            blank = n > 0;
            stacked = MARKS_MAX;
            continue;
        }
        if (within(hidden, ARRAY_LEN(hidden), c) || (c & 0xfffe) == 0xfffe)
            continue;
        if (is_joiner(c) && before < 0x80)
            continue; /* joins nothing there, and would make two names that look the same */
        stacked = is_mark(c) ? stacked + 1 : 0;
        if (stacked > MARKS_MAX) {
            stacked = MARKS_MAX;
            continue;
        }
        if (n + (size_t)blank + length + 1 > size)
            break;
        if (blank)
            out[n++] = ' ';
        blank = 0;
        memcpy(out + n, s + i, length);
        n += length;
        before = c;
    }
    out[n] = '\0';
    return n;
}

size_t text_copy(char *out, size_t size, const char *in)
{
    size_t n = strnlen(in, size);
    if (n == size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)in[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(out, in, n);
    out[n] = '\0';
    return n;
}

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

int text_distance(const char *a, const char *b, int limit)
{
    size_t na = strlen(a), nb = strlen(b);
    if (strcmp(a, b) == 0)
        return 0;
    size_t gap = na > nb ? na - nb : nb - na;
    if (na > DISTANCE_MAX_BYTES || nb > DISTANCE_MAX_BYTES || gap > (size_t)limit)
        return limit + 1;

    int rows[3][DISTANCE_MAX_BYTES + 1]; /* rows[i % 3][j]: distance of a[0..i) and b[0..j) */
    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int *row = rows[i % 3], *up = rows[(i - 1) % 3], *up2 = rows[(i + 1) % 3];
        int best = row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int differs = a[i - 1] != b[j - 1];
            row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + differs);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < row[j])
                row[j] = up2[j - 2] + 1;
            if (row[j] < best)
                best = row[j];
        }
        if (best > limit)
            return limit + 1;
    }
    return rows[na % 3][nb] <= limit ? rows[na % 3][nb] : limit + 1;
}

uint64_t text_hash(const char *text)
{
    uint64_t h = 1;
    for (; *text; text++)
        h = rng_mix(h + (unsigned char)*text);
    return h;
}

uint64_t text_hash_caseless(const char *text)
{
    uint64_t h = 1;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        h = rng_mix(h + (c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c));
    }
    return h;
}

const char *text_when(char out[TEXT_WHEN_BYTES], double seconds)
{
    double s = ceil(seconds);
    if (seconds < 0)
        snprintf(out, TEXT_WHEN_BYTES, "by now");
    else if (s < 100)
        snprintf(out, TEXT_WHEN_BYTES, "in about %d s", s > 1 ? (int)s : 1);
    else if (s < 100 * 60)
        snprintf(out, TEXT_WHEN_BYTES, "in about %d min", (int)lround(s / 60));
    else
        snprintf(out, TEXT_WHEN_BYTES, "in about %d h", (int)lround(fmin(s / 3600, 9999)));
    return out;
}
