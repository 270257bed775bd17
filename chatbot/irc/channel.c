/*
 * channel - see channel.h.
 */
#include "chatbot/irc/channel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"

enum { NICK_TRIES = 3, PLAIN_BYTES = 400, EXEMPT_TIMES = 5 };

void irc_channel_end(struct irc_channel *channel, enum irc_outcome outcome, const char *format, ...)
{
    if (channel->ended)
        return;
    channel->ended = true;
    channel->end->outcome = outcome;
    va_list args;
    va_start(args, format);
    vsnprintf(channel->end->why.text, sizeof channel->end->why.text, format, args);
    va_end(args);
}

static void set_can_speak(struct irc_channel *channel, bool can)
{
    pthread_mutex_lock(&channel->shared->lock);
    channel->shared->can_speak = can && !channel->id->read_only;
    if (!channel->shared->can_speak)
        irc_outbox_clear(&channel->shared->outbox);
    pthread_mutex_unlock(&channel->shared->lock);
}

static void set_limits(struct irc_channel *channel, bool tagged)
{
    channel->tagged = tagged;
    const struct irc_limits *full = &channel->shared->tuning->limits;
    pthread_mutex_lock(&channel->shared->lock);
    channel->shared->outbox.limits = *full;
    if (!tagged && full->max_bytes > PLAIN_BYTES) /* others cut at 512 bytes with everything in front */
        channel->shared->outbox.limits.max_bytes = PLAIN_BYTES;
    pthread_mutex_unlock(&channel->shared->lock);
}

static bool is_our_channel(const struct irc_channel *channel, const char *name)
{
    return strcasecmp(name, channel->shared->channel) == 0;
}

static bool is_us(const struct irc_channel *channel, const char *nick)
{
    return strcasecmp(nick, channel->nick) == 0;
}

static void leave_online(struct irc_channel *channel)
{
    if (channel->phase == IRC_PHASE_ONLINE)
        channel->online_us += channel->now_us - channel->online_since_us;
}

void irc_channel_open(struct irc_channel *channel, struct irc_shared *shared, const struct irc_identity *id,
                      struct irc_counters *counters, struct irc_session_end *end)
{
    *channel = (struct irc_channel){.shared = shared, .id = id, .counters = counters, .end = end};
    text_copy(channel->nick, sizeof channel->nick, id->nick);
    set_limits(channel, false);
}

void irc_channel_close(struct irc_channel *channel)
{
    leave_online(channel);
    set_can_speak(channel, false);
    channel->end->online_us = channel->online_us;
}

/* JOIN goes out at `at_us`, and again while nobody answers. */
static void want_join(struct irc_channel *channel, int64_t at_us)
{
    leave_online(channel);
    set_can_speak(channel, false);
    channel->phase = IRC_PHASE_JOIN;
    channel->join_at_us = at_us;
}

void irc_channel_join(struct irc_channel *channel)
{
    const struct irc_tuning *t = channel->shared->tuning;
    irc_client_join(channel->client, channel->shared->channel);
    channel->join_at_us =
        channel->now_us + (channel->join_tries < t->join_tries ? t->join_us : t->join_slow_us);
    if (channel->join_tries++ == t->join_tries)
        irc_tell_state(channel->shared, IRC_ALARM, "%s does not answer to JOIN; is the channel's name right?",
                       channel->shared->channel);
}

static void on_welcome(struct irc_channel *channel, const struct irc_event *ev)
{
    if (channel->phase != IRC_PHASE_LOGIN)
        return;
    channel->counters->logins++;
    if (ev->channel[0])
        text_copy(channel->nick, sizeof channel->nick, ev->channel);
    irc_tell_state(channel->shared, IRC_JOINING, "logged in to %s as %s", channel->shared->host,
                   channel->nick);
    want_join(channel, channel->now_us);
}

static void on_joined(struct irc_channel *channel)
{
    if (channel->phase != IRC_PHASE_JOIN)
        return;
    channel->phase = IRC_PHASE_ONLINE;
    channel->online_since_us = channel->now_us;
    channel->join_tries = 0;
    set_can_speak(channel, true);
    irc_tell_state(channel->shared, IRC_ONLINE, "in %s%s", channel->shared->channel,
                   channel->id->read_only ? ", listening only" : "");
}

static void on_join_refused(struct irc_channel *channel, const char *text)
{
    irc_tell_state(channel->shared, IRC_ALARM, "%s cannot be joined: %s", channel->shared->channel, text);
    want_join(channel, channel->now_us + channel->shared->tuning->join_slow_us);
}

static void on_nick_taken(struct irc_channel *channel)
{
    if (channel->phase != IRC_PHASE_LOGIN)
        return;
    if (++channel->nick_tries > NICK_TRIES) {
        irc_channel_end(channel, IRC_END_LOGIN, "the nick %s and its like are taken", channel->id->nick);
        return;
    }
    /* From the name that was wanted: the server may have renamed us to a number meanwhile. */
    snprintf(channel->nick, sizeof channel->nick, "%.40s%.*s", channel->id->nick, channel->nick_tries, "___");
    irc_client_nick(channel->client, channel->nick);
}

/* In the server's words, or in ours where it has none. */
static const char *why_refused(const struct irc_event *ev)
{
    if (ev->message.text[0])
        return ev->message.text;
    return ev->numeric == 432   ? "the server refuses the nick"
           : ev->numeric == 464 ? "the server refuses the password"
                                : "the server has banned us";
}

static void on_numeric(struct irc_channel *channel, const struct irc_event *ev)
{
    switch (ev->numeric) {
    case 1:
        on_welcome(channel, ev);
        break;
    case 353: /* names in the channel, and their end: proof that we are in */
    case 366:
        on_joined(channel);
        break;
    case 432:
    case 464:
    case 465:
        if (channel->phase == IRC_PHASE_LOGIN)
            irc_channel_end(channel, IRC_END_LOGIN, "%s", why_refused(ev));
        break;
    case 433: /* the nick is in use */
    case 436: /* so it is on another server of the network */
    case 437: /* it is not to be had for a while */
        on_nick_taken(channel);
        break;
    case 403: /* no such channel */
    case 405: /* in too many channels */
    case 471: /* full */
    case 473: /* by invitation only */
    case 474: /* banned from it */
    case 475: /* it has a key */
    case 476: /* no proper name */
    case 477: /* for registered nicks only */
        if (channel->phase == IRC_PHASE_JOIN)
            on_join_refused(channel, ev->message.text);
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

static void pause_speaking(struct irc_channel *channel, int64_t for_us)
{
    pthread_mutex_lock(&channel->shared->lock);
    irc_outbox_pause(&channel->shared->outbox, channel->now_us + for_us);
    pthread_mutex_unlock(&channel->shared->lock);
}

/* As slowly as the channel wants it. Twitch takes five times as much from moderators, VIPs and the broadcaster. */
static void set_pace(struct irc_channel *channel)
{
    const struct irc_limits *usual = &channel->shared->tuning->limits;
    int times = channel->modes.exempt ? EXEMPT_TIMES : 1;
    int64_t asked_us = (int64_t)(irc_modes_gap_s(&channel->modes) * 1e6), gap_us = usual->gap_us / times;
    pthread_mutex_lock(&channel->shared->lock);
    struct irc_limits *now = &channel->shared->outbox.limits;
    now->per_window = times * usual->per_window;
    now->reserved = times * usual->reserved;
    now->gap_us = asked_us > gap_us ? asked_us : gap_us;
    pthread_mutex_unlock(&channel->shared->lock);
}

static void on_notice(struct irc_channel *channel, const struct irc_event *ev)
{
    if (channel->phase == IRC_PHASE_LOGIN) {
        if (refuses_login(ev->message.text))
            irc_channel_end(channel, IRC_END_LOGIN, "%s", ev->message.text);
        return;
    }
    if (strncmp(ev->id, "msg_", 4) != 0 || !is_our_channel(channel, ev->channel))
        return;
    char advice[IRC_ADVICE_BYTES];
    double usual_s = (double)channel->shared->tuning->pause_us / 1e6;
    double pause_s = irc_modes_refused(&channel->modes, ev, usual_s, advice);
    log_debug("chat", "the server says: %s (%s)", ev->message.text, ev->id);
    if (pause_s > 0)
        pause_speaking(channel, (int64_t)(pause_s * 1e6));
    if (advice[0])
        irc_tell_state(channel->shared, IRC_ALARM, "%s (%s)", advice, ev->message.text);
    set_pace(channel);
}

/* ROOMSTATE, USERSTATE */
static void on_modes(struct irc_channel *channel, const struct irc_event *ev)
{
    char advice[IRC_ADVICE_BYTES];
    if (!is_our_channel(channel, ev->channel))
        return;
    irc_modes_take(&channel->modes, ev, advice);
    if (advice[0] && !channel->id->read_only)
        irc_tell_state(channel->shared, IRC_ALARM, "%s", advice);
    set_pace(channel);
}

static void say(struct irc_channel *channel, const struct irc_reply *reply, const char *parent)
{
    if (!reply->text[0])
        return;
    pthread_mutex_lock(&channel->shared->lock);
    if (channel->shared->can_speak && !irc_modes_mute(&channel->modes))
        irc_outbox_push(&channel->shared->outbox, reply, parent, channel->now_us);
    pthread_mutex_unlock(&channel->shared->lock);
}

/* The id as a tag of ours, which cannot end the tag; "" where there are none. */
static const char *thread_of(const struct irc_channel *channel, const struct irc_event *ev)
{
    const char *id = ev->message.message_id;
    return channel->tagged &&
                   !id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")]
               ? id
               : "";
}

static void on_text(struct irc_channel *channel, const struct irc_event *ev)
{
    const struct irc_events *to = channel->shared->events;
    struct irc_reply reply = {.when_us = 0};
    if (!is_our_channel(channel, ev->channel) || is_us(channel, ev->message.user))
        return;
    channel->counters->messages++;
    if (to->on_line)
        to->on_line(to->context, &ev->message, &reply);
    say(channel, &reply, thread_of(channel, ev));
}

void irc_channel_turn(struct irc_channel *channel)
{
    const struct irc_events *to = channel->shared->events;
    struct irc_reply reply = {.when_us = 0};
    if (channel->phase != IRC_PHASE_ONLINE || !to->on_turn)
        return;
    to->on_turn(to->context, &reply);
    say(channel, &reply, "");
}

static void on_removed(struct irc_channel *channel, const struct irc_event *ev)
{
    const struct irc_events *to = channel->shared->events;
    if (!is_our_channel(channel, ev->channel))
        return;
    if (ev->kind == IRC_EV_DELETE && to->on_delete)
        to->on_delete(to->context, ev->id, ev->target);
    if (ev->kind == IRC_EV_CLEAR_USER && to->on_clear_user)
        to->on_clear_user(to->context, ev->target[0] ? ev->target : NULL);
}

void irc_channel_event(struct irc_channel *channel, const struct irc_event *ev)
{
    if (channel->ended)
        return;
    switch (ev->kind) {
    case IRC_EV_NUMERIC:
        on_numeric(channel, ev);
        break;
    case IRC_EV_CAP:
        set_limits(channel, strcasecmp(ev->target, "ACK") == 0);
        break;
    case IRC_EV_JOIN:
        if (is_us(channel, ev->message.user) && is_our_channel(channel, ev->channel))
            on_joined(channel);
        break;
    case IRC_EV_ROOM:
        if (is_our_channel(channel, ev->channel))
            on_joined(channel);
        on_modes(channel, ev);
        break;
    case IRC_EV_SELF:
        on_modes(channel, ev);
        break;
    case IRC_EV_PART:
        if (is_us(channel, ev->message.user))
            want_join(channel, channel->now_us + channel->shared->tuning->join_us);
        break;
    case IRC_EV_KICK:
        if (is_us(channel, ev->target))
            want_join(channel, channel->now_us + channel->shared->tuning->join_us);
        break;
    case IRC_EV_NICK:
        if (is_us(channel, ev->message.user))
            text_copy(channel->nick, sizeof channel->nick, ev->target);
        break;
    case IRC_EV_TEXT:
        on_text(channel, ev);
        break;
    case IRC_EV_NOTICE:
        on_notice(channel, ev);
        break;
    case IRC_EV_CLEAR_USER:
    case IRC_EV_DELETE:
        on_removed(channel, ev);
        break;
    case IRC_EV_RECONNECT:
        irc_channel_end(channel, IRC_END_RECONNECT, "the server asked to reconnect");
        break;
    case IRC_EV_ERROR:
        log_info("chat", "the server's last words: %s", ev->message.text);
        break;
    default:
        break;
    }
}
