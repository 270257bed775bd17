/*
 * programme - see programme.h.
 */
#include "app/programme.h"

#include "common/log.h"

/* Of two subjects each has its half; the dream makes the border soft. */
static struct port_subject place(int class_index, int place, int count, bool first_below)
{
    struct port_subject s = {.class_index = class_index, .weight = 1, .right = 1, .bottom = 1};
    if (count == 2 && (place == 0) == first_below)
        s.top = 0.5f;
    else if (count == 2)
        s.bottom = 0.5f;
    return s;
}

static void target_from_request(const struct programme *p, const struct request *r, struct port_target *t)
{
    *t = (struct port_target){.request_id = r->id, .fade_s = p->has_begun ? (float)p->fade_s : 0};
    for (int i = 0; i < r->count; i++) {
        int c = model_class(p->model, synset_table[r->synset[i]].wnid);
        if (c >= 0 && t->count < PORT_SUBJECTS_MAX)
            t->subjects[t->count++] = place(c, i, r->count, p->first_below);
    }
    request_caption(r, t->caption, sizeof t->caption);
}

static void answer(struct programme *p, double now_s)
{
    struct request r;
    struct port_target t;
    if (p->script)
        script_feed(p->script, p->chatbot, now_s);
    if (!requests_turn(p->requests, now_s, &r)) {
        port_answer(p->port, NULL);
        return;
    }
    target_from_request(p, &r, &t);
    p->has_begun = true;
    log_info("dream", "%.1f s: now dreaming %s", now_s, t.caption);
    port_answer(p->port, &t);
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
