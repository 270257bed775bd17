/*
 * preprocess - what a network wants done to a picture before it sees it; private to engine/model/.
 */
#ifndef ENGINE_MODEL_PREPROCESS_H
#define ENGINE_MODEL_PREPROCESS_H

#include "engine/model/names.h"

/* Fills mean, std, bgr and family, and turns conv1_1 so that the engine always hands it RGB. Layers must have
 * been built. 0 or -errno with a line. */
int model_read_preprocessing(struct model *m, const struct weights *w, const struct model_names *n,
                             struct error *e);

#endif
