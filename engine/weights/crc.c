/*
 * crc - CRC-32, sixteen bytes a step: half a gigabyte of weights is checked while it is opened.
 *
 * Slicing (Kounavis and Berry, 2005): a table for each of the sixteen distances that a byte may be from the
 * end of its step, so that the sixteen look-ups do not wait for one another. The tables take 16 KB and a few
 * microseconds to make; they are made anew for each member, which spares shared state, and a small one takes
 * the first alone.
 */
#include "engine/weights/zip.h"

#include <stdbool.h>
#include <string.h>

enum { SLICES = 16, LARGE = 65536 };

struct crc_tables {
    uint32_t slice[SLICES][256];
};

static void make_tables(struct crc_tables *t, int slices)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        t->slice[0][i] = c;
    }
    for (int s = 1; s < slices; s++)
        for (int i = 0; i < 256; i++) {
            uint32_t c = t->slice[s - 1][i];
            t->slice[s][i] = c >> 8 ^ t->slice[0][c & 255];
        }
}

uint32_t zip_crc32(const uint8_t *bytes, size_t size)
{
    struct crc_tables t;
    bool large = size >= LARGE;
    make_tables(&t, large ? SLICES : 1);
    uint32_t c = ~0u;
    for (; large && size >= SLICES; size -= SLICES, bytes += SLICES) {
        uint8_t b[SLICES];
        memcpy(b, bytes, SLICES);
        for (int i = 0; i < 4; i++)
            b[i] ^= (uint8_t)(c >> 8 * i);
        c = 0;
        for (int i = 0; i < SLICES; i++)
            c ^= t.slice[SLICES - 1 - i][b[i]];
    }
    for (; size > 0; size--, bytes++)
        c = c >> 8 ^ t.slice[0][(c ^ *bytes) & 255];
    return ~c;
}
