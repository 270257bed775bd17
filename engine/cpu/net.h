/*
 * net - a model on this machine: logits of a picture, and the gradient of an objective to the picture.
 *
 * Opened once for a largest size; every later call with a size up to that allocates nothing. Fully
 * convolutional: any size of at least model_min_px on both sides. Deterministic for a given CPU tier: the
 * result does not depend on the number of threads of the pool.
 */
#ifndef ENGINE_CPU_NET_H
#define ENGINE_CPU_NET_H

#include "common/pool.h"
#include "engine/recipe.h"
#include "engine/step.h"
#include "engine/model/model.h"

struct cpu_net;

struct cpu_net_params {
    struct model *model; /* must outlive the network, as the pool */
    struct pool *pool;
    int max_width_px, max_height_px; /* of later inputs */
    enum cpu_tier tier; /* CPU_TIER_AUTO: the best that the CPU has in fp32; see bf16.h for those with bf16 */
    size_t
        cache_bytes; /* of the shared cache, by which work is divided (never what comes out); 0: this machine's */
    bool rounds_all; /* bf16: every layer, both ways; false: as many as the gradient's direction allows */
};

/* What the network looks at. */
struct cpu_net_input {
    const float *x; /* [3][height][width], 0..255 */
    int width_px, height_px;
};

/* Of a model that serves once (model.h) it takes the weights; -EINVAL when another network has them already. A
 * tier that the CPU lacks is -ENOTSUP, a size that is too small for the model or too large -ERANGE. -ENOMEM
 * with the number of MB that did not fit. *n is NULL after a failure. */
int cpu_net_open(struct cpu_net **n, const struct cpu_net_params *p, struct error *e);
void cpu_net_close(struct cpu_net **n);

const char *cpu_net_tier_name(const struct cpu_net *n);
/* Of the multiplications of the convolutions, both ways, those in bf16: 0..1. */
double cpu_net_rounding_share(const struct cpu_net *n);
size_t cpu_net_bytes(const struct cpu_net *n); /* arena and packed weights */

/* Logits [classes][map_h][map_w] of the input. 0, or -ERANGE for a size out of bounds. */
int cpu_net_logits(struct cpu_net *n, const struct cpu_net_input *in, float *logits);

/* Gradient of the objective to the input, [3][height][width] per 0..255 unit, written over `grad`; `value` (may
 * be NULL) receives the objective. 0, -ERANGE for a size out of bounds, -EINVAL for an objective that names
 * what the model does not have. */
int cpu_net_gradient(struct cpu_net *n, const struct cpu_net_input *in, const struct objective *o,
                     float *grad, double *value);

/* Mean over the picture of each channel of a convolution behind its ReLU (and pool), or of a head layer: means
 * [layers[layer].out]. 0, -ERANGE for a size out of bounds, -EINVAL for a layer that is not there. */
int cpu_net_channel_means(struct cpu_net *n, const struct cpu_net_input *in, int layer, float *means);

/* The middle layer that gives detail (net_detail.c), an index into model.layers, or -1; and picture pixels of a view per
 * pixel of its map, which is [height / stride][width / stride]. */
int cpu_net_detail_layer(const struct model *m);
int cpu_net_detail_stride(const struct model *m);

/* Gradient to the input, [3][height][width], of more of what the objective of the last cpu_net_gradient wanted of that
 * layer, where `mask` [map height][map width] says so. Its size means nothing, its direction does. 0, -ERANGE, -ENOTSUP
 * for a model without such a layer. */
int cpu_net_detail(struct cpu_net *n, const struct cpu_net_input *in, const float *mask, float *grad);

/* What each position [map_h][map_w] of the last objective on logits added to it; valid until the next call. */
const float *cpu_net_evidence(const struct cpu_net *n, int *map_w, int *map_h);

/* Milliseconds of the last call by stage ("conv1_1 forward" ..., "objective", "conv1_1 backward" ...), 0 for
 * those that it did not need. `count` entries, and a NULL name behind them. */
struct cpu_net_timing {
    const char *stage;
    double ms;
};
const struct cpu_net_timing *cpu_net_timings(const struct cpu_net *n, int *count);

#endif
