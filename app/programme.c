/*
 * programme - see programme.h.
 */
#include "app/programme.h"

#include <math.h>

#include "app/subjects.h"
#include "app/taping.h"
#include "common/log.h"

#define SEEN_LEAST  0.01      /* what is seen less surely is not worth a word */
#define FRONT_LEAST 0.0005    /* of the height: less is not worth a word, either */
enum { USUAL_CHANGE_S = 20 }; /* of "frog > volcano" without a time */

static void add_subjects(const struct programme *p, const struct request *r, int first, int end,
                         struct port_target *t)
{
    for (int i = first; i < end; i++) {
        int c = model_class(p->model, synset_table[r->synset[i]].wnid);
        if (c >= 0 && t->count < PORT_SUBJECTS_MAX)
            t->subjects[t->count++] = subjects_place(c, &r->manner[i]);
    }
}

/* What is dreamed from now on, and what comes after that when the request says so. */
static void targets_from_request(struct programme *p, const struct request *r, double now_s,
                                 struct port_target *t)
{
    const struct synsets_change *change = &r->change;
    double change_s = change->s > 0 ? change->s : USUAL_CHANGE_S, fade_s = p->has_begun ? p->fade_s : 0;
    bool only_late = change->at == 0 && change->s > 0; /* "> volcano 30s": out of what is on */
    p->has_later = change->at > 0;
    *t = (struct port_target){.request_id = r->id, .fade_s = (float)fade_s};
    if (only_late && p->has_begun) {
        t->fade_s = (float)change_s;
        t->change = change->wipes ? PORT_WIPE : PORT_FADE;
    }
    add_subjects(p, r, 0, p->has_later ? change->at : r->count, t);
    request_caption(r, t->caption, sizeof t->caption);
    if (!p->has_later)
        return;
    p->later = (struct port_target){
        .request_id = r->id, .fade_s = (float)change_s, .change = change->wipes ? PORT_WIPE : PORT_FADE};
    add_subjects(p, r, change->at, r->count, &p->later);
    request_caption(r, p->later.caption, sizeof p->later.caption);
    p->later_at_s = now_s + fade_s;
}

/* The class that is seen most besides those of the request on turn, or -1. */
static int seen_besides(const struct programme *p, const struct port_state *state)
{
    for (int i = 0; i < state->seen_count; i++) {
        int synset = subjects_synset(p->model, state->seen[i].class_index);
        bool wanted = (double)state->seen[i].probability < SEEN_LEAST;
        for (int k = 0; k < p->now.count; k++)
            wanted = wanted || p->now.synset[k] == synset;
        if (!wanted && synset >= 0)
            return synset;
    }
    return -1;
}

/* What the dream says goes to the chat, and may end a turn early. */
static void follow_state(struct programme *p, const struct port_state *state, double now_s)
{
    struct requests_outlook outlook;
    if (p->now.count == 0 || state->request_id != p->now.id || state->share < 0)
        return;
    chatbot_set_sight(p->chatbot, p->now.id, state->share, seen_besides(p, state));
    if (!p->moves_on_when_formed || p->now.id == 0 ||
        !formed_look(&p->formed, p->now.id, state->share, now_s) ||
        requests_list(p->requests, NULL, NULL, 0) == 0)
        return;
    requests_look_ahead(p->requests, now_s, &outlook);
    if (outlook.held_for_s <= 0 && !p->has_later)
        requests_skip(p->requests);
}

void programme_steer(struct programme *p, enum chat_steer how)
{
    atomic_store(&p->steer, (int)how);
}

/* True: somebody steers, and *t says how. */
static bool take_steering(struct programme *p, struct port_target *t)
{
    static const struct port_motion motions[] = {
        [CHAT_STEER_SLOW] = {.speed = 0.4f, .for_s = 30},
        [CHAT_STEER_FAST] = {.speed = 2, .for_s = 30},
        [CHAT_STEER_STILL] = {.speed = 0, .for_s = 15},
        [CHAT_STEER_SPIN] = {.speed = 1, .turn = 8, .for_s = 20},
        [CHAT_STEER_DIVE] = {.speed = 3, .for_s = 10},
        [CHAT_STEER_LEFT] = {.speed = 1.5f, .for_s = 15, .aims = 1, .x = -0.35f},
        [CHAT_STEER_RIGHT] = {.speed = 1.5f, .for_s = 15, .aims = 1, .x = 0.35f},
    };
    int how = atomic_exchange(&p->steer, CHAT_STEER_NONE);
    if (how == CHAT_STEER_NONE)
        return false;
    *t = (struct port_target){.only_motion = 1, .motion = motions[how]};
    return true;
}

/* ---- the tug of war ---- */

static void begin_tug(struct programme *p, const struct request *r, double now_s)
{
    p->front = -1;
    p->wins_told = 0;
    if (p->tug)
        tug_turn(p->tug, r, p->first_below, now_s);
}

/* The votes are gone soon after; what they were at this moment is told. */
static void tell_winner(struct programme *p, double now_s)
{
    struct tug_view v;
    tug_look(p->tug, &v);
    int lower = v.winner == TUG_LOWER;
    if (!v.winner || v.wins[0] + v.wins[1] == p->wins_told)
        return;
    p->wins_told = v.wins[0] + v.wins[1];
    log_info("show", "%.1f s: %s wins the tug of war, %d to %d", now_s,
             synset_table[v.synset[lower]].names[0], v.votes[lower], v.votes[!lower]);
    chatbot_won(p->chatbot, v.synset[lower], v.votes[lower], v.votes[!lower]);
}

/* True: the front has moved, and *t says where to. */
static bool pull(struct programme *p, double now_s, struct port_target *t)
{
    double front;
    if (!p->tug || !tug_pull(p->tug, now_s, &front))
        return false;
    tell_winner(p, now_s);
    if (fabs(front - p->front) < FRONT_LEAST)
        return false;
    p->front = front;
    *t = (struct port_target){.only_front = 1, .front = (float)front};
    return true;
}

/* Onto the tape, then to the dream: a picture that takes it comes behind it. */
static void give(struct programme *p, struct port_target *t)
{
    t->number = ++p->targets;
    taping_target(p->taping, t, t->request_id && t->request_id == p->now.id ? p->now.user : "");
    port_answer(p->port, t);
}

static void answer(struct programme *p, double now_s)
{
    struct request r;
    struct port_target t;
    if (p->script)
        script_feed(p->script, p->chatbot, now_s);
    if (requests_turn(p->requests, now_s, &r)) {
        targets_from_request(p, &r, now_s, &t);
        p->has_begun = true;
        p->now = r;
        begin_tug(p, &r, now_s);
        if (p->way)
            way_turned(p->way, r.id, t.caption, now_s);
        log_info("dream", "%.1f s: now dreaming %s", now_s, t.caption);
        give(p, &t);
    } else if (p->has_later && now_s >= p->later_at_s) {
        p->has_later = false;
        give(p, &p->later);
    } else if (take_steering(p, &t) || pull(p, now_s, &t)) {
        give(p, &t);
    } else {
        port_answer(p->port, NULL);
    }
}

static void *programme_main(void *arg)
{
    struct programme *p = arg;
    struct port_state state;
    double now_s, lag_s = 0;
    while (port_question(p->port, &now_s)) {
        port_state(p->port, &state);
        if (state.lag_s > 0 && state.lag_s != lag_s)
            chatbot_set_lag(p->chatbot, lag_s = state.lag_s);
        follow_state(p, &state, now_s);
        answer(p, now_s);
    }
    return NULL;
}

int programme_start(struct programme *p)
{
    return thread_start(&p->thread, "programme", programme_main, p);
}

void programme_stop(struct programme *p)
{
    thread_join(&p->thread);
}
