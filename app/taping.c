/*
 * taping - see taping.h.
 */
#include "app/taping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/version.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "tape/writer.h"

#define S struct tape_config
static const struct option rows[] = {
    OPTION_BOOL(
        S, enabled, "false",
        "Write a tape of the show: all that was decided, and no pixels. `reverie replay` makes the show "
        "again from it, or a larger one. Some megabytes a day."),
    OPTION_STRING(S, dir, "tapes", 0, "Folder for the tapes; made when it is missing."),
};
#undef S
const struct option_section tape_section =
    OPTION_SECTION("tape", struct tape_config, rows, "The dream tape of a live show, for reverie replay.");

/* What shapes the picture. Hardware does not, nor what only live shows have, nor where anything is written. */
static const char *const shaping[] = {"dream", "keyframes", "camera", "caption", NULL};
static const char *const video_shaping[] = {"size", "fps", "flash_guard", NULL};
static const char *const dream_left_out[] = {"threads", "backend", "device",   "tuning",
                                             "process", "resume",  "cpu_tier", NULL};

struct taping {
    struct tape_writer *writer;
    struct stream_witness witness;
    struct tape_signs signs; /* the stream's thread: as they were written last */
    bool draws_belief;
};

/* ---- settings as lines ---- */

static bool is_among(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

static bool shapes(const char *section, const char *option)
{
    if (strcmp(section, "video") == 0)
        return is_among(option, video_shaping);
    return is_among(section, shaping) && !(strcmp(section, "dream") == 0 && is_among(option, dream_left_out));
}

/* One line as --set takes it. */
static size_t print_setting(const struct config_entry *entry, const struct option *o, char *out, size_t room)
{
    char value[OPTION_PRINT_BYTES];
    if (o->type == OPTION_TYPE_STRING)
        text_copy(value, sizeof value, (const char *)entry->module_config + o->offset);
    else
        option_print(o, entry->module_config, value, sizeof value);
    if (text_line_bytes(value, strlen(value)) != strlen(value))
        return 0; /* no line can hold it */
    int n = snprintf(out, room, "%s.%s=%s\n", entry->section->name, o->name, value);
    return n > 0 && (size_t)n < room ? (size_t)n : room;
}

static int print_settings(const struct config *c, char out[TAPE_SETTINGS_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < c->count; i++) {
        const struct option_section *section = c->entries[i].section;
        for (size_t k = 0; k < section->count && used < TAPE_SETTINGS_BYTES; k++) {
            const struct option *o = &section->options[k];
            if (shapes(section->name, o->name) && !(o->flags & OPTION_SECRET))
                used += print_setting(&c->entries[i], o, out + used, TAPE_SETTINGS_BYTES - used);
        }
    }
    return used < TAPE_SETTINGS_BYTES ? 0 : -E2BIG;
}

/* ---- open ---- */

enum { PATH_BYTES = OPTION_STRING_BYTES + 64 };

/* A name by date and time that nobody has yet is left to O_EXCL. */
static void name_tape(const char *dir, char path[PATH_BYTES])
{
    char when[32];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", &local);
    snprintf(path, PATH_BYTES, "%s/%s.tape", dir, when);
}

static int fill_head(struct tape_head *h, const struct taping_params *p, struct error *e)
{
    const struct settings *s = p->settings;
    *h = (struct tape_head){.fingerprint = p->fingerprint,
                            .seed = p->seed,
                            .start = p->resumed ? p->resumed->checksum : 0,
                            .began_s = (int64_t)time(NULL),
                            .fps = stream_config_fps(s->stream)};
    text_copy(h->version, sizeof h->version, REVERIE_VERSION);
    text_clean(h->model, sizeof h->model, p->model->name, strlen(p->model->name));
    return print_settings(&s->config, h->settings) == 0
               ? 0
               : error_set(e, E2BIG,
                           "the settings are too long for a tape: shorten paths, or set tape.enabled to "
                           "false");
}

static int write_start(const char *tape, const struct taping_params *p, struct error *e)
{
    char path[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s.start", tape);
    return p->resumed ? file_write_whole(path, p->resumed, p->resumed->bytes, 0600, e) : 0;
}

/* ---- what the stream does ---- */

static void on_taken(void *context, int64_t frame, const struct keyframe *k)
{
    const struct taping *t = context;
    const struct tape_event event = {
        .kind = TAPE_PICTURE,
        .frame = frame,
        .picture = {.z_frames = k->z_frames, .is_frame = k->is_frame, .made = k->made}};
    tape_writer_put(t->writer, &event);
}

static void on_missed(void *context, int64_t frame, int repeated, int skipped)
{
    const struct taping *t = context;
    const struct tape_event event = {
        .kind = TAPE_GAP, .frame = frame, .gap = {.repeated = repeated, .skipped = skipped}};
    tape_writer_put(t->writer, &event);
}

static void on_withdrawn(void *context, int64_t frame, int64_t request_id)
{
    const struct taping *t = context;
    const struct tape_event event = {.kind = TAPE_WITHDRAWN, .frame = frame, .withdrawn = request_id};
    tape_writer_put(t->writer, &event);
}

int taping_open(struct taping **out, const struct taping_params *p, struct error *e)
{
    const struct tape_config *c = &p->settings->tape;
    char path[PATH_BYTES];
    *out = NULL;
    if (!c->enabled)
        return 0;
    struct tape_head *head = xcalloc(1, sizeof *head);
    struct taping *t = xcalloc(1, sizeof *t);
    t->draws_belief = stream_config_draws_belief(p->settings->stream);
    t->signs.belief = -1;
    t->witness = (struct stream_witness){
        .taken = on_taken, .missed = on_missed, .withdrawn = on_withdrawn, .context = t};
    name_tape(c->dir, path);
    int rc = file_make_folders(c->dir, 0777, e);
    if (rc == 0)
        rc = fill_head(head, p, e);
    if (rc == 0)
        rc = tape_writer_open(&t->writer, path, head, e);
    if (rc == 0 && (rc = write_start(path, p, e)) < 0)
        tape_writer_close(&t->writer, 0);
    free(head);
    if (rc < 0) {
        free(t);
        return rc;
    }
    log_info("tape", "the show is written to %s", path);
    *out = t;
    return 0;
}

void taping_close(struct taping **out, int64_t frames)
{
    if (!*out)
        return;
    tape_writer_close(&(*out)->writer, frames);
    free(*out);
    *out = NULL;
}

const struct stream_witness *taping_witness(const struct taping *t)
{
    return t ? &t->witness : NULL;
}

/* ---- what the programme and the stream say ---- */

void taping_target(struct taping *t, const struct port_target *target, const char *user)
{
    if (!t)
        return;
    const struct tape_event event = {.kind = TAPE_TARGET, .target = *target};
    tape_writer_name(t->writer, target->request_id, user);
    tape_writer_put(t->writer, &event);
}

void taping_name(struct taping *t, int64_t request_id, const char *user)
{
    if (t)
        tape_writer_name(t->writer, request_id, user);
}

void taping_forget(struct taping *t, int64_t request_id)
{
    if (t)
        tape_writer_forget(t->writer, request_id);
}

/* Where each of signs_content's texts stands on a tape: the order is the format's. */
enum { UPPER, LOWER, WON, FIRST_LINE };
_Static_assert(FIRST_LINE + SIGNS_LINES <= TAPE_TEXTS && (int)SIGNS_TEXT_BYTES <= (int)TAPE_TEXT_BYTES,
               "all signs have their place");

#define MIDDLE 0.5 /* where a front is that nobody has moved */

static void write_signs(const struct signs_content *c, double front, struct tape_signs *s)
{
    double camera = front < 0 ? MIDDLE : front;
    memset(s, 0, sizeof *s);
    s->mark = c->front < 0 ? TAPE_FRONT_NONE : c->front == camera ? TAPE_FRONT_CAMERA : TAPE_FRONT_OWN;
    s->front = s->mark == TAPE_FRONT_OWN ? c->front : 0;
    s->belief = c->has_belief ? c->belief : -1;
    text_copy(s->texts[UPPER], TAPE_TEXT_BYTES, c->upper);
    text_copy(s->texts[LOWER], TAPE_TEXT_BYTES, c->lower);
    text_copy(s->texts[WON], TAPE_TEXT_BYTES, c->won);
    for (int i = 0; i < SIGNS_LINES; i++)
        text_copy(s->texts[FIRST_LINE + i], TAPE_TEXT_BYTES, c->lines[i]);
}

void taping_signs(struct taping *t, int64_t frame, double front, const struct signs_content *c)
{
    struct tape_event event = {.kind = TAPE_SIGNS, .frame = frame};
    if (!t)
        return;
    write_signs(c, front, &event.signs);
    if (!t->draws_belief) {
        event.signs.belief = -1;
        event.signs.texts[FIRST_LINE + SIGNS_BELIEF][0] = '\0';
    }
    if (event.signs.mark == t->signs.mark && event.signs.front == t->signs.front &&
        event.signs.belief == t->signs.belief &&
        memcmp(event.signs.texts, t->signs.texts, sizeof t->signs.texts) == 0)
        return;
    t->signs = event.signs;
    tape_writer_put(t->writer, &event);
}

void taping_read_signs(const struct tape_signs *s, double front, struct signs_content *c)
{
    double camera = front < 0 ? MIDDLE : front;
    *c = (struct signs_content){.front = s->mark == TAPE_FRONT_NONE     ? -1
                                         : s->mark == TAPE_FRONT_CAMERA ? camera
                                                                        : s->front,
                                .has_belief = s->belief >= 0,
                                .belief = s->belief >= 0 ? s->belief : 0};
    text_copy(c->upper, sizeof c->upper, s->texts[UPPER]);
    text_copy(c->lower, sizeof c->lower, s->texts[LOWER]);
    text_copy(c->won, sizeof c->won, s->texts[WON]);
    for (int i = 0; i < SIGNS_LINES; i++)
        text_copy(c->lines[i], sizeof c->lines[i], s->texts[FIRST_LINE + i]);
}
