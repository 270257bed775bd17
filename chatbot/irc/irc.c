/*
 * irc - see irc.h: the chat thread, one session after the other, and who we are in each.
 */
#include "chatbot/irc/irc.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "chatbot/irc/session.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "config/config.h"

enum { CHANNEL_MAX_BYTES = 80, NICK_MAX_BYTES = 40 };

struct irc {
    struct irc_config config; /* immutable after open, with the next two */
    struct irc_events events;
    struct irc_tuning tuning;
    struct irc_shared shared; /* has its own lock */
    struct stop stop;
    struct thread thread;

    struct irc_life life;              /* chat thread only, with what follows */
    bool is_fallback;                  /* this session listens anonymously because a token was refused */
    char refused[OPTION_STRING_BYTES]; /* that token */
    int64_t refused_us, looked_us;
};

static bool is_twitch(const struct irc *irc)
{
    static const char domain[] = "twitch.tv";
    size_t n = strlen(irc->config.server), d = sizeof domain - 1;
    return n >= d && strcasecmp(irc->config.server + n - d, domain) == 0;
}

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

/* The current token, "" for none. Never older than the file it comes from. */
static int read_token(const struct irc *irc, char out[OPTION_STRING_BYTES], struct error *e)
{
    struct irc_config fresh = {.port = 0};
    const struct config_entry entry = {&irc_section, &fresh};
    const struct config only = {.entries = &entry, .count = 1};
    const char *prefix = "";
    out[0] = '\0';
    int rc = config_read_secrets(&only, e);
    const char *token = fresh.token[0] ? fresh.token : irc->config.token;
    if (rc == 0 && strpbrk(token, " \t\r\n"))
        rc = error_set(e, EINVAL, "the token has a blank or a line break in it");
    if (rc == 0 && is_twitch(irc) && token[0] && strncasecmp(token, "oauth:", 6) != 0)
        prefix = "oauth:";
    if (rc == 0 && snprintf(out, OPTION_STRING_BYTES, "%s%s", prefix, token) >= OPTION_STRING_BYTES) {
        out[0] = '\0';
        rc = error_set(e, EINVAL, "the token is too long");
    }
    explicit_bzero(&fresh, sizeof fresh);
    return rc;
}

static void be_anonymous(struct irc *irc, struct irc_identity *id)
{
    snprintf(id->nick, sizeof id->nick, "justinfan%u", 10000 + rng_below(&irc->life.rng, 90000));
    id->pass[0] = '\0';
    id->read_only = true;
}

/* A refused token is not tried again before its time, but a new one at once. */
static bool is_refused(const struct irc *irc, const char *token)
{
    return irc->refused_us && strcmp(token, irc->refused) == 0 &&
           clock_real_us() - irc->refused_us < irc->tuning.fallback_us;
}

static void choose_identity(struct irc *irc, struct irc_identity *id)
{
    struct error e = {""};
    irc->is_fallback = false;
    id->read_only = false;
    snprintf(id->nick, sizeof id->nick, "%.*s", NICK_MAX_BYTES, irc->config.nick);
    if (is_twitch(irc))
        lower(id->nick);
    if (!id->nick[0]) {
        be_anonymous(irc, id);
        return;
    }
    if (read_token(irc, id->pass, &e) < 0)
        log_warn("chat", "chat.token: %s", e.text);
    bool lacks_token = is_twitch(irc) && !id->pass[0];
    if (lacks_token && irc->config.anonymous_fallback)
        irc_tell_state(
            &irc->shared, IRC_ALARM,
            "there is no token for %s: listening only; set REVERIE_CHAT_TOKEN or REVERIE_CHAT_TOKEN_FILE",
            irc->config.nick);
    if (irc->config.anonymous_fallback && (lacks_token || is_refused(irc, id->pass))) {
        if (!irc->refused_us || strcmp(irc->refused, id->pass) != 0)
            irc->refused_us = clock_real_us();
        text_copy(irc->refused, sizeof irc->refused, id->pass);
        irc->is_fallback = true;
        irc->looked_us = clock_real_us();
        be_anonymous(irc, id);
    }
}

/* A fallback ends when there is another token, or when the refused one deserves another try. */
static bool fallback_is_over(void *context)
{
    struct irc *irc = context;
    int64_t now = clock_real_us();
    char token[OPTION_STRING_BYTES];
    if (now - irc->looked_us < irc->tuning.login_retry_us)
        return false;
    irc->looked_us = now;
    bool over = read_token(irc, token, NULL) == 0 && token[0] && !is_refused(irc, token);
    explicit_bzero(token, sizeof token);
    return over;
}

/* What the end of a session means for the next one. */
static enum irc_outcome judge(struct irc *irc, const struct irc_identity *id,
                              const struct irc_session_end *end)
{
    if (end->outcome != IRC_END_LOGIN || id->read_only || !irc->config.anonymous_fallback)
        return end->outcome;
    text_copy(irc->refused, sizeof irc->refused, id->pass);
    irc->refused_us = clock_real_us();
    irc_tell_state(&irc->shared, IRC_ALARM,
                   "%s refuses the login of %s (%s): listening only until there is another token",
                   irc->config.server, id->nick, end->why.text);
    return IRC_END_NETWORK; /* the anonymous login may follow soon */
}

static void wait_until(struct irc *irc, int64_t until_us)
{
    struct pollfd fd = {.fd = irc->stop.fd, .events = POLLIN};
    for (int64_t left_us; !stop_requested(&irc->stop) && (left_us = until_us - clock_real_us()) > 0;)
        poll(&fd, 1, (int)(left_us / 1000 + 1));
}

static void tell_wait(struct irc *irc, const struct irc_session_end *end, enum irc_outcome outcome,
                      int64_t until_us)
{
    double wait_s = (double)(until_us - clock_real_us()) / 1e6;
    bool alarm = outcome == IRC_END_LOGIN || outcome == IRC_END_IDENTITY;
    irc_tell_state(&irc->shared, alarm ? IRC_ALARM : IRC_WAITING, "%s; next attempt in %.1f s", end->why.text,
                   wait_s > 0 ? wait_s : 0.0);
}

static void *irc_main(void *arg)
{
    struct irc *irc = arg;
    struct irc_identity id = {.read_only = true};
    struct irc_session_end end;
    while (!stop_requested(&irc->stop)) {
        irc_life_attempt(&irc->life, clock_real_us());
        pthread_mutex_lock(&irc->shared.lock);
        irc->shared.counters.attempts++;
        pthread_mutex_unlock(&irc->shared.lock);
        choose_identity(irc, &id);
        irc_tell_state(&irc->shared, IRC_CONNECTING, "connecting to %s port %d", irc->shared.host,
                       irc->shared.port);
        irc_session_run(&irc->shared, &id, irc->is_fallback ? fallback_is_over : NULL, irc, &end);
        if (end.outcome == IRC_END_STOP)
            break;
        enum irc_outcome outcome = judge(irc, &id, &end);
        explicit_bzero(id.pass, sizeof id.pass);
        int64_t next_us = irc_life_next_us(&irc->life, outcome, end.online_us, clock_real_us());
        tell_wait(irc, &end, outcome, next_us);
        wait_until(irc, next_us);
    }
    explicit_bzero(id.pass, sizeof id.pass);
    return NULL;
}

static bool is_word(const char *s, size_t max_bytes)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || strchr(",:!@*?%", s[i]))
            return false;
    return n > 0 && n <= max_bytes;
}

/* What was meant by the address of a channel's page, or by "@name". */
static void guess_channel(const char *text, char out[CHANNEL_MAX_BYTES + 1])
{
    const char *end = strpbrk(text, "?# \t"), *page = strstr(text, "twitch.tv/");
    const char *name = page ? page + strlen("twitch.tv/") : text;
    name += strspn(name, "@#/");
    size_t n = strcspn(name, "/?# \t");
    snprintf(out, CHANNEL_MAX_BYTES + 1, "%.*s", end && end < name ? 0 : (int)n, name);
}

static int refuse_channel(const char *channel, struct error *e)
{
    char guess[CHANNEL_MAX_BYTES + 1];
    guess_channel(channel, guess);
    if (is_word(guess, CHANNEL_MAX_BYTES))
        return error_set(e, EINVAL, "chat.channel \"%.200s\" is not a valid channel name; did you mean %s?",
                         channel, guess);
    return error_set(
        e, EINVAL,
        "chat.channel \"%.200s\" is not a valid channel name; on Twitch it is the streamer's login", channel);
}

/* `bad`: what a server's name must not hold. */
static int valid_but(const struct irc_config *c, const char *bad, struct error *e)
{
    if (!c->channel[0])
        return error_set(e, EINVAL,
                         "chat.channel is empty; set it to the channel to join (chat.channel=NAME)");
    if (!is_word(c->channel, CHANNEL_MAX_BYTES) || strstr(c->channel, "twitch.tv/"))
        return refuse_channel(c->channel, e);
    if (c->nick[0] && !is_word(c->nick, NICK_MAX_BYTES))
        return error_set(e, EINVAL,
                         "chat.nick \"%s\" is not a valid name for a bot; it is one word without :,!@*?%%",
                         c->nick);
    if (!c->server[0] || c->server[0] == '-' || strpbrk(c->server, bad))
        return error_set(e, EINVAL, "chat.server \"%s\" is not a host name; write it without irc:// and path",
                         c->server);
    return 0;
}

int irc_valid(const struct irc_config *c, struct error *e)
{
    return valid_but(c, " \t\r\n/", e);
}

static int start(struct irc *irc, struct error *e)
{
    struct irc_shared *s = &irc->shared;
    int rc = stop_init(&irc->stop);
    if (rc == 0 && irc->stop.fd >= FD_SETSIZE)
        rc = -EMFILE;
    if (rc == 0)
        rc = resolver_open(&s->resolver, irc->tuning.lookup, irc->tuning.lookup_context);
    if (rc == 0)
        rc = thread_start(&irc->thread, "chat-irc", irc_main, irc);
    return rc < 0 ? error_set(e, -rc, "cannot start the chat: %s", strerror(-rc)) : 0;
}

int irc_open(struct irc **out, const struct irc_config *config, const struct irc_events *events,
             const struct irc_tuning *tuning, struct error *e)
{
    *out = NULL;
    /* A transport of the caller's may have paths for hosts. */
    int rc = tuning && tuning->transport ? valid_but(config, " \t\r\n", e) : irc_valid(config, e);
    if (rc < 0)
        return rc;
    struct irc *irc = xcalloc(1, sizeof *irc);
    *out = irc;
    irc->config = *config;
    irc->events = *events;
    irc->tuning = tuning ? *tuning : irc_tuning_default;
    irc->stop.fd = -1;
    struct irc_shared *s = &irc->shared;
    s->tuning = &irc->tuning;
    s->events = &irc->events;
    s->host = irc->config.server;
    s->ca_file = irc->config.ca_file;
    s->port = (int)irc->config.port;
    s->transport = irc->tuning.transport ? irc->tuning.transport : transport_find(irc->config.tls);
    s->stop = &irc->stop;
    snprintf(s->channel, sizeof s->channel, "%s%.*s", strchr("#&", config->channel[0]) ? "" : "#",
             CHANNEL_MAX_BYTES, config->channel);
    lower(s->channel);
    pthread_mutex_init(&s->lock, NULL);
    irc_outbox_init(&s->outbox, &irc->tuning.limits);
    uint64_t seed = (uint64_t)clock_real_us();
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
        log_debug("chat", "no random numbers yet: %s", strerror(errno));
    irc_life_init(&irc->life, &irc->tuning, seed);

    rc = start(irc, e);
    if (rc < 0)
        irc_close(out);
    return rc;
}

void irc_close(struct irc **out)
{
    struct irc *irc = *out;
    if (!irc)
        return;
    if (irc->stop.fd >= 0)
        stop_request(&irc->stop);
    thread_join(&irc->thread);
    resolver_close(&irc->shared.resolver);
    stop_close(&irc->stop);
    pthread_mutex_destroy(&irc->shared.lock);
    explicit_bzero(irc, sizeof *irc);
    free(irc);
    *out = NULL;
}

void irc_counters(struct irc *irc, struct irc_counters *out)
{
    pthread_mutex_lock(&irc->shared.lock);
    *out = irc->shared.counters;
    out->merged = irc->shared.outbox.merged;
    out->dropped += irc->shared.outbox.dropped;
    pthread_mutex_unlock(&irc->shared.lock);
}
