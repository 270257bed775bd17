/*
 * frame - one output picture in memory: what the camera renders, the caption is drawn on and
 * the encoder reads.
 *
 * 8-bit YUV 4:2:0, BT.709, limited range (Y 16..235, Cb and Cr 16..240), chroma sited left (at even columns,
 * between two rows), as H.264 assumes when nothing is said. The fields are those of an AVFrame, so that a
 * frame from the encoder's pool is filled without a copy. The memory belongs to whoever made it.
 */
#ifndef STREAM_FRAME_H
#define STREAM_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/colour.h"

struct frame {
    int width_px, height_px;
    uint8_t *planes[3]; /* Y [height][stride 0], Cb and Cr [(height + 1) / 2][stride 1, 2] */
    int strides[3];     /* bytes from row to row; at least width, (width + 1) / 2 for chroma */
};

/* One grey all over; COLOUR_BLACK_Y is black. */
static inline void frame_fill_grey(const struct frame *f, int luma)
{
    for (int plane = 0; plane < 3; plane++) {
        size_t width = (size_t)(plane ? (f->width_px + 1) / 2 : f->width_px);
        int height = plane ? (f->height_px + 1) / 2 : f->height_px;
        for (int y = 0; y < height; y++)
            memset(f->planes[plane] + (ptrdiff_t)y * f->strides[plane], plane ? COLOUR_GREY_C : luma, width);
    }
}

#endif
