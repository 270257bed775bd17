/*
 * mp4_file - see mp4_file.h.
 */
#include "stream/mp4_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/mem.h>

#include "common/file.h"
#include "common/log.h"
#include "stream/mp4_length.h"
#include "stream/recordings.h"

enum { IO_BUFFER_BYTES = 1 << 18 };

static int create(struct mp4_file *f)
{
    int fd = recordings_create(f->dir, f->serial, &f->path);
    if (fd < 0)
        return fd;
    f->fd = fd;
    disk_watch_file(f->watch, fd);
    return 0;
}

static int io_write(void *opaque, uint8_t *data, int size)
{
    struct mp4_file *f = opaque;
    int rc = f->fd < 0 ? create(f) : 0;
    if (rc == 0 && file_write(f->fd, data, (size_t)size) == (size_t)size)
        return size;
    f->write_errno = rc < 0 ? -rc : errno;
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

int mp4_file_begin(struct mp4_file *f, const AVPacket *idr)
{
    unsigned char *buffer = av_malloc(IO_BUFFER_BYTES);
    f->io = buffer ? avio_alloc_context(buffer, IO_BUFFER_BYTES, 1, f, NULL, io_write, io_seek) : NULL;
    if (!f->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    int rc = mux_open(&f->mux, "mp4", f->tracks);
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

/* ---- fragments ---- */

/* The muxer's first flush gives the header alone (it waits for the tracks' first times), the
 * next the samples. */
static int write_fragment(struct mp4_file *f)
{
    int rc = 0;
    if (f->header_bytes == 0) {
        rc = av_write_frame(f->mux.format, NULL);
        avio_flush(f->io);
        f->header_bytes = avio_tell(f->io);
        if (rc >= 0)
            mp4_chapters_reserve(f->io);
    }
    return rc < 0 ? rc : av_write_frame(f->mux.format, NULL);
}

/* Writes the fragment out before `packet` when it is long enough, or at an IDR; never between a picture and
 * the B-frames that are shown before it, so that a file that ends with any fragment has no gaps. */
static int cut_fragment(struct mp4_file *f, const AVPacket *packet, int64_t fragment_ms)
{
    if (packet->stream_index != TRACK_VIDEO)
        return 0;
    bool idr = packet->flags & AV_PKT_FLAG_KEY, first = packet->pts == f->first_frame;
    bool whole = f->group_pictures == f->newest + 1 - f->group_begin;
    bool due = (f->newest + 1 - f->fragment_begin) * 1000 >= fragment_ms * f->tracks->fps;
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

int mp4_file_write(struct mp4_file *f, const AVPacket *packet, int64_t fragment_ms)
{
    int rc = cut_fragment(f, packet, fragment_ms);
    if (rc >= 0)
        rc = mux_write(&f->mux, packet);
    return rc >= 0 && f->io->error < 0 ? f->io->error : rc;
}

/* ---- the end ---- */

/* Ends the file in good order. */
static void finalise(struct mp4_file *f)
{
    if (!f->mux.format || (f->header_bytes == 0 && write_fragment(f) < 0) ||
        av_write_trailer(f->mux.format) < 0)
        return;
    avio_flush(f->io);
    if (f->io->error < 0 || f->fd < 0)
        return;
    f->whole_bytes = avio_tell(f->io);
    int rc =
        mp4_length_write(f->fd, f->header_bytes, (double)(f->newest + 1 - f->first_frame) / f->tracks->fps);
    if (rc == 0 && f->chapter_count > 0)
        rc = mp4_chapters_write(f->fd, f->header_bytes, f->chapters, f->chapter_count);
    if (rc < 0)
        log_debug("record", "length or chapters of %s stay unwritten: %s", f->path, strerror(-rc));
}

/* What follows the last whole fragment goes; a file without any goes altogether. */
static void cut_file(const struct mp4_file *f)
{
    struct stat st;
    bool is_ours = fstat(f->fd, &st) == 0 && st.st_nlink > 0; /* else the name may be another's by now */
    if (f->whole_bytes <= f->header_bytes && is_ours)
        unlink(f->path);
    else if (ftruncate(f->fd, f->whole_bytes) < 0)
        log_debug("record", "cannot cut %s: %s", f->path, strerror(errno));
    disk_watch_file(f->watch, -1);
    close(f->fd);
}

void mp4_file_close(struct mp4_file *f, bool in_order)
{
    if (f->open && in_order)
        finalise(f);
    mux_close(&f->mux);
    if (f->io)
        av_freep(&f->io->buffer);
    avio_context_free(&f->io);
    if (f->open && f->fd >= 0)
        cut_file(f);
    free(f->path);
    free(f->chapters);
    *f = (struct mp4_file){.fd = -1};
}
