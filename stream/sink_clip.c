/*
 * sink_clip - keeps the last minute in memory, as it is encoded, and writes it into an MP4 when somebody asks.
 *
 * Nothing is encoded for it: packets are kept by reference, from an IDR on, at most clip.max_mb of them. A clip begins
 * at that IDR, so it is up to two seconds longer than asked for, and ends with the newest packet. It is written by the
 * sink's own thread; what comes meanwhile waits in its queue.
 */
#include "stream/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "stream/av_log.h"
#include "stream/disk_watch.h"
#include "stream/held.h"
#include "stream/mp4_file.h"
#include "stream/recordings.h"

enum { FRAGMENT_MS = 10000 };

struct clip_config {
    bool enabled;
    char dir[OPTION_STRING_BYTES];
    double length;
    int64_t max_mb;
    int64_t min_free_mb;
    double keep_gb;
};

#define S struct clip_config
static const struct option rows[] = {
    OPTION_BOOL(
        S, enabled, "false",
        "Keep the last minute in memory from the beginning of the show. !output clip on does it later."),
    OPTION_STRING(S, dir, "clips", 0, "Folder for the clips; made when it is missing."),
    OPTION_SPAN(S, length, "60", 5, 600, "How much of the show a clip holds."),
    OPTION_INT(
        S, max_mb, "64", 4, 4096, "MB",
        "How much memory it takes at most; a clip is shorter where that is not enough. A minute of 3000 kbit/s "
        "takes 24."),
    OPTION_INT(S, min_free_mb, "200", 0, 1000000, "MB",
               "No clip is written when less than this is free on the disk."),
    OPTION_FLOAT(
        S, keep_gb, "2", 0, 1000000, "GB",
        "When all clips in the folder are larger together, the oldest are removed. 0: they are kept."),
};
static const struct option_section section = OPTION_SECTION(
    "clip", S, rows,
    "The last minute, for !clip and the operator's page: written into an MP4 file when asked for.");
#undef S

struct clip_sink {
    struct held held;
    struct disk_watch *watch;
    unsigned serial;
    atomic_bool wanted;
    bool warned; /* that there is no memory */
};

static void clip_folder(const void *config, char out[OPTION_STRING_BYTES])
{
    text_copy(out, OPTION_STRING_BYTES, ((const struct clip_config *)config)->dir);
}

static bool clip_enabled(const void *config)
{
    return ((const struct clip_config *)config)->enabled;
}

/* ---- writing ---- */

/* 0 or AVERROR; then f->write_errno may say more. */
static int write_packets(struct mp4_file *f, const struct held *h)
{
    int rc = mp4_file_begin(f, h->packets[h->first]);
    for (int i = h->first; i < h->end && rc >= 0; i++)
        rc = mp4_file_write(f, h->packets[i], FRAGMENT_MS);
    return rc;
}

static void tell_failure(struct sink *s, const char *why)
{
    const struct clip_config *c = s->config;
    log_warn(s->name,
             "no clip could be written into %s: %s: make room, or check %s.dir and who may write there",
             c->dir, why, s->section->name);
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
}

static void write_clip(struct sink *s)
{
    struct clip_sink *k = s->priv;
    const struct clip_config *c = s->config;
    struct mp4_file f = {
        .open = true, .fd = -1, .dir = c->dir, .serial = &k->serial, .watch = k->watch, .tracks = s->tracks};
    int rc = file_make_folders(c->dir, 0777, NULL);
    if (rc == 0)
        recordings_tidy(c->dir, &(struct recordings_limits){.gb = c->keep_gb});
    if (rc == 0 && recordings_free_mb(c->dir) < c->min_free_mb)
        rc = -ENOSPC;
    if (rc < 0) {
        tell_failure(s, strerror(-rc));
        return;
    }
    av_log_forget();
    rc = write_packets(&f, &k->held);
    if (rc >= 0) {
        log_info(s->name, "kept %.1f s in %s", (double)(f.newest + 1 - f.first_frame) / s->tracks->fps,
                 f.path ? f.path : c->dir);
        sink_sent(s, avio_tell(f.io));
    } else {
        tell_failure(s, f.write_errno ? strerror(f.write_errno) : av_error_describe(rc).text);
    }
    mp4_file_close(&f, rc >= 0);
}

/* ---- the driver ---- */

static int clip_open(struct sink *s, struct error *e)
{
    const struct clip_config *c = s->config;
    struct clip_sink *k = s->priv;
    if (!c->dir[0])
        return error_set(e, EINVAL, "%s.dir is empty: name a folder", s->section->name);
    k->held.most_us = (int64_t)(c->length * 1e6);
    k->held.most_bytes = (size_t)c->max_mb * 1000000;
    return disk_watch_open(&k->watch, s->name, c->dir, e);
}

static void clip_write(struct sink *s, AVPacket *packet)
{
    struct clip_sink *k = s->priv;
    if (held_add(&k->held, packet) < 0) {
        log_write(k->warned ? LOG_DEBUG : LOG_WARN, s->name,
                  "no memory to keep the last minute: it begins anew");
        k->warned = true;
        stats_add(s->stats, STAT_SINK_ERRORS, 1);
    }
    if (k->held.first == k->held.end || !atomic_exchange(&k->wanted, false))
        return;
    disk_watch_begin(k->watch);
    write_clip(s);
    disk_watch_end(k->watch);
}

static void clip_keep(struct sink *s)
{
    struct clip_sink *k = s->priv;
    atomic_store(&k->wanted, true);
}

static void clip_close(struct sink *s)
{
    struct clip_sink *k = s->priv;
    held_free(&k->held);
    disk_watch_close(&k->watch);
}

const struct sink_ops sink_clip = {
    .name = "clip",
    .description = "the last minute, when asked for",
    .section = &section,
    .config_size = sizeof(struct clip_config),
    .priv_size = sizeof(struct clip_sink),
    .limits = {.hard_bytes = 32 << 20},
    .live_only = true,
    .enabled = clip_enabled,
    .folder = clip_folder,
    .open = clip_open,
    .write = clip_write,
    .keep = clip_keep,
    .close = clip_close,
};
