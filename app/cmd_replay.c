/*
 * cmd_replay - `reverie replay TAPE`: the show of a tape once more, as fast as it goes.
 *
 * As it was, byte for byte before the encoder, on the same kind of processor; or dreamed anew: larger, at another rate, with
 * more steps. Anew it is made in parts, each a recording of its own, and what was finished is never made again. Settings
 * come from the file, over it what the tape says about the picture, over that --set.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/dreaming.h"
#include "app/replay_state.h"
#include "app/signals.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "dreamer/keeper.h"
#include "stream/camera.h"

enum { PATH_BYTES = 4096, TELL_US = 60000000, REDRAW_US = 1000000 };

struct options {
    const char *config_path, *steps;
    struct arg_list sets;
    struct option_size size; /* 0x0: the tape's */
    int64_t fps;             /* 0: the tape's */
    double from_s, to_s;     /* to_s 0: to the end */
    double part_s;
};

#define S struct options
static const struct arg arguments[] = {
    ARG_TEXT('c', "config", "FILE", S, config_path, "settings from a YAML file: outputs, bitrate, hardware"),
    ARG_LIST(0, "set", "KEY=VALUE", S, sets, "one setting, over the tape's and the file's; may be repeated"),
    ARG(0, "size", "WxH",
        OPTION_SIZE(S, size, NULL, 64, 7680, "the video's size, and the dream's by as much: dreamed anew")),
    ARG(0, "fps", "N", OPTION_INT(S, fps, NULL, 1, 250, NULL, "frames per second: dreamed anew")),
    ARG_TEXT(0, "steps", "xN", S, steps, "N times as many steps in each picture, as in x3: dreamed anew"),
    ARG(0, "from", "TIME",
        OPTION_SPAN(S, from_s, NULL, 0, 1e9,
                    "begin there, as in 1:02:03; what lies before is dreamed, not recorded")),
    ARG(0, "to", "TIME", OPTION_SPAN(S, to_s, NULL, 0.04, 1e9, "end there")),
    ARG(0, "part", "TIME",
        OPTION_SPAN(
            S, part_s, "10m", 1, 1e9,
            "dreamed anew it is made in parts of so much show; killed, it goes on with the part that it was at")),
};
#undef S

struct job {
    struct options o;
    const char *path;
    int64_t steps; /* times as many */
    bool is_anew;
    int fps;
    int64_t from, to; /* frames of the new video */
    struct settings settings;
    struct stop stop;
    struct tape_reader *tape;
    struct snapshot *start; /* of the show before; NULL: none */
    char state_path[PATH_BYTES];
    uint64_t identity;
    /* Progress. */
    int64_t began_us, drawn_us, part_from, part_to, first;
    bool is_terminal;
};

/* ---- settings ---- */

static int set_line(struct job *job, const char *line, struct error *e)
{
    int rc = config_set(&job->settings.config, line, e);
    return rc < 0 ? error_prefix(e, rc, "%s: a setting of the tape", job->path) : 0;
}

/* What the tape says about the picture. */
static int set_all(struct job *job, struct error *e)
{
    char *copy = xstrdup(tape_reader_head(job->tape)->settings), *rest = copy, *line;
    int rc = 0;
    while (rc == 0 && (line = strsep(&rest, "\n")))
        rc = line[0] ? set_line(job, line, e) : 0;
    free(copy);
    return rc;
}

static int even(double v)
{
    return (int)(v / 2 + 0.5) * 2;
}

static int set_format(struct job *job, const char *key, const char *value, struct error *e)
{
    char line[128];
    snprintf(line, sizeof line, "%s=%s", key, value);
    return config_set(&job->settings.config, line, e);
}

/* The dream grows as the video does. */
static int set_size(struct job *job, struct error *e)
{
    struct option_size video = stream_config_size(job->settings.stream), dream = job->settings.dream.size;
    char text[64];
    double times = (double)job->o.size.width_px / video.width_px;
    snprintf(text, sizeof text, "%dx%d", job->o.size.width_px, job->o.size.height_px);
    int rc = set_format(job, "video.size", text, e);
    double down = (double)job->o.size.height_px / video.height_px;
    snprintf(text, sizeof text, "%dx%d", even(dream.width_px * times), even(dream.height_px * down));
    return rc < 0 ? rc : set_format(job, "dream.size", text, e);
}

static int load_settings(struct job *job, struct error *e)
{
    const struct tape_head *head = tape_reader_head(job->tape);
    const struct arg_list none = {.count = 0};
    char fps[32];
    int rc = settings_load(&job->settings, job->o.config_path, &none, e);
    if (rc == 0)
        rc = set_all(job, e);
    for (int i = 0; i < job->o.sets.count && rc == 0; i++)
        rc = config_set(&job->settings.config, job->o.sets.items[i], e);
    struct option_size had = stream_config_size(job->settings.stream);
    bool grows = job->o.size.width_px > 0 &&
                 (job->o.size.width_px != had.width_px || job->o.size.height_px != had.height_px);
    if (rc == 0 && grows)
        rc = set_size(job, e);
    snprintf(fps, sizeof fps, "%" PRId64, job->o.fps ? job->o.fps : head->fps);
    if (rc == 0)
        rc = set_format(job, "video.fps", fps, e);
    job->fps = stream_config_fps(job->settings.stream);
    job->is_anew = grows || job->fps != head->fps || job->steps > 1;
    return rc;
}

/* ---- how far ---- */

static int check_damage(struct job *job, struct error *e)
{
    const struct tape_summary *s = tape_reader_summary(job->tape);
    double good_s = (double)s->frames / tape_reader_head(job->tape)->fps;
    if (s->frames == 0)
        return error_set(e, EINVAL, "%s: ends before the show begins; there is nothing to replay", job->path);
    if (s->is_damaged && (job->o.to_s == 0 || job->o.to_s > good_s))
        return error_set(e, EINVAL,
                         "%s: is damaged behind byte %" PRId64
                         ", %.1f s into the show: replay what lies before with "
                         "--to %.1f, or take another copy of it",
                         job->path, s->good_bytes, good_s, good_s > 0.1 ? good_s - 0.05 : good_s);
    if (!s->has_end && !s->is_damaged)
        log_warn("replay",
                 "%s ends without an end, as after a crash: the show is replayed up to its last %.1f s",
                 job->path, good_s);
    return 0;
}

static int choose_range(struct job *job, struct error *e)
{
    int64_t frames =
        replay_scale(tape_reader_summary(job->tape)->frames, tape_reader_head(job->tape)->fps, job->fps);
    job->from = (int64_t)(job->o.from_s * job->fps + 0.5);
    job->to = job->o.to_s > 0 ? (int64_t)(job->o.to_s * job->fps + 0.5) : frames;
    job->to = job->to < frames ? job->to : frames;
    if (job->from < job->to)
        return 0;
    return error_set(e, EINVAL, "--from %.1f s: the show on the tape has %.1f s%s", job->o.from_s,
                     (double)frames / job->fps, job->o.to_s > 0 ? ", and --to ends before it" : "");
}

/* The dream of another show, from which this one went on. */
static int read_start(struct job *job, const struct model *model, struct error *e)
{
    const struct tape_head *head = tape_reader_head(job->tape);
    char path[PATH_BYTES];
    if (head->start == 0)
        return 0;
    snprintf(path, sizeof path, "%s.start", job->path);
    if (!job->is_anew)
        job->start = keeper_read(path, &job->settings.dream, model);
    if (job->start && job->start->checksum == head->start)
        return 0;
    if (job->is_anew) {
        log_info("replay", "the show went on from another one's dream; anew it begins with noise");
        return 0;
    }
    return error_set(
        e, ENOENT,
        "%s: the show went on from another one's dream, and that is not there or another: keep it beside the "
        "tape",
        path);
}

static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
    return hash;
}

/* All that decides what is in a part. */
static uint64_t identify(const struct job *job)
{
    const struct tape_head *h = tape_reader_head(job->tape);
    struct option_size video = stream_config_size(job->settings.stream), dream = job->settings.dream.size;
    const int64_t numbers[] = {(int64_t)h->seed,
                               h->began_s,
                               h->fps,
                               tape_reader_summary(job->tape)->good_bytes,
                               job->fps,
                               job->steps,
                               job->from,
                               job->to,
                               video.width_px,
                               video.height_px,
                               dream.width_px,
                               dream.height_px,
                               (int64_t)(job->o.part_s * 1000)};
    uint64_t hash = mix(0xcbf29ce484222325u, numbers, sizeof numbers);
    for (int i = 0; i < job->o.sets.count; i++)
        hash = mix(hash, job->o.sets.items[i], strlen(job->o.sets.items[i]) + 1);
    return mix(hash, h->settings, strlen(h->settings));
}

/* ---- progress ---- */

static const char *print_time(char out[32], double seconds)
{
    int64_t s = (int64_t)seconds;
    snprintf(out, 32, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    return out;
}

static void on_progress(void *context, int64_t frame, bool is_over)
{
    struct job *job = context;
    int64_t now_us = clock_real_us();
    char at[32], all[32], left[32], line[160];
    if (!is_over && now_us - job->drawn_us < (job->is_terminal ? REDRAW_US : TELL_US))
        return;
    job->drawn_us = now_us;
    frame = frame < job->from ? job->from : frame < job->to ? frame : job->to;
    double done = (double)(frame - job->from) / (double)(job->to - job->from);
    double here = (double)(frame - job->first), took_s = (double)(now_us - job->began_us) / 1e6;
    double rest_s = here > 0 ? took_s * (double)(job->to - frame) / here : 0;
    snprintf(line, sizeof line, "%s of %s, %.0f %%, %.2f times as fast as the show, %s left",
             print_time(at, (double)(frame - job->from) / job->fps),
             print_time(all, (double)(job->to - job->from) / job->fps), 100 * done,
             here / job->fps / (took_s > 0.001 ? took_s : 0.001), here > 0 ? print_time(left, rest_s) : "?");
    if (job->is_terminal)
        fprintf(stderr, "\r%-78s%s", line, is_over ? "\n" : "");
    else
        log_info("replay", "%s", line);
}

/* ---- parts ---- */

static int64_t part_frames(const struct job *job)
{
    int64_t frames = (int64_t)(job->o.part_s * job->fps);
    return job->is_anew && frames > 0 ? frames : job->to - job->from;
}

/* One part; *state is the next one's when it is done. */
static int run_part(struct job *job, struct replay_state *state, struct error *e)
{
    int64_t frames = part_frames(job), from = job->from + state->part * frames;
    int64_t to = from + frames < job->to ? from + frames : job->to;
    int tape_fps = tape_reader_head(job->tape)->fps;
    struct dreamer_past past = {state->kept.snapshot, state->kept.motion, state->kept.front};
    struct replay_kept kept;
    if (state->part == 0 && job->start) {
        past = (struct dreamer_past){.snapshot = job->start, .front = -1};
        motion_init(&past.motion, camera_zoom_per_frame(stream_config_camera(job->settings.stream), job->fps),
                    camera_degrees_per_frame(stream_config_camera(job->settings.stream), job->fps));
    }
    int64_t keep_z = to < job->to ? replay_find_start(job->path, replay_scale(to, job->fps, tape_fps)) : -1;
    const struct replay_part part = {.settings = &job->settings,
                                     .stop = &job->stop,
                                     .head = tape_reader_head(job->tape),
                                     .plan = {.path = job->path,
                                              .fps = job->fps,
                                              .steps = (int)job->steps,
                                              .is_anew = job->is_anew,
                                              .from = from,
                                              .to = to,
                                              .keep_z = keep_z,
                                              .start_z = state->start_z,
                                              .start = past.snapshot ? &past : NULL},
                                     .progress = on_progress,
                                     .context = job};
    int rc = replay_part_run(&part, &kept, e);
    if (rc < 0) {
        free(kept.snapshot);
        return rc;
    }
    if (!kept.snapshot || kept.snapshot->bytes == 0)
        keep_z = -1; /* the next begins with the tape: slow, and right */
    free(state->kept.snapshot);
    *state = (struct replay_state){.part = state->part + 1, .start_z = keep_z, .kept = kept};
    return 0;
}

/* How far it was when it was killed; the model is for a look at the snapshot only. */
static int read_state(struct job *job, struct replay_state *state, struct error *e)
{
    struct model *model = NULL;
    if (access(job->state_path, F_OK) < 0)
        return 0;
    int rc = dream_load_model(&model, &job->settings.dream, e);
    if (rc < 0)
        return rc;
    replay_state_read(job->state_path, job->identity, &job->settings.dream, model, state);
    model_close(&model);
    return 0;
}

static int run_parts(struct job *job, struct error *e)
{
    struct replay_state state = {.start_z = -1, .kept.front = -1};
    int rc = 0;
    int64_t count = (job->to - job->from + part_frames(job) - 1) / part_frames(job);
    if (job->is_anew)
        rc = read_state(job, &state, e);
    if (state.part > 0 && state.part < count)
        log_info("replay", "goes on with part %" PRId64 " of %" PRId64, state.part + 1, count);
    job->first = job->from + state.part * part_frames(job);
    for (int64_t i = state.part; i < count && rc == 0; i++) {
        rc = run_part(job, &state, e);
        if (rc == 0 && job->is_anew && state.part < count)
            rc = replay_state_write(job->state_path, job->identity, &state, e);
    }
    free(state.kept.snapshot);
    if (rc == 0 && job->is_anew)
        unlink(job->state_path);
    return rc;
}

/* ---- the command ---- */

/* Beside the tape: whoever may not write there names another place for the tape. */
static int run_job(struct job *job, struct error *e)
{
    int rc = tape_reader_open(&job->tape, job->path, e);
    if (rc == 0)
        rc = load_settings(job, e);
    if (rc == 0)
        rc = check_damage(job, e);
    if (rc == 0)
        rc = choose_range(job, e);
    struct model *model = NULL;
    if (rc == 0 && tape_reader_head(job->tape)->start != 0 &&
        (rc = dream_load_model(&model, &job->settings.dream, e)) == 0)
        rc = read_start(job, model, e);
    if (model)
        model_close(&model);
    if (rc == 0 && (stop_init(&job->stop) < 0 || signals_catch(&job->stop) < 0))
        rc = error_set(e, errno, "cannot listen to signals: %s", strerror(errno));
    if (rc < 0)
        return rc;
    snprintf(job->state_path, sizeof job->state_path, "%s.replay", job->path);
    job->identity = identify(job);
    job->is_terminal = isatty(STDERR_FILENO);
    job->began_us = job->drawn_us = clock_real_us();
    log_info("replay", "%s of %s, %s", job->is_anew ? "the show anew" : "the show as it was", job->path,
             job->is_anew ? "in parts; killed, it goes on with the part that it was at" : "byte for byte");
    return run_parts(job, e);
}

/* "x3", or "3". */
static bool read_steps(const char *text, int64_t *steps)
{
    char *end;
    if (!text) {
        *steps = 1;
        return true;
    }
    *steps = strtoll(text + (text[0] == 'x'), &end, 10);
    return *end == '\0' && *steps >= 1 && *steps <= 100;
}

int cmd_replay(int argc, char **argv)
{
    struct job *job = xcalloc(1, sizeof *job);
    struct error e = {""};
    int first;
    job->stop.fd = -1;
    settings_init(&job->settings);
    const struct args_command command = {
        .name = "replay",
        .operands = "TAPE",
        .text =
            "Makes the show of a tape again and records it, as fast as it goes: as it was, byte for byte, or with\n"
            "--size, --fps or --steps dreamed anew.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = &job->o,
        .config = &job->settings.config};
    int code = args_parse(&command, argc, argv, &first);
    if (code == ARGS_OK && first + 1 != argc)
        code = args_fault(&command, first == argc ? "names no tape" : "takes one tape");
    if (code == ARGS_OK && !read_steps(job->o.steps, &job->steps))
        code = args_fault(&command, "--steps is x1 to x100, not '%.40s'", job->o.steps);
    if (code == ARGS_OK) {
        job->path = argv[first];
        int rc = run_job(job, &e);
        code = rc == 0 ? 0 : rc == -EINTR ? 1 : args_failed("replay", &e);
    }
    signals_release();
    stop_close(&job->stop);
    free(job->start);
    tape_reader_close(&job->tape);
    settings_close(&job->settings);
    free(job);
    return code;
}
