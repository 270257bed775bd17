/*
 * outbox - replies that wait for their turn, under a server's limits.
 *
 * Twitch ignores a bot for half an hour that says more than 20 lines in 30 s, drops the second line of one
 * second, and drops a line that equals one of the last 30 s. So: at most `per_window` lines in `window_us`, of
 * which the last `reserved` are for urgent ones, `gap_us` between two, never the same text twice in a window
 * (a small number is put behind it), never over `max_chars` characters. Urgent lines go first, each alone.
 * When more wait than the window still takes, neighbours are joined into one line (" | "). Times are written
 * when a line goes out, never before; replies that have waited for `stale_us` become one line, "Heard: ...".
 * What a full queue cannot take is given up, and said so in the next line ("+3 more heard").
 *
 * Pure logic over the time that it is given; bounded memory; no lock: its owner has one.
 */
#ifndef CHATBOT_IRC_OUTBOX_H
#define CHATBOT_IRC_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chatbot/irc/irc.h"

enum {
    IRC_OUT_BYTES = 901, /* with terminator: the library's buffer of 1024 takes command and channel too */
    IRC_OUT_WAITING_MAX = 128,
    IRC_OUT_SENT_MAX = 128 /* remembered; the largest per_window */
};

struct irc_limits {
    int per_window;                      /* 18 */
    int reserved;                        /* 4 */
    int64_t window_us, gap_us, stale_us; /* 30 s, 1.1 s, 10 s */
    int max_chars;                       /* 500 */
    int max_bytes;                       /* < IRC_OUT_BYTES */
};

struct irc_waiting {
    bool urgent;
    int64_t heard_us, when_us;
    char parent[IRC_ID_BYTES];
    char brief[IRC_BRIEF_BYTES];
    char text[IRC_OUT_BYTES]; /* may hold one IRC_WHEN */
};

struct irc_outbox {
    struct irc_limits limits;
    int waiting; /* lines[0..waiting), in order of arrival */
    struct irc_waiting lines[IRC_OUT_WAITING_MAX];
    int sent; /* so far; the k-th stands in past[k % IRC_OUT_SENT_MAX] */
    struct {
        int64_t at_us;
        uint64_t hash;
    } past[IRC_OUT_SENT_MAX];
    int64_t not_before_us; /* a pause that the server asked for */
    int unsaid;            /* given up since the last line */
    int64_t merged, dropped;
};

/* What goes out. With a parent the "@name " in front of the text is gone. */
struct irc_out {
    char text[IRC_OUT_BYTES];
    char parent[IRC_ID_BYTES]; /* id of the line that it answers; "": it stands alone */
};

void irc_outbox_init(struct irc_outbox *o, const struct irc_limits *limits);

/* Cleans, cuts and queues; empty text is ignored. `parent`: id of the line that it answers, "": none. False
 * when something had to be given up. */
bool irc_outbox_push(struct irc_outbox *o, const struct irc_reply *reply, const char *parent, int64_t now_us);

/* When the next line may go: a time, perhaps past; INT64_MAX when nothing waits. */
int64_t irc_outbox_due_us(const struct irc_outbox *o);

/* Takes the next line if it may go at `now_us`, and counts it as sent. Returns its length, or 0. */
size_t irc_outbox_pop(struct irc_outbox *o, int64_t now_us, struct irc_out *out);

/* The server said that we talk too much, or shut us up. */
void irc_outbox_pause(struct irc_outbox *o, int64_t until_us);

/* Forgets what waits (not what was sent): after a reconnect nobody knows what it answers. */
void irc_outbox_clear(struct irc_outbox *o);

#endif
