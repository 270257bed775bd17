/*
 * signals - what the system and people tell a running show: end (SIGINT, SIGTERM), read the list of what is
 * forbidden again (SIGHUP).
 *
 * A terminal that closes sends SIGHUP as well: a show that was started there ends then, in good order.
 */
#ifndef APP_SIGNALS_H
#define APP_SIGNALS_H

#include "common/thread.h"

/* From here on, for one show at a time; `stop` must be open until signals_release. 0 or -errno. */
int signals_catch(struct stop *stop);
void signals_release(void); /* also when nothing was caught */

/* Waits for the end or for SIGHUP, `timeout_ms` at most. True: SIGHUP came since the last call. */
bool signals_wait(struct stop *stop, int timeout_ms, bool *timed_out);

#endif
