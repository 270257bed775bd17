/*
 * page_state - the state of the show as the page tells it, gathered from queue, stream, dream and chat.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/page_parts.h"
#include "app/subjects.h"
#include "common/text.h"

#define ALSO_LEAST 0.01 /* what is seen less surely is not worth a word */
enum { RATE_US = 2000000, LEFT_OUT_US = 10000000, STANDSTILL_US = 5000000 };

static const double LEFT_OUT_SHARE = 0.04; /* as stream/lateness.c has it */

double page_now_s(const struct page *p)
{
    return (double)(clock_now_us(p->p.clock) - p->p.start_us) / 1e6;
}

/* Where a subject is, in words; of two without a place each has its half. */
static const char *place_of(const struct page *p, const struct request *q, int i)
{
    bool halves = q->count == 2 && q->change.at == 0 && !q->manner[0].place && !q->manner[1].place &&
                  q->manner[0].weight >= 0 && q->manner[1].weight >= 0;
    if (halves)
        return (i == 0) == p->p.first_below ? "bottom" : "top";
    return synsets_place_name(q->manner[i].place);
}

void page_describe(const struct page *p, const struct request *q, struct web_dream *d)
{
    *d = (struct web_dream){.id = q->id, .turn = q->turn, .count = q->count};
    if (q->count == 0)
        return;
    request_label(q, d->text, sizeof d->text);
    text_copy(d->by, sizeof d->by, q->user);
    for (int i = 0; i < q->count; i++) {
        const struct synset *s = &synset_table[q->synset[i]];
        d->subjects[i] = (struct web_subject){.name = s->names[0],
                                              .wnid = s->wnid,
                                              .place = place_of(p, q, i),
                                              .weight = (double)q->manner[i].weight,
                                              .later = q->change.at > 0 && i >= q->change.at};
    }
}

/* ---- what the pixels show ---- */

static void remember_turn(struct page *p, const struct request *now)
{
    struct page_turn *t = &p->turns[now->turn % PAGE_TURNS];
    if (now->count == 0)
        return;
    if (t->request.turn != now->turn)
        request_caption(now, t->caption, sizeof t->caption);
    t->request = *now; /* a name may have been taken back since */
}

static bool is_withdrawn(const struct page *p, int64_t id)
{
    for (int i = 0; id && i < PAGE_TURNS; i++)
        if (p->withdrawn[i] == id)
            return true;
    return false;
}

/* Of the turns with the shown caption the latest. Under the lock. */
static const struct page_turn *find_shown(const struct page *p)
{
    const struct page_turn *best = NULL;
    for (int i = 0; i < PAGE_TURNS; i++) {
        const struct page_turn *t = &p->turns[i];
        bool same =
            t->request.count > 0 && t->request.id == p->shown_id && strcmp(t->caption, p->shown_caption) == 0;
        if (same && (!best || t->request.turn > best->request.turn))
            best = t;
    }
    return best;
}

/* What the network sees. Classes that may not be named here are left out. */
static void add_sight(struct page *p, struct web_status *s)
{
    struct port_state state;
    port_state(p->p.port, &state);
    s->seen = s->now.count > 0 && state.request_id == s->now.id ? state.share : -1;
    for (int i = 0; i < state.seen_count && s->sees_count < WEB_SEES_MAX; i++) {
        int synset = subjects_synset(p->p.model, state.seen[i].class_index);
        if (synset < 0 || !p->p.known->known[synset])
            continue;
        const struct synset *c = &synset_table[synset];
        double probability = (double)state.seen[i].probability;
        s->sees[s->sees_count++] = (struct web_seen){c->names[0], c->wnid, probability};
        bool wished = s->also[0] || probability < ALSO_LEAST;
        for (int k = 0; k < s->now.count; k++)
            wished = wished || s->now.subjects[k].wnid == c->wnid;
        if (!wished)
            text_copy(s->also, sizeof s->also, c->names[0]);
    }
}

/* Of what is shown; the queue may have turned to another dream already. */
static void add_tug(const struct page *p, struct web_status *s)
{
    struct tug_view v;
    tug_look(p->p.tug, &v);
    if (!v.is_on || v.turn != s->now.turn || s->now.count == 0)
        return;
    s->tug = (struct web_tug){.upper = synset_table[v.synset[0]].names[0],
                              .lower = synset_table[v.synset[1]].names[0],
                              .votes = {v.votes[0], v.votes[1]},
                              .front = v.front};
    s->tug.winner = v.winner == TUG_UPPER ? s->tug.upper : v.winner == TUG_LOWER ? s->tug.lower : NULL;
}

/* What is shown, and how it stands with the chat. */
static void add_now(struct page *p, struct web_status *s, double now_s)
{
    pthread_mutex_lock(&p->lock);
    const struct page_turn *t = find_shown(p);
    if (t)
        page_describe(p, &t->request, &s->now);
    if (t && is_withdrawn(p, t->request.id))
        s->now.by[0] = '\0';
    p->shown = s->now;
    s->chat_state = p->chat_state;
    text_copy(s->chat_text, sizeof s->chat_text, p->chat_text);
    pthread_mutex_unlock(&p->lock);
    add_sight(p, s);
    add_tug(p, s);
    pthread_mutex_lock(&p->lock);
    p->seen = s->seen;
    pthread_mutex_unlock(&p->lock);
    if (s->now.turn != p->shown_turn) {
        p->shown_turn = s->now.turn;
        p->shown_since_s = now_s;
    }
    s->since_s = now_s - p->shown_since_s;
}

/* ---- queue ---- */

static void add_queue(struct page *p, struct web_status *s, double now_s)
{
    struct request now, next[WEB_NEXT_MAX];
    struct requests_outlook outlook;
    s->waiting = requests_list(p->p.requests, &now, next, WEB_NEXT_MAX);
    s->next_count = s->waiting < WEB_NEXT_MAX ? s->waiting : WEB_NEXT_MAX;
    remember_turn(p, &now);
    requests_look_ahead(p->p.requests, now_s, &outlook);
    s->changes_in_s = outlook.changes_in_s;
    s->held_for_s = outlook.held_for_s;
    for (int i = 0; i < s->next_count; i++) {
        const char *login = next[i].login[0] ? next[i].login : next[i].user;
        page_describe(p, &next[i], &s->next[i]);
        requests_where(p->p.requests, login, now_s, &s->next[i].in_s);
    }
    s->rehearsal = p->p.rehearsal != NULL;
    s->paused = p->p.rules && rules_is_paused(p->p.rules);
}

/* ---- machine ---- */

static double measure(struct page_rate *r, int64_t value, int64_t now_us, int64_t every_us)
{
    if (r->at_us == 0 || now_us - r->at_us >= every_us) {
        if (r->at_us)
            r->per_s = (double)(value - r->value) * 1e6 / (double)(now_us - r->at_us);
        r->value = value;
        r->at_us = now_us;
    }
    return r->per_s;
}

static void add_machine(struct page *p, struct web_status *s)
{
    static _Thread_local struct port_state state; /* the texts live until the next call */
    const struct stats *stats = p->p.stats;
    int64_t now_us = clock_real_us();
    int64_t frames = stats_get(stats, STAT_FRAMES) + stats_get(stats, STAT_FRAMES_SKIPPED);
    struct option_size video = stream_config_size(p->p.settings->stream);
    double keyframes_per_s = measure(&p->keyframes, stats_get(p->p.stats, STAT_KEYFRAMES), now_us, RATE_US);
    double left_out_per_s = measure(&p->left_out, stats_get(stats, STAT_FRAMES_SKIPPED), now_us, LEFT_OUT_US);
    port_state(p->p.port, &state);
    s->backend = state.backend;
    s->hardware = state.hardware;
    s->fps = p->p.fps;
    s->width_px = video.width_px;
    s->height_px = video.height_px;
    s->newest_s = (double)(frames - atomic_load(&p->zero_frame)) / p->p.fps;
    s->steps_per_s = measure(&p->steps, stats_get(p->p.stats, STAT_STEPS), now_us, RATE_US);
    s->left_out = left_out_per_s > 0 ? left_out_per_s / p->p.fps : 0;
    s->keyframe_s = keyframes_per_s > 0 ? 1 / keyframes_per_s : -1;
    if (frames != p->frames || p->frames_us == 0) {
        p->frames = frames;
        p->frames_us = now_us;
    }
    s->trouble = now_us - p->frames_us > STANDSTILL_US ? "the encoder stands still" : NULL;
}

/* ---- outputs ---- */

static void print_time(double s, char out[32])
{
    if (s < 90)
        snprintf(out, 32, "%.0f s", s);
    else if (s < 90 * 60)
        snprintf(out, 32, "%.0f min", s / 60);
    else
        snprintf(out, 32, "%.1f h", s / 3600);
}

static void add_sinks(struct page *p, struct web_status *s)
{
    static const char *const names[] = {"ok", "retrying", "ended", "connecting"};
    for (int i = 0; i < STATS_SINKS && s->sink_count < WEB_SINKS_MAX; i++) {
        struct stats_sink *row = &p->p.stats->sinks[i];
        const char *name = atomic_load(&row->name);
        if (!name)
            break;
        struct web_sink *k = &s->sinks[s->sink_count++];
        int state = atomic_load(&row->state);
        char since[32];
        print_time((double)(clock_real_us() - atomic_load(&row->since_us)) / 1e6, since);
        *k = (struct web_sink){.name = name, .state = names[state], .bytes = atomic_load(&row->bytes)};
        if (state == STATS_SINK_OK)
            snprintf(k->text, sizeof k->text, "for %s", since);
        else if (state == STATS_SINK_RETRYING)
            snprintf(k->text, sizeof k->text, "not for %s; trying again", since);
        else if (state == STATS_SINK_CONNECTING)
            snprintf(k->text, sizeof k->text, "for %s", since);
        else
            snprintf(k->text, sizeof k->text, "ended");
    }
}

/* ---- what is not well ---- */

static void __attribute__((format(printf, 2, 3))) add_unwell(struct web_status *s, const char *format, ...)
{
    va_list args;
    if (s->unwell_count == WEB_UNWELL_MAX)
        return;
    va_start(args, format);
    vsnprintf(s->unwell[s->unwell_count++], sizeof s->unwell[0], format, args);
    va_end(args);
}

/* Everything that should run and does not; what went wrong before and is over is in the alarms. */
static void judge(struct web_status *s)
{
    if (s->trouble)
        add_unwell(s, "%s", s->trouble);
    if (s->left_out > LEFT_OUT_SHARE)
        add_unwell(s, "this machine is too slow: %.0f %% of the frames are left out", 100 * s->left_out);
    for (int i = 0; i < s->sink_count; i++) {
        const struct web_sink *k = &s->sinks[i];
        bool is_connecting = strcmp(k->state, "connecting") == 0;
        if (strcmp(k->state, "ok") != 0 && strcmp(k->state, "ended") != 0) /* one that was switched off */
            add_unwell(s, "%s: %s%.200s", k->name, is_connecting ? "connecting " : "", k->text);
    }
    if (strcmp(s->chat_state, "off") != 0 && strcmp(s->chat_state, "online") != 0)
        add_unwell(s, "chat: %s: %.200s", s->chat_state, s->chat_text);
}

void page_status(void *context, struct web_status *s)
{
    struct page *p = context;
    double now_s = page_now_s(p);
    *s = (struct web_status){.uptime_s = now_s, .seen = -1};
    page_forget(p);
    add_queue(p, s, now_s);
    add_now(p, s, now_s);
    add_machine(p, s);
    add_sinks(p, s);
    judge(s);
}
