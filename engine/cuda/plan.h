/*
 * plan - how much memory of a GPU a network takes, before any of it is taken.
 *
 * Pure arithmetic on sizes, no CUDA: it is part of the program, and tested, on every machine. The module
 * (engine/cuda/module/) takes one allocation of what is planned here and carves it up by the same numbers.
 *
 * What is kept of a forward pass: of a layer without a pool its activations (they tell what the ReLU let
 * through); of a layer with one the pooled activations and, in a byte each, which of four won. The maps
 * before pools and all gradients pass through two buffers of the largest size.
 */
#ifndef ENGINE_CUDA_PLAN_H
#define ENGINE_CUDA_PLAN_H

#include "engine/backend.h"
#include "engine/cuda/storage.h"

enum {
    CUDA_ALIGN = 256,    /* of every piece of the arena */
    CUDA_HEAD = 3,       /* fc6, fc7, fc8 */
    CUDA_PARTIALS = 1024 /* doubles for sums in a fixed order */
};

/* What `bytes` take in the arena. */
static inline size_t cuda_arena_size(size_t bytes)
{
    return (bytes + CUDA_ALIGN - 1) / CUDA_ALIGN * CUDA_ALIGN;
}

/* Sizes of one view's maps. */
struct cuda_plan_view {
    int width_px, height_px;
    int conv_w[MODEL_CONVS_MAX], conv_h[MODEL_CONVS_MAX]; /* what a layer's convolution works on */
    int out_w[MODEL_CONVS_MAX], out_h[MODEL_CONVS_MAX];   /* what it leaves: smaller behind a pool */
    int map_w, map_h;                                     /* logits */
};

/* One layer's pieces of the arena. Bytes, 0 where there is no such piece. */
struct cuda_plan_layer {
    int in, out; /* channels, padded */
    int kernel;
    bool is_pooled;
    /* Weights [out][kernel][kernel][in] in the storage type. The first layer, which has kernels of its own:
     * fp32, forward and backward, see pack.h. */
    size_t weight_bytes, backward_bytes;
    size_t turned_bytes; /* of convolutions but the first: [in][3][3][out], for the way back */
    size_t bias_bytes;   /* [out] fp32, then [out] in the storage type, which fused engines want */
    size_t kept_bytes;   /* activations, behind the pool; fc6, fc7: [positions][out]; fc8: none */
    size_t winner_bytes; /* pooled layers; the first one without a pool: what its ReLU let through, in bits */
    size_t gradient_bytes; /* head: [positions][out] */
};

struct cuda_plan {
    enum cuda_storage storage;
    int convs, layer_count, view_count;
    struct cuda_plan_layer layers[MODEL_CONVS_MAX + CUDA_HEAD];
    struct cuda_plan_view views[BACKEND_VIEWS_MAX];
    size_t fc8_mean_bytes;  /* [fc8.in] fp32 */
    size_t wide_bytes;      /* of each of two buffers for maps before pools, and gradients */
    size_t column_bytes;    /* [positions][fc6 kernel][kernel][in], storage type */
    size_t sum_bytes;       /* [positions][widest of the head] fp32: matrix products before bias and ReLU */
    size_t partial_bytes;   /* [CUDA_PARTIALS] double */
    size_t workspace_bytes; /* for the libraries; set by cuda_plan_fit */
    size_t bytes;           /* all of it in the arena; set by cuda_plan_fit */
};

/* Sizes for all views of `params`. 0; -ERANGE with a line: a view that is too small for the model, none at
 * all, or one with a side above CPU_NET_SIDE_MAX_PX. */
int cuda_plan_make(struct cuda_plan *p, const struct backend_params *params, enum cuda_storage storage,
                   struct error *e);

/* Settles the workspace and the sum, given what others will carve from the same arena (which grows with the
 * picture's area) and what is free on the card. 0, or -ENOMEM with a line that names the largest picture of
 * the same shape that fits. */
int cuda_plan_fit(struct cuda_plan *p, const struct backend_params *params, size_t other_bytes,
                  size_t free_bytes, struct error *e);

#endif
