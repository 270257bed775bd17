/*
 * life - when to try again.
 *
 * 1, 2, 4 ... 60 s, each +-25 % so that a thousand bots do not come back in the same second; from the
 * beginning again after a connection that held; at once when the server asked for it; slowly when it
 * refused the login; and never more than 20 logins in 10 s, whatever happens. Pure logic over the time that
 * it is given.
 */
#ifndef CHATBOT_IRC_LIFE_H
#define CHATBOT_IRC_LIFE_H

#include "chatbot/irc/tuning.h"
#include "common/rng.h"

enum irc_outcome {
    IRC_END_STOP,      /* the program ends */
    IRC_END_NETWORK,   /* could not connect, or the connection broke or fell silent */
    IRC_END_IDENTITY,  /* the server could not prove who it is */
    IRC_END_RECONNECT, /* the server asked for it */
    IRC_END_LOGIN,     /* the server refused us */
    IRC_END_TOKEN      /* anonymous listening is over: there is a token to try */
};

enum { IRC_LOGINS_MAX = 20, IRC_LOGINS_WINDOW_US = 10000000 };

struct irc_life {
    const struct irc_tuning *tuning;
    struct rng rng;
    int failures; /* in a row */
    int64_t attempts;
    int64_t began_us[IRC_LOGINS_MAX]; /* of attempt k in [k % IRC_LOGINS_MAX] */
};

void irc_life_init(struct irc_life *l, const struct irc_tuning *tuning, uint64_t seed);

/* An attempt begins. */
void irc_life_attempt(struct irc_life *l, int64_t now_us);

/* It ended at now_us after having been in the channel for online_us. Returns the time of the next attempt. */
int64_t irc_life_next_us(struct irc_life *l, enum irc_outcome outcome, int64_t online_us, int64_t now_us);

#endif
