/*
 * replay - see replay.h.
 */
#include "app/replay.h"

#include <stdlib.h>
#include <string.h>

#include "app/taping.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    TARGETS = 64,     /* that a picture may still take */
    GHOSTS = 64,      /* pictures before one frame */
    SETTLE_S = 15,    /* what stands on the picture and the guard are as they were after so long */
    START_S = 20,     /* a part's dream begins so much earlier */
    QUIET_S = 40,     /* it looks for a picture where nothing fades so far back */
    DEATHS_MAX = 256, /* of a dreamer, that are made again */
};

struct replay {
    struct replay_plan p;
    int tape_fps;
    int64_t end;                /* of the tape, in frames of the new video */
    int64_t deaths[DEATHS_MAX]; /* pictures that were gone on from */
    int death_count;

    /* The dream's thread. */
    struct tape_reader *pictures;
    struct port_target targets[TARGETS]; /* by number */
    int64_t z;                           /* of the last picture, on the tape */
    bool has_begun;                      /* behind start_z */
    struct dreamer_past past;            /* of the last picture that was kept; snapshot NULL: none */
    int64_t past_z;

    /* The stream's thread. */
    struct tape_reader *frames;
    struct tape_event next;
    bool has_next, is_seen; /* the pictures of the dream have begun */
    struct tape_signs signs;
    struct keyframe ghosts[GHOSTS];
    float rgb[3 * 2 * 2];
    uint8_t nv12[6];
};

int64_t replay_scale(int64_t frames, int from_fps, int to_fps)
{
    return from_fps == to_fps ? frames : (frames * to_fps + from_fps / 2) / from_fps;
}

static int64_t at(const struct replay *r, int64_t frames)
{
    return replay_scale(frames, r->tape_fps, r->p.fps);
}

/* False: there are no more. A tape that changes under our hands ends where it does. */
static bool read_event(struct tape_reader *reader, struct tape_event *event)
{
    struct error e = {""};
    int rc = tape_reader_next(reader, event, &e);
    if (rc < 0)
        log_error("replay", "%s", e.text);
    return rc == 1;
}

/* ---- the dream's side ---- */

static void remember_target(struct replay *r, const struct port_target *t)
{
    r->targets[t->number % TARGETS] = *t;
}

static const struct port_target *find_target(const struct replay *r, int64_t number)
{
    const struct port_target *t = &r->targets[number % TARGETS];
    return number > 0 && t->number == number ? t : NULL;
}

static bool was_died_at(const struct replay *r, int64_t z)
{
    for (int i = 0; i < r->death_count; i++)
        if (r->deaths[i] == z)
            return true;
    return false;
}

/* A dreamer died there and another went on: so it does again, unless that is not wanted, or cannot be known. */
static void go_on_from(struct replay *r, const struct tape_picture *p, struct dreamer_cue *cue)
{
    bool is_first = p->made.resumed_z < 0;
    cue->past = is_first ? r->p.start : r->past.snapshot && r->past_z == p->made.resumed_z ? &r->past : NULL;
    if (!cue->past && !r->p.is_anew)
        log_warn("replay",
                 "the tape does not know what the dream went on from at %.1f s; from there on the "
                 "replay differs from the show",
                 (double)p->z_frames / r->tape_fps);
}

static void fill_cue(struct replay *r, const struct tape_picture *p, struct dreamer_cue *cue)
{
    const struct port_target *t = find_target(r, p->made.target);
    int64_t z = at(r, p->z_frames), before = at(r, p->z_frames - p->made.frames);
    *cue = (struct dreamer_cue){.z_frames = z, .is_frame = p->is_frame && !r->p.is_anew, .made = p->made};
    cue->made.frames = (int32_t)(z - before);
    cue->made.steps *= r->p.steps;
    if (r->p.is_anew && (p->made.resumed_z >= 0 || !r->p.start))
        cue->made.resumes = 0;
    if (cue->made.resumes)
        go_on_from(r, p, cue);
    if (t && !p->made.resumes)
        cue->target = *t;
    cue->keeps = p->z_frames == r->p.keep_z || (!r->p.is_anew && was_died_at(r, p->z_frames));
    r->z = p->z_frames;
}

/* Its pixels are the snapshot's. */
static void fill_start(struct replay *r, const struct tape_picture *p, struct dreamer_cue *cue)
{
    *cue = (struct dreamer_cue){
        .z_frames = at(r, p->z_frames), .made = {.resumes = 1, .resumed_z = -1}, .past = r->p.start};
    r->has_begun = true;
    r->z = p->z_frames;
}

bool replay_next_picture(void *context, struct dreamer_cue *cue)
{
    struct replay *r = context;
    struct tape_event event;
    while (read_event(r->pictures, &event)) {
        if (event.kind == TAPE_TARGET)
            remember_target(r, &event.target);
        if (event.kind != TAPE_PICTURE)
            continue;
        if (r->has_begun) {
            fill_cue(r, &event.picture, cue);
            return true;
        }
        if (event.picture.z_frames == r->p.start_z) {
            fill_start(r, &event.picture, cue);
            return true;
        }
    }
    return false;
}

void replay_kept(struct replay *r, const struct dreamer_past *past)
{
    r->past = *past;
    r->past_z = r->z;
    motion_init(&r->past.motion, past->motion.zoom, past->motion.degrees); /* as for one that begins */
    r->past.front = -1;
}

/* ---- the stream's side ---- */

static void add_ghost(struct replay *r, const struct tape_picture *p, struct stream_cue *cue)
{
    if (cue->ghost_count == GHOSTS)
        return;
    r->ghosts[cue->ghost_count++] = (struct keyframe){.rgb = r->rgb,
                                                      .nv12 = r->nv12,
                                                      .is_frame = p->is_frame && !r->p.is_anew,
                                                      .width_px = 2,
                                                      .height_px = 2,
                                                      .z_frames = at(r, p->z_frames),
                                                      .front = -1};
    cue->ghosts = r->ghosts;
}

static void take_event(struct replay *r, const struct tape_event *event, struct stream_cue *cue)
{
    if (event->kind == TAPE_SIGNS)
        r->signs = event->signs;
    if (event->kind == TAPE_GAP && !r->p.is_anew) {
        cue->repeated += event->gap.repeated;
        cue->skipped += event->gap.skipped;
    }
    if (event->kind != TAPE_PICTURE)
        return;
    r->is_seen = r->is_seen || event->picture.z_frames == r->p.start_z;
    if (r->is_seen)
        cue->pictures++;
    else
        add_ghost(r, &event->picture, cue);
}

bool replay_next_frame(struct replay *r, int64_t frame, struct stream_cue *cue,
                       void (*withdraw)(void *context, int64_t request_id), void *context)
{
    int64_t now = frame;
    while (r->has_next && at(r, r->next.frame) <= now) {
        take_event(r, &r->next, cue);
        if (r->next.kind == TAPE_WITHDRAWN)
            withdraw(context, r->next.withdrawn);
        now = frame + cue->repeated + cue->skipped;
        r->has_next = read_event(r->frames, &r->next);
    }
    cue->is_left_out = now < r->p.from;
    cue->is_unseen = now < r->p.from - (int64_t)SETTLE_S * r->p.fps || !r->is_seen;
    return now < r->end && now < r->p.to;
}

void replay_signs(const struct replay *r, double front, struct signs_content *c)
{
    taping_read_signs(&r->signs, front, c);
}

/* ---- open ---- */

static void find_deaths(struct replay *r)
{
    struct tape_event event;
    while (read_event(r->pictures, &event)) {
        const struct keyframe_making *m = &event.picture.made;
        if (event.kind == TAPE_PICTURE && m->resumes && m->resumed_z >= 0 && r->death_count < DEATHS_MAX)
            r->deaths[r->death_count++] = m->resumed_z;
    }
    tape_reader_rewind(r->pictures);
}

int replay_open(struct replay **out, const struct replay_plan *plan, struct error *e)
{
    struct replay *r = *out = xcalloc(1, sizeof *r);
    r->p = *plan;
    int rc = tape_reader_open(&r->pictures, plan->path, e);
    if (rc == 0)
        rc = tape_reader_open(&r->frames, plan->path, e);
    if (rc < 0) {
        replay_close(out);
        return rc;
    }
    r->tape_fps = tape_reader_head(r->frames)->fps;
    r->end = at(r, tape_reader_summary(r->frames)->frames);
    r->has_begun = r->is_seen = plan->start_z < 0;
    r->signs.belief = -1;
    find_deaths(r);
    r->has_next = read_event(r->frames, &r->next);
    return 0;
}

void replay_close(struct replay **out)
{
    struct replay *r = *out;
    if (!r)
        return;
    tape_reader_close(&r->pictures);
    tape_reader_close(&r->frames);
    free(r);
    *out = NULL;
}

int64_t replay_find_start(const char *path, int64_t from)
{
    struct tape_reader *reader;
    struct tape_event event;
    struct error e;
    int64_t found = -1, quiet = -1, quiet_from = 0;
    if (tape_reader_open(&reader, path, &e) < 0)
        return -1;
    int64_t fps = tape_reader_head(reader)->fps, last = from - START_S * fps;
    while (read_event(reader, &event) && event.frame <= last) {
        bool fades = event.kind == TAPE_TARGET && !event.target.only_front && !event.target.only_motion;
        if (fades)
            quiet_from = event.frame + (int64_t)((double)event.target.fade_s * (double)fps) + 5 * fps;
        if (event.kind != TAPE_PICTURE)
            continue;
        found = event.picture.z_frames;
        quiet = event.frame >= quiet_from && event.frame >= last - QUIET_S * fps ? found : quiet;
    }
    tape_reader_close(&reader);
    return quiet >= 0 ? quiet : found;
}
