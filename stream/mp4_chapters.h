/*
 * mp4_chapters - writes chapters into a finished recording: what was shown from when on, for players to jump to.
 *
 * A fragmented file's header comes first, when nobody knows yet what will be shown. So room is left behind it, as a box
 * of the type "free" that every player passes over; at the end the chapters are written there (a list of titles, chpl,
 * in user data, udta, as Nero's and FFmpeg's muxers do), and the movie's header, moov, grows over it by one number.
 * Nothing else moves. A file that a crash has cut off keeps its free room.
 */
#ifndef STREAM_MP4_CHAPTERS_H
#define STREAM_MP4_CHAPTERS_H

#include <stdint.h>
#include <sys/types.h>

#include <libavformat/avio.h>

enum { MP4_CHAPTERS_BYTES = 16384, MP4_CHAPTER_TITLE_BYTES = 128 };

struct mp4_chapter {
    double begin_s;
    char title[MP4_CHAPTER_TITLE_BYTES];
};

/* Leaves the room; right behind the header. */
void mp4_chapters_reserve(AVIOContext *io);

/* The header is the first `header_bytes` of `fd`, the room behind it. As many as fit and a byte can count: 255. 0 or
 * -errno: the file plays as it did before. */
int mp4_chapters_write(int fd, off_t header_bytes, const struct mp4_chapter *chapters, int count);

/* Puts other titles into a file that has its chapters, which keep their times: shorter ones get blanks behind, so that one
 * write changes it and nothing moves. 0; -ENODATA: it has no chapters of ours; -EINVAL: not these many; -errno. */
int mp4_chapters_rename(const char *path, const struct mp4_chapter *chapters, int count);

#endif
