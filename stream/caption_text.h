/*
 * caption_text - a line of text becomes a small picture with transparency. The only file that knows
 * Pango and cairo.
 */
#ifndef STREAM_CAPTION_TEXT_H
#define STREAM_CAPTION_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define CAPTION_INK 0x1000000u

struct caption_style {
    double letter_px; /* height of the font's em square */
    int width_max_px; /* of the picture, shadow or box included; longer text ends in an ellipsis */
    int height_max_px;
    const char *font; /* as Pango describes one: "Noto Serif Bold"; NULL or "": the usual */
    uint32_t ink;     /* 0: white; else CAPTION_INK | 0xrrggbb */
    bool boxed;       /* white without anti-aliasing on a black box; else white with a soft shadow */
};

/* Premultiplied alpha. width_px is 0 when there is nothing to show. */
struct caption_image {
    int width_px, height_px;
    int margin_px;  /* what shadow or box add on each side of the text's own rectangle */
    uint32_t *argb; /* [height][width]; free() it */
};

struct caption_text;

/* Finds the fonts and warms them up, which may take some tenths of a second. 0, or -ENOENT with one line when
 * the machine has no font at all; *t is NULL then. */
int caption_text_open(struct caption_text **t, struct error *e);
void caption_text_close(struct caption_text **t); /* NULL is fine */

/* Renders `text` (valid UTF-8, not markup). Without memory the image is empty. */
struct caption_image caption_text_render(struct caption_text *t, const struct caption_style *style,
                                         const char *text);

#endif
