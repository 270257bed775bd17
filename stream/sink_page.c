/*
 * sink_page - the preview: the same packets as everybody's, as MP4 fragments of some 100 ms for MediaSource.
 *
 * A fragment ends when it holds a tenth of a second of pictures, and before every IDR, so that a viewer can begin at
 * one. Times begin at the first IDR's decoding time: nothing is negative and no edit list is needed, which browsers
 * read differently. The show's clock and the preview's are joined by `zero_frame`, so that a page can tell how far
 * behind it really is.
 */
#include "stream/sink.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/mem.h>

#include "common/log.h"
#include "stream/av_log.h"
#include "stream/mux.h"
#include "stream/stream.h"

enum { IO_BUFFER_BYTES = 1 << 15, FRAGMENTS_PER_S = 10, TYPE_BYTES = 96 };

struct page_sink {
    struct mux mux;
    AVIOContext *io;
    uint8_t *bytes; /* owned: what the muxer has written of the fragment */
    size_t count, room;
    int64_t first_frame;    /* of the show, that the encoder began with */
    int pictures;           /* in the fragment */
    bool begun, group;      /* the header is out; the fragment begins with an IDR */
    int64_t oldest, newest; /* pts of its first picture and of its latest; the picture rate may fall */
    int64_t origin;         /* dts of the first IDR */
    bool warned;
};

static bool page_enabled(const void *config)
{
    return ((const struct stream_page *)config)->fragment != NULL;
}

static int page_open(struct sink *s, struct error *e)
{
    struct page_sink *p = s->priv;
    (void)e;
    /* The encoder is as new as this sink. */
    p->first_frame = stats_get(s->stats, STAT_FRAMES) + stats_get(s->stats, STAT_FRAMES_SKIPPED);
    return 0;
}

static int gather(void *opaque, uint8_t *data, int size)
{
    struct page_sink *p = opaque;
    if (p->count + (size_t)size > p->room) {
        p->room = 2 * (p->count + (size_t)size);
        p->bytes = xrealloc(p->bytes, p->room);
    }
    memcpy(p->bytes + p->count, data, (size_t)size);
    p->count += (size_t)size;
    return size;
}

/* "video/mp4; codecs=\"avc1.64001f, mp4a.40.2\"": profile, constraints and level stand behind the head of the SPS
 * (H.264, 7.3.2.1; RFC 6381, 3.3). */
static void describe(const AVCodecParameters *video, char type[TYPE_BYTES])
{
    const uint8_t *d = video->extradata;
    for (int i = 0; i + 6 < video->extradata_size; i++)
        if (d[i] == 0 && d[i + 1] == 0 && d[i + 2] == 1 && (d[i + 3] & 0x1f) == 7) {
            snprintf(type, TYPE_BYTES, "video/mp4; codecs=\"avc1.%02x%02x%02x, mp4a.40.2\"", d[i + 4],
                     d[i + 5], d[i + 6]);
            return;
        }
    snprintf(type, TYPE_BYTES, "video/mp4; codecs=\"avc1.640028, mp4a.40.2\"");
}

static int begin_muxer(struct sink *s, const AVPacket *idr)
{
    struct page_sink *p = s->priv;
    unsigned char *buffer = av_malloc(IO_BUFFER_BYTES);
    p->io = buffer ? avio_alloc_context(buffer, IO_BUFFER_BYTES, 1, p, NULL, gather, NULL) : NULL;
    if (!p->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    int rc = mux_open(&p->mux, "mp4", s->tracks);
    if (rc < 0)
        return rc;
    AVDictionary *options = NULL;
    p->mux.format->pb = p->io;
    av_dict_set(&options, "movflags", "frag_custom+empty_moov+default_base_moof", 0);
    rc = mux_begin(&p->mux, idr, MUX_ZERO_DTS, &options);
    av_dict_free(&options);
    avio_flush(p->io);
    return rc < 0 ? rc : p->io->error;
}

static void end_muxer(struct page_sink *p)
{
    mux_close(&p->mux);
    if (p->io)
        av_freep(&p->io->buffer);
    avio_context_free(&p->io);
    p->begun = false;
    p->count = 0;
}

static void give_up(struct sink *s, int rc)
{
    struct page_sink *p = s->priv;
    log_write(p->warned ? LOG_DEBUG : LOG_WARN, "page", "no preview: %s; trying again",
              av_error_describe(rc).text);
    p->warned = true;
    stats_add(s->stats, STAT_SINK_ERRORS, 1);
    sink_tell(s, STATS_SINK_RETRYING);
    end_muxer(p);
}

static void begin(struct sink *s, const AVPacket *idr)
{
    const struct stream_page *page = s->config;
    struct page_sink *p = s->priv;
    char type[TYPE_BYTES];
    av_log_forget();
    int rc = begin_muxer(s, idr);
    if (rc < 0) {
        give_up(s, rc);
        return;
    }
    describe(s->tracks->parameters[TRACK_VIDEO], type);
    p->begun = true;
    p->origin = idr->dts;
    page->begin(page->context, p->bytes, p->count, type, p->first_frame + idr->dts);
    p->count = 0;
    p->pictures = 0;
    sink_tell(s, STATS_SINK_OK);
}

static int end_fragment(struct sink *s)
{
    const struct stream_page *page = s->config;
    struct page_sink *p = s->priv;
    int rc = av_write_frame(p->mux.format, NULL);
    avio_flush(p->io);
    if (rc < 0 || p->io->error < 0)
        return rc < 0 ? rc : p->io->error;
    double end_s = (double)(p->newest + 1 - p->origin) * av_q2d(s->tracks->time_base[TRACK_VIDEO]);
    page->fragment(page->context, p->bytes, p->count, p->group, end_s);
    sink_sent(s, (int64_t)p->count);
    p->count = 0;
    p->pictures = 0;
    return 0;
}

static int write_packet(struct sink *s, const AVPacket *packet)
{
    struct page_sink *p = s->priv;
    bool video = packet->stream_index == TRACK_VIDEO, idr = video && (packet->flags & AV_PKT_FLAG_KEY);
    int rc = 0;
    bool whole = (p->newest + 1 - p->oldest) * FRAGMENTS_PER_S >= s->tracks->fps;
    if (video && p->pictures > 0 && (idr || whole))
        rc = end_fragment(s);
    if (rc == 0 && video) {
        p->group = p->pictures++ == 0 ? idr : p->group;
        p->oldest = p->pictures == 1 ? packet->pts : p->oldest;
        p->newest = p->pictures == 1 || packet->pts > p->newest ? packet->pts : p->newest;
    }
    if (rc == 0)
        rc = mux_write(&p->mux, packet);
    return rc;
}

static void page_write(struct sink *s, AVPacket *packet)
{
    struct page_sink *p = s->priv;
    if (!p->begun && packet->stream_index == TRACK_VIDEO && (packet->flags & AV_PKT_FLAG_KEY))
        begin(s, packet);
    int rc = p->begun ? write_packet(s, packet) : 0;
    if (rc < 0)
        give_up(s, rc);
}

static void page_close(struct sink *s)
{
    struct page_sink *p = s->priv;
    end_muxer(p);
    free(p->bytes);
}

const struct sink_ops sink_page = {
    .name = "page",
    .description = "the preview of the page",
    .config_size = sizeof(struct stream_page),
    .priv_size = sizeof(struct page_sink),
    .limits = {.hard_ms = 2000, .hard_bytes = 16 << 20},
    .live_only = true,
    .enabled = page_enabled,
    .open = page_open,
    .write = page_write,
    .close = page_close,
};
