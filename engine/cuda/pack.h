/*
 * pack - a model's weights in the layouts of the CUDA module; pure, so that every machine tests it.
 *
 * All channels are padded to groups of 8, padding is zero: it then stays zero on every way through the
 * network. `layer` indexes model.layers.
 */
#ifndef ENGINE_CUDA_PACK_H
#define ENGINE_CUDA_PACK_H

#include "engine/cuda/storage.h"
#include "engine/model/model.h"

/* Rows `first`..`first + count - 1` (outputs, padded ones too) of a layer that is not the first one:
 * [count][kernel][kernel][in padded]. */
void cuda_pack_rows(const struct model_layer *l, enum cuda_storage storage, int first, int count, void *to);

/* Inputs `first`..`first + count - 1` (padded ones too) of a convolution, turned by half a circle, so that the way
 * back is a forward convolution from `out` to `in` channels: [count][3][3][out padded]. */
void cuda_pack_turned(const struct model_layer *l, enum cuda_storage storage, int first, int count, void *to);

/* The first layer: forward [colour, row, column][out padded];
 * backward [out padded / 8][row][column][colour][8], divided by what one unit of the 0..255 picture comes to
 * behind the normalisation. */
void cuda_pack_rgb(const struct model *m, float *forward, float *backward);

/* [out padded] times `activation`: the activations' scale (net_arithmetic.h). */
void cuda_pack_bias(const struct model_layer *l, float activation, float *to);

/* Mean over the classes of fc8's weights, [in padded]; returns the mean of its biases. */
double cuda_pack_mean(const struct model_layer *fc8, float *to);

/* How activations are scaled in a storage: fp16 ends at 65504, which dreamed activations of a network for
 * 0..255 inputs come near; the others have room. */
float cuda_activation_scale(enum cuda_storage storage);

/* What a gradient is scaled by whose single numbers are about 1 / `count` large: a power of two near it. */
float cuda_gradient_scale(double count);

#endif
