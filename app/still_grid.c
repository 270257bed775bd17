/*
 * still_grid - see still_grid.h.
 */
#include "app/still_grid.h"

#include <math.h>
#include <stdbool.h>

enum {
    RNG_STREAM = 0x7469,
    OCTAVE_SEED = 1000003, /* between the seeds of two octaves */
    OVERLAP = 6            /* a tile's side over what it shares with its neighbour */
};

struct rng still_grid_rng(uint64_t seed, int octave)
{
    return rng_make(seed + (uint64_t)octave * OCTAVE_SEED, RNG_STREAM);
}

struct still_cells still_cells_lay(int size, int side, struct rng *rng)
{
    struct still_cells c = {
        .size = size, .side = side < size ? side : size, .overlap = side / OVERLAP, .count = 1};
    if (c.side == size)
        return c;
    int step = c.side - c.overlap;
    c.first = -(int)rng_below(rng, (uint32_t)step) - c.overlap / 2;
    c.count = (size - c.first - c.overlap + step - 1) / step;
    return c;
}

int still_cell_begin(const struct still_cells *c, int i)
{
    int at = c->first + i * (c->side - c->overlap);
    return at < 0 ? 0 : at > c->size - c->side ? c->size - c->side : at;
}

float still_cell_window(const struct still_cells *c, int i, int at)
{
    if (c->count == 1)
        return 1;
    float into = (float)(at - (c->first + i * (c->side - c->overlap))) + 0.5f, over = (float)c->overlap;
    float from_end = (float)c->side - into, w = fminf(into, from_end) / over;
    bool is_outermost = (i == 0 && into < over) || (i == c->count - 1 && from_end < over);
    return is_outermost ? 1 : fminf(1, fmaxf(0, w));
}
