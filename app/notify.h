/*
 * notify - tells systemd how the show is doing (sd_notify(3)): ready, alive, stopping.
 *
 * The protocol is one datagram with a line to the socket that $NOTIFY_SOCKET names, which is less than a library would
 * be. Ready is said with the first frame. Alive is said by the frame clock, so that systemd ends and starts a show whose
 * frames have stopped, whatever it was that stopped them (WatchdogSec=, $WATCHDOG_USEC). Without systemd nothing is said.
 */
#ifndef APP_NOTIFY_H
#define APP_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
    int fd;           /* -1: nobody listens */
    int64_t every_us; /* between signs of life; 0: none are wanted */
    bool ready;       /* this and the next: thread of notify_frame */
    int64_t alive_us;
};

/* Looks who listens. Nothing to be told when that fails: systemd notices. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);

/* A frame is on its way. Never waits. One thread. */
void notify_frame(struct notify *n);

/* "STOPPING=1", "STATUS=..." (sd_notify(3)). Never waits; any thread. */
void notify_say(const struct notify *n, const char *state);

#endif
