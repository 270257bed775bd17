/*
 * flash_guard - no more than three flashes in any second reach a viewer (WCAG 2.3.1).
 *
 * What counts is what WCAG 2.2 says under "general flash and red flash thresholds". A general flash is a pair of
 * opposing changes of relative luminance by 10 % of its largest value or more, where the darker one is below 0.80. A red flash
 * is such a pair that involves a saturated red, R / (R + G + B) >= 0.8, and moves (R - G - B) * 320 by more than 20,
 * linear values of 0..1, negative ones set to 0. Three in one second are allowed; more are when they cover less than a
 * quarter of any field of 10 degrees of view, which WCAG takes for a third of the screen's width by a third of its
 * height.
 *
 * It looks at the frames as they are sent, captions and all, through a grid of cells. A cell that has had its six
 * changes within the last second, while that is so for a quarter of any field, is held: its mean colour stays as it
 * was sent last, until the oldest change is a second ago; what moves inside of it goes on. Other cells, and all frames while nothing flashes, stay as they
 * are, byte for byte. Flashes smaller than a cell are not seen: they are far below the area that counts.
 *
 * Arithmetic on what it is given, frame by frame: the same frames give the same bytes. One thread.
 */
#ifndef STREAM_FLASH_GUARD_H
#define STREAM_FLASH_GUARD_H

#include <stdbool.h>

#include "common/error.h"
#include "stream/frame.h"

/* Choices of video.flash_guard. */
enum flash_guard_mode { FLASH_GUARD_ON, FLASH_GUARD_OFF };

struct flash_guard;

/* For frames of this size and rate. 0, or -ENOMEM with a line; *g is NULL then. */
int flash_guard_open(struct flash_guard **g, int width_px, int height_px, int fps, struct error *e);
void flash_guard_close(struct flash_guard **g); /* NULL is fine */

/* The next frame, which is changed where it must be. Returns how many cells were held; 0: the frame is as it was. */
int flash_guard_pass(struct flash_guard *g, const struct frame *f);

#endif
