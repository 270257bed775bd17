/*
 * What must hold for any bytes that a server sends: used by the mutation loop of the unit tests and
 * by the fuzzer.
 */
#ifndef TESTS_CHATBOT_IRC_INVARIANTS_H
#define TESTS_CHATBOT_IRC_INVARIANTS_H

#include <stdlib.h>
#include <string.h>

#include "chatbot/irc/event.h"
#include "chatbot/irc/line.h"
#include "common/text.h"

static inline void irc_demand(int holds)
{
    if (!holds)
        abort();
}

static inline void irc_demand_clean(const char *text, size_t size)
{
    irc_demand(memchr(text, '\0', size) != NULL);
    irc_demand(text_line_bytes(text, strlen(text)) == strlen(text));
}

static inline void irc_check_line(struct irc_span line)
{
    static struct irc_event ev;
    struct irc_parsed p, again;
    irc_demand(line.bytes > 0 && !memchr(line.start, '\n', line.bytes));
    if (irc_parse(line, &p) < 0)
        return;
    irc_event_read(&p, &ev);
    irc_demand_clean(ev.channel, sizeof ev.channel);
    irc_demand_clean(ev.target, sizeof ev.target);
    irc_demand_clean(ev.id, sizeof ev.id);
    irc_demand_clean(ev.message.user, sizeof ev.message.user);
    irc_demand_clean(ev.message.display_name, sizeof ev.message.display_name);
    irc_demand_clean(ev.message.user_id, sizeof ev.message.user_id);
    irc_demand_clean(ev.message.message_id, sizeof ev.message.message_id);
    irc_demand_clean(ev.message.text, sizeof ev.message.text);
    irc_demand_clean(ev.message.said, sizeof ev.message.said);
    irc_demand_clean(ev.message.reply_to, sizeof ev.message.reply_to);
    irc_demand_clean(ev.message.reward, sizeof ev.message.reward);
    irc_demand(ev.message.said_bytes == strlen(ev.message.said));
    irc_demand(ev.message.text_bytes == strlen(ev.message.text));

    char clean[IRC_CLEAN_BYTES + 1];
    size_t n = irc_rebuild(&p, 0xfedcba9876543210u, clean);
    irc_demand(n == strlen(clean) && n <= IRC_CLEAN_BYTES);
    irc_demand_clean(clean, sizeof clean);
    irc_demand(irc_parse((struct irc_span){clean, n}, &again) == 0);
    irc_demand(again.param_count >= 1 && again.param_count < 10 && again.tags.bytes == 0);
    irc_demand(again.command.bytes == p.command.bytes && irc_numeric(&again) == irc_numeric(&p));
    char source[IRC_CLEAN_BYTES + 1];
    memcpy(source, again.source.start, again.source.bytes);
    source[again.source.bytes] = '\0';
    irc_demand(irc_sequence(source) == 0xfedcba9876543210u);
}

/* The bytes arrive in pieces of `piece` bytes. Returns the lines seen. */
static inline int irc_check_stream(struct irc_splitter *s, const char *data, size_t bytes, size_t piece)
{
    int lines = 0;
    for (size_t at = 0; at < bytes;) {
        size_t room;
        char *space = irc_splitter_space(s, &room);
        irc_demand(room > 0);
        size_t n = bytes - at < piece ? bytes - at : piece;
        n = n < room ? n : room;
        memcpy(space, data + at, n);
        irc_splitter_added(s, n);
        at += n;
        for (struct irc_span line; irc_splitter_next(s, &line); lines++)
            irc_check_line(line);
    }
    return lines;
}

#endif
