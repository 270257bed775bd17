/*
 * taping - the tape of a live show: what passes the door to the dream and what the stream does become events (tape/tape.h).
 *
 * Two places tell it everything. The programme hands each target over (taping_target) before it answers the dream with it. The
 * stream is watched (taping_witness): pictures, each with how it came about, gaps, and what is withdrawn; and the signs that
 * it was given for each frame. Nothing is decided here, and nobody waits.
 */
#ifndef APP_TAPING_H
#define APP_TAPING_H

#include "app/settings.h"
#include "dreamer/snapshot.h"
#include "stream/stream.h"
#include "tape/tape.h"

extern const struct option_section tape_section; /* "tape" */

struct taping;

struct taping_params {
    const struct settings *settings; /* must outlive it */
    const struct model *model;       /* for its name */
    uint64_t fingerprint;            /* of the model */
    uint64_t seed;
    const struct snapshot
        *resumed; /* what the dream goes on from; kept beside the tape. NULL: it begins anew */
};

/* 0, also when no tape is wanted (*t is NULL then, which all below take), or -errno with a line. */
int taping_open(struct taping **t, const struct taping_params *p, struct error *e);

/* After the stream has ended; `frames` is where it did. */
void taping_close(struct taping **t, int64_t frames);

/* What is dreamed from now on; its number is set. `user` wished for it; "": nobody. From any thread. */
void taping_target(struct taping *t, const struct port_target *target, const char *user);

/* For stream_params; NULL when there is no tape. Until taping_close. */
const struct stream_witness *taping_witness(const struct taping *t);

/* Whose request it is, before signs name it. The stream's thread, as is the next. */
void taping_name(struct taping *t, int64_t request_id, const char *user);

/* What stands on this frame. `front` is the camera's. */
void taping_signs(struct taping *t, int64_t frame, double front, const struct signs_content *c);

/* A moderator has removed what it says: the name goes from the tape. From any thread. */
void taping_forget(struct taping *t, int64_t request_id);

/* The other way round, for replays: what stands on a frame. */
void taping_read_signs(const struct tape_signs *s, double front, struct signs_content *c);

#endif
