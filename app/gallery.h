/*
 * gallery - what is left of each wish: its best still and a loop of ten seconds, in a folder that never grows without end;
 * at the end of the show a contact sheet, and a list of who dreamed what.
 *
 * Section "gallery". A thread of its own with low priority does all of it. The stream's thread only lends a frame eight times a
 * second (stream/snapshot.h: one copy, and only when nobody else holds it), before anything is written on it, so that no
 * name is ever in a picture. The best still is the frame that was on the screen when the network was surest; where it does
 * not say, the last one. The loop is of the seconds around that. Pictures are encoded a few at a time.
 *
 *     20261128-004451-7.jpg, .mp4     the still and the loop of wish 7 of the show that began then
 *     credits-20261128-004451.jpg     the contact sheet; .json and .txt: who dreamed what
 *     gallery.json                    the list of all, for the next show: 0600, for it has logins
 *
 * What is not in the book of credits has no files: whom a moderator removes is gone from the folder within a second,
 * and lists and sheets of earlier shows are made anew without them.
 */
#ifndef APP_GALLERY_H
#define APP_GALLERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "config/option.h"
#include "dreamer/port.h"
#include "show/credits.h"
#include "stream/frame.h"

enum gallery_loop { GALLERY_LOOP_NONE, GALLERY_LOOP_MP4, GALLERY_LOOP_WEBP };

struct gallery_config {
    bool enabled;
    char dir[OPTION_STRING_BYTES];
    int loop; /* enum gallery_loop */
    int64_t keep_days, keep_count, keep_mb;
};
extern const struct option_section gallery_section;

struct gallery;

/* All must outlive the gallery. */
struct gallery_params {
    const struct gallery_config *config;
    struct credits *credits;
    struct port *port;       /* for belief */
    int width_px, height_px; /* of the video */
};

/* Makes the folder, takes the entries of earlier shows into the book, starts the thread. 0, or -errno with a line; *g is NULL
 * then, and where it is off. */
int gallery_open(struct gallery **g, const struct gallery_params *p, struct error *e);
/* The stream has been closed. Writes what is left, the sheet and the lists, within two seconds. NULL is fine. */
void gallery_close(struct gallery **g);

/* All calls below take NULL. */

/* The stream's thread: a frame before anything is written on it; and whose dream it shows from now on (0: nobody's). */
void gallery_picture(struct gallery *g, const struct frame *f);
void gallery_shown(struct gallery *g, int64_t request_id);

/* These are in the book no more. Any thread; the files go soon after. */
void gallery_forget(struct gallery *g, const struct credit *gone, int count);

/* A file by its name, "20261128-004451-7.jpg": *bytes is the caller's. 0; -EAGAIN: ask again in a moment; -ENOENT: there is
 * none. Any thread, never waits for the disk. */
int gallery_file(struct gallery *g, const char *name, uint8_t **bytes, size_t *size);

#endif
