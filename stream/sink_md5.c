/*
 * sink_md5 - a digest of the stream instead of the stream: tells whether two renders are the same,
 * byte by byte.
 *
 * Per packet the digest takes its pts and dts (8 bytes each, little-endian), its length (4 bytes) and its
 * payload; video and audio are counted separately. At the end one line:
 *
 *     md5 video=<32 hex digits> audio=<32 hex digits> frames=<video packets>
 */
#include "stream/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>

#include "common/file.h"
#include "common/log.h"

struct md5_config {
    bool enabled;
    char file[OPTION_STRING_BYTES];
    bool pictures;
};

static const struct option rows[] = {
    OPTION_BOOL(struct md5_config, enabled, "false", "Print a digest of the encoded stream at the end."),
    OPTION_STRING(struct md5_config, file, "", 0, "Where the digest line goes; empty: standard output."),
    OPTION_BOOL(
        struct md5_config, pictures, "false",
        "Print a digest of the pictures before they are encoded: it is the same for a live show and the replay "
        "of its tape. Costs some 3 ms for each picture of 1280x720."),
};
static const struct option_section section =
    OPTION_SECTION("md5", struct md5_config, rows, "A digest of the stream, to compare renders.");

struct md5_sink {
    struct AVMD5 *digest[TRACK_COUNT];
    int64_t packets[TRACK_COUNT];
};

static bool md5_enabled(const void *config)
{
    return ((const struct md5_config *)config)->enabled;
}

static void md5_folder(const void *config, char out[OPTION_STRING_BYTES])
{
    const char *path = ((const struct md5_config *)config)->file, *slash = strrchr(path, '/');
    if (path[0])
        snprintf(out, OPTION_STRING_BYTES, "%.*s",
                 !slash          ? 1
                 : slash == path ? 1
                                 : (int)(slash - path),
                 slash ? path : ".");
}

static int md5_open(struct sink *s, struct error *e)
{
    struct md5_sink *m = s->priv;
    for (int t = 0; t < TRACK_COUNT; t++) {
        m->digest[t] = av_md5_alloc();
        if (!m->digest[t])
            return error_set(e, ENOMEM, "md5: no memory");
        av_md5_init(m->digest[t]);
    }
    return 0;
}

static void md5_write(struct sink *s, AVPacket *packet)
{
    struct md5_sink *m = s->priv;
    uint8_t head[20];
    AV_WL64(head, packet->pts);
    AV_WL64(head + 8, packet->dts);
    AV_WL32(head + 16, packet->size);
    av_md5_update(m->digest[packet->stream_index], head, sizeof head);
    av_md5_update(m->digest[packet->stream_index], packet->data, (size_t)packet->size);
    m->packets[packet->stream_index]++;
}

static void hex(struct AVMD5 *digest, char out[33])
{
    uint8_t bytes[16];
    av_md5_final(digest, bytes);
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int print(const char *line, struct error *e)
{
    if (fputs(line, stdout) >= 0 && fflush(stdout) == 0)
        return 0;
    return error_set(e, errno, "standard output: %s", strerror(errno));
}

static void md5_finish(struct sink *s)
{
    struct md5_sink *m = s->priv;
    const char *path = ((const struct md5_config *)s->config)->file;
    char video[33], audio[33];
    hex(m->digest[TRACK_VIDEO], video);
    hex(m->digest[TRACK_AUDIO], audio);

    char line[128];
    struct error e = {""};
    int n = snprintf(line, sizeof line, "md5 video=%s audio=%s frames=%" PRId64 "\n", video, audio,
                     m->packets[TRACK_VIDEO]);
    int rc = path[0] ? file_write_whole(path, line, (size_t)n, 0666, &e) : print(line, &e);
    if (rc < 0) {
        stats_add(s->stats, STAT_SINK_ERRORS, 1);
        log_warn("md5", "cannot write the digest: %s; check md5.file", e.text);
    }
}

static void md5_close(struct sink *s)
{
    struct md5_sink *m = s->priv;
    for (int t = 0; t < TRACK_COUNT; t++)
        av_freep(&m->digest[t]);
}

bool sink_md5_wants_pictures(const void *config)
{
    return ((const struct md5_config *)config)->pictures;
}

const struct sink_ops sink_md5 = {
    .name = "md5",
    .description = "a digest of the stream at the end",
    .section = &section,
    .config_size = sizeof(struct md5_config),
    .priv_size = sizeof(struct md5_sink),
    .limits = {.hard_ms = 10000},
    .enabled = md5_enabled,
    .folder = md5_folder,
    .open = md5_open,
    .write = md5_write,
    .finish = md5_finish,
    .close = md5_close,
};
