/*
 * status - the state of the show as JSON, made once for all: by the tick, every second and when something has
 * changed. Here also the history gets its entries: the page sees what is on now and remembers what was before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "web/site.h"

enum { BOARD_US = 1000000, ASKED_US = 100000, THUMB_US = 2000000 };

/* Three decimals are enough for everybody, in seconds and in shares. */
static void set(struct json *object, const char *key, double value)
{
    json_put_real(object, key, value, 3);
}

struct json *site_dream_json(const struct web_dream *d)
{
    struct json *o = json_new_object(), *subjects = json_new_list();
    json_put_whole(o, "id", d->id);
    for (int i = 0; i < d->count; i++) {
        struct json *s = json_new_object();
        json_put_text(s, "name", d->subjects[i].name);
        json_put_text(s, "wnid", d->subjects[i].wnid);
        if (d->subjects[i].place)
            json_put_text(s, "place", d->subjects[i].place);
        if (d->subjects[i].weight != 0 && d->subjects[i].weight != 1)
            set(s, "weight", d->subjects[i].weight);
        if (d->subjects[i].later)
            json_put_truth(s, "later", true);
        json_add(subjects, s);
    }
    json_put(o, "subjects", subjects);
    json_put_text(o, "text", d->text);
    if (d->by[0])
        json_put_text(o, "by", d->by);
    return o;
}

static struct json *sees_json(const struct web_status *s)
{
    struct json *list = json_new_list();
    for (int i = 0; i < s->sees_count; i++) {
        struct json *c = json_new_object();
        json_put_text(c, "name", s->sees[i].name);
        json_put_text(c, "wnid", s->sees[i].wnid);
        set(c, "probability", s->sees[i].probability);
        json_add(list, c);
    }
    return list;
}

static struct json *tug_json(const struct web_tug *t)
{
    struct json *o = json_new_object();
    json_put_text(o, "upper", t->upper);
    json_put_text(o, "lower", t->lower);
    json_put_whole(o, "votes_upper", t->votes[0]);
    json_put_whole(o, "votes_lower", t->votes[1]);
    set(o, "front", t->front);
    if (t->winner)
        json_put_text(o, "winner", t->winner);
    return o;
}

static void add_now(struct json *o, const struct web_status *s)
{
    if (s->now.count == 0)
        return;
    struct json *now = site_dream_json(&s->now);
    json_put_whole(now, "turn", s->now.turn);
    set(now, "since_s", s->since_s);
    set(now, "changes_in_s", s->changes_in_s);
    if (s->seen >= 0)
        set(now, "seen", s->seen);
    if (s->also[0])
        json_put_text(now, "also", s->also);
    if (s->sees_count > 0)
        json_put(now, "sees", sees_json(s));
    if (s->tug.upper)
        json_put(now, "tug", tug_json(&s->tug));
    json_put(o, "now", now);
}

static void add_next(struct json *o, const struct web_status *s)
{
    struct json *next = json_new_list();
    for (int i = 0; i < s->next_count; i++) {
        struct json *d = site_dream_json(&s->next[i]);
        set(d, "in_s", s->next[i].in_s);
        json_add(next, d);
    }
    json_put(o, "next", next);
    json_put_whole(o, "waiting", s->waiting);
}

static void add_machine(struct json *o, const struct web_status *s)
{
    char size[32];
    snprintf(size, sizeof size, "%dx%d", s->width_px, s->height_px);
    struct json *video = json_new_object(), *dream = json_new_object();
    json_put_whole(video, "fps", s->fps);
    json_put_text(video, "size", size);
    if (s->backend)
        json_put_text(dream, "backend", s->backend);
    if (s->hardware)
        json_put_text(dream, "hardware", s->hardware);
    if (s->steps_per_s >= 0)
        set(dream, "steps_per_s", s->steps_per_s);
    if (s->keyframe_s >= 0)
        set(dream, "keyframe_s", s->keyframe_s);
    json_put(o, "video", video);
    json_put(o, "dream", dream);
}

static void add_live(struct json *o, struct web *w)
{
    struct live_state l;
    live_look(w->live, &l);
    if (!l.type[0])
        return;
    struct json *live = json_new_object();
    json_put_text(live, "mime", l.type);
    set(live, "edge_s", l.end_s);
    set(live, "drawn_s", w->status.newest_s);
    json_put(o, "live", live);
    json_put_whole(o, "viewers", l.viewers + w->mjpg_readers);
}

static struct json *alarm_json(const struct alarm *a)
{
    struct json *o = json_new_object();
    json_put_whole(o, "number", a->number);
    set(o, "at_s", a->at_s);
    json_put_text(o, "level", a->level);
    json_put_text(o, "text", a->text);
    return o;
}

static struct json *alarms_json(struct web *w)
{
    struct json *list = json_new_list();
    pthread_mutex_lock(&w->lock);
    for (int64_t n = w->alarm_count; n > 0 && n > w->alarm_count - WEB_ALARMS_MAX; n--)
        json_add(list, alarm_json(&w->alarms[n % WEB_ALARMS_MAX]));
    pthread_mutex_unlock(&w->lock);
    return list;
}

static struct json *sink_json(const struct web_sink *k)
{
    struct json *o = json_new_object();
    json_put_text(o, "name", k->name);
    json_put_text(o, "state", k->state);
    json_put_whole(o, "bytes", k->bytes);
    json_put_text(o, "text", k->text);
    return o;
}

/* What is the operator's alone. */
static void add_health(struct json *o, struct web *w)
{
    const struct web_status *s = &w->status;
    struct json *sinks = json_new_list(), *chat = json_new_object(), *frames = json_new_object();
    struct json *unwell = json_new_list();
    for (int i = 0; i < s->unwell_count; i++)
        json_add_text(unwell, s->unwell[i]);
    json_put_truth(o, "healthy", s->unwell_count == 0);
    json_put(o, "unwell", unwell);
    for (int i = 0; i < s->sink_count; i++)
        json_add(sinks, sink_json(&s->sinks[i]));
    json_put_text(chat, "state", s->chat_state ? s->chat_state : "off");
    json_put_text(chat, "text", s->chat_text);
    json_put_whole(frames, "encoded", stats_get(w->p.stats, STAT_FRAMES));
    json_put_whole(frames, "repeated", stats_get(w->p.stats, STAT_FRAMES_REPEATED));
    json_put_whole(frames, "left_out", stats_get(w->p.stats, STAT_FRAMES_SKIPPED));
    set(frames, "left_out_lately", s->left_out);
    json_put_whole(frames, "bitrate_kbps", stats_get(w->p.stats, STAT_BITRATE_KBPS));
    json_put(o, "frames", frames);
    json_put(o, "sinks", sinks);
    json_put(o, "chat", chat);
    json_put(o, "alarms", alarms_json(w));
}

static struct json *board_json(struct web *w, bool for_operators)
{
    const struct web_status *s = &w->status;
    struct json *o = json_new_object();
    json_put_text(o, "version", w->p.version);
    set(o, "uptime_s", s->uptime_s);
    json_put_truth(o, "operator", for_operators);
    json_put_truth(o, "paused", s->paused);
    if (s->rehearsal)
        json_put_truth(o, "rehearsal", true);
    set(o, "held_for_s", s->held_for_s);
    add_now(o, s);
    add_next(o, s);
    add_machine(o, s);
    add_live(o, w);
    if (for_operators)
        add_health(o, w);
    return o;
}

void site_changed(struct web *w)
{
    atomic_store(&w->board.dirty, true);
    if (w->http)
        http_wake(w->http);
}

static void make_board(struct web *w, int64_t now_us)
{
    struct board *b = &w->board;
    free(b->for_viewers);
    free(b->for_operators);
    b->for_viewers = site_json_text(board_json(w, false));
    b->for_operators = site_json_text(board_json(w, true));
    b->number++;
    b->made_us = now_us;
}

/* ---- history ---- */

/* Keeps a small picture of what is on, never older than two seconds. */
static void take_thumb(struct web *w)
{
    static const struct web_picture_want want = {.width_px = HISTORY_WIDTH_PX,
                                                 .height_px = HISTORY_HEIGHT_PX};
    const struct picture *p;
    int64_t after = w->ending_picture ? w->ending_picture->made.frame : -1;
    if (w->ending_picture && clock_real_us() - w->ending_picture->made_us < THUMB_US)
        return;
    if (pictures_get(w->pictures, &want, after, &p) < 0)
        return;
    if (p->made.dream.turn != w->ending.dream.turn) { /* it shows another already, or still */
        pictures_release(w->pictures, p);
        return;
    }
    pictures_release(w->pictures, w->ending_picture);
    w->ending_picture = p;
}

static void remember(struct web *w, const struct web_memory *m)
{
    web_remember(w, m);
    if (w->p.show->dreamed)
        w->p.show->dreamed(w->p.context, m);
}

static void turn_page(struct web *w, int64_t now_us)
{
    struct history_entry *e = &w->ending;
    if (e->dream.count > 0 && w->ending_picture)
        remember(w, &(struct web_memory){.dream = e->dream,
                                         .ended_s = time(NULL),
                                         .on_s = (double)(now_us - w->ending_since_us) / 1e6,
                                         .seen = e->seen,
                                         .jpeg = w->ending_picture->made.bytes,
                                         .jpeg_bytes = w->ending_picture->made.size});
    pictures_release(w->pictures, w->ending_picture);
    w->ending_picture = NULL;
    w->ending_since_us = now_us;
    *e = (struct history_entry){.dream = w->status.now, .seen = -1};
}

void site_tick(void *context)
{
    struct web *w = context;
    int64_t now_us = clock_real_us();
    w->p.show->status(w->p.context, &w->status);
    bool turned = w->status.now.turn != w->ending.dream.turn;
    if (turned)
        turn_page(w, now_us);
    memcpy(w->ending.dream.by, w->status.now.by, sizeof w->ending.dream.by); /* it may have been taken back */
    w->ending.seen = w->status.seen;
    take_thumb(w);
    site_tick_frames(w, now_us);
    if (atomic_exchange(&w->board.dirty, false) || turned || now_us - w->board.made_us >= BOARD_US)
        make_board(w, now_us);
}

bool site_get_status(struct call *c)
{
    struct web *w = c->web;
    int64_t now_us = clock_real_us();
    if (now_us - w->board.made_us >= ASKED_US || atomic_load(&w->board.dirty)) {
        site_tick(w);
        make_board(w, now_us);
    }
    const char *text = c->is_operator ? w->board.for_operators : w->board.for_viewers;
    c->answer->status = 200;
    c->answer->type = "application/json";
    c->answer->body = text;
    c->answer->body_bytes = text ? strlen(text) : 0;
    return true;
}
