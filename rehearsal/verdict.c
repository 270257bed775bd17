/*
 * verdict - see verdict.h.
 */
#include "rehearsal/verdict.h"

#include <stdarg.h>

#include "common/mem.h"
#include "common/text.h"

#define ANSWERED_LEAST 0.9
#define LEFT_OUT_MOST  0.02
enum { ANSWERS_LEAST = 3, FORMED_LEAST = 2, DROPPED_MOST = 0 };
static const double LATE_MOST_S = 20, DOWN_MOST_S = 3;

struct rows {
    struct verdict_row *list;
    int count;
};

/* A row without bound and verdict yet; when there are too many the last one is written again. */
static struct verdict_row *add(struct rows *rows, const char *what)
{
    struct verdict_row *r = &rows->list[rows->count < VERDICT_ROWS ? rows->count++ : VERDICT_ROWS - 1];
    *r = (struct verdict_row){.verdict = VERDICT_NONE};
    text_copy(r->what, sizeof r->what, what);
    return r;
}

static void __attribute__((format(printf, 2, 3))) measured(struct verdict_row *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->measured, sizeof r->measured, format, args);
    va_end(args);
}

static void bound(struct verdict_row *r, const char *text, bool is_kept)
{
    text_copy(r->bound, sizeof r->bound, text);
    r->verdict = is_kept ? VERDICT_KEPT : VERDICT_BROKEN;
}

static void judge_answers(const struct verdict_seen *seen, struct rows *rows)
{
    const struct town_figures *t = &seen->town;
    struct verdict_row *r = add(rows, "chat: lines that want an answer");
    measured(r, "%ld of %ld answered", t->answered, t->wanted);
    if (t->wanted >= ANSWERS_LEAST)
        bound(r, "9 of 10, or all but one",
              (double)t->answered >= ANSWERED_LEAST * (double)t->wanted || t->answered + 1 >= t->wanted);
    r = add(rows, "chat: moderators' orders");
    measured(r, "%ld of %ld answered", t->moderators_answered, t->moderators);
    if (t->moderators > 0)
        bound(r, "all but one", t->moderators_answered >= t->moderators - (t->moderators > 1));
    r = add(rows, "chat: how late answers come");
    measured(r, "%.1f s in the middle, 95 of 100 within %.1f s", t->median_s, t->late_s);
    if (t->answered >= ANSWERS_LEAST)
        bound(r, "20 s", t->late_s <= LATE_MOST_S);
    r = add(rows, "chat: talk and other bots' commands");
    measured(r, "%ld of %ld answered", t->disturbed, t->silent);
    bound(r, "none", t->disturbed == 0);
    r = add(rows, "chat: what viewers type, out of the bot's mouth");
    measured(r, "%ld times%s%.100s", t->leaks, t->leaks ? ": " : "", t->leak);
    bound(r, "never", t->leaks == 0);
    r = add(rows, "chat: connections");
    measured(r, "%ld", t->connections);
    bound(r, "one at least", t->connections > 0);
}

static void judge_wishes(const struct verdict_seen *seen, struct rows *rows)
{
    const struct town_figures *t = &seen->town;
    double turns = seen->length_s / (seen->hold_s > 0 ? seen->hold_s : 1);
    long least = t->wishes < (long)turns ? t->wishes / 2 : (long)turns / 2;
    struct verdict_row *r = add(rows, "wishes: on the screen");
    measured(r, "%ld of %ld that were taken; %.0f turns of %.0f s fit in", t->shown, t->wishes, turns,
             seen->hold_s);
    bound(r, "half of the turns, and one", t->shown >= (least > 0 ? least : 1));
    r = add(rows, "wishes: how far from what was promised"); /* no bound: moderators skip and hold */
    measured(r, "%.1f s in the middle", t->promise_s);
    r = add(rows, "dream: wishes that the network sees in the end");
    measured(r, "%d of %d that were on for ten seconds", seen->formed, seen->formed + seen->unformed);
    if (seen->formed + seen->unformed >= FORMED_LEAST)
        bound(r, "half", seen->formed >= seen->unformed);
}

static void judge_machine(const struct verdict_seen *seen, struct rows *rows)
{
    struct verdict_row *r = add(rows, "video: frames left out");
    double share = seen->frames > 0 ? (double)seen->left_out / (double)(seen->frames + seen->left_out) : 0;
    measured(r, "%ld of %ld, %.1f %%", seen->left_out, seen->frames + seen->left_out, 100 * share);
    bound(r, "2 %", seen->frames > 0 && share <= LEFT_OUT_MOST);
    r = add(rows, "dream: longest time without a new picture");
    measured(r, "%.1f s", seen->still_s);
    char most[32];
    snprintf(most, sizeof most, "%.1f s", seen->still_most_s);
    bound(r, most, seen->still_s <= seen->still_most_s);
    r = add(rows, "dream: deaths of the dreamer, not by the rehearsal");
    measured(r, "%ld, %ld of them because it hung", seen->deaths, seen->hangs);
    bound(r, "none", seen->deaths == 0);
}

static void judge_outputs(const struct verdict_seen *seen, struct rows *rows)
{
    for (int i = 0; i < seen->outputs; i++) {
        const struct verdict_output *o = &seen->output[i];
        char what[96];
        snprintf(what, sizeof what, "output %s", o->name);
        struct verdict_row *r = add(rows, what);
        measured(r, "%s at the end, down for %.1f s, %ld packets dropped", o->is_up ? "up" : "down",
                 o->down_s, o->dropped);
        bound(r, "up, 3 s, none dropped", o->is_up && o->down_s <= DOWN_MOST_S && o->dropped <= DROPPED_MOST);
    }
}

static void judge_faults(const struct verdict_seen *seen, struct rows *rows)
{
    for (int i = 0; i < seen->faults; i++) {
        const struct verdict_fault *f = &seen->fault[i];
        char what[96], text[96];
        snprintf(what, sizeof what, "fault at %.0f s: %s", f->at_s, f->name);
        if (f->left_out)
            snprintf(what, sizeof what, "fault: %s", f->name);
        struct verdict_row *r = add(rows, what);
        if (f->left_out) {
            measured(r, "left out: %s", f->left_out);
            continue;
        }
        if (f->noticed_s >= 0)
            snprintf(text, sizeof text, "noticed after %.1f s, ", f->noticed_s - f->at_s);
        else
            snprintf(text, sizeof text, "%s", f->wants_notice ? "never noticed, " : "");
        if (f->healed_s >= 0)
            measured(r, "%swell again %.1f s after its end", text, f->healed_s - f->ended_s);
        else
            measured(r, "%snot well again", text);
        snprintf(text, sizeof text, "%swell again in %.0f s", f->wants_notice ? "noticed, " : "", f->heals_s);
        bound(r, text,
              f->healed_s >= 0 && f->healed_s - f->ended_s <= f->heals_s &&
                  (!f->wants_notice || f->noticed_s >= 0));
    }
}

static void judge_warnings(const struct verdict_seen *seen, struct rows *rows)
{
    int open = 0, kept = seen->warnings < VERDICT_WARNINGS ? seen->warnings : VERDICT_WARNINGS;
    for (int i = 0; i < kept; i++)
        open += !seen->warning[i].is_explained;
    struct verdict_row *r = add(rows, "warnings that no fault of the rehearsal explains");
    measured(r, "%d (%d explained)", open, kept - open);
    bound(r, "none", open == 0);
}

int verdict_judge(const struct verdict_seen *seen, struct verdict_row list[VERDICT_ROWS])
{
    struct rows rows = {list, 0};
    judge_answers(seen, &rows);
    judge_wishes(seen, &rows);
    judge_machine(seen, &rows);
    judge_outputs(seen, &rows);
    judge_faults(seen, &rows);
    judge_warnings(seen, &rows);
    return rows.count;
}

/* ---- for people ---- */

static void print_said(const struct town_figures *t, FILE *out)
{
    long lines = 0;
    for (int i = 0; i < CROWD_KINDS; i++)
        lines += t->said[i];
    fprintf(out, "what was said: %ld lines (", lines);
    for (int i = 0, some = 0; i < CROWD_KINDS; i++)
        if (t->said[i])
            fprintf(out, "%s%ld %s", some++ ? ", " : "", t->said[i], crowd_kinds[i]);
    fprintf(out, "), and the bot said %ld\n", t->replies);
}

static void print_wishes(const struct town_figures *t, FILE *out)
{
    fprintf(out, "what was asked and shown:\n");
    int shown = 0;
    for (int i = 0; i < t->wish_count; i++) {
        const struct town_wish *w = &t->wish[i];
        if (w->shown_s < 0)
            continue;
        fprintf(out, "  %5.0f s  %-32.32s by %-12s on the screen at %.0f s, promised for %.0f s\n",
                w->asked_s, w->text, w->user, w->shown_s, w->promised_s);
        shown++;
    }
    fprintf(out, "  %ld more wishes were taken; they waited still, were replaced or taken back\n",
            t->wishes - shown);
}

static void print_warnings(const struct verdict_seen *seen, FILE *out)
{
    for (int i = 0; i < seen->warnings && i < VERDICT_WARNINGS; i++)
        fprintf(out, "%s  %5.0f s  %s%s\n", i ? "" : "warnings:\n", seen->warning[i].at_s,
                seen->warning[i].text, seen->warning[i].is_explained ? "  (of a fault)" : "");
}

int verdict_print(const struct verdict_seen *seen, FILE *out)
{
    static const char *const words[] = {"BROKEN", "kept", "-"};
    struct verdict_row rows[VERDICT_ROWS];
    int count = verdict_judge(seen, rows), broken = 0;
    fprintf(out, "rehearsal of %.1f minutes, seed %lld\n\n", seen->length_s / 60, seen->seed);
    print_said(&seen->town, out);
    print_wishes(&seen->town, out);
    print_warnings(seen, out);
    fprintf(out, "\n%-52s %-62s %-32s\n", "promise", "measured", "asked");
    for (int i = 0; i < count; i++) {
        fprintf(out, "%-52s %-62s %-32s %s\n", rows[i].what, rows[i].measured, rows[i].bound,
                words[rows[i].verdict]);
        broken += rows[i].verdict == VERDICT_BROKEN;
    }
    fprintf(out, "\n%s", broken ? "what broke:\n" : "nothing broke\n");
    for (int i = 0; i < count; i++)
        if (rows[i].verdict == VERDICT_BROKEN)
            fprintf(out, "  %s: %s\n", rows[i].what, rows[i].measured);
    return broken;
}
