/*
 * keeper - the last snapshot of the dream in a file, so that the dream goes on where it stopped when the show is started again.
 *
 * Snapshots are offered as they are taken; now and then, and at the end, one is copied and written by a thread of its
 * own, so nobody waits for a disk. How often follows from its size: at most WRITE_BYTES_PER_S on the average, so that a disk
 * is not worn out for a dream. The file (0600) is replaced in one moment, and what is written is looked at before: a
 * snapshot may come out of the memory of a process that has gone mad. Captions stay out of it: they hold the names of viewers.
 *
 * keeper_offer is for one thread; all else for the owner's.
 */
#ifndef DREAMER_KEEPER_H
#define DREAMER_KEEPER_H

#include "dreamer/snapshot.h"

struct keeper;

/* `path`, `c` and `m` (for its classes) must outlive it. 0 or -errno with a line; *k is NULL then. */
int keeper_open(struct keeper **k, const char *path, const struct dream_config *c, const struct model *m,
                struct error *e);

/* Copies the snapshot if it is time to write one, or `last`: none follows. Does not wait. NULL is fine. */
void keeper_offer(struct keeper *k, const struct snapshot *s, bool last);

/* How far apart it writes, for whoever takes snapshots for it alone. */
int64_t keeper_every_us(const struct keeper *k);

/* Writes what was offered last, then ends. NULL is fine. */
void keeper_close(struct keeper **k);

/* What a former show has left there: new memory (aligned as snapshots are) that the caller frees, with place and number at
 * zero. NULL: there is nothing, or nothing that could be used; the log says why. */
struct snapshot *keeper_read(const char *path, const struct dream_config *c, const struct model *m);

#endif
