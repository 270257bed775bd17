/*
 * modes - how a Twitch channel is set, as far as that keeps a bot from speaking, and what its operator can do.
 *
 * ROOMSTATE tells slow mode and emote-only mode, USERSTATE whether we are exempt (moderator, VIP,
 * broadcaster), NOTICE that a line of ours was refused and why. From that come the time between two lines, a
 * pause, and one line for the operator per reason and connection. Pure logic.
 */
#ifndef CHATBOT_IRC_MODES_H
#define CHATBOT_IRC_MODES_H

#include "chatbot/irc/event.h"

struct irc_modes {
    int64_t slow_s;  /* 0: no slow mode */
    bool emote_only; /* words are refused */
    bool exempt;     /* the modes are not for us */
    uint64_t told;   /* reasons that the operator knows of, by bits */
};

enum { IRC_ADVICE_BYTES = 300 };

/* Each writes a line for the operator, or "". ROOM and SELF: */
void irc_modes_take(struct irc_modes *m, const struct irc_event *ev, char advice[IRC_ADVICE_BYTES]);

/* NOTICE with an id that begins with "msg_". Returns for how many seconds it is no use to speak; 0: none.
 * `pause_s` is the usual time. */
double irc_modes_refused(struct irc_modes *m, const struct irc_event *ev, double pause_s,
                         char advice[IRC_ADVICE_BYTES]);

/* Seconds between two lines that the channel asks of us; 0: none. */
double irc_modes_gap_s(const struct irc_modes *m);
bool irc_modes_mute(const struct irc_modes *m);

#endif
