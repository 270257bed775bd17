/*
 * module - the CUDA driver (engine/backend.h) and the one symbol that the program takes from this module.
 *
 * Everything is planned, then taken as one allocation, then carved: the network's part by its own plan, the
 * prior's, and the pieces that are listed here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "engine/cuda/abi.h"
#include "engine/cuda/module/picture.h"

enum { OPEN_TIMES_MOST = 4 };

backend_cuda_entry reverie_cuda_ops;

static int cuda_supports(const struct backend_params *p, struct error *e)
{
    const struct dream_config *c = p->config;
    struct cuda_device d = {.ordinal = (int)c->device};
    enum dream_precision precision;
    int major = 0, minor = 0, rc = cuda_probe((int)c->device, e);
    if (rc < 0)
        return rc;
    if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, d.ordinal) != cudaSuccess ||
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, d.ordinal) != cudaSuccess) {
        (void)cudaGetLastError();
        return error_set(e, ENODEV, "backend cuda: GPU %d does not say what it can do", d.ordinal);
    }
    d.sm = 10 * major + minor;
    memcpy(d.name, "NVIDIA", sizeof "NVIDIA");
    if (p->view_count < 1 || (c->profile != DREAM_MODERN && c->profile != DREAM_CLASSIC))
        return error_set(e, ENOTSUP, "backend cuda: no views, or a profile that it does not know");
    return cuda_net_precision(&d, c->precision, &precision, e);
}

/* ---- Memory ---- */

struct piece {
    void *at; /* a `float **` and the like */
    size_t bytes;
};

struct pieces {
    struct piece list[PIECES_MAX];
    int count;
};

static void add_piece(struct pieces *p, void *at, size_t bytes)
{
    p->list[p->count++] = (struct piece){at, bytes};
}

static void add_views(struct backend *b, struct pieces *p)
{
    int w = b->views[0].view.width_px, h = b->views[0].view.height_px;
    for (int i = 1; i < b->view_count; i++) {
        w = b->views[i].view.width_px > w ? b->views[i].view.width_px : w;
        h = b->views[i].view.height_px > h ? b->views[i].view.height_px : h;
    }
    add_piece(p, &b->view, 3 * (size_t)w * (size_t)h * sizeof(float));
    for (int i = 0; i < PYRAMID_LEVELS && i < (int)b->config.octaves; i++) {
        add_piece(p, &b->levels[i], 3 * (size_t)w * (size_t)h * sizeof(float));
        w = (w + 1) / 2;
        h = (h + 1) / 2;
    }
    add_piece(p, &b->band_squares, PYRAMID_LEVELS * KERNEL_BLOCKS * sizeof(double));
}

static void list_pieces(struct backend *b, struct pieces *p)
{
    float **pictures[] = {&b->x, &b->good, &b->gradient, &b->prior_gradient, &b->momentum};
    size_t map = 0, picture = b->floats * sizeof(float), blocks = KERNEL_BLOCKS * sizeof(double);
    for (int i = 0; i < b->view_count; i++) {
        const struct picture_prepared *v = &b->views[i];
        size_t positions = (size_t)v->map_w * (size_t)v->map_h;
        map = positions > map ? positions : map;
    }
    p->count = 0;
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++)
        add_piece(p, pictures[i], picture);
    if (b->config.profile == DREAM_MODERN)
        add_views(b, p);
    else
        add_piece(p, &b->second, picture);
    add_piece(p, &b->logits, (size_t)b->model->classes * map * sizeof(float));
    add_piece(p, &b->value, sizeof(double));
    add_piece(p, &b->g_squares, blocks);
    add_piece(p, &b->p_squares, blocks);
    add_piece(p, &b->m_squares, blocks);
    add_piece(p, &b->partials, PICTURE_SUMS * blocks);
    add_piece(p, &b->state, sizeof *b->state);
    add_piece(p, &b->block, b->block_bytes);
    add_piece(p, &b->nv12, b->floats / 2);
}

static size_t guard_bytes(const struct backend *b)
{
    return b->has_guards ? PICTURE_GUARD_BYTES : 0;
}

static size_t bytes_of(const struct backend *b, const struct pieces *p)
{
    size_t bytes = 0;
    for (int i = 0; i < p->count; i++)
        bytes += cuda_arena_size(p->list[i].bytes) + 2 * guard_bytes(b);
    return bytes;
}

static int guard(struct backend *b, uint8_t *zone)
{
    b->guards[b->guard_count++] = zone;
    return cuda_fail(&b->device, cudaMemsetAsync(zone, PICTURE_GUARD, PICTURE_GUARD_BYTES, b->device.stream),
                     "guards");
}

static int carve_pieces(struct backend *b, const struct pieces *p, struct error *e)
{
    size_t zone = guard_bytes(b);
    int rc = 0;
    for (int i = 0; i < p->count && rc == 0; i++) {
        size_t bytes = cuda_arena_size(p->list[i].bytes);
        uint8_t *at = cuda_carve(&b->device, bytes + 2 * zone);
        if (!at)
            return error_set(e, ENOMEM, "backend cuda: the picture's memory was not planned");
        void *piece = at + zone;
        memcpy(p->list[i].at, &piece, sizeof piece);
        rc = cuda_fail(&b->device, cudaMemsetAsync(piece, 0, bytes, b->device.stream), "buffers");
        if (rc == 0 && zone)
            rc = guard(b, at);
        if (rc == 0 && zone)
            rc = guard(b, at + zone + bytes);
    }
    b->view_gradient = b->levels[0];
    return rc < 0 ? cuda_lost(&b->device, e) : 0;
}

static int pin(struct backend *b, void *out, size_t bytes)
{
    return cuda_fail(&b->device, cudaHostAlloc(out, bytes, cudaHostAllocDefault), "cudaHostAlloc");
}

static int make_event(struct backend *b, cudaEvent_t *out)
{
    return cuda_fail(&b->device,
                     cudaEventCreateWithFlags(out, cudaEventDisableTiming | cudaEventBlockingSync), "event");
}

/* The side stream and what ties it to the device's. */
static int open_side(struct backend *b, struct error *e)
{
    int rc =
        cuda_fail(&b->device, cudaStreamCreateWithFlags(&b->side, cudaStreamNonBlocking), "cudaStreamCreate");
    if (rc == 0)
        rc = make_event(b, &b->forked);
    if (rc == 0)
        rc = make_event(b, &b->joined);
    return rc < 0 ? cuda_lost(&b->device, e) : 0;
}

static int open_pinned(struct backend *b, struct error *e)
{
    int rc = pin(b, &b->slots, BLOCK_SLOTS * b->block_bytes);
    for (int i = 0; i < BLOCK_SLOTS && rc == 0; i++)
        rc = make_event(b, &b->slot_free[i]);
    for (int i = 0; i < FRAME_SLOTS && rc == 0; i++) {
        rc = pin(b, &b->frames[i].pinned, b->floats / 2);
        if (rc == 0)
            rc = make_event(b, &b->frames[i].arrived);
    }
    for (int i = 0; i < KEEP_SLOTS && rc == 0; i++)
        rc = pin(b, &b->keeps[i].pinned, b->floats * sizeof(float));
    if (rc == 0)
        rc = pin(b, &b->seen, sizeof *b->seen);
    if (rc == -ENOMEM)
        return error_set(e, ENOMEM, "backend cuda: no memory that the GPU can read");
    return rc < 0 ? cuda_lost(&b->device, e) : 0;
}

/* ---- Opening, closing ---- */

/* Is `word` one of those in `list`, which commas separate? `list` may be NULL. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    while (list) {
        if (strncmp(list, word, n) == 0 && (list[n] == '\0' || list[n] == ','))
            return true;
        list = strchr(list, ',');
        list = list ? list + 1 : NULL;
    }
    return false;
}

static void prepare_views(struct backend *b, const struct backend_params *p)
{
    for (b->view_count = 0; b->view_count < p->view_count; b->view_count++) {
        struct picture_prepared *v = &b->views[b->view_count];
        v->view = p->views[b->view_count];
        v->map_w = model_map_size(b->model, v->view.width_px);
        v->map_h = model_map_size(b->model, v->view.height_px);
        picture_block_plan(b, v);
        b->block_bytes = v->block.bytes > b->block_bytes ? v->block.bytes : b->block_bytes;
    }
}

static int open_memory(struct backend *b, const struct backend_params *p, enum dream_precision precision,
                       struct error *e)
{
    struct cuda_plan plan;
    struct pieces pieces;
    list_pieces(b, &pieces);
    size_t own = bytes_of(b, &pieces) + cuda_prior_bytes(&b->config);
    int rc = cuda_plan_make(&plan, p, cuda_net_storage(precision), e);
    if (rc == 0)
        rc = cuda_plan_fit(&plan, p, own, b->device.free_bytes, e);
    if (rc == 0)
        rc = cuda_arena_open(&b->device, plan.bytes + own, e);
    if (rc == 0)
        rc = cuda_net_open(&b->net, &b->device, p, &plan, precision, e);
    if (rc == 0)
        rc = cuda_prior_open(&b->prior, &b->device, &b->config, e);
    if (rc == 0)
        rc = carve_pieces(b, &pieces, e);
    if (rc == 0)
        rc = open_side(b, e);
    return rc == 0 ? open_pinned(b, e) : rc;
}

static void cuda_close(struct backend **out)
{
    struct backend *b = *out;
    if (!b)
        return;
    struct cuda_device *d = &b->device;
    if (d->stream && cuda_device_enter(d) == 0)
        (void)cuda_device_wait(d); /* pinned memory may still be written to */
    picture_drop_graphs(b);
    if (b->forked)
        (void)cudaEventDestroy(b->forked);
    if (b->joined)
        (void)cudaEventDestroy(b->joined);
    if (b->side)
        (void)cudaStreamDestroy(b->side);
    for (int i = 0; i < BLOCK_SLOTS; i++)
        if (b->slot_free[i])
            (void)cudaEventDestroy(b->slot_free[i]);
    for (int i = 0; i < FRAME_SLOTS; i++) {
        if (b->frames[i].arrived)
            (void)cudaEventDestroy(b->frames[i].arrived);
        (void)cudaFreeHost(b->frames[i].pinned);
    }
    for (int i = 0; i < KEEP_SLOTS; i++)
        (void)cudaFreeHost(b->keeps[i].pinned);
    (void)cudaFreeHost(b->slots);
    (void)cudaFreeHost(b->seen);
    cuda_prior_close(&b->prior);
    cuda_net_close(&b->net);
    cuda_device_close(d);
    free(b);
    *out = NULL;
}

static int open_once(struct backend **out, const struct backend_params *p, struct error *e)
{
    const char *words = getenv("REVERIE_CUDA");
    enum dream_precision precision = DREAM_PRECISION_FP32;
    struct backend *b = *out = xcalloc(1, sizeof *b);
    b->config = *p->config;
    b->model = p->model;
    b->width = b->config.size.width_px;
    b->height = b->config.size.height_px;
    b->floats = 3 * (size_t)b->width * (size_t)b->height;
    b->is_eager = has_word(words, "eager");
    b->has_guards = has_word(words, "guards");
    prepare_views(b, p);
    int rc = cuda_device_open(&b->device, (int)b->config.device, e);
    if (rc == 0)
        rc = cuda_net_precision(&b->device, b->config.precision, &precision, e);
    if (rc == 0)
        rc = open_memory(b, p, precision, e);
    if (rc == 0 && cuda_device_wait(&b->device) < 0)
        rc = cuda_lost(&b->device, e);
    if (rc < 0) {
        cuda_close(out);
        return rc;
    }
    snprintf(b->description, sizeof b->description, "%s, %s", b->device.name,
             cuda_net_precision_name(precision));
    return 0;
}

/* An engine of cuDNN that loses the device is remembered and left alone the next time. */
static int cuda_open(struct backend **out, const struct backend_params *p, struct error *e)
{
    int64_t began_us = clock_real_us();
    int rc = -EAGAIN;
    for (int i = 0; rc == -EAGAIN && i < OPEN_TIMES_MOST; i++)
        rc = open_once(out, p, e);
    if (rc == 0)
        log_debug("dream", "GPU %d: %s, %zu MB, open after %.2f s", (*out)->device.ordinal,
                  (*out)->description, (*out)->device.arena_bytes >> 20,
                  (double)(clock_real_us() - began_us) / 1e6);
    return rc == -EAGAIN ? -EIO : rc;
}

static const char *cuda_describe(const struct backend *b)
{
    return b->description;
}

static const struct backend_ops ops = {
    .name = "cuda",
    .prepared_views = true,
    .can_be_lost = true,
    .supports = cuda_supports,
    .open = cuda_open,
    .close = cuda_close,
    .put = picture_put,
    .get = picture_get,
    .warp = picture_warp_by,
    .step = picture_step,
    .finish = picture_finish,
    .measure = picture_measure,
    .frame = picture_frame,
    .keep = picture_keep,
    .kept = picture_kept,
    .momentum = picture_get_momentum,
    .set_momentum = picture_set_momentum,
    .describe = cuda_describe,
};

__attribute__((visibility("default"))) const struct backend_ops *reverie_cuda_ops(unsigned abi)
{
    return abi == BACKEND_CUDA_ABI ? &ops : NULL;
}
