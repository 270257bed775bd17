/*
 * pool - worker threads for loops over independent blocks.
 *
 * pool_run hands out item numbers 0..count-1 to the workers and to the calling thread and returns when all
 * are done. Which thread runs an item is up to the moment, so an item must write only what belongs to it:
 * then the result is the same for any number of threads, which the reproducible renders rest on. Sums over
 * items are kept per item and added by the caller in item order.
 */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

struct pool;

/* `item` is 0..count-1; `worker` is 0..threads-1 and selects scratch memory: two calls with the same `worker`
 * never run at the same time. */
typedef void pool_fn(void *context, int item, int worker);

/* `threads` >= 1 counts the caller: 1 starts no thread at all. 0 or -errno; on failure *pool is NULL. */
int pool_open(struct pool **pool, int threads);
void pool_close(struct pool **pool); /* NULL is fine */

int pool_threads(const struct pool *pool);

/* Lets everybody else go first: for work that has no deadline beside work that has. The workers only; a
 * calling thread lowers its own. */
void pool_lower_priority(struct pool *pool);

/* One caller at a time. */
void pool_run(struct pool *pool, pool_fn *fn, void *context, int count);

#endif
