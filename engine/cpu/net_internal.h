/*
 * net_internal - what the files of the network share: its state, and the passes over it.
 *
 * net.c        the public functions, sizes, stages
 * net_plan.c   maps of a picture size, the arena
 * net_pack.c   weights into the layouts of the kernels
 * net_tiles.c  one 3x3 layer, one way
 * net_conv.c   all of them, both ways
 * net_fc6.c    fc6 over larger maps
 * net_head.c   fc6..fc8, both ways, and the objective
 * net_rounding.c  which layers multiply in bf16
 *
 * Two buffers hold all maps: a layer writes one while it reads the other, forwards and backwards. A large map
 * between two layers that keep their filters is a window of a few rows instead. What a layer leaves behind
 * for the way back is bits (struct map: alive, which) and the small hidden rows of the head.
 */
#ifndef ENGINE_CPU_NET_INTERNAL_H
#define ENGINE_CPU_NET_INTERNAL_H

#include <stdbool.h>

#include "engine/cpu/bf16.h"
#include "engine/cpu/kernels.h"

enum { LAYERS_MAX = MODEL_CONVS_MAX + 3, STAGES_MAX = 2 * LAYERS_MAX + 1, STAGE_NAME_BYTES = 32 };
enum { FC6, FC7, FC8, HEAD_LAYERS };

/* Packed weights of one layer; channels padded to groups, biases of padding are zero. */
struct pack {
    int in, out;                              /* padded */
    float *forward;                           /* FILTERS_KEPT: U [36][out / 16][layer.in][16] */
    float *backward;                          /* FILTERS_KEPT: U [36][in / 16][layer.out][16] */
    uint16_t *forward_pairs, *backward_pairs; /* the same as bf16.h has it, where the network has bf16 */
    float *filters;                           /* other convolution, both ways: [out / 16][9][in][16] */
    uint16_t *high; /* head, both ways: [out / 16][kernel row, column, in][16] as bf16 */
    int8_t *low;    /* head: the 8 bits below them, see `widen` of kernels.h */
    float *bias;    /* [out] */
};

struct cpu_net {
    /* Immutable after open. */
    const struct model *model;
    struct pool *pool;
    const struct kernels *kernels;
    const struct bf16_kernels *bf16; /* NULL: V and U are floats everywhere */
    /* Layers whose V and U are bf16, forwards and backwards: chosen when the network opens (net_rounding.c). */
    bool rounds[2][MODEL_CONVS_MAX];
    bool rounds_head;      /* its weights are the bf16 alone */
    double rounding_share; /* of the convolutions' multiplications */
    int max_width_px, max_height_px;
    size_t cache_bytes; /* of the shared cache: bands and rounds are planned by it */
    int convs;          /* layers before the head */
    int detail_layer;   /* or -1 */
    bool is_rgb_direct; /* the first layer has kernels of its own; false: it is convolved like the others */
    struct pack packs[LAYERS_MAX];
    float *class_row; /* [fc7 out padded] fc8's weights of one class */
    float *fc8_mean;  /* [fc7 out padded] mean over classes of fc8's weights */
    float *packed;    /* one allocation for all packs */
    size_t packed_bytes;
    uint8_t *arena; /* one allocation for all that follows */
    size_t arena_bytes;
    float *rgb_map;                      /* the same as a map of 16 channels, unless is_rgb_direct */
    float *maps[2];                      /* see above */
    uint16_t *alive[MODEL_CONVS_MAX];    /* bits of each layer's map (behind its pool) */
    uint16_t *which[MODEL_CONVS_MAX][2]; /* winners of its pool */
    float *window;                       /* some tile rows of the map between two layers */
    float *scratch; /* V and M: [threads][scratch_floats] of blocks, or of a wide layer */
    size_t scratch_floats;
    float *filters; /* U: of a layer, or [threads][filter_floats] of some panels */
    size_t filter_floats;
    float *unrounded; /* bf16: [threads][unrounded_floats] V of a tile, or U of part of a panel */
    size_t unrounded_floats;
    float *fc6_tiles; /* see net_fc6.c; in the free one of `maps` */
    float *columns;   /* [positions][kernel * in padded] gradient of one row of fc6's kernel */
    float *evidence;  /* [positions] what each says for the objective */
    float *wanted;    /* [channels of detail_layer] see net_detail.c */
    double *row_sums; /* parts of the objective, by map row or position */

    /* Of the current call. */
    /* [positions][cpu_net_hidden_row] after ReLU, of fc8 the logits: behind the last map. */
    float *hidden[HEAD_LAYERS];
    float *d_hidden[HEAD_LAYERS]; /* their gradients */
    float *picture;   /* [3][h + 2][picture_stride] normalised, with a border; until the second layer */
    struct map input; /* uses rgb_map */
    struct map out[MODEL_CONVS_MAX];                    /* what each layer writes */
    int pre_w[MODEL_CONVS_MAX], pre_h[MODEL_CONVS_MAX]; /* its size before the pool */
    bool is_pooled[MODEL_CONVS_MAX];
    bool is_windowed[MODEL_CONVS_MAX]; /* the map never exists as a whole; its data lie in `window` */
    int map_w, map_h;                  /* of the logits */
    size_t picture_stride, picture_plane;
    struct cpu_net_timing stages[STAGES_MAX + 1];
    char stage_names[STAGES_MAX][STAGE_NAME_BYTES];
    int64_t stage_began_us;
};

static inline int padded(int channels)
{
    return (channels + GROUP - 1) / GROUP * GROUP;
}

/* Floats from position to position of a head layer: a group longer than its channels, which are a power of
 * two and would put all rows of a matrix product into one cache set. */
static inline size_t cpu_net_hidden_row(const struct cpu_net *n, int i)
{
    return (size_t)n->packs[n->convs + i].out + GROUP;
}

/* The lower bits of a head layer's weights, or NULL where they do not count. */
static inline const int8_t *cpu_net_low(const struct cpu_net *n, const struct pack *p)
{
    return n->rounds_head ? NULL : p->low;
}

/* net_plan.c: sizes of every map for a picture, up to layer `last`, which is not pooled when it is the
 * objective itself (`is_bare`). False when there would be no logit. */
bool cpu_net_plan(struct cpu_net *n, int width_px, int height_px, int last, bool is_bare);
/* Allocates the arena for the largest picture. */
int cpu_net_plan_arena(struct cpu_net *n, struct error *e);
static inline int cpu_net_tiles_over(int px)
{
    return (px + TILE - 1) / TILE;
}
/* What one of the things that take turns may fill of the shared cache, bytes. */
static inline size_t cpu_net_share(const struct cpu_net *n)
{
    return n->cache_bytes / 4;
}
/* Tile rows of a windowed map that are made at once. */
int cpu_net_band(const struct cpu_net *n, const struct map *m);
/* When U of a layer of that width is made: see net_tiles.c. */
enum filters { FILTERS_KEPT, FILTERS_PER_CALL, FILTERS_IN_ROUNDS };
enum filters cpu_net_filters_of(int in, int out);
/* Tiles of a block on one core, and of a round of all threads. */
int cpu_net_block_tiles(const struct cpu_net *n, int in, int out);
int cpu_net_wide_tiles(const struct cpu_net *n, int in, int out);
/* Panels and depth of a wide layer whose U is made at once, and the distance of its 36 planes: off each
 * other's cache sets. */
enum { WIDE_PANELS = 2, WIDE_DEPTH = 512 };
static inline size_t cpu_net_wide_plane(int depth)
{
    return (size_t)WIDE_PANELS * (size_t)depth * GROUP + GROUP;
}

/* Inputs of a product in bf16: always pairs. */
static inline int cpu_net_even(int inputs)
{
    return (inputs + 1) / 2 * 2;
}
/* Inputs of a panel whose U is made at once before it is rounded. */
enum { UNROUNDED_DEPTH = 64, UNROUNDED_PLANE = UNROUNDED_DEPTH * GROUP + GROUP };

/* net_pack.c */
/* Frees the weights of `m`, which is the network's model, when they serve once. */
int cpu_net_pack(struct cpu_net *n, struct model *m, struct error *e);
/* Gives the memory that no layer reads, as `rounds` is now, back to the system: a form of kept U, the lower bits of the
 * head. */
void cpu_net_pack_forget(struct cpu_net *n);

/* net_rounding.c: sets `rounds` and `rounds_head` of a network that is open but for that; without bf16 it does
 * nothing. `is_all`: without looking. `bf16` is NULL after that where no layer may round. 0 or -ENOMEM with a line. */
int cpu_net_choose_rounding(struct cpu_net *n, bool is_all, struct error *e);

/* net_tiles.c: one layer from `in` to `out` over a run of the tiles of the larger of both; `depth` is
 * what the products run over: channels of `in`, without padding where the filters are kept. */
enum way_out { OUT_RELU, OUT_POOL, OUT_ALIVE };
struct conv {
    const struct map *in, *out;
    bool is_unpooling; /* `in` is behind the pool of the tiles' map */
    enum way_out way_out;
    const struct pack *pack;
    const struct bf16_kernels *bf16; /* NULL: in floats */
    bool is_backward;
    int depth;
    struct tiles tiles;
};
void cpu_net_convolve(struct cpu_net *n, const struct conv *c);

/* net_conv.c: x [3][h][w] 0..255 through layers 0..last; back from layer `from`, whose map holds the
 * gradient, to grad [3][h][w]. */
void cpu_net_conv_forward(struct cpu_net *n, const float *x, int last);
void cpu_net_conv_backward(struct cpu_net *n, int from, float *grad);

/* net_fc6.c: fc6 in tiles, where that pays; from the last map to hidden, from d_hidden to the gradient in
 * the last map. */
bool cpu_net_fc6_is_tiled(const struct cpu_net *n, int map_w, int map_h);
/* Memory for a map of that size: of one worker, and of a band of tiles. */
size_t cpu_net_fc6_own_floats(const struct cpu_net *n, int map_w, int map_h);
size_t cpu_net_fc6_v_floats(const struct cpu_net *n, int map_w, int map_h);
/* Positions that may be done directly at once by a network with that largest map. */
size_t cpu_net_fc6_direct_positions(const struct cpu_net *n, int map_w, int map_h);
void cpu_net_fc6_forward(struct cpu_net *n);
void cpu_net_fc6_backward(struct cpu_net *n);

/* net_head.c: head layers FC6..last. Back: from d_hidden[from] to the gradient in the last map. */
void cpu_net_head_forward(struct cpu_net *n, int last);
void cpu_net_head_backward(struct cpu_net *n, int from);
/* Positions of a band of fc6's way back, at most, in a network with that largest map. */
size_t cpu_net_head_columns(const struct cpu_net *n, int map_w, int map_h);
/* Gradient of the objective to fc7's output, and its value. */
double cpu_net_head_objective(struct cpu_net *n, const struct objective *o);

/* net_detail.c: keeps what the gradient in the detail layer's map asks for. */
void cpu_net_detail_note(struct cpu_net *n);

/* net.c: the time since the last stage ended belongs to this one. Stages are numbered by layer: forward,
 * then the objective, then backward. */
void cpu_net_stage_done(struct cpu_net *n, int stage);
static inline int stage_backward(const struct cpu_net *n, int layer)
{
    return n->model->layer_count + 1 + layer;
}

#endif
