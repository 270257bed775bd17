/*
 * rehearse_watch - the eyes and hands of a rehearsal: looks at the show five times a second, does what the plan says, and
 * writes down what it sees, its own doing apart.
 *
 * A fault is on for a while, then heals, and for some seconds more its consequences are its own: outputs, warnings and
 * pictures that it explains are not held against the show. The next one comes when the one before is over, spread
 * over the length of the rehearsal.
 */
#include "app/rehearse_parts.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"

enum { LOOK_MS = 200 };
#define FORMED_SHARE 0.1 /* of the certainty: less, and nobody would know it */
static const double FIRST_FAULT_S = 6, BETWEEN_S = 2, LATELY_S = 10, GIVE_UP_S = 10, FORMS_S = 10,
                    STILL_LEAST_S = 5;

static double now_s(const struct rehearsal *r)
{
    return (double)(clock_real_us() - r->began_us) / 1e6;
}

/* ---- warnings ---- */

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; at && (at = strstr(at, word)); at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

void rehearsal_alarm(struct rehearsal *r, const char *part, const char *text)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    if (r->seen.warnings < VERDICT_WARNINGS) {
        struct verdict_warning *w = &r->seen.warning[r->seen.warnings];
        w->at_s = r->began_us ? now_s(r) : 0;
        for (int i = 0; i < VERDICT_FAULTS && fault_plan[i].name; i++)
            w->is_explained =
                w->is_explained || (w->at_s < r->explains_until_s[i] && has_word(fault_plan[i].parts, part));
        snprintf(w->text, sizeof w->text, "%s: %.220s", part, text);
    }
    r->seen.warnings++;
    pthread_mutex_unlock(&r->lock);
}

/* This fault of the plan explains warnings until then. */
static void explain(struct rehearsal *r, const struct fault *f, double until_s)
{
    pthread_mutex_lock(&r->lock);
    r->explains_until_s[f - fault_plan] = until_s;
    pthread_mutex_unlock(&r->lock);
}

/* ---- faults ---- */

static struct verdict_fault *told(struct rehearsal *r)
{
    return &r->seen.fault[r->seen.faults - 1];
}

/* As many seconds between two beginnings as the rehearsal has for each. */
static double slot_s(const struct rehearsal *r)
{
    int count = 0;
    while (fault_plan[count].name)
        count++;
    return (r->p.length_s - 2 * FIRST_FAULT_S) / count;
}

static void begin_fault(struct rehearsal *r, double now)
{
    const struct fault *f = &fault_plan[r->planned++];
    r->seen.faults++;
    *told(r) = (struct verdict_fault){.name = f->name,
                                      .at_s = now,
                                      .noticed_s = -1,
                                      .ended_s = -1,
                                      .healed_s = -1,
                                      .heals_s = f->heals_s,
                                      .wants_notice = f->wants_notice};
    r->fault = f;
    explain(r, f, INFINITY); /* before the first warning */
    told(r)->left_out = f->begin(&r->scene);
    if (told(r)->left_out)
        r->fault = NULL;
    else
        log_info("rehearsal", "%.0f s: %s", now, f->name);
}

static void end_fault(struct rehearsal *r, double now)
{
    r->fault->end(&r->scene);
    told(r)->ended_s = now;
}

static void leave_fault(struct rehearsal *r, double now)
{
    double next_s = told(r)->at_s + slot_s(r);
    r->lately = r->fault;
    r->lately_until_s = now + LATELY_S;
    explain(r, r->fault, now + (r->fault->echoes_s > 0 ? r->fault->echoes_s : LATELY_S));
    r->fault = NULL;
    r->calm_from_s = next_s > now + BETWEEN_S ? next_s : now + BETWEEN_S;
    if (told(r)->healed_s >= 0)
        log_info("rehearsal", "%.0f s: well again", now);
}

static void follow_fault(struct rehearsal *r, double now)
{
    struct verdict_fault *t = told(r);
    if (t->noticed_s < 0 && r->fault->is_noticed(&r->scene))
        t->noticed_s = now;
    if (t->ended_s < 0 && now - t->at_s >= r->fault->lasts_s) {
        end_fault(r, now);
        return;
    }
    bool may_heal = t->ended_s >= 0 && (t->noticed_s >= 0 || !t->wants_notice);
    if (may_heal && r->fault->is_healed(&r->scene))
        t->healed_s = now;
    if (t->healed_s >= 0 || (t->ended_s >= 0 && now - t->ended_s > t->heals_s + GIVE_UP_S))
        leave_fault(r, now);
}

static void go_by_plan(struct rehearsal *r, double now)
{
    const struct fault *next = &fault_plan[r->planned];
    if (r->fault)
        follow_fault(r, now);
    else if (!r->p.calm && next->name && now >= r->calm_from_s &&
             now + next->lasts_s + BETWEEN_S < r->p.length_s)
        begin_fault(r, now);
}

/* The show ends before the plan does. */
static void end_plan(struct rehearsal *r)
{
    double now = now_s(r);
    if (r->fault && told(r)->ended_s < 0)
        end_fault(r, now);
    if (r->fault && told(r)->healed_s < 0)
        told(r)->left_out = "the rehearsal was over before it was";
    while (!r->p.calm && fault_plan[r->planned].name)
        r->seen.fault[r->seen.faults++] = (struct verdict_fault){
            .name = fault_plan[r->planned++].name, .left_out = "the rehearsal is too short for it"};
}

/* ---- what is seen ---- */

static bool explains_output(const struct fault *f, const char *name)
{
    return f && (strcmp(f->outputs, "*") == 0 || has_word(f->outputs, name));
}

static void look_at_output(struct rehearsal *r, int i, const char *name, double passed_s, double now)
{
    struct verdict_output *o = &r->seen.output[i];
    struct stats_sink *row = &r->show.stats->sinks[i];
    int64_t dropped = atomic_load(&row->dropped);
    int state = atomic_load(&row->state);
    bool before = now < r->lately_until_s && explains_output(r->lately, name);
    text_copy(o->name, sizeof o->name, name);
    o->is_up = state == STATS_SINK_OK || state == STATS_SINK_ENDED; /* switched off is no fault */
    if (!before && !explains_output(r->fault, name)) {
        o->down_s += o->is_up ? 0 : passed_s;
        o->dropped += (long)(dropped - r->dropped[i]);
    }
    r->dropped[i] = dropped;
}

static void look_at_outputs(struct rehearsal *r, double passed_s, double now)
{
    for (int i = 0; i < STATS_SINKS && i < VERDICT_OUTPUTS; i++) {
        const char *name = atomic_load(&r->show.stats->sinks[i].name);
        if (!name)
            break;
        look_at_output(r, i, name, passed_s, now);
        r->seen.outputs = i + 1;
    }
}

static int64_t grown(int64_t *before, int64_t now)
{
    int64_t by = now - *before;
    *before = now;
    return by;
}

static void look_at_dream(struct rehearsal *r, double now)
{
    const struct stats *s = r->show.stats;
    const struct fault *f = r->fault, *before = now < r->lately_until_s ? r->lately : NULL;
    bool explained = (f && f->stills_dream) || (before && before->stills_dream);
    bool kills = (f && f->kills_dreamer) || (before && before->kills_dreamer);
    int64_t deaths = grown(&r->deaths, stats_get(s, STAT_DREAMER_DEATHS));
    int64_t hangs = grown(&r->hangs, stats_get(s, STAT_DREAMER_HANGS));
    if (grown(&r->keyframes, stats_get(s, STAT_KEYFRAMES)) > 0 || explained)
        r->keyframe_s = now;
    if (r->keyframe_s > 0 && now - r->keyframe_s > r->seen.still_s)
        r->seen.still_s = now - r->keyframe_s;
    r->seen.deaths += kills ? 0 : (long)deaths;
    r->seen.hangs += kills ? 0 : (long)hangs;
}

static void look_at_frames(struct rehearsal *r, double now)
{
    const struct fault *before = now < r->lately_until_s ? r->lately : NULL;
    bool overload = explains_output(r->fault, "video") || explains_output(before, "video");
    int64_t left_out = grown(&r->left_out, stats_get(r->show.stats, STAT_FRAMES_SKIPPED));
    r->seen.frames = (long)stats_get(r->show.stats, STAT_FRAMES);
    r->seen.left_out += overload ? 0 : (long)left_out;
}

/* The wish that was on goes: did the network see it in the end? */
static void count_formed(struct rehearsal *r, double now)
{
    if (r->on_id == 0 || now - r->on_since_s < FORMS_S)
        return;
    r->seen.formed += r->best_share >= FORMED_SHARE;
    r->seen.unformed += r->best_share < FORMED_SHARE;
}

static void look_at_wish(struct rehearsal *r, double now)
{
    struct port_state state;
    port_state(r->show.port, &state);
    if (state.request_id != r->on_id) {
        count_formed(r, now);
        r->on_id = state.request_id;
        r->on_since_s = now;
        r->best_share = 0;
    }
    if (state.share > r->best_share)
        r->best_share = state.share;
}

static void *watch_main(void *arg)
{
    struct rehearsal *r = arg;
    struct pollfd p = {.fd = r->show.stop->fd, .events = POLLIN};
    while (poll(&p, 1, LOOK_MS) == 0) {
        double now = now_s(r), passed_s = now - r->tick_s;
        r->tick_s = now;
        look_at_outputs(r, passed_s, now);
        look_at_dream(r, now);
        look_at_frames(r, now);
        look_at_wish(r, now);
        go_by_plan(r, now);
    }
    return NULL;
}

/* ---- begin and end ---- */

int rehearsal_begin(struct rehearsal *r, const struct rehearsal_show *show, struct error *e)
{
    if (!r)
        return 0;
    double gap_s = (double)r->settings->keyframes.max_ms / 1000;
    r->show = *show;
    r->scene.dreaming = show->dreaming;
    r->scene.stats = show->stats;
    r->seen.seed = r->p.seed;
    r->seen.hold_s = r->settings->show.hold_s;
    r->seen.still_most_s = 3 * gap_s > STILL_LEAST_S ? 3 * gap_s : STILL_LEAST_S;
    r->calm_from_s = FIRST_FAULT_S;
    pthread_mutex_lock(&r->lock);
    r->began_us = clock_real_us();
    pthread_mutex_unlock(&r->lock);
    int rc = thread_start(&r->thread, "rehearsal", watch_main, r);
    return rc < 0 ? error_set(e, -rc, "cannot start the rehearsal's thread: %s", strerror(-rc)) : 0;
}

void rehearsal_stop(struct rehearsal *r)
{
    if (!r || !r->thread.running)
        return;
    thread_join(&r->thread);
    end_plan(r);
    count_formed(r, now_s(r));
    town_figures(r->town, &r->seen.town);
    r->seen.length_s = now_s(r);
}
