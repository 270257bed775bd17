/*
 * stream - see stream.h. One thread renders, draws and encodes every frame; time enters it through the pacer
 * only, and it waits for nothing else in a live show: not for the dream, not for a sink.
 */
#include "stream/stream.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/pacer.h"
#include "common/text.h"
#include "stream/av_log.h"
#include "stream/bitrate.h"
#include "stream/flash_guard.h"
#include "stream/lateness.h"
#include "stream/outputs.h"
#include "stream/picture_digest.h"
#include "stream/stream_options.h"
#include "stream/withdrawn.h"

enum {
    FIRST_KEYFRAME_US = 500000, /* a live show waits so long for its first picture, then begins without */
    FLASH_TELL_S = 60,          /* between two warnings of flashes */
    FINISH_US = 1000000,        /* for what an encoder still holds when a live show ends */
    POLL_US = 100000,           /* between looks at the stop flag while an offline one waits */
    FAILURES_MAX = 5,           /* frames in a row that fail before the encoder is replaced */
};

struct stream {
    struct stream_params p; /* immutable after open, as are the next four */
    struct video_config video;
    int fps;
    bool offline;
    struct outputs *outputs;
    struct thread thread;

    atomic_bool ending;
    _Atomic float belief;   /* 0..1 */
    _Atomic int64_t frames; /* encoded so far */
    struct withdrawn withdrawn;

    /* Stream thread only, after open. */
    struct encoder *encoder;
    int64_t encoder_zero;          /* the frame that was its first */
    struct picture_digest *digest; /* NULL: nobody wants one */
    bool is_left_out;              /* this frame is not encoded */
    struct camera *camera;
    struct overlay *overlay;
    struct flash_guard *flash_guard; /* NULL: it is off */
    int64_t flash_told;              /* the frame at which a warning was written last; 0: none was */
    struct pacer pacer;
    struct lateness lateness;
    struct bitrate bitrate;
    bool half_rate;                       /* every second frame is left out */
    int keyframes;                        /* taken, at most 2: enough to know whether the camera blends */
    bool late;                            /* the camera wants a keyframe that is not there */
    int64_t request_id;                   /* that the picture answers now; 0: none */
    char caption[KEYFRAME_CAPTION_BYTES]; /* the dream's, of the last picture */
    int failures;                         /* frames in a row that could not be encoded */
    int rc;                               /* why it ended early */
    struct error error;                   /* the same in words */
};

/* ---- encoder and outputs ---- */

static int open_outputs(struct stream *s, struct error *e)
{
    struct encoder_params p = {
        .video = &s->video,
        .audio = &s->p.config->audio,
        .fps = s->fps,
        .gpu = s->p.gpu,
        .reproducible = s->offline,
        .filler = outputs_want_constant_rate(s->outputs),
    };
    int rc = encoder_open(&s->encoder, &p, e);
    s->encoder_zero = atomic_load(&s->frames);
    return rc < 0 ? rc : outputs_open(s->outputs, encoder_tracks(s->encoder), e);
}

static void close_outputs(struct stream *s)
{
    outputs_close(s->outputs);
    encoder_close(&s->encoder);
}

static void to_outputs(void *context, const AVPacket *packet)
{
    struct stream *s = context;
    outputs_put(s->outputs, packet);
}

/* A live show ends soon, whatever an overloaded encoder still has to do. */
static void finish_encoder(struct stream *s)
{
    encoder_finish(s->encoder, s->offline ? INT64_MAX : clock_real_us() + FINISH_US, to_outputs, s);
}

/* By what s->video says now, in new files and connections. */
static int replace_encoder(struct stream *s)
{
    finish_encoder(s);
    close_outputs(s);
    s->failures = 0;
    int rc = open_outputs(s, &s->error);
    if (rc == 0 && s->bitrate.kbps < s->bitrate.nominal_kbps)
        encoder_set_bitrate(s->encoder, s->bitrate.kbps);
    return rc;
}

/* A graphics card may vanish in the middle of a show: begin again on the processor. */
static void leave_card(struct stream *s)
{
    log_warn("stream", "the encoder fails; going on with libx264 and new files");
    s->video.encoder = VIDEO_ENCODER_LIBX264;
    s->rc = replace_encoder(s);
}

/* ---- a thin line ---- */

static void watch_lines(struct stream *s)
{
    int64_t before = s->bitrate.kbps;
    int64_t kbps = bitrate_look(&s->bitrate, outputs_lag_us(s->outputs), clock_real_us());
    if (kbps == before)
        return;
    encoder_set_bitrate(s->encoder, kbps);
    stats_set(s->p.stats, STAT_BITRATE_KBPS, kbps);
    if (before == s->bitrate.nominal_kbps)
        log_warn("stream", "the line is too thin for %lld kbit/s: going on with %lld", (long long)before,
                 (long long)kbps);
    else if (kbps == s->bitrate.nominal_kbps)
        log_info("stream", "the line carries %lld kbit/s again", (long long)kbps);
}

/* ---- too late ---- */

static void tell_overload(const struct stream *s)
{
    log_warn(
        "stream",
        "this machine is too slow for %dx%d at %d frames/s%s%s: %.0f %% of the frames are left out. Choose a "
        "faster video.preset, or a smaller video.fps or video.size",
        s->video.size.width_px, s->video.size.height_px, s->fps,
        encoder_preset(s->encoder, &s->video)[0] ? " with preset " : "",
        encoder_preset(s->encoder, &s->video), 100 * s->lateness.share);
}

static void climb_ladder(struct stream *s)
{
    if (s->video.adapt && encoder_faster(s->encoder, &s->video)) {
        log_warn("stream", "still too slow: going on with preset %s, in new files and connections",
                 encoder_preset(s->encoder, &s->video));
        s->rc = replace_encoder(s);
    } else if (s->video.half_rate && !s->half_rate) {
        log_warn("stream", "still too slow: every second frame only from now on");
        s->half_rate = true;
    }
}

static void watch_lateness(struct stream *s)
{
    switch (lateness_watch(&s->lateness, clock_real_us())) {
    case LATENESS_OVERLOADED:
        tell_overload(s);
        break;
    case LATENESS_PERSISTS:
        climb_ladder(s);
        break;
    case LATENESS_RELIEVED:
        log_info("stream", "every frame is in time again");
        break;
    case LATENESS_NOTHING:
        break;
    }
}

/* ---- one frame ---- */

static bool finished(const struct stream *s)
{
    int64_t frames = atomic_load(&s->frames);
    return s->rc < 0 || atomic_load(&s->ending) || stop_requested(s->p.stop) ||
           (s->p.duration_frames > 0 && frames >= s->p.duration_frames);
}

/* Offline: waits until there is one, the show ends, or the dream has shut down. */
static const struct keyframe *next_keyframe(struct stream *s)
{
    const struct keyframe *k = keyframes_next(s->p.keyframes, 0);
    while (!k && s->offline && !finished(s)) {
        int64_t began_us = clock_real_us();
        k = keyframes_next(s->p.keyframes, POLL_US);
        if (!k && clock_real_us() - began_us < POLL_US / 2)
            break;
    }
    return k;
}

static void push_keyframe(struct stream *s, const struct keyframe *k)
{
    if (s->p.witness)
        s->p.witness->taken(s->p.witness->context, atomic_load(&s->frames), k);
    if (camera_push(s->camera, k) < 0)
        log_warn("stream", "no memory for a %dx%d picture; keeping the last one", k->width_px, k->height_px);
    else if (s->keyframes < 2)
        s->keyframes++;
}

static void take_keyframes(struct stream *s)
{
    const struct keyframe *k = NULL;
    /* Before as well as after taking one: the dream begins its next one at the very moment that this
     * one is taken. */
    keyframes_set_position(s->p.keyframes, camera_horizon(s->camera));
    while (camera_wants_keyframe(s->camera) && (k = next_keyframe(s)))
        push_keyframe(s, k);
    bool late = camera_wants_keyframe(s->camera) && s->keyframes == 2;
    if (late && !s->late)
        stats_add(s->p.stats, STAT_KEYFRAMES_LATE, 1);
    s->late = late;
    if (camera_bridges(s->camera))
        stats_add(s->p.stats, STAT_FRAMES_BRIDGED, 1);
    keyframes_set_position(s->p.keyframes, camera_horizon(s->camera));
}

/* The first picture comes within milliseconds: worth a moment's wait, even in a live show. */
static void take_first_keyframe(struct stream *s)
{
    const struct keyframe *k =
        s->offline ? next_keyframe(s) : keyframes_next(s->p.keyframes, FIRST_KEYFRAME_US);
    if (k)
        push_keyframe(s, k);
}

/* Before the first keyframe: a dark grey that breathes, so that a viewer sees that the show is alive. */
static void draw_waiting(const struct stream *s, const struct frame *f)
{
    double seconds = (double)atomic_load(&s->frames) / s->fps;
    int grey = 36 + (int)lround(12 * sin(seconds * 2));
    frame_fill_grey(f, grey);
}

/* From this frame on; what the sinks keep loses its name, too. */
static void learn_withdrawn(struct stream *s)
{
    int64_t ids[WITHDRAWN_MAX];
    int count = withdrawn_learn(&s->withdrawn, ids);
    for (int i = 0; i < count && s->p.witness; i++)
        s->p.witness->withdrawn(s->p.witness->context, atomic_load(&s->frames), ids[i]);
    for (int i = 0; i < count; i++)
        stream_describe(s, ids[i], NULL, "");
}

static void draw_caption(struct stream *s, const struct frame *f)
{
    const char *caption = camera_caption(s->camera);
    if (withdrawn_is(&s->withdrawn, camera_request_id(s->camera)))
        overlay_withdraw(s->overlay);
    else
        overlay_set_text(s->overlay, caption, strlen(caption));
    overlay_draw(s->overlay, f);
    struct signs_content signs = {.front = -1};
    if (!s->p.on_signs || s->keyframes == 0)
        return;
    s->p.on_signs(s->p.context, camera_request_id(s->camera), caption, camera_front(s->camera), &signs);
    overlay_draw_signs(s->overlay, &signs, f);
}

void stream_describe(struct stream *s, int64_t request_id, const char *text, const char *by)
{
    outputs_shown(s->outputs, request_id, text, by, atomic_load(&s->frames) - s->encoder_zero);
}

/* Two dreams in a row with one id are told apart by their captions. */
static void tell_shown(struct stream *s)
{
    int64_t request_id = camera_request_id(s->camera);
    const char *caption = camera_caption(s->camera);
    if (request_id == s->request_id && strcmp(caption, s->caption) == 0)
        return;
    s->request_id = request_id;
    text_copy(s->caption, sizeof s->caption, caption);
    if (s->p.on_shown && (request_id != 0 || caption[0]))
        s->p.on_shown(s->p.context, request_id, caption, atomic_load(&s->frames));
}

/* The last hand on the frame. */
static void guard_flashes(struct stream *s, const struct frame *f)
{
    if (!s->flash_guard || flash_guard_pass(s->flash_guard, f) == 0)
        return;
    int64_t frame = atomic_load(&s->frames);
    stats_add(s->p.stats, STAT_FLASH_FRAMES, 1);
    if (s->flash_told == 0 || frame - s->flash_told > (int64_t)FLASH_TELL_S * s->fps) {
        log_warn("stream",
                 "the picture flashes more than three times in a second; the flash guard holds it back");
        s->flash_told = frame + 1;
    }
}

int64_t stream_frame(const struct stream *s)
{
    return atomic_load(&s->frames);
}

void stream_set_belief(struct stream *s, double belief)
{
    atomic_store(&s->belief, (float)belief);
}

static void tell_sound(struct stream *s)
{
    const struct synth_mood mood = {
        .subject = s->caption[0] ? text_hash(s->caption) : 0,
        .belief = s->offline ? -1 : (double)atomic_load(&s->belief),
        .octaves_per_s = s->fps * log2(camera_zoom_per_frame(&s->p.config->camera, s->fps)),
    };
    encoder_set_mood(s->encoder, &mood);
}

static void render(struct stream *s)
{
    struct frame f;
    int64_t began_us = clock_real_us();
    if (!encoder_picture(s->encoder, &f))
        return; /* no memory now: the last picture is shown again */
    if (s->keyframes == 0)
        draw_waiting(s, &f);
    else
        camera_render(s->camera, &f);
    if (s->p.on_dreamed && s->keyframes > 0)
        s->p.on_dreamed(s->p.context, &f);
    learn_withdrawn(s);
    draw_caption(s, &f);
    guard_flashes(s, &f);
    if (!s->is_left_out)
        picture_digest_add(s->digest, &f, atomic_load(&s->frames));
    if (s->p.on_picture)
        s->p.on_picture(s->p.context, &f);
    stats_add(s->p.stats, STAT_RENDER_US, clock_real_us() - began_us);

    tell_shown(s);
    tell_sound(s);
}

static void encode(struct stream *s)
{
    int64_t began_us = clock_real_us();
    int rc = encoder_push(s->encoder, to_outputs, s);
    camera_set_nudge(s->camera, encoder_beat(s->encoder));
    stats_add(s->p.stats, STAT_ENCODE_US, clock_real_us() - began_us);
    stats_add(s->p.stats, STAT_FRAMES, 1);
    atomic_fetch_add(&s->frames, 1);
    s->failures = rc < 0 ? s->failures + 1 : 0;
    if (s->failures >= FAILURES_MAX)
        leave_card(s);
}

static void tell_missed(struct stream *s, int64_t frame, int repeated, int skipped)
{
    if (s->p.witness && repeated + skipped > 0)
        s->p.witness->missed(s->p.witness->context, frame, repeated, skipped);
}

/* Places in time that stay empty. */
static void skip(struct stream *s, int frames)
{
    encoder_skip(s->encoder, frames);
    for (int i = 0; i < frames; i++)
        camera_advance(s->camera);
    atomic_fetch_add(&s->frames, frames);
    stats_add(s->p.stats, STAT_FRAMES_SKIPPED, frames);
}

/* Fills the places of frames that were missed: with the last picture while that helps, the others stay empty. */
static void make_good(struct stream *s, int missed)
{
    int64_t began_us = clock_real_us(), before_us = began_us, now_us, frame = atomic_load(&s->frames);
    int left = missed;
    while (left > 0 && !finished(s) &&
           lateness_repeat(&s->lateness, left, missed - left, before_us - began_us)) {
        encode(s);
        camera_advance(s->camera);
        stats_add(s->p.stats, STAT_FRAMES_REPEATED, 1);
        left--;
        now_us = clock_real_us();
        lateness_cost(&s->lateness, now_us - before_us);
        before_us = now_us;
    }
    int skipped = left > 0 && !finished(s) ? left : 0;
    tell_missed(s, frame, missed - left, skipped);
    if (skipped > 0)
        skip(s, skipped);
}

static void skip_half(struct stream *s)
{
    int frames = pacer_wait(&s->pacer);
    tell_missed(s, atomic_load(&s->frames), 0, frames);
    skip(s, frames);
}

/* Waits for the next frame's time, and deals with those that are missed by then. */
static void keep_time(struct stream *s)
{
    int missed = pacer_wait(&s->pacer) - 1;
    stats_set(s->p.stats, STAT_STANDSTILL_US, s->pacer.skipped_us);
    if (s->p.duration_frames > 0 && missed > s->p.duration_frames - atomic_load(&s->frames))
        missed = (int)(s->p.duration_frames - atomic_load(&s->frames));
    make_good(s, missed);
    if (s->half_rate && missed == 0 && atomic_load(&s->frames) % 2)
        skip_half(s);
    if (!s->offline) {
        outputs_tend(s->outputs);
        watch_lateness(s);
        watch_lines(s);
    }
}

/* ---- again, by cues ---- */

static void pass(struct stream *s, int frames)
{
    for (int i = 0; i < frames; i++)
        camera_advance(s->camera);
    s->encoder_zero += frames;
    atomic_fetch_add(&s->frames, frames);
}

static void miss_again(struct stream *s, const struct stream_cue *c)
{
    for (int i = 0; i < c->repeated && !c->is_left_out && !finished(s); i++) {
        encode(s);
        camera_advance(s->camera);
    }
    if (c->is_left_out)
        pass(s, c->repeated + c->skipped);
    else
        skip(s, c->skipped);
}

static void frame_again(struct stream *s, const struct stream_cue *c)
{
    const struct keyframe *k;
    miss_again(s, c);
    for (int i = 0; i < c->ghost_count; i++)
        push_keyframe(s, &c->ghosts[i]);
    for (int i = 0; i < c->pictures && (k = next_keyframe(s)); i++)
        push_keyframe(s, k);
    if (finished(s))
        return;
    s->is_left_out = c->is_left_out;
    if (!c->is_unseen)
        render(s);
    if (c->is_left_out) {
        pass(s, 1);
    } else {
        encode(s);
        camera_advance(s->camera);
    }
}

static void make_again(struct stream *s)
{
    struct stream_cue c = {0};
    while (!finished(s) && s->p.next_cue(s->p.context, atomic_load(&s->frames), &c)) {
        pacer_wait(&s->pacer);
        frame_again(s, &c);
        c = (struct stream_cue){0};
    }
}

static void *stream_main(void *arg)
{
    struct stream *s = arg;
    if (!s->p.next_cue)
        take_first_keyframe(s);
    pacer_start(&s->pacer, s->p.clock, s->fps);
    lateness_init(&s->lateness, s->fps);
    bitrate_init(&s->bitrate, s->video.bitrate_kbps,
                 s->video.bitrate_floor_kbps ? s->video.bitrate_floor_kbps : s->video.bitrate_kbps);
    stats_set(s->p.stats, STAT_BITRATE_KBPS, s->bitrate.kbps);
    if (s->p.next_cue)
        make_again(s);
    while (!s->p.next_cue && !finished(s)) {
        keep_time(s);
        if (finished(s))
            break;
        take_keyframes(s);
        if (finished(s))
            break;
        int64_t began_us = clock_real_us();
        render(s);
        encode(s);
        lateness_cost(&s->lateness, clock_real_us() - began_us);
        camera_advance(s->camera);
    }
    picture_digest_end(&s->digest);
    if (s->encoder)
        finish_encoder(s);
    stop_request(s->p.stop);
    return NULL;
}

/* ---- open and close ---- */

static void stream_free(struct stream **out)
{
    struct stream *s = *out;
    close_outputs(s);
    outputs_free(&s->outputs);
    overlay_close(&s->overlay);
    flash_guard_close(&s->flash_guard);
    picture_digest_close(&s->digest);
    camera_close(&s->camera);
    free(s);
    *out = NULL;
}

int stream_open(struct stream **out, const struct stream_params *p, struct error *e)
{
    struct stream *s = *out = xcalloc(1, sizeof *s);
    const struct stream_config *c = p->config;
    av_log_install();
    s->p = *p;
    if (!c->caption.enabled)
        s->p.on_signs = NULL; /* nobody would see them */
    s->video = c->video;
    s->fps = p->fps > 0 ? p->fps : (int)c->video.fps;
    s->offline = p->clock->is_virtual;
    s->outputs = outputs_new(c, p->stats, s->offline);

    int width_px = c->video.size.width_px, height_px = c->video.size.height_px;
    const struct camera_params camera = {
        .config = &c->camera, .fps = s->fps, .width_px = width_px, .height_px = height_px};
    int rc = open_outputs(s, e);
    if (rc == 0)
        rc = camera_open(&s->camera, &camera, e);
    if (rc == 0)
        rc = overlay_open(&s->overlay, &c->caption, s->fps, width_px, height_px, e);
    if (rc == 0 && c->video.flash_guard == FLASH_GUARD_ON)
        rc = flash_guard_open(&s->flash_guard, width_px, height_px, s->fps, e);
    if (rc == 0 && stream_config_wants_digest(c))
        rc = picture_digest_open(&s->digest, e);
    if (rc == 0) {
        rc = thread_start(&s->thread, "stream", stream_main, s);
        if (rc < 0)
            error_set(e, -rc, "stream: cannot start a thread: %s", strerror(-rc));
    }
    if (rc < 0)
        stream_free(out);
    return rc;
}

int stream_close(struct stream **out, struct error *e)
{
    struct stream *s = *out;
    if (!s)
        return 0;
    atomic_store(&s->ending, true);
    thread_join(&s->thread);
    int rc = s->rc;
    if (rc < 0 && e)
        *e = s->error;
    stream_free(out);
    return rc;
}

void stream_withdraw(struct stream *s, int64_t request_id)
{
    withdrawn_add(&s->withdrawn, request_id);
}

int stream_switch(struct stream *s, const char *name, bool on)
{
    return outputs_switch(s->outputs, name, on);
}

int stream_clip(struct stream *s)
{
    return outputs_clip(s->outputs);
}

int stream_list_outputs(struct stream *s, struct stream_output *out, int max)
{
    return outputs_list(s->outputs, out, max);
}
