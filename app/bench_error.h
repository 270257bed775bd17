/*
 * bench_error - how far a tier of bf16 is from fp32, on the same picture: the gradient's direction, the logits.
 */
#ifndef APP_BENCH_ERROR_H
#define APP_BENCH_ERROR_H

#include "common/error.h"
#include "engine/recipe.h"
#include "engine/model/model.h"

struct bench_error {
    double cosine; /* of the two gradients */
    double logits; /* root mean square of the differences over that of fp32's logits */
};

/* Of the picture that `steps` steps of a dream of class 0, with the settings `c`, make of noise; of noise itself with 0.
 * The objective is class 0 as well. Opens two networks on the model, which must not be one that serves once. 0 or -errno
 * with a line. */
int bench_error_measure(struct bench_error *out, struct model *m, const struct dream_config *c,
                        enum cpu_tier tier, int steps, struct error *e);

#endif
