/*
 * bf16_sound - whether a driver of bf16.h multiplies rightly on this processor: a product of odd sizes, of made-up numbers,
 * against the same in double precision. A kernel that was only ever run on an emulation has to show this before it dreams.
 */
#include <math.h>

#include "common/rng.h"
#include "engine/cpu/bf16.h"
#include "engine/cpu/kernels.h"

/* Any order of the sums and any rounding of them, to nearest or to odd as bfmmla does, stays within 2^-23 of the sum of sizes for each of the 70
 * additions; a wrong number does not. */
bool bf16_is_sound(const struct bf16_kernels *k)
{
    enum { ROWS = 37, DEPTH = 70, PANELS = 3, WIDTH = PANELS * GROUP };
    static const double share = DEPTH * 1.2e-7;
    float a[ROWS * 80] = {0}, u[PANELS][DEPTH * GROUP], c[ROWS * WIDTH];
    uint16_t v[ROWS * 80], pairs[PANELS][DEPTH * GROUP];
    struct rng r = rng_make(16, 0);
    for (int i = 0; i < ROWS * 80; i++)
        a[i] = 2.0f * rng_uniform(&r) - 1.0f;
    for (int i = 0; i < PANELS * DEPTH * GROUP; i++)
        u[i / (DEPTH * GROUP)][i % (DEPTH * GROUP)] = 2.0f * rng_uniform(&r) - 1.0f;
    k->round(a, 0, 1, ROWS * 80, v, 0);
    k->pair(u[0], DEPTH * GROUP, PANELS, DEPTH, pairs[0], DEPTH * GROUP);
    k->multiply(v, 80, ROWS, DEPTH, pairs[0], DEPTH * GROUP, PANELS, c, WIDTH, 0);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        double sum = 0, size = 0;
        for (int x = 0; x < DEPTH; x++) {
            double product = (double)bf16_float(bf16_of(a[i / WIDTH * 80 + x])) *
                             (double)bf16_float(bf16_of(u[i % WIDTH / GROUP][x * GROUP + i % GROUP]));
            sum += product;
            size += fabs(product);
        }
        if (!(fabs((double)c[i] - sum) <= share * size))
            return false;
    }
    return true;
}
