/*
 * jsonl - see jsonl.h.
 */
#include "show/jsonl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum { CLEAN_BYTES = 4096 };

static void put(struct jsonl_line *j, const char *text, size_t bytes)
{
    if (j->full || bytes >= j->size - j->n) {
        j->full = true;
        return;
    }
    memcpy(j->out + j->n, text, bytes);
    j->n += bytes;
    j->out[j->n] = '\0';
}

static void put_quoted(struct jsonl_line *j, const char *value)
{
    char clean[CLEAN_BYTES], escape[8];
    text_clean(clean, sizeof clean, value, strlen(value)); /* no invalid bytes, no control characters */
    put(j, "\"", 1);
    for (const char *c = clean; *c; c++) {
        int n = snprintf(escape, sizeof escape, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        put(j, escape, (size_t)n);
    }
    put(j, "\"", 1);
}

static void put_key(struct jsonl_line *j, const char *key)
{
    put(j, ",", j->n > 1);
    put_quoted(j, key);
    put(j, ":", 1);
}

void jsonl_begin(struct jsonl_line *j, char *out, size_t size)
{
    *j = (struct jsonl_line){.out = out, .size = size};
    put(j, "{", 1);
}

void jsonl_text(struct jsonl_line *j, const char *key, const char *value)
{
    put_key(j, key);
    put_quoted(j, value);
}

void jsonl_number(struct jsonl_line *j, const char *key, int64_t value)
{
    char digits[32];
    put_key(j, key);
    put(j, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)value));
}

void jsonl_texts(struct jsonl_line *j, const char *key, const char *const *values, int count)
{
    put_key(j, key);
    put(j, "[", 1);
    for (int i = 0; i < count; i++) {
        put(j, ",", i > 0);
        put_quoted(j, values[i]);
    }
    put(j, "]", 1);
}

size_t jsonl_end(struct jsonl_line *j)
{
    put(j, "}\n", 2);
    return j->full ? 0 : j->n;
}

static const char *blanks(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

/* Four hexadecimal digits, or -1. */
static int read_unit(const char *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The character of an escape behind its backslash; *length are its bytes. Only what stands
 * alone in UTF-16. */
static int read_escape(const char *s, size_t *length)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *at = *s ? strchr(names, *s) : NULL;
    *length = 1;
    if (at)
        return values[at - names];
    if (*s != 'u')
        return -1;
    *length = 5;
    int unit = read_unit(s + 1);
    return unit > 0 && (unit < 0xd800 || unit > 0xdfff) ? unit : -1;
}

static size_t encode(int code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

/* A quoted text into `out`; returns what follows it, or NULL. */
static const char *read_text(const char *s, char *out, size_t size)
{
    size_t n = 0;
    if (*s++ != '"')
        return NULL;
    for (; *s != '"'; s++) {
        char bytes[4] = {*s};
        size_t count = 1, length;
        if (!*s || (unsigned char)*s < 0x20)
            return NULL;
        if (*s == '\\') {
            int code = read_escape(s + 1, &length);
            if (code < 0)
                return NULL;
            count = encode(code, bytes);
            s += length;
        }
        if (n + count >= size)
            return NULL;
        memcpy(out + n, bytes, count);
        n += count;
    }
    out[n] = '\0';
    return s + 1;
}

static const char *read_list(const char *s, struct jsonl_member *m)
{
    s = blanks(s + 1);
    if (*s == ']')
        return s + 1;
    for (;;) {
        if (m->count == JSONL_LIST_MAX || !(s = read_text(s, m->text[m->count++], JSONL_TEXT_BYTES)))
            return NULL;
        s = blanks(s);
        if (*s == ']')
            return s + 1;
        if (*s != ',')
            return NULL;
        s = blanks(s + 1);
    }
}

static const char *read_value(const char *s, struct jsonl_member *m)
{
    if (*s == '[')
        return read_list(s, m);
    if (*s == '"') {
        m->count = 1;
        return read_text(s, m->text[0], JSONL_TEXT_BYTES);
    }
    if (*s != '-' && (*s < '0' || *s > '9'))
        return NULL;
    char *end;
    errno = 0;
    m->number = strtoll(s, &end, 10);
    m->is_number = true;
    return errno || end == s ? NULL : end;
}

int jsonl_read(const char *line, struct jsonl_member *members, int max)
{
    const char *s = blanks(line);
    int count = 0;
    if (*s++ != '{')
        return -EINVAL;
    for (s = blanks(s); *s != '}'; s = blanks(s)) {
        if (count > 0 && *s++ != ',')
            return -EINVAL;
        if (count == max)
            return -EINVAL;
        struct jsonl_member *m = &members[count++];
        m->is_number = false;
        m->number = m->count = 0;
        s = read_text(blanks(s), m->key, sizeof m->key);
        if (!s || *(s = blanks(s)) != ':' || !(s = read_value(blanks(s + 1), m)))
            return -EINVAL;
    }
    return *blanks(s + 1) ? -EINVAL : count;
}
