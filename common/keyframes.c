/*
 * keyframes - see keyframes.h. Slots go round in order: fill, wait, newer, older, free again.
 */
#include "common/keyframes.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/thread.h"

enum { SLOTS = 3, SLOTS_WITH_FRAMES = KEYFRAMES_SLOTS_MAX, HELD_MAX = 2 };

struct keyframes {
    struct keyframe slots[SLOTS_WITH_FRAMES];
    int slot_count; /* immutable after open, as is the next */
    bool is_lent;   /* the pixels' memory is somebody else's */
    _Atomic int64_t position;
    _Atomic(_Atomic int64_t *) send_to;    /* where else it is written; NULL: nowhere */
    const _Atomic int64_t *_Atomic follow; /* where it is read instead; NULL: here */

    pthread_mutex_t lock; /* guards the fields below; the pixels of a slot belong to the side that holds it */
    pthread_cond_t changed;
    int64_t published; /* keyframes handed over since open; number n lives in slot n % slot_count */
    int64_t taken;     /* of these, taken by the camera; it holds the last HELD_MAX of them */
    int ahead;         /* so many may wait for the camera when another one is begun */
    bool shut;
    int wake_fd; /* -1: none */
};

static bool take_memory(struct keyframe *slot, bool with_frames)
{
    size_t pixels = (size_t)slot->width_px * (size_t)slot->height_px;
    slot->rgb = buffer_alloc(sizeof *slot->rgb * 3 * pixels);
    if (with_frames)
        slot->nv12 = buffer_alloc(pixels / 2 * 3);
    return slot->rgb && (slot->nv12 || !with_frames);
}

int keyframes_slots(bool with_frames)
{
    return with_frames ? SLOTS_WITH_FRAMES : SLOTS;
}

int keyframes_open_in(struct keyframes **out, int width_px, int height_px, bool with_frames,
                      const struct keyframe_memory *memory)
{
    *out = NULL;
    if (width_px < 1 || height_px < 1 || (with_frames && (width_px % 2 || height_px % 2)))
        return -EINVAL;
    struct keyframes *k = xcalloc(1, sizeof *k);
    k->slot_count = k->ahead = keyframes_slots(with_frames);
    k->is_lent = memory != NULL;
    k->wake_fd = -1;
    pthread_mutex_init(&k->lock, NULL);
    cond_init_monotonic(&k->changed);
    *out = k;
    for (int i = 0; i < k->slot_count; i++) {
        k->slots[i].width_px = width_px;
        k->slots[i].height_px = height_px;
        if (memory) {
            k->slots[i].rgb = memory[i].rgb;
            k->slots[i].nv12 = memory[i].nv12;
        } else if (!take_memory(&k->slots[i], with_frames)) {
            keyframes_close(out);
            return -ENOMEM;
        }
    }
    return 0;
}

int keyframes_open(struct keyframes **out, int width_px, int height_px, bool with_frames)
{
    return keyframes_open_in(out, width_px, height_px, with_frames, NULL);
}

void keyframes_close(struct keyframes **out)
{
    struct keyframes *k = *out;
    if (!k)
        return;
    for (int i = 0; i < k->slot_count && !k->is_lent; i++) {
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

/* Whoever waits, on the condition or in poll(). The lock is held. */
static void wake_locked(struct keyframes *k)
{
    const uint64_t one = 1;
    pthread_cond_broadcast(&k->changed);
    if (k->wake_fd >= 0) {
        ssize_t n = write(k->wake_fd, &one, sizeof one); /* fails only when it is readable already */
        (void)n;
    }
}

static bool has_no_slot_locked(const struct keyframes *k)
{
    int64_t waiting = k->published - k->taken, held = k->taken < HELD_MAX ? k->taken : HELD_MAX;
    return waiting + held >= k->slot_count;
}

static bool is_full_locked(const struct keyframes *k)
{
    return has_no_slot_locked(k) || k->published - k->taken >= k->ahead;
}

static struct keyframe *next_slot_locked(struct keyframes *k)
{
    struct keyframe *slot = &k->slots[k->published % k->slot_count];
    slot->is_frame = false;
    return slot;
}

struct keyframe *keyframes_acquire(struct keyframes *k)
{
    struct keyframe *slot = NULL;
    pthread_mutex_lock(&k->lock);
    while (!k->shut && is_full_locked(k))
        cond_wait_us(&k->changed, &k->lock, -1);
    if (!k->shut)
        slot = next_slot_locked(k);
    pthread_mutex_unlock(&k->lock);
    return slot;
}

struct keyframe *keyframes_try_acquire(struct keyframes *k)
{
    pthread_mutex_lock(&k->lock);
    struct keyframe *slot = k->shut || has_no_slot_locked(k) ? NULL : next_slot_locked(k);
    pthread_mutex_unlock(&k->lock);
    return slot;
}

void keyframes_publish(struct keyframes *k)
{
    pthread_mutex_lock(&k->lock);
    k->published++;
    wake_locked(k);
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
        wake_locked(k);
    }
    pthread_mutex_unlock(&k->lock);
    return next;
}

const struct keyframe *keyframes_peek(struct keyframes *k, int64_t number)
{
    pthread_mutex_lock(&k->lock);
    bool is_there = number >= k->taken && number < k->published;
    pthread_mutex_unlock(&k->lock);
    return is_there ? &k->slots[number % k->slot_count] : NULL;
}

void keyframes_count(struct keyframes *k, int64_t *published, int64_t *taken)
{
    pthread_mutex_lock(&k->lock);
    *published = k->published;
    *taken = k->taken;
    pthread_mutex_unlock(&k->lock);
}

void keyframes_set_wake_fd(struct keyframes *k, int fd)
{
    pthread_mutex_lock(&k->lock);
    k->wake_fd = fd;
    pthread_mutex_unlock(&k->lock);
}

void keyframes_send_position(struct keyframes *k, _Atomic int64_t *at)
{
    atomic_store(&k->send_to, at);
    if (at)
        atomic_store(at, atomic_load(&k->position));
}

void keyframes_follow_position(struct keyframes *k, const _Atomic int64_t *at)
{
    atomic_store(&k->follow, at);
}

void keyframes_set_position(struct keyframes *k, int64_t z_frames)
{
    _Atomic int64_t *to = atomic_load(&k->send_to);
    atomic_store(&k->position, z_frames);
    if (to)
        atomic_store(to, z_frames);
}

int64_t keyframes_position(struct keyframes *k)
{
    const _Atomic int64_t *at = atomic_load(&k->follow);
    return atomic_load(at ? at : &k->position);
}
