/*
 * sprite - a small picture with transparency in the frame's own colours, to be laid over its planes: what captions and
 * marks are made of. Made once for each text; a frame then costs no more than blending. One thread.
 */
#ifndef STREAM_SPRITE_H
#define STREAM_SPRITE_H

#include <stdint.h>

#include "stream/caption_text.h"
#include "stream/frame.h"

enum { SPRITE_LEVEL_ONE = 256 };

/* At its place. Values are multiplied by alpha: 255 times a byte's range. All zero: there is nothing to draw. */
struct sprite {
    int x, y, width, height; /* in luma pixels, all even */
    uint8_t *alpha[2];       /* [height][width]; [height / 2][width / 2] */
    uint16_t *values[3];     /* the same shapes: Y; Cb, Cr */
    void *memory;
};

/* The image (which stays the caller's), cut to at most that size, at 0, 0. Empty for an empty image. */
struct sprite sprite_make(const struct caption_image *image, int width_max_px, int height_max_px);
void sprite_clear(struct sprite *s);

/* Its upper left corner: made even, so that chroma needs no shifting, and moved inside of the frame. */
void sprite_place(struct sprite *s, int x, int y, const struct frame *frame);

/* `level` of SPRITE_LEVEL_ONE. The frame has the size that it was placed for. */
void sprite_draw(const struct sprite *s, const struct frame *frame, int level);

#endif
