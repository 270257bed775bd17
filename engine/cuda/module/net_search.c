/*
 * net_search - see net_search.h.
 */
#include "engine/cuda/module/net_search.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

enum { SAY_EVERY_US = 1000000 };

/* A candidate that works. */
struct contender {
    cudnnBackendDescriptor_t plan;
    struct net_engine engine;
    float us;
};

/* One problem's tuning. */
struct search {
    const struct net_task *task;
    struct net_tuning *tuning;
    int64_t end_us;   /* its time */
    int64_t until_us; /* nothing new after that, once something works */
    bool has_truth;
    double truth[CHECK_SUMS]; /* of the first output */
    struct contender best[NET_CONTENDERS];
    int count; /* of best, fastest first */
};

/* ---- Saying so ---- */

void net_say_progress(struct net_tuning *t)
{
    int64_t now_us = clock_real_us();
    if (now_us - t->said_us < SAY_EVERY_US)
        return;
    t->said_us = now_us;
    log_info("dream", "the GPU gets ready: %d of %d convolutions measured after %.0f s", t->done, t->count,
             (double)(now_us - t->net->device->opened_us) / 1e6);
}

const char *net_task_way(const struct net_task *t)
{
    return t->problem.is_backward ? "backward" : "forward";
}

const char *net_task_name(const struct net_task *t)
{
    return t->net->model->layers[t->layer].name;
}

static void note(struct search *s, cudnnStatus_t status)
{
    char detail[160] = "";
    cudnnGetLastErrorString(detail, sizeof detail);
    detail[sizeof detail - 1] = '\0';
    (void)cudaGetLastError(); /* a refused launch is not the next one's fault; a lost device says so again */
    snprintf(s->tuning->why, sizeof s->tuning->why, "%s %s", cudnnGetErrorString(status), detail);
}

/* ---- Candidates ---- */

static bool is_over(const struct search *s)
{
    return s->count > 0 && clock_real_us() >= s->until_us;
}

static cudnnBackendDescriptor_t drop(cudnnBackendDescriptor_t plan)
{
    if (plan)
        (void)cudnnBackendDestroyDescriptor(plan);
    return NULL;
}

/* Takes the plan: keeps it where it belongs among the best, or destroys it. */
static void rank(struct search *s, struct contender c)
{
    int at = s->count;
    while (at > 0 && c.us < s->best[at - 1].us)
        at--;
    if (at == NET_CONTENDERS || !(c.us < INFINITY)) {
        (void)drop(c.plan);
        return;
    }
    if (s->count == NET_CONTENDERS)
        (void)drop(s->best[--s->count].plan);
    memmove(&s->best[at + 1], &s->best[at], (size_t)(s->count - at) * sizeof *s->best);
    s->best[at] = c;
    s->count++;
}

/* Is what the last trial wrote what the first one wrote? */
static int check(struct search *s, float *us)
{
    double sums[CHECK_SUMS];
    int rc = trial_check(s->task, sums);
    if (rc < 0)
        return rc;
    if (!s->has_truth) {
        memcpy(s->truth, sums, sizeof sums);
        s->has_truth = isfinite(sums[0]);
    } else if (!trial_agrees(sums, s->truth)) {
        log_debug("cuda", "an engine of cuDNN computes %s %s wrong; it is passed over",
                  net_task_name(s->task), net_task_way(s->task));
        *us = INFINITY;
    }
    return 0;
}

/* Runs a plan, which it takes. An engine that takes the device with it is remembered. */
static int try_plan(struct search *s, struct contender c, int64_t workspace_bytes)
{
    const struct cuda_net *n = s->task->net;
    const struct trial_plan p = {c.plan, c.engine.kind};
    int rc = 0;
    c.us = INFINITY;
    if (workspace_bytes <= (int64_t)n->plan.workspace_bytes)
        rc = trial_quick(&s->tuning->trial, s->task, p, &c.us);
    if (rc == 0 && c.us < INFINITY)
        rc = check(s, &c.us);
    if (rc == -EIO && net_memory_shun(s->tuning->memory, &s->task->problem, &c.engine))
        rc = -EAGAIN;
    c.us = rc == 0 ? c.us : INFINITY;
    rank(s, c);
    return rc;
}

static int try_config(struct search *s, const struct cuda_conv_graph *graph, int i, int kind)
{
    struct contender c = {.engine.kind = kind};
    int64_t workspace_bytes;
    net_say_progress(s->tuning);
    cudnnStatus_t status = cuda_conv_engine_of(graph->configs[i], &c.engine.engine);
    if (status == CUDNN_STATUS_SUCCESS && net_memory_shuns(s->tuning->memory, &s->task->problem, &c.engine))
        return 0;
    if (status == CUDNN_STATUS_SUCCESS)
        status = cuda_conv_plan(&graph->target, graph->configs[i], &c.plan, &workspace_bytes);
    if (status == CUDNN_STATUS_SUCCESS)
        return try_plan(s, c, workspace_bytes);
    note(s, status);
    return 0;
}

/* May it be tried? In the second pass, that of engines which have to be compiled. */
static bool is_wanted(const struct cuda_conv *problem, cudnnBackendDescriptor_t config, bool compiled)
{
    struct cuda_conv_notes notes;
    return cuda_conv_note(problem, config, &notes) && notes.is_exact && notes.is_compiled == compiled;
}

/* Opens the graph of one kind. false: cuDNN has no such thing. */
static bool open_graph(struct search *s, struct cuda_conv_graph *graph, int kind, bool proposes)
{
    const struct cuda_conv_target target = {s->task->net->device->cudnn, NULL};
    struct cuda_conv problem = net_problem_of(s->task, kind);
    cudnnStatus_t status = cuda_conv_graph_open(graph, &target, &problem);
    if (status == CUDNN_STATUS_SUCCESS && proposes)
        status = cuda_conv_propose(graph);
    if (status != CUDNN_STATUS_SUCCESS)
        note(s, status);
    return status == CUDNN_STATUS_SUCCESS;
}

/* Tries what the heuristics propose. */
static int search_kind(struct search *s, struct cuda_conv_graph *graph, int kind)
{
    struct cuda_conv problem = net_problem_of(s->task, kind);
    int rc = 0;
    if (!open_graph(s, graph, kind, true))
        return 0;
    for (int pass = 0; pass < 2; pass++) {
        bool may = pass == 0 || s->tuning->schedule.compiles || s->count == 0; /* if nothing else works */
        for (int i = 0; may && rc == 0 && i < graph->config_count && !is_over(s); i++)
            if (is_wanted(&problem, graph->configs[i], pass == 1))
                rc = try_config(s, graph, i, kind);
    }
    return rc;
}

/* Tries what was best for the same layer in another size. */
static int recall_kind(struct search *s, struct cuda_conv_graph *graph, int kind,
                       const struct net_solved *like)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < like->engine_count && !is_over(s); i++) {
        if (like->engines[i].kind != kind)
            continue;
        if (!graph->graph && !open_graph(s, graph, kind, false))
            return 0;
        if (cuda_conv_recall(graph, &like->engines[i].engine) == CUDNN_STATUS_SUCCESS)
            rc = try_config(s, graph, graph->config_count - 1, kind);
    }
    return rc;
}

/* ---- Choosing ---- */

/* May it be computed in this way, and is it worth asking? Fused backward engines all have to be compiled, for
 * the tensor cores of the generation before Hopper, and asking alone takes as long as the rest. */
static bool is_worth(const struct search *s, int kind)
{
    bool is_backward = s->task->problem.is_backward, compiles = s->tuning->schedule.compiles;
    if (kind & NET_TURNED && !is_backward)
        return false;
    return !(kind & NET_FUSED) || (s->task->has_epilogue && (!is_backward || compiles));
}

/* This stage may use that share of what is left of the problem's time. */
static void allow(struct search *s, double share)
{
    int64_t left_us = s->end_us - clock_real_us();
    s->until_us = s->end_us - (int64_t)((double)(left_us > 0 ? left_us : 0) * (1 - share));
}

static int recall(struct search *s, struct cuda_conv_graph *graphs, const struct net_solved *like)
{
    int rc = 0;
    allow(s, 0.5);
    for (int kind = 0; rc == 0 && kind < NET_KINDS; kind++)
        rc = recall_kind(s, &graphs[kind], kind, like);
    for (int kind = 0; s->count == 0 && kind < NET_KINDS; kind++)
        cuda_conv_graph_close(&graphs[kind]);
    return rc;
}

static int find_contenders(struct search *s, struct cuda_conv_graph *graphs, const struct net_solved *like)
{
    int rc = like ? recall(s, graphs, like) : 0, left = 1; /* stages; the last is measuring with care */
    if (rc < 0 || s->count > 0)
        return rc;
    for (int kind = 0; kind < NET_KINDS; kind++)
        left += is_worth(s, kind);
    for (int kind = 0; rc == 0 && kind < NET_KINDS; kind++) {
        if (!is_worth(s, kind))
            continue;
        allow(s, 1.0 / left--);
        if (!is_over(s))
            rc = search_kind(s, &graphs[kind], kind);
    }
    return rc;
}

/* The best of the contenders, measured with care where there is a choice, comes to the front. */
static int choose(struct search *s, bool was_searched)
{
    const struct net_schedule *schedule = &s->tuning->schedule;
    int warm_ms = was_searched || schedule->compiles ? schedule->warm_ms : 1, best = 0;
    float best_us = INFINITY;
    s->until_us = s->end_us;
    for (int i = 0; s->count > 1 && i < s->count && !is_over(s); i++) {
        const struct trial_plan p = {s->best[i].plan, s->best[i].engine.kind};
        float us;
        int rc = trial_careful(&s->tuning->trial, s->task, p, warm_ms, &us);
        warm_ms = schedule->compiles ? warm_ms : 1; /* the next one finds it warm */
        if (rc < 0)
            return rc;
        if (us < best_us) {
            best = i;
            best_us = us;
        }
    }
    struct contender winner = s->best[best];
    memmove(&s->best[1], &s->best[0], (size_t)best * sizeof *s->best);
    winner.us = best_us < INFINITY ? best_us : winner.us;
    s->best[0] = winner;
    return 0;
}

/* The winner and its rivals' numbers stay with the problem, all other plans go. */
static void settle(struct search *s, struct net_solved *out)
{
    out->plan = s->best[0].plan;
    out->us = s->best[0].us;
    out->problem = net_problem_of(s->task, s->best[0].engine.kind);
    for (int i = 0; i < s->count; i++) {
        out->engines[out->engine_count++] = s->best[i].engine;
        if (i > 0)
            (void)drop(s->best[i].plan);
    }
    log_debug("cuda", "%s %s %dx%d: %.0f us%s%s", net_task_name(s->task), net_task_way(s->task),
              s->task->problem.w, s->task->problem.h, (double)out->us,
              out->problem.is_turned ? ", turned" : "", out->problem.is_fused ? ", fused" : "");
}

/* ---- The whole ---- */

int net_search(struct net_tuning *tuning, const struct net_task *task, const struct net_solved *like,
               int64_t until_us, struct net_solved *out)
{
    struct search s = {.task = task, .tuning = tuning, .end_us = until_us};
    int rc = trial_fill(&tuning->trial, task);
    if (rc == 0)
        rc = find_contenders(&s, out->graphs, like);
    if (rc == 0 && s.count > 0)
        rc = choose(&s, !like);
    if (rc == 0 && s.count == 0) /* because there is none, or because the device is gone? */
        rc = cuda_device_wait(task->net->device);
    if (rc == 0 && s.count > 0)
        settle(&s, out);
    for (int i = 0; rc < 0 && i < s.count; i++)
        (void)drop(s.best[i].plan);
    return rc;
}
