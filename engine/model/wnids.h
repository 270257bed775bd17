/*
 * wnids - what the outputs of a network with 1000 classes mean when its file does not say.
 */
#ifndef ENGINE_MODEL_WNIDS_H
#define ENGINE_MODEL_WNIDS_H

enum { ILSVRC_CLASSES = 1000 };

/* WordNet 3.0 ids, ascending. */
extern const char ilsvrc_wnids[ILSVRC_CLASSES][10];

#endif
