/*
 * room - the chat room on IRC, joined to the parser: its lines become requests, the replies go back.
 */
#ifndef APP_ROOM_H
#define APP_ROOM_H

#include "chatbot/irc.h"
#include "common/clock.h"

struct room;

/* `chatbot` and `clock` must outlive it; show time is the clock's since start_us. 0 or -errno with one line;
 * *r is NULL then. */
int room_open(struct room **r, const struct irc_config *config, struct chatbot *chatbot, struct clock *clock,
              int64_t start_us, struct error *e);
void room_close(struct room **r); /* within 2 s; NULL is fine */

#endif
