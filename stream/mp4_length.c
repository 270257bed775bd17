/*
 * mp4_length - see mp4_length.h. The header is a few kB of our own muxer's: whatever looks otherwise than it should is
 * left alone.
 */
#include "stream/mp4_length.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

enum { HEADER_MAX = 1 << 16 };

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Puts the length into a box whose payload begins with its version; in version 1 times have 64 bits. `length_at`: its
 * place in version 0, behind two other times. */
static bool fill(uint8_t *body, size_t bytes, double length_s, uint32_t scale, size_t length_at)
{
    bool wide = body[0] == 1;
    size_t at = wide ? length_at + 8 : length_at;
    if (bytes < at + (wide ? 8 : 4) || body[0] > 1)
        return false;
    uint64_t length = (uint64_t)(length_s * scale + 0.5);
    if (wide)
        put32(body + at, (uint32_t)(length >> 32));
    put32(body + at + (wide ? 4 : 0), wide || length < UINT32_MAX ? (uint32_t)length : UINT32_MAX);
    return true;
}

static uint32_t scale_of(const uint8_t *body)
{
    return get32(body + (body[0] == 1 ? 20 : 12));
}

/* Boxes within `data`; *scale is the movie's once mvhd has been met. */
static bool walk(uint8_t *data, size_t bytes, double length_s, uint32_t *scale)
{
    bool found = false;
    for (size_t at = 0, size; at + 8 <= bytes; at += size) {
        uint8_t *box = data + at, *body = box + 8;
        size = get32(box);
        if (size < 8 || size > bytes - at)
            return found;
        const char *type = (const char *)box + 4;
        if (memcmp(type, "moov", 4) == 0 || memcmp(type, "trak", 4) == 0 || memcmp(type, "mdia", 4) == 0)
            found |= walk(body, size - 8, length_s, scale);
        if (memcmp(type, "mvhd", 4) == 0 && size >= 8 + 24) {
            *scale = scale_of(body);
            found |= fill(body, size - 8, length_s, *scale, 16);
        }
        if (memcmp(type, "mdhd", 4) == 0 && size >= 8 + 24)
            fill(body, size - 8, length_s, scale_of(body), 16);
        if (memcmp(type, "tkhd", 4) == 0 && size >= 8 + 24)
            fill(body, size - 8, length_s, *scale, 20);
    }
    return found;
}

int mp4_length_write(int fd, off_t header_bytes, double length_s)
{
    uint32_t scale = 0;
    if (header_bytes <= 0 || header_bytes > HEADER_MAX)
        return -EINVAL;
    uint8_t *header = xmalloc((size_t)header_bytes);
    int rc = 0;
    if (pread(fd, header, (size_t)header_bytes, 0) != header_bytes)
        rc = -EIO;
    else if (!walk(header, (size_t)header_bytes, length_s, &scale))
        rc = -EINVAL;
    else if (pwrite(fd, header, (size_t)header_bytes, 0) != header_bytes)
        rc = -EIO;
    free(header);
    return rc;
}
