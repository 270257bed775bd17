/*
 * link - the channel on IRC, joined to the parser: its lines become requests, the replies go back.
 */
#ifndef APP_LINK_H
#define APP_LINK_H

#include "app/page.h"
#include "app/rehearse.h"
#include "chatbot/chatbot.h"
#include "chatbot/irc/irc.h"
#include "common/clock.h"

struct link;

/* All but `config` must outlive it. */
struct link_params {
    const struct irc_config *config;
    struct chatbot *chatbot;
    struct page *page;           /* is told how it stands; NULL: none */
    struct rehearsal *rehearsal; /* NULL: the chat is a real one */
    struct clock *clock;
    int64_t start_us; /* show time 0 on the clock */
};

/* 0 or -errno with one line; *r is NULL then. */
int link_open(struct link **r, const struct link_params *p, struct error *e);
void link_close(struct link **r); /* within 2 s; NULL is fine */

#endif
