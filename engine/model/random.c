/*
 * random - see random.h.
 */
#include "engine/model/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "common/mem.h"
#include "common/rng.h"

/* Sums of four uniform numbers: near enough to normal, and fast for a hundred million weights. */
static float bell(struct rng *r)
{
    uint64_t u = rng_u64(r);
    int sum = (int)(u & 0xffff) + (int)(u >> 16 & 0xffff) + (int)(u >> 32 & 0xffff) + (int)(u >> 48);
    return (float)(sum - 2 * 0xffff) * (1.7320508f / 65536.0f);
}

static int add_layer(struct model *m, struct rng *r, const char *name, int in, int out, int kernel)
{
    struct model_layer *l = &m->layers[m->layer_count++];
    size_t size = (size_t)in * (size_t)out * (size_t)kernel * (size_t)kernel;
    *l = (struct model_layer){.in = in, .out = out, .kernel = kernel};
    snprintf(l->name, sizeof l->name, "%s", name);
    l->weight = buffer_alloc(size * sizeof(float));
    l->bias = xcalloc((size_t)out, sizeof(float));
    if (!l->weight)
        return -ENOMEM;
    float scale = sqrtf(2.0f / (float)(in * kernel * kernel));
    for (size_t i = 0; i < size; i++)
        l->weight[i] = scale * bell(r);
    for (int i = 0; i < out; i++)
        l->bias[i] = 0.1f * bell(r);
    return 0;
}

int model_random(struct model **out, enum model_random_width width, uint64_t seed, struct error *e)
{
    static const int stage_layers[5] = {2, 2, 3, 3, 3};
    bool full = width == MODEL_RANDOM_FULL;
    int channels = full ? 64 : 16, in = 3, kernel = full ? 7 : 2, hidden = full ? 4096 : 512, rc = 0;
    struct rng r = rng_make(seed, 0);
    struct model *m = xcalloc(1, sizeof *m);
    *m = (struct model){.classes = full ? 1000 : 200,
                        .mean = {0.485f, 0.456f, 0.406f},
                        .std = {0.229f, 0.224f, 0.225f},
                        .window_px = 32 * kernel,
                        .stride_px = 32};
    snprintf(m->name, sizeof m->name, "random-%s", full ? "full" : "quarter");
    for (int stage = 0; stage < 5 && rc == 0; stage++) {
        for (int i = 0; i < stage_layers[stage] && rc == 0; i++) {
            char name[] = {'c', 'o', 'n', 'v', (char)('1' + stage), '_', (char)('1' + i), '\0'};
            rc = add_layer(m, &r, name, in, channels, 3);
            in = channels;
        }
        m->layers[m->layer_count - 1].pool_after = true;
        channels *= stage < 3 ? 2 : 1;
    }
    rc = rc < 0 ? rc : add_layer(m, &r, "fc6", in, hidden, kernel);
    rc = rc < 0 ? rc : add_layer(m, &r, "fc7", hidden, hidden, 1);
    rc = rc < 0 ? rc : add_layer(m, &r, "fc8", hidden, m->classes, 1);
    if (rc < 0) {
        error_set(e, ENOMEM, "%s: no memory for its weights", m->name);
        model_close(&m);
    }
    *out = m;
    return rc;
}
