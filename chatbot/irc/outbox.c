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

static bool fits_behind(const struct irc_limits *l, const char *first, const char *second)
{
    return count_chars(first) + count_chars(second) + (int)sizeof separator - 1 + SUFFIX_BYTES <=
               l->max_chars &&
           strlen(first) + strlen(second) + sizeof separator - 1 + SUFFIX_BYTES <= (size_t)l->max_bytes;
}

static void remove_line(struct irc_outbox *o, int i)
{
    o->waiting--;
    memmove(&o->lines[i], &o->lines[i + 1], (size_t)(o->waiting - i) * sizeof o->lines[0]);
}

static void join_lines(struct irc_outbox *o, int first, int second)
{
    strcat(o->lines[first], separator);
    strcat(o->lines[first], o->lines[second]);
    remove_line(o, second);
    o->merged++;
}

/* The first two neighbours that fit into one line. */
static bool join_any(struct irc_outbox *o)
{
    for (int i = 1; i < o->waiting; i++)
        if (fits_behind(&o->limits, o->lines[i - 1], o->lines[i])) {
            join_lines(o, i - 1, i);
            return true;
        }
    return false;
}

static void give_up_oldest(struct irc_outbox *o)
{
    o->unsaid++;
    o->dropped++;
    remove_line(o, 0);
}

static bool is_waiting(const struct irc_outbox *o, const char *text)
{
    for (int i = 0; i < o->waiting; i++)
        if (strcmp(o->lines[i], text) == 0)
            return true;
    return false;
}

bool irc_outbox_push(struct irc_outbox *o, const char *text)
{
    char clean[IRC_OUT_BYTES + 2];
    size_t n = text_clean(clean, IRC_OUT_BYTES, text, strlen(text));
    if (n == 0)
        return true;
    if (strchr("/.\\", clean[0])) { /* chat commands begin so */
        memmove(clean + 2, clean, n + 1);
        memcpy(clean, "- ", 2);
    }
    cut(&o->limits, clean, 0);
    if (is_waiting(o, clean)) {
        o->merged++;
        return true;
    }
    bool kept = true;
    if (o->waiting == IRC_OUT_WAITING_MAX && !join_any(o)) {
        kept = false;
        give_up_oldest(o);
    }
    memcpy(o->lines[o->waiting++], clean, strlen(clean) + 1);
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

int64_t irc_outbox_due_us(const struct irc_outbox *o)
{
    if (o->waiting == 0)
        return INT64_MAX;
    int64_t due = o->not_before_us, at;
    if (sent_at(o, 1, &at) && at + o->limits.gap_us > due)
        due = at + o->limits.gap_us;
    if (sent_at(o, o->limits.per_window, &at) && at + o->limits.window_us > due)
        due = at + o->limits.window_us;
    return due;
}

static int room_in_window(const struct irc_outbox *o, int64_t now_us)
{
    int used = 0;
    int64_t at;
    for (int k = 1; sent_at(o, k, &at); k++)
        used += at > now_us - o->limits.window_us;
    return o->limits.per_window - used;
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

size_t irc_outbox_pop(struct irc_outbox *o, int64_t now_us, char out[IRC_OUT_BYTES])
{
    if (o->waiting == 0 || now_us < irc_outbox_due_us(o))
        return 0;
    int room = room_in_window(o, now_us);
    while (o->waiting > (room < SINGLE_MAX ? room : SINGLE_MAX) && join_any(o))
        ;
    memcpy(out, o->lines[0], IRC_OUT_BYTES);
    remove_line(o, 0);
    if (o->unsaid > 0) {
        cut(&o->limits, out, SUFFIX_BYTES);
        size_t n = strlen(out);
        snprintf(out + n, SUFFIX_BYTES, " (+%d more heard)", o->unsaid);
        o->unsaid = 0;
    }
    vary(o, out, now_us);
    o->past[o->sent % IRC_OUT_SENT_MAX].at_us = now_us;
    o->past[o->sent % IRC_OUT_SENT_MAX].hash = text_hash(out);
    o->sent++;
    return strlen(out);
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
