/*
 * line - bytes from a server to lines, lines to their parts, and parts to a short clean line again.
 *
 * The IRC library behind the bridge goes deaf for ever on a line of 1024 bytes and on an empty one, reads
 * past the end of a command without parameters and knows no tags. So nothing that a server sends reaches it:
 * every line is cut out here (16 KiB: 8191 bytes of tags, 512 of message, and what Twitch sends beyond),
 * taken apart, and written again from its parts: no tags, no control characters, at most 510 bytes, cut on a
 * UTF-8 border, never empty, never without a parameter. Full text and tags are read from the parts.
 *
 * Pure functions over caller's memory: no allocation, no I/O, no state but the splitter's. Spans point into
 * the line that was parsed. Grammar: RFC 1459 2.3.1, IRCv3 message-tags.
 */
#ifndef CHATBOT_IRC_LINE_H
#define CHATBOT_IRC_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IRC_LINE_BYTES = 16384,
    IRC_CLEAN_BYTES = 510, /* without CR LF and terminator */
    IRC_PARAMS_MAX = 15
};

/* Bytes that end nowhere: any value, NUL too. */
struct irc_span {
    const char *start;
    size_t bytes;
};

struct irc_splitter {
    size_t begin, end, scanned; /* unread bytes are buffer[begin..end); no LF in [begin..scanned) */
    bool skipping;              /* inside a line that did not fit */
    int64_t too_long;           /* lines lost to that */
    char buffer[IRC_LINE_BYTES];
};

void irc_splitter_init(struct irc_splitter *s);

/* Where to read into: at least one byte of room. Ends the life of spans handed out before. */
char *irc_splitter_space(struct irc_splitter *s, size_t *room);
void irc_splitter_added(struct irc_splitter *s, size_t bytes);

/* The next line that is not empty, without its CR LF or LF. False: read more. */
bool irc_splitter_next(struct irc_splitter *s, struct irc_span *line);

struct irc_parsed {
    struct irc_span tags;    /* without '@'; empty when there are none */
    struct irc_span source;  /* without ':' */
    struct irc_span command; /* letters or three digits */
    struct irc_span params[IRC_PARAMS_MAX];
    int param_count;
};

/* 0, or -EINVAL for a line without a proper command. The 15th parameter takes the rest of the line. */
int irc_parse(struct irc_span line, struct irc_parsed *p);

bool irc_is(const struct irc_parsed *p, const char *command); /* any case */
int irc_numeric(const struct irc_parsed *p);                  /* 1..999, or 0 for a word */

/* nick or server: the source up to '!' or '@'. */
struct irc_span irc_nick(const struct irc_parsed *p);

/* The value of a tag, escapes undone, cleaned by text_clean, cut to `size`. False (and "") when the tag is
 * not there; one without a value is "". Of a tag given twice the last counts. */
bool irc_tag(const struct irc_parsed *p, const char *key, char *out, size_t size);

/* A parameter or "" when there are not so many, cleaned by text_clean. Returns `out`. */
char *irc_param(const struct irc_parsed *p, int index, char *out, size_t size);

/*
 * Chat text: colour and style codes of mIRC (\x03NN,NN, \x04RRGGBB), terminal escapes (ESC [ ... final byte)
 * and a CTCP frame go with all that text_clean takes out, joiners at the ends too. *is_action: it was
 * "\1ACTION ...\1"; any other CTCP request yields "". Returns the length.
 */
size_t irc_text(struct irc_span in, char *out, size_t size, bool *is_action);

/*
 * The line for the library: ":NICK!sSEQUENCE@b COMMAND params", parameters cleaned, terminated by NUL,
 * without CR LF. Returns its length, at most IRC_CLEAN_BYTES.
 */
size_t irc_rebuild(const struct irc_parsed *p, uint64_t sequence, char out[IRC_CLEAN_BYTES + 1]);

/* The sequence number in a source that irc_rebuild wrote; 0 when there is none (they begin with 1). */
uint64_t irc_sequence(const char *source);

#endif
