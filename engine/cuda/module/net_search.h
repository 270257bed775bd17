/*
 * net_search - the fastest engine for one convolution.
 *
 * All candidates are run quickly, the few best of them are measured with care (trial.h). Whatever runs is also
 * checked: from the same input every engine must write what the first one wrote, which is a convolution alone
 * with our kernel behind it. One that is fast because it computes something else is passed over. One that
 * loses the device is remembered, and not tried again (net_memory.h).
 */
#ifndef ENGINE_CUDA_MODULE_NET_SEARCH_H
#define ENGINE_CUDA_MODULE_NET_SEARCH_H

#include "engine/cuda/module/net_memory.h"
#include "engine/cuda/module/trial.h"

/* What a way of tuning may do. */
struct net_schedule {
    int budget_ms; /* about, for all views; at least one plan of each is made whatever it takes */
    int warm_ms;   /* before a careful measurement */
    bool compiles;
};

/* The tuning of a whole network. */
struct net_tuning {
    struct cuda_net *net;
    struct net_schedule schedule;
    struct net_memory *memory;
    struct trial trial;
    int done, count; /* of convolutions */
    int64_t began_us, said_us;
    char why[256]; /* the last refusal, for the case that nothing works */
};

/* Fills plan, us, problem.is_fused and engines of `out`, whose graphs are closed by its owner whatever comes.
 * `like`: the same layer in another size, whose engines are tried alone; NULL: all are. No new candidate is
 * tried after `until_us` (clock_real_us), once one works. 0, without a plan when there is none; -ENOMEM;
 * -EIO; -EAGAIN: the device is lost to an engine that will not be tried again. */
int net_search(struct net_tuning *tuning, const struct net_task *task, const struct net_solved *like,
               int64_t until_us, struct net_solved *out);

/* A line for people every second: longer silence looks like a fault. */
void net_say_progress(struct net_tuning *t);

/* "conv3_1", "backward": for messages. */
const char *net_task_name(const struct net_task *t);
const char *net_task_way(const struct net_task *t);

#endif
