/*
 * snapshot - where the dream is, as bytes: to go on from after the dreamer has died, or after a restart.
 *
 * A head of plain data, then the dream's planes (engine/dream/state.h): the picture, its momentum, its chance, and what
 * was being dreamed. The bytes lie in memory that two processes share, and in a file. Both can hold anything: a child
 * that has gone mad, a disk that lies, a file of another version. So there is a checksum (against damage, not against
 * forgers), and snapshot_check looks at every number before any is used. Same machine and same build only: a head of
 * another size or byte order is foreign, not damaged, and the dream begins anew.
 *
 * The dream's thread takes snapshots into two places in turn, so that one is always whole.
 */
#ifndef DREAMER_SNAPSHOT_H
#define DREAMER_SNAPSHOT_H

#include "dreamer/port.h"
#include "engine/dream/state.h"

enum { SNAPSHOT_PLACES = 2, SNAPSHOT_HEAD_BYTES = 4096 };

struct snapshot {
    char magic[8];
    uint32_t version, head_bytes; /* of this struct */
    uint64_t bytes, checksum;     /* of all; of all behind this */
    struct dream_state dream;
    int64_t z_frames;          /* the picture's place on the zoom axis of its show */
    struct port_target target; /* what was being dreamed; count 0: nothing */
};
_Static_assert(sizeof(struct snapshot) <= SNAPSHOT_HEAD_BYTES, "the planes begin behind the head");

/* Of a whole one under these settings. */
size_t snapshot_bytes(const struct dream_config *c);

/* [dream_state_floats], behind the head. */
float *snapshot_planes(struct snapshot *s);

/* Fills in magic, sizes and checksum: the rest must not change any more. */
void snapshot_seal(struct snapshot *s, const struct dream_config *c);

/* Are these bytes (aligned to 64) a snapshot that a dream of these settings and this model can go on from? 0; -ESTALE with a
 * line: of another dream, version or machine; -EINVAL with a line: damaged. */
int snapshot_check(const void *bytes, size_t size, const struct dream_config *c, const struct model *m,
                   struct error *e);

/* ---- taking them now and then ---- */

struct snapshots {
    const struct dream_config *config;
    struct snapshot *places[SNAPSHOT_PLACES]; /* each of snapshot_bytes; NULL: none are taken */
    int next;                                 /* the place that is filled next */
    int64_t every_us;
    /* Place `index` is whole, until the second next call. On the dream's thread; must not wait. */
    void (*taken)(void *context, int index);
    void *context;
    int64_t taken_us; /* real time of the last one; 0: none. The module's own. */
};

/* Takes one when it is time, or `now`. The dream's thread. */
void snapshots_take(struct snapshots *s, struct dream *d, int64_t z_frames, const struct port_target *t,
                    bool now);

#endif
