/*
 * tuning - the times of a connection's life, in one struct, so that tests take seconds instead of minutes.
 */
#ifndef CHATBOT_IRC_TUNING_H
#define CHATBOT_IRC_TUNING_H

#include "chatbot/irc/outbox.h"
#include "chatbot/irc/transport.h"
#include "common/resolve.h"

struct irc_tuning {
    int64_t connect_us; /* name, TCP and TLS together */
    int64_t login_us;   /* until the server greets us */
    int64_t join_us;    /* until the channel answers; then JOIN is said again */
    int join_tries;     /* then an alarm, and from then on every join_slow_us */
    int64_t join_slow_us;
    int64_t ping_us;                    /* our own PING goes out this often */
    int64_t pong_us;                    /* nothing received for so long after it: the connection is dead */
    int64_t retry_min_us, retry_max_us; /* doubling, each +-25 % */
    int64_t stable_us;                  /* a connection of this age ends the doubling */
    int64_t quick_us;                   /* after RECONNECT from a stable connection */
    int64_t login_retry_us; /* after a refused login, at least; how often a fallback looks at the token */
    int64_t fallback_us;    /* how long anonymous listening stands in before the same token is tried again */
    int64_t pause_us;       /* silence after the server said that we talk too much */
    struct irc_limits limits;
    const struct transport_ops *transport; /* NULL: as the settings say */
    struct town *town;                     /* of a rehearsal, for its transport; NULL */
    resolver_lookup_fn *lookup;            /* NULL: getaddrinfo */
    void *lookup_context;
};
extern const struct irc_tuning irc_tuning_default;

#endif
