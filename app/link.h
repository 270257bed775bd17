/*
 * link - the channel on IRC, joined to the parser: its lines become requests, the replies go back.
 */
#ifndef APP_LINK_H
#define APP_LINK_H

#include "app/page.h"
#include "chatbot/chatbot.h"
#include "chatbot/irc/irc.h"
#include "common/clock.h"

struct link;

/* `chatbot`, `clock` and `page` (NULL: none), which is told how it stands, must outlive it; show time is the clock's since start_us. 0 or -errno with one line;
 * *r is NULL then. */
int link_open(struct link **r, const struct irc_config *config, struct chatbot *chatbot, struct page *page,
              struct clock *clock, int64_t start_us, struct error *e);
void link_close(struct link **r); /* within 2 s; NULL is fine */

#endif
