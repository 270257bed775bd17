/*
 * disk_watch - brings what is recorded to the disk itself every two seconds, and notices a disk that hangs.
 *
 * Without fdatasync a power cut takes up to half a minute of a file that was written in good order. It may take long,
 * so it has a thread of its own. A disk that hangs (a network folder that is gone) holds that thread, and the one that
 * writes, inside of the kernel, where neither can say so: a second thread that touches no disk looks at both, warns
 * once when nothing has moved for 5 s, and says when it goes on.
 */
#ifndef STREAM_DISK_WATCH_H
#define STREAM_DISK_WATCH_H

#include "common/error.h"

struct disk_watch;

/* `part` for the log and `folder` must outlive it. 0 or -errno with a line; *w is NULL then. */
int disk_watch_open(struct disk_watch **w, const char *part, const char *folder, struct error *e);

/* Hangs with a disk that does. NULL is fine. */
void disk_watch_close(struct disk_watch **w);

/* From now on it is this file that is synced; -1: none. The one before is synced at once. The descriptor stays the
 * caller's. Writer's thread, between begin and end. */
void disk_watch_file(struct disk_watch *w, int fd);

/* The writer is about to touch the disk, and has done so. */
void disk_watch_begin(struct disk_watch *w);
void disk_watch_end(struct disk_watch *w);

#endif
