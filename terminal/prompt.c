/*
 * prompt - see prompt.h.
 */
#include "terminal/prompt.h"

#include <string.h>

#include "terminal/width.h"

enum { ESCAPE = 27, BACKSPACE = 8, DELETE = 127 };

static size_t before(const struct prompt *p)
{
    size_t at = p->cursor;
    while (at > 0 && ((unsigned char)p->text[--at] & 0xc0) == 0x80)
        continue;
    return at;
}

static size_t behind(const struct prompt *p)
{
    size_t at = p->cursor < p->bytes ? p->cursor + 1 : p->cursor;
    while (at < p->bytes && ((unsigned char)p->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static void cut(struct prompt *p, size_t from, size_t to)
{
    memmove(p->text + from, p->text + to, p->bytes - to + 1);
    p->bytes -= to - from;
    p->cursor = from;
}

static void insert(struct prompt *p, const char *text, size_t bytes)
{
    if (p->bytes + bytes >= sizeof p->text)
        return;
    memmove(p->text + p->cursor + bytes, p->text + p->cursor, p->bytes - p->cursor + 1);
    memcpy(p->text + p->cursor, text, bytes);
    p->bytes += bytes;
    p->cursor += bytes;
}

static void set(struct prompt *p, const char *text)
{
    p->bytes = p->cursor = strlen(text);
    memmove(p->text, text, p->bytes + 1);
}

static void remember(struct prompt *p)
{
    p->history_at = 0;
    if (p->bytes == 0 || (p->history_count > 0 && strcmp(p->history[0], p->text) == 0))
        return;
    memmove(p->history[1], p->history[0], sizeof p->history - sizeof p->history[0]);
    memcpy(p->history[0], p->text, p->bytes + 1);
    p->history_count += p->history_count < PROMPT_HISTORY;
}

static void recall(struct prompt *p, int step)
{
    int at = p->history_at + step;
    if (at < 0 || at > p->history_count)
        return;
    p->history_at = at;
    set(p, at > 0 ? p->history[at - 1] : "");
}

/* The last word and the blanks behind it. */
static void cut_word(struct prompt *p)
{
    size_t at = p->cursor;
    while (at > 0 && p->text[at - 1] == ' ')
        at--;
    while (at > 0 && p->text[at - 1] != ' ')
        at--;
    cut(p, at, p->cursor);
}

/* A whole escape sequence: cursor keys, Home, End, Delete; all others mean nothing. */
static void obey(struct prompt *p)
{
    switch (p->escape[p->escape_bytes - 1]) {
    case 'A':
        recall(p, 1);
        break;
    case 'B':
        recall(p, -1);
        break;
    case 'C':
        p->cursor = behind(p);
        break;
    case 'D':
        p->cursor = before(p);
        break;
    case 'F':
        p->cursor = p->bytes;
        break;
    case 'H':
        p->cursor = 0;
        break;
    case '~':
        if (p->escape[2] == '3')
            cut(p, p->cursor, behind(p));
        break;
    }
}

/* ESC [ parameters letter, or ESC O letter. What is longer than any key's is dropped at its end. */
static void in_escape(struct prompt *p, char byte)
{
    bool is_second = p->escape_bytes == 1;
    if (p->escape_bytes < sizeof p->escape)
        p->escape[p->escape_bytes++] = byte;
    if (is_second && (byte == '[' || byte == 'O'))
        return;
    if (is_second || (byte >= 0x40 && byte <= 0x7e)) {
        if (!is_second && p->escape_bytes < sizeof p->escape)
            obey(p);
        p->escape_bytes = 0;
    }
}

/* The bytes of one UTF-8 character, gathered until it is whole. */
static void in_character(struct prompt *p, char byte)
{
    unsigned char first = (unsigned char)(p->escape_bytes ? p->escape[0] : byte);
    size_t whole = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    bool continues = ((unsigned char)byte & 0xc0) == 0x80;
    if (continues != (p->escape_bytes > 0)) { /* broken: begins anew */
        p->escape_bytes = 0;
        if (continues)
            return;
    }
    p->escape[p->escape_bytes++] = byte;
    if (p->escape_bytes < whole)
        return;
    if (width_is_proper(p->escape, whole))
        insert(p, p->escape, whole);
    p->escape_bytes = 0;
}

bool prompt_key(struct prompt *p, char byte)
{
    if (p->escape_bytes > 0 && p->escape[0] == ESCAPE) {
        in_escape(p, byte);
        return false;
    }
    switch (byte) {
    case '\r':
    case '\n':
        p->escape_bytes = 0;
        remember(p);
        return true;
    case ESCAPE:
        p->escape[0] = byte;
        p->escape_bytes = 1;
        break;
    case BACKSPACE:
    case DELETE:
        cut(p, before(p), p->cursor);
        break;
    case 'A' - 64:
        p->cursor = 0;
        break;
    case 'E' - 64:
        p->cursor = p->bytes;
        break;
    case 'K' - 64:
        cut(p, p->cursor, p->bytes);
        break;
    case 'U' - 64:
        cut(p, 0, p->cursor);
        break;
    case 'W' - 64:
        cut_word(p);
        break;
    default:
        if ((unsigned char)byte >= ' ')
            in_character(p, byte);
    }
    return false;
}

void prompt_clear(struct prompt *p)
{
    p->bytes = p->cursor = 0;
    p->text[0] = '\0';
}

size_t prompt_view(const struct prompt *p, int columns, const char **text, int *cursor_column)
{
    size_t first = 0;
    while (first < p->cursor && width_of(p->text + first, p->cursor - first) >= columns)
        first += width_step(p->text + first, p->cursor - first);
    *text = p->text + first;
    *cursor_column = width_of(p->text + first, p->cursor - first);
    return width_cut(p->text + first, p->bytes - first, columns - 1);
}
