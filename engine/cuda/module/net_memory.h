/*
 * net_memory - what tuning has learned, on disk: plans that took long to find, and engines that took the
 * device with them.
 *
 * One file for each combination of card, driver and cuDNN: $XDG_CACHE_HOME/reverie (or ~/.cache/reverie)
 * /engines-<hash>. It belongs to this user alone (0600); one that does not, that is damaged or that is about
 * something else is ignored, with a word, and written anew. Nothing depends on it: without a home the memory
 * ends with the program.
 */
#ifndef ENGINE_CUDA_MODULE_NET_MEMORY_H
#define ENGINE_CUDA_MODULE_NET_MEMORY_H

#include "engine/cuda/module/trial.h"

struct net_memory;

/* Reads what there is. Never fails: an empty memory is one too. */
void net_memory_open(struct net_memory **m, const struct cuda_device *d);
void net_memory_close(struct net_memory **m); /* NULL is fine; saves what is new */

/* Fills plan, problem.is_fused and us of `out` with what was found for the task. false: nothing that works. */
bool net_memory_find(const struct net_memory *m, const struct net_task *task, struct net_solved *out);
/* Keeps a problem's plan. */
void net_memory_add(struct net_memory *m, const struct net_solved *s);

/* An engine that lost the device, for such problems of any size; written to disk at once. true: it is there,
 * so that the next try will not meet it again. */
bool net_memory_shun(struct net_memory *m, const struct cuda_conv *problem, const struct net_engine *e);
bool net_memory_shuns(const struct net_memory *m, const struct cuda_conv *problem,
                      const struct net_engine *e);

#endif
