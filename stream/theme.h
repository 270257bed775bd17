/*
 * theme - how all that is written on the picture looks as a whole: which letters, on what ground, in which corner, how far
 * from the edges. caption.theme names one; font and colour of the settings go over it.
 *
 *     plain        as caption.style and caption.position say
 *     classic2015  the show of 2015: white without anti-aliasing on a black box, which comes and goes at once
 *     lower-third  a dark plate in the lower part of the picture, as newsreaders have: the caption, and its lines below
 *
 * Everything is computed once, from the settings and the size of the frame. Places are luma pixels.
 */
#ifndef STREAM_THEME_H
#define STREAM_THEME_H

#include <stdbool.h>

#include "stream/caption_text.h"
#include "stream/overlay.h"

struct theme {
    bool boxed, right, bottom;
    double letter_px, fade_s;
    int margin_x_px, margin_y_px; /* from the frame's edge to the caption's letters; boxed: to its box */
    int safe_x_px, safe_y_px;     /* what all other signs keep to */
    int width_max_px;             /* of the caption, shadow included */

    /* The plate; width 0: none. */
    int plate_x, plate_y, plate_width_px, plate_height_px;
    int accent_px;    /* a bright stripe at its outer edge */
    int lines_top_px; /* where the lines below the caption begin */
};

void theme_resolve(struct theme *t, const struct overlay_config *c, int width_px, int height_px);

/* The plate as a picture, its stripe in this ink (as in struct caption_style); free() its argb. */
struct caption_image theme_plate(const struct theme *t, uint32_t ink);

/* From one line below the caption to the next, and the letters there, in those of the caption. */
#define THEME_LINE  1.35
#define THEME_SMALL 0.8

#endif
