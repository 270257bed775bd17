/*
 * model - a VGG as the engine sees it: 3x3 convolutions between 2x2 pools, then fc6..fc8 as convolutions.
 *
 * Built from weights whose shapes say everything: widths, fc6's kernel, the number of classes. Weights are
 * float32 in [out][in][kh][kw]; backends pack them as they like. Normalisation happens before padding: x_net
 * = (x / 255 - mean) / std per channel, zero padding after that.
 */
#ifndef ENGINE_MODEL_MODEL_H
#define ENGINE_MODEL_MODEL_H

#include <stdbool.h>

#include "engine/weights/weights.h"

enum { MODEL_CONVS_MAX = 19, MODEL_WNID_BYTES = 10, MODEL_LABEL_BYTES = 64, MODEL_TENSOR_BYTES = 64 };

struct model_layer {
    char name[16];                   /* "conv1_1" ... "conv5_3", "fc6", "fc7", "fc8" */
    char tensor[MODEL_TENSOR_BYTES]; /* what the file calls it, "features.28"; "": not in the file */
    int in, out;                     /* channels */
    int kernel;                      /* 3 for convolutions; fc6's own; 1 for fc7, fc8 */
    bool pool_after;                 /* 2x2/2 max pool behind the ReLU */
    float *weight;                   /* [out][in][kernel][kernel]; to be read only where it is in the file */
    bool is_in_file;                 /* `weight` points into model.file */
    float *bias;                     /* [out] */
    float *stat_mean;                /* [out] pre-ReLU mean on training data, or NULL */
    float *stat_std;                 /* [out] */
};

struct model {
    int layer_count; /* convolutions + 3; the last three are fc6, fc7, fc8 */
    struct model_layer layers[MODEL_CONVS_MAX + 3];
    int classes;
    bool is_headless; /* the file holds convolutions alone: one class that is nothing, and layers to climb */
    bool is_grey;     /* it learned from grey pictures; here it sees the luma of colours */
    char (*wnids)[MODEL_WNID_BYTES];   /* [classes] "n01443537"; NULL: the file does not say */
    char (*labels)[MODEL_LABEL_BYTES]; /* [classes] words for them where there are no ids, or NULL */
    float mean[3], std[3];             /* RGB, of 0..1 values */
    bool bgr;                          /* the file's conv1_1 takes BGR; here its planes are turned to RGB */
    char family[32];                   /* whose preprocessing: "torchvision vgg16", "caffe" ... */
    int window_px;                     /* the object size that the network learned, and one logit's view */
    int stride_px;                     /* image pixels per logit: 2^pools */
    char name[128];                    /* for messages and the caption of `inspect` */
    bool serves_once;                  /* one network only, which frees the weights once they are packed */
    struct weights *file;              /* open while the weights of a layer lie in it, or NULL */
};

/* Copies what it needs: `w` may be closed afterwards. 0 or -errno with one line naming the tensor. */
int model_open(struct model **m, const struct weights *w, struct error *e);
/* The weights behind a path; NULL or "": of the model that is linked into the program. As weights_open. */
int model_weights(struct weights **w, const char *path, struct error *e);

/* From a path; NULL or "": the model that is linked into the program (models/embedded.S). Large layers of the head are
 * not copied but read where they lie in the mapped file, which must not be cut short until they are packed or dropped. */
int model_load(struct model **m, const char *path, struct error *e);
void model_close(struct model **m);

/* Weights first..first+count-1 of a layer were read: those in the file may leave memory until they are read again. */
void model_read_behind(const struct model_layer *l, size_t first, size_t count);
/* Frees a layer's weights; its biases stay. */
void model_drop_layer(struct model_layer *l);
/* Frees the weights: only what the model knows and how it looks at pictures is left, and no network can be opened on it. */
void model_drop_weights(struct model *m);

/* Overrules what the file says: "torchvision", "caffe" (BGR, 0..255 minus a mean colour), "caffe-rgb",
 * or the same two with "-grey" behind (minus the mean of all colours, as in 2015). Before a network is opened
 * on it. 0 or -EINVAL with a line. */
int model_set_preprocessing(struct model *m, const char *name, struct error *e);

/* Index of a class by WordNet id, -1 when the model does not know it. */
int model_class(const struct model *m, const char *wnid);

/* The smallest picture side with at least one logit. */
int model_min_px(const struct model *m);

/* Logit map of a picture of that size; 0 when too small. */
int model_map_size(const struct model *m, int image_px);

#endif
