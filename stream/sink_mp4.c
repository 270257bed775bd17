/*
 * sink_mp4 - records into fragmented MP4 files that play whatever happens.
 *
 * A fragment (moof + mdat) is written in one go every record.fragment_ms, the header with the first: after
 * kill -9 the file plays up to its last whole fragment, and after a power cut up to the last but two seconds
 * (disk_watch.h). So files get their final name at once, when the first fragment is there to be written; a name that
 * exists is never taken (O_EXCL), whatever the wall clock says. Files change over at an IDR, without losing a
 * picture or a sample; one that is closed in good order gets its length written into its header. The oldest go by
 * record.keep_days and record.keep_gb.
 *
 * When the disk is full, the folder gone or the file removed, one warning says what to do and the show goes
 * on; a new file is tried every few seconds.
 */
#include "stream/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "stream/av_log.h"
#include "stream/disk_watch.h"
#include "stream/mp4_file.h"
#include "stream/recordings.h"
#include "stream/sidecar.h"

enum {
    RETRY_US = 3000000,
    LOOK_US = 1000000, /* between looks at the free space and at the file's name */
    TIDY_US = 60000000,
    SETTLED_S = 3, /* of video in a new file, and earlier trouble counts as over */
};

struct record_config {
    bool enabled;
    char dir[OPTION_STRING_BYTES];
    int64_t segment_minutes;
    int64_t min_free_mb;
    int64_t fragment_ms;
    int64_t keep_days;
    double keep_gb;
    bool make_room;
    bool describe;
};

#define S struct record_config
#define RECORD_ROWS                                                                                          \
    OPTION_STRING(S, dir, "recordings", 0, "Folder for the files; made when it is missing."),                \
        OPTION_INT(S, segment_minutes, "30", 1, 1440, "min", "Length of one file."),                         \
        OPTION_INT(S, min_free_mb, "200", 0, 1000000, "MB",                                                  \
                   "Recording pauses when less than this is free on the disk."),                             \
        OPTION_INT(S, fragment_ms, "500", 100, 10000, "ms",                                                  \
                   "What a crash loses at most; files play up to their last fragment."),                     \
        OPTION_INT(S, keep_days, "0", 0, 36500, "days",                                                      \
                   "Recordings in the folder that are older are removed. 0: they are kept. Only files with " \
                   "names like 20260131-120000-000.mp4 ever go."),                                           \
        OPTION_FLOAT(S, keep_gb, "0", 0, 1000000, "GB",                                                      \
                     "When all recordings in the folder are larger together, the oldest are removed. 0: "    \
                     "they are kept."),                                                                      \
        OPTION_BOOL(                                                                                         \
            S, make_room, "false",                                                                           \
            "Where less than min_free_mb is free, remove the oldest recordings instead of pausing."),        \
        OPTION_BOOL(S, describe, "true",                                                                     \
                    "Beside a recording in which somebody's wish is shown, NAME.json and NAME.vtt say what " \
                    "was on from when on, and who asked for it; a recording that has ended has the same "    \
                    "as chapters.")

static const struct option rows[] = {
    OPTION_BOOL(S, enabled, "true", "Record the show into MP4 files."),
    RECORD_ROWS,
};
static const struct option_section section =
    OPTION_SECTION("record", S, rows, "Recordings: crash-safe MP4 files, named by date and time.");

static const struct option kind_rows[] = {
    OPTION_BOOL(S, enabled, "true", OUTPUT_ENABLED_TEXT),
    RECORD_ROWS,
};
static const struct option_section kind = OPTION_SECTION(
    "record", S, kind_rows, "Recordings, as the section record makes them, into a folder of their own.");
#undef S

struct mp4_sink {
    struct mp4_file file;
    unsigned serial; /* number in the next file's name */
    int64_t retry_us, look_us, tidy_us;
    struct disk_watch *watch;
    struct sidecar *sidecar; /* NULL: record.describe is false */
    bool warned;             /* about the present trouble */
};

static void record_folder(const void *config, char out[OPTION_STRING_BYTES])
{
    text_copy(out, OPTION_STRING_BYTES, ((const struct record_config *)config)->dir);
}

static bool record_enabled(const void *config)
{
    return ((const struct record_config *)config)->enabled;
}

/* ---- trouble, and the way out of it ---- */

/* One warning per trouble; the next try comes in a few seconds. */
static void __attribute__((format(printf, 2, 3))) pause_recording(struct sink *s, const char *format, ...)
{
    struct mp4_sink *m = s->priv;
    char why[400];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    log_write(m->warned ? LOG_DEBUG : LOG_WARN, s->name,
              "%s. The show goes on; recording goes on in a new file as soon as that is possible", why);
    m->warned = true;
    m->retry_us = clock_real_us() + RETRY_US;
    sink_tell(s, STATS_SINK_RETRYING);
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
}

enum { REMEDY_BYTES = 128 };

static const char *remedy(const struct option_section *of, int code, char out[REMEDY_BYTES])
{
    if (code == ENOSPC || code == EDQUOT)
        snprintf(out, REMEDY_BYTES, ": make room on the disk, or set %s.dir to another", of->name);
    else if (code == EFBIG)
        snprintf(out, REMEDY_BYTES, ": the size of files is limited here (ulimit -f)");
    else
        snprintf(out, REMEDY_BYTES, ": check %s.dir and who may write there", of->name);
    return out;
}

/* Removes what is too old or too much, as the settings say. */
static void tidy(struct sink *s)
{
    struct mp4_sink *m = s->priv;
    const struct record_config *c = s->config;
    const struct recordings_limits limits = {c->keep_days, c->keep_gb, c->make_room ? c->min_free_mb : 0};
    m->tidy_us = clock_real_us() + TIDY_US;
    if (limits.days > 0 || limits.gb > 0 || limits.free_mb > 0)
        recordings_tidy(c->dir, &limits);
}

static const char *place(const struct mp4_file *f)
{
    return f->path ? f->path : f->dir;
}

static void describe(struct sink *s, bool closed)
{
    const struct mp4_sink *m = s->priv;
    const struct mp4_file *f = &m->file;
    int rc = m->sidecar && f->path
                 ? sidecar_write(m->sidecar, f->path, f->first_frame, f->newest + 1, s->tracks->fps, closed)
                 : 0;
    if (rc < 0)
        log_warn(s->name, "what was shown in %s is not written beside it: %s", f->path, strerror(-rc));
}

/* Names that were withdrawn go from files that are closed, too. */
static void mend(struct sink *s)
{
    const struct mp4_sink *m = s->priv;
    int rc = m->sidecar ? sidecar_mend(m->sidecar) : 0;
    if (rc < 0)
        log_warn(s->name, "a name that was withdrawn is left in an earlier recording or beside it: %s",
                 strerror(-rc));
}

static void end_file(struct sink *s)
{
    struct mp4_sink *m = s->priv;
    struct mp4_file *f = &m->file;
    if (f->open && m->sidecar)
        f->chapters =
            sidecar_chapters(m->sidecar, f->first_frame, f->newest + 1, s->tracks->fps, &f->chapter_count);
    if (f->open)
        describe(s, true);
    mp4_file_close(&m->file, true);
}

static void start_file(struct sink *s, const AVPacket *idr)
{
    struct mp4_sink *m = s->priv;
    const struct record_config *c = s->config;
    char what_to_do[REMEDY_BYTES];
    int rc = file_make_folders(c->dir, 0777, NULL);
    if (rc < 0) {
        pause_recording(s, "cannot record into %s: %s%s", c->dir, strerror(-rc),
                        remedy(s->section, -rc, what_to_do));
        return;
    }
    tidy(s);
    if (recordings_free_mb(c->dir) < c->min_free_mb) {
        pause_recording(s, "only %lld MB are free in %s, %s.min_free_mb asks for %lld: make room",
                        (long long)recordings_free_mb(c->dir), c->dir, s->section->name,
                        (long long)c->min_free_mb);
        return;
    }
    av_log_forget();
    m->file = (struct mp4_file){
        .open = true, .fd = -1, .dir = c->dir, .serial = &m->serial, .watch = m->watch, .tracks = s->tracks};
    rc = mp4_file_begin(&m->file, idr);
    if (rc < 0) {
        pause_recording(s, "cannot write into %s: %s%s", c->dir, av_error_describe(rc).text,
                        remedy(s->section, 0, what_to_do));
        mp4_file_close(&m->file, false);
    }
    m->look_us = clock_real_us() + LOOK_US;
}

/* Once a second: is there room, and does the file still have a name? */
static void look_around(struct sink *s)
{
    struct mp4_sink *m = s->priv;
    const struct record_config *c = s->config;
    struct stat st;
    if (clock_real_us() < m->look_us)
        return;
    mend(s);
    m->look_us = clock_real_us() + LOOK_US;
    if (m->file.fd < 0)
        return;
    if (clock_real_us() > m->tidy_us)
        describe(s, false);
    if (clock_real_us() > m->tidy_us || (c->make_room && recordings_free_mb(c->dir) < c->min_free_mb))
        tidy(s);
    if (fstat(m->file.fd, &st) == 0 && st.st_nlink == 0) {
        pause_recording(s, "%s was removed while it was written", m->file.path);
        m->retry_us = 0;
        mp4_file_close(&m->file, false);
    } else if (recordings_free_mb(c->dir) < c->min_free_mb) {
        pause_recording(s, "less than %s.min_free_mb = %lld MB are free in %s: make room", s->section->name,
                        (long long)c->min_free_mb, c->dir);
        end_file(s);
    }
}

/* Trouble is over when a new file has lived for a while; a full disk often takes a header and then nothing,
 * and one warning about that is enough. */
static void settle(struct sink *s, const AVPacket *packet)
{
    struct mp4_sink *m = s->priv;
    if (!m->warned || packet->stream_index != TRACK_VIDEO ||
        packet->pts - m->file.first_frame < SETTLED_S * s->tracks->fps)
        return;
    log_info(s->name, "recording again, to %s", m->file.path);
    m->warned = false;
}

static void write_packet(struct sink *s, const AVPacket *packet)
{
    struct mp4_sink *m = s->priv;
    struct mp4_file *f = &m->file;
    bool was_there = f->path;
    int rc = mp4_file_write(f, packet, ((const struct record_config *)s->config)->fragment_ms);
    if (rc >= 0 && !was_there && f->path) {
        log_write(m->warned ? LOG_DEBUG : LOG_INFO, s->name, "recording to %s", f->path);
        sink_tell(s, STATS_SINK_OK);
    }
    if (rc >= 0) {
        sink_sent(s, avio_tell(f->io) - f->whole_bytes);
        f->whole_bytes = avio_tell(f->io); /* the muxer keeps a fragment to itself until it is whole */
        settle(s, packet);
        return;
    }
    int code = f->write_errno;
    char what_to_do[REMEDY_BYTES];
    pause_recording(s, "cannot write %s: %s%s", place(f), code ? strerror(code) : av_error_describe(rc).text,
                    remedy(s->section, code, what_to_do));
    mp4_file_close(f, false);
}

/* ---- the driver ---- */

static int check_dir(const struct option_section *of, const struct record_config *c, struct error *e)
{
    return c->dir[0] ? 0
                     : error_set(e, EINVAL, "%s.dir is empty: name a folder, or set %s.enabled to false",
                                 of->name, of->name);
}

static int mp4_open(struct sink *s, struct error *e)
{
    const struct record_config *c = s->config;
    struct mp4_sink *m = s->priv;
    m->file.fd = -1;
    int rc = check_dir(s->section, c, e);
    if (rc < 0)
        return rc;
    if (c->describe)
        m->sidecar = sidecar_new();
    return disk_watch_open(&m->watch, s->name, c->dir, e);
}

static int mp4_valid(const struct sink_setup *o, struct error *e)
{
    return check_dir(o->section, o->config, e);
}

static int mp4_check(const struct sink_setup *o, char *text, size_t size, struct error *e)
{
    const struct record_config *c = o->config;
    char what_to_do[REMEDY_BYTES];
    int64_t mb;
    int rc = file_check_folder(c->dir, &mb, e);
    if (rc < 0)
        return error_set(e, -rc, "cannot record into %s: %s%s", c->dir, strerror(-rc),
                         remedy(o->section, -rc, what_to_do));
    if (mb < c->min_free_mb)
        return error_set(e, ENOSPC, "only %lld MB are free for %s, %s.min_free_mb asks for %lld: make room",
                         (long long)mb, c->dir, o->section->name, (long long)c->min_free_mb);
    snprintf(text, size, "into %s, %lld MB free", c->dir, (long long)mb);
    return 0;
}

static void write_on(struct sink *s, const AVPacket *packet)
{
    struct mp4_sink *m = s->priv;
    const struct record_config *c = s->config;
    bool idr = packet->stream_index == TRACK_VIDEO && (packet->flags & AV_PKT_FLAG_KEY);
    look_around(s);
    if (idr && m->file.open && packet->pts - m->file.first_frame >= c->segment_minutes * 60 * s->tracks->fps)
        end_file(s);
    if (idr && !m->file.open && clock_real_us() >= m->retry_us)
        start_file(s, packet);
    if (m->file.open)
        write_packet(s, packet);
}

static void mp4_write(struct sink *s, AVPacket *packet)
{
    struct mp4_sink *m = s->priv;
    disk_watch_begin(m->watch);
    write_on(s, packet);
    disk_watch_end(m->watch);
}

static void mp4_shown(struct sink *s, int64_t request_id, const char *text, const char *by, int64_t pts)
{
    const struct mp4_sink *m = s->priv;
    if (m->sidecar)
        sidecar_note(m->sidecar, request_id, text, by, pts);
}

static void mp4_finish(struct sink *s)
{
    struct mp4_sink *m = s->priv;
    disk_watch_begin(m->watch);
    if (m->file.path)
        log_info(s->name, "closing %s", m->file.path);
    end_file(s);
    mend(s);
    disk_watch_end(m->watch);
}

static void mp4_close(struct sink *s)
{
    struct mp4_sink *m = s->priv;
    end_file(s);
    disk_watch_close(&m->watch);
    sidecar_free(m->sidecar);
}

const struct sink_ops sink_mp4 = {
    .name = "record",
    .description = "crash-safe MP4 files",
    .section = &section,
    .kind = &kind,
    .config_size = sizeof(struct record_config),
    .priv_size = sizeof(struct mp4_sink),
    .limits = {.hard_bytes = 64 << 20},
    .enabled = record_enabled,
    .valid = mp4_valid,
    .folder = record_folder,
    .check = mp4_check,
    .open = mp4_open,
    .write = mp4_write,
    .shown = mp4_shown,
    .finish = mp4_finish,
    .close = mp4_close,
};
