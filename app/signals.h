/*
 * signals - what the program does about SIGINT, SIGTERM and SIGHUP.
 *
 * The first SIGINT or SIGTERM ends the show in good order. A second SIGINT ends it at once: the terminal is given back,
 * and the recording ends at its last fragment. SIGHUP never ends it: it means that settings are to be read again, or that the
 * terminal has gone, which a show can do without.
 *
 * Blocking the signals and waiting for them in main would not do: OpenBLAS starts threads of its own while the program
 * is loaded, with nothing blocked. So handlers set flags and write to descriptors, and pass the signal on to the main
 * thread when they find themselves on another one: else main could see the flag and close the descriptor before the
 * handler has written to it, and the number could be another file by then.
 */
#ifndef APP_SIGNALS_H
#define APP_SIGNALS_H

#include <stdbool.h>

#include "app/watch.h"
#include "common/thread.h"

/* From here on, for one show at a time; on the main thread. `stop` is what SIGINT and SIGTERM request, and must be
 * open until signals_release. 0 or -errno. */
int signals_catch(struct stop *stop);
void signals_release(void); /* also when nothing was caught */

/* Waits for the end or for SIGHUP, `timeout_ms` at most. True: SIGHUP came since the last call. */
bool signals_wait(struct stop *stop, int timeout_ms, bool *timed_out);

/* The terminal to restore when the program is ended at once; NULL: none. */
void signals_watched(struct watch *w);

/* The program is gone after so many seconds, whatever hangs. 0: not any more. */
void signals_deadline(int seconds);

#endif
