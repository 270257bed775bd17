/*
 * text - see text.h.
 */
#include "common/text.h"

#include <stdint.h>
#include <string.h>

enum { DISTANCE_MAX_BYTES = 63, COMBINING_MAX = 3 };

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

size_t text_line_bytes(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        uint32_t c = 0;
        size_t length = decode((const unsigned char *)text + i, bytes - i, &c);
        if (length == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
            return i;
        i += length;
    }
    return bytes;
}

static int is_blank(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2800 || c == 0x3000;
}

static int is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e ||
           c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xe0000 && c <= 0xe0fff);
}

static int is_combining(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x483 && c <= 0x489) || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x20d0 && c <= 0x20ff) || (c >= 0xfe20 && c <= 0xfe2f);
}

size_t text_clean(char *out, size_t size, const char *in, size_t in_bytes)
{
    const unsigned char *s = (const unsigned char *)in;
    size_t n = 0;
    int blank = 0, marks = 0;
    for (size_t i = 0; i < in_bytes;) {
        uint32_t c = 0;
        size_t length = decode(s + i, in_bytes - i, &c);
        size_t at = i;
        i += length ? length : 1;
        if (length == 0)
            continue;
        if (is_blank(c)) {
            blank = n > 0;
            continue;
        }
        if (is_hidden(c))
            continue;
        marks = is_combining(c) ? marks + 1 : 0;
        if (marks > COMBINING_MAX)
            continue;
        if (n + (size_t)blank + length + 1 > size)
            break;
        if (blank)
            out[n++] = ' ';
        blank = 0;
        memcpy(out + n, s + at, length);
        n += length;
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
