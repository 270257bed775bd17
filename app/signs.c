/*
 * signs - see signs.h.
 */
#include "app/signs.h"

#include <stdio.h>
#include <string.h>

#include "app/subjects.h"
#include "common/keyframes.h"
#include "common/text.h"

#define MIDDLE     0.5
#define ALSO_LEAST 0.01 /* what is seen less surely is not worth a word */
#define NEARLY_ALL 0.9  /* of the picture is a winner's: who it is may be seen */

/* Is what the queue has on what the pixels show? For a moment after a turn it is not. */
static bool is_shown(const struct request *now, int64_t request_id, const char *caption)
{
    char text[KEYFRAME_CAPTION_BYTES];
    request_caption(now, text, sizeof text);
    return now->count > 0 && now->id == request_id && strcmp(text, caption) == 0;
}

static void fill_tug(const struct tug_view *v, double front, struct signs_content *c)
{
    const char *upper = synset_table[v->synset[0]].names[0], *lower = synset_table[v->synset[1]].names[0];
    bool upper_has_all = v->winner == TUG_UPPER && front > NEARLY_ALL;
    bool lower_has_all = v->winner == TUG_LOWER && front >= 0 && front < 1 - NEARLY_ALL;
    if (upper_has_all || lower_has_all) {
        snprintf(c->won, sizeof c->won, "%s wins", upper_has_all ? upper : lower);
        return;
    }
    c->front = front < 0 ? MIDDLE : front;
    snprintf(c->upper, sizeof c->upper, "!1 %s", upper);
    snprintf(c->lower, sizeof c->lower, "!2 %s", lower);
}

/* "next: volcano  @bob, in about 24 s": seconds of the video, which is late for everybody alike. */
static void print_next(const struct request *q, const char *when, char out[SIGNS_TEXT_BYTES])
{
    char caption[120];
    request_caption(q, caption, sizeof caption);
    snprintf(out, SIGNS_TEXT_BYTES, "next: %s, %s", caption, when);
}

/* Between a turn and its pixels what the queue has on is what comes next. */
static void fill_next(const struct signs_source *s, const struct request *now, bool shown,
                      struct signs_content *c)
{
    struct request next;
    struct requests_outlook outlook;
    char when[TEXT_WHEN_BYTES];
    if (!shown && now->id != 0) {
        print_next(now, "in a moment", c->lines[SIGNS_NEXT]);
    } else if (shown && requests_list(s->requests, NULL, &next, 1) > 0) {
        requests_look_ahead(s->requests, s->now_s, &outlook);
        text_when(when, outlook.changes_in_s + way_lag_s(s->way));
        print_next(&next, when, c->lines[SIGNS_NEXT]);
    }
}

/* The class that is seen most besides the subjects; NULL: none that may be named. */
static const char *seen_besides(const struct signs_source *s, const struct port_state *state,
                                const struct request *now)
{
    for (int i = 0; i < state->seen_count; i++) {
        int synset = subjects_synset(s->model, state->seen[i].class_index);
        bool wished =
            synset < 0 || !s->known->known[synset] || (double)state->seen[i].probability < ALSO_LEAST;
        for (int k = 0; k < now->count; k++)
            wished = wished || now->synset[k] == synset;
        if (!wished)
            return synset_table[synset].names[0];
    }
    return NULL;
}

static void fill_belief(const struct signs_source *s, const struct request *now, struct signs_content *c)
{
    struct port_state state;
    port_state(s->port, &state);
    if (state.request_id != now->id || state.share < 0 || state.seen_count == 0)
        return;
    const char *also = seen_besides(s, &state, now);
    c->has_belief = true;
    c->belief = state.share;
    snprintf(c->lines[SIGNS_BELIEF], SIGNS_TEXT_BYTES, "%.0f %% sure%s%s", 100 * state.share,
             also ? ", also: " : "", also ? also : "");
}

void signs_fill(const struct signs_source *s, int64_t request_id, const char *caption, double front,
                struct signs_content *c)
{
    struct request now;
    struct tug_view v;
    requests_list(s->requests, &now, NULL, 0);
    tug_look(s->tug, &v);
    bool shown = is_shown(&now, request_id, caption);
    if (v.is_on && v.turn == now.turn && shown)
        fill_tug(&v, front, c);
    fill_next(s, &now, shown, c);
    if (shown)
        fill_belief(s, &now, c);
}
