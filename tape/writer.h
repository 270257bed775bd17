/*
 * writer - a tape while the show is on: events from its threads, blocks to the disk.
 *
 * Events are turned into bytes on the thread that has them, and written by a thread of the writer's own every FLUSH_MS, so
 * nobody waits for a disk; a crash costs so much and no more. The file is new (O_EXCL, no link is followed) and only its owner's
 * (0600): it says who wished for what. A name that is forgotten is overwritten where it lies. When the disk cannot take
 * it one warning says so, and the tape ends there; it can be replayed up to that point.
 */
#ifndef TAPE_WRITER_H
#define TAPE_WRITER_H

#include "common/error.h"
#include "tape/tape.h"

enum { TAPE_FLUSH_MS = 2000 };

struct tape_writer;

/* 0 or -errno with a line; *w is NULL then. */
int tape_writer_open(struct tape_writer **w, const char *path, const struct tape_head *head, struct error *e);

/* `frames` were made in all. NULL is fine. */
void tape_writer_close(struct tape_writer **w, int64_t frames);

/* From any thread; NULL is fine. Events that have a frame come in the order of their frames. */
void tape_writer_put(struct tape_writer *w, const struct tape_event *event);

/* Whose request it is, before the first text that says so. Once is enough. "" is nobody. From any thread; NULL is fine. */
void tape_writer_name(struct tape_writer *w, int64_t request_id, const char *who);

/* The name goes from the tape, for good. From any thread; NULL is fine. */
void tape_writer_forget(struct tape_writer *w, int64_t request_id);

#endif
