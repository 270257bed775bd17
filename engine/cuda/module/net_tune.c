/*
 * net_tune - an engine for every convolution of every view, by measuring.
 *
 * cuDNN's heuristics are not to be trusted to the last factor of two, and differ between its versions; so what
 * they propose is run, on the real buffers, and the fastest is kept (net_search.h). What follows a convolution
 * (bias and ReLU; on the way back the ReLU's decisions) can be fused to it or be a kernel of our own behind
 * it: both are measured; so is the way back as a forward convolution with turned weights. Views have the same layers in other sizes, so the first view is searched and the
 * best of its candidates are measured in the others.
 *
 * dream.tuning decides about time. `fast` takes engines that are compiled already, since a plan of those costs
 * nothing: on current cards they are the fastest alone, and forward also with bias and ReLU. `full` compiles
 * others too, a second or two each, and keeps what it found on disk, where `fast` finds it too.
 */
#include "engine/cuda/module/net_search.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"

static const struct net_schedule schedules[] = {
    [DREAM_TUNING_FAST] = {1700, 10, false}, [DREAM_TUNING_FULL] = {180000, 20, true}};
enum { SEARCH_WEIGHT = 8 }; /* time that a search may take, in that of choosing among a few */

/* ---- One of them ---- */

static bool is_same_layer(const struct net_solved *s, const struct net_task *t)
{
    const struct cuda_conv *a = &s->problem, *b = &t->problem;
    return a->is_backward == b->is_backward && a->in == b->in && a->out == b->out &&
           s->has_epilogue == t->has_epilogue;
}

static const struct net_solved *find(const struct cuda_net *n, const struct net_task *t)
{
    for (int i = 0; i < n->solved_count; i++)
        if (n->solved[i].plan && is_same_layer(&n->solved[i], t) && n->solved[i].problem.w == t->problem.w &&
            n->solved[i].problem.h == t->problem.h)
            return &n->solved[i];
    return NULL;
}

/* The same layer in the size that is next to it in the views' order. */
static const struct net_solved *find_like(const struct cuda_net *n, const struct net_task *t)
{
    for (int i = n->solved_count - 1; i >= 0; i--)
        if (n->solved[i].engine_count > 0 && is_same_layer(&n->solved[i], t))
            return &n->solved[i];
    return NULL;
}

static int solve(struct net_tuning *tuning, const struct net_task *t, int64_t until_us, struct error *e)
{
    struct cuda_net *n = t->net;
    const struct net_solved *like = find_like(n, t);
    struct net_solved *out = &n->solved[n->solved_count];
    *out = (struct net_solved){.problem = t->problem, .has_epilogue = t->has_epilogue};
    n->solved_count++;
    if (net_memory_find(tuning->memory, t, out))
        return 0;
    int rc = net_search(tuning, t, like, until_us, out);
    if (rc < 0) {
        (void)cuda_lost(n->device, e);
        return rc;
    }
    if (!out->plan)
        return error_set(e, ENOTSUP, "backend cuda: cuDNN has no engine for %s %s at %dx%d: %.200s",
                         net_task_name(t), net_task_way(t), t->problem.w, t->problem.h, tuning->why);
    if (tuning->schedule.compiles)
        net_memory_add(tuning->memory, out);
    return 0;
}

/* ---- All of them ---- */

static int prepare_conv(struct net_tuning *tuning, const struct net_task *t, int64_t until_us,
                        struct error *e)
{
    struct cuda_net *n = t->net;
    const struct net_solved *s = find(n, t);
    int rc = s ? 0 : solve(tuning, t, until_us, e);
    if (rc < 0)
        return rc;
    s = find(n, t);
    struct net_view *v = &n->views[t->view];
    struct net_conv *c = t->problem.is_backward ? &v->backward[t->layer] : &v->forward[t->layer];
    c->solved = s;
    rc = cuda_fail_cudnn(n->device, cuda_conv_pack(&s->problem, &t->at, &c->pack), "variant pack");
    return rc < 0 ? cuda_lost(n->device, e) : 0;
}

/* What is left of the time, shared out among what is left to do. */
static int64_t share_until_us(const struct net_tuning *t, bool is_search)
{
    int per_view = 2 * (t->net->convs - 1), left = t->count - t->done;
    int searches = per_view > t->done ? per_view - t->done : 0;
    int64_t end_us = t->began_us + (int64_t)t->schedule.budget_ms * 1000, now_us = clock_real_us();
    int64_t weights = (int64_t)searches * SEARCH_WEIGHT + (left - searches);
    int64_t left_us = end_us > now_us ? end_us - now_us : 0;
    return now_us + left_us * (is_search ? SEARCH_WEIGHT : 1) / (weights > 0 ? weights : 1);
}

int net_prepare_convs(struct cuda_net *n, int tuning, struct error *e)
{
    int per_view = 2 * (n->convs - 1);
    struct net_tuning t = {.net = n, .schedule = schedules[tuning], .count = n->plan.view_count * per_view};
    t.began_us = clock_real_us();
    t.said_us = n->device->opened_us;
    n->solved = xcalloc(NET_SOLVED_MAX, sizeof *n->solved);
    net_memory_open(&t.memory, n->device);
    int rc = trial_open(&t.trial, n);
    if (rc < 0)
        cuda_lost(n->device, e);
    for (; rc == 0 && t.done < t.count; t.done++) {
        int view = t.done / per_view, i = t.done % per_view;
        struct net_task task = net_task_of(n, view, 1 + i / 2, i % 2 == 1);
        net_say_progress(&t);
        rc = prepare_conv(&t, &task, share_until_us(&t, view == 0), e);
    }
    net_memory_close(&t.memory);
    trial_close(&t.trial);
    return rc;
}

void net_forget_convs(struct cuda_net *n)
{
    for (int view = 0; view < n->plan.view_count; view++)
        for (int i = 1; i < n->convs; i++) {
            struct net_conv *both[] = {&n->views[view].forward[i], &n->views[view].backward[i]};
            for (size_t k = 0; k < ARRAY_LEN(both); k++)
                if (both[k]->pack)
                    (void)cudnnBackendDestroyDescriptor(both[k]->pack);
        }
    for (int i = 0; i < n->solved_count; i++) {
        if (n->solved[i].plan)
            (void)cudnnBackendDestroyDescriptor(n->solved[i].plan);
        for (int k = 0; k < NET_KINDS; k++)
            cuda_conv_graph_close(&n->solved[i].graphs[k]);
    }
    free(n->solved);
    n->solved = NULL;
    n->solved_count = 0;
}
