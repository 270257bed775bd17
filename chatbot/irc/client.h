/*
 * client - the IRC library, wrapped: it speaks the protocol of login and channel, over the
 * bridge's inner port.
 *
 * A fresh session for every attempt, because the library cannot be used again after an error. Its callbacks
 * all come down to one: here is the sequence number of an event. Everything runs on the chat thread inside
 * irc_client_process; the library is not thread-safe.
 */
#ifndef CHATBOT_IRC_CLIENT_H
#define CHATBOT_IRC_CLIENT_H

#include <stdint.h>
#include <sys/select.h>

#include "common/error.h"

struct irc_client;

typedef void irc_client_fn(void *context, uint64_t sequence);

struct irc_client_params {
    int port;                    /* on 127.0.0.1: the bridge's inner one */
    const char *password, *nick; /* copied; no '%' in the password */
    irc_client_fn *on_event;     /* must not close the client */
    void *context;               /* of on_event */
};

/* Connects and says NICK and USER. 0 or -errno with a line; *c is NULL then. */
int irc_client_open(struct irc_client **c, const struct irc_client_params *p, struct error *e);
void irc_client_close(struct irc_client **c); /* NULL is fine */

int irc_client_add(struct irc_client *c, fd_set *readable, fd_set *writable, int *max_fd);
int irc_client_process(struct irc_client *c, fd_set *readable, fd_set *writable, struct error *e);

/* 0, or -ENOBUFS when the library's small buffer is full: try again after the next process. */
int irc_client_join(struct irc_client *c, const char *channel);
int irc_client_say(struct irc_client *c, const char *channel, const char *text);
int irc_client_nick(struct irc_client *c, const char *nick);

#endif
