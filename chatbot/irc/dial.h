/*
 * dial - from a host name to a connected socket, without ever making the chat thread wait for a name server
 * (common/resolve.h) longer than it wants to.
 */
#ifndef CHATBOT_IRC_DIAL_H
#define CHATBOT_IRC_DIAL_H

#include "chatbot/irc/transport.h"

/* All addresses in turn, IPv6 too, each with its share of the time. A non-blocking socket below FD_SETSIZE,
 * which belongs to the caller, or -errno with a line: -ECANCELED when stopped, -ETIMEDOUT, -EHOSTUNREACH for
 * an unknown name. */
int dial(const struct transport_target *target, struct error *e);

/* Waits until `fd` is ready for `events` (poll.h). 0, -ETIMEDOUT, -ECANCELED. */
int dial_wait(int fd, short events, const struct transport_target *target, int64_t deadline_us);

/* The other end is a loopback address. */
bool dial_is_local(int fd);

#endif
