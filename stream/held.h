/*
 * held - packets that are kept, from one IDR on: by reference, bounded in time and in bytes, the oldest groups of
 * pictures leave first.
 *
 * What is kept can always be decoded from its first packet on, which is an IDR. Not thread-safe.
 */
#ifndef STREAM_HELD_H
#define STREAM_HELD_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/packet.h>

struct held {
    int64_t
        most_us; /* before the first call; all else zero. Whole groups leave while the rest is at least so long; */
    size_t most_bytes; /* and while there is more than this. 0: any */

    AVPacket **packets; /* [room], of which `first` to `end` - 1 are there */
    int first, end, room;
    size_t bytes;
};

/* Keeps a reference. What comes before the first IDR is left out. -1: no memory, and all is gone. */
int held_add(struct held *h, const AVPacket *packet);

/* Forgets all. */
void held_clear(struct held *h);

/* Forgets all, and its memory. */
void held_free(struct held *h);

#endif
