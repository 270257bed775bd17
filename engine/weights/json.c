/*
 * json - see json.h. Why not the library that common/json.h wraps: it builds a tree, and a header may be 100 MB,
 * of which "[],[],..." grows to 45 times its size and "{},{},..." to 77 (measured), with nothing to bound it.
 * Here a header takes no memory, nesting ends at eight brackets instead of 2048, and a fault is told with its
 * byte.
 */
#include "engine/weights/json.h"

#include <string.h>

enum { DEPTH_MAX = 8 };

struct cursor cursor_begin(const void *bytes, size_t size)
{
    const char *b = bytes;
    return (struct cursor){.begin = b, .at = b, .end = b + size};
}

bool cursor_fail(struct cursor *j, const char *expected)
{
    if (!j->fault)
        j->fault = expected;
    return false;
}

size_t cursor_offset(const struct cursor *j)
{
    return (size_t)(j->at - j->begin);
}

/* The next character after white space, without taking it; 0 at the end. */
static char cursor_peek(struct cursor *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\r' || *j->at == '\t'))
        j->at++;
    return j->at < j->end ? *j->at : '\0';
}

bool cursor_take(struct cursor *j, char c)
{
    if (j->fault)
        return false;
    if (cursor_peek(j) != c || j->at == j->end)
        return cursor_fail(j, c == '{' ? "'{'" : c == '[' ? "'['" : c == ':' ? "':'" : "',' or the end");
    j->at++;
    return true;
}

bool cursor_next(struct cursor *j, char close, bool *first)
{
    if (*first) {
        *first = false;
        if (!cursor_take(j, close == '}' ? '{' : '['))
            return false;
        if (cursor_peek(j) != close)
            return !j->fault;
    } else if (cursor_peek(j) != close) {
        return cursor_take(j, ',');
    }
    cursor_take(j, close);
    return false;
}

/* Four hexadecimal digits, -1 when they are not. */
static int32_t hex4(struct cursor *j)
{
    int32_t v = 0;
    if (j->end - j->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = *j->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* Behind "\u": a code point, surrogate pairs joined; -1 when it is none or is NUL. */
static int32_t escaped_code_point(struct cursor *j)
{
    int32_t c = hex4(j);
    if (c >= 0xd800 && c <= 0xdbff) {
        if (j->end - j->at < 2 || j->at[0] != '\\' || j->at[1] != 'u')
            return -1;
        j->at += 2;
        int32_t low = hex4(j);
        if (low < 0xdc00 || low > 0xdfff)
            return -1;
        return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    return c == 0 || (c >= 0xdc00 && c <= 0xdfff) ? -1 : c;
}

static size_t put_utf8(char out[4], int32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

/* Length of the UTF-8 character at s, 0 when it is none (overlong forms and surrogates are none). */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    if (n == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

/* One character of a string, its escapes resolved. Returns its length, 0 on a fault. */
static size_t one_character(struct cursor *j, char out[4])
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (*j->at != '\\') {
        size_t n = utf8_length((const unsigned char *)j->at, (size_t)(j->end - j->at));
        if (n == 0 || (unsigned char)*j->at < 0x20)
            return 0;
        memcpy(out, j->at, n);
        j->at += n;
        return n;
    }
    if (j->end - j->at < 2)
        return 0;
    char kind = j->at[1];
    j->at += 2;
    if (kind == 'u') {
        int32_t c = escaped_code_point(j);
        return c < 0 ? 0 : put_utf8(out, c);
    }
    const char *hit = kind ? strchr(plain, kind) : NULL;
    if (!hit)
        return 0;
    out[0] = meant[hit - plain];
    return 1;
}

/* `out` may be NULL: the string is checked and passed over. */
static bool string(struct cursor *j, char *out, size_t size)
{
    if (j->fault)
        return false;
    if (cursor_peek(j) != '"')
        return cursor_fail(j, "a string");
    j->at++;
    size_t n = 0;
    while (j->at < j->end && *j->at != '"') {
        char c[4];
        size_t length = one_character(j, c);
        if (length == 0)
            return cursor_fail(j, "UTF-8 text");
        if (out && n + length >= size)
            return cursor_fail(j, "a shorter string");
        if (out)
            memcpy(out + n, c, length);
        n += length;
    }
    if (j->at == j->end)
        return cursor_fail(j, "the end of a string");
    j->at++;
    if (out)
        out[n] = '\0';
    return true;
}

bool cursor_string(struct cursor *j, char *out, size_t size)
{
    return string(j, out, size);
}

bool cursor_key(struct cursor *j, char *out, size_t size)
{
    return string(j, out, size) && cursor_take(j, ':');
}

bool cursor_natural(struct cursor *j, int64_t *out)
{
    if (j->fault)
        return false;
    char first = cursor_peek(j);
    int64_t v = 0;
    int digits = 0;
    for (; j->at < j->end && *j->at >= '0' && *j->at <= '9'; j->at++, digits++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *j->at - '0', &v))
            return cursor_fail(j, "a number below 2^63");
    bool more = j->at < j->end && (*j->at == '.' || *j->at == 'e' || *j->at == 'E');
    if (digits == 0 || (digits > 1 && first == '0') || more)
        return cursor_fail(j, "a whole number");
    *out = v;
    return true;
}

static bool skip(struct cursor *j, int depth)
{
    char c = cursor_peek(j);
    if (depth > DEPTH_MAX)
        return cursor_fail(j, "fewer brackets inside one another");
    if (c == '"')
        return string(j, NULL, 0);
    if (c == '{' || c == '[') {
        char close = c == '{' ? '}' : ']';
        for (bool first = true; cursor_next(j, close, &first);)
            if ((c == '{' && !cursor_key(j, NULL, 0)) || !skip(j, depth + 1))
                return false;
        return !j->fault;
    }
    const char *start = j->at; /* a number or a literal: its spelling does not matter to anyone */
    while (j->at < j->end && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *j->at) && *j->at)
        j->at++;
    return j->at > start || cursor_fail(j, "a value");
}

bool cursor_skip(struct cursor *j)
{
    return !j->fault && skip(j, 1);
}

bool cursor_end(struct cursor *j)
{
    if (j->fault)
        return false;
    cursor_peek(j);
    return j->at == j->end || cursor_fail(j, "the end of the header");
}
