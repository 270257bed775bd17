/*
 * mp4_file - one fragmented MP4 file, from its first picture to its end.
 *
 * It is made under its name when its first fragment is there to be written, so that no crash leaves an empty one. A
 * fragment goes out in one piece; what follows the last whole one is cut off when the file is closed after trouble.
 * libavformat's I/O context stays broken after its first error, and so the file does: close it and begin another.
 */
#ifndef STREAM_MP4_FILE_H
#define STREAM_MP4_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "stream/disk_watch.h"
#include "stream/mp4_chapters.h"
#include "stream/mux.h"

struct mp4_file {
    bool open;  /* there is one, or will be with its first fragment: */
    int fd;     /* -1 before */
    char *path; /* NULL before */

    /* Set before mp4_file_begin: */
    const char *dir;
    unsigned *serial; /* counts the names */
    struct disk_watch *watch;
    const struct encoder_tracks *tracks;

    /* Set before it is closed in order: what players can jump to. Owned; NULL: none. */
    struct mp4_chapter *chapters;
    int chapter_count;

    AVIOContext *io;
    struct mux mux;
    int write_errno;     /* the first failed write(2), 0: none */
    off_t header_bytes;  /* end of the header, where the room for chapters begins; 0 before it is written */
    off_t whole_bytes;   /* end of the last whole fragment */
    int64_t first_frame; /* pts of its first picture */

    /* Of the fragment that is being gathered, counted in frames. */
    int64_t fragment_begin, group_begin, newest; /* pts: its first picture, the last IDR, the largest */
    int64_t group_pictures;                      /* written since the last IDR */
};

/* Begins with this IDR; nothing is on the disk yet. 0 or AVERROR; then close it. */
int mp4_file_begin(struct mp4_file *f, const AVPacket *idr);

/* The next packet of either track. Fragments get `fragment_ms` long, and end at every IDR. 0 or AVERROR; write_errno
 * says more. */
int mp4_file_write(struct mp4_file *f, const AVPacket *packet, int64_t fragment_ms);

/* Closes what is open. `in_order`: the rest is written, and the length into the header. */
void mp4_file_close(struct mp4_file *f, bool in_order);

#endif
