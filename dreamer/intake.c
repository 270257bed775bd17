/*
 * intake - see intake.h.
 */
#include "dreamer/intake.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"

/* As far ahead of the camera as no keyframe lies: 60 s, the most that keyframes.max_ms allows, at 1000 frames a second,
 * and a glide. */
static const int64_t AHEAD_MAX_FRAMES = 100000;

void intake_init(struct intake *i)
{
    i->z_last = -1;
    i->published_us = i->target_count = i->number_last = 0;
    intake_begin(i);
}

void intake_begin(struct intake *i)
{
    int64_t taken;
    keyframes_count(i->keyframes, &i->base, &taken);
    i->waiting_count = 0;
    i->announced = i->told = 0;
}

void intake_target(struct intake *i, const struct port_target *t)
{
    i->number_last = t->number > i->number_last ? t->number : i->number_last;
    if (t->only_motion || t->only_front)
        return; /* they are of this moment */
    i->targets[i->target_count++ % INTAKE_TARGETS] = *t;
}

const struct port_target *intake_newest_target(const struct intake *i)
{
    return i->target_count ? &i->targets[(i->target_count - 1) % INTAKE_TARGETS] : NULL;
}

/* Does this caption belong to this request, by what the programme has said lately? */
static bool is_known(const struct intake *i, const struct wire_picture *p)
{
    if (p->request_id == 0 && !p->caption[0])
        return true;
    for (int64_t k = 0; k < i->target_count && k < INTAKE_TARGETS; k++)
        if (i->targets[k].request_id == p->request_id && strcmp(i->targets[k].caption, p->caption) == 0)
            return true;
    return false;
}

/* Per output frame; zoom 0: as the settings say. */
static bool moves_as_a_camera(const struct wire_picture *p)
{
    return (p->zoom_per_frame == 0 || (p->zoom_per_frame >= 0.25 && p->zoom_per_frame <= 16)) &&
           fabs(p->degrees_per_frame) <= 360 && fabs(p->x) <= 0.5 && fabs(p->y) <= 0.5;
}

/* What a tape can hold: as far as no dreamer comes. */
static bool is_made(const struct keyframe_making *m, int64_t number_last)
{
    const int32_t most = 1000000;
    return m->target >= 0 && m->target <= number_last && m->resumed_z >= -1 && m->frames >= 0 &&
           m->frames <= most && m->steps >= 0 && m->steps <= most && m->rehearsed >= 0 &&
           m->rehearsed <= most;
}

const char *intake_picture(struct intake *i, const struct wire_picture *p)
{
    int64_t z_before = i->waiting_count ? i->waiting[i->waiting_count - 1].z_frames : i->z_last;
    if (p->number != i->announced || i->waiting_count == keyframes_slots(i->has_frames))
        return "pictures that it cannot have";
    if (p->is_frame && !i->has_frames)
        return "frames where none are asked for";
    if (p->z_frames <= z_before || p->z_frames > keyframes_position(i->keyframes) + AHEAD_MAX_FRAMES)
        return "a picture of where the camera never comes";
    if (!moves_as_a_camera(p))
        return "a movement that no camera makes";
    if (!(p->front <= 1)) /* also none at all */
        return "subjects that meet outside of the picture";
    if (!is_known(i, p))
        return "a caption of its own";
    if (!is_made(&p->made, i->number_last))
        return "how no picture comes about";
    i->waiting[i->waiting_count++] = *p;
    i->announced++;
    return NULL;
}

/* Values that are no numbers become black, and all are brought into 0..255. False when there were some. */
static bool copy_levels(float *out, const float *in, size_t count)
{
    bool good = true;
    for (size_t k = 0; k < count; k++) {
        float v = in[k];
        good &= v == v;
        out[k] = v >= 0 ? v < 255 ? v : 255 : 0;
    }
    return good;
}

static bool copy_picture(struct intake *i, struct keyframe *slot, const struct wire_picture *p)
{
    const struct keyframe_memory *from = &i->memory->slots[p->number % keyframes_slots(i->has_frames)];
    size_t pixels = (size_t)slot->width_px * (size_t)slot->height_px;
    slot->is_frame = p->is_frame != 0;
    slot->z_frames = p->z_frames;
    slot->request_id = p->request_id;
    slot->zoom_per_frame = p->zoom_per_frame;
    slot->degrees_per_frame = p->degrees_per_frame;
    slot->front = p->front;
    slot->x = p->x;
    slot->y = p->y;
    text_copy(slot->caption, sizeof slot->caption, p->caption);
    slot->made = p->made;
    if (!slot->is_frame)
        return copy_levels(slot->rgb, from->rgb, 3 * pixels);
    memcpy(slot->nv12, from->nv12, pixels / 2 * 3); /* any bytes are a picture */
    return true;
}

static void count(struct intake *i)
{
    int64_t now_us = clock_real_us();
    if (i->published_us)
        stats_max(i->stats, STAT_KEYFRAME_GAP_MAX_MS, (now_us - i->published_us) / 1000);
    i->published_us = now_us;
    stats_add(i->stats, STAT_KEYFRAMES, 1);
}

bool intake_deliver(struct intake *i, const char **lie)
{
    int done = 0;
    struct keyframe *slot;
    while (done < i->waiting_count && (slot = keyframes_try_acquire(i->keyframes))) {
        if (!copy_picture(i, slot, &i->waiting[done])) {
            *lie = "a picture that is none";
            break;
        }
        i->z_last = slot->z_frames;
        count(i);
        keyframes_publish(i->keyframes);
        done++;
    }
    i->waiting_count -= done;
    memmove(i->waiting, i->waiting + done, (size_t)i->waiting_count * sizeof *i->waiting);
    return done > 0;
}

int64_t intake_taken(struct intake *i)
{
    int64_t published, taken;
    keyframes_count(i->keyframes, &published, &taken);
    int64_t own = taken > i->base ? taken - i->base : 0;
    if (own == i->told)
        return -1;
    return i->told = own;
}

bool intake_is_hungry(struct intake *i)
{
    int64_t published, taken;
    keyframes_count(i->keyframes, &published, &taken);
    return i->waiting_count == 0 && published == taken;
}
