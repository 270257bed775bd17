/*
 * toy - small models of the family for tests of networks: random weights, the layers that a table names.
 *
 * Weights and classes are made anew each time and are the same each time.
 */
#ifndef TESTS_ENGINE_TOY_H
#define TESTS_ENGINE_TOY_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "engine/model/model.h"
#include "tests/common/normal.h"

/* A table of them ends with a NULL name; the last three are fc6, fc7, fc8. */
struct toy_layer {
    const char *name;
    int out, kernel;
    bool pool;
};

/* The head is held in 24 bits. With weights that these hold exactly, what is compared is the arithmetic. */
static inline float in_24_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= 0xffffff00u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline void toy_open(struct model *m, const struct toy_layer *t)
{
    struct rng r = rng_make(1, 2);
    int in = 3;
    *m = (struct model){.mean = {0.48f, 0.45f, 0.40f}, .std = {0.28f, 0.27f, 0.29f}, .name = "toy"};
    m->stride_px = 1;
    for (; t->name; in = t->out, t++) {
        struct model_layer *l = &m->layers[m->layer_count++];
        *l = (struct model_layer){.in = in, .out = t->out, .kernel = t->kernel, .pool_after = t->pool};
        snprintf(l->name, sizeof l->name, "%s", t->name);
        m->stride_px *= t->pool ? 2 : 1;
        size_t size = (size_t)(in * t->out * t->kernel * t->kernel);
        l->weight = xcalloc(size, sizeof(float));
        l->bias = xcalloc((size_t)t->out, sizeof(float));
        for (size_t i = 0; i < size; i++)
            l->weight[i] = in_24_bits(rng_normal(&r) * sqrtf(2.0f / (float)(in * t->kernel * t->kernel)));
        for (int i = 0; i < t->out; i++)
            l->bias[i] = 0.1f * rng_normal(&r);
        m->classes = t->out;
    }
}

static inline void toy_close(struct model *m)
{
    for (int i = 0; i < m->layer_count; i++) {
        free(m->layers[i].weight);
        free(m->layers[i].bias);
    }
}

#endif
