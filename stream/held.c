/*
 * held - see held.h. An array from whose front groups leave; it is moved together when its end is reached.
 */
#include "stream/held.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/mathematics.h>

#include "common/mem.h"
#include "stream/encoder.h"

static bool is_idr(const AVPacket *p)
{
    return p->stream_index == TRACK_VIDEO && (p->flags & AV_PKT_FLAG_KEY);
}

static int64_t dts_us(const AVPacket *p)
{
    return av_rescale_q(p->dts != AV_NOPTS_VALUE ? p->dts : p->pts, p->time_base, AV_TIME_BASE_Q);
}

static void drop_first(struct held *h)
{
    h->bytes -= (size_t)h->packets[h->first]->size;
    av_packet_free(&h->packets[h->first++]);
}

void held_clear(struct held *h)
{
    while (h->first < h->end)
        drop_first(h);
    h->first = h->end = 0;
}

void held_free(struct held *h)
{
    held_clear(h);
    free(h->packets);
    h->packets = NULL;
    h->room = 0;
}

/* The second IDR, or `end`. */
static int second_group(const struct held *h)
{
    int i = h->first + 1;
    while (i < h->end && !is_idr(h->packets[i]))
        i++;
    return i < h->end ? i : h->end;
}

static bool is_too_much(const struct held *h, int second)
{
    bool rest_is_enough =
        second < h->end && dts_us(h->packets[h->end - 1]) - dts_us(h->packets[second]) >= h->most_us;
    return rest_is_enough || (h->most_bytes > 0 && h->bytes > h->most_bytes);
}

static void shrink(struct held *h)
{
    while (h->first < h->end) {
        int second = second_group(h);
        if (!is_too_much(h, second))
            return;
        while (h->first < second)
            drop_first(h);
    }
    h->first = h->end = 0;
}

static void make_room(struct held *h)
{
    if (h->end < h->room)
        return;
    int count = h->end - h->first;
    if (h->first <= h->room / 2) {
        h->room = h->room ? 2 * h->room : 256;
        h->packets = xrealloc(h->packets, sizeof *h->packets * (size_t)h->room);
    }
    memmove(h->packets, h->packets + h->first, sizeof *h->packets * (size_t)count);
    h->first = 0;
    h->end = count;
}

int held_add(struct held *h, const AVPacket *packet)
{
    if (h->first == h->end && !is_idr(packet))
        return 0;
    AVPacket *copy = av_packet_clone(packet);
    if (!copy) {
        held_clear(h);
        return -1;
    }
    make_room(h);
    h->packets[h->end++] = copy;
    h->bytes += (size_t)copy->size;
    shrink(h);
    return 0;
}
