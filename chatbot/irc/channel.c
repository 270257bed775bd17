/*
 * channel - see channel.h.
 */
#include "chatbot/irc/channel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"

enum { NICK_TRIES = 3, PLAIN_BYTES = 400 };

void irc_channel_end(struct irc_channel *room, enum irc_outcome outcome, const char *format, ...)
{
    if (room->ended)
        return;
    room->ended = true;
    room->end->outcome = outcome;
    va_list args;
    va_start(args, format);
    vsnprintf(room->end->why.text, sizeof room->end->why.text, format, args);
    va_end(args);
}

static void set_can_speak(struct irc_channel *room, bool can)
{
    pthread_mutex_lock(&room->shared->lock);
    room->shared->can_speak = can && !room->id->read_only;
    if (!room->shared->can_speak)
        irc_outbox_clear(&room->shared->outbox);
    pthread_mutex_unlock(&room->shared->lock);
}

static void set_limits(struct irc_channel *room, bool tagged)
{
    room->tagged = tagged;
    const struct irc_limits *full = &room->shared->tuning->limits;
    pthread_mutex_lock(&room->shared->lock);
    room->shared->outbox.limits = *full;
    if (!tagged && full->max_bytes > PLAIN_BYTES) /* others cut at 512 bytes with everything in front */
        room->shared->outbox.limits.max_bytes = PLAIN_BYTES;
    pthread_mutex_unlock(&room->shared->lock);
}

static bool is_our_channel(const struct irc_channel *room, const char *name)
{
    return strcasecmp(name, room->shared->channel) == 0;
}

static bool is_us(const struct irc_channel *room, const char *nick)
{
    return strcasecmp(nick, room->nick) == 0;
}

static void leave_online(struct irc_channel *room)
{
    if (room->phase == IRC_PHASE_ONLINE)
        room->online_us += room->now_us - room->online_since_us;
}

void irc_channel_open(struct irc_channel *room, struct irc_shared *shared, const struct irc_identity *id,
                      struct irc_counters *counters, struct irc_session_end *end)
{
    *room = (struct irc_channel){.shared = shared, .id = id, .counters = counters, .end = end};
    text_copy(room->nick, sizeof room->nick, id->nick);
    set_limits(room, false);
}

void irc_channel_close(struct irc_channel *room)
{
    leave_online(room);
    set_can_speak(room, false);
    room->end->online_us = room->online_us;
}

/* JOIN goes out at `at_us`, and again while nobody answers. */
static void want_join(struct irc_channel *room, int64_t at_us)
{
    leave_online(room);
    set_can_speak(room, false);
    room->phase = IRC_PHASE_JOIN;
    room->join_at_us = at_us;
}

void irc_channel_join(struct irc_channel *room)
{
    const struct irc_tuning *t = room->shared->tuning;
    irc_client_join(room->client, room->shared->channel);
    room->join_at_us = room->now_us + (room->join_tries < t->join_tries ? t->join_us : t->join_slow_us);
    if (room->join_tries++ == t->join_tries)
        irc_tell_state(room->shared, IRC_ALARM, "%s does not answer to JOIN; is the channel's name right?",
                       room->shared->channel);
}

static void on_welcome(struct irc_channel *room, const struct irc_event *ev)
{
    if (room->phase != IRC_PHASE_LOGIN)
        return;
    room->counters->logins++;
    if (ev->channel[0])
        text_copy(room->nick, sizeof room->nick, ev->channel);
    irc_tell_state(room->shared, IRC_JOINING, "logged in to %s as %s", room->shared->host, room->nick);
    want_join(room, room->now_us);
}

static void on_joined(struct irc_channel *room)
{
    if (room->phase != IRC_PHASE_JOIN)
        return;
    room->phase = IRC_PHASE_ONLINE;
    room->online_since_us = room->now_us;
    room->join_tries = 0;
    set_can_speak(room, true);
    irc_tell_state(room->shared, IRC_ONLINE, "in %s%s", room->shared->channel,
                   room->id->read_only ? ", listening only" : "");
}

static void on_join_refused(struct irc_channel *room, const char *text)
{
    irc_tell_state(room->shared, IRC_ALARM, "%s cannot be joined: %s", room->shared->channel, text);
    want_join(room, room->now_us + room->shared->tuning->join_slow_us);
}

static void on_nick_taken(struct irc_channel *room)
{
    if (room->phase != IRC_PHASE_LOGIN)
        return;
    if (++room->nick_tries > NICK_TRIES) {
        irc_channel_end(room, IRC_END_LOGIN, "the nick %s and its like are taken", room->id->nick);
        return;
    }
    /* From the name that was wanted: the server may have renamed us to a number meanwhile. */
    snprintf(room->nick, sizeof room->nick, "%.40s%.*s", room->id->nick, room->nick_tries, "___");
    irc_client_nick(room->client, room->nick);
}

static void on_numeric(struct irc_channel *room, const struct irc_event *ev)
{
    switch (ev->numeric) {
    case 1:
        on_welcome(room, ev);
        break;
    case 353: /* names in the channel, and their end: proof that we are in */
    case 366:
        on_joined(room);
        break;
    case 432: /* nick refused */
    case 464: /* password refused */
    case 465: /* banned from the server */
        if (room->phase == IRC_PHASE_LOGIN)
            irc_channel_end(room, IRC_END_LOGIN, "%s", ev->message.text);
        break;
    case 433: /* the nick is in use */
    case 436: /* so it is on another server of the network */
    case 437: /* it is not to be had for a while */
        on_nick_taken(room);
        break;
    case 403: /* no such channel */
    case 405: /* in too many channels */
    case 471: /* full */
    case 473: /* by invitation only */
    case 474: /* banned from it */
    case 475: /* it has a key */
    case 476: /* no proper name */
    case 477: /* for registered nicks only */
        if (room->phase == IRC_PHASE_JOIN)
            on_join_refused(room, ev->message.text);
        break;
    default:
        break;
    }
}

static bool refuses_login(const char *text)
{
    static const char *const words[] = {"Login authentication failed", "Login unsuccessful",
                                        "Improperly formatted auth", "Invalid NICK", "Error logging in"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

static void pause_speaking(struct irc_channel *room, int64_t for_us)
{
    pthread_mutex_lock(&room->shared->lock);
    irc_outbox_pause(&room->shared->outbox, room->now_us + for_us);
    pthread_mutex_unlock(&room->shared->lock);
}

/* As slowly as the room wants it. */
static void set_pace(struct irc_channel *room)
{
    int64_t asked_us = (int64_t)(irc_modes_gap_s(&room->modes) * 1e6),
            usual_us = room->shared->tuning->limits.gap_us;
    pthread_mutex_lock(&room->shared->lock);
    room->shared->outbox.limits.gap_us = asked_us > usual_us ? asked_us : usual_us;
    pthread_mutex_unlock(&room->shared->lock);
}

static void on_notice(struct irc_channel *room, const struct irc_event *ev)
{
    if (room->phase == IRC_PHASE_LOGIN) {
        if (refuses_login(ev->message.text))
            irc_channel_end(room, IRC_END_LOGIN, "%s", ev->message.text);
        return;
    }
    if (strncmp(ev->id, "msg_", 4) != 0 || !is_our_channel(room, ev->channel))
        return;
    char advice[IRC_ADVICE_BYTES];
    double usual_s = (double)room->shared->tuning->pause_us / 1e6;
    double pause_s = irc_modes_refused(&room->modes, ev, usual_s, advice);
    log_debug("chat", "the server says: %s (%s)", ev->message.text, ev->id);
    if (pause_s > 0)
        pause_speaking(room, (int64_t)(pause_s * 1e6));
    if (advice[0])
        irc_tell_state(room->shared, IRC_ALARM, "%s (%s)", advice, ev->message.text);
    set_pace(room);
}

/* ROOMSTATE, USERSTATE */
static void on_modes(struct irc_channel *room, const struct irc_event *ev)
{
    char advice[IRC_ADVICE_BYTES];
    if (!is_our_channel(room, ev->channel))
        return;
    irc_modes_take(&room->modes, ev, advice);
    if (advice[0] && !room->id->read_only)
        irc_tell_state(room->shared, IRC_ALARM, "%s", advice);
    set_pace(room);
}

static void say(struct irc_channel *room, const struct irc_reply *reply, const char *parent)
{
    if (!reply->text[0])
        return;
    pthread_mutex_lock(&room->shared->lock);
    if (room->shared->can_speak && !irc_modes_mute(&room->modes))
        irc_outbox_push(&room->shared->outbox, reply, parent, room->now_us);
    pthread_mutex_unlock(&room->shared->lock);
}

/* The id as a tag of ours, which cannot end the tag; "" where there are none. */
static const char *thread_of(const struct irc_channel *room, const struct irc_event *ev)
{
    const char *id = ev->message.message_id;
    return room->tagged && !id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")]
               ? id
               : "";
}

static void on_text(struct irc_channel *room, const struct irc_event *ev)
{
    const struct irc_events *to = room->shared->events;
    struct irc_reply reply = {.when_us = 0};
    if (!is_our_channel(room, ev->channel) || is_us(room, ev->message.user))
        return;
    room->counters->messages++;
    if (to->on_line)
        to->on_line(to->context, &ev->message, &reply);
    say(room, &reply, thread_of(room, ev));
}

void irc_channel_turn(struct irc_channel *room)
{
    const struct irc_events *to = room->shared->events;
    struct irc_reply reply = {.when_us = 0};
    if (room->phase != IRC_PHASE_ONLINE || !to->on_turn)
        return;
    to->on_turn(to->context, &reply);
    say(room, &reply, "");
}

static void on_removed(struct irc_channel *room, const struct irc_event *ev)
{
    const struct irc_events *to = room->shared->events;
    if (!is_our_channel(room, ev->channel))
        return;
    if (ev->kind == IRC_EV_DELETE && to->on_delete)
        to->on_delete(to->context, ev->id, ev->target);
    if (ev->kind == IRC_EV_CLEAR_USER && to->on_clear_user)
        to->on_clear_user(to->context, ev->target[0] ? ev->target : NULL);
}

void irc_channel_event(struct irc_channel *room, const struct irc_event *ev)
{
    if (room->ended)
        return;
    switch (ev->kind) {
    case IRC_EV_NUMERIC:
        on_numeric(room, ev);
        break;
    case IRC_EV_CAP:
        set_limits(room, strcasecmp(ev->target, "ACK") == 0);
        break;
    case IRC_EV_JOIN:
        if (is_us(room, ev->message.user) && is_our_channel(room, ev->channel))
            on_joined(room);
        break;
    case IRC_EV_ROOM:
        if (is_our_channel(room, ev->channel))
            on_joined(room);
        on_modes(room, ev);
        break;
    case IRC_EV_SELF:
        on_modes(room, ev);
        break;
    case IRC_EV_PART:
        if (is_us(room, ev->message.user))
            want_join(room, room->now_us + room->shared->tuning->join_us);
        break;
    case IRC_EV_KICK:
        if (is_us(room, ev->target))
            want_join(room, room->now_us + room->shared->tuning->join_us);
        break;
    case IRC_EV_NICK:
        if (is_us(room, ev->message.user))
            text_copy(room->nick, sizeof room->nick, ev->target);
        break;
    case IRC_EV_TEXT:
        on_text(room, ev);
        break;
    case IRC_EV_NOTICE:
        on_notice(room, ev);
        break;
    case IRC_EV_CLEAR_USER:
    case IRC_EV_DELETE:
        on_removed(room, ev);
        break;
    case IRC_EV_RECONNECT:
        irc_channel_end(room, IRC_END_RECONNECT, "the server asked to reconnect");
        break;
    case IRC_EV_ERROR:
        log_info("chat", "the server's last words: %s", ev->message.text);
        break;
    default:
        break;
    }
}
