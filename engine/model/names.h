/*
 * names - which tensors of a file are which layers of a VGG; private to engine/model/.
 */
#ifndef ENGINE_MODEL_NAMES_H
#define ENGINE_MODEL_NAMES_H

#include "engine/model/model.h"

enum { LAYER_NAME_BYTES = 192 };

struct model_names {
    int convolutions;
    struct model_conv_name {
        char layer
            [LAYER_NAME_BYTES]; /* "module.features.0"; its tensors are those of model_weight, and ".bias" */
        char norm[LAYER_NAME_BYTES]; /* batch norm behind it, "" when there is none */
        bool pool_after;
    } conv[MODEL_CONVS_MAX];
    char head[3][LAYER_NAME_BYTES]; /* the linear layers, first to last */
    int heads;                      /* 0: the convolutions are all that there is */
    char prefix[LAYER_NAME_BYTES];  /* what stands in front of all names: "", "module." ... */
    bool caffe;                     /* conv1_1 ... as the authors of VGG called them */
};

/* 0 or -EINVAL with a line that names the tensor that is expected. */
int model_find_names(struct model_names *n, const struct weights *w, struct error *e);

/* The tensor "<layer>.<part>", NULL: absent. */
const struct tensor *model_part(const struct weights *w, const char *layer, const char *part);

/* What a layer's weights are made of: pruning keeps the whole beside a mask, weight normalisation lengths beside
 * directions. NULL members: absent. */
struct model_weight {
    const struct tensor *values;  /* "weight", or of the other two the whole or the directions */
    const struct tensor *mask;    /* of the same shape */
    const struct tensor *lengths; /* one for each output */
};
struct model_weight model_weight(const struct weights *w, const char *layer);

#endif
