/*
 * reader - a tape from its beginning to its end, an event at a time.
 *
 * Opening reads all of it once: every block's checksum and every number, so that whoever replays for hours knows before what
 * there is. A tape whose show crashed ends in the middle of a block: what lies before is whole, and that is where it ends.
 * One that is damaged in the middle says up to which frame it is good; nothing behind that is ever returned. A tape of a newer
 * format, and what is no tape at all, is refused. Memory is a block, and the names that are on the tape. One thread.
 */
#ifndef TAPE_READER_H
#define TAPE_READER_H

#include "common/error.h"
#include "tape/tape.h"

struct tape_reader;

struct tape_summary {
    int64_t frames;     /* of the video, as far as it can be replayed */
    int64_t pictures;   /* of the dream */
    int64_t bytes;      /* of the file */
    int64_t good_bytes; /* of these, up to where it can be replayed */
    bool has_end;       /* the show was ended in good order */
    bool is_damaged;    /* behind good_bytes is what nothing but damage explains */
};

/* 0, or -errno with a line: what, where, what to do; *r is NULL then. */
int tape_reader_open(struct tape_reader **r, const char *path, struct error *e);
void tape_reader_close(struct tape_reader **r); /* NULL is fine */

const struct tape_head *tape_reader_head(const struct tape_reader *r);
const struct tape_summary *tape_reader_summary(const struct tape_reader *r);

/* The next event, with names in its texts, without TAPE_NAME. 1; 0: there is none; -EIO with a line: the file has changed
 * since it was opened, or cannot be read. */
int tape_reader_next(struct tape_reader *r, struct tape_event *event, struct error *e);

/* Again from the first event on. 0 or -errno. */
int tape_reader_rewind(struct tape_reader *r);

#endif
