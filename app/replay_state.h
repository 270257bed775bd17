/*
 * replay_state - how far a replay in parts has come, in a file: killed and started again it goes on there.
 *
 * The file (0600) lies beside the recordings and is replaced in one moment after each part. It holds the number of the next
 * part and the snapshot that it begins with, and a checksum of everything that made it so: tape, settings and parts. What was left
 * by another replay is not taken for this one's.
 */
#ifndef APP_REPLAY_STATE_H
#define APP_REPLAY_STATE_H

#include "app/replay_part.h"

struct replay_state {
    int64_t part;    /* the next one, from 0 */
    int64_t start_z; /* the picture of the tape that `kept` is of; -1: the part begins with the tape */
    struct replay_kept kept;
};

/* What is there for this replay; part 0 when there is nothing, or nothing that could be used (the log says why). The snapshot is the
 * caller's to free. */
void replay_state_read(const char *path, uint64_t identity, const struct dream_config *c,
                       const struct model *m, struct replay_state *s);

/* 0 or -errno with a line. */
int replay_state_write(const char *path, uint64_t identity, const struct replay_state *s, struct error *e);

#endif
