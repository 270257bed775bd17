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
        char layer[LAYER_NAME_BYTES]; /* "module.features.0"; its tensors are "<layer>.weight" and ".bias" */
        char norm[LAYER_NAME_BYTES];  /* batch norm behind it, "" when there is none */
        bool pool_after;
    } conv[MODEL_CONVS_MAX];
    char head[3][LAYER_NAME_BYTES]; /* fc6, fc7, fc8 */
    char prefix[LAYER_NAME_BYTES];  /* what stands in front of all names: "", "module." ... */
    bool caffe;                     /* conv1_1 ... as the authors of VGG called them */
};

/* 0 or -EINVAL with a line that names the tensor that is expected. */
int model_find_names(struct model_names *n, const struct weights *w, struct error *e);

/* The tensor "<layer>.<part>", NULL: absent. */
const struct tensor *model_part(const struct weights *w, const char *layer, const char *part);

#endif
