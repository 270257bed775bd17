/*
 * width - see width.h.
 */
#include "terminal/width.h"

#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

#include "common/text.h"

static int step(const char *text, size_t bytes, size_t *length)
{
    ucs4_t c;
    int n = u8_mbtouc(&c, (const uint8_t *)text, bytes);
    *length = n > 0 ? (size_t)n : 1;
    int w = uc_width(c, "UTF-8");
    return w > 0 ? w : 0;
}

int width_of(const char *text, size_t bytes)
{
    int width = 0;
    for (size_t at = 0, n; at < bytes; at += n)
        width += step(text + at, bytes - at, &n);
    return width;
}

size_t width_step(const char *text, size_t bytes)
{
    size_t n, more, at = 0;
    if (bytes == 0)
        return 0;
    step(text, bytes, &n);
    for (at = n; at < bytes && step(text + at, bytes - at, &more) == 0; at += more)
        continue;
    return at;
}

size_t width_cut(const char *text, size_t bytes, int columns)
{
    int width = 0;
    size_t at = 0, n;
    for (; at < bytes; at += n) {
        width += step(text + at, bytes - at, &n);
        if (width > columns)
            break;
    }
    return at;
}

size_t width_wrap(const char *text, size_t bytes, int columns)
{
    size_t fits = width_cut(text, bytes, columns);
    if (fits == bytes)
        return bytes;
    for (size_t at = fits + 1; at-- > 1;)
        if (text[at - 1] == ' ')
            return at;
    return fits > 0 ? fits : width_step(text, bytes);
}

bool width_is_proper(const char *character, size_t bytes)
{
    char clean[16];
    if (bytes == 1 && character[0] == ' ')
        return true;
    return text_clean(clean, sizeof clean, character, bytes) == bytes && memcmp(clean, character, bytes) == 0;
}
