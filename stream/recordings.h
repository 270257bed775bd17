/*
 * recordings - the folder of recordings: which files in it are ours, how much room there is, and which are old enough
 * to go.
 *
 * A recording is DIR/YYYYMMDD-HHMMSS-NNN.mp4. Only a regular file whose whole name has this form is ever removed,
 * never a link, never what has been written to in the last minute; the .json beside it goes with it, and each removal is told.
 */
#ifndef STREAM_RECORDINGS_H
#define STREAM_RECORDINGS_H

#include <stdbool.h>
#include <stdint.h>

struct recordings_limits {
    int64_t days;    /* keep no longer; 0: for ever */
    double gb;       /* keep no more, in 10^9 bytes; 0: all */
    int64_t free_mb; /* have so much free on the disk; 0: do not care */
};

/* MB (10^6 bytes) that may still be written beside `dir`; INT64_MAX when nobody knows. */
int64_t recordings_free_mb(const char *dir);

/* Creates the next one under a name that nobody has; *path is the caller's to free. `serial` counts them. Returns the
 * descriptor or -errno. */
int recordings_create(const char *dir, unsigned *serial, char **path);

/* Removes the oldest, as many as the limits ask for. Returns how many. */
int recordings_tidy(const char *dir, const struct recordings_limits *limits);

#endif
