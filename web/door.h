/*
 * door - a second way to the page's server: a socket in a private folder.
 *
 * The port is for browsers, and every user of the machine reaches it; so it asks programs for a token, may be taken,
 * and may be off. A script of the show's own user should need none of that: whoever can open this socket (0600, in a
 * folder of 0700) is the operator. No browser reaches it, so names and origins need no looking at.
 */
#ifndef WEB_DOOR_H
#define WEB_DOOR_H

#include "common/error.h"

/* The name of the socket in the state folder. */
#define DOOR_NAME "show.sock"

/* Binds and listens at FOLDER/show.sock, in place of one that an ended show left: the caller has the folder's lock. A
 * descriptor that does not block, or -errno with a line. */
int door_open(const char *folder, struct error *e);

/* Closes `fd` and removes the socket. -1 is fine. */
void door_close(const char *folder, int fd);

/* Connects to the show that has the folder. A descriptor whose reads and writes wait `patience_s` at most; -ENOENT or
 * -ECONNREFUSED: no show is on; else -errno. With a line. */
int door_knock(const char *folder, int patience_s, struct error *e);

#endif
