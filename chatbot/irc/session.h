/*
 * session - one connection from its first packet to its end.
 *
 * Connects, attaches the library through the bridge, logs in, joins, listens and speaks; returns why it
 * ended. The next attempt shares nothing with it but the outbox and the counters. Runs on the chat thread.
 */
#ifndef CHATBOT_IRC_SESSION_H
#define CHATBOT_IRC_SESSION_H

#include <pthread.h>

#include "chatbot/irc/life.h"

/* Who we are this time. */
struct irc_identity {
    char nick[IRC_USER_BYTES];
    char pass[OPTION_STRING_BYTES]; /* "": no PASS */
    bool read_only;
};

/* What the attempts of one `struct irc` share. */
struct irc_shared {
    const struct irc_tuning *tuning;
    const struct irc_events *events;
    const char *host, *ca_file;
    int port;
    const struct transport_ops *transport;
    char channel[IRC_NAME_BYTES]; /* with '#', lower case */
    struct resolver *resolver;
    struct stop *stop;

    pthread_mutex_t lock; /* guards what follows */
    bool can_speak;       /* in the channel, and not read-only */
    struct irc_outbox outbox;
    struct irc_counters counters;
};

struct irc_session_end {
    enum irc_outcome outcome;
    int64_t online_us; /* how long it was in the channel */
    struct error why;
};

/* `must_end` is asked now and then while all is well; true ends the session with
 * IRC_END_TOKEN. NULL: never. */
void irc_session_run(struct irc_shared *s, const struct irc_identity *id, bool (*must_end)(void *context),
                     void *context, struct irc_session_end *end);

void irc_tell_state(const struct irc_shared *s, enum irc_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
