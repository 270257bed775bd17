/*
 * mux - one libavformat muxer fed with the encoder's packets: what the file and the network sink share.
 *
 * A mux begins at an IDR and gives it the time 0. What belongs before that (sound that began earlier, or
 * pictures of the group before) is left out. Every file and every connection has a mux of its own, because a
 * muxer that has failed or been cut off is not to be trusted again.
 */
#ifndef STREAM_MUX_H
#define STREAM_MUX_H

#include <stdint.h>

#include <libavformat/avformat.h>

#include "stream/encoder.h"

/* Which time of the first IDR becomes 0: a format with composition offsets shows the first picture at 0, one
 * without edit lists wants its first dts there. */
enum mux_zero { MUX_ZERO_PTS, MUX_ZERO_DTS };

struct mux {
    AVFormatContext *format; /* NULL when closed; pb is the caller's */
    AVPacket *packet;
    int64_t video_begin;         /* pts of the first IDR, video time base */
    int64_t origin[TRACK_COUNT]; /* taken off every time stamp, in the track's time base */
    AVRational time_base[TRACK_COUNT];
};

/* Makes the muxer with both streams; no byte is written. 0 or AVERROR; then call mux_close. */
int mux_open(struct mux *m, const char *format, const struct encoder_tracks *tracks);

/* Sets the origin from the IDR and writes the header. Takes `options` as avformat_write_header does. */
int mux_begin(struct mux *m, const AVPacket *idr, enum mux_zero zero, AVDictionary **options);

/* Writes one packet. Returns 0 or AVERROR; packets from before the beginning are left out with 0. */
int mux_write(struct mux *m, const AVPacket *packet);

/* Frees without writing anything (for that: av_write_trailer(m->format)). Half-open is fine. */
void mux_close(struct mux *m);

#endif
