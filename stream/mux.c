/*
 * mux - see mux.h.
 */
#include "stream/mux.h"

#include <libavutil/mathematics.h>

int mux_open(struct mux *m, const char *format, const struct encoder_tracks *tracks)
{
    *m = (struct mux){.packet = av_packet_alloc()};
    if (!m->packet)
        return AVERROR(ENOMEM);
    int rc = avformat_alloc_output_context2(&m->format, NULL, format, NULL);
    if (rc < 0)
        return rc;
    m->format->flags |= AVFMT_FLAG_FLUSH_PACKETS | AVFMT_FLAG_BITEXACT;
    m->format->avoid_negative_ts = 0; /* our origin is the only shift */
    for (int t = 0; t < TRACK_COUNT; t++) {
        AVStream *stream = avformat_new_stream(m->format, NULL);
        if (!stream)
            return AVERROR(ENOMEM);
        if ((rc = avcodec_parameters_copy(stream->codecpar, tracks->parameters[t])) < 0)
            return rc;
        stream->time_base = m->time_base[t] = tracks->time_base[t];
        if (t == TRACK_VIDEO)
            stream->avg_frame_rate = stream->r_frame_rate = (AVRational){tracks->fps, 1};
    }
    return 0;
}

int mux_begin(struct mux *m, const AVPacket *idr, enum mux_zero zero, AVDictionary **options)
{
    m->video_begin = idr->pts;
    m->origin[TRACK_VIDEO] = zero == MUX_ZERO_PTS ? idr->pts : idr->dts;
    m->origin[TRACK_AUDIO] =
        av_rescale_q(m->origin[TRACK_VIDEO], m->time_base[TRACK_VIDEO], m->time_base[TRACK_AUDIO]);
    return avformat_write_header(m->format, options);
}

int mux_write(struct mux *m, const AVPacket *packet)
{
    int t = packet->stream_index;
    if (av_compare_ts(packet->pts, m->time_base[t], m->video_begin, m->time_base[TRACK_VIDEO]) < 0)
        return 0;
    int rc = av_packet_ref(m->packet, packet);
    if (rc < 0)
        return rc;
    m->packet->pts -= m->origin[t];
    m->packet->dts -= m->origin[t];
    av_packet_rescale_ts(m->packet, m->time_base[t], m->format->streams[t]->time_base);
    rc = av_write_frame(m->format, m->packet);
    av_packet_unref(m->packet);
    return rc < 0 ? rc : 0;
}

void mux_close(struct mux *m)
{
    avformat_free_context(m->format);
    av_packet_free(&m->packet);
    *m = (struct mux){0};
}
