/*
 * picture_look - what the dream is like, for beliefs, bench and tests; frames for the video; copies for the
 * day that the device is lost. Measuring uses a step's scratch buffers, between steps, and leaves the picture
 * and its momentum alone.
 */
#include "engine/cuda/module/picture.h"

#include <string.h>

/* ---- Measuring ---- */

static int fetch(struct backend *b, void *to, const void *from, size_t bytes)
{
    struct cuda_device *d = &b->device;
    int rc = cuda_fail(d, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, d->stream), "measuring");
    return rc == 0 ? cuda_device_wait(d) : rc;
}

static int measure_logits(struct backend *b, const struct picture_prepared *v, float *logits)
{
    const float *seen = picture_seen(b, v);
    int rc = seen ? cuda_net_logits(b->net, (int)(v - b->views), seen, b->logits) : -EIO;
    size_t count = (size_t)b->model->classes * (size_t)v->map_w * (size_t)v->map_h;
    return rc == 0 ? fetch(b, logits, b->logits, count * sizeof *logits) : rc;
}

static int measure_gradient(struct backend *b, const struct picture_prepared *v, const struct backend_step *s,
                            struct backend_measure *m)
{
    m->value = 0;
    int rc = picture_climb(b, v, s, true, b->value);
    if (rc == 0)
        rc = fetch(b, m->gradient, b->gradient, b->floats * sizeof *m->gradient);
    if (rc == 0 && s->climbs)
        rc = fetch(b, &m->value, b->value, sizeof m->value);
    return rc;
}

static int measure_prior(struct backend *b, const struct cuda_prior_plan *plan, const struct block_head *head,
                         struct backend_measure *m)
{
    const struct block_head *there = (const struct block_head *)(const void *)b->block;
    int rc = cuda_prior_measure(b->prior, plan, there->places, head->places, b->x, b->prior_gradient,
                                b->p_squares, m->energy);
    return rc == 0 ? fetch(b, m->prior_gradient, b->prior_gradient, b->floats * sizeof *m->prior_gradient)
                   : rc;
}

int picture_measure(struct backend *b, const struct backend_step *s, struct backend_measure *m)
{
    const struct picture_prepared *v = picture_find_view(b, &s->view);
    struct cuda_prior_plan plan = {.patches = 0};
    struct block_head head;
    if (!v)
        return -ERANGE;
    int rc = cuda_device_enter(&b->device);
    if (rc == 0 && m->prior_gradient)
        rc = cuda_prior_plan(b->prior, s, &plan);
    if (rc == 0)
        rc = picture_block_send(b, v, &plan, s, &head);
    if (rc == 0 && m->logits)
        rc = measure_logits(b, v, m->logits);
    if (rc == 0 && m->gradient)
        rc = measure_gradient(b, v, s, m);
    if (rc == 0 && m->prior_gradient)
        rc = measure_prior(b, &plan, &head, m);
    return picture_verdict(b, rc);
}

/* ---- Frames ---- */

static void deliver(struct backend *b, struct frame_slot *f)
{
    if (f->to)
        memcpy(f->to, f->pinned, b->floats / 2);
    f->to = NULL;
}

void picture_deliver(struct backend *b)
{
    for (int i = 0; i < FRAME_SLOTS; i++) /* the oldest first */
        deliver(b, &b->frames[(b->next_frame + i) % FRAME_SLOTS]);
    for (int i = 0; i < KEEP_SLOTS; i++) {
        struct keep_slot *k = &b->keeps[i];
        k->is_whole = k->is_whole || k->is_begun;
        k->is_begun = false;
    }
}

int picture_frame(struct backend *b, uint8_t *nv12)
{
    struct cuda_device *d = &b->device;
    struct frame_slot *f = &b->frames[b->next_frame];
    const struct picture_nv12 a = {b->x, b->nv12, b->width, b->height};
    int rc = cuda_device_enter(d);
    if (rc == 0 && f->to)
        rc = cuda_fail(d, cudaEventSynchronize(f->arrived), "frame");
    if (rc < 0)
        return picture_verdict(b, rc);
    deliver(b, f);
    rc = cuda_fail(d, picture_nv12(&a, d->stream), "frame");
    if (rc == 0)
        rc = cuda_fail(d,
                       cudaMemcpyAsync(f->pinned, b->nv12, b->floats / 2, cudaMemcpyDeviceToHost, d->stream),
                       "frame");
    if (rc == 0)
        rc = cuda_fail(d, cudaEventRecord(f->arrived, d->stream), "frame");
    if (rc < 0)
        return picture_verdict(b, rc);
    f->to = nv12;
    b->next_frame = (b->next_frame + 1) % FRAME_SLOTS;
    return 0;
}

/* ---- Copies ---- */

int picture_keep(struct backend *b)
{
    struct cuda_device *d = &b->device;
    int at = (b->last_keep + 1) % KEEP_SLOTS;
    struct keep_slot *k = &b->keeps[at];
    int rc = cuda_device_enter(d);
    k->is_whole = k->is_begun = false;
    if (rc == 0)
        rc = cuda_fail(
            d, cudaMemcpyAsync(k->pinned, b->x, b->floats * sizeof *b->x, cudaMemcpyDeviceToHost, d->stream),
            "copy of the picture");
    k->is_begun = rc == 0;
    b->last_keep = at;
    return picture_verdict(b, rc);
}

int picture_kept(const struct backend *b, float *rgb)
{
    for (int i = 0; i < KEEP_SLOTS; i++) { /* the newest first */
        const struct keep_slot *k = &b->keeps[(b->last_keep + KEEP_SLOTS - i) % KEEP_SLOTS];
        if (k->is_whole) {
            memcpy(rgb, k->pinned, b->floats * sizeof *rgb);
            return 0;
        }
    }
    return -ENOENT;
}
