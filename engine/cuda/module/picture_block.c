/*
 * picture_block - what differs from step to step: classes and weights, the tables of the view, keys of the
 * noise, places of the prior. See picture.h.
 */
#include "engine/axis.h"
#include "engine/cuda/module/picture.h"

#include <string.h>

#include "common/rng.h"

static size_t reserve(size_t *end, size_t bytes)
{
    size_t at = *end;
    *end += (bytes + 15) / 16 * 16;
    return at;
}

static void plan_axis(struct block_axis *a, size_t *end, int size, int view, double scale)
{
    size_t entries = (size_t)view * (size_t)image_axis_taps(scale);
    a->index = reserve(end, entries * sizeof(int));
    a->weight = reserve(end, entries * sizeof(float));
    a->start = reserve(end, ((size_t)size + 2) * sizeof(int));
    a->back = reserve(end, entries * sizeof(int));
    a->back_weight = reserve(end, entries * sizeof(float));
}

void picture_block_plan(const struct backend *b, struct picture_prepared *v)
{
    struct block_plan *p = &v->block;
    size_t end = 0;
    reserve(&end, sizeof(struct block_head));
    if (b->config.profile == DREAM_MODERN) {
        p->keys = reserve(&end, 3 * (size_t)v->view.height_px * sizeof(uint32_t));
        plan_axis(&p->x, &end, b->width, v->view.width_px, v->view.scale);
        plan_axis(&p->y, &end, b->height, v->view.height_px, v->view.scale);
    }
    p->weights = reserve(&end, BACKEND_SUBJECTS_MAX * (size_t)v->map_w * (size_t)v->map_h * sizeof(float));
    p->bytes = end;
}

static void write_axis(uint8_t *block, const struct block_axis *at, int size, int view, double scale,
                       double offset, bool is_one_way)
{
    struct image_axis a = {.size = size,
                           .index = (int *)(void *)(block + at->index),
                           .weight = (float *)(void *)(block + at->weight),
                           .start = (int *)(void *)(block + at->start),
                           .back = (int *)(void *)(block + at->back),
                           .back_weight = (float *)(void *)(block + at->back_weight)};
    image_axis_plan(&a, view, scale, offset, is_one_way);
}

static void write_view(const struct backend *b, const struct picture_prepared *v,
                       const struct backend_step *s, uint8_t *block)
{
    const struct image_view *view = &v->view;
    uint32_t *keys = (uint32_t *)(void *)(block + v->block.keys);
    for (int row = 0; row < 3 * view->height_px; row++)
        keys[row] = (uint32_t)rng_mix(s->noise_key + (uint64_t)row);
    write_axis(block, &v->block.x, b->width, view->width_px, view->scale, s->view.offset_x,
               b->config.margin > 0);
    write_axis(block, &v->block.y, b->height, view->height_px, view->scale, s->view.offset_y,
               b->config.margin > 0);
}

static void write_target(const struct picture_prepared *v, const struct objective *o, struct cuda_target *t,
                         uint8_t *block)
{
    size_t map = (size_t)v->map_w * (size_t)v->map_h;
    float *weights = (float *)(void *)(block + v->block.weights);
    *t = (struct cuda_target){.minus_mean = o->minus_mean};
    for (; t->count < o->subject_count && t->count < BACKEND_SUBJECTS_MAX; t->count++) {
        t->class_index[t->count] = o->subjects[t->count].class_index;
        memcpy(weights + (size_t)t->count * map, o->subjects[t->count].weight, map * sizeof *weights);
    }
}

static void write_block(const struct backend *b, const struct picture_prepared *v,
                        const struct cuda_prior_plan *prior, const struct backend_step *s, uint8_t *block)
{
    struct block_head *head = (struct block_head *)(void *)block;
    memset(head, 0, sizeof *head);
    if (s->climbs && s->objective.layer < 0)
        write_target(v, &s->objective, &head->target, block);
    if (b->config.profile == DREAM_MODERN)
        write_view(b, v, s, block);
    else
        head->classic = image_classic_step(s->moment);
    cuda_prior_place(b->prior, prior, s, head->places);
}

/* The weights come last: those of subjects that are not there need not travel. */
static size_t used_bytes(const struct picture_prepared *v, const uint8_t *block)
{
    const struct block_head *head = (const struct block_head *)(const void *)block;
    return v->block.weights +
           (size_t)head->target.count * (size_t)v->map_w * (size_t)v->map_h * sizeof(float);
}

int picture_block_send(struct backend *b, const struct picture_prepared *v,
                       const struct cuda_prior_plan *prior, const struct backend_step *s,
                       struct block_head *head)
{
    struct cuda_device *d = &b->device;
    uint8_t *slot = b->slots + (size_t)b->next_slot * b->block_bytes;
    cudaEvent_t is_free = b->slot_free[b->next_slot];
    int rc =
        cuda_fail(d, cudaEventSynchronize(is_free), "a step's data"); /* at once when it was never used */
    if (rc < 0)
        return rc;
    write_block(b, v, prior, s, slot);
    if (head)
        memcpy(head, slot, sizeof *head);
    rc = cuda_fail(d, cudaMemcpyAsync(b->block, slot, used_bytes(v, slot), cudaMemcpyHostToDevice, d->stream),
                   "a step's data");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventRecord(is_free, d->stream), "a step's data");
    b->next_slot = (b->next_slot + 1) % BLOCK_SLOTS;
    return rc;
}

static struct picture_axis device_axis(const uint8_t *block, const struct block_axis *at, int size, int view,
                                       double scale)
{
    return (struct picture_axis){size,
                                 view,
                                 image_axis_taps(scale),
                                 (const int *)(const void *)(block + at->index),
                                 (const float *)(const void *)(block + at->weight),
                                 (const int *)(const void *)(block + at->start),
                                 (const int *)(const void *)(block + at->back),
                                 (const float *)(const void *)(block + at->back_weight)};
}

void picture_block_axes(const struct backend *b, const struct picture_prepared *v, struct picture_axis *x,
                        struct picture_axis *y)
{
    *x = device_axis(b->block, &v->block.x, b->width, v->view.width_px, v->view.scale);
    *y = device_axis(b->block, &v->block.y, b->height, v->view.height_px, v->view.scale);
}
