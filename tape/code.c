/*
 * code - see code.h.
 *
 * A record is a byte that says which, then what belongs to it. Frames are differences to the event before; a picture's place
 * is what its zoom says unless a flag says otherwise; a text is how much of the old one stays in front and behind, and what
 * is new between: a count of seconds costs four bytes.
 */
#include "tape/code.h"

#include <string.h>

#include "tape/bytes.h"

enum record { RECORD_MOTION = 16, RECORD_FRONT, RECORD_RUN }; /* beyond enum tape_kind */

enum picture_flag {
    IS_FRAME = 1,
    HAS_LOOKED = 2,
    IS_WISHED = 4,
    TAKES_TARGET = 8,
    WAS_REHEARSED = 16,
    RESUMES = 32,
    HAS_OWN_PLACE = 64,
};

enum { HAS_PLACE = 1, HAS_BELIEF = 4, FRAMES_A_PICTURE = 1 << 24, STEPS_A_PICTURE = 1 << 20 };

/* ---- head ---- */

void tape_put_head(struct tape_out *o, const struct tape_head *h)
{
    tape_put_text(o, h->version);
    tape_put_text(o, h->model);
    tape_put_text(o, h->hardware);
    tape_put_fixed(o, h->fingerprint, 8);
    tape_put_fixed(o, h->seed, 8);
    tape_put_fixed(o, h->start, 8);
    tape_put_number(o, h->began_s);
    tape_put_count(o, (uint64_t)h->fps);
    tape_put_text(o, h->settings);
}

bool tape_take_head(struct tape_in *in, struct tape_head *h)
{
    tape_take_text(in, h->version, sizeof h->version, false);
    tape_take_text(in, h->model, sizeof h->model, false);
    tape_take_text(in, h->hardware, sizeof h->hardware, false);
    h->fingerprint = tape_take_fixed(in, 8);
    h->seed = tape_take_fixed(in, 8);
    h->start = tape_take_fixed(in, 8);
    h->began_s = tape_take_number(in);
    h->fps = (int32_t)tape_take_up_to(in, 1000);
    tape_take_text(in, h->settings, sizeof h->settings, true);
    return !in->bad && h->fps > 0 && in->used == in->size;
}

/* ---- targets ---- */

static void put_subject(struct tape_out *o, const struct port_subject *s)
{
    bool has_place = s->right != 0 || s->left != 0 || s->top != 0 || s->bottom != 0;
    tape_put_byte(o, has_place ? HAS_PLACE : 0);
    tape_put_number(o, s->class_index);
    tape_put_float(o, s->weight);
    const float place[4] = {s->left, s->top, s->right, s->bottom};
    for (int i = 0; i < 4 && has_place; i++)
        tape_put_float(o, place[i]);
}

static void take_subject(struct tape_in *in, struct port_subject *s)
{
    int flags = tape_take_byte(in);
    int64_t class_index = tape_take_number(in);
    float place[4] = {0};
    in->bad = in->bad || class_index < INT32_MIN || class_index > INT32_MAX || flags > HAS_PLACE;
    s->class_index = (int32_t)class_index;
    s->weight = tape_take_float(in);
    for (int i = 0; i < 4 && flags & HAS_PLACE; i++)
        place[i] = tape_take_float(in);
    s->left = place[0];
    s->top = place[1];
    s->right = place[2];
    s->bottom = place[3];
}

static void put_motion(struct tape_out *o, const struct port_motion *m)
{
    tape_put_float(o, m->speed);
    tape_put_float(o, m->turn);
    tape_put_float(o, m->for_s);
    tape_put_byte(o, m->aims);
    tape_put_float(o, m->x);
    tape_put_float(o, m->y);
}

static void take_motion(struct tape_in *in, struct port_motion *m)
{
    m->speed = tape_take_float(in);
    m->turn = tape_take_float(in);
    m->for_s = tape_take_float(in);
    m->aims = (int32_t)tape_take_up_to(in, 1);
    m->x = tape_take_float(in);
    m->y = tape_take_float(in);
}

static int record_of(const struct port_target *t)
{
    return t->only_motion ? RECORD_MOTION : t->only_front ? RECORD_FRONT : TAPE_TARGET;
}

static void put_target(struct tape_out *o, struct tape_state *s, const struct port_target *t)
{
    tape_put_number(o, t->number - s->target);
    s->target = t->number;
    if (t->only_motion) {
        put_motion(o, &t->motion);
        return;
    }
    if (t->only_front) {
        tape_put_float(o, t->front);
        return;
    }
    tape_put_count(o, (uint64_t)t->request_id);
    tape_put_float(o, t->fade_s);
    tape_put_byte(o, t->change);
    tape_put_byte(o, t->count);
    for (int i = 0; i < t->count; i++)
        put_subject(o, &t->subjects[i]);
    tape_put_text(o, t->caption);
}

static void take_subjects(struct tape_in *in, struct port_target *t)
{
    t->request_id = tape_take_up_to(in, INT64_MAX);
    t->fade_s = tape_take_float(in);
    t->change = (int32_t)tape_take_up_to(in, PORT_WIPE);
    t->count = (int32_t)tape_take_up_to(in, PORT_SUBJECTS_MAX);
    for (int i = 0; i < t->count; i++)
        take_subject(in, &t->subjects[i]);
    tape_take_text(in, t->caption, sizeof t->caption, false);
}

static void take_target(struct tape_in *in, struct tape_state *s, int record, struct port_target *t)
{
    *t = (struct port_target){.only_motion = record == RECORD_MOTION, .only_front = record == RECORD_FRONT};
    int64_t step = tape_take_number(in);
    in->bad = in->bad || step > TAPE_FRAMES_MAX || step < -TAPE_FRAMES_MAX || s->target + step < 1 ||
              s->target + step > TAPE_FRAMES_MAX;
    if (in->bad)
        return;
    t->number = s->target += step;
    if (t->only_motion)
        take_motion(in, &t->motion);
    else if (t->only_front)
        t->front = tape_take_float(in);
    else
        take_subjects(in, t);
    in->bad = in->bad || !port_target_is_sound(t);
}

/* ---- pictures ---- */

static void remember_picture(struct tape_state *s, const struct tape_picture *p, int64_t frame)
{
    s->picture_frames = frame - s->picture_frame;
    s->picture_frame = frame;
    s->picture = *p;
}

bool tape_runs_on(const struct tape_state *s, const struct tape_event *event)
{
    const struct tape_picture *a = &s->picture, *b = &event->picture;
    return event->kind == TAPE_PICTURE && s->picture_frames > 0 && b->made.frames > 0 &&
           event->frame - s->picture_frame == s->picture_frames && s->frame == s->picture_frame &&
           b->z_frames - a->z_frames == b->made.frames && a->is_frame == b->is_frame &&
           a->made.frames == b->made.frames && a->made.steps == b->made.steps &&
           a->made.looked == b->made.looked && a->made.wished == b->made.wished && b->made.target == 0 &&
           b->made.rehearsed == 0 && b->made.resumes == 0;
}

static void put_picture(struct tape_out *o, struct tape_state *s, const struct tape_event *event)
{
    const struct tape_picture *p = &event->picture;
    const struct keyframe_making *m = &p->made;
    bool own_place = p->z_frames != s->picture.z_frames + m->frames;
    tape_put_byte(o, (p->is_frame ? IS_FRAME : 0) | (m->looked ? HAS_LOOKED : 0) |
                         (m->wished ? IS_WISHED : 0) | (m->target ? TAKES_TARGET : 0) |
                         (m->rehearsed ? WAS_REHEARSED : 0) | (m->resumes ? RESUMES : 0) |
                         (own_place ? HAS_OWN_PLACE : 0));
    tape_put_count(o, (uint64_t)m->frames);
    tape_put_count(o, (uint64_t)m->steps);
    if (m->target)
        tape_put_number(o, m->target - s->target);
    if (m->rehearsed)
        tape_put_count(o, (uint64_t)m->rehearsed);
    if (m->resumes)
        tape_put_number(o, m->resumed_z);
    if (own_place)
        tape_put_count(o, (uint64_t)p->z_frames);
    remember_picture(s, p, event->frame);
}

static void take_picture(struct tape_in *in, struct tape_state *s, int64_t frame, struct tape_picture *p)
{
    struct keyframe_making *m = &p->made;
    int flags = tape_take_byte(in);
    *p = (struct tape_picture){.is_frame = (flags & IS_FRAME) != 0};
    m->looked = (flags & HAS_LOOKED) != 0;
    m->wished = (flags & IS_WISHED) != 0;
    m->resumes = (flags & RESUMES) != 0;
    m->frames = (int32_t)tape_take_up_to(in, FRAMES_A_PICTURE);
    m->steps = (int32_t)tape_take_up_to(in, STEPS_A_PICTURE);
    if (flags & TAKES_TARGET) {
        int64_t step = tape_take_number(in);
        in->bad = in->bad || step > 0 || step < -TAPE_FRAMES_MAX || s->target + step < 1;
        m->target = in->bad ? 0 : s->target + step;
    }
    if (flags & WAS_REHEARSED)
        m->rehearsed = (int32_t)tape_take_up_to(in, STEPS_A_PICTURE);
    if (flags & RESUMES)
        m->resumed_z = tape_take_number(in);
    int64_t next = s->picture.z_frames + m->frames;
    p->z_frames = flags & HAS_OWN_PLACE ? tape_take_up_to(in, TAPE_FRAMES_MAX) : next;
    bool sane = flags < 2 * HAS_OWN_PLACE && p->z_frames <= TAPE_FRAMES_MAX && m->resumed_z >= -1 &&
                m->resumed_z <= TAPE_FRAMES_MAX && p->z_frames >= s->picture.z_frames;
    in->bad = in->bad || !sane;
    if (!in->bad)
        remember_picture(s, p, frame);
}

/* ---- signs ---- */

static void put_signs(struct tape_out *o, struct tape_state *s, const struct tape_signs *signs)
{
    int changed = 0;
    for (int i = 0; i < TAPE_TEXTS; i++)
        changed |= (strcmp(s->signs.texts[i], signs->texts[i]) != 0) << i;
    tape_put_byte(o, signs->mark | (signs->belief >= 0 ? HAS_BELIEF : 0));
    tape_put_byte(o, changed);
    if (signs->belief >= 0)
        tape_put_double(o, signs->belief);
    if (signs->mark == TAPE_FRONT_OWN)
        tape_put_double(o, signs->front);
    for (int i = 0; i < TAPE_TEXTS; i++)
        if (changed & 1 << i)
            tape_put_change(o, s->signs.texts[i], signs->texts[i]);
    s->signs = *signs;
}

static void take_signs(struct tape_in *in, struct tape_state *s, struct tape_signs *signs)
{
    int mark = tape_take_byte(in), changed = tape_take_byte(in);
    s->signs.belief = mark & HAS_BELIEF ? tape_take_double(in) : -1;
    s->signs.mark = mark & ~HAS_BELIEF;
    in->bad = in->bad || s->signs.mark > TAPE_FRONT_OWN || s->signs.belief > 2 ||
              (mark & HAS_BELIEF && s->signs.belief < 0);
    s->signs.front = s->signs.mark == TAPE_FRONT_OWN ? tape_take_double(in) : 0;
    for (int i = 0; i < TAPE_TEXTS; i++)
        if (changed & 1 << i)
            tape_take_change(in, s->signs.texts[i]);
    *signs = s->signs;
}

/* ---- events ---- */

void tape_put_event(struct tape_out *o, struct tape_state *s, const struct tape_event *event)
{
    tape_put_byte(o, event->kind == TAPE_TARGET ? record_of(&event->target) : (int)event->kind);
    if (event->kind == TAPE_TARGET) {
        put_target(o, s, &event->target);
        return;
    }
    if (event->kind == TAPE_NAME) {
        tape_put_count(o, (uint64_t)event->name.request_id);
        tape_put_text(o, event->name.who);
        return;
    }
    tape_put_count(o, (uint64_t)(event->frame - s->frame));
    s->frame = event->frame;
    if (event->kind == TAPE_PICTURE)
        put_picture(o, s, event);
    else if (event->kind == TAPE_SIGNS)
        put_signs(o, s, &event->signs);
    else if (event->kind == TAPE_WITHDRAWN)
        tape_put_count(o, (uint64_t)event->withdrawn);
    if (event->kind == TAPE_GAP) {
        tape_put_count(o, (uint64_t)event->gap.repeated);
        tape_put_count(o, (uint64_t)event->gap.skipped);
        s->frame += event->gap.repeated + event->gap.skipped;
    }
}

bool tape_skip_run(struct tape_state *s, int32_t count)
{
    int64_t frame = s->picture_frame + count * s->picture_frames;
    int64_t z_frames = s->picture.z_frames + (int64_t)count * s->picture.made.frames;
    if (count == 0)
        return true;
    if (frame > TAPE_FRAMES_MAX || z_frames > TAPE_FRAMES_MAX)
        return false;
    s->frame = s->picture_frame = frame;
    s->picture.z_frames = z_frames;
    s->picture.made.target = s->picture.made.resumed_z = 0;
    s->picture.made.rehearsed = s->picture.made.resumes = 0;
    return true;
}

bool tape_run_on(struct tape_state *s, struct tape_event *event)
{
    if (!tape_skip_run(s, 1))
        return false;
    *event = (struct tape_event){.kind = TAPE_PICTURE, .frame = s->frame, .picture = s->picture};
    return true;
}

void tape_put_run(struct tape_out *o, int32_t count)
{
    tape_put_byte(o, RECORD_RUN);
    tape_put_count(o, (uint64_t)count);
}

static void take_gap(struct tape_in *in, struct tape_state *s, struct tape_gap *gap)
{
    gap->repeated = (int32_t)tape_take_up_to(in, FRAMES_A_PICTURE);
    gap->skipped = (int32_t)tape_take_up_to(in, FRAMES_A_PICTURE);
    s->frame += gap->repeated + gap->skipped;
    in->bad = in->bad || s->frame > TAPE_FRAMES_MAX;
}

bool tape_take_event(struct tape_in *in, struct tape_state *s, struct tape_event *event, int32_t *run)
{
    int record = tape_take_byte(in);
    *run = 0;
    event->kind = record > TAPE_END ? TAPE_TARGET : (enum tape_kind)record;
    event->frame = s->frame;
    if (in->bad || record < TAPE_TARGET || (record > TAPE_END && record < RECORD_MOTION) ||
        record > RECORD_RUN)
        return false;
    if (record == RECORD_RUN) {
        *run = (int32_t)tape_take_up_to(in, TAPE_RUN_MAX);
        return !in->bad && *run > 0 && s->picture_frames > 0 && s->picture.made.frames > 0 &&
               s->frame == s->picture_frame && tape_run_on(s, event);
    }
    if (event->kind == TAPE_TARGET) {
        take_target(in, s, record, &event->target);
        return !in->bad;
    }
    if (event->kind == TAPE_NAME) {
        event->name.request_id = tape_take_up_to(in, INT64_MAX);
        tape_take_text(in, event->name.who, sizeof event->name.who, false);
        return !in->bad;
    }
    event->frame = s->frame += tape_take_up_to(in, TAPE_FRAMES_MAX);
    if (event->frame > TAPE_FRAMES_MAX)
        return false;
    if (event->kind == TAPE_PICTURE)
        take_picture(in, s, event->frame, &event->picture);
    else if (event->kind == TAPE_GAP)
        take_gap(in, s, &event->gap);
    else if (event->kind == TAPE_SIGNS)
        take_signs(in, s, &event->signs);
    else if (event->kind == TAPE_WITHDRAWN)
        event->withdrawn = tape_take_up_to(in, INT64_MAX);
    return !in->bad;
}
