/*
 * state - a dream taken down and put up again: its picture, what the steps have left behind, and its chance.
 *
 * dream_save and dream_load let a dream go on in another process, or after a restart, as if nothing had happened: what is
 * loaded on the same kind of backend takes the same steps to the same picture. What is being dreamed is not in it:
 * whoever sets targets knows it. A backend that does not hand out its momentum saves zeros, and the dream needs a few
 * steps to be in motion again.
 *
 * The numbers are plain data without pointers or gaps, so that they can be written as they are. One thread at a time, the
 * one that uses the dream.
 */
#ifndef ENGINE_DREAM_STATE_H
#define ENGINE_DREAM_STATE_H

#include "engine/dream/dream.h"
#include "engine/step.h"

struct dream_state {
    uint64_t classes;            /* which the model knows, and in which order: a checksum */
    uint64_t rng_key, rng_count; /* chance, and how far it has been used up */
    uint64_t planned;            /* steps that might have had detail, which comes with every second */
    int32_t width_px, height_px; /* of the picture */
    int32_t profile;             /* enum dream_profile */
    int32_t moment;              /* steps since the last warp */
    struct image_sums sums;      /* of the picture; the next step goes by them */
};

/* How many floats go with it: the picture [3][height][width], then as many of momentum; `classic`: twice as many. */
size_t dream_state_floats(const struct dream_config *c);

/* Fills both; `planes` [dream_state_floats] is the caller's. 0, or -EIO when the backend was lost meanwhile: what is in them
 * then is of no use. */
int dream_save(struct dream *d, struct dream_state *s, float *planes);

/* Could a dream of these settings and this model go on with it? Looks at every number. 0; -ESTALE with a line: it is of
 * another dream; -EINVAL with a line: no dream can be in such a state. */
int dream_state_check(const struct dream_state *s, const float *planes, const struct dream_config *c,
                      const struct model *m, struct error *e);

/* Goes on with what dream_state_check found good for this dream's settings and model. Targets stay. 0 or -EIO. */
int dream_load(struct dream *d, const struct dream_state *s, const float *planes);

#endif
