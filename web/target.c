/*
 * target - see target.h.
 */
#include "web/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("/._-", c));
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool copy_path(const char *text, size_t bytes, struct target *t)
{
    if (bytes == 0 || bytes >= sizeof t->path || text[0] != '/')
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (!is_plain(text[i]) || (i > 0 && (text[i] == '/' || text[i] == '.') && text[i] == text[i - 1]))
            return false;
    memcpy(t->path, text, bytes);
    t->path[bytes] = '\0';
    return true;
}

static bool decode(const char *text, size_t bytes, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        int c = text[i] == '+' ? ' ' : (unsigned char)text[i];
        if (text[i] == '%') {
            int high = i + 2 < bytes ? hex(text[i + 1]) : -1, low = i + 2 < bytes ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = 16 * high + low;
            i += 2;
        }
        if (n + 1 >= size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return text_line_bytes(out, n) == n;
}

static bool add_value(const char *text, size_t bytes, struct target *t)
{
    const char *equals = memchr(text, '=', bytes);
    size_t name = equals ? (size_t)(equals - text) : bytes;
    if (bytes == 0)
        return true;
    if (t->count == TARGET_VALUES_MAX || !decode(text, name, t->values[t->count].name, TARGET_NAME_BYTES))
        return false;
    t->values[t->count].value[0] = '\0';
    if (equals && !decode(equals + 1, bytes - name - 1, t->values[t->count].value, TARGET_VALUE_BYTES))
        return false;
    if (target_value(t, t->values[t->count].name))
        return false; /* twice: which one is meant? */
    t->count++;
    return true;
}

bool target_parse(const char *text, struct target *t)
{
    size_t path = strcspn(text, "?");
    t->path[0] = '\0';
    t->count = 0;
    bool ok = copy_path(text, path, t);
    for (const char *p = text + path; ok && *p;) {
        p++; /* ? or & */
        size_t bytes = strcspn(p, "&");
        ok = add_value(p, bytes, t);
        p += bytes;
    }
    if (!ok)
        t->path[0] = '\0';
    return ok;
}

const char *target_value(const struct target *t, const char *name)
{
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->values[i].name, name) == 0)
            return t->values[i].value;
    return NULL;
}

bool target_number(const struct target *t, const char *name, int64_t least, int64_t most, int64_t otherwise,
                   int64_t *out)
{
    const char *text = target_value(t, name);
    *out = otherwise;
    if (!text)
        return true;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || end == text || text[0] == '+' || text[0] == ' ' || value < least || value > most)
        return false;
    *out = value;
    return true;
}
