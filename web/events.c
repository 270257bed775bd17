/*
 * events - the state as server-sent events: "status" every second and at each change, "now" when the picture begins
 * to show another dream, "alarm" for operators.
 *
 * A reader is owed only the latest state: one that is slow misses those in between, and costs no memory.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "web/site.h"

enum { COMMENT_US = 15000000 };

struct reader {
    struct web *web;
    bool is_operator;
    int64_t board, turn, alarm; /* the last ones told */
    int64_t told_us;
    char *text; /* owned: on its way; NULL: nothing is */
    size_t sent, bytes;
};

static void append(struct reader *r, char *text)
{
    char *all = r->text ? xasprintf("%s%s", r->text, text) : xstrdup(text);
    free(r->text);
    free(text);
    r->text = all;
    r->bytes = strlen(all);
}

static void tell_now(struct reader *r)
{
    const struct web_status *s = &r->web->status;
    if (s->now.turn == r->turn || s->now.count == 0)
        return;
    r->turn = s->now.turn;
    char *json = site_json_text(site_dream_json(&s->now));
    append(r, xasprintf("event: now\ndata: %s\n\n", json));
    free(json);
}

static void tell_alarms(struct reader *r)
{
    struct web *w = r->web;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        int64_t oldest = w->alarm_count - WEB_ALARMS_MAX, n = r->alarm > oldest ? r->alarm + 1 : oldest + 1;
        bool more = n <= w->alarm_count;
        struct alarm a = w->alarms[(n > 0 ? n : 0) % WEB_ALARMS_MAX];
        pthread_mutex_unlock(&w->lock);
        if (!more)
            return;
        r->alarm = n;
        struct json *o = json_new_object();
        json_put_text(o, "level", a.level);
        json_put_text(o, "text", a.text);
        char *json = site_json_text(o);
        append(r, xasprintf("event: alarm\ndata: %s\n\n", json));
        free(json);
    }
}

static void gather(struct reader *r)
{
    struct web *w = r->web;
    int64_t now_us = clock_real_us();
    tell_now(r);
    if (r->is_operator)
        tell_alarms(r);
    if (w->board.number != r->board) {
        const char *text = r->is_operator ? w->board.for_operators : w->board.for_viewers;
        r->board = w->board.number;
        append(r, xasprintf("event: status\ndata: %s\n\n", text ? text : "{}"));
    }
    if (!r->text && now_us - r->told_us >= COMMENT_US)
        append(r, xstrdup(":\n\n"));
    if (r->text)
        r->told_us = now_us;
}

static ssize_t read_events(void *context, char *out, size_t size)
{
    struct reader *r = context;
    if (!r->text)
        gather(r);
    if (!r->text)
        return 0;
    size_t left = r->bytes - r->sent, n = left < size ? left : size;
    memcpy(out, r->text + r->sent, n);
    r->sent += n;
    if (r->sent == r->bytes) {
        free(r->text);
        r->text = NULL;
        r->sent = r->bytes = 0;
    }
    return (ssize_t)n;
}

static void close_events(void *context)
{
    struct reader *r = context;
    r->web->event_readers--;
    free(r->text);
    free(r);
}

bool site_get_events(struct call *c)
{
    struct web *w = c->web;
    if (w->event_readers >= SITE_EVENTS_MAX && !c->is_operator) {
        site_error(c, 503, "too_many", "too many pages are open; ask /api/status now and then");
        http_add_header(c->answer, "Retry-After", "10");
        return true;
    }
    struct reader *r = xcalloc(1, sizeof *r);
    *r = (struct reader){.web = w, .is_operator = c->is_operator, .told_us = clock_real_us()};
    append(r, xstrdup("retry: 2000\n\n"));
    w->event_readers++;
    c->answer->status = 200;
    c->answer->type = "text/event-stream";
    c->answer->source = (struct http_source){r, read_events, close_events};
    return true;
}
