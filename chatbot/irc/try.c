/*
 * try - irc_try of irc.h: one login as a show makes it, watched from outside.
 *
 * The chat thread is started on the same settings and its states are waited for, so that what is tried is what will
 * run. An alarm may come before the way into the channel goes on (no token: listening only), so it ends the wait only
 * when nothing follows it.
 */
#include "chatbot/irc/irc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "common/thread.h"

enum { AFTER_ALARM_US = 3000000, STATE_BYTES = 512 };

struct trial {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum irc_state state;
    char text[STATE_BYTES];  /* of the state */
    char alarm[STATE_BYTES]; /* the last one, "": none */
    int64_t alarm_us;        /* clock_real_us; 0: none, or something followed it */
};

static void on_state(void *context, enum irc_state state, const char *text)
{
    struct trial *t = context;
    pthread_mutex_lock(&t->lock);
    t->state = state;
    text_copy(t->text, sizeof t->text, text);
    if (state == IRC_ALARM)
        text_copy(t->alarm, sizeof t->alarm, text);
    t->alarm_us = state == IRC_ALARM ? clock_real_us() : 0;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

/* Under the lock. */
static bool is_decided(const struct trial *t)
{
    return t->state == IRC_ONLINE || t->state == IRC_WAITING ||
           (t->alarm_us && clock_real_us() - t->alarm_us > AFTER_ALARM_US);
}

static void wait_for_end(struct trial *t, double timeout_s)
{
    int64_t until_us = clock_real_us() + (int64_t)(timeout_s * 1e6);
    pthread_mutex_lock(&t->lock);
    while (!is_decided(t) && clock_real_us() < until_us)
        cond_wait_us(&t->changed, &t->lock, 100000);
    pthread_mutex_unlock(&t->lock);
}

/* After the thread has ended. What a show would do next is of no interest here. */
static int judge(const struct trial *t, const struct irc_config *c, char *text, size_t size, struct error *e)
{
    if (t->state == IRC_ONLINE && t->alarm[0]) {
        text_copy(text, size, t->alarm);
        return 1;
    }
    if (t->state == IRC_ONLINE) {
        snprintf(text, size, "%s on %s, %s", c->channel, c->server,
                 c->nick[0] ? "can listen and speak" : "listening only: chat.nick is empty");
        return 0;
    }
    const char *why = t->alarm[0] ? t->alarm : t->text;
    const char *next = strstr(why, "; next attempt in");
    return error_set(e, EIO, "%.*s", next ? (int)(next - why) : (int)strlen(why), why);
}

int irc_try(const struct irc_config *config, double timeout_s, char *text, size_t size, struct error *e)
{
    struct trial t = {.lock = PTHREAD_MUTEX_INITIALIZER, .state = IRC_CONNECTING};
    struct irc_events events = {.context = &t, .on_state = on_state};
    struct irc *irc;
    cond_init_monotonic(&t.changed);
    int rc = irc_open(&irc, config, &events, NULL, e);
    if (rc == 0) {
        wait_for_end(&t, timeout_s);
        irc_close(&irc);
        rc = judge(&t, config, text, size, e);
    }
    pthread_cond_destroy(&t.changed);
    return rc;
}
