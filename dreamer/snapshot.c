/*
 * snapshot - see snapshot.h.
 */
#include "dreamer/snapshot.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"

enum { VERSION = 1 };

static const char magic[8] = "RVDREAM";

size_t snapshot_bytes(const struct dream_config *c)
{
    return SNAPSHOT_HEAD_BYTES + dream_state_floats(c) * sizeof(float);
}

float *snapshot_planes(struct snapshot *s)
{
    return (float *)(void *)((char *)s + SNAPSHOT_HEAD_BYTES);
}

/* Eight bytes at a time, each turned through all others: damage changes it, whatever it is. */
static uint64_t sum_of(const void *bytes, size_t size)
{
    const char *at = bytes;
    uint64_t sum = size, word;
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    word = 0;
    memcpy(&word, at, size);
    return (sum ^ word) * 0x9e3779b97f4a7c15u;
}

static const size_t summed_from = offsetof(struct snapshot, checksum) + sizeof(uint64_t);

static uint64_t checksum(const struct snapshot *s, size_t size)
{
    return sum_of((const char *)s + summed_from, size - summed_from);
}

/* All but what snapshot_seal adds. 0 or -EIO: it is of no use. */
static int take(struct snapshot *s, struct dream *d, int64_t z_frames, const struct port_target *t)
{
    memset(s, 0, SNAPSHOT_HEAD_BYTES); /* gaps between fields, too: the checksum covers them */
    s->z_frames = z_frames;
    memcpy(&s->target, t, sizeof s->target);
    return dream_save(d, &s->dream, snapshot_planes(s));
}

void snapshot_seal(struct snapshot *s, const struct dream_config *c)
{
    memcpy(s->magic, magic, sizeof magic);
    s->version = VERSION;
    s->head_bytes = sizeof *s;
    s->bytes = snapshot_bytes(c);
    s->checksum = checksum(s, s->bytes);
}

int snapshot_check(const void *bytes, size_t size, const struct dream_config *c, const struct model *m,
                   struct error *e)
{
    const struct snapshot *s = bytes;
    if (size < SNAPSHOT_HEAD_BYTES || memcmp(s->magic, magic, sizeof magic) != 0)
        return error_set(e, EINVAL, "it is no snapshot of a dream");
    if (s->version != VERSION || s->head_bytes != sizeof *s)
        return error_set(e, ESTALE, "another version of the program, or another machine, has written it");
    if (s->bytes != size || s->checksum != checksum(s, size))
        return error_set(e, EINVAL, "it is damaged");
    if (size != snapshot_bytes(c))
        return error_set(e, ESTALE, "it is of a dream of another size or profile");
    if (s->z_frames < 0 || !port_target_is_sound(&s->target))
        return error_set(e, EINVAL, "what was being dreamed makes no sense");
    const float *planes = (const float *)(const void *)((const char *)bytes + SNAPSHOT_HEAD_BYTES);
    return dream_state_check(&s->dream, planes, c, m, e);
}

void snapshots_take(struct snapshots *s, struct dream *d, int64_t z_frames, const struct port_target *t,
                    bool now)
{
    int64_t now_us = clock_real_us();
    if (!s->places[0] || (!now && s->taken_us && now_us - s->taken_us < s->every_us))
        return;
    s->taken_us = now_us;
    struct snapshot *place = s->places[s->next];
    if (take(place, d, z_frames, t) < 0)
        return; /* the last one stays the newest */
    snapshot_seal(place, s->config);
    s->taken(s->context, s->next);
    s->next = (s->next + 1) % SNAPSHOT_PLACES;
}
