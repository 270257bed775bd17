/*
 * bridge - between a server and the IRC library, which must never meet.
 *
 *     server <--transport--> bridge <--127.0.0.1--> library
 *
 * What the server says is cut into lines, read into the side table (event.h) under a sequence number, and
 * goes on as a short clean line that carries that number; the library's callback gives it back and finds the
 * full event. PING is answered here, before anything else. What the library says goes to the server line by
 * line, of a short list of commands. The library's PASS is a random nonce, by which the bridge knows that no
 * other program on this machine came in through its port; only then is the login sent, with the real
 * password, which the library never sees.
 *
 * At most BRIDGE_WINDOW events are on their way to the library; then the bridge stops reading from the
 * server, so a flood waits in the network and memory stays as it is. All of it runs on the chat thread and
 * never waits.
 */
#ifndef CHATBOT_IRC_BRIDGE_H
#define CHATBOT_IRC_BRIDGE_H

#include <sys/select.h>

#include "chatbot/irc/event.h"
#include "chatbot/irc/line.h"
#include "chatbot/irc/transport.h"

enum { IRC_NONCE_BYTES = 33, BRIDGE_WINDOW = 48 };

struct irc_bridge;

/* `server` is open and stays the caller's. `pass`: what to send as PASS, "" for none; not copied. `counters`
 * as well. 0 or -errno with a line. */
int irc_bridge_open(struct irc_bridge **b, struct transport *server, const char *pass,
                    struct irc_counters *counters, struct error *e);
void irc_bridge_close(struct irc_bridge **b); /* NULL is fine */

/* Where the library connects, and its password. */
int irc_bridge_port(const struct irc_bridge *b);
const char *irc_bridge_nonce(const struct irc_bridge *b);

/* Before and after select(). add: true when there is work at once, so do not wait. process: 0, or -errno with
 * a line when either side has ended. */
bool irc_bridge_add(struct irc_bridge *b, fd_set *readable, fd_set *writable, int *max_fd);
int irc_bridge_process(struct irc_bridge *b, int64_t now_us, struct error *e);

/* The event behind a sequence number, or NULL. Valid until the next irc_bridge_process. Events before it that
 * were not asked for are counted as lost. */
const struct irc_event *irc_bridge_event(struct irc_bridge *b, uint64_t sequence);

/* One line from us to the server, past the library: for the watchdog's PING. 0 or -ENOBUFS. */
int irc_bridge_send(struct irc_bridge *b, const char *line);

/* When the server last sent anything; since when the library owes an event (INT64_MAX: it owes none). */
int64_t irc_bridge_received_us(const struct irc_bridge *b);
int64_t irc_bridge_stuck_us(const struct irc_bridge *b);

#endif
