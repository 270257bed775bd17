/*
 * event - see event.h.
 */
#include "chatbot/irc/event.h"

#include <stdlib.h>
#include <string.h>

#include "chatbot/irc/said.h"
#include "common/text.h"

enum { BADGES_BYTES = 512 };

/* "broadcaster/1,subscriber/12" holds the badge "subscriber". */
static bool has_badge(const char *badges, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = badges; at && *at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, n) == 0 && (at[n] == '/' || at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

static bool tag_is_one(const struct irc_parsed *p, const char *key)
{
    char value[8];
    return irc_tag(p, key, value, sizeof value) && strcmp(value, "1") == 0;
}

static unsigned read_roles(const struct irc_parsed *p)
{
    char badges[BADGES_BYTES];
    irc_tag(p, "badges", badges, sizeof badges);
    unsigned roles = 0;
    if (has_badge(badges, "broadcaster"))
        roles |= IRC_BROADCASTER;
    if (has_badge(badges, "moderator") || has_badge(badges, "lead_moderator") || tag_is_one(p, "mod"))
        roles |= IRC_MODERATOR;
    if (has_badge(badges, "vip"))
        roles |= IRC_VIP;
    if (has_badge(badges, "subscriber") || has_badge(badges, "founder") || tag_is_one(p, "subscriber"))
        roles |= IRC_SUBSCRIBER;
    return roles;
}

/* Shared chat shows lines of other channels in ours; their source is not our channel. */
static bool is_foreign(const struct irc_parsed *p)
{
    char source[IRC_ID_BYTES], room[IRC_ID_BYTES];
    irc_tag(p, "room-id", room, sizeof room);
    return irc_tag(p, "source-room-id", source, sizeof source) && source[0] && strcmp(source, room) != 0;
}

static void read_sender(const struct irc_parsed *p, struct irc_message *m)
{
    struct irc_span nick = irc_nick(p);
    text_clean(m->user, sizeof m->user, nick.start, nick.bytes);
    irc_tag(p, "display-name", m->display_name, sizeof m->display_name);
    if (!m->display_name[0])
        text_copy(m->display_name, sizeof m->display_name, m->user);
    irc_tag(p, "user-id", m->user_id, sizeof m->user_id);
    irc_tag(p, "id", m->message_id, sizeof m->message_id);
}

static void read_text(const struct irc_parsed *p, int index, struct irc_message *m)
{
    if (index >= 0 && index < p->param_count)
        m->text_bytes = irc_text(p->params[index], m->text, sizeof m->text, &m->is_action);
}

/* A number, or `otherwise` when the tag is not there. */
static int64_t tag_number(const struct irc_parsed *p, const char *key, int64_t otherwise)
{
    char value[16];
    return irc_tag(p, key, value, sizeof value) && value[0] ? strtoll(value, NULL, 10) : otherwise;
}

/* An announcement, a subscription's message: the server is the source, the person stands in tags. */
static void read_notice_sender(const struct irc_parsed *p, struct irc_message *m)
{
    irc_tag(p, "login", m->user, sizeof m->user);
    if (!irc_tag(p, "display-name", m->display_name, sizeof m->display_name) || !m->display_name[0])
        text_copy(m->display_name, sizeof m->display_name, m->user);
}

static void read_line(const struct irc_parsed *p, struct irc_event *ev)
{
    struct irc_message *m = &ev->message;
    read_text(p, 1, m);
    if (p->param_count > 1)
        m->said_bytes = irc_said(p, p->params[1], m->said, sizeof m->said);
    irc_tag(p, "reply-parent-user-login", m->reply_to, sizeof m->reply_to);
    irc_tag(p, "custom-reward-id", m->reward, sizeof m->reward);
    m->bits = tag_number(p, "bits", 0);
    if (irc_is(p, "USERNOTICE"))
        read_notice_sender(p, m);
    if (is_foreign(p))
        ev->kind = IRC_EV_FOREIGN;
    else if (ev->message.text_bytes == 0 || !ev->message.user[0])
        ev->kind = IRC_EV_IGNORED;
    else
        ev->message.roles = read_roles(p);
}

/* CLEARMSG: the line's id and its writer stand in tags. */
static void read_delete(const struct irc_parsed *p, struct irc_event *ev)
{
    irc_tag(p, "target-msg-id", ev->id, sizeof ev->id);
    irc_tag(p, "login", ev->target, sizeof ev->target);
    if (!ev->id[0])
        ev->kind = IRC_EV_IGNORED;
}

static enum irc_kind kind_of(const struct irc_parsed *p)
{
    static const struct {
        const char *command;
        enum irc_kind kind;
        int min_params;
    } commands[] = {
        {"PRIVMSG", IRC_EV_TEXT, 2},    {"USERNOTICE", IRC_EV_TEXT, 2}, {"PING", IRC_EV_PING, 0},
        {"PONG", IRC_EV_PONG, 0},       {"NOTICE", IRC_EV_NOTICE, 2},   {"CLEARCHAT", IRC_EV_CLEAR_USER, 1},
        {"CLEARMSG", IRC_EV_DELETE, 1}, {"JOIN", IRC_EV_JOIN, 1},       {"PART", IRC_EV_PART, 1},
        {"KICK", IRC_EV_KICK, 2},       {"NICK", IRC_EV_NICK, 1},       {"RECONNECT", IRC_EV_RECONNECT, 0},
        {"ROOMSTATE", IRC_EV_ROOM, 1},  {"USERSTATE", IRC_EV_SELF, 1},  {"CAP", IRC_EV_CAP, 2},
        {"ERROR", IRC_EV_ERROR, 0},
    };
    if (irc_numeric(p))
        return IRC_EV_NUMERIC;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (irc_is(p, commands[i].command))
            return p->param_count >= commands[i].min_params ? commands[i].kind : IRC_EV_IGNORED;
    return IRC_EV_IGNORED;
}

void irc_event_read(const struct irc_parsed *p, struct irc_event *ev)
{
    ev->sequence = 0;
    ev->numeric = irc_numeric(p);
    ev->target[0] = ev->id[0] = '\0';
    ev->message.text[0] = ev->message.said[0] = '\0';
    ev->message.text_bytes = ev->message.said_bytes = 0;
    ev->message.reply_to[0] = ev->message.reward[0] = '\0';
    ev->message.bits = 0;
    ev->message.roles = 0;
    ev->message.is_action = false;
    ev->kind = kind_of(p);
    irc_param(p, 0, ev->channel, sizeof ev->channel);
    read_sender(p, &ev->message);

    switch (ev->kind) {
    case IRC_EV_TEXT:
        read_line(p, ev);
        break;
    case IRC_EV_NOTICE:
        read_text(p, 1, &ev->message);
        irc_tag(p, "msg-id", ev->id, sizeof ev->id);
        break;
    case IRC_EV_DELETE:
        read_delete(p, ev);
        break;
    case IRC_EV_CLEAR_USER:
    case IRC_EV_KICK:
    case IRC_EV_CAP:
        irc_param(p, 1, ev->target, sizeof ev->target);
        break;
    case IRC_EV_NICK:
        irc_param(p, 0, ev->target, sizeof ev->target);
        break;
    case IRC_EV_ROOM:
        ev->modes = (struct irc_modes_told){tag_number(p, "slow", -1), tag_number(p, "emote-only", -1)};
        break;
    case IRC_EV_SELF:
        ev->message.roles = read_roles(p);
        break;
    case IRC_EV_NUMERIC:
    case IRC_EV_ERROR:
        read_text(p, p->param_count - 1, &ev->message);
        break;
    default:
        break;
    }
}

bool irc_event_passes(const struct irc_event *ev)
{
    return ev->kind != IRC_EV_IGNORED && ev->kind != IRC_EV_PING && ev->kind != IRC_EV_PONG &&
           ev->kind != IRC_EV_FOREIGN;
}
