/*
 * network - a model on this machine: logits of a picture, and the gradient of an objective to the picture.
 *
 * Opened once for a largest size; every later call with a size up to that allocates nothing. Fully
 * convolutional: any size of at least model_min_px on both sides. Deterministic for a given CPU tier: the
 * result does not depend on the number of threads of the pool.
 */
#ifndef ENGINE_NETWORK_H
#define ENGINE_NETWORK_H

#include "common/pool.h"
#include "engine/model.h"

enum { NETWORK_SIDE_MAX_PX = 16384 };

enum cpu_tier { CPU_TIER_AUTO, CPU_TIER_C, CPU_TIER_AVX2, CPU_TIER_AVX512 };

/* What the gradient climbs: sum over subjects s and map positions p of weight_s[p] * logit[class_s][p], minus
 * `minus_mean` * mean over p of the mean over classes of logit[.][p]. Linear in the logits, so only ReLU and
 * pool decisions have to be kept for the way back. When `layer` >= 0 it is the mean square of that layer's
 * activations instead (or, with `channel` >= 0, the mean activation of that channel). */
struct objective_subject {
    int class_index;
    const float *weight; /* [map_h][map_w] */
};
struct objective {
    const struct objective_subject *subjects;
    int subject_count;
    float minus_mean;
    int layer;   /* index into model.layers, or -1 */
    int channel; /* or -1 */
};

struct network;

/* `m` and `pool` must outlive the network. Of a model that serves once (model.h) it takes the weights;
 * -EINVAL when another network has them already. CPU_TIER_AUTO takes the best that the CPU has; a tier that
 * it lacks is -ENOTSUP, a size that is too small for the model or too large -ERANGE. -ENOMEM with the number
 * of MB that did not fit. */
int network_open(struct network **n, struct model *m, struct pool *pool, int max_width_px, int max_height_px,
                 enum cpu_tier tier, struct error *e);
void network_close(struct network **n);

const char *network_tier_name(const struct network *n);
size_t network_bytes(const struct network *n); /* arena and packed weights */

/* Logits [classes][map_h][map_w] of x [3][height][width] 0..255. -ERANGE for a size out of bounds. */
int network_logits(struct network *n, const float *x, int width_px, int height_px, float *logits);

/* Gradient of the objective to x, [3][height][width] per 0..255 unit, written over `grad`; `value` (may be
 * NULL) receives the objective. */
int network_gradient(struct network *n, const float *x, int width_px, int height_px,
                     const struct objective *o, float *grad, double *value);

/* Milliseconds of the last call by stage ("conv1_1 forward" ..., "objective", "conv1_1 backward" ...), 0 for
 * those that it did not need. `count` entries, and a NULL name behind them. */
struct network_timing {
    const char *stage;
    double ms;
};
const struct network_timing *network_timings(const struct network *n, int *count);

#endif
