/*
 * town - see town.h.
 */
#include "rehearsal/town.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"

enum { HEARD_MAX = 256 };
static const double PATIENCE_S = 30, /* an answer that comes later is none */
    LAST_WORDS_S = 20; /* before the end, or half of a short rehearsal: the answer might have come still */

/* A line that was said and may yet be answered. */
struct heard {
    long number; /* 0: this place is free */
    double at_s;
    enum crowd_kind kind;
    bool wants_answer;
    char user[CROWD_USER_BYTES];
};

struct town {
    struct town_params p;
    pthread_mutex_t lock; /* leaf; guards all below */
    int64_t began_us;     /* 0: nobody has come in yet */
    bool is_in, hangs_up;
    double clock_off_s;
    struct crowd crowd;
    struct crowd_line next;
    long number;                   /* of the latest line */
    struct heard heard[HEARD_MAX]; /* line n at n % HEARD_MAX */
    struct town_figures f;
    double times_s[TOWN_TIMES_MAX]; /* from line to answer; the first ones */
    int times;
};

struct town *town_open(const struct town_params *p)
{
    struct town *t = xcalloc(1, sizeof *t);
    t->p = *p;
    pthread_mutex_init(&t->lock, NULL);
    crowd_begin(&t->crowd, &p->crowd);
    crowd_next(&t->crowd, &t->next);
    return t;
}

void town_close(struct town **t)
{
    if (*t)
        pthread_mutex_destroy(&(*t)->lock);
    free(*t);
    *t = NULL;
}

/* Locked. */
static double now_s(const struct town *t)
{
    return t->began_us ? (double)(clock_real_us() - t->began_us) / 1e6 : 0;
}

double town_now_s(struct town *t)
{
    pthread_mutex_lock(&t->lock);
    double s = now_s(t);
    pthread_mutex_unlock(&t->lock);
    return s;
}

/* ---- the door ---- */

/* Locked. What was said to a bot that has gone is nobody's fault. */
static void forgive_all(struct town *t)
{
    for (int i = 0; i < HEARD_MAX; i++) {
        struct heard *h = &t->heard[i];
        if (h->number && h->wants_answer) {
            t->f.wanted--;
            t->f.moderators -= h->kind == CROWD_MODERATOR;
        }
        h->number = 0;
    }
}

void town_join(struct town *t)
{
    pthread_mutex_lock(&t->lock);
    if (!t->began_us)
        t->began_us = clock_real_us();
    t->is_in = true;
    t->f.connections++;
    while (t->next.at_s < now_s(t)) /* said while nobody was there to hear it */
        crowd_next(&t->crowd, &t->next);
    pthread_mutex_unlock(&t->lock);
}

void town_leave(struct town *t)
{
    pthread_mutex_lock(&t->lock);
    t->is_in = false;
    forgive_all(t);
    pthread_mutex_unlock(&t->lock);
}

static bool wants_answer(const struct town *t, const struct crowd_line *l)
{
    if (!crowd_wants_answer(l->kind) || t->p.answers_none || (l->is_bare && !t->p.answers_bare))
        return false;
    return l->is_moderator || t->p.answers_people;
}

/* Locked. */
static void write_down(struct town *t, const struct crowd_line *l)
{
    struct heard *h = &t->heard[++t->number % HEARD_MAX];
    *h = (struct heard){
        .number = t->number, .at_s = now_s(t), .kind = l->kind, .wants_answer = wants_answer(t, l)};
    text_copy(h->user, sizeof h->user, l->user);
    t->f.said[l->kind]++;
    t->f.wanted += h->wants_answer;
    t->f.moderators += h->wants_answer && l->kind == CROWD_MODERATOR;
    t->f.silent += crowd_wants_silence(l->kind);
}

bool town_next(struct town *t, struct crowd_line *out, long *number)
{
    pthread_mutex_lock(&t->lock);
    bool due = t->is_in && t->next.at_s <= now_s(t) && t->next.at_s < t->p.length_s;
    if (due) {
        *out = t->next;
        write_down(t, out);
        *number = t->number;
        crowd_next(&t->crowd, &t->next);
    }
    pthread_mutex_unlock(&t->lock);
    return due;
}

/* Locked. */
static void answered(struct town *t, struct heard *h)
{
    double after_s = now_s(t) - h->at_s;
    if (h->number == 0 || after_s > PATIENCE_S)
        return;
    t->f.disturbed += crowd_wants_silence(h->kind);
    if (h->wants_answer) {
        t->f.answered++;
        t->f.moderators_answered += h->kind == CROWD_MODERATOR;
        if (t->times < TOWN_TIMES_MAX)
            t->times_s[t->times++] = after_s;
    }
    h->number = 0;
}

static bool names(const char *text, const char *user)
{
    size_t n = strlen(user);
    for (const char *at = strchr(text, '@'); at; at = strchr(at + 1, '@'))
        if (strncasecmp(at + 1, user, n) == 0 && !strchr("0123456789", at[1 + n] ? at[1 + n] : 'x'))
            return true;
    return false;
}

void town_hear(struct town *t, long thread, const char *text)
{
    pthread_mutex_lock(&t->lock);
    t->f.replies++;
    if (strcasestr(text, CROWD_MARK) && t->f.leaks++ == 0)
        text_copy(t->f.leak, sizeof t->f.leak, text);
    struct heard *h = thread > 0 ? &t->heard[thread % HEARD_MAX] : NULL;
    if (h && h->number == thread)
        answered(t, h);
    for (int i = 0; thread == 0 && i < HEARD_MAX; i++)
        if (t->heard[i].wants_answer && names(text, t->heard[i].user))
            answered(t, &t->heard[i]);
    pthread_mutex_unlock(&t->lock);
}

bool town_hangs_up(struct town *t)
{
    pthread_mutex_lock(&t->lock);
    bool yes = t->hangs_up;
    t->hangs_up = false;
    pthread_mutex_unlock(&t->lock);
    return yes;
}

double town_clock_off_s(struct town *t)
{
    pthread_mutex_lock(&t->lock);
    double s = t->clock_off_s;
    pthread_mutex_unlock(&t->lock);
    return s;
}

void town_hang_up(struct town *t)
{
    pthread_mutex_lock(&t->lock);
    t->hangs_up = t->is_in;
    pthread_mutex_unlock(&t->lock);
}

void town_set_clock(struct town *t, double off_s)
{
    pthread_mutex_lock(&t->lock);
    t->clock_off_s = off_s;
    pthread_mutex_unlock(&t->lock);
}

/* ---- the show ---- */

void town_taken(struct town *t, const char *user, const char *text, double in_s)
{
    pthread_mutex_lock(&t->lock);
    struct town_wish *w = &t->f.wish[t->f.wishes++ % TOWN_WISHES_MAX];
    *w = (struct town_wish){.asked_s = now_s(t), .promised_s = now_s(t) + in_s, .shown_s = -1};
    text_copy(w->user, sizeof w->user, user);
    text_copy(w->text, sizeof w->text, text);
    pthread_mutex_unlock(&t->lock);
}

/* A viewer has one wish at a time: the latest is the one that came. */
void town_shown(struct town *t, const char *user)
{
    pthread_mutex_lock(&t->lock);
    for (long i = t->f.wishes - 1; i >= 0 && i > t->f.wishes - TOWN_WISHES_MAX; i--) {
        struct town_wish *w = &t->f.wish[i % TOWN_WISHES_MAX];
        if (w->shown_s >= 0 || strcasecmp(w->user, user) != 0)
            continue;
        w->shown_s = now_s(t);
        t->f.shown++;
        break;
    }
    pthread_mutex_unlock(&t->lock);
}

/* ---- figures ---- */

long town_replies(struct town *t)
{
    pthread_mutex_lock(&t->lock);
    long replies = t->f.replies;
    pthread_mutex_unlock(&t->lock);
    return replies;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int count, double share)
{
    if (count == 0)
        return -1;
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[(int)(share * (count - 1))];
}

static double promise_error_s(const struct town_figures *f)
{
    double off_s[TOWN_WISHES_MAX];
    int count = 0;
    for (int i = 0; i < f->wish_count; i++)
        if (f->wish[i].shown_s >= 0) {
            double off = f->wish[i].shown_s - f->wish[i].promised_s;
            off_s[count++] = off < 0 ? -off : off;
        }
    return quantile(off_s, count, 0.5);
}

void town_figures(struct town *t, struct town_figures *out)
{
    pthread_mutex_lock(&t->lock);
    double end_s = now_s(t) < t->p.length_s ? now_s(t) : t->p.length_s;
    double last_words_s = end_s / 2 < LAST_WORDS_S ? end_s / 2 : LAST_WORDS_S;
    *out = t->f;
    for (int i = 0; i < HEARD_MAX; i++) {
        const struct heard *h = &t->heard[i];
        if (h->number && h->wants_answer && h->at_s > end_s - last_words_s) {
            out->wanted--;
            out->moderators -= h->kind == CROWD_MODERATOR;
        }
    }
    out->median_s = quantile(t->times_s, t->times, 0.5);
    out->late_s = quantile(t->times_s, t->times, 0.95);
    out->wish_count = out->wishes < TOWN_WISHES_MAX ? (int)out->wishes : TOWN_WISHES_MAX;
    out->promise_s = promise_error_s(out);
    pthread_mutex_unlock(&t->lock);
}
