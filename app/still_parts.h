/*
 * still_parts - what the files of a still's dream share: still_dream.c goes through the octaves, still_tiles.c dreams one
 * that is too large for the memory.
 */
#ifndef APP_STILL_PARTS_H
#define APP_STILL_PARTS_H

#include "app/still_dream.h"

/* [3][h][w] of the size, or NULL with a line. */
float *still_picture_alloc(struct option_size size, struct error *e);

/* Opens the dream of an octave, or of a tile of it, and says what is climbed. */
int still_dream_open(struct dream **d, const struct still_run *run, const struct dream_config *c,
                     uint64_t seed, const float *start, struct error *e);

/* How an octave of c->size fits into memory: 0: whole; else the side of its tiles; -ENOMEM with a line that says how much
 * it needs. */
int still_tile_side(const struct still_run *run, const struct dream_config *c, struct error *e);

/* Dreams `x` [3][h][w] of c->size in place, in tiles of that side. 0 or -errno with a line. */
int still_dream_tiles(const struct still_run *run, const struct dream_config *c, float *x, int octave,
                      int side, struct error *e);

/* Steps that are done with all octaves so far, and the picture of one of them, now. Says whether to go on: 0, 1: somebody
 * has stopped it, -errno with a line. */
int still_step_done(const struct still_run *run, const float *x, int octave, struct error *e);

#endif
