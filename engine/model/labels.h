/*
 * labels - what a person calls the classes and layers of a model: names from a file, spellings of other programs, and a
 * number that tells models apart.
 */
#ifndef ENGINE_MODEL_LABELS_H
#define ENGINE_MODEL_LABELS_H

#include "engine/model/model.h"

/* Names the classes by a file with a line for each, in their order: WordNet ids (what follows them is not read), or
 * words. 0 or -errno with a line that names the file; the model is as before then. */
int model_read_labels(struct model *m, const char *path, struct error *e);

/* The class that is called so: "#12", a WordNet id, or a label whatever its letters' case. -1: none; -ERANGE: a number
 * that the model does not have. */
int model_named_class(const struct model *m, const char *name);

/* The layer that somebody calls so: conv4_2, CONV4_2, conv4-2, relu4_2, block4_conv2, features.19 or features.20 (the
 * tensor or its ReLU in torchvision's count), fc6. -1: none. */
int model_named_layer(const struct model *m, const char *name);

/* Of the weights, order and shapes included. Before a network has taken them. */
uint64_t model_fingerprint(const struct model *m);

#endif
