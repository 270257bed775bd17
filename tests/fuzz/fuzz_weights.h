/*
 * fuzz_weights - what every fuzz target of the readers does with its bytes: open them, look at everything,
 * make a model of it. No result is wrong; a crash, a leak or undefined behaviour is.
 */
#ifndef TESTS_FUZZ_FUZZ_WEIGHTS_H
#define TESTS_FUZZ_FUZZ_WEIGHTS_H

#include "engine/model/model.h"
#include "tests/fuzz/fuzz.h"

static inline void fuzz_tensor(const struct tensor *t)
{
    float values[256];
    for (int64_t first = 0; first < t->elements; first += 256)
        tensor_to_float(t, first, t->elements - first < 256 ? t->elements - first : 256, values);
    if (strlen(t->name) > 4096)
        abort();
}

static inline void fuzz_weights(const uint8_t *data, size_t size)
{
    struct weights *w;
    struct model *m;
    struct error e = {""};
    if (weights_open_memory(&w, data, size, "fuzz", &e) < 0) {
        if (w || !e.text[0])
            abort();
        return;
    }
    for (int i = 0; i < weights_count(w); i++) {
        const struct tensor *t = weights_at(w, i);
        fuzz_tensor(t);
        if (weights_find(w, t->name) != t)
            abort();
    }
    if (model_open(&m, w, &e) == 0)
        model_map_size(m, 640);
    model_close(&m);
    weights_close(&w);
}

#endif
