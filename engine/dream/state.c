/*
 * state - see state.h.
 */
#include "engine/dream/state.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "engine/dream/internal.h"

enum { MOMENT_MAX = 1 << 24 };

/* Far beyond anything that steps leave behind, squares of gradients included. */
static const float momentum_max = 1e18f;
static const double sums_max = 1e18;
/* Between two warps a step may go beyond 0..255. */
static const float levels_max = 2550;

static size_t picture_floats(const struct dream_config *c)
{
    return 3 * (size_t)c->size.width_px * (size_t)c->size.height_px;
}

size_t dream_state_floats(const struct dream_config *c)
{
    return picture_floats(c) * (c->profile == DREAM_CLASSIC ? 3 : 2);
}

/* Of the model's classes in their order. Without names their number has to do. */
static uint64_t sum_of_classes(const struct model *m)
{
    uint64_t sum = rng_mix((uint64_t)m->classes);
    for (int i = 0; m->wnids && i < m->classes; i++)
        for (const char *c = m->wnids[i]; *c; c++)
            sum = rng_mix(sum + (unsigned char)*c);
    return sum;
}

int dream_save(struct dream *d, struct dream_state *s, float *planes)
{
    *s = (struct dream_state){.classes = sum_of_classes(d->model),
                              .rng_key = d->rng.key,
                              .rng_count = d->rng.counter,
                              .planned = d->planned,
                              .width_px = d->width,
                              .height_px = d->height,
                              .profile = d->config.profile,
                              .moment = d->moment};
    float *momentum = planes + d->floats;
    dream_picture(d, planes);
    if (!d->backend)
        return -EIO;
    if (!d->ops->momentum) {
        memset(momentum, 0, (dream_state_floats(&d->config) - d->floats) * sizeof *momentum);
        return 0;
    }
    return dream_backend_check(d, d->ops->momentum(d->backend, momentum, &s->sums));
}

/* All are numbers, and none is beyond. */
static bool are_within(const float *x, size_t count, float least, float most)
{
    bool good = true;
    for (size_t i = 0; i < count; i++)
        good &= x[i] >= least && x[i] <= most; /* false for NaN */
    return good;
}

static bool are_good(const struct image_sums *s)
{
    return fabs(s->mean) < sums_max && s->square >= 0 && s->square < sums_max && s->chroma >= 0 &&
           s->chroma < sums_max && s->extreme >= 0 && s->extreme < sums_max && s->bad == 0;
}

int dream_state_check(const struct dream_state *s, const float *planes, const struct dream_config *c,
                      const struct model *m, struct error *e)
{
    size_t picture = picture_floats(c);
    if (s->width_px != c->size.width_px || s->height_px != c->size.height_px)
        return error_set(e, ESTALE, "it is of a dream of %dx%d, and dream.size is %dx%d", s->width_px,
                         s->height_px, c->size.width_px, c->size.height_px);
    if (s->profile != c->profile)
        return error_set(e, ESTALE, "it is of another dream.profile");
    if (s->classes != sum_of_classes(m))
        return error_set(e, ESTALE, "it is of a dream with another model");
    if (!are_good(&s->sums) || s->moment < 0 || s->moment > MOMENT_MAX ||
        !are_within(planes, picture, -levels_max, levels_max) ||
        !are_within(planes + picture, dream_state_floats(c) - picture, -momentum_max, momentum_max))
        return error_set(e, EINVAL, "there are numbers in it that no dream makes");
    return 0;
}

int dream_load(struct dream *d, const struct dream_state *s, const float *planes)
{
    if (!dream_backend_ready(d))
        return -EIO;
    memcpy(d->copy, planes, d->floats * sizeof *d->copy);
    d->is_kept = false;
    d->rng = (struct rng){.key = s->rng_key, .counter = s->rng_count};
    d->planned = s->planned;
    d->moment = s->moment;
    d->sums = s->sums;
    int rc = d->ops->put(d->backend, planes);
    if (rc == 0 && d->ops->set_momentum)
        rc = d->ops->set_momentum(d->backend, planes + d->floats, &s->sums);
    return dream_backend_check(d, rc);
}
