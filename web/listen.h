/*
 * listen - the socket that the page is asked on.
 */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>

#include "common/error.h"

/* Binds to an IP address and a port (0: any that is free) and listens. The socket, or -errno with a line. */
int listen_on(const char *bind_to, int port, struct error *e);

/* Could it listen there? 0 or -errno with a line. Nothing stays open. */
int listen_try(const char *bind_to, int port, struct error *e);

/* That a socket listens on, or -errno. */
int listen_port(int fd);

/* Can only this machine itself reach the address? */
bool listen_is_loopback(const char *bind_to);

#endif
