/*
 * channel - where a connection stands (logging in, joining, in the channel) and what each event does to that.
 *
 * The session's loop gives it events and the time; it answers through the library, the outbox and the
 * callbacks, and says when the connection is over. Chat thread only.
 */
#ifndef CHATBOT_IRC_CHANNEL_H
#define CHATBOT_IRC_CHANNEL_H

#include "chatbot/irc/client.h"
#include "chatbot/irc/event.h"
#include "chatbot/irc/modes.h"
#include "chatbot/irc/session.h"

enum irc_phase { IRC_PHASE_LOGIN, IRC_PHASE_JOIN, IRC_PHASE_ONLINE };

struct irc_channel {
    struct irc_shared *shared;
    const struct irc_identity *id;
    struct irc_client *client; /* set when there is one */
    struct irc_counters *counters;

    enum irc_phase phase;
    bool tagged; /* the server gives tags, and takes them */
    struct irc_modes modes;
    char nick[IRC_USER_BYTES]; /* as the server calls us */
    int nick_tries, join_tries;
    int64_t now_us;     /* kept up to date by the loop */
    int64_t join_at_us; /* IRC_PHASE_JOIN: when to call irc_channel_join */
    int64_t online_since_us, online_us;

    bool ended;
    struct irc_session_end *end;
};

void irc_channel_open(struct irc_channel *channel, struct irc_shared *shared, const struct irc_identity *id,
                      struct irc_counters *counters, struct irc_session_end *end);
void irc_channel_close(struct irc_channel *channel); /* nobody speaks any more; fills end->online_us */

void irc_channel_event(struct irc_channel *channel, const struct irc_event *ev);

/* Now and then: asks for what is to be said to nobody in particular. */
void irc_channel_turn(struct irc_channel *channel);

/* Says JOIN and plans the next one, should nobody answer. */
void irc_channel_join(struct irc_channel *channel);

/* The connection is over, for this reason; only the first one counts. */
void irc_channel_end(struct irc_channel *channel, enum irc_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
