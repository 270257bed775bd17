/*
 * net_weights - the arena's pieces, and the weights in them.
 *
 * Weights are packed on the host, some megabytes at a time, and copied. The model keeps its own, also when it
 * serves once (model.h): if the device is lost, another backend needs them.
 */
#include "engine/cuda/module/net_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "common/mem.h"
#include "engine/cuda/pack.h"

enum { STAGING_BYTES = 16 << 20 };

/* ---- Pieces ---- */

/* The next piece, NULL for none; notes when the plan does not hold. */
static void *carve(struct cuda_net *n, size_t bytes, bool *is_short)
{
    void *p = bytes ? cuda_carve(n->device, bytes) : NULL;
    *is_short = *is_short || (bytes && !p);
    return p;
}

/* In the order of cuda_plan_fit's sum, which has to be the same whatever the order. */
static int carve_all(struct cuda_net *n, struct error *e)
{
    const struct cuda_plan *p = &n->plan;
    bool is_short = false;
    size_t before = n->device->arena_used;
    for (int i = 0; i < p->layer_count; i++) {
        const struct cuda_plan_layer *l = &p->layers[i];
        n->layers[i] = (struct net_layer){.weight = carve(n, l->weight_bytes, &is_short),
                                          .backward = carve(n, l->backward_bytes, &is_short),
                                          .turned = carve(n, l->turned_bytes, &is_short),
                                          .bias = carve(n, l->bias_bytes, &is_short),
                                          .kept = carve(n, l->kept_bytes, &is_short),
                                          .winners = carve(n, l->winner_bytes, &is_short),
                                          .gradient = carve(n, l->gradient_bytes, &is_short)};
    }
    n->fc8_mean = carve(n, p->fc8_mean_bytes, &is_short);
    n->wide[0] = carve(n, p->wide_bytes, &is_short);
    n->wide[1] = carve(n, p->wide_bytes, &is_short);
    n->columns = carve(n, p->column_bytes, &is_short);
    n->sums = carve(n, p->sum_bytes, &is_short);
    n->parts = carve(n, p->partial_bytes, &is_short);
    n->workspace = carve(n, p->workspace_bytes, &is_short);
    size_t used = n->device->arena_used - before;
    if (is_short || used != p->bytes)
        return error_set(e, EINVAL,
                         "backend cuda: the network took %zu bytes of the arena, and %zu were planned", used,
                         p->bytes);
    return 0;
}

/* ---- Weights ---- */

static int copy_in(struct cuda_net *n, void *to, const void *from, size_t bytes)
{
    return cuda_fail(n->device, cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copying weights");
}

typedef void pack_fn(const struct model_layer *l, enum cuda_storage storage, int first, int count, void *to);

/* Packs and copies `rows` rows, which are `bytes` together, as many at once as there is room for. */
static int load_rows(struct cuda_net *n, int i, pack_fn *pack, int rows, size_t bytes, void *to,
                     void *staging)
{
    size_t row_bytes = bytes / (size_t)rows;
    int at_once = row_bytes < STAGING_BYTES ? (int)(STAGING_BYTES / row_bytes) : 1, rc = 0;
    for (int first = 0; rc == 0 && first < rows; first += at_once) {
        int count = rows - first < at_once ? rows - first : at_once;
        pack(&n->model->layers[i], n->storage, first, count, staging);
        rc = copy_in(n, (uint8_t *)to + (size_t)first * row_bytes, staging, (size_t)count * row_bytes);
    }
    return rc;
}

static int load_layer(struct cuda_net *n, int i, void *staging)
{
    const struct cuda_plan_layer *p = &n->plan.layers[i];
    int rc;
    if (i == 0) {
        float *forward = staging, *backward = forward + p->weight_bytes / sizeof *forward;
        cuda_pack_rgb(n->model, forward, backward);
        rc = copy_in(n, n->layers[0].weight, forward, p->weight_bytes);
        if (rc == 0)
            rc = copy_in(n, n->layers[0].backward, backward, p->backward_bytes);
    } else {
        rc = load_rows(n, i, cuda_pack_rows, p->out, p->weight_bytes, n->layers[i].weight, staging);
        if (rc == 0 && p->turned_bytes)
            rc = load_rows(n, i, cuda_pack_turned, p->in, p->turned_bytes, n->layers[i].turned, staging);
    }
    float *bias = staging;
    cuda_pack_bias(&n->model->layers[i], n->activation, bias);
    for (int k = 0; k < p->out; k++) /* once more, as maps are stored */
        cuda_store_one(n->storage, bias + p->out, (size_t)k, bias[k]);
    return rc == 0 ? copy_in(n, n->layers[i].bias, staging, p->bias_bytes) : rc;
}

static int load_mean(struct cuda_net *n, float *staging)
{
    n->mean_bias = cuda_pack_mean(&n->model->layers[n->model->layer_count - 1], staging);
    return copy_in(n, n->fc8_mean, staging, n->plan.fc8_mean_bytes);
}

/* One row may be larger than what is packed at once, and the first layer is not cut at all. */
static size_t staging_bytes(const struct cuda_net *n)
{
    size_t most = STAGING_BYTES;
    for (int i = 0; i < n->plan.layer_count; i++) {
        const struct cuda_plan_layer *l = &n->plan.layers[i];
        size_t at_once = i == 0 ? l->weight_bytes + l->backward_bytes : l->weight_bytes / (size_t)l->out;
        most = at_once > most ? at_once : most;
    }
    return most;
}

int net_load(struct cuda_net *n, struct error *e)
{
    const struct model *m = n->model;
    size_t before = n->device->arena_used;
    for (int i = 0; i < m->layer_count; i++)
        if (!m->layers[i].weight)
            return error_set(e, EINVAL, "backend cuda: the weights of %s went to another network", m->name);
    int rc = carve_all(n, e);
    if (rc < 0)
        return rc;
    void *staging = buffer_alloc(staging_bytes(n));
    if (!staging)
        return error_set(e, ENOMEM, "backend cuda: no memory to pack the weights of %s", m->name);
    /* Padding, borders and what tuning reads: defined from the beginning. */
    rc = cuda_fail(n->device, cudaMemset(n->device->arena + before, 0, n->plan.bytes), "clearing memory");
    for (int i = 0; rc == 0 && i < m->layer_count; i++)
        rc = load_layer(n, i, staging);
    if (rc == 0)
        rc = load_mean(n, staging);
    if (rc == 0) /* what went through the default stream is there before ours begins */
        rc = cuda_fail(n->device, cudaDeviceSynchronize(), "loading weights");
    free(staging);
    return rc < 0 ? cuda_lost(n->device, e) : 0;
}
