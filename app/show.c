/*
 * show - see show.h.
 */
#include "app/show.h"

#include <math.h>

#include "common/log.h"
#include "common/text.h"

static bool is_offline(const struct show *s)
{
    return s->p.clock->is_virtual;
}

static double show_time_s(const struct show *s)
{
    if (is_offline(s))
        return (double)s->z_frames / s->p.fps;
    return (double)(clock_now_us(s->p.clock) - s->p.start_us) / 1e6;
}

/* Asks the queue whose turn it is and points the dream there. */
static void take_request(struct show *s)
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

static void publish(struct show *s, struct keyframe *slot)
{
    dream_picture(s->p.dream, slot->rgb);
    slot->z_frames = s->z_frames;
    slot->request_id = s->request_id;
    text_copy(slot->caption, sizeof slot->caption, s->caption);
    keyframes_publish(s->p.keyframes);

    int64_t now_us = clock_real_us();
    if (s->last_publish_us)
        stats_max(s->p.stats, STAT_KEYFRAME_GAP_MAX_MS, (now_us - s->last_publish_us) / 1000);
    s->last_publish_us = now_us;
    stats_add(s->p.stats, STAT_KEYFRAMES, 1);
}

/* Takes the steps of one keyframe; stops early when the show ends. Returns how many were taken. */
static int take_steps(struct show *s, int steps)
{
    int done = 0;
    while (done < steps && !stop_requested(s->p.stop)) {
        if (dream_step(s->p.dream) < 0) {
            stats_add(s->p.stats, STAT_RESTORES, 1);
            log_warn("dream", "the picture held values that are no numbers; back to the last good one");
        }
        done++;
    }
    return done;
}

static void dream_keyframe(struct show *s, struct keyframe *slot)
{
    int64_t began_us = clock_real_us();
    take_request(s);
    struct governor_plan plan =
        governor_next(&s->p.governor, s->z_frames, keyframes_position(s->p.keyframes));
    dream_warp(s->p.dream, pow(s->p.zoom_per_frame, plan.frames), s->p.degrees_per_frame * plan.frames,
               (double)plan.frames / s->p.fps);

    int64_t steps_began_us = clock_real_us();
    int done = take_steps(s, plan.steps);
    int64_t steps_us = clock_real_us() - steps_began_us;

    int64_t steps_ended_us = clock_real_us();
    s->z_frames += plan.frames;
    publish(s, slot);
    log_debug("dream", "keyframe: %d frames on, %d steps in %.0f ms, before %.0f ms, after %.0f ms",
              plan.frames, done, (double)steps_us / 1e3, (double)(steps_began_us - began_us) / 1e3,
              (double)(clock_real_us() - steps_ended_us) / 1e3);
    governor_measure(&s->p.governor, done, (double)steps_us, (double)(clock_real_us() - began_us - steps_us));
    stats_add(s->p.stats, STAT_STEPS, done);
    stats_add(s->p.stats, STAT_STEP_US, steps_us);
}

static void *show_main(void *arg)
{
    struct show *s = arg;
    thread_lower_priority(0); /* a late keyframe is bridged, a late frame is seen */
    dream_lower_priority(s->p.dream);
    struct keyframe *slot = keyframes_acquire(s->p.keyframes);
    if (slot)
        publish(s, slot); /* the start picture: something to see at once */
    while (!stop_requested(s->p.stop) && (slot = keyframes_acquire(s->p.keyframes)))
        dream_keyframe(s, slot);
    return NULL;
}

int show_start(struct show *s, const struct show_params *p)
{
    *s = (struct show){.p = *p};
    return thread_start(&s->thread, "dream", show_main, s);
}

void show_stop(struct show *s)
{
    thread_join(&s->thread);
}
