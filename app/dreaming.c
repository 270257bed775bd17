/*
 * dreaming - see dreaming.h.
 */
#include "app/dreaming.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/picture_fit.h"
#include "common/log.h"
#include "common/mem.h"
#include "dreamer/keeper.h"
#include "dreamer/supervisor.h"
#include "engine/model/labels.h"
#include "show/state_folder.h"
#include "stream/camera.h"

enum { RETREAT_S = 60, SNAPSHOT_EVERY_US = 2000000, FIRST_START_S = 120, FULL_TUNING_S = 1800 };

struct dreaming {
    struct dreaming_params p;
    struct model *model;
    uint64_t fingerprint; /* of the model, when it is taped */
    struct keyframes *keyframes;
    enum dreamer_mode mode;
    char path[STATE_PATH_BYTES + 32]; /* of the last show's snapshot; "": there is no folder */
    struct snapshot *resumed;         /* NULL: it begins anew */
    struct keeper *keeper;            /* NULL: not kept */

    struct supervisor *supervisor; /* one of the two */
    struct dream *dream;
    struct dreamer dreamer;
    struct snapshot *places[SNAPSHOT_PLACES]; /* the thread's; a process has shared ones */
};

static char *const child_arguments[] = {"reverie", "dreamer", NULL};

const struct model *dreaming_model(const struct dreaming *d)
{
    return d->model;
}

struct keyframes *dreaming_keyframes(const struct dreaming *d)
{
    return d->keyframes;
}

bool dreaming_goes_on(const struct dreaming *d)
{
    return d->resumed != NULL;
}

const struct snapshot *dreaming_resumed(const struct dreaming *d)
{
    return d->resumed;
}

uint64_t dreaming_fingerprint(const struct dreaming *d)
{
    return d->fingerprint;
}

double dreaming_lag_s(const struct settings *s, bool offline)
{
    const struct keyframes_config *c = &s->keyframes;
    return 1.5 * (double)(offline ? c->offline_ms : c->max_ms) / 1000;
}

/* ---- what both have in common ---- */

/* Frames are handed over as bytes: only where they may be made is there memory for them. `could`: does the hardware make
 * frames, as far as that is known? */
static enum dreamer_mode choose_mode(const struct dreaming *d, bool could)
{
    const struct settings *s = d->p.settings;
    struct option_size dream = s->dream.size, video = stream_config_size(s->stream);
    enum dreamer_mode mode = (enum dreamer_mode)s->keyframes.mode;
    bool same = dream.width_px == video.width_px && dream.height_px == video.height_px;
    if (mode == DREAMER_AUTO && (!same || d->p.offline || !could))
        return DREAMER_KEYFRAMES;
    return mode;
}

static int open_keyframes(struct dreaming *d, struct error *e)
{
    struct option_size size = d->p.settings->dream.size;
    int rc = keyframes_open(&d->keyframes, size.width_px, size.height_px, d->mode != DREAMER_KEYFRAMES);
    return rc < 0 ? error_set(e, -rc, "no memory for keyframes of %dx%d; choose a smaller dream.size",
                              size.width_px, size.height_px)
                  : 0;
}

/* How the dreamer of this show works, wherever it is. */
static void fill_params(const struct dreaming *d, struct dreamer_params *p)
{
    const struct settings *s = d->p.settings;
    int fps = stream_config_fps(s->stream), steps = (int)s->dream.steps;
    const struct camera_config *camera = stream_config_camera(s->stream);
    const struct keyframes_config *k = &s->keyframes;
    *p = (struct dreamer_params){
        .stats = d->p.stats,
        .stop = d->p.stop,
        .keyframes = d->keyframes,
        .mode = d->mode,
        .retreat_s = RETREAT_S,
        .keyframes_lag_s = dreaming_lag_s(s, d->p.offline),
        .zoom_per_frame = camera_zoom_per_frame(camera, fps),
        .degrees_per_frame = camera_degrees_per_frame(camera, fps),
        .follows = camera->follow && s->dream.profile == DREAM_MODERN,
        .fps = fps,
    };
    int64_t least_ms = d->p.offline ? k->offline_ms : k->min_ms,
            most_ms = d->p.offline ? k->offline_ms : k->max_ms;
    governor_init(&p->governor, d->p.offline, steps, fps, (int)(least_ms * fps / 1000),
                  (int)(most_ms * fps / 1000));
    frame_governor_init(&p->frame_governor, d->p.offline, steps, fps);
}

static void keep(void *context, const struct snapshot *s, bool last)
{
    struct dreaming *d = context;
    keeper_offer(d->keeper, s, last);
}

/* Where a show keeps its dream, and what the last one has left there. */
static void find_past(struct dreaming *d)
{
    const struct dream_config *c = &d->p.settings->dream;
    char folder[STATE_PATH_BYTES];
    if (d->p.offline || !state_folder_find(d->p.settings->show.state_dir, folder))
        return;
    snprintf(d->path, sizeof d->path, "%s/dream.snapshot", folder);
    if (c->resume && !d->p.begins_anew)
        d->resumed = keeper_read(d->path, c, d->model);
    if (d->resumed)
        log_info("dream", "the dream goes on where the last show stopped");
}

/* ---- a thread ---- */

int dreaming_open_dream(struct model **model, struct dream **dream, const struct dream_config *c,
                        uint64_t seed, uint64_t *fingerprint, struct error *e)
{
    float *start = NULL; /* [3][h][w] */
    *dream = NULL;
    int rc = dream_load_model(model, c, e);
    if (rc < 0)
        return rc;
    if (fingerprint)
        *fingerprint = model_fingerprint(*model);
    (*model)->serves_once = true;
    if (c->start_image[0])
        rc = picture_fit_file(c->start_image, c->size, &start, e);
    if (rc == 0)
        rc = dream_open(dream, c, *model, seed, start, e);
    free(start);
    if (rc < 0)
        model_close(model);
    else
        log_info("dream", "%dx%d on %s (%s)", c->size.width_px, c->size.height_px, dream_backend_name(*dream),
                 dream_hardware(*dream));
    return rc;
}

static int open_thread(struct dreaming *d, struct error *e)
{
    const struct dream_config *c = &d->p.settings->dream;
    uint64_t *fingerprint = d->p.is_taped ? &d->fingerprint : NULL;
    int rc = dreaming_open_dream(&d->model, &d->dream, c, d->p.seed, fingerprint, e);
    if (rc < 0)
        return rc;
    find_past(d);
    if (d->resumed)
        dream_load(d->dream, &d->resumed->dream, snapshot_planes(d->resumed));
    d->mode = choose_mode(d, dream_makes_frames(d->dream));
    return open_keyframes(d, e);
}

static void on_snapshot(void *context, int place)
{
    struct dreaming *d = context;
    keeper_offer(d->keeper, d->places[place], stop_requested(d->p.stop));
}

static int start_thread(struct dreaming *d, struct dreamer_params *p, struct error *e)
{
    size_t bytes = snapshot_bytes(&d->p.settings->dream);
    p->dream = d->dream;
    p->resumed = d->resumed;
    for (int i = 0; i < SNAPSHOT_PLACES && d->keeper; i++) {
        d->places[i] = buffer_alloc(bytes);
        if (!d->places[i])
            return error_set(e, ENOMEM, "no memory to keep the dream; set show.state_dir to \"\"");
    }
    if (d->keeper)
        p->snapshots = (struct snapshots){.config = &d->p.settings->dream,
                                          .places = {d->places[0], d->places[1]},
                                          .every_us = keeper_every_us(d->keeper),
                                          .taken = on_snapshot,
                                          .context = d};
    int rc = dreamer_start(&d->dreamer, p);
    return rc < 0 ? error_set(e, -rc, "cannot start the dream thread: %s", strerror(-rc)) : 0;
}

/* ---- a process ---- */

static bool wants_process(const struct dreaming_params *p)
{
    const struct dream_config *c = &p->settings->dream;
    if (p->offline || c->process == DREAM_PROCESS_NO)
        return false;
    return c->process == DREAM_PROCESS_YES || c->backend != DREAM_BACKEND_NULL;
}

static void fill_setup(const struct dreaming *d, struct wire_setup *u)
{
    struct dreamer_params p;
    fill_params(d, &p);
    *u = (struct wire_setup){
        .config = d->p.settings->dream,
        .seed = d->p.seed,
        .log_level = d->p.settings->log.level,
        .has_frames = d->mode != DREAMER_KEYFRAMES,
        .mode = p.mode,
        .fps = p.fps,
        .governor = p.governor,
        .frame_governor = p.frame_governor,
        .retreat_s = p.retreat_s,
        .keyframes_lag_s = p.keyframes_lag_s,
        .zoom_per_frame = p.zoom_per_frame,
        .degrees_per_frame = p.degrees_per_frame,
        .follows = p.follows,
        .snapshot_every_us = SNAPSHOT_EVERY_US,
    };
}

static int open_supervisor(struct dreaming *d, struct error *e)
{
    const struct dream_config *c = &d->p.settings->dream;
    bool tunes_fully = c->tuning == DREAM_TUNING_FULL && c->backend != DREAM_BACKEND_CPU;
    struct supervisor_params p = {
        .path = "/proc/self/exe",
        .arguments = child_arguments,
        .model = d->model,
        .keyframes = d->keyframes,
        .stats = d->p.stats,
        .stop = d->p.stop,
        .first_start_s = tunes_fully ? FULL_TUNING_S : FIRST_START_S,
        .resumed = d->resumed,
        .keep = keep,
        .context = d,
    };
    fill_setup(d, &p.setup);
    return supervisor_open(&d->supervisor, &p, e);
}

static int open_process(struct dreaming *d, struct error *e)
{
    const struct dream_config *c = &d->p.settings->dream;
    int rc = dream_load_model(&d->model, c, e);
    if (rc < 0)
        return rc;
    if (d->p.is_taped)
        d->fingerprint = model_fingerprint(d->model);
    model_drop_weights(d->model); /* the process has its own */
    find_past(d);
    d->mode = choose_mode(d, c->backend == DREAM_BACKEND_AUTO || c->backend == DREAM_BACKEND_CUDA);
    if ((rc = open_keyframes(d, e)) < 0)
        return rc;
    return open_supervisor(d, e);
}

/* ---- either ---- */

static int open_either(struct dreaming **out, const struct dreaming_params *p, bool as_process,
                       struct error *e)
{
    struct dreaming *d = *out = xcalloc(1, sizeof *d);
    d->p = *p;
    int rc = as_process ? open_process(d, e) : open_thread(d, e);
    if (rc < 0)
        dreaming_close(out);
    return rc;
}

int dreaming_open(struct dreaming **out, const struct dreaming_params *p, struct error *e)
{
    int rc = open_either(out, p, wants_process(p), e);
    if (rc != -ECHILD || p->settings->dream.process != DREAM_PROCESS_AUTO)
        return rc;
    log_warn("dreamer", "no process of its own for the dream (%s): it is dreamed within the program",
             e->text);
    return open_either(out, p, false, e);
}

int dreaming_start(struct dreaming *d, struct port *port, struct clock *clock, int64_t start_us, bool keeps,
                   struct error *e)
{
    const struct dream_config *c = &d->p.settings->dream;
    struct dreamer_params p;
    if (keeps && d->path[0] && keeper_open(&d->keeper, d->path, c, d->model, e) < 0)
        return -ENOMEM;
    if (d->supervisor) {
        supervisor_begin(d->supervisor, port, start_us);
        return 0;
    }
    fill_params(d, &p);
    p.port = port;
    p.clock = clock;
    p.start_us = start_us;
    return start_thread(d, &p, e);
}

int dreaming_signal(struct dreaming *d, int signal)
{
    return d->supervisor ? supervisor_signal(d->supervisor, signal) : -ESRCH;
}

void dreaming_stop(struct dreaming *d)
{
    if (!d)
        return;
    dreamer_stop(&d->dreamer);
    supervisor_close(&d->supervisor);
    keeper_close(&d->keeper);
}

void dreaming_close(struct dreaming **out)
{
    struct dreaming *d = *out;
    if (!d)
        return;
    supervisor_close(&d->supervisor);
    for (int i = 0; i < SNAPSHOT_PLACES; i++)
        free(d->places[i]);
    free(d->resumed);
    keyframes_close(&d->keyframes);
    dream_close(&d->dream);
    model_close(&d->model);
    free(d);
    *out = NULL;
}
