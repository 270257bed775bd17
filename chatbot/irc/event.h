/*
 * event - what a line from the server means to the bot: the entry of the bridge's side table.
 *
 * It holds the full text and what the tags say, cleaned and bounded, while the library sees only the short
 * line that carries the sequence number. Pure: line in, event out.
 */
#ifndef CHATBOT_IRC_EVENT_H
#define CHATBOT_IRC_EVENT_H

#include "chatbot/irc/irc.h"
#include "chatbot/irc/line.h"

enum irc_kind {
    IRC_EV_IGNORED, /* nothing that the bot needs: not passed on */
    IRC_EV_PING,    /* answered by the bridge itself */
    IRC_EV_PONG,
    IRC_EV_NUMERIC,
    IRC_EV_CAP,
    IRC_EV_JOIN,
    IRC_EV_PART,
    IRC_EV_KICK,
    IRC_EV_NICK,
    IRC_EV_TEXT,       /* a line in a channel, or to us */
    IRC_EV_NOTICE,     /* from the server or a person; never answered */
    IRC_EV_CLEAR_USER, /* CLEARCHAT; target "": everybody */
    IRC_EV_DELETE,     /* CLEARMSG */
    IRC_EV_RECONNECT,
    IRC_EV_ROOM,    /* ROOMSTATE: we are in; how the room is set, see modes */
    IRC_EV_SELF,    /* USERSTATE: what we are there, see message.roles */
    IRC_EV_FOREIGN, /* mirrored from another channel */
    IRC_EV_ERROR    /* the server's last words */
};

/* Of ROOMSTATE; -1: not told. */
struct irc_modes_told {
    int64_t slow_s; /* 0: no slow mode */
    int64_t emote_only;
};

struct irc_event {
    uint64_t sequence; /* set by the bridge */
    enum irc_kind kind;
    int numeric;
    char channel[IRC_NAME_BYTES]; /* first parameter: a channel, our nick or "*" */
    char target[IRC_USER_BYTES];  /* CLEAR_USER, DELETE, KICK: whom; NICK: the new one; CAP: ACK or NAK */
    char id[IRC_ID_BYTES];        /* NOTICE: msg-id; DELETE: which line; PING: what to send back */
    struct irc_modes_told modes;  /* ROOM */
    struct irc_message message;   /* who and the text, where there is one */
};

void irc_event_read(const struct irc_parsed *p, struct irc_event *ev);

/* Which events go to the library. */
bool irc_event_passes(const struct irc_event *ev);

#endif
