/*
 * names - see names.h.
 */
#include "tape/names.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

static const char before[] = "  @"; /* a name, as in show/request_text.c */

enum { SIGN_BYTES = 4, BEFORE_BYTES = sizeof before - 1, ROOM_FIRST = 64 };
static const uint32_t sign_first =
    0xf0000; /* of a plane that is private from its first to its last character */

void tape_names_clear(struct tape_names *n)
{
    free(n->list);
    *n = (struct tape_names){0};
}

bool tape_names_add(struct tape_names *n, const struct tape_name *name)
{
    if (n->count == TAPE_NAMES_MAX)
        return false;
    if (n->count == n->room) {
        n->room = n->room ? 2 * n->room : ROOM_FIRST;
        n->list = xrealloc(n->list, (size_t)n->room * sizeof *n->list);
    }
    n->list[n->count++] = *name;
    return true;
}

int tape_names_find(const struct tape_names *n, int64_t request_id)
{
    for (int i = n->count - 1; i >= 0; i--)
        if (n->list[i].request_id == request_id)
            return i;
    return -1;
}

bool tape_name_is_forgotten(const struct tape_name *name)
{
    return name->who[strspn(name->who, " ")] == '\0';
}

static void write_sign(char out[SIGN_BYTES], int index)
{
    uint32_t c = sign_first + (uint32_t)index;
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
}

/* The sign that begins here as an index; -1: there is none. `text` ends with 0. */
static int read_sign(const char *text)
{
    uint32_t c = 0;
    for (int i = 0; i < SIGN_BYTES; i++) {
        uint32_t byte = (unsigned char)text[i];
        bool good = i == 0 ? byte >> 3 == 30 : byte >> 6 == 2;
        if (!good)
            return -1;
        c = c << 6 | (i == 0 ? byte & 7 : byte & 63);
    }
    return c >= sign_first && c < sign_first + TAPE_NAMES_MAX ? (int)(c - sign_first) : -1;
}

/* Of the names that `text` begins with the longest, the latest first; -1: none. */
static int longest(const struct tape_names *n, const char *text)
{
    size_t most = 0;
    int found = -1;
    for (int i = n->count - 1; i >= 0; i--) {
        size_t bytes = strlen(n->list[i].who);
        if (bytes > most && !tape_name_is_forgotten(&n->list[i]) &&
            strncmp(n->list[i].who, text, bytes) == 0) {
            most = bytes;
            found = i;
        }
    }
    return found;
}

void tape_names_hide(const struct tape_names *n, char *text)
{
    for (char *at = text; (at = strstr(at, before)); at += SIGN_BYTES) {
        int index = longest(n, at + BEFORE_BYTES);
        if (index < 0) {
            *at = '\0';
            return;
        }
        const char *rest = at + BEFORE_BYTES + strlen(n->list[index].who);
        write_sign(at, index);
        memmove(at + SIGN_BYTES, rest, strlen(rest) + 1);
    }
}

/* The sign at text + at gives way. Returns where what follows begins. */
static size_t show_one(const struct tape_name *name, char *text, size_t at, size_t size)
{
    char *rest = xstrdup(text + at + SIGN_BYTES);
    text[at] = '\0';
    if (name && !tape_name_is_forgotten(name)) {
        at += text_copy(text + at, size - at, before);
        at += text_copy(text + at, size - at, name->who);
    }
    text_copy(text + at, size - at, rest);
    free(rest);
    return at;
}

void tape_names_show(const struct tape_names *n, char *text, size_t size)
{
    for (size_t at = 0; text[at];) {
        int index = read_sign(text + at);
        if (index < 0)
            at++;
        else
            at = show_one(index < n->count ? &n->list[index] : NULL, text, at, size);
    }
}
