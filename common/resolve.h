/*
 * resolve - looks a host's name up on a helper thread, so that the question can be given up.
 *
 * getaddrinfo cannot be interrupted and may take half a minute while a name server is silent. Here one question at a
 * time goes to a helper thread; the caller waits for the descriptor beside whatever else may end its waiting, and may
 * stop waiting at any time. An answer that comes later serves the next time the same question is asked. Only when
 * another question comes, or the end, is a busy helper cancelled: getaddrinfo waits in cancellation points, and what
 * it had allocated goes with the process.
 *
 * All calls on one thread; the helper never calls back.
 */
#ifndef COMMON_RESOLVE_H
#define COMMON_RESOLVE_H

#include <netdb.h>

struct resolver;

/* As getaddrinfo: 0 or an EAI_ code. Runs on the helper thread, where it may be cancelled: it should own nothing
 * while it waits. */
typedef int resolver_lookup_fn(void *context, const char *host, const char *port, struct addrinfo **list);

/* `lookup` NULL: getaddrinfo, for stream sockets. 0 or -errno; *r is NULL then. */
int resolver_open(struct resolver **r, resolver_lookup_fn *lookup, void *context);
void resolver_close(struct resolver **r); /* NULL is fine; ends within moments */

/* Asks. What was asked before and is not taken is given up, unless it was the same: that goes on. 0 or -errno. */
int resolver_ask(struct resolver *r, const char *host, int port);

/* Readable (poll) once the answer is there, or is about to be in moments. */
int resolver_fd(const struct resolver *r);

/* Hands the answer over, once resolver_fd is readable: 0, or an EAI_ code for gai_strerror. *list is the caller's to
 * free (freeaddrinfo), NULL when there is none. */
int resolver_take(struct resolver *r, struct addrinfo **list);

#endif
