/*
 * link - see link.h. Everything here runs on the chat thread of irc.c.
 */
#include "app/link.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/text.h"

struct link {
    struct irc *irc;
    struct link_params p;
};

static double show_time_s(const struct link *r)
{
    return (double)(clock_now_us(r->p.clock) - r->p.start_us) / 1e6;
}

static void on_line(void *context, const struct irc_message *m, struct irc_reply *reply)
{
    struct link *r = context;
    struct chat_outcome outcome;
    log_debug("chat", "%s: %s", m->user, m->text);
    struct chat_line line = {.origin = CHAT_IRC,
                             .user = m->user,
                             .display_name = m->display_name,
                             .user_id = m->user_id,
                             .message_id = m->message_id,
                             .reply_to = m->reply_to,
                             .roles = m->roles,
                             .reward = m->reward,
                             .bits = m->bits,
                             .times_later = true,
                             .text = m->said,
                             .bytes = m->said_bytes};
    chatbot_ask(r->p.chatbot, &line, show_time_s(r), reply->text, &outcome);
    if (outcome.result == CHAT_TAKEN)
        rehearsal_taken(r->p.rehearsal, m->user, m->text, outcome.on_screen_s);
    reply->urgent = outcome.urgent;
    reply->when_us = clock_real_us() + (int64_t)(outcome.on_screen_s * 1e6);
    text_copy(reply->brief, sizeof reply->brief, outcome.brief);
}

static void on_turn(void *context, struct irc_reply *reply)
{
    struct link *r = context;
    chatbot_notice(r->p.chatbot, reply->text);
}

static void on_clear_user(void *context, const char *user)
{
    struct link *r = context;
    chatbot_clear_user(r->p.chatbot, user);
}

static void on_delete(void *context, const char *message_id, const char *user)
{
    struct link *r = context;
    (void)user;
    chatbot_delete(r->p.chatbot, message_id);
}

static void on_state(void *context, enum irc_state state, const char *text)
{
    struct link *r = context;
    rehearsal_chat(r->p.rehearsal, state);
    page_chat(r->p.page, state, text);
    if (state == IRC_ALARM)
        log_error("chat", "%s", text);
    else
        log_info("chat", "%s", text);
}

int link_open(struct link **out, const struct link_params *p, struct error *e)
{
    struct link *r = *out = xcalloc(1, sizeof *r);
    r->p = *p;
    struct irc_events events = {.context = r,
                                .on_line = on_line,
                                .on_turn = on_turn,
                                .on_clear_user = on_clear_user,
                                .on_delete = on_delete,
                                .on_state = on_state};
    int rc = irc_open(&r->irc, p->config, &events, rehearsal_tuning(p->rehearsal), e);
    if (rc < 0)
        link_close(out);
    return rc;
}

void link_close(struct link **out)
{
    struct link *r = *out;
    if (!r)
        return;
    irc_close(&r->irc);
    free(r);
    *out = NULL;
}
