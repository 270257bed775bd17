/*
 * mp4_chapters - see mp4_chapters.h.
 */
#include "stream/mp4_chapters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

enum {
    BOX_BYTES = 8,
    CHPL_HEAD_BYTES = 9, /* version and flags, four bytes that mean nothing, how many */
    CHAPTER_HEAD_BYTES = 9,
    CHAPTERS_MAX = 255,
    TICKS_PER_S = 10000000,
};

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_box(uint8_t *p, size_t bytes, const char *type)
{
    put32(p, (uint32_t)bytes);
    memcpy(p + 4, type, 4);
}

void mp4_chapters_reserve(AVIOContext *io)
{
    uint8_t *room = xcalloc(1, MP4_CHAPTERS_BYTES);
    put_box(room, MP4_CHAPTERS_BYTES, "free");
    avio_write(io, room, MP4_CHAPTERS_BYTES);
    avio_flush(io);
    free(room);
}

/* The bytes of one at `p`. */
static size_t put_chapter(uint8_t *p, const struct mp4_chapter *c)
{
    uint64_t ticks = (uint64_t)(c->begin_s * TICKS_PER_S + 0.5);
    size_t n = strlen(c->title);
    put32(p, (uint32_t)(ticks >> 32));
    put32(p + 4, (uint32_t)ticks);
    p[8] = (uint8_t)n;
    memcpy(p + CHAPTER_HEAD_BYTES, c->title, n);
    return CHAPTER_HEAD_BYTES + n;
}

/* Fills the room: udta with chpl, and a free box for what is left. Returns the bytes of udta. */
static size_t fill(uint8_t *room, const struct mp4_chapter *chapters, int count)
{
    uint8_t *chpl = room + BOX_BYTES, *head = chpl + BOX_BYTES;
    size_t used = 2 * BOX_BYTES + CHPL_HEAD_BYTES;
    int n = 0;
    for (; n < count && n < CHAPTERS_MAX; n++) {
        size_t bytes = CHAPTER_HEAD_BYTES + strlen(chapters[n].title);
        if (used + bytes + BOX_BYTES > MP4_CHAPTERS_BYTES)
            break;
        used += put_chapter(room + used, &chapters[n]);
    }
    head[0] = 1;
    head[CHPL_HEAD_BYTES - 1] = (uint8_t)n;
    put_box(chpl, used - BOX_BYTES, "chpl");
    put_box(room, used, "udta");
    put_box(room + used, MP4_CHAPTERS_BYTES - used, "free");
    return used;
}

/* Where moov begins in the header, which it must end; -1: it does not look so. */
static off_t find_moov(int fd, off_t header_bytes, uint32_t *moov_bytes)
{
    uint8_t box[BOX_BYTES];
    for (off_t at = 0; at + BOX_BYTES <= header_bytes; at += *moov_bytes) {
        if (pread(fd, box, BOX_BYTES, at) != BOX_BYTES || (*moov_bytes = get32(box)) < BOX_BYTES)
            return -1;
        if (memcmp(box + 4, "moov", 4) == 0)
            return at + *moov_bytes == header_bytes ? at : -1;
    }
    return -1;
}

int mp4_chapters_write(int fd, off_t header_bytes, const struct mp4_chapter *chapters, int count)
{
    uint8_t box[BOX_BYTES], size[4];
    uint32_t moov_bytes;
    off_t moov = find_moov(fd, header_bytes, &moov_bytes);
    if (moov < 0 || pread(fd, box, BOX_BYTES, header_bytes) != BOX_BYTES || memcmp(box + 4, "free", 4) != 0 ||
        get32(box) != MP4_CHAPTERS_BYTES)
        return -EINVAL;
    uint8_t *room = xcalloc(1, MP4_CHAPTERS_BYTES);
    put32(size, moov_bytes + (uint32_t)fill(room, chapters, count));
    /* Between both there is a udta of the file's own, which players pass over. */
    bool done = pwrite(fd, room, MP4_CHAPTERS_BYTES, header_bytes) == MP4_CHAPTERS_BYTES &&
                pwrite(fd, size, sizeof size, moov) == sizeof size;
    free(room);
    return done ? 0 : -EIO;
}

/* The room of a file that has its chapters: udta and chpl, where moov ends. -ENODATA: none is there. */
static off_t find_room(int fd)
{
    uint8_t box[2 * BOX_BYTES];
    off_t at = 0, end;
    uint32_t bytes = 0;
    for (; pread(fd, box, BOX_BYTES, at) == BOX_BYTES && memcmp(box + 4, "moov", 4) != 0; at += bytes)
        if ((bytes = get32(box)) < BOX_BYTES || at > MP4_CHAPTERS_BYTES)
            return -ENODATA;
    if (memcmp(box + 4, "moov", 4) != 0)
        return -ENODATA;
    end = at + get32(box);
    for (at += BOX_BYTES; at < end && pread(fd, box, sizeof box, at) == sizeof box; at += bytes) {
        if ((bytes = get32(box)) < BOX_BYTES)
            return -ENODATA;
        bool ours = memcmp(box + 4, "udta", 4) == 0 && memcmp(box + BOX_BYTES + 4, "chpl", 4) == 0;
        if (ours && at + bytes == end)
            return at;
    }
    return -ENODATA;
}

/* Each title in its place; one that is too long is cut. -EINVAL: the chapters are others. */
static int put_titles(uint8_t *room, const struct mp4_chapter *chapters, int count)
{
    size_t at = 2 * BOX_BYTES + CHPL_HEAD_BYTES, end = get32(room);
    if (end > MP4_CHAPTERS_BYTES || room[at - 1] > count)
        return -EINVAL;
    for (int i = 0; i < room[2 * BOX_BYTES + CHPL_HEAD_BYTES - 1]; i++) {
        size_t n = at + CHAPTER_HEAD_BYTES <= end ? room[at + CHAPTER_HEAD_BYTES - 1] : MP4_CHAPTERS_BYTES;
        size_t have = strlen(chapters[i].title);
        at += CHAPTER_HEAD_BYTES;
        if (at + n > end)
            return -EINVAL;
        memset(room + at, ' ', n);
        memcpy(room + at, chapters[i].title, have < n ? have : n);
        at += n;
    }
    return 0;
}

int mp4_chapters_rename(const char *path, const struct mp4_chapter *chapters, int count)
{
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    uint8_t *room = xcalloc(1, MP4_CHAPTERS_BYTES);
    off_t at = find_room(fd);
    int rc = at < 0 ? (int)at : 0;
    if (rc == 0 && pread(fd, room, MP4_CHAPTERS_BYTES, at) != MP4_CHAPTERS_BYTES)
        rc = -EIO;
    if (rc == 0)
        rc = put_titles(room, chapters, count);
    if (rc == 0 && pwrite(fd, room, get32(room), at) != (ssize_t)get32(room))
        rc = -EIO;
    free(room);
    close(fd);
    return rc;
}
