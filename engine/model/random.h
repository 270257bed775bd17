/*
 * random - a VGG-16 with random weights, to measure the engine at sizes of network that nobody has to
 * fetch. Weights are drawn so that activations keep their scale (He et al. 2015).
 */
#ifndef ENGINE_MODEL_RANDOM_H
#define ENGINE_MODEL_RANDOM_H

#include "engine/model/model.h"

enum model_random_width {
    MODEL_RANDOM_QUARTER, /* the shapes of the embedded model: fc6 2x2 -> 512, 200 classes */
    MODEL_RANDOM_FULL     /* the shapes of VGG-16: fc6 7x7 -> 4096, 1000 classes; 553 MB */
};

/* 0 or -ENOMEM. Close with model_close. */
int model_random(struct model **m, enum model_random_width width, uint64_t seed, struct error *e);

#endif
