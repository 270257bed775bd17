/*
 * line - see line.h.
 */
#include "chatbot/irc/line.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"

enum {
    NICK_BYTES = 64,        /* of a rebuilt source */
    MIDDLE_BYTES = 100,     /* of a rebuilt parameter that is not the last: leaves the last one room */
    REBUILT_PARAMS_MAX = 9, /* the library takes 10 */
    TAG_SCRATCH_BYTES = 4096,
    TEXT_SCRATCH_BYTES = 4096,
};

void irc_splitter_init(struct irc_splitter *s)
{
    s->begin = s->end = s->scanned = 0;
    s->skipping = false;
    s->too_long = 0;
}

char *irc_splitter_space(struct irc_splitter *s, size_t *room)
{
    if (s->begin > 0) {
        memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->scanned -= s->begin;
        s->begin = 0;
    }
    if (s->end == sizeof s->buffer) { /* full, and next() found no end of line in it */
        s->too_long += !s->skipping;
        s->skipping = true;
        s->end = s->scanned = 0;
    }
    *room = sizeof s->buffer - s->end;
    return s->buffer + s->end;
}

void irc_splitter_added(struct irc_splitter *s, size_t bytes)
{
    s->end += bytes;
}

bool irc_splitter_next(struct irc_splitter *s, struct irc_span *line)
{
    for (;;) {
        char *lf = memchr(s->buffer + s->scanned, '\n', s->end - s->scanned);
        if (!lf) {
            s->scanned = s->end;
            return false;
        }
        const char *start = s->buffer + s->begin;
        size_t bytes = (size_t)(lf - start);
        s->begin = s->scanned = (size_t)(lf - s->buffer) + 1;
        bool lost = s->skipping;
        s->skipping = false;
        while (bytes > 0 && start[bytes - 1] == '\r')
            bytes--;
        if (lost || bytes == 0)
            continue;
        *line = (struct irc_span){start, bytes};
        return true;
    }
}

/* Cuts the bytes before the next blank off `rest`, and the blanks behind them. */
static struct irc_span take_word(struct irc_span *rest)
{
    struct irc_span word = *rest;
    const char *blank = rest->bytes ? memchr(rest->start, ' ', rest->bytes) : NULL;
    if (blank)
        word.bytes = (size_t)(blank - rest->start);
    rest->start += word.bytes;
    rest->bytes -= word.bytes;
    while (rest->bytes > 0 && *rest->start == ' ') {
        rest->start++;
        rest->bytes--;
    }
    return word;
}

static struct irc_span without_first(struct irc_span s)
{
    return (struct irc_span){s.start + 1, s.bytes - 1};
}

static bool is_command(struct irc_span s)
{
    size_t letters = 0, digits = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        letters += isalpha((unsigned char)s.start[i]) != 0;
        digits += isdigit((unsigned char)s.start[i]) != 0;
    }
    return s.bytes > 0 && s.bytes <= 32 && (letters == s.bytes || (digits == s.bytes && digits == 3));
}

int irc_parse(struct irc_span line, struct irc_parsed *p)
{
    const struct irc_span none = {line.start, 0};
    struct irc_span rest = line;
    *p = (struct irc_parsed){.tags = none, .source = none};
    if (rest.bytes > 0 && rest.start[0] == '@')
        p->tags = without_first(take_word(&rest));
    if (rest.bytes > 0 && rest.start[0] == ':')
        p->source = without_first(take_word(&rest));
    p->command = take_word(&rest);
    if (!is_command(p->command))
        return -EINVAL;
    while (rest.bytes > 0) {
        struct irc_span *param = &p->params[p->param_count++];
        if (rest.start[0] == ':') {
            *param = without_first(rest);
            break;
        }
        if (p->param_count == IRC_PARAMS_MAX) {
            *param = rest;
            break;
        }
        *param = take_word(&rest);
    }
    return 0;
}

bool irc_is(const struct irc_parsed *p, const char *command)
{
    return strlen(command) == p->command.bytes &&
           strncasecmp(p->command.start, command, p->command.bytes) == 0;
}

int irc_numeric(const struct irc_parsed *p)
{
    const char *s = p->command.start;
    if (p->command.bytes != 3 || !isdigit((unsigned char)s[0]))
        return 0;
    return (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
}

struct irc_span irc_nick(const struct irc_parsed *p)
{
    struct irc_span nick = p->source;
    for (size_t i = 0; i < nick.bytes; i++)
        if (nick.start[i] == '!' || nick.start[i] == '@')
            nick.bytes = i;
    return nick;
}

/* Undoes \: \s \\ \r \n; before anything else, and at the end, the backslash just goes. */
static size_t unescape_tag(struct irc_span in, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < in.bytes && n < size; i++) {
        char c = in.start[i];
        if (c == '\\') {
            if (++i == in.bytes)
                break;
            c = in.start[i];
            c = c == ':' ? ';' : c == 's' ? ' ' : c == 'r' ? '\r' : c == 'n' ? '\n' : c;
        }
        out[n++] = c;
    }
    return n;
}

static bool find_tag(const struct irc_parsed *p, const char *key, struct irc_span *value)
{
    size_t key_bytes = strlen(key);
    bool found = false;
    const char *at = p->tags.start, *end = at + p->tags.bytes;
    while (at < end) {
        const char *semicolon = memchr(at, ';', (size_t)(end - at));
        const char *stop = semicolon ? semicolon : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *key_end = equals ? equals : stop;
        if ((size_t)(key_end - at) == key_bytes && memcmp(at, key, key_bytes) == 0) {
            const char *start = equals ? equals + 1 : stop;
            *value = (struct irc_span){start, (size_t)(stop - start)};
            found = true;
        }
        at = stop + 1;
    }
    return found;
}

bool irc_tag(const struct irc_parsed *p, const char *key, char *out, size_t size)
{
    char scratch[TAG_SCRATCH_BYTES];
    struct irc_span value = {NULL, 0};
    bool found = find_tag(p, key, &value);
    text_clean(out, size, scratch, unescape_tag(value, scratch, sizeof scratch));
    return found;
}

char *irc_param(const struct irc_parsed *p, int index, char *out, size_t size)
{
    out[0] = '\0';
    if (index < p->param_count)
        text_clean(out, size, p->params[index].start, p->params[index].bytes);
    return out;
}

/* How many digits, at most `max`, stand at s. */
static size_t digits_at(struct irc_span s, size_t at, size_t max, int (*is_digit)(int))
{
    size_t n = 0;
    while (n < max && at + n < s.bytes && is_digit((unsigned char)s.start[at + n]))
        n++;
    return n;
}

/* Length of the style code or terminal escape at s[at], 0 when there is none. */
static size_t style_bytes(struct irc_span s, size_t at)
{
    if (s.start[at] == '\x03') {
        size_t n = 1 + digits_at(s, at + 1, 2, isdigit);
        size_t back =
            n > 1 && at + n < s.bytes && s.start[at + n] == ',' ? digits_at(s, at + n + 1, 2, isdigit) : 0;
        return back ? n + 1 + back : n;
    }
    if (s.start[at] == '\x04')
        return 1 + digits_at(s, at + 1, 6, isxdigit);
    if (s.start[at] != '\x1b')
        return 0;
    size_t n = 1;
    if (at + n < s.bytes && s.start[at + n] == '[') {
        n++;
        while (at + n < s.bytes && s.start[at + n] >= 0x20 && s.start[at + n] <= 0x3f)
            n++;
        n += at + n < s.bytes && s.start[at + n] >= 0x40 && s.start[at + n] <= 0x7e;
    }
    return n;
}

static struct irc_span ctcp_body(struct irc_span s, bool *is_action)
{
    static const char action[] = "\1ACTION";
    const size_t n = sizeof action - 1;
    *is_action = s.bytes >= n && memcmp(s.start, action, n) == 0 &&
                 (s.bytes == n || s.start[n] == ' ' || s.start[n] == '\1');
    if (*is_action)
        return (struct irc_span){s.start + n, s.bytes - n};
    if (s.bytes > 1 && s.start[0] == '\1' && isalpha((unsigned char)s.start[1]) &&
        s.start[s.bytes - 1] == '\1')
        return (struct irc_span){s.start, 0};
    return s;
}

/* U+200C and U+200D join letters and emoji; at the end of a line they only make it look different. */
static size_t trim_joiners(char *text, size_t n)
{
    while (n >= 3 && memcmp(text + n - 3, "\xe2\x80", 2) == 0 && (text[n - 1] & ~1) == (char)0x8c)
        n -= 3;
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
    return n;
}

size_t irc_text(struct irc_span in, char *out, size_t size, bool *is_action)
{
    char scratch[TEXT_SCRATCH_BYTES];
    struct irc_span body = ctcp_body(in, is_action);
    size_t n = 0;
    for (size_t i = 0; i < body.bytes && n < sizeof scratch;) {
        size_t skip = style_bytes(body, i);
        if (skip == 0)
            scratch[n++] = body.start[i++];
        i += skip;
    }
    return trim_joiners(out, text_clean(out, size, scratch, n));
}

/* The nick as the library may see it: printable ASCII without what has a meaning in a source. */
static size_t write_nick(const struct irc_parsed *p, char *out)
{
    struct irc_span nick = irc_nick(p);
    size_t n = 0;
    for (size_t i = 0; i < nick.bytes && n < NICK_BYTES; i++) {
        unsigned char c = (unsigned char)nick.start[i];
        out[n++] = c > 0x20 && c < 0x7f && c != ':' ? (char)c : '_';
    }
    if (n == 0)
        out[n++] = '-';
    return n;
}

/* A parameter in the middle: one word, not empty, not beginning with a colon. */
static size_t write_middle(struct irc_span param, char *out)
{
    char clean[MIDDLE_BYTES + 1];
    size_t n = text_clean(clean, sizeof clean, param.start, param.bytes), written = 0;
    out[written++] = ' ';
    for (size_t i = 0; i < n; i++)
        out[written++] = clean[i] == ' ' || (i == 0 && clean[i] == ':') ? '_' : clean[i];
    if (n == 0)
        out[written++] = '-';
    return written;
}

size_t irc_rebuild(const struct irc_parsed *p, uint64_t sequence, char out[IRC_CLEAN_BYTES + 1])
{
    size_t n = 0;
    out[n++] = ':';
    n += write_nick(p, out + n);
    n += (size_t)sprintf(out + n, "!s%" PRIx64 "@b ", sequence);
    for (size_t i = 0; i < p->command.bytes; i++)
        out[n++] = (char)toupper((unsigned char)p->command.start[i]);

    /* All but the last, as many as leave room for it. */
    int last = p->param_count - 1;
    for (int i = 0; i < last && i < REBUILT_PARAMS_MAX - 1 && n + 2 * (MIDDLE_BYTES + 1) < IRC_CLEAN_BYTES;
         i++)
        n += write_middle(p->params[i], out + n);
    out[n++] = ' ';
    out[n++] = ':';
    size_t text =
        last < 0 ? 0
                 : text_clean(out + n, IRC_CLEAN_BYTES + 1 - n, p->params[last].start, p->params[last].bytes);
    if (text == 0)
        out[n++] = '-';
    n += text;
    out[n] = '\0';
    return n;
}

uint64_t irc_sequence(const char *source)
{
    const char *mark = source ? strstr(source, "!s") : NULL;
    if (!mark || !isxdigit((unsigned char)mark[2]))
        return 0;
    char *end;
    uint64_t sequence = strtoull(mark + 2, &end, 16);
    return strcmp(end, "@b") == 0 ? sequence : 0;
}
