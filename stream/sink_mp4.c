/*
 * sink_mp4 - records into fragmented MP4 files that play whatever happens.
 *
 * A fragment (moof + mdat) is written in one go every record.fragment_ms, the header with the first: after
 * kill -9 the file plays up to its last whole fragment. So files get their final name at once; a name that
 * exists is never taken (O_EXCL), whatever the wall clock says. Files change over at an IDR, without losing a
 * picture or a sample.
 *
 * When the disk is full, the folder gone or the file removed, one warning says what to do and the show goes
 * on; a new file is tried every few seconds. libavformat's I/O context stays broken after its first error,
 * and so does a file with half a fragment at its end: it is cut back to the last whole one and left alone.
 */
#include "stream/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <libavutil/mem.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "stream/av_log.h"
#include "stream/mux.h"

enum {
    IO_BUFFER_BYTES = 1 << 18,
    RETRY_US = 3000000,
    LOOK_US = 1000000, /* between looks at the free space and at the file's name */
    NAME_TRIES = 1000,
    SETTLED_S = 3, /* of video in a new file, and earlier trouble counts as over */
};

struct record_config {
    bool enabled;
    char dir[OPTION_STRING_BYTES];
    int64_t segment_minutes;
    int64_t min_free_mb;
    int64_t fragment_ms;
};

static const struct option rows[] = {
    OPTION_BOOL(struct record_config, enabled, "true", "Record the show into MP4 files."),
    OPTION_STRING(struct record_config, dir, "recordings", 0,
                  "Folder for the files; made when it is missing."),
    OPTION_INT(struct record_config, segment_minutes, "30", 1, 1440, "min", "Length of one file."),
    OPTION_INT(struct record_config, min_free_mb, "200", 0, 1000000, "MB",
               "Recording pauses when less than this is free on the disk."),
    OPTION_INT(struct record_config, fragment_ms, "500", 100, 10000, "ms",
               "What a crash loses at most; files play up to their last fragment."),
};
static const struct option_section section = OPTION_SECTION(
    "record", struct record_config, rows, "Recordings: crash-safe MP4 files, named by date and time.");

/* The file that is being written. fd is -1 when there is none. */
struct mp4_file {
    int fd;
    char *path;
    AVIOContext *io;
    struct mux mux;
    int write_errno;     /* the first failed write(2), 0: none */
    off_t header_bytes;  /* end of the header; 0 before it is written */
    off_t whole_bytes;   /* end of the last whole fragment */
    int64_t first_frame; /* pts of its first picture */

    /* Of the fragment that is being gathered, counted in frames. */
    int64_t fragment_begin, group_begin, newest; /* pts: its first picture, the last IDR, the largest */
    int64_t group_pictures;                      /* written since the last IDR */
};

struct mp4_sink {
    struct mp4_file file;
    unsigned serial; /* number in the next file's name */
    int64_t retry_us, look_us;
    bool warned; /* about the present trouble */
};

static bool record_enabled(const void *config)
{
    return ((const struct record_config *)config)->enabled;
}

/* ---- one file ---- */

static int io_write(void *opaque, uint8_t *data, int size)
{
    struct mp4_file *f = opaque;
    if (file_write(f->fd, data, (size_t)size) == (size_t)size)
        return size;
    f->write_errno = errno;
    return AVERROR(f->write_errno);
}

static int64_t io_seek(void *opaque, int64_t offset, int whence)
{
    struct mp4_file *f = opaque;
    struct stat st;
    if (whence == AVSEEK_SIZE)
        return fstat(f->fd, &st) < 0 ? AVERROR(errno) : st.st_size;
    off_t at = lseek(f->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

/* Creates DIR/YYYYMMDD-HHMMSS-NNN.mp4 under a name that nobody has. */
static int create_file(struct mp4_file *f, const char *dir, unsigned *serial)
{
    char stamp[32];
    struct tm t;
    time_t now = time(NULL);
    localtime_r(&now, &t);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &t);
    for (int i = 0; i < NAME_TRIES; i++) {
        char *path = xasprintf("%s/%s-%03u.mp4", dir, stamp, (*serial)++ % 1000);
        f->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (f->fd >= 0) {
            f->path = path;
            return 0;
        }
        int rc = -errno;
        free(path);
        if (rc != -EEXIST)
            return rc;
    }
    return -EEXIST;
}

static int begin_muxer(struct sink *s, struct mp4_file *f, const AVPacket *idr)
{
    unsigned char *buffer = av_malloc(IO_BUFFER_BYTES);
    f->io = buffer ? avio_alloc_context(buffer, IO_BUFFER_BYTES, 1, f, NULL, io_write, io_seek) : NULL;
    if (!f->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    int rc = mux_open(&f->mux, "mp4", s->tracks);
    if (rc < 0)
        return rc;
    f->mux.format->pb = f->io;
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "frag_custom+empty_moov+default_base_moof+delay_moov", 0);
    rc = mux_begin(&f->mux, idr, MUX_ZERO_PTS, &options);
    av_dict_free(&options);
    if (rc < 0)
        return rc;
    f->first_frame = f->fragment_begin = idr->pts;
    return f->io->error < 0 ? f->io->error : 0;
}

/* Closes what is open. What follows the last whole fragment goes; a file without any goes altogether. */
static void close_file(struct mp4_file *f, bool finalise)
{
    if (f->fd < 0)
        return;
    if (finalise && f->mux.format && av_write_trailer(f->mux.format) >= 0) {
        avio_flush(f->io);
        if (f->io->error >= 0)
            f->whole_bytes = avio_tell(f->io);
    }
    mux_close(&f->mux);
    if (f->io)
        av_freep(&f->io->buffer);
    avio_context_free(&f->io);
    struct stat st;
    bool is_ours = fstat(f->fd, &st) == 0 && st.st_nlink > 0; /* else the name may be another's by now */
    if (f->whole_bytes <= f->header_bytes && is_ours)
        unlink(f->path);
    else if (ftruncate(f->fd, f->whole_bytes) < 0)
        log_debug("record", "cannot cut %s: %s", f->path, strerror(errno));
    close(f->fd);
    free(f->path);
    *f = (struct mp4_file){.fd = -1};
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
    log_write(m->warned ? LOG_DEBUG : LOG_WARN, "record",
              "%s. The show goes on; recording goes on in a new file as soon as that is possible", why);
    m->warned = true;
    m->retry_us = clock_real_us() + RETRY_US;
    sink_tell(s, STATS_SINK_RETRYING);
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
}

static const char *remedy(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return ": make room on the disk, or set record.dir to another";
    case EFBIG:
        return ": the size of files is limited here (ulimit -f)";
    default:
        return ": check record.dir and who may write there";
    }
}

/* MB (10^6 bytes) that may still be written beside `dir`; INT64_MAX when nobody knows. */
static int64_t free_mb(const char *dir)
{
    struct statvfs v;
    if (statvfs(dir, &v) < 0)
        return INT64_MAX;
    return (int64_t)((double)v.f_bavail * (double)v.f_frsize / 1e6);
}

static void start_file(struct sink *s, const AVPacket *idr)
{
    struct mp4_sink *m = s->priv;
    const struct record_config *c = s->config;
    int rc = file_make_folders(c->dir, 0777, NULL);
    if (rc == 0 && free_mb(c->dir) < c->min_free_mb) {
        pause_recording(s, "only %lld MB are free in %s, record.min_free_mb asks for %lld: make room",
                        (long long)free_mb(c->dir), c->dir, (long long)c->min_free_mb);
        return;
    }
    if (rc == 0)
        rc = create_file(&m->file, c->dir, &m->serial);
    if (rc < 0) {
        pause_recording(s, "cannot record into %s: %s%s", c->dir, strerror(-rc), remedy(-rc));
        return;
    }
    av_log_forget();
    rc = begin_muxer(s, &m->file, idr);
    if (rc < 0) {
        int code = m->file.write_errno;
        pause_recording(s, "cannot write %s: %s%s", m->file.path,
                        code ? strerror(code) : av_error_describe(rc).text, remedy(code));
        close_file(&m->file, false);
        return;
    }
    log_write(m->warned ? LOG_DEBUG : LOG_INFO, "record", "recording to %s", m->file.path);
    sink_tell(s, STATS_SINK_OK);
    m->look_us = clock_real_us() + LOOK_US;
}

/* Once a second: is there room, and does the file still have a name? */
static void look_around(struct sink *s)
{
    struct mp4_sink *m = s->priv;
    const struct record_config *c = s->config;
    struct stat st;
    if (m->file.fd < 0 || clock_real_us() < m->look_us)
        return;
    m->look_us = clock_real_us() + LOOK_US;
    if (fstat(m->file.fd, &st) == 0 && st.st_nlink == 0) {
        pause_recording(s, "%s was removed while it was written", m->file.path);
        m->retry_us = 0;
        close_file(&m->file, false);
    } else if (free_mb(c->dir) < c->min_free_mb) {
        pause_recording(s, "less than record.min_free_mb = %lld MB are free in %s: make room",
                        (long long)c->min_free_mb, c->dir);
        close_file(&m->file, true);
    }
}

/* The muxer's first flush gives the header alone (it waits for the tracks' first times), the
 * next the samples. */
static int write_fragment(struct mp4_file *f)
{
    int rc = 0;
    if (f->header_bytes == 0) {
        rc = av_write_frame(f->mux.format, NULL);
        avio_flush(f->io);
        f->header_bytes = avio_tell(f->io);
    }
    return rc < 0 ? rc : av_write_frame(f->mux.format, NULL);
}

/* Writes the fragment out before `packet` when it is long enough, or at an IDR; never between a picture and
 * the B-frames that are shown before it, so that a file that ends with any fragment has no gaps. */
static int cut_fragment(struct sink *s, struct mp4_file *f, const AVPacket *packet)
{
    const struct record_config *c = s->config;
    if (packet->stream_index != TRACK_VIDEO)
        return 0;
    bool idr = packet->flags & AV_PKT_FLAG_KEY, first = packet->pts == f->first_frame;
    bool whole = f->group_pictures == f->newest + 1 - f->group_begin;
    bool due = (f->newest + 1 - f->fragment_begin) * 1000 >= c->fragment_ms * s->tracks->fps;
    int rc = 0;
    if (!first && (idr || (whole && due))) {
        rc = write_fragment(f);
        f->fragment_begin = f->newest + 1;
    }
    if (idr) {
        f->group_begin = packet->pts;
        f->group_pictures = 0;
    }
    f->group_pictures++;
    if (idr || packet->pts > f->newest)
        f->newest = packet->pts;
    return rc < 0 ? rc : 0;
}

/* Trouble is over when a new file has lived for a while; a full disk often takes a header and then nothing,
 * and one warning about that is enough. */
static void settle(struct sink *s, const AVPacket *packet)
{
    struct mp4_sink *m = s->priv;
    if (!m->warned || packet->stream_index != TRACK_VIDEO ||
        packet->pts - m->file.first_frame < SETTLED_S * s->tracks->fps)
        return;
    log_info("record", "recording again, to %s", m->file.path);
    m->warned = false;
}

static void write_packet(struct sink *s, const AVPacket *packet)
{
    struct mp4_file *f = &((struct mp4_sink *)s->priv)->file;
    int rc = cut_fragment(s, f, packet);
    if (rc >= 0)
        rc = mux_write(&f->mux, packet);
    if (rc >= 0 && f->io->error < 0)
        rc = f->io->error;
    if (rc >= 0) {
        sink_sent(s, avio_tell(f->io) - f->whole_bytes);
        f->whole_bytes = avio_tell(f->io); /* the muxer keeps a fragment to itself until it is whole */
        settle(s, packet);
        return;
    }
    int code = f->write_errno;
    pause_recording(s, "cannot write %s: %s%s", f->path, code ? strerror(code) : av_error_describe(rc).text,
                    remedy(code));
    close_file(f, false);
}

/* ---- the driver ---- */

static int mp4_open(struct sink *s, struct error *e)
{
    const struct record_config *c = s->config;
    ((struct mp4_sink *)s->priv)->file.fd = -1;
    if (c->dir[0] == '\0')
        return error_set(e, EINVAL, "record.dir is empty: name a folder, or set record.enabled to false");
    return 0;
}

static int mp4_check(const void *config, char *text, size_t size, struct error *e)
{
    const struct record_config *c = config;
    int64_t mb;
    int rc = file_check_folder(c->dir, &mb, e);
    if (rc < 0)
        return error_set(e, -rc, "cannot record into %s: %s%s", c->dir, strerror(-rc), remedy(-rc));
    if (mb < c->min_free_mb)
        return error_set(e, ENOSPC,
                         "only %lld MB are free for %s, record.min_free_mb asks for %lld: make room",
                         (long long)mb, c->dir, (long long)c->min_free_mb);
    snprintf(text, size, "into %s, %lld MB free", c->dir, (long long)mb);
    return 0;
}

static void mp4_write(struct sink *s, AVPacket *packet)
{
    struct mp4_sink *m = s->priv;
    const struct record_config *c = s->config;
    bool idr = packet->stream_index == TRACK_VIDEO && (packet->flags & AV_PKT_FLAG_KEY);
    look_around(s);
    if (idr && m->file.fd >= 0 &&
        packet->pts - m->file.first_frame >= c->segment_minutes * 60 * s->tracks->fps)
        close_file(&m->file, true);
    if (idr && m->file.fd < 0 && clock_real_us() >= m->retry_us)
        start_file(s, packet);
    if (m->file.fd >= 0)
        write_packet(s, packet);
}

static void mp4_finish(struct sink *s)
{
    struct mp4_sink *m = s->priv;
    if (m->file.fd >= 0)
        log_info("record", "closing %s", m->file.path);
    close_file(&m->file, true);
}

static void mp4_close(struct sink *s)
{
    close_file(&((struct mp4_sink *)s->priv)->file, true);
}

const struct sink_ops sink_mp4 = {
    .name = "record",
    .description = "crash-safe MP4 files",
    .section = &section,
    .config_size = sizeof(struct record_config),
    .priv_size = sizeof(struct mp4_sink),
    .limits = {.hard_bytes = 64 << 20},
    .enabled = record_enabled,
    .check = mp4_check,
    .open = mp4_open,
    .write = mp4_write,
    .finish = mp4_finish,
    .close = mp4_close,
};
