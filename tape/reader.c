/*
 * reader - see reader.h. A block is read, checked and taken apart; the place of the next is known only then.
 */
#include "tape/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "tape/code.h"
#include "tape/names.h"

enum { MAGIC_BYTES = sizeof TAPE_MAGIC, BLOCK_HEAD_BYTES = 8 }; /* magic, digit and line break */

enum block { BLOCK_GOOD, BLOCK_NONE, BLOCK_TORN, BLOCK_DAMAGED };

struct tape_reader {
    int fd;
    char *path;
    struct tape_head head;
    struct tape_summary summary;
    struct tape_names names;
    int64_t first; /* where the events' first block lies */
    bool is_scan;  /* names are collected */

    int64_t offset; /* of the next block */
    struct tape_state state;
    struct tape_in in; /* the rest of the block */
    int32_t run;       /* so many pictures of a run are left */
    uint8_t block[TAPE_BLOCK_BYTES];
};

/* ---- blocks ---- */

static ssize_t read_at(const struct tape_reader *r, int64_t offset, void *out, size_t bytes)
{
    return lseek(r->fd, offset, SEEK_SET) < 0 ? -errno : file_read(r->fd, out, bytes);
}

static uint32_t number_at(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A file system may give a file its new length before its bytes: the end of a machine that lost its power. */
static bool is_all_zero(struct tape_reader *r, int64_t offset)
{
    uint8_t bytes[4096];
    ssize_t n;
    while ((n = read_at(r, offset, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (bytes[i])
                return false;
        offset += n;
    }
    return n == 0;
}

/* Only at the very end may a block be half there. */
static enum block judge(struct tape_reader *r, int64_t left)
{
    bool is_tail = left < BLOCK_HEAD_BYTES + TAPE_BLOCK_BYTES;
    return is_tail || is_all_zero(r, r->offset + BLOCK_HEAD_BYTES) ? BLOCK_TORN : BLOCK_DAMAGED;
}

static enum block read_block(struct tape_reader *r)
{
    uint8_t head[BLOCK_HEAD_BYTES];
    int64_t left = r->summary.bytes - r->offset;
    if (left <= 0)
        return BLOCK_NONE;
    if (left < BLOCK_HEAD_BYTES || read_at(r, r->offset, head, sizeof head) < BLOCK_HEAD_BYTES)
        return judge(r, left);
    int64_t bytes = number_at(head);
    if (bytes < 1 || bytes > TAPE_BLOCK_BYTES || bytes > left - BLOCK_HEAD_BYTES)
        return judge(r, left);
    if (file_read(r->fd, r->block, (size_t)bytes) < bytes)
        return judge(r, left);
    if (tape_checksum(r->block, (size_t)bytes) != number_at(head + 4)) {
        bool is_last = is_all_zero(r, r->offset + BLOCK_HEAD_BYTES + bytes); /* also when nothing follows */
        return is_last ? BLOCK_TORN : BLOCK_DAMAGED;
    }
    r->offset += BLOCK_HEAD_BYTES + bytes;
    r->in = (struct tape_in){.at = r->block, .size = (size_t)bytes};
    return BLOCK_GOOD;
}

/* ---- events ---- */

static void show_names(const struct tape_reader *r, struct tape_event *event)
{
    if (event->kind == TAPE_TARGET)
        tape_names_show(&r->names, event->target.caption, sizeof event->target.caption);
    for (int i = 0; i < TAPE_TEXTS && event->kind == TAPE_SIGNS; i++)
        tape_names_show(&r->names, event->signs.texts[i], TAPE_TEXT_BYTES);
}

/* The next record: 1; 0: the end; -EINVAL: from here on it is damaged. */
static int next_record(struct tape_reader *r, struct tape_event *event)
{
    while (r->in.used == r->in.size) {
        enum block b = r->offset < r->summary.good_bytes || r->is_scan ? read_block(r) : BLOCK_NONE;
        if (b != BLOCK_GOOD)
            return b == BLOCK_DAMAGED ? -EINVAL : 0;
    }
    int32_t run;
    if (!tape_take_event(&r->in, &r->state, event, &run))
        return -EINVAL;
    r->run = run > 0 ? run - 1 : 0;
    return 1;
}

static void begin(struct tape_reader *r)
{
    r->offset = r->first;
    r->state = (struct tape_state){0};
    r->in = (struct tape_in){0};
    r->run = 0;
}

static bool count(struct tape_reader *r, const struct tape_event *event)
{
    struct tape_summary *s = &r->summary;
    if (event->kind == TAPE_PICTURE)
        s->pictures += 1 + r->run;
    if (r->run > 0 && !tape_skip_run(&r->state, r->run))
        return false;
    r->run = 0;
    if (event->kind == TAPE_NAME && !tape_names_add(&r->names, &event->name))
        return false;
    return true;
}

/* Whole blocks only: what a bad one says is not believed, its first events neither. */
static void scan(struct tape_reader *r)
{
    struct tape_event event;
    struct tape_summary good = r->summary;
    int rc = 1;
    r->is_scan = true;
    begin(r);
    good.good_bytes = r->first;
    while (rc == 1 && !r->summary.has_end) {
        rc = next_record(r, &event);
        if (rc == 1 && (event.kind == TAPE_END || !count(r, &event))) {
            r->summary.has_end = event.kind == TAPE_END;
            rc = r->summary.has_end ? 1 : -EINVAL;
        }
        r->summary.frames = r->state.frame;
        if (rc == 1 && r->in.used == r->in.size) {
            good = r->summary;
            good.good_bytes = r->offset;
        }
    }
    bool goes_on = r->offset < r->summary.bytes || r->in.used < r->in.size;
    good.is_damaged = rc == -EINVAL || (r->summary.has_end && goes_on);
    r->summary = good;
    r->is_scan = false;
}

int tape_reader_next(struct tape_reader *r, struct tape_event *event, struct error *e)
{
    int rc = 1;
    do {
        if (r->run > 0) {
            r->run--;
            return tape_run_on(&r->state, event) ? 1 : error_set(e, EIO, "%s: has changed", r->path);
        }
        rc = next_record(r, event);
    } while (rc == 1 && event->kind == TAPE_NAME);
    if (rc < 0)
        return error_set(e, EIO, "%s: has changed, or cannot be read any more, at byte %lld", r->path,
                         (long long)r->offset);
    if (rc == 1)
        show_names(r, event);
    return rc;
}

int tape_reader_rewind(struct tape_reader *r)
{
    begin(r);
    return 0;
}

/* ---- open ---- */

static int read_magic(struct tape_reader *r, struct error *e)
{
    char line[MAGIC_BYTES + 8] = "";
    ssize_t n = read_at(r, 0, line, sizeof line - 1);
    if (n < MAGIC_BYTES || memcmp(line, TAPE_MAGIC, MAGIC_BYTES - 1) != 0 ||
        !isdigit((unsigned char)line[MAGIC_BYTES - 1]))
        return error_set(e, EINVAL, "%s: is no dream tape; tapes are what `reverie run` writes into tape.dir",
                         r->path);
    char *end;
    unsigned long format = strtoul(line + MAGIC_BYTES - 1, &end, 10);
    if (format != TAPE_FORMAT)
        return error_set(e, ENOTSUP,
                         "%s: is a tape of format %lu, and this program knows format %d: replay it with the "
                         "version of Reverie that wrote it, or a later one",
                         r->path, format, TAPE_FORMAT);
    if (*end != '\n')
        return error_set(e, EINVAL, "%s: is damaged in its first line; take another copy of it", r->path);
    r->offset = end + 1 - line;
    return 0;
}

static int read_head(struct tape_reader *r, struct error *e)
{
    enum block b = read_block(r);
    if (b == BLOCK_GOOD && tape_take_head(&r->in, &r->head)) {
        r->first = r->offset;
        return 0;
    }
    if (b == BLOCK_NONE || b == BLOCK_TORN)
        return error_set(e, EINVAL, "%s: ends before the show begins; there is nothing to replay", r->path);
    return error_set(e, EINVAL, "%s: is damaged at byte %lld, in its head; take another copy of it", r->path,
                     (long long)r->offset);
}

int tape_reader_open(struct tape_reader **out, const char *path, struct error *e)
{
    struct stat st;
    struct tape_reader *r = *out = xcalloc(1, sizeof *r);
    r->path = xstrdup(path);
    int rc = r->fd = file_open_regular(path, &st, e);
    if (rc >= 0) {
        r->summary.bytes = st.st_size;
        rc = read_magic(r, e);
    }
    if (rc == 0)
        rc = read_head(r, e);
    if (rc < 0) {
        tape_reader_close(out);
        return rc;
    }
    scan(r);
    begin(r);
    return 0;
}

void tape_reader_close(struct tape_reader **out)
{
    struct tape_reader *r = *out;
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    tape_names_clear(&r->names);
    free(r->path);
    free(r);
    *out = NULL;
}

const struct tape_head *tape_reader_head(const struct tape_reader *r)
{
    return &r->head;
}

const struct tape_summary *tape_reader_summary(const struct tape_reader *r)
{
    return &r->summary;
}
