/*
 * dial - from a host name to a connected socket, without ever making the chat thread wait for a resolver.
 *
 * getaddrinfo cannot be interrupted and may take half a minute. It runs on a helper thread, one question at
 * a time; the chat thread waits for the answer, the deadline or the stop, whichever is first. An answer
 * that comes after the deadline serves the next attempt. Only when the program stops in the middle of a
 * question is the helper cancelled: getaddrinfo waits in cancellation points, and what it had allocated
 * goes with the process.
 */
#ifndef CHATBOT_IRC_DIAL_H
#define CHATBOT_IRC_DIAL_H

#include <netdb.h>

#include "chatbot/irc/transport.h"

/* As getaddrinfo: 0 or an EAI_ code. Called on the helper thread. */
typedef int dial_lookup_fn(void *context, const char *host, const char *port, struct addrinfo **list);

/* `lookup` NULL: getaddrinfo. 0 or -errno. */
int resolver_open(struct resolver **r, dial_lookup_fn *lookup, void *context);
void resolver_close(struct resolver **r); /* NULL is fine; ends within moments */

/* All addresses in turn, IPv6 too, each with its share of the time. A non-blocking socket below FD_SETSIZE,
 * which belongs to the caller, or -errno with a line: -ECANCELED when stopped, -ETIMEDOUT, -EHOSTUNREACH for
 * an unknown name. */
int dial(const struct transport_target *target, struct error *e);

/* Waits until `fd` is ready for `events` (poll.h). 0, -ETIMEDOUT, -ECANCELED. */
int dial_wait(int fd, short events, const struct transport_target *target, int64_t deadline_us);

/* The other end is a loopback address. */
bool dial_is_local(int fd);

#endif
