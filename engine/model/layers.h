/*
 * layers - the layers of a VGG out of named tensors; private to engine/model/.
 */
#ifndef ENGINE_MODEL_LAYERS_H
#define ENGINE_MODEL_LAYERS_H

#include "engine/model/names.h"

/* Fills layers, layer_count, classes and stride_px. 0 or -errno with a line that names the tensor; layers
 * that were filled by then belong to `m` and are freed with it. */
int model_build_layers(struct model *m, const struct weights *w, const struct model_names *n,
                       struct error *e);

#endif
