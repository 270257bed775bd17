/*
 * outbox - see outbox.h.
 */
#include "chatbot/irc/outbox.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

static const char separator[] = " | ";
enum {
    SUFFIX_BYTES = 32, /* room for " (17)" or " (+123456 more heard)" */
    SINGLE_MAX = 4     /* when more wait they are joined: at a line a second nobody shall wait long */
};

void irc_outbox_init(struct irc_outbox *o, const struct irc_limits *limits)
{
    memset(o, 0, sizeof *o);
    o->limits = *limits;
    o->not_before_us = INT64_MIN;
}

static int count_chars(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* Cuts `s` to both limits less `reserve` ASCII characters, on a character border. */
static void cut(const struct irc_limits *l, char *s, int reserve)
{
    int chars = 0;
    size_t at = 0;
    while (s[at]) {
        size_t next = at + 1;
        while (((unsigned char)s[next] & 0xc0) == 0x80)
            next++;
        if (++chars > l->max_chars - reserve || next > (size_t)(l->max_bytes - reserve))
            break;
        at = next;
    }
    s[at] = '\0';
}

static void remove_line(struct irc_outbox *o, int i)
{
    o->waiting--;
    memmove(&o->lines[i], &o->lines[i + 1], (size_t)(o->waiting - i) * sizeof o->lines[0]);
}

/* Gives up the oldest line that is not urgent, or, with only urgent ones waiting, the new one. */
static bool give_up(struct irc_outbox *o)
{
    int victim = 0;
    while (victim < o->waiting && o->lines[victim].urgent)
        victim++;
    o->unsaid++;
    o->dropped++;
    if (victim == o->waiting)
        return false;
    remove_line(o, victim);
    return true;
}

static bool is_waiting(const struct irc_outbox *o, const char *text)
{
    for (int i = 0; i < o->waiting; i++)
        if (strcmp(o->lines[i].text, text) == 0)
            return true;
    return false;
}

/* As text_clean, but an IRC_WHEN stays where it is, with the blanks around it. */
static size_t clean_around_when(char *out, size_t size, const char *text)
{
    const char *when = strpbrk(text, IRC_WHEN);
    if (!when)
        return text_clean(out, size, text, strlen(text));
    size_t n = text_clean(out, size - 3, text, (size_t)(when - text));
    if (when > text && when[-1] == ' ')
        out[n++] = ' ';
    out[n++] = when[0];
    if (when[1] == ' ')
        out[n++] = ' ';
    return n + text_clean(out + n, size - n, when + 1, strlen(when + 1));
}

bool irc_outbox_push(struct irc_outbox *o, const struct irc_reply *reply, const char *parent, int64_t now_us)
{
    struct irc_waiting line = {.urgent = reply->urgent, .heard_us = now_us, .when_us = reply->when_us};
    char clean[IRC_OUT_BYTES + 2];
    size_t n = clean_around_when(clean, IRC_OUT_BYTES, reply->text);
    if (n == 0)
        return true;
    if (strchr("/.\\", clean[0])) { /* chat commands begin so */
        memmove(clean + 2, clean, n + 1);
        memcpy(clean, "- ", 2);
    }
    cut(&o->limits, clean, strpbrk(clean, IRC_WHEN) ? TEXT_WHEN_BYTES : 0);
    if (is_waiting(o, clean)) {
        o->merged++;
        return true;
    }
    text_copy(line.parent, sizeof line.parent, parent);
    text_clean(line.brief, sizeof line.brief, reply->brief, strlen(reply->brief));
    memcpy(line.text, clean, strlen(clean) + 1);
    bool kept = o->waiting < IRC_OUT_WAITING_MAX;
    if (!kept && !give_up(o))
        return false;
    o->lines[o->waiting++] = line;
    return kept;
}

/* The k-th line from the end of what was sent, k = 1, 2, ...; false when there were not so many. */
static bool sent_at(const struct irc_outbox *o, int k, int64_t *at_us)
{
    if (k > o->sent || k > IRC_OUT_SENT_MAX)
        return false;
    *at_us = o->past[(o->sent - k) % IRC_OUT_SENT_MAX].at_us;
    return true;
}

/* The first urgent line, else the first; -1: none. */
static int next_line(const struct irc_outbox *o)
{
    for (int i = 0; i < o->waiting; i++)
        if (o->lines[i].urgent)
            return i;
    return o->waiting > 0 ? 0 : -1;
}

/* How many lines the window takes of the kind that goes next. */
static int lines_allowed(const struct irc_outbox *o)
{
    int i = next_line(o);
    return o->limits.per_window - (i >= 0 && o->lines[i].urgent ? 0 : o->limits.reserved);
}

int64_t irc_outbox_due_us(const struct irc_outbox *o)
{
    if (o->waiting == 0)
        return INT64_MAX;
    int64_t due = o->not_before_us, at;
    if (sent_at(o, 1, &at) && at + o->limits.gap_us > due)
        due = at + o->limits.gap_us;
    if (sent_at(o, lines_allowed(o), &at) && at + o->limits.window_us > due)
        due = at + o->limits.window_us;
    return due;
}

static int room_in_window(const struct irc_outbox *o, int64_t now_us)
{
    int used = 0;
    int64_t at;
    for (int k = 1; sent_at(o, k, &at); k++)
        used += at > now_us - o->limits.window_us;
    return lines_allowed(o) - used;
}

static bool said_lately(const struct irc_outbox *o, const char *text, int64_t now_us)
{
    uint64_t h = text_hash(text);
    int kept = o->sent < IRC_OUT_SENT_MAX ? o->sent : IRC_OUT_SENT_MAX;
    for (int i = 0; i < kept; i++)
        if (o->past[i].hash == h && o->past[i].at_us > now_us - o->limits.window_us)
            return true;
    return false;
}

/* Puts " (2)", " (3)", ... behind a text that was said within the window. */
static void vary(const struct irc_outbox *o, char *text, int64_t now_us)
{
    if (!said_lately(o, text, now_us))
        return;
    cut(&o->limits, text, SUFFIX_BYTES);
    size_t n = strlen(text);
    for (int k = 2; k <= IRC_OUT_SENT_MAX + 2; k++) {
        snprintf(text + n, SUFFIX_BYTES, " (%d)", k);
        if (!said_lately(o, text, now_us))
            return;
    }
}

/* The line as it is said at `now_us`. */
static void write_line(const struct irc_waiting *line, int64_t now_us, char out[IRC_OUT_BYTES])
{
    char when[TEXT_WHEN_BYTES];
    const char *mark = strpbrk(line->text, IRC_WHEN);
    if (!mark) {
        memcpy(out, line->text, strlen(line->text) + 1);
        return;
    }
    text_when(when, (double)(line->when_us - now_us) / 1e6);
    snprintf(out, IRC_OUT_BYTES, "%.*s%s%s", (int)(mark - line->text), line->text,
             line->when_us ? when : "soon", mark + 1);
}

/* Puts `more` behind `out` when there is room for it. */
static bool add(const struct irc_limits *l, char out[IRC_OUT_BYTES], const char *between, const char *more)
{
    size_t n = strlen(out), bytes = strlen(between) + strlen(more) + SUFFIX_BYTES;
    if (n + bytes > (size_t)l->max_bytes ||
        count_chars(out) + count_chars(between) + count_chars(more) + SUFFIX_BYTES > l->max_chars)
        return false;
    snprintf(out + n, IRC_OUT_BYTES - n, "%s%s", between, more);
    return true;
}

static bool is_stale(const struct irc_outbox *o, const struct irc_waiting *line, int64_t now_us)
{
    return !line->urgent && line->brief[0] && line->heard_us + o->limits.stale_us < now_us;
}

/* "Heard: a, b, c" for replies that come too late to be of use; false when there are not two of them. */
static bool write_stale(struct irc_outbox *o, int64_t now_us, char out[IRC_OUT_BYTES])
{
    int stale = 0, told = 0;
    for (int i = 0; i < o->waiting; i++)
        stale += is_stale(o, &o->lines[i], now_us);
    if (stale < 2)
        return false;
    snprintf(out, IRC_OUT_BYTES, "Heard");
    for (int i = 0; i < o->waiting;) {
        if (!is_stale(o, &o->lines[i], now_us)) {
            i++;
            continue;
        }
        if (!add(&o->limits, out, told ? ", " : ": ", o->lines[i].brief))
            break;
        told++;
        remove_line(o, i);
    }
    o->merged += told - 1;
    return true;
}

/* Line `i`, alone while few wait, else with as many neighbours as fit. */
static void write_joined(struct irc_outbox *o, int i, int64_t now_us, struct irc_out *out)
{
    int room = room_in_window(o, now_us), limit = room < SINGLE_MAX ? room : SINGLE_MAX;
    bool alone = o->lines[i].urgent || o->waiting <= limit;
    write_line(&o->lines[i], now_us, out->text);
    if (alone)
        text_copy(out->parent, sizeof out->parent, o->lines[i].parent);
    remove_line(o, i);
    while (!alone && o->waiting >= limit && i < o->waiting) {
        char next[IRC_OUT_BYTES];
        write_line(&o->lines[i], now_us, next);
        if (!add(&o->limits, out->text, separator, next))
            break;
        remove_line(o, i);
        o->merged++;
    }
}

/* The server shows whose line is answered. */
static void drop_name(struct irc_out *out)
{
    size_t name = out->text[0] == '@' ? strcspn(out->text, " ") : 0;
    if (out->parent[0] && name && out->text[name])
        memmove(out->text, out->text + name + 1, strlen(out->text + name + 1) + 1);
}

size_t irc_outbox_pop(struct irc_outbox *o, int64_t now_us, struct irc_out *out)
{
    out->parent[0] = '\0';
    if (o->waiting == 0 || now_us < irc_outbox_due_us(o))
        return 0;
    int i = next_line(o);
    bool urgent = o->lines[i].urgent;
    if (urgent || !write_stale(o, now_us, out->text))
        write_joined(o, i, now_us, out);
    drop_name(out);
    if (o->unsaid > 0 && !urgent) {
        cut(&o->limits, out->text, SUFFIX_BYTES);
        size_t n = strlen(out->text);
        snprintf(out->text + n, SUFFIX_BYTES, " (+%d more heard)", o->unsaid);
        o->unsaid = 0;
    }
    vary(o, out->text, now_us);
    o->past[o->sent % IRC_OUT_SENT_MAX].at_us = now_us;
    o->past[o->sent % IRC_OUT_SENT_MAX].hash = text_hash(out->text);
    o->sent++;
    return strlen(out->text);
}

void irc_outbox_pause(struct irc_outbox *o, int64_t until_us)
{
    if (until_us > o->not_before_us)
        o->not_before_us = until_us;
}

void irc_outbox_clear(struct irc_outbox *o)
{
    o->waiting = 0;
    o->unsaid = 0;
}
