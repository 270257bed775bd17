/*
 * still_grid - how tiles lie over a picture: overlapping cells at a random place, under windows that add up to one.
 *
 * A grid is the same twice, once across and once down. Cells begin and end outside of the picture, wherever chance has put
 * them; tiles do not: a cell that sticks out has its tile moved inside, where its window still is what the cell's was. So every
 * place of the picture can be in the middle of a tile, and none is always at an edge.
 */
#ifndef APP_STILL_GRID_H
#define APP_STILL_GRID_H

#include <stdint.h>

#include "common/rng.h"

enum { STILL_ROUND_STEPS = 4 }; /* steps that a grid stays where it is */

/* One direction: cells `side` long, each side - overlap behind the last, from `first` (at most 0) on. */
struct still_cells {
    int size, side, overlap, first, count;
};

/* Where the chance of an octave's grids comes from. Each round lays its cells across, then down. */
struct rng still_grid_rng(uint64_t seed, int octave);

/* Cells over `size` pixels; a single one where they are no more than a tile. */
struct still_cells still_cells_lay(int size, int side, struct rng *rng);

/* Where the tile of cell i begins: inside the picture, whatever the cell does. */
int still_cell_begin(const struct still_cells *c, int i);

/* How much of cell i counts at the picture's place `at`, which is in its tile: 0..1. All cells' add up to one. */
float still_cell_window(const struct still_cells *c, int i, int at);

#endif
