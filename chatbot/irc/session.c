/*
 * session - see session.h.
 *
 * One loop around select(): the library insists on it, so every descriptor in it is below FD_SETSIZE
 * (checked where each is made). Timers are plain deadlines that the loop looks at; nothing in it waits
 * longer than TURN_MAX_US.
 */
#include "chatbot/irc/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chatbot/irc/bridge.h"
#include "chatbot/irc/channel.h"
#include "common/clock.h"
#include "common/log.h"

enum { TURN_MAX_US = 500000 };

struct session {
    struct irc_shared *shared;
    struct irc_channel channel; /* what the events do */
    struct transport server;
    struct irc_bridge *bridge;
    struct irc_counters counters; /* since they were last added to the shared ones */
    int64_t login_by_us, ping_at_us;
    int64_t dead_at_us; /* INT64_MAX: no PING is out */
};

void irc_tell_state(const struct irc_shared *s, enum irc_state state, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (s->events->on_state)
        s->events->on_state(s->events->context, state, text);
}

static void on_event(void *context, uint64_t sequence)
{
    struct session *s = context;
    const struct irc_event *ev = irc_bridge_event(s->bridge, sequence);
    if (ev)
        irc_channel_event(&s->channel, ev);
}

/* PING by the clock; anything received after it is an answer. */
static void watch(struct session *s)
{
    const struct irc_tuning *t = s->shared->tuning;
    int64_t received = irc_bridge_received_us(s->bridge);
    if (s->dead_at_us != INT64_MAX && received > s->dead_at_us - t->pong_us)
        s->dead_at_us = INT64_MAX;
    if (s->channel.now_us >= s->dead_at_us)
        irc_channel_end(&s->channel, IRC_END_NETWORK, "the server has been silent for %.0f s",
                        (double)(s->channel.now_us - received) / 1e6);
    if (irc_bridge_stuck_us(s->bridge) <= s->channel.now_us - t->pong_us)
        irc_channel_end(&s->channel, IRC_END_NETWORK, "the IRC library does not listen any more");
    if (s->channel.phase == IRC_PHASE_LOGIN) {
        s->ping_at_us = s->channel.now_us + t->ping_us; /* the greeting has a deadline of its own */
    } else if (s->channel.now_us >= s->ping_at_us) {
        irc_bridge_send(s->bridge, "PING :reverie");
        s->ping_at_us = s->channel.now_us + t->ping_us;
        if (s->dead_at_us == INT64_MAX)
            s->dead_at_us = s->channel.now_us + t->pong_us;
    }
}

/* A reply in the thread of the line that it answers. The library cannot say tags, so it goes past it. */
static int say_in_thread(struct session *s, const struct irc_out *out)
{
    char line[IRC_OUT_BYTES + IRC_NAME_BYTES + IRC_ID_BYTES + 64];
    snprintf(line, sizeof line, "@reply-parent-msg-id=%s PRIVMSG %s :%s", out->parent, s->shared->channel,
             out->text);
    return irc_bridge_send(s->bridge, line);
}

static void speak(struct session *s)
{
    struct irc_out out;
    pthread_mutex_lock(&s->shared->lock);
    size_t n = s->shared->can_speak ? irc_outbox_pop(&s->shared->outbox, s->channel.now_us, &out) : 0;
    pthread_mutex_unlock(&s->shared->lock);
    if (n == 0)
        return;
    int rc = out.parent[0] ? say_in_thread(s, &out)
                           : irc_client_say(s->channel.client, s->shared->channel, out.text);
    if (rc == 0)
        s->counters.sent++;
    else
        s->counters.dropped++;
}

static void run_timers(struct session *s)
{
    if (stop_requested(s->shared->stop))
        irc_channel_end(&s->channel, IRC_END_STOP, "stopped");
    if (s->channel.phase == IRC_PHASE_LOGIN && s->channel.now_us >= s->login_by_us)
        irc_channel_end(&s->channel, IRC_END_NETWORK, "%s does not greet", s->shared->host);
    if (s->channel.phase == IRC_PHASE_JOIN && s->channel.now_us >= s->channel.join_at_us)
        irc_channel_join(&s->channel);
    watch(s);
    irc_channel_turn(&s->channel);
    speak(s);
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_timer_us(struct session *s)
{
    int64_t next = min64(s->channel.now_us + TURN_MAX_US, s->dead_at_us);
    next = min64(next, s->channel.phase == IRC_PHASE_LOGIN ? s->login_by_us : s->ping_at_us);
    if (s->channel.phase == IRC_PHASE_JOIN)
        next = min64(next, s->channel.join_at_us);
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
    int max_fd = s->shared->stop->fd;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(s->shared->stop->fd, &readable);
    bool busy = irc_bridge_add(s->bridge, &readable, &writable, &max_fd);
    if (irc_client_add(s->channel.client, &readable, &writable, &max_fd) < 0) {
        irc_channel_end(&s->channel, IRC_END_NETWORK, "the IRC library has closed");
        return;
    }
    int64_t wait_us = busy ? 0 : next_timer_us(s) - clock_real_us();
    struct timeval timeout = {.tv_usec = wait_us > 0 ? (suseconds_t)wait_us : 0};
    if (select(max_fd + 1, &readable, &writable, NULL, &timeout) < 0) {
        if (errno != EINTR)
            irc_channel_end(&s->channel, IRC_END_NETWORK, "select: %s", strerror(errno));
        return;
    }

    struct error e = {""};
    s->channel.now_us = clock_real_us();
    int rc = irc_client_process(s->channel.client, &readable, &writable, &e);
    if (rc == 0)
        rc = irc_bridge_process(s->bridge, s->channel.now_us, &e);
    if (rc < 0)
        irc_channel_end(&s->channel, IRC_END_NETWORK, "%s", e.text);
}

static int attach_library(struct session *s, struct error *e)
{
    const struct irc_client_params params = {.port = irc_bridge_port(s->bridge),
                                             .password = irc_bridge_nonce(s->bridge),
                                             .nick = s->channel.id->nick,
                                             .on_event = on_event,
                                             .context = s};
    return irc_client_open(&s->channel.client, &params, e);
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
                                            .deadline_us = s->channel.now_us + sh->tuning->connect_us,
                                            .stop = sh->stop,
                                            .town = sh->tuning->town};
    int rc = transport_open(&s->server, sh->transport, &target, &e);
    if (rc < 0) {
        irc_channel_end(&s->channel,
                        rc == -ECANCELED ? IRC_END_STOP
                        : rc == -EACCES  ? IRC_END_IDENTITY
                                         : IRC_END_NETWORK,
                        "%s", e.text);
        return rc;
    }
    if (s->channel.id->pass[0] && !transport_is_private(&s->server)) {
        irc_channel_end(&s->channel, IRC_END_LOGIN,
                        "the token is not sent without encryption; set chat.tls=true");
        return -EPERM;
    }
    rc = irc_bridge_open(&s->bridge, &s->server, s->channel.id->pass, &s->counters, &e);
    if (rc == 0)
        rc = attach_library(s, &e);
    if (rc < 0)
        irc_channel_end(&s->channel, IRC_END_NETWORK, "%s", e.text);
    return rc;
}

static void say_goodbye(struct session *s)
{
    if (s->bridge && s->channel.phase != IRC_PHASE_LOGIN &&
        irc_bridge_send(s->bridge, "QUIT :good night") == 0)
        irc_bridge_process(s->bridge, s->channel.now_us, NULL);
}

void irc_session_run(struct irc_shared *shared, const struct irc_identity *id,
                     bool (*must_end)(void *context), void *context, struct irc_session_end *end)
{
    struct session s = {.shared = shared, .dead_at_us = INT64_MAX};
    memset(end, 0, sizeof *end);
    irc_channel_open(&s.channel, shared, id, &s.counters, end);
    s.channel.now_us = clock_real_us();
    if (begin(&s) == 0) {
        s.channel.now_us = clock_real_us();
        s.login_by_us = s.channel.now_us + shared->tuning->login_us;
        while (!s.channel.ended) {
            take_turn(&s);
            s.channel.now_us = clock_real_us();
            run_timers(&s);
            publish_counters(&s);
            if (must_end && s.channel.phase == IRC_PHASE_ONLINE && must_end(context))
                irc_channel_end(&s.channel, IRC_END_TOKEN, "trying the token again");
        }
        say_goodbye(&s);
    }
    irc_channel_close(&s.channel);
    irc_client_close(&s.channel.client);
    irc_bridge_close(&s.bridge);
    transport_close(&s.server);
}
