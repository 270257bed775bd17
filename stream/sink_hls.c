/*
 * sink_hls - a folder that a web server or a CDN serves as HTTP Live Streaming (RFC 8216): segments of MPEG-TS and a
 * playlist of the last ones.
 *
 * Segment and playlist are written aside and renamed when they are whole, so nobody ever reads half of one; segments
 * that have left the playlist go a little later. Each begins with an IDR. The playlist never says that it has ended,
 * because the show may come back. A show that begins anew goes on behind what the playlist of the last one holds, marked as
 * a discontinuity, so that players go over. Names begin with the time, in seconds since 1970, and count up from there: none
 * comes twice, whatever becomes of the folder, so that caches may keep segments.
 *
 * When the disk is full or the folder gone, one warning says what to do, and it is tried again every few seconds.
 */
#include "stream/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/av_log.h"
#include "stream/disk_watch.h"
#include "stream/hls_folder.h"
#include "stream/mux.h"

enum { RETRY_US = 3000000, SETTLED_S = 3, TIDY_US = 10000000 };

struct hls_config {
    bool enabled;
    char dir[OPTION_STRING_BYTES];
    char playlist[OPTION_STRING_BYTES];
    double segment;
    int64_t segments;
};

#define S struct hls_config
static const struct option rows[] = {
    OPTION_BOOL(S, enabled, "true", OUTPUT_ENABLED_TEXT),
    OPTION_STRING(S, dir, "", 0,
                  "Folder that a web server serves; made when it is missing. One folder for each output."),
    OPTION_STRING(
        S, playlist, "live", 0,
        "Name of the playlist without .m3u8, and beginning of the segments' names: letters, digits, - and _."),
    OPTION_SPAN(S, segment, "4", 2, 30,
                "Length of a segment; whole groups of pictures, which have two seconds each."),
    OPTION_INT(S, segments, "6", 3, 1000, "segments",
               "How many the playlist holds; as many times the length can viewers go back."),
};
static const struct option_section kind = OPTION_SECTION(
    "hls", S, rows, "A folder of segments and a playlist (HLS), for a web server or a CDN to serve.");
#undef S

struct hls_sink {
    struct mux mux;
    bool begun, warned;
    int64_t retry_us, tidy_us, first_pts;
    struct disk_watch *watch;
};

static void hls_folder(const void *config, char out[OPTION_STRING_BYTES])
{
    text_copy(out, OPTION_STRING_BYTES, ((const struct hls_config *)config)->dir);
}

static bool hls_enabled(const void *config)
{
    return ((const struct hls_config *)config)->enabled;
}

static int hls_valid(const struct sink_setup *o, struct error *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const struct hls_config *c = o->config;
    if (!c->dir[0])
        return error_set(e, EINVAL, "%s.dir is empty: name a folder", o->section->name);
    if (strchr(c->dir, '%'))
        return error_set(e, EINVAL, "%s.dir must not hold a %% sign", o->section->name);
    if (!c->playlist[0] || c->playlist[strspn(c->playlist, letters)])
        return error_set(e, EINVAL, "%s.playlist takes letters, digits, - and _", o->section->name);
    return 0;
}

static int hls_check(const struct sink_setup *o, char *text, size_t size, struct error *e)
{
    const struct hls_config *c = o->config;
    int64_t mb;
    int rc = hls_valid(o, e);
    if (rc == 0)
        rc = file_check_folder(c->dir, &mb, e);
    if (rc < 0)
        return rc;
    snprintf(text, size, "%s/%s.m3u8, %lld MB free", c->dir, c->playlist, (long long)mb);
    return 0;
}

/* ---- trouble ---- */

/* The trailer also closes the muxer's files. */
static void end_muxer(struct hls_sink *h)
{
    if (h->begun)
        av_write_trailer(h->mux.format);
    mux_close(&h->mux);
    h->begun = false;
}

static void pause_writing(struct sink *s, const char *why)
{
    struct hls_sink *h = s->priv;
    const struct hls_config *c = s->config;
    log_write(
        h->warned ? LOG_DEBUG : LOG_WARN, s->name,
        "cannot write into %s: %s: make room, or check %s.dir and who may write there. The show goes on; "
        "segments go on as soon as that is possible",
        c->dir, why, s->section->name);
    h->warned = true;
    h->retry_us = clock_real_us() + RETRY_US;
    end_muxer(h);
    sink_tell(s, STATS_SINK_RETRYING);
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
}

/* ---- the playlist ---- */

/* What is older than three playlists is nobody's any more. */
static void tidy(struct sink *s)
{
    struct hls_sink *h = s->priv;
    const struct hls_config *c = s->config;
    h->tidy_us = clock_real_us() + TIDY_US;
    hls_folder_tidy(c->dir, c->playlist, (int64_t)(3 * c->segment * (double)c->segments));
}

static int begin_muxer(struct sink *s, const AVPacket *idr)
{
    struct hls_sink *h = s->priv;
    const struct hls_config *c = s->config;
    int rc = mux_open(&h->mux, "hls", s->tracks);
    if (rc < 0)
        return rc;
    AVDictionary *options = NULL;
    char length[32];
    snprintf(length, sizeof length, "%.3f", c->segment); /* of durations the libraries take seconds */
    char *playlist = xasprintf("%s/%s.m3u8", c->dir, c->playlist);
    char *segments = xasprintf("%s/%s%%d.ts", c->dir, c->playlist);
    h->mux.format->url = av_strdup(playlist);
    av_dict_set(&options, "hls_flags",
                "delete_segments+temp_file+append_list+omit_endlist+independent_segments", 0);
    av_dict_set(&options, "hls_segment_filename", segments, 0);
    av_dict_set(&options, "hls_start_number_source", "epoch", 0);
    av_dict_set_int(&options, "hls_list_size", c->segments, 0);
    av_dict_set(&options, "hls_time", length, 0);
    rc = h->mux.format->url ? mux_begin(&h->mux, idr, MUX_ZERO_DTS, &options) : AVERROR(ENOMEM);
    av_dict_free(&options);
    free(playlist);
    free(segments);
    return rc;
}

static void begin(struct sink *s, const AVPacket *idr)
{
    struct hls_sink *h = s->priv;
    const struct hls_config *c = s->config;
    int rc = file_make_folders(c->dir, 0777, NULL);
    if (rc < 0) {
        pause_writing(s, strerror(-rc));
        return;
    }
    tidy(s);
    av_log_forget();
    rc = begin_muxer(s, idr);
    if (rc < 0) {
        pause_writing(s, av_error_describe(rc).text);
        return;
    }
    h->begun = true;
    h->first_pts = idr->pts;
    log_write(h->warned ? LOG_DEBUG : LOG_INFO, s->name, "writing %s/%s.m3u8", c->dir, c->playlist);
}

/* Trouble is over when it has gone well for a while. */
static void settle(struct sink *s, const AVPacket *packet)
{
    struct hls_sink *h = s->priv;
    const struct hls_config *c = s->config;
    if (packet->stream_index != TRACK_VIDEO || packet->pts - h->first_pts < SETTLED_S * s->tracks->fps)
        return;
    sink_tell(s, STATS_SINK_OK);
    if (h->warned)
        log_info(s->name, "writing %s/%s.m3u8 again", c->dir, c->playlist);
    h->warned = false;
}

static void write_on(struct sink *s, const AVPacket *packet)
{
    struct hls_sink *h = s->priv;
    bool idr = packet->stream_index == TRACK_VIDEO && (packet->flags & AV_PKT_FLAG_KEY);
    if (!h->begun && idr && clock_real_us() >= h->retry_us)
        begin(s, packet);
    if (!h->begun)
        return;
    if (clock_real_us() > h->tidy_us)
        tidy(s);
    av_log_forget();
    int rc = mux_write(&h->mux, packet);
    if (rc < 0) {
        pause_writing(s, av_error_describe(rc).text);
        return;
    }
    sink_sent(s, packet->size);
    settle(s, packet);
}

/* ---- the driver ---- */

static int hls_open(struct sink *s, struct error *e)
{
    const struct hls_config *c = s->config;
    const struct sink_setup o = {s->ops, s->name, s->section, c};
    int rc = hls_valid(&o, e);
    if (rc < 0)
        return rc;
    sink_tell(s, STATS_SINK_CONNECTING);
    return disk_watch_open(&((struct hls_sink *)s->priv)->watch, s->name, c->dir, e);
}

static void hls_write(struct sink *s, AVPacket *packet)
{
    struct hls_sink *h = s->priv;
    disk_watch_begin(h->watch);
    write_on(s, packet);
    disk_watch_end(h->watch);
}

static void hls_finish(struct sink *s)
{
    struct hls_sink *h = s->priv;
    disk_watch_begin(h->watch);
    end_muxer(h);
    disk_watch_end(h->watch);
}

static void hls_close(struct sink *s)
{
    struct hls_sink *h = s->priv;
    mux_close(&h->mux);
    disk_watch_close(&h->watch);
}

const struct sink_ops sink_hls = {
    .name = "hls",
    .description = "a folder of segments and a playlist",
    .kind = &kind,
    .config_size = sizeof(struct hls_config),
    .priv_size = sizeof(struct hls_sink),
    .limits = {.hard_bytes = 32 << 20},
    .live_only = true,
    .enabled = hls_enabled,
    .folder = hls_folder,
    .valid = hls_valid,
    .check = hls_check,
    .open = hls_open,
    .write = hls_write,
    .finish = hls_finish,
    .close = hls_close,
};
