/*
 * port - see port.h.
 */
#include "dreamer/port.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"
#include "common/thread.h"

enum { ANSWER_US = 20000 };

struct port {
    pthread_mutex_t lock; /* guards all below; leaf */
    pthread_cond_t changed;
    bool shut;
    int64_t asked, answered; /* questions so far, and the last one that has its answer */
    double now_s;            /* of the last question */
    bool has_target;         /* `target` is new to the dream */
    struct port_target target;
    int64_t targets; /* so far */
    struct port_state state;
    bool has_news; /* `state` is new since port_news */
    int wake_fd;   /* -1: none */
};

bool port_target_is_sound(const struct port_target *t)
{
    size_t n = strnlen(t->caption, sizeof t->caption);
    bool sound = t->number >= 0 && t->count >= 0 && t->count <= PORT_SUBJECTS_MAX && n < sizeof t->caption &&
                 text_line_bytes(t->caption, n) == n && isfinite(t->fade_s) && t->fade_s >= 0;
    for (int i = 0; i < PORT_SUBJECTS_MAX && sound; i++) {
        const struct port_subject *s = &t->subjects[i];
        sound = isfinite(s->weight) && isfinite(s->left) && isfinite(s->top) && isfinite(s->right) &&
                isfinite(s->bottom);
    }
    return sound;
}

int port_open(struct port **out)
{
    struct port *p = *out = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->wake_fd = -1;
    pthread_mutex_init(&p->lock, NULL);
    cond_init_monotonic(&p->changed);
    return 0;
}

void port_close(struct port **out)
{
    struct port *p = *out;
    if (!p)
        return;
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *out = NULL;
}

void port_shutdown(struct port *p)
{
    pthread_mutex_lock(&p->lock);
    p->shut = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

bool port_question(struct port *p, double *now_s)
{
    pthread_mutex_lock(&p->lock);
    while (!p->shut && p->answered == p->asked)
        cond_wait_us(&p->changed, &p->lock, -1);
    *now_s = p->now_s;
    bool open = !p->shut;
    pthread_mutex_unlock(&p->lock);
    return open;
}

void port_answer(struct port *p, const struct port_target *t)
{
    pthread_mutex_lock(&p->lock);
    p->answered = p->asked;
    if (t) {
        p->target = *t;
        p->targets = t->number > 0 ? t->number : p->targets + 1;
        p->target.number = p->targets;
        p->has_target = true;
    }
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void port_state(struct port *p, struct port_state *state)
{
    pthread_mutex_lock(&p->lock);
    *state = p->state;
    pthread_mutex_unlock(&p->lock);
}

/* A relay, if there is one. The lock is held. */
static void wake_locked(const struct port *p)
{
    const uint64_t one = 1;
    if (p->wake_fd >= 0) {
        ssize_t n = write(p->wake_fd, &one, sizeof one); /* fails only when it is readable already */
        (void)n;
    }
}

/* The lock is held: until the question has its answer, the port is shut, or the moment is over. */
static void wait_for_answer(struct port *p, int64_t question, bool waits)
{
    int64_t until_us = clock_real_us() + ANSWER_US;
    while (!p->shut && p->answered < question) {
        int64_t left_us = until_us - clock_real_us();
        if (!waits && left_us <= 0)
            return;
        cond_wait_us(&p->changed, &p->lock, waits ? -1 : left_us);
    }
}

bool port_ask(struct port *p, double now_s, bool waits, struct port_target *t)
{
    pthread_mutex_lock(&p->lock);
    p->now_s = now_s;
    int64_t question = ++p->asked;
    pthread_cond_broadcast(&p->changed);
    wake_locked(p);
    wait_for_answer(p, question, waits);
    bool has = p->has_target;
    if (has)
        *t = p->target;
    p->has_target = false;
    pthread_mutex_unlock(&p->lock);
    return has;
}

void port_tell(struct port *p, const struct port_state *state)
{
    pthread_mutex_lock(&p->lock);
    p->state = *state;
    p->has_news = true;
    wake_locked(p);
    pthread_mutex_unlock(&p->lock);
}

void port_set_wake_fd(struct port *p, int fd)
{
    pthread_mutex_lock(&p->lock);
    p->wake_fd = fd;
    pthread_mutex_unlock(&p->lock);
}

int64_t port_pending(struct port *p, double *now_s)
{
    pthread_mutex_lock(&p->lock);
    int64_t question = p->answered < p->asked ? p->asked : 0;
    *now_s = p->now_s;
    pthread_mutex_unlock(&p->lock);
    return question;
}

bool port_news(struct port *p, struct port_state *state)
{
    pthread_mutex_lock(&p->lock);
    bool has_news = p->has_news;
    *state = p->state;
    p->has_news = false;
    pthread_mutex_unlock(&p->lock);
    return has_news;
}
