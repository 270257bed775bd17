/*
 * sidecar - what was on while a file was recorded, beside NAME.mp4: who asked for what, and from when on, as NAME.json and,
 * for players and web pages, as NAME.vtt (webvtt.h).
 *
 *     {"file": "20261127-201500-000.mp4", "shown": [{"id": 7, "text": "goldfish + pizza", "by": "ann", "begin_s": 12.48}]}
 *
 * The dream's own ideas are in it with id 0 and nobody's name, so that each entry lasts until the next. A file in which
 * nobody asked for anything has none. They are written once a minute and at the end. What is withdrawn loses its names
 * in all of them, and in the chapters of files that are closed already: of the last 64 files of this show.
 */
#ifndef STREAM_SIDECAR_H
#define STREAM_SIDECAR_H

#include <stdbool.h>
#include <stdint.h>

#include "stream/mp4_chapters.h"

struct sidecar;

struct sidecar *sidecar_new(void);
void sidecar_free(struct sidecar *s); /* NULL is fine */

/* From picture `pts` (in frames) on this is shown. `text` NULL: the request was withdrawn. Any thread; never waits for
 * a disk. */
void sidecar_note(struct sidecar *s, int64_t request_id, const char *text, const char *by, int64_t pts);

/* The same, for the pictures first_pts to end_pts, as chapters: "goldfish + pizza (ann)". The caller's to free; NULL and 0
 * where nobody asked for anything. Any thread. */
struct mp4_chapter *sidecar_chapters(struct sidecar *s, int64_t first_pts, int64_t end_pts, int fps,
                                     int *count);

/* Writes what belongs to the pictures first_pts to end_pts of the file at `mp4_path`. `closed`: what is over by then is
 * forgotten. 0 (also when there is nothing to write) or -errno. */
int sidecar_write(struct sidecar *s, const char *mp4_path, int64_t first_pts, int64_t end_pts, int fps,
                  bool closed);

/* Takes names that were withdrawn out of what belongs to closed files. Waits for the disk; nothing to do costs a look.
 * 0, or -errno of what could not be changed. */
int sidecar_mend(struct sidecar *s);

#endif
