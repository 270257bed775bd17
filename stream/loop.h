/*
 * loop - the last seconds of the stream as small pictures, of which any moment can be taken as a film without a seam.
 *
 * A ring of LOOP_PICTURES: so many seconds, and one more, which is blended into the beginning at the end: so the film goes on
 * where it began, although the camera never stops falling. Pictures are the frame shrunk by a whole factor to about 320
 * pixels of width (86 kB each of 320x180, 7.6 MB in all; what is taken shares them). One thread.
 */
#ifndef STREAM_LOOP_H
#define STREAM_LOOP_H

#include <stdint.h>

#include "stream/frame.h"

enum { LOOP_FPS = 8, LOOP_SECONDS = 10, LOOP_WIDTH_PX = 320, LOOP_PICTURES = LOOP_FPS * (LOOP_SECONDS + 1) };

struct loop;
struct loop_film;

struct loop *loop_open(int width_px, int height_px); /* of the frames; sides of at least 2 */
void loop_close(struct loop **l);                    /* NULL is fine; films stay good */

/* 0 or -ENOMEM. A frame of another size than at loop_open is left out. */
int loop_add(struct loop *l, const struct frame *f);
void loop_clear(struct loop *l); /* another dream begins */

/* What is there now; NULL: less than two seconds. */
struct loop_film *loop_take(const struct loop *l);
void loop_film_free(struct loop_film *f); /* NULL is fine */

void loop_film_size(const struct loop_film *f, int *width_px, int *height_px, int *count);
/* Picture i of `count`, until the next call. */
void loop_film_picture(struct loop_film *f, int i, struct frame *out);

#endif
