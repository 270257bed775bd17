/*
 * cpu_classic - the steps of the system of 2015 on the CPU; the formula stands in engine/dream/classic.c.
 */
#include <errno.h>

#include "engine/cpu/cpu.h"

struct update {
    struct backend *b;
    struct classic_step step;
};

static void update_row(void *context, int row, int worker)
{
    (void)worker;
    const struct update *u = context;
    struct backend *b = u->b;
    b->row_updates[row] = (struct image_sums){0};
    float *x[3];
    for (int c = 0; c < 3; c++) {
        long at = ((long)c * b->height + row) * b->width;
        x[c] = b->x + at;
        b->row_updates[row].bad += image_row_classic(x[c], b->momentum + at, b->second + at, b->gradient + at,
                                                     b->prior_gradient + at, b->width, &u->step);
    }
    /* A step of nothing, for the sums. */
    const float *const still[3] = {x[0], x[1], x[2]};
    image_row_update(x, still, b->width, &(struct image_step){0}, &b->row_updates[row]);
}

static int classic_open(struct backend *b, const struct backend_params *p, struct error *e)
{
    (void)p;
    return backend_cpu_take(&b->second, b->floats)
               ? 0
               : error_set(e, ENOMEM, "dream.size %dx%d: no memory", b->width, b->height);
}

/* The moments begin anew. */
static void classic_warp(struct backend *b, const struct image_move *by)
{
    (void)by;
    backend_cpu_forget(b);
}

static void classic_step(struct backend *b, const struct backend_step *s)
{
    backend_cpu_climb(b, s, false, false, NULL);
    backend_cpu_settle(b, s, NULL);
    struct update u = {b, image_classic_step(s->moment)};
    pool_run(b->pool, update_row, &u, b->height);
    backend_cpu_add_sums(b);
}

const struct cpu_profile cpu_classic = {.open = classic_open, .warp = classic_warp, .step = classic_step};
