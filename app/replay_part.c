/*
 * replay_part - see replay_part.h.
 */
#include "app/replay_part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/dreaming.h"
#include "app/signals.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/camera.h"

enum { LOOK_MS = 1000 };

struct part {
    const struct replay_part *p;
    struct stop stop; /* of this part: the stream requests it at its end */
    struct stats stats;
    struct clock clock;
    struct model *model;
    struct dream *dream;
    struct keyframes *keyframes;
    struct port *port;
    struct replay *replay;
    struct dreamer dreamer;
    struct snapshot *places[SNAPSHOT_PLACES];
    struct stream *stream;
    struct replay_kept *kept;
};

/* ---- the dream ---- */

/* The dream's thread. Whether it was for the next part or for a death of this one, both may use it. */
static void on_snapshot(void *context, int index)
{
    struct part *part = context;
    const struct dreamer_past past = {part->places[index], part->dreamer.motion, part->dreamer.front};
    const struct replay_plan *plan = &part->p->plan;
    replay_kept(part->replay, &past);
    if (plan->keep_z < 0 || part->kept->snapshot)
        return;
    part->kept->snapshot = buffer_alloc(past.snapshot->bytes);
    if (!part->kept->snapshot)
        return;
    memcpy(part->kept->snapshot, past.snapshot, past.snapshot->bytes);
    part->kept->motion = past.motion;
    part->kept->front = past.front;
}

static int open_dream(struct part *part, struct error *e)
{
    const struct settings *s = part->p->settings;
    const struct dream_config *c = &s->dream;
    uint64_t fingerprint;
    int rc = dreaming_open_dream(&part->model, &part->dream, c, part->p->head->seed, &fingerprint, e);
    if (rc == 0 && fingerprint != part->p->head->fingerprint)
        return error_set(e, EINVAL,
                         "the tape was dreamed by another model (%s; here is %s): name it with --set "
                         "dream.model=FILE",
                         part->p->head->model, part->model->name);
    if (rc == 0)
        rc = keyframes_open(&part->keyframes, c->size.width_px, c->size.height_px, !part->p->plan.is_anew);
    for (int i = 0; i < SNAPSHOT_PLACES && rc == 0; i++) {
        part->places[i] = buffer_alloc(snapshot_bytes(c));
        rc = part->places[i] ? 0 : -ENOMEM;
    }
    if (rc == 0)
        rc = port_open(&part->port);
    return rc == -ENOMEM
               ? error_set(e, ENOMEM, "no memory for pictures of %dx%d", c->size.width_px, c->size.height_px)
               : rc;
}

static int start_dream(struct part *part, struct error *e)
{
    const struct settings *s = part->p->settings;
    const struct camera_config *camera = stream_config_camera(s->stream);
    int fps = part->p->plan.fps;
    const struct dreamer_params p = {
        .dream = part->dream,
        .keyframes = part->keyframes,
        .port = part->port,
        .clock = &part->clock,
        .stats = &part->stats,
        .stop = &part->stop,
        .zoom_per_frame = camera_zoom_per_frame(camera, fps),
        .degrees_per_frame = camera_degrees_per_frame(camera, fps),
        .follows = camera->follow && s->dream.profile == DREAM_MODERN,
        .fps = fps,
        .snapshots = {.config = &s->dream,
                      .places = {part->places[0], part->places[1]},
                      .taken = on_snapshot,
                      .context = part},
        .next_cue = replay_next_picture,
        .cue_context = part->replay,
    };
    int rc = dreamer_start(&part->dreamer, &p);
    return rc < 0 ? error_set(e, -rc, "cannot start the dream thread: %s", strerror(-rc)) : 0;
}

/* ---- the stream ---- */

static void withdraw(void *context, int64_t request_id)
{
    struct part *part = context;
    stream_withdraw(part->stream, request_id);
}

static bool next_frame(void *context, int64_t frame, struct stream_cue *cue)
{
    struct part *part = context;
    return replay_next_frame(part->replay, frame, cue, withdraw, part);
}

static void on_signs(void *context, int64_t request_id, const char *caption, double front,
                     struct signs_content *c)
{
    const struct part *part = context;
    (void)request_id;
    (void)caption;
    replay_signs(part->replay, front, c);
}

/* "goldfish  @ann", "goldfish ~": for the file beside the recording. */
static void on_shown(void *context, int64_t request_id, const char *caption, int64_t frame)
{
    const struct part *part = context;
    char text[KEYFRAME_CAPTION_BYTES];
    (void)frame;
    text_copy(text, sizeof text, caption);
    char *by = strstr(text, "  @"), *own = strstr(text, " ~");
    if (by)
        *by = '\0';
    if (own)
        *own = '\0';
    stream_describe(part->stream, request_id, text, by ? by + strlen("  @") : "");
}

static int open_stream(struct part *part, struct error *e)
{
    const struct settings *s = part->p->settings;
    const struct stream_params p = {.config = s->stream,
                                    .keyframes = part->keyframes,
                                    .clock = &part->clock,
                                    .stats = &part->stats,
                                    .stop = &part->stop,
                                    .fps = part->p->plan.fps,
                                    .gpu = (int)s->dream.device,
                                    .on_shown = on_shown,
                                    .on_signs = on_signs,
                                    .context = part,
                                    .next_cue = next_frame};
    return stream_open(&part->stream, &p, e);
}

/* ---- all ---- */

static int open_all(struct part *part, struct error *e)
{
    int rc = stop_init(&part->stop);
    if (rc < 0)
        return error_set(e, -rc, "cannot make an event descriptor: %s", strerror(-rc));
    clock_init_virtual(&part->clock, 0);
    if ((rc = replay_open(&part->replay, &part->p->plan, e)) < 0 || (rc = open_dream(part, e)) < 0 ||
        (rc = start_dream(part, e)) < 0)
        return rc;
    return open_stream(part, e);
}

static void wait_for_end(struct part *part)
{
    bool timed_out;
    while (!stop_requested(&part->stop) && !stop_requested(part->p->stop)) {
        signals_wait(&part->stop, LOOK_MS, &timed_out);
        if (part->p->progress)
            part->p->progress(part->p->context, stream_frame(part->stream), false);
    }
    if (part->p->progress)
        part->p->progress(part->p->context, stream_frame(part->stream), true);
}

static int close_all(struct part *part, struct error *e)
{
    if (part->stop.fd >= 0)
        stop_request(&part->stop);
    if (part->keyframes)
        keyframes_shutdown(part->keyframes);
    if (part->port)
        port_shutdown(part->port);
    int rc = stream_close(&part->stream, e);
    dreamer_stop(&part->dreamer);
    replay_close(&part->replay);
    port_close(&part->port);
    keyframes_close(&part->keyframes);
    dream_close(&part->dream);
    model_close(&part->model);
    for (int i = 0; i < SNAPSHOT_PLACES; i++)
        free(part->places[i]);
    stop_close(&part->stop);
    return rc;
}

int replay_part_run(const struct replay_part *p, struct replay_kept *kept, struct error *e)
{
    struct part *part = xcalloc(1, sizeof *part);
    struct error closing = {""};
    *kept = (struct replay_kept){.front = -1};
    part->p = p;
    part->kept = kept;
    part->stop.fd = -1;
    int rc = open_all(part, e);
    if (rc == 0)
        wait_for_end(part);
    int closed = close_all(part, &closing);
    free(part);
    if (rc == 0 && closed < 0) {
        rc = closed;
        *e = closing;
    }
    if (rc == 0 && stop_requested(p->stop))
        rc = -EINTR;
    return rc;
}
