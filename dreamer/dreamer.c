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
    REHEARSALS_US = 1000000, /* on slow hardware there are fewer, and all count from half of this on */
};

static const int64_t RETREAT_MAX_US = INT64_C(3600) * 1000000;

static bool is_offline(const struct dreamer *s)
{
    return s->p.clock->is_virtual;
}

static double show_time_s(const struct dreamer *s)
{
    if (is_offline(s))
        return (double)s->z_frames / s->p.fps;
    return (double)(clock_now_us(s->p.clock) - s->p.start_us) / 1e6;
}

/* Asks the queue whose turn it is and points the dream there. */
static void take_request(struct dreamer *s)
{
    double now_s = show_time_s(s);
    struct request r;
    if (s->p.script)
        script_feed(s->p.script, s->p.chatbot, now_s);
    if (!requests_turn(s->p.requests, now_s, &r))
        return;
    struct dream_target target = {.count = 0};
    for (int i = 0; i < r.count; i++) {
        int c = model_class(s->p.model, synset_table[r.synset[i]].wnid);
        if (c >= 0 && target.count < DREAM_SUBJECTS_MAX)
            target.class_index[target.count++] = c;
    }
    dream_set_target(s->p.dream, &target, s->request_id || s->caption[0] ? s->p.fade_s : 0);
    request_caption(&r, s->caption, sizeof s->caption);
    s->request_id = r.id;
    log_info("dream", "%.1f s: now dreaming %s", now_s, s->caption);
}

static void publish(struct dreamer *s, struct keyframe *slot)
{
    slot->is_frame = s->frames;
    if (s->frames)
        dream_frame(s->p.dream, slot->nv12);
    else
        dream_picture(s->p.dream, slot->rgb);
    slot->z_frames = s->z_frames;
    slot->request_id = s->request_id;
    text_copy(slot->caption, sizeof slot->caption, s->caption);
    stats_add(s->p.stats, STAT_KEYFRAMES, 1); /* first: the one that ends the show is counted, too */
    keyframes_publish(s->p.keyframes);

    int64_t now_us = clock_real_us();
    if (s->last_publish_us)
        stats_max(s->p.stats, STAT_KEYFRAME_GAP_MAX_MS, (now_us - s->last_publish_us) / 1000);
    s->last_publish_us = now_us;
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
static void take_steps(struct dreamer *s, int steps, int batch, struct cost *c)
{
    int64_t began_us = clock_real_us();
    int rc = 0, done = 0;
    for (; done < steps && rc != -EIO && !stop_requested(s->p.stop); done += batch) {
        batch = batch < steps - done ? batch : steps - done;
        rc = dream_steps(s->p.dream, batch);
        if (rc == -EDOM) {
            stats_add(s->p.stats, STAT_RESTORES, 1);
            log_warn("dream", "the picture held values that are no numbers; back to the last good one");
        }
    }
    c->steps = rc == -EIO ? 0 : done;
    c->steps_us = clock_real_us() - began_us;
    stats_add(s->p.stats, STAT_STEPS, c->steps);
    stats_add(s->p.stats, STAT_STEP_US, c->steps_us);
}

static void move_on(struct dreamer *s, int frames)
{
    dream_warp(s->p.dream, pow(s->p.zoom_per_frame, frames), s->p.degrees_per_frame * frames,
               (double)frames / s->p.fps);
    s->z_frames += frames;
}

/* ---- every frame ---- */

static double period_ms(const struct dreamer *s)
{
    return 1e3 / s->p.fps;
}

static void begin_frames(struct dreamer *s)
{
    s->frames = true;
    s->makes_frames = dream_makes_frames(s->p.dream);
    keyframes_set_ahead(s->p.keyframes, FRAMES_AHEAD);
    /* Those that wait, the one that is being dreamed, and the one that is shown. */
    chatbot_set_lag(s->p.chatbot, (double)(FRAMES_AHEAD + 2) / s->p.fps);
    if (is_offline(s))
        log_info("dream", "every frame is dreamed, with %d steps", s->p.frame_governor.steps);
    else
        log_info("dream", "every frame is dreamed, with %d of up to %d steps in %.1f ms",
                 s->p.frame_governor.steps, s->p.frame_governor.steps_max, period_ms(s));
}

static void begin_keyframes(struct dreamer *s)
{
    s->frames = false;
    keyframes_set_ahead(s->p.keyframes, KEYFRAMES_AHEAD);
    chatbot_set_lag(s->p.chatbot, s->p.keyframes_lag_s);
}

/* A frame as the show would make it, of nothing in particular, to learn what it costs. */
static void rehearse_frame(struct dreamer *s, uint8_t *nv12, bool counts)
{
    struct cost c = {.began_us = clock_real_us()};
    dream_warp(s->p.dream, 1, 0, 0);
    take_steps(s, 1, 1, &c);
    dream_frame(s->p.dream, nv12);
    if (counts && c.steps > 0)
        frame_governor_measure(&s->p.frame_governor, c.steps, (double)c.steps_us, rest_us(&c));
}

/* Can every frame be dreamed, and with how many steps? `slot` lends its memory. */
static bool rehearse(struct dreamer *s, struct keyframe *slot)
{
    static const struct dream_target something = {.count = 1, .class_index = {0}};
    struct frame_governor *g = &s->p.frame_governor;
    dream_set_target(s->p.dream, &something, 0); /* without one a step has less to do */
    int64_t began_us = clock_real_us();
    for (int i = 0; i < REHEARSALS && !stop_requested(s->p.stop); i++) {
        int64_t now_us = clock_real_us();
        if (g->measured && now_us - began_us > REHEARSALS_US)
            break;
        rehearse_frame(s, slot->nv12, i >= WARM_UPS || now_us - began_us > REHEARSALS_US / 2);
    }
    bool can = frame_governor_begin(g);
    if (!can && s->p.mode == DREAMER_AUTO)
        log_info("dream", "keyframes: a frame with one step takes %.1f ms here, and %.1f ms are between two",
                 frame_governor_cost_us(g, 1) / 1e3, period_ms(s));
    return can;
}

/* How the show goes on from its first picture. Offline nothing is measured: a render must not depend on the
 * machine. */
static void choose_mode(struct dreamer *s, struct keyframe *slot)
{
    bool frames = s->p.mode == DREAMER_FRAMES;
    bool could = frames || (s->p.mode == DREAMER_AUTO && dream_makes_frames(s->p.dream));
    if (could && !is_offline(s))
        frames = rehearse(s, slot) || frames;
    if (frames)
        begin_frames(s);
    else
        begin_keyframes(s);
}

static void retreat(struct dreamer *s, const char *why)
{
    const struct frame_governor *g = &s->p.frame_governor;
    log_warn("dream",
             "every frame can no longer be dreamed (%s: %.0f ms for one with one step, %.0f ms are between "
             "two); going on with keyframes",
             why, frame_governor_cost_us(g, 1) / 1e3, period_ms(s));
    begin_keyframes(s);
    s->return_us = clock_real_us() + s->retreat_us;
    s->retreat_us = 2 * s->retreat_us < RETREAT_MAX_US ? 2 * s->retreat_us : RETREAT_MAX_US;
}

/* Back to frames when a step has become fast enough for a while. */
static void consider_return(struct dreamer *s)
{
    const struct governor *g = &s->p.governor;
    bool may = s->p.mode == DREAMER_FRAMES || (s->p.mode == DREAMER_AUTO && dream_makes_frames(s->p.dream));
    if (s->return_us == 0 || clock_real_us() < s->return_us || !may)
        return;
    if (g->step_us + g->rest_us > 0.5e6 / s->p.fps)
        return;
    frame_governor_init(&s->p.frame_governor, false, s->p.frame_governor.steps_max, s->p.fps);
    begin_frames(s);
}

static void watch_frames(struct dreamer *s, const struct cost *c)
{
    struct frame_governor *g = &s->p.frame_governor;
    double rest = rest_us(c);
    governor_measure(&s->p.governor, c->steps, (double)c->steps_us, rest);
    if (frame_governor_measure(g, c->steps, (double)c->steps_us, rest))
        log_info("dream", "%d step%s in every frame: %.1f of %.1f ms", g->steps, g->steps > 1 ? "s" : "",
                 frame_governor_cost_us(g, g->steps) / 1e3, period_ms(s));
    if (is_offline(s))
        return;
    if (s->makes_frames && !dream_makes_frames(s->p.dream) && s->p.mode == DREAMER_AUTO)
        retreat(s, "another backend computes");
    else if (frame_governor_is_hopeless(g))
        retreat(s, "it is too slow");
}

static void dream_next_frame(struct dreamer *s, struct keyframe *slot)
{
    struct cost c = {.began_us = clock_real_us()};
    take_request(s);
    /* One that the camera has passed would be late before it is dreamed. */
    int64_t next = is_offline(s) ? 0 : keyframes_position(s->p.keyframes) + 1;
    move_on(s, next > s->z_frames + 1 ? (int)(next - s->z_frames) : 1);
    take_steps(s, s->p.frame_governor.steps, s->p.frame_governor.steps, &c);
    publish(s, slot);
    if (c.steps > 0)
        watch_frames(s, &c);
}

/* ---- keyframes ---- */

static void dream_keyframe(struct dreamer *s, struct keyframe *slot)
{
    struct cost c = {.began_us = clock_real_us()};
    take_request(s);
    struct governor_plan plan =
        governor_next(&s->p.governor, s->z_frames, keyframes_position(s->p.keyframes));
    move_on(s, plan.frames);
    double before_ms = (double)(clock_real_us() - c.began_us) / 1e3;
    take_steps(s, plan.steps, 1, &c);
    publish(s, slot);
    log_debug("dream", "keyframe: %d frames on, %d steps in %.0f ms, before %.0f ms, all else %.0f ms",
              plan.frames, c.steps, (double)c.steps_us / 1e3, before_ms, rest_us(&c) / 1e3);
    governor_measure(&s->p.governor, c.steps, (double)c.steps_us, rest_us(&c));
    consider_return(s);
}

/* The start picture: something to see at once, in a live show before the rehearsal. */
static void begin(struct dreamer *s, struct keyframe *slot)
{
    if (is_offline(s)) {
        choose_mode(s, slot);
        publish(s, slot);
    } else {
        publish(s, slot);
        slot = keyframes_acquire(s->p.keyframes);
        if (slot)
            choose_mode(s, slot);
    }
}

static void *show_main(void *arg)
{
    struct dreamer *s = arg;
    thread_lower_priority(0); /* a late keyframe is bridged, a late frame is seen */
    dream_lower_priority(s->p.dream);
    struct keyframe *slot = keyframes_acquire(s->p.keyframes);
    if (slot)
        begin(s, slot);
    while (!stop_requested(s->p.stop) && (slot = keyframes_acquire(s->p.keyframes)))
        if (s->frames)
            dream_next_frame(s, slot);
        else
            dream_keyframe(s, slot);
    return NULL;
}

int dreamer_start(struct dreamer *s, const struct dreamer_params *p)
{
    *s = (struct dreamer){.p = *p, .retreat_us = (int64_t)(p->retreat_s * 1e6)};
    return thread_start(&s->thread, "dream", show_main, s);
}

void dreamer_stop(struct dreamer *s)
{
    thread_join(&s->thread);
}
