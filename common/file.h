/*
 * file - the few ways in which this program uses files: read whole, written whole, and folders made.
 *
 * Whatever is read as a file must be one (or /dev/null, an empty one): a folder, a device and a FIFO are refused, and opening never waits for
 * the other end of a FIFO. Whatever is written whole appears under its name in one moment: it is written beside it
 * as PATH.part, synced and renamed, then the folder is synced too, so that even a power cut leaves the old file or
 * the new one. Calls that a signal has interrupted go on.
 */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/error.h"

/* Opens a regular file for reading; the caller closes the descriptor. *st is what fstat says about it.
 * -errno with a line "PATH: why"; -EISDIR, and -EINVAL for what else is no regular file. */
int file_open_regular(const char *path, struct stat *st, struct error *e);

/* Reads until `size` bytes are there or the file ends. Returns the bytes, or -errno. */
ssize_t file_read(int fd, void *out, size_t size);

/* The whole file, with a terminator behind its `*bytes` (which may be NULL): *text is the caller's to free, NULL on
 * failure. 0 or -errno with a line naming the file; -EFBIG when it holds more than `max` bytes. */
int file_read_all(const char *path, size_t max, char **text, size_t *bytes, struct error *e);

/* Writes everything to a descriptor that blocks. Returns the bytes that got through; fewer than `bytes`: errno says
 * why. */
size_t file_write(int fd, const void *data, size_t bytes);

/* Replaces the file by these bytes, or leaves it as it is; of a link the link, never what it leads to; nothing but a
 * regular file (-EINVAL). `mode` is less the umask (0600 for what is private). A
 * PATH.part that a crash has left is thrown away. 0 or -errno with a line naming the file; -EBUSY when another
 * program writes the same file at this moment. */
int file_write_whole(const char *path, const void *data, size_t bytes, mode_t mode, struct error *e);

/* Writes to a place that a person has named: a regular file or none is replaced as above (behind a link, the one that it
 * leads to); a device or a FIFO is opened and written, and waits as it does. 0 or -errno with a line; -EACCES for a file
 * that nobody may write, even for root. */
int file_write_place(const char *path, const void *data, size_t bytes, mode_t mode, struct error *e);

/* Whether files can be made in this folder, itself made if need be: tried by making a folder in the nearest one
 * that is there and taking it away again. *free_mb (may be NULL): MB (10^6 bytes) that may still be written
 * there. 0 or -errno with a line naming that nearest folder. */
int file_check_folder(const char *path, int64_t *free_mb, struct error *e);

/* Whether file_write_place(path) would find its place: the folder is there, takes files, and PATH is none itself; or it
 * is a device or FIFO that may be written, *is_special (may be NULL) then. 0 or -errno with a line. */
int file_check_target(const char *path, bool *is_special, struct error *e);

/* Makes the folder and those above it, where they are missing. 0 (also when it is there) or -errno with a line. */
int file_make_folders(const char *path, mode_t mode, struct error *e);

#endif
