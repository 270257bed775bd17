/*
 * keyframes - see keyframes.h. Slots go round in order: fill, wait, newer, older, free again.
 */
#include "common/keyframes.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/thread.h"

enum { SLOTS = 3, SLOTS_WITH_FRAMES = 4, HELD_MAX = 2 };

struct keyframes {
    struct keyframe slots[SLOTS_WITH_FRAMES];
    int slot_count; /* immutable after open */
    _Atomic int64_t position;

    pthread_mutex_t lock; /* guards the fields below; the pixels of a slot belong to the side that holds it */
    pthread_cond_t changed;
    int64_t published; /* keyframes handed over since open; number n lives in slot n % slot_count */
    int64_t taken;     /* of these, taken by the camera; it holds the last HELD_MAX of them */
    int ahead;         /* so many may wait for the camera when another one is begun */
    bool shut;
};

static bool take_memory(struct keyframe *slot, bool with_frames)
{
    size_t pixels = (size_t)slot->width_px * (size_t)slot->height_px;
    slot->rgb = buffer_alloc(sizeof *slot->rgb * 3 * pixels);
    if (with_frames)
        slot->nv12 = buffer_alloc(pixels / 2 * 3);
    return slot->rgb && (slot->nv12 || !with_frames);
}

int keyframes_open(struct keyframes **out, int width_px, int height_px, bool with_frames)
{
    *out = NULL;
    if (width_px < 1 || height_px < 1 || (with_frames && (width_px % 2 || height_px % 2)))
        return -EINVAL;
    struct keyframes *k = xcalloc(1, sizeof *k);
    k->slot_count = k->ahead = with_frames ? SLOTS_WITH_FRAMES : SLOTS;
    pthread_mutex_init(&k->lock, NULL);
    cond_init_monotonic(&k->changed);
    *out = k;
    for (int i = 0; i < k->slot_count; i++) {
        k->slots[i].width_px = width_px;
        k->slots[i].height_px = height_px;
        if (!take_memory(&k->slots[i], with_frames)) {
            keyframes_close(out);
            return -ENOMEM;
        }
    }
    return 0;
}

void keyframes_close(struct keyframes **out)
{
    struct keyframes *k = *out;
    if (!k)
        return;
    for (int i = 0; i < k->slot_count; i++) {
        free(k->slots[i].rgb);
        free(k->slots[i].nv12);
    }
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
    free(k);
    *out = NULL;
}

void keyframes_shutdown(struct keyframes *k)
{
    pthread_mutex_lock(&k->lock);
    k->shut = true;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

static bool is_full_locked(const struct keyframes *k)
{
    int64_t waiting = k->published - k->taken, held = k->taken < HELD_MAX ? k->taken : HELD_MAX;
    return waiting + held >= k->slot_count || waiting >= k->ahead;
}

struct keyframe *keyframes_acquire(struct keyframes *k)
{
    struct keyframe *slot = NULL;
    pthread_mutex_lock(&k->lock);
    while (!k->shut && is_full_locked(k))
        cond_wait_us(&k->changed, &k->lock, -1);
    if (!k->shut) {
        slot = &k->slots[k->published % k->slot_count];
        slot->is_frame = false;
    }
    pthread_mutex_unlock(&k->lock);
    return slot;
}

void keyframes_publish(struct keyframes *k)
{
    pthread_mutex_lock(&k->lock);
    k->published++;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

void keyframes_set_ahead(struct keyframes *k, int ahead)
{
    pthread_mutex_lock(&k->lock);
    k->ahead = ahead;
    pthread_mutex_unlock(&k->lock);
}

const struct keyframe *keyframes_next(struct keyframes *k, int64_t timeout_us)
{
    const struct keyframe *next = NULL;
    int64_t deadline_us = timeout_us > 0 ? clock_real_us() + timeout_us : 0;
    pthread_mutex_lock(&k->lock);
    while (!k->shut && k->taken == k->published) {
        int64_t left_us = timeout_us > 0 ? deadline_us - clock_real_us() : timeout_us;
        if ((timeout_us >= 0 && left_us <= 0) || !cond_wait_us(&k->changed, &k->lock, left_us))
            break;
    }
    if (!k->shut && k->taken < k->published) {
        next = &k->slots[k->taken++ % k->slot_count];
        pthread_cond_broadcast(&k->changed);
    }
    pthread_mutex_unlock(&k->lock);
    return next;
}

void keyframes_set_position(struct keyframes *k, int64_t z_frames)
{
    atomic_store(&k->position, z_frames);
}

int64_t keyframes_position(struct keyframes *k)
{
    return atomic_load(&k->position);
}
