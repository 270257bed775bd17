/*
 * pack - see pack.h.
 */
#include "engine/cuda/pack.h"

#include <math.h>

/* Channels at once: what is read of them stays in the first cache while their taps are dealt out. */
enum { CHANNELS_AT_ONCE = 32 };

/* One output's weights [in][taps] to [taps][in padded]. `storage` is a constant wherever this is called, so
 * that the compiler makes a loop without questions of each. */
static inline __attribute__((always_inline)) void pack_row(const float *from, size_t in, size_t taps,
                                                           size_t width, enum cuda_storage storage, void *to)
{
    for (size_t first = 0; first < in; first += CHANNELS_AT_ONCE) {
        size_t end = first + CHANNELS_AT_ONCE < in ? first + CHANNELS_AT_ONCE : in;
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t c = first; c < end; c++)
                cuda_store_one(storage, to, tap * width + c, from[c * taps + tap]);
    }
}

void cuda_pack_rows(const struct model_layer *l, enum cuda_storage storage, int first, int count, void *to)
{
    size_t taps = (size_t)l->kernel * (size_t)l->kernel, in = (size_t)l->in,
           width = (size_t)cuda_padded(l->in), row_bytes = taps * width * cuda_storage_bytes(storage);
    memset(to, 0, (size_t)count * row_bytes);
    for (int row = 0; row < count && first + row < l->out; row++) {
        const float *from = l->weight + (size_t)(first + row) * in * taps;
        uint8_t *at = (uint8_t *)to + (size_t)row * row_bytes;
        if (storage == CUDA_STORAGE_BF16)
            pack_row(from, in, taps, width, CUDA_STORAGE_BF16, at);
        else if (storage == CUDA_STORAGE_FP16)
            pack_row(from, in, taps, width, CUDA_STORAGE_FP16, at);
        else
            pack_row(from, in, taps, width, CUDA_STORAGE_FP32, at);
    }
}

void cuda_pack_turned(const struct model_layer *l, enum cuda_storage storage, int first, int count, void *to)
{
    enum { TAPS = 9 };
    size_t width = (size_t)cuda_padded(l->out), in = (size_t)l->in;
    int end = first + count < l->in ? first + count : l->in;
    memset(to, 0, (size_t)count * TAPS * width * cuda_storage_bytes(storage));
    for (int k = 0; k < l->out; k++)
        for (int c = first; c < end; c++)
            for (size_t tap = 0; tap < TAPS; tap++)
                cuda_store_one(storage, to, ((size_t)(c - first) * TAPS + TAPS - 1 - tap) * width + (size_t)k,
                               l->weight[((size_t)k * in + (size_t)c) * TAPS + tap]);
}

void cuda_pack_rgb(const struct model *m, float *forward, float *backward)
{
    const struct model_layer *l = &m->layers[0];
    size_t width = (size_t)cuda_padded(l->out);
    memset(forward, 0, 27 * width * sizeof *forward);
    memset(backward, 0, 27 * width * sizeof *backward);
    for (size_t k = 0; k < (size_t)l->out; k++)
        for (size_t t = 0; t < 27; t++) {
            size_t colour = t / 9, tap = t % 9;
            float w = l->weight[k * 27 + t];
            forward[t * width + k] = w;
            backward[((k / CUDA_GROUP * 9 + tap) * 3 + colour) * CUDA_GROUP + k % CUDA_GROUP] =
                (float)((double)w / (255.0 * (double)m->std[colour]));
        }
}

void cuda_pack_bias(const struct model_layer *l, float activation, float *to)
{
    for (int k = 0; k < cuda_padded(l->out); k++)
        to[k] = k < l->out ? l->bias[k] * activation : 0;
}

double cuda_pack_mean(const struct model_layer *fc8, float *to)
{
    for (int c = 0; c < cuda_padded(fc8->in); c++) {
        double sum = 0;
        for (int k = 0; k < fc8->out && c < fc8->in; k++)
            sum += (double)fc8->weight[(size_t)k * (size_t)fc8->in + (size_t)c];
        to[c] = (float)(sum / fc8->out);
    }
    double bias = 0;
    for (int k = 0; k < fc8->out; k++)
        bias += (double)fc8->bias[k];
    return bias / fc8->out;
}

float cuda_activation_scale(enum cuda_storage storage)
{
    return storage == CUDA_STORAGE_FP16 ? 0x1p-6f : 1;
}

float cuda_gradient_scale(double count)
{
    return (float)exp2(ceil(log2(count)));
}
