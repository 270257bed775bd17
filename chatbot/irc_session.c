/*
 * irc_session - see irc_session.h.
 *
 * One loop around select(): the library insists on it, so every descriptor in it is below FD_SETSIZE (checked
 * where each is made). Timers are plain deadlines that the loop looks at; nothing in it waits longer than
 * TURN_MAX_US.
 */
#include "chatbot/irc_session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chatbot/irc_bridge.h"
#include "chatbot/irc_client.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"

enum { TURN_MAX_US = 500000, NICK_TRIES = 3, PLAIN_BYTES = 400 };

enum phase { PHASE_LOGIN, PHASE_JOIN, PHASE_ONLINE };

struct session {
    struct irc_shared *shared;
    const struct irc_identity *id;
    struct transport server;
    struct irc_bridge *bridge;
    struct irc_client *client;
    struct irc_counters counters; /* since they were last added to the shared ones */

    enum phase phase;
    char nick[IRC_USER_BYTES]; /* as the server calls us */
    int nick_tries, join_tries;
    int64_t now_us;
    int64_t login_by_us, join_at_us, ping_at_us;
    int64_t dead_at_us; /* INT64_MAX: no PING is out */
    int64_t online_since_us, online_us;

    bool ended;
    struct irc_session_end *end;
};

void irc_tell_state(const struct irc_shared *s, enum irc_state state, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_write(state == IRC_ALARM ? LOG_WARN : LOG_INFO, "chat", "%s", text);
    if (s->events->on_state)
        s->events->on_state(s->events->context, state, text);
}

static void end_session(struct session *s, enum irc_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void end_session(struct session *s, enum irc_outcome outcome, const char *format, ...)
{
    if (s->ended)
        return;
    s->ended = true;
    s->end->outcome = outcome;
    va_list args;
    va_start(args, format);
    vsnprintf(s->end->why.text, sizeof s->end->why.text, format, args);
    va_end(args);
}

static void set_can_speak(struct session *s, bool can)
{
    pthread_mutex_lock(&s->shared->lock);
    s->shared->can_speak = can && !s->id->read_only;
    if (!s->shared->can_speak)
        irc_outbox_clear(&s->shared->outbox);
    pthread_mutex_unlock(&s->shared->lock);
}

static void set_limits(struct session *s, bool tagged)
{
    const struct irc_limits *full = &s->shared->tuning->limits;
    pthread_mutex_lock(&s->shared->lock);
    s->shared->outbox.limits = *full;
    if (!tagged && full->max_bytes > PLAIN_BYTES) /* others cut at 512 bytes with everything in front */
        s->shared->outbox.limits.max_bytes = PLAIN_BYTES;
    pthread_mutex_unlock(&s->shared->lock);
}

static bool is_our_channel(const struct session *s, const char *name)
{
    return strcasecmp(name, s->shared->channel) == 0;
}

static bool is_us(const struct session *s, const char *nick)
{
    return strcasecmp(nick, s->nick) == 0;
}

static void leave_online(struct session *s)
{
    if (s->phase == PHASE_ONLINE)
        s->online_us += s->now_us - s->online_since_us;
}

/* JOIN goes out at `at_us`, and again while nobody answers. */
static void want_join(struct session *s, int64_t at_us)
{
    leave_online(s);
    set_can_speak(s, false);
    s->phase = PHASE_JOIN;
    s->join_at_us = at_us;
}

static void say_join(struct session *s)
{
    const struct irc_tuning *t = s->shared->tuning;
    irc_client_join(s->client, s->shared->channel);
    s->join_at_us = s->now_us + (s->join_tries < t->join_tries ? t->join_us : t->join_slow_us);
    if (s->join_tries++ == t->join_tries)
        irc_tell_state(s->shared, IRC_ALARM, "%s does not answer to JOIN; is the channel's name right?",
                       s->shared->channel);
}

static void on_welcome(struct session *s, const struct irc_event *ev)
{
    if (s->phase != PHASE_LOGIN)
        return;
    s->counters.logins++;
    if (ev->channel[0])
        text_copy(s->nick, sizeof s->nick, ev->channel);
    s->ping_at_us = s->now_us + s->shared->tuning->ping_us;
    irc_tell_state(s->shared, IRC_JOINING, "logged in to %s as %s", s->shared->host, s->nick);
    want_join(s, s->now_us);
}

static void on_joined(struct session *s)
{
    if (s->phase != PHASE_JOIN)
        return;
    s->phase = PHASE_ONLINE;
    s->online_since_us = s->now_us;
    s->join_tries = 0;
    set_can_speak(s, true);
    irc_tell_state(s->shared, IRC_ONLINE, "in %s%s", s->shared->channel,
                   s->id->read_only ? ", listening only" : "");
}

static void on_join_refused(struct session *s, const char *text)
{
    irc_tell_state(s->shared, IRC_ALARM, "%s cannot be joined: %s", s->shared->channel, text);
    want_join(s, s->now_us + s->shared->tuning->join_slow_us);
}

static void on_nick_taken(struct session *s)
{
    if (s->phase != PHASE_LOGIN)
        return;
    if (++s->nick_tries > NICK_TRIES) {
        end_session(s, IRC_END_LOGIN, "the nick %s and its like are taken", s->id->nick);
        return;
    }
    /* From the name that was wanted: the server may have renamed us to a number meanwhile. */
    snprintf(s->nick, sizeof s->nick, "%.40s%.*s", s->id->nick, s->nick_tries, "___");
    irc_client_nick(s->client, s->nick);
}

static void on_numeric(struct session *s, const struct irc_event *ev)
{
    switch (ev->numeric) {
    case 1:
        on_welcome(s, ev);
        break;
    case 353: /* names in the channel, and their end: proof that we are in */
    case 366:
        on_joined(s);
        break;
    case 432: /* nick refused */
    case 464: /* password refused */
    case 465: /* banned from the server */
        if (s->phase == PHASE_LOGIN)
            end_session(s, IRC_END_LOGIN, "%s", ev->message.text);
        break;
    case 433:
    case 436:
    case 437:
        on_nick_taken(s);
        break;
    case 403: /* no such channel; too many; full; by invitation; banned; key; bad name; registered nicks only
               */
    case 405:
    case 471:
    case 473:
    case 474:
    case 475:
    case 476:
    case 477:
        if (s->phase == PHASE_JOIN)
            on_join_refused(s, ev->message.text);
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

static void pause_speaking(struct session *s, int64_t for_us)
{
    pthread_mutex_lock(&s->shared->lock);
    irc_outbox_pause(&s->shared->outbox, s->now_us + for_us);
    pthread_mutex_unlock(&s->shared->lock);
}

static void on_notice(struct session *s, const struct irc_event *ev)
{
    if (s->phase == PHASE_LOGIN) {
        if (refuses_login(ev->message.text))
            end_session(s, IRC_END_LOGIN, "%s", ev->message.text);
        return;
    }
    if (strncmp(ev->id, "msg_", 4) != 0)
        return;
    log_warn("chat", "the server says: %s (%s)", ev->message.text, ev->id);
    if (strcmp(ev->id, "msg_ratelimit") == 0)
        pause_speaking(s, s->shared->tuning->pause_us);
    if (strcmp(ev->id, "msg_timedout") == 0 || strcmp(ev->id, "msg_banned") == 0)
        pause_speaking(s, 2 * s->shared->tuning->pause_us);
    if (strcmp(ev->id, "msg_channel_suspended") == 0 || strcmp(ev->id, "msg_banned") == 0)
        irc_tell_state(s->shared, IRC_ALARM, "%s", ev->message.text);
}

static void on_text(struct session *s, const struct irc_event *ev)
{
    const struct irc_events *to = s->shared->events;
    char reply[CHAT_REPLY_BYTES] = "";
    if (!is_our_channel(s, ev->channel) || is_us(s, ev->message.user))
        return;
    s->counters.messages++;
    if (to->on_line)
        to->on_line(to->context, &ev->message, reply);
    if (!reply[0])
        return;
    pthread_mutex_lock(&s->shared->lock);
    if (s->shared->can_speak)
        irc_outbox_push(&s->shared->outbox, IRC_SAY_REPLY, reply);
    pthread_mutex_unlock(&s->shared->lock);
}

static void on_removed(struct session *s, const struct irc_event *ev)
{
    const struct irc_events *to = s->shared->events;
    if (!is_our_channel(s, ev->channel))
        return;
    if (ev->kind == IRC_EV_DELETE && to->on_delete)
        to->on_delete(to->context, ev->id, ev->target);
    if (ev->kind == IRC_EV_CLEAR_USER && to->on_clear_user)
        to->on_clear_user(to->context, ev->target[0] ? ev->target : NULL);
}

static void on_event(void *context, uint64_t sequence)
{
    struct session *s = context;
    const struct irc_event *ev = irc_bridge_event(s->bridge, sequence);
    if (!ev || s->ended)
        return;
    switch (ev->kind) {
    case IRC_EV_NUMERIC:
        on_numeric(s, ev);
        break;
    case IRC_EV_CAP:
        set_limits(s, strcasecmp(ev->target, "ACK") == 0);
        break;
    case IRC_EV_JOIN:
        if (is_us(s, ev->message.user) && is_our_channel(s, ev->channel))
            on_joined(s);
        break;
    case IRC_EV_ROOM:
        if (is_our_channel(s, ev->channel))
            on_joined(s);
        break;
    case IRC_EV_PART:
        if (is_us(s, ev->message.user))
            want_join(s, s->now_us + s->shared->tuning->join_us);
        break;
    case IRC_EV_KICK:
        if (is_us(s, ev->target))
            want_join(s, s->now_us + s->shared->tuning->join_us);
        break;
    case IRC_EV_NICK:
        if (is_us(s, ev->message.user))
            text_copy(s->nick, sizeof s->nick, ev->target);
        break;
    case IRC_EV_TEXT:
        on_text(s, ev);
        break;
    case IRC_EV_NOTICE:
        on_notice(s, ev);
        break;
    case IRC_EV_CLEAR_USER:
    case IRC_EV_DELETE:
        on_removed(s, ev);
        break;
    case IRC_EV_RECONNECT:
        end_session(s, IRC_END_RECONNECT, "the server asked to reconnect");
        break;
    case IRC_EV_ERROR:
        log_info("chat", "the server's last words: %s", ev->message.text);
        break;
    default:
        break;
    }
}

/* PING by the clock; anything received after it is an answer. */
static void watch(struct session *s)
{
    const struct irc_tuning *t = s->shared->tuning;
    int64_t received = irc_bridge_received_us(s->bridge);
    if (s->dead_at_us != INT64_MAX && received > s->dead_at_us - t->pong_us)
        s->dead_at_us = INT64_MAX;
    if (s->now_us >= s->dead_at_us)
        end_session(s, IRC_END_NETWORK, "the server has been silent for %.0f s",
                    (double)(s->now_us - received) / 1e6);
    if (irc_bridge_stuck_us(s->bridge) <= s->now_us - t->pong_us)
        end_session(s, IRC_END_NETWORK, "the IRC library does not listen any more");
    if (s->phase != PHASE_LOGIN && s->now_us >= s->ping_at_us) {
        irc_bridge_send(s->bridge, "PING :reverie");
        s->ping_at_us = s->now_us + t->ping_us;
        if (s->dead_at_us == INT64_MAX)
            s->dead_at_us = s->now_us + t->pong_us;
    }
}

static void speak(struct session *s)
{
    char text[IRC_OUT_BYTES];
    pthread_mutex_lock(&s->shared->lock);
    size_t n = s->shared->can_speak ? irc_outbox_pop(&s->shared->outbox, s->now_us, text) : 0;
    pthread_mutex_unlock(&s->shared->lock);
    if (n == 0)
        return;
    if (irc_client_say(s->client, s->shared->channel, text) == 0)
        s->counters.sent++;
    else
        s->counters.dropped++;
}

static void run_timers(struct session *s)
{
    if (stop_requested(s->shared->stop))
        end_session(s, IRC_END_STOP, "stopped");
    if (s->phase == PHASE_LOGIN && s->now_us >= s->login_by_us)
        end_session(s, IRC_END_NETWORK, "%s does not greet", s->shared->host);
    if (s->phase == PHASE_JOIN && s->now_us >= s->join_at_us)
        say_join(s);
    watch(s);
    speak(s);
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_timer_us(struct session *s)
{
    int64_t next = min64(s->now_us + TURN_MAX_US, s->dead_at_us);
    next = min64(next, s->phase == PHASE_LOGIN ? s->login_by_us : s->ping_at_us);
    if (s->phase == PHASE_JOIN)
        next = min64(next, s->join_at_us);
    pthread_mutex_lock(&s->shared->lock);
    if (s->shared->can_speak)
        next = min64(next, irc_outbox_due_us(&s->shared->outbox));
    pthread_mutex_unlock(&s->shared->lock);
    return next;
}

static void publish_counters(struct session *s)
{
    struct irc_counters *to = &s->shared->counters;
    pthread_mutex_lock(&s->shared->lock);
    to->logins += s->counters.logins;
    to->lines += s->counters.lines;
    to->messages += s->counters.messages;
    to->foreign += s->counters.foreign;
    to->malformed += s->counters.malformed;
    to->too_long += s->counters.too_long;
    to->lost += s->counters.lost;
    to->sent += s->counters.sent;
    to->dropped += s->counters.dropped;
    pthread_mutex_unlock(&s->shared->lock);
    memset(&s->counters, 0, sizeof s->counters);
}

/* Waits, then lets bridge and library work. */
static void take_turn(struct session *s)
{
    fd_set readable, writable;
    int max_fd = s->shared->stop->fd > s->shared->wake_fd ? s->shared->stop->fd : s->shared->wake_fd;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(s->shared->stop->fd, &readable);
    FD_SET(s->shared->wake_fd, &readable);
    bool busy = irc_bridge_add(s->bridge, &readable, &writable, &max_fd);
    if (irc_client_add(s->client, &readable, &writable, &max_fd) < 0) {
        end_session(s, IRC_END_NETWORK, "the IRC library has closed");
        return;
    }
    int64_t wait_us = busy ? 0 : next_timer_us(s) - clock_real_us();
    struct timeval timeout = {.tv_usec = wait_us > 0 ? (suseconds_t)wait_us : 0};
    if (select(max_fd + 1, &readable, &writable, NULL, &timeout) < 0) {
        if (errno != EINTR)
            end_session(s, IRC_END_NETWORK, "select: %s", strerror(errno));
        return;
    }
    uint64_t count;
    if (FD_ISSET(s->shared->wake_fd, &readable) && read(s->shared->wake_fd, &count, sizeof count) < 0)
        log_debug("chat", "wake: %s", strerror(errno));

    struct error e = {""};
    s->now_us = clock_real_us();
    int rc = irc_client_process(s->client, &readable, &writable, &e);
    if (rc == 0)
        rc = irc_bridge_process(s->bridge, s->now_us, &e);
    if (rc < 0)
        end_session(s, IRC_END_NETWORK, "%s", e.text);
}

/* Everything up to the library's connect. 0, or ended. */
static int begin(struct session *s)
{
    const struct irc_shared *sh = s->shared;
    struct error e = {""};
    const struct transport_target target = {.host = sh->host,
                                            .port = sh->port,
                                            .ca_file = sh->ca_file,
                                            .resolver = sh->resolver,
                                            .deadline_us = s->now_us + sh->tuning->connect_us,
                                            .stop = sh->stop};
    int rc = transport_open(&s->server, sh->transport, &target, &e);
    if (rc < 0) {
        end_session(s,
                    rc == -ECANCELED ? IRC_END_STOP
                    : rc == -EACCES  ? IRC_END_IDENTITY
                                     : IRC_END_NETWORK,
                    "%s", e.text);
        return rc;
    }
    if (s->id->pass[0] && !sh->transport->encrypted && !sh->transport->is_local(s->server.priv)) {
        end_session(s, IRC_END_LOGIN, "the token is not sent without encryption; set chat.tls=true");
        return -EPERM;
    }
    rc = irc_bridge_open(&s->bridge, &s->server, s->id->pass, &s->counters, &e);
    if (rc == 0)
        rc = irc_client_open(&s->client, irc_bridge_port(s->bridge), irc_bridge_nonce(s->bridge), s->id->nick,
                             on_event, s, &e);
    if (rc < 0)
        end_session(s, IRC_END_NETWORK, "%s", e.text);
    return rc;
}

static void say_goodbye(struct session *s)
{
    if (s->bridge && s->phase != PHASE_LOGIN && irc_bridge_send(s->bridge, "QUIT :good night") == 0)
        irc_bridge_process(s->bridge, s->now_us, NULL);
}

void irc_session_run(struct irc_shared *shared, const struct irc_identity *id,
                     bool (*must_end)(void *context), void *context, struct irc_session_end *end)
{
    struct session s = {.shared = shared, .id = id, .end = end, .dead_at_us = INT64_MAX};
    memset(end, 0, sizeof *end);
    text_copy(s.nick, sizeof s.nick, id->nick);
    set_limits(&s, false);
    s.now_us = clock_real_us();
    if (begin(&s) == 0) {
        s.now_us = clock_real_us();
        s.login_by_us = s.now_us + shared->tuning->login_us;
        while (!s.ended) {
            take_turn(&s);
            s.now_us = clock_real_us();
            run_timers(&s);
            publish_counters(&s);
            if (must_end && s.phase == PHASE_ONLINE && must_end(context))
                end_session(&s, IRC_END_TOKEN, "trying the token again");
        }
        say_goodbye(&s);
    }
    leave_online(&s);
    end->online_us = s.online_us;
    set_can_speak(&s, false);
    irc_client_close(&s.client);
    irc_bridge_close(&s.bridge);
    transport_close(&s.server);
}
