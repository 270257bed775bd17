/*
 * said - see said.h.
 */
#include "chatbot/irc/said.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chatbot/irc/irc.h"

enum { EMOTES_BYTES = 4096, POINTS_MAX = 1024 };

/* Marks the code points that the tag names; ranges that make no sense are passed over. False: it names none. */
static bool mark_emotes(const char *emotes, bool cut[POINTS_MAX])
{
    bool any = false;
    for (const char *at = emotes; *at;) {
        char *end;
        if (!isdigit((unsigned char)*at) || (at > emotes && at[-1] != ':' && at[-1] != ',')) {
            at++;
            continue;
        }
        unsigned long first = strtoul(at, &end, 10), last = first;
        bool is_range = *end == '-' && isdigit((unsigned char)end[1]);
        if (is_range)
            last = strtoul(end + 1, &end, 10);
        for (unsigned long i = first; is_range && i <= last && i < POINTS_MAX; i++)
            any = cut[i] = true;
        at = end;
    }
    return any;
}

/* Behind the "\1ACTION " of a "/me": its emotes are counted from there. */
static size_t action_bytes(struct irc_span text)
{
    static const char action[] = "\1ACTION ";
    size_t n = sizeof action - 1;
    return text.bytes >= n && memcmp(text.start, action, n) == 0 ? n : 0;
}

/* Blanks in the place of emotes. Returns the bytes in `out`, which has room for the whole text. */
static size_t without_emotes(const struct irc_parsed *p, struct irc_span text, char *out)
{
    char emotes[EMOTES_BYTES];
    bool cut[POINTS_MAX] = {false};
    size_t n = action_bytes(text), point = 0;
    memcpy(out, text.start, text.bytes);
    if (!irc_tag(p, "emotes", emotes, sizeof emotes) || !mark_emotes(emotes, cut))
        return text.bytes;
    size_t kept = n;
    for (size_t i = n; i < text.bytes && point < POINTS_MAX; point++) {
        size_t bytes = 1;
        while (i + bytes < text.bytes && ((unsigned char)text.start[i + bytes] & 0xc0) == 0x80)
            bytes++;
        if (cut[point])
            out[kept++] = ' ';
        else
            for (size_t k = 0; k < bytes; k++)
                out[kept++] = text.start[i + k];
        i += bytes;
    }
    return kept;
}

/* "cheer100"; with bits in the line any letters and digits ("PogChamp1000"). */
static bool is_cheer(const char *word, size_t bytes, bool has_bits)
{
    size_t letters = 0, digits = 0;
    while (letters < bytes && isalpha((unsigned char)word[letters]))
        letters++;
    while (letters + digits < bytes && isdigit((unsigned char)word[letters + digits]))
        digits++;
    bool shape = letters > 0 && digits > 0 && letters + digits == bytes;
    return shape && (has_bits || (letters == 5 && strncasecmp(word, "cheer", 5) == 0));
}

/* Drops the words that are cheers, and the first one when `first` says so. In place; returns the length. */
static size_t drop_words(char *text, bool first, bool has_bits)
{
    size_t kept = 0;
    for (const char *at = text; *at;) {
        size_t bytes = strcspn(at, " ");
        bool drop = (first && at == text) || is_cheer(at, bytes, has_bits);
        if (!drop && kept > 0)
            text[kept++] = ' ';
        if (!drop)
            memmove(text + kept, at, bytes);
        kept += drop ? 0 : bytes;
        at += bytes;
        at += *at == ' ';
    }
    text[kept] = '\0';
    return kept;
}

size_t irc_said(const struct irc_parsed *p, struct irc_span text, char *out, size_t size)
{
    char raw[IRC_LINE_BYTES], value[IRC_ID_BYTES];
    bool is_action, is_reply = irc_tag(p, "reply-parent-msg-id", value, sizeof value) ||
                               irc_tag(p, "reply-parent-user-login", value, sizeof value);
    bool has_bits = irc_tag(p, "bits", value, sizeof value) && atoi(value) > 0;
    size_t n = without_emotes(p, text, raw);
    irc_text((struct irc_span){raw, n}, out, size, &is_action);
    return drop_words(out, is_reply && out[0] == '@', has_bits);
}
