/*
 * inject_libav - the calls into FFmpeg's libraries that give memory, beside those of inject.h. What these libraries
 * allocate inside is not touched.
 */
#ifndef TESTS_FAILURES_INJECT_LIBAV_H
#define TESTS_FAILURES_INJECT_LIBAV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>

#include "tests/failures/inject.h"

IN_PLACE_OF(AVFrame *, av_frame_alloc, (void), (), NULL)
IN_PLACE_OF(int, av_frame_get_buffer, (AVFrame * f, int align), (f, align), AVERROR(ENOMEM))
IN_PLACE_OF(AVPacket *, av_packet_alloc, (void), (), NULL)
IN_PLACE_OF(void *, av_malloc, (size_t size), (size), NULL)
IN_PLACE_OF(AVIOContext *, avio_alloc_context,
            (unsigned char *buffer, int size, int writes, void *opaque, int (*read)(void *, uint8_t *, int),
             int (*write)(void *, uint8_t *, int), int64_t (*seek)(void *, int64_t, int)),
            (buffer, size, writes, opaque, read, write, seek), NULL)
IN_PLACE_OF(int, av_new_packet, (AVPacket * p, int size), (p, size), AVERROR(ENOMEM))
IN_PLACE_OF(struct AVMD5 *, av_md5_alloc, (void), (), NULL)
IN_PLACE_OF(int, av_channel_layout_copy, (AVChannelLayout * to, const AVChannelLayout *from), (to, from),
            AVERROR(ENOMEM))
IN_PLACE_OF(AVCodecContext *, avcodec_alloc_context3, (const AVCodec *codec), (codec), NULL)
IN_PLACE_OF(int, avcodec_open2, (AVCodecContext * c, const AVCodec *codec, AVDictionary **options),
            (c, codec, options), AVERROR(ENOMEM))
IN_PLACE_OF(AVCodecParameters *, avcodec_parameters_alloc, (void), (), NULL)
IN_PLACE_OF(int, avcodec_parameters_copy, (AVCodecParameters * to, const AVCodecParameters *from), (to, from),
            AVERROR(ENOMEM))
IN_PLACE_OF(int, avcodec_parameters_from_context, (AVCodecParameters * to, const AVCodecContext *from),
            (to, from), AVERROR(ENOMEM))
IN_PLACE_OF(int, avformat_alloc_output_context2,
            (AVFormatContext * *out, const AVOutputFormat *format, const char *name, const char *file),
            (out, format, name, file), AVERROR(ENOMEM))
IN_PLACE_OF(AVStream *, avformat_new_stream, (AVFormatContext * format, const AVCodec *codec),
            (format, codec), NULL)

#endif
