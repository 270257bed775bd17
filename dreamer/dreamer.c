/*
 * dreamer - see dreamer.h.
 */
#include "dreamer/dreamer.h"

#include <errno.h>
#include <math.h>

#include "common/log.h"
#include "common/text.h"

enum {
    FRAMES_AHEAD = 2, /* so many may wait: one that takes twice its time makes none late */
    KEYFRAMES_AHEAD = 1,
    WARM_UPS = 3, /* rehearsals that do not count: a GPU makes ready */
    REHEARSALS = 15,
    CATCH_UP_FRAMES = 1000,  /* more of a zoom leaves nothing to go on from */
    REHEARSALS_US = 1000000, /* on slow hardware there are fewer, and all count from half of this on */
};

static const int64_t RETREAT_MAX_US = INT64_C(3600) * 1000000;
/* A look between keyframes costs little of one; between frames it takes a step's place. */
static const int64_t LOOK_EVERY_US = 3000000, LOOK_AT_KEYFRAMES_US = 1000000;

static bool is_offline(const struct dreamer *d)
{
    return d->p.clock->is_virtual;
}

static double show_time_s(const struct dreamer *d)
{
    if (is_offline(d))
        return (double)d->z_frames / d->p.fps;
    return (double)(clock_now_us(d->p.clock) - d->p.start_us) / 1e6;
}

_Static_assert((int)DREAM_SUBJECTS_MAX == (int)PORT_SUBJECTS_MAX, "what passes the port can be dreamed");
_Static_assert((int)DREAM_SEEN_MAX == (int)PORT_SEEN_MAX, "what is seen passes the port");

static struct dream_subject subject_of(const struct port_subject *s)
{
    return (struct dream_subject){
        .class_index = s->class_index, .weight = s->weight, .place = {s->left, s->top, s->right, s->bottom}};
}

/* Points the dream there. */
static void set_target(struct dreamer *d, const struct port_target *t, double fade_s)
{
    struct dream_target target = {.count = 0};
    for (int i = 0; i < t->count && target.count < DREAM_SUBJECTS_MAX; i++)
        target.subjects[target.count++] = subject_of(&t->subjects[i]);
    target.change = t->change == PORT_WIPE ? DREAM_WIPE : DREAM_FADE;
    dream_set_target(d->p.dream, &target, fade_s);
    d->target = *t;
    d->front = -1;
}

static void obey(struct dreamer *d, const struct port_target *t)
{
    d->making.target = t->number;
    if (t->only_motion)
        motion_wish(&d->motion, &t->motion, show_time_s(d));
    else if (t->only_front)
        d->front = dream_set_front(d->p.dream, (double)t->front) ? (double)t->front : d->front;
    else
        set_target(d, t, (double)t->fade_s);
}

/* Asks what to dream now. */
static void take_target(struct dreamer *d)
{
    struct port_target t;
    if (port_ask(d->p.port, show_time_s(d), is_offline(d), &t))
        obey(d, &t);
}

/* Looks have a rhythm in real time, offline in show time. */
static int64_t look_clock_us(const struct dreamer *d)
{
    return is_offline(d) ? (int64_t)(show_time_s(d) * 1e6) : clock_real_us();
}

/* Asking the network what it sees costs about a step: now and then, where every frame is dreamed in place of a step,
 * and offline, where nobody asks, only for the camera. */
static bool is_look_due(const struct dreamer *d)
{
    if ((is_offline(d) && !d->p.follows) || (d->frames && d->p.frame_governor.steps < 2))
        return false;
    return look_clock_us(d) - d->looked_us > (d->frames ? LOOK_EVERY_US : LOOK_AT_KEYFRAMES_US);
}

static void look(struct dreamer *d)
{
    struct dream_sight sight;
    struct port_state *state = &d->state;
    dream_look(d->p.dream, &sight);
    for (int i = 0; i < PORT_SUBJECTS_MAX; i++)
        state->belief[i] = sight.belief[i];
    state->share = sight.share;
    state->seen_count = sight.seen_count;
    for (int i = 0; i < sight.seen_count; i++)
        state->seen[i] = (struct port_seen){sight.seen[i].class_index, (float)sight.seen[i].probability};
    if (d->p.follows)
        motion_see(&d->motion, sight.x, sight.y);
    d->making.looked = 1;
    d->looked_us = look_clock_us(d);
}

/* What the programme may know of the dream. */
static void tell_state(struct dreamer *d)
{
    struct port_state *state = &d->state;
    struct dream_health health = dream_health(d->p.dream);
    state->request_id = d->target.request_id;
    state->dreams_frames = d->frames;
    state->mean = health.mean;
    state->contrast = health.contrast;
    state->colour = health.colour;
    state->extreme = health.extreme;
    text_copy(state->backend, sizeof state->backend, dream_backend_name(d->p.dream));
    text_copy(state->hardware, sizeof state->hardware, dream_hardware(d->p.dream));
    port_tell(d->p.port, state);
}

static void publish(struct dreamer *d, struct keyframe *slot)
{
    slot->is_frame = d->frames;
    if (d->frames)
        dream_frame(d->p.dream, slot->nv12);
    else
        dream_picture(d->p.dream, slot->rgb);
    slot->zoom_per_frame = d->moves.zoom;
    slot->degrees_per_frame = d->moves.degrees;
    slot->x = d->moves.x;
    slot->y = d->moves.y;
    slot->z_frames = d->z_frames;
    slot->request_id = d->target.request_id;
    slot->front = d->front;
    text_copy(slot->caption, sizeof slot->caption, d->target.caption);
    slot->made = d->making;
    d->making = (struct keyframe_making){.target = 0};
    stats_add(d->p.stats, STAT_KEYFRAMES, 1); /* first: the one that ends the show is counted, too */
    keyframes_publish(d->p.keyframes);

    int64_t now_us = clock_real_us();
    if (d->last_publish_us)
        stats_keyframe_gap(d->p.stats, (now_us - d->last_publish_us) / 1000);
    d->last_publish_us = now_us;
    tell_state(d);
    if (!is_offline(d))
        snapshots_take(&d->p.snapshots, d->p.dream, d->z_frames, &d->target, false);
}

/* What a round took. */
struct cost {
    int64_t began_us;
    int64_t steps_us; /* in gradient steps */
    int steps;        /* 0: nothing was learned, the hardware was lost */
};

static double rest_us(const struct cost *c)
{
    return (double)(clock_real_us() - c->began_us - c->steps_us);
}

/* Takes steps, at most `batch` between two looks at the stop flag. */
static void take_steps(struct dreamer *d, int steps, int batch, struct cost *c)
{
    int64_t began_us = clock_real_us();
    int rc = 0, done = 0;
    for (; done < steps && rc != -EIO && !stop_requested(d->p.stop); done += batch) {
        batch = batch < steps - done ? batch : steps - done;
        rc = dream_steps(d->p.dream, batch);
        if (rc != -EIO)
            stats_add(d->p.stats, STAT_STEPS, batch); /* at once: they are a sign of life */
        if (rc == -EDOM) {
            stats_add(d->p.stats, STAT_RESTORES, 1);
            log_warn("dream", "NaN in the picture; restored the last good one");
        }
    }
    c->steps = rc == -EIO ? 0 : done;
    d->making.steps = done;
    c->steps_us = clock_real_us() - began_us;
    stats_add(d->p.stats, STAT_STEP_US, c->steps_us);
}

static void move_by(struct dreamer *d, int frames, double now_s)
{
    double elapsed_s = (double)frames / d->p.fps;
    d->making.frames += frames;
    d->making.wished = now_s < d->motion.until_s;
    d->moves = motion_advance(&d->motion, now_s, elapsed_s, d->p.fps);
    const struct image_move by = {pow(d->moves.zoom, frames), d->moves.degrees * frames, d->moves.x,
                                  d->moves.y};
    dream_move(d->p.dream, &by, elapsed_s);
    d->z_frames += frames;
}

static void move_on(struct dreamer *d, int frames)
{
    move_by(d, frames, show_time_s(d));
}

/* ---- every frame ---- */

static double period_ms(const struct dreamer *d)
{
    return 1e3 / d->p.fps;
}

static void begin_frames(struct dreamer *d)
{
    d->frames = true;
    d->makes_frames = dream_makes_frames(d->p.dream);
    keyframes_set_ahead(d->p.keyframes, FRAMES_AHEAD);
    /* Those that wait, the one that is being dreamed, and the one that is shown. */
    d->state.lag_s = (double)(FRAMES_AHEAD + 2) / d->p.fps;
    if (is_offline(d))
        log_info("dream", "every frame is dreamed, with %d steps", d->p.frame_governor.steps);
    else
        log_info("dream", "every frame is dreamed, with %d of up to %d steps in %.1f ms",
                 d->p.frame_governor.steps, d->p.frame_governor.steps_max, period_ms(d));
}

static void begin_keyframes(struct dreamer *d)
{
    d->frames = false;
    keyframes_set_ahead(d->p.keyframes, KEYFRAMES_AHEAD);
    d->state.lag_s = d->p.keyframes_lag_s;
}

/* Without a target a step has less to do. */
static void aim_at_something(struct dreamer *d)
{
    static const struct dream_target something = {.count = 1, .subjects = {{.class_index = 0}}};
    if (d->target.count == 0)
        dream_set_target(d->p.dream, &something, 0);
}

static void rehearse_step(struct dreamer *d, struct cost *c)
{
    dream_warp(d->p.dream, 1, 0, 0);
    take_steps(d, 1, 1, c);
    d->making.rehearsed++;
}

/* A frame as the show would make it, of nothing in particular, to learn what it costs. */
static void rehearse_frame(struct dreamer *d, uint8_t *nv12, bool counts)
{
    struct cost c = {.began_us = clock_real_us()};
    rehearse_step(d, &c);
    dream_frame(d->p.dream, nv12);
    if (counts && c.steps > 0)
        frame_governor_measure(&d->p.frame_governor, c.steps, (double)c.steps_us, rest_us(&c));
}

/* Can every frame be dreamed, and with how many steps? `slot` lends its memory. */
static bool rehearse(struct dreamer *d, struct keyframe *slot)
{
    struct frame_governor *g = &d->p.frame_governor;
    aim_at_something(d);
    int64_t began_us = clock_real_us();
    for (int i = 0; i < REHEARSALS && !stop_requested(d->p.stop); i++) {
        int64_t now_us = clock_real_us();
        if (g->measured && now_us - began_us > REHEARSALS_US)
            break;
        rehearse_frame(d, slot->nv12, i >= WARM_UPS || now_us - began_us > REHEARSALS_US / 2);
    }
    bool can = frame_governor_begin(g);
    if (!can && d->p.mode == DREAMER_AUTO)
        log_info("dream", "keyframes: a frame with one step takes %.1f ms here, and %.1f ms are between two",
                 frame_governor_cost_us(g, 1) / 1e3, period_ms(d));
    return can;
}

/* How the show goes on from its first picture. Offline nothing is measured: a render must not depend on the
 * machine. */
static void choose_mode(struct dreamer *d, struct keyframe *slot)
{
    bool frames = d->p.mode == DREAMER_FRAMES;
    bool could = frames || (d->p.mode == DREAMER_AUTO && dream_makes_frames(d->p.dream));
    if (could && !is_offline(d))
        frames = rehearse(d, slot) || frames;
    if (frames)
        begin_frames(d);
    else
        begin_keyframes(d);
}

static void retreat(struct dreamer *d, const char *why)
{
    const struct frame_governor *g = &d->p.frame_governor;
    log_warn("dream",
             "every frame can no longer be dreamed (%s: %.0f ms for one with one step, %.0f ms are between "
             "two); going on with keyframes",
             why, frame_governor_cost_us(g, 1) / 1e3, period_ms(d));
    begin_keyframes(d);
    d->return_us = clock_real_us() + d->retreat_us;
    d->retreat_us = 2 * d->retreat_us < RETREAT_MAX_US ? 2 * d->retreat_us : RETREAT_MAX_US;
}

/* Back to frames when a step has become fast enough for a while. */
static void consider_return(struct dreamer *d)
{
    const struct governor *g = &d->p.governor;
    bool may = d->p.mode == DREAMER_FRAMES || (d->p.mode == DREAMER_AUTO && dream_makes_frames(d->p.dream));
    if (d->return_us == 0 || clock_real_us() < d->return_us || !may)
        return;
    if (g->step_us + g->rest_us > 0.5e6 / d->p.fps)
        return;
    frame_governor_init(&d->p.frame_governor, false, d->p.frame_governor.steps_max, d->p.fps);
    begin_frames(d);
}

static void watch_frames(struct dreamer *d, const struct cost *c)
{
    struct frame_governor *g = &d->p.frame_governor;
    double rest = rest_us(c);
    governor_measure(&d->p.governor, c->steps, (double)c->steps_us, rest);
    if (frame_governor_measure(g, c->steps, (double)c->steps_us, rest))
        log_info("dream", "%d step%s in every frame: %.1f of %.1f ms", g->steps, g->steps > 1 ? "s" : "",
                 frame_governor_cost_us(g, g->steps) / 1e3, period_ms(d));
    if (is_offline(d))
        return;
    if (d->makes_frames && !dream_makes_frames(d->p.dream) && d->p.mode == DREAMER_AUTO)
        retreat(d, "another backend computes");
    else if (frame_governor_is_hopeless(g))
        retreat(d, "it is too slow");
}

static void dream_next_frame(struct dreamer *d, struct keyframe *slot)
{
    struct cost c = {.began_us = clock_real_us()};
    take_target(d);
    /* One that the camera has passed would be late before it is dreamed. */
    int64_t next = is_offline(d) ? 0 : keyframes_position(d->p.keyframes) + 1;
    move_on(d, next > d->z_frames + 1 ? (int)(next - d->z_frames) : 1);
    bool looks = is_look_due(d);
    int steps = d->p.frame_governor.steps - looks;
    take_steps(d, steps, steps, &c);
    if (looks)
        look(d);
    publish(d, slot);
    if (c.steps > 0)
        watch_frames(d, &c);
}

/* ---- keyframes ---- */

static void dream_keyframe(struct dreamer *d, struct keyframe *slot)
{
    struct cost c = {.began_us = clock_real_us()};
    take_target(d);
    struct governor_plan plan =
        governor_next(&d->p.governor, d->z_frames, keyframes_position(d->p.keyframes));
    move_on(d, plan.frames);
    double before_ms = (double)(clock_real_us() - c.began_us) / 1e3;
    take_steps(d, plan.steps, 1, &c);
    if (is_look_due(d))
        look(d);
    publish(d, slot);
    log_debug("dream", "keyframe: %d frames on, %d steps in %.0f ms, before %.0f ms, all else %.0f ms",
              plan.frames, c.steps, (double)c.steps_us / 1e3, before_ms, rest_us(&c) / 1e3);
    governor_measure(&d->p.governor, c.steps, (double)c.steps_us, rest_us(&c));
    consider_return(d);
}

/* Where the camera is by now, and behind all that it was given: the first picture's place. */
static int64_t first_place(const struct dreamer *d)
{
    int64_t camera = keyframes_position(d->p.keyframes);
    return camera > d->p.z_least ? camera : d->p.z_least;
}

/* On from where a snapshot was taken: zoomed by as much as the camera has gone on since. */
static void resume(struct dreamer *d)
{
    const struct snapshot *s = d->p.resumed;
    int64_t frames = first_place(d) - s->z_frames;
    if (s->target.count > 0)
        set_target(d, &s->target, 0);
    d->z_frames = s->z_frames;
    if (frames > 0)
        move_on(d, (int)(frames < CATCH_UP_FRAMES ? frames : CATCH_UP_FRAMES));
    d->making.target = s->target.number;
}

/* The start picture: something to see at once, in a live show before the rehearsal. */
static void begin(struct dreamer *d, struct keyframe *slot)
{
    if (is_offline(d)) {
        choose_mode(d, slot);
        publish(d, slot);
    } else {
        bool is_first = d->p.z_least == 0; /* of the show */
        d->making.resumes = d->p.resumed || !is_first;
        d->making.resumed_z = d->p.resumed && !is_first ? d->p.resumed->z_frames : -1;
        if (d->p.resumed)
            resume(d);
        int64_t z = first_place(d);
        d->z_frames = z > d->z_frames ? z : d->z_frames;
        publish(d, slot);
        slot = keyframes_acquire(d->p.keyframes);
        if (slot)
            choose_mode(d, slot);
    }
}

/* ---- again ---- */

/* A dreamer began here, where another had been. */
static void resume_again(struct dreamer *d, const struct dreamer_past *past)
{
    const struct snapshot *s = past->snapshot;
    const float *planes = (const float *)(const void *)((const char *)s + SNAPSHOT_HEAD_BYTES);
    d->motion = past->motion;
    d->front = -1;
    d->target = (struct port_target){.count = 0};
    dream_load(d->p.dream, &s->dream, planes);
    if (s->target.count > 0)
        set_target(d, &s->target, 0);
    if (past->front >= 0 && dream_set_front(d->p.dream, past->front))
        d->front = past->front;
}

/* The same calls in the same order as they were when this picture was made. */
static void make_again(struct dreamer *d, const struct dreamer_cue *cue, struct keyframe *slot)
{
    const struct keyframe_making *m = &cue->made;
    struct cost c = {.began_us = clock_real_us()};
    if (m->rehearsed)
        aim_at_something(d);
    for (int i = 0; i < m->rehearsed && !stop_requested(d->p.stop); i++)
        rehearse_step(d, &c);
    if (m->resumes && cue->past)
        resume_again(d, cue->past);
    else if (cue->target.number > 0)
        obey(d, &cue->target);
    if (m->frames > 0)
        move_by(d, m->frames, m->wished ? d->motion.until_s - 1 : d->motion.until_s);
    d->z_frames = cue->z_frames;
    d->frames = cue->is_frame;
    take_steps(d, m->steps, cue->is_frame ? m->steps : 1, &c);
    if (m->looked)
        look(d);
    d->making = *m;
    publish(d, slot);
    if (cue->keeps)
        snapshots_take(&d->p.snapshots, d->p.dream, d->z_frames, &d->target, true);
}

static void dream_again(struct dreamer *d)
{
    struct dreamer_cue cue;
    struct keyframe *slot;
    keyframes_set_ahead(d->p.keyframes, KEYFRAMES_AHEAD);
    while (!stop_requested(d->p.stop) && d->p.next_cue(d->p.cue_context, &cue) &&
           (slot = keyframes_acquire(d->p.keyframes)))
        make_again(d, &cue, slot);
}

static void *dreamer_main(void *arg)
{
    struct dreamer *d = arg;
    if (d->p.next_cue) {
        dream_again(d); /* nobody waits for frames: it gives way to no one */
        return NULL;
    }
    thread_lower_priority(0); /* a late keyframe is bridged, a late frame is seen */
    dream_lower_priority(d->p.dream);
    struct keyframe *slot = keyframes_acquire(d->p.keyframes);
    if (slot)
        begin(d, slot);
    while (!stop_requested(d->p.stop) && (slot = keyframes_acquire(d->p.keyframes)))
        if (d->frames)
            dream_next_frame(d, slot);
        else
            dream_keyframe(d, slot);
    if (!is_offline(d))
        snapshots_take(&d->p.snapshots, d->p.dream, d->z_frames, &d->target, true);
    return NULL;
}

int dreamer_start(struct dreamer *d, const struct dreamer_params *p)
{
    *d = (struct dreamer){
        .p = *p, .state.share = -1, .front = -1, .retreat_us = (int64_t)(p->retreat_s * 1e6)};
    motion_init(&d->motion, p->zoom_per_frame, p->degrees_per_frame);
    d->moves = (struct motion_frame){p->zoom_per_frame, p->degrees_per_frame, 0, 0};
    return thread_start(&d->thread, "dream", dreamer_main, d);
}

void dreamer_stop(struct dreamer *d)
{
    thread_join(&d->thread);
}
