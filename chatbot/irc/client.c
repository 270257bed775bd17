/*
 * client - see client.h. The only file that includes libircclient.
 *
 * The library's own parameters are never looked at: for some commands they are left over from the line
 * before. The origin carries the sequence number (irc_rebuild), the bridge's side table has the rest.
 * CTCP and DCC are switched off by empty callbacks: the library would answer VERSION, FINGER and TIME
 * by itself otherwise.
 */
#include "chatbot/irc/client.h"

#include <errno.h>
#include <stdlib.h>

#include <libircclient.h>

#include "chatbot/irc/line.h"
#include "common/mem.h"

struct irc_client {
    irc_session_t *session;
    irc_client_fn *on_event;
    void *context;
};

static void deliver(irc_session_t *session, const char *origin)
{
    struct irc_client *c = irc_get_ctx(session);
    uint64_t sequence = irc_sequence(origin);
    if (sequence)
        c->on_event(c->context, sequence);
}

static void on_event(irc_session_t *session, const char *event, const char *origin, const char **params,
                     unsigned count)
{
    (void)event;
    (void)params;
    (void)count;
    deliver(session, origin);
}

static void on_numeric(irc_session_t *session, unsigned event, const char *origin, const char **params,
                       unsigned count)
{
    (void)event;
    (void)params;
    (void)count;
    deliver(session, origin);
}

static void on_nothing(irc_session_t *session, const char *event, const char *origin, const char **params,
                       unsigned count)
{
    (void)session;
    (void)event;
    (void)origin;
    (void)params;
    (void)count;
}

static void refuse_dcc_chat(irc_session_t *session, const char *nick, const char *address, irc_dcc_t id)
{
    (void)nick;
    (void)address;
    irc_dcc_decline(session, id);
}

static void refuse_dcc_send(irc_session_t *session, const char *nick, const char *address, const char *file,
                            unsigned long size, irc_dcc_t id)
{
    (void)nick;
    (void)address;
    (void)file;
    (void)size;
    irc_dcc_decline(session, id);
}

int irc_client_open(struct irc_client **out, const struct irc_client_params *p, struct error *e)
{
    irc_callbacks_t callbacks = {
        .event_connect = on_nothing, /* the greeting comes as a numeric too */
        .event_nick = on_event,
        .event_quit = on_event,
        .event_join = on_event,
        .event_part = on_event,
        .event_mode = on_event,
        .event_umode = on_event,
        .event_topic = on_event,
        .event_kick = on_event,
        .event_channel = on_event,
        .event_privmsg = on_event,
        .event_notice = on_event,
        .event_channel_notice = on_event,
        .event_invite = on_event,
        .event_ctcp_req = on_nothing,
        .event_ctcp_rep = on_nothing,
        .event_ctcp_action = on_nothing,
        .event_unknown = on_event,
        .event_numeric = on_numeric,
        .event_dcc_chat_req = refuse_dcc_chat,
        .event_dcc_send_req = refuse_dcc_send,
    };
    struct irc_client *c = xcalloc(1, sizeof *c);
    *out = c;
    c->on_event = p->on_event;
    c->context = p->context;
    c->session = irc_create_session(&callbacks);
    if (!c->session) {
        irc_client_close(out);
        return error_set(e, ENOMEM, "the IRC library gave no session");
    }
    irc_set_ctx(c->session, c);
    if (irc_connect(c->session, "127.0.0.1", (unsigned short)p->port, p->password, p->nick, NULL, NULL)) {
        error_set(e, ECONNREFUSED, "the IRC library: %s", irc_strerror(irc_errno(c->session)));
        irc_client_close(out);
        return -ECONNREFUSED;
    }
    return 0;
}

void irc_client_close(struct irc_client **c)
{
    if (!*c)
        return;
    if ((*c)->session) {
        irc_disconnect((*c)->session);
        irc_destroy_session((*c)->session);
    }
    free(*c);
    *c = NULL;
}

int irc_client_add(struct irc_client *c, fd_set *readable, fd_set *writable, int *max_fd)
{
    return irc_add_select_descriptors(c->session, readable, writable, max_fd) ? -EPIPE : 0;
}

int irc_client_process(struct irc_client *c, fd_set *readable, fd_set *writable, struct error *e)
{
    if (irc_process_select_descriptors(c->session, readable, writable) == 0)
        return 0;
    return error_set(e, EPIPE, "the IRC library: %s", irc_strerror(irc_errno(c->session)));
}

static int result(int failed)
{
    return failed ? -ENOBUFS : 0;
}

int irc_client_join(struct irc_client *c, const char *channel)
{
    return result(irc_cmd_join(c->session, channel, NULL));
}

int irc_client_say(struct irc_client *c, const char *channel, const char *text)
{
    return result(irc_cmd_msg(c->session, channel, text));
}

int irc_client_nick(struct irc_client *c, const char *nick)
{
    return result(irc_cmd_nick(c->session, nick));
}
