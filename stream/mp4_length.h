/*
 * mp4_length - writes the length into the header of a finished recording.
 *
 * A fragmented file's header is written first and says 0, so that some players have to read all of a file before they
 * know its length. Where the times stand in the header is known (ISO/IEC 14496-12, boxes mvhd, tkhd, mdhd), and
 * filling them in changes no size, so nothing else moves.
 */
#ifndef STREAM_MP4_LENGTH_H
#define STREAM_MP4_LENGTH_H

#include <sys/types.h>

/* The header is the first `header_bytes` of `fd`. 0, or -errno: the file plays as it did before. */
int mp4_length_write(int fd, off_t header_bytes, double length_s);

#endif
