/*
 * signs - what stands on the picture besides the caption: where the front of a tug of war is and what lies on either side
 * of it, who has won, and lines under the caption.
 *
 * Whoever knows the show fills struct signs_content for each frame; here a text becomes a sprite when it changes, and a
 * frame costs blending only. The mark is at the edge across from the caption, and moves with the front of the pixels.
 * Everything keeps to the safe area of the frame, which the theme says (theme.h). One thread.
 */
#ifndef STREAM_SIGNS_H
#define STREAM_SIGNS_H

#include <stdbool.h>
#include <stdint.h>

#include "stream/caption_text.h"
#include "stream/frame.h"

enum { SIGNS_TEXT_BYTES = 160 };
enum signs_line { SIGNS_NEXT, SIGNS_BELIEF, SIGNS_NOTE, SIGNS_LINES };

/* Texts are plain; "": nothing is drawn. */
struct signs_content {
    double front;                                          /* share of the height from above; < 0: no mark */
    char upper[SIGNS_TEXT_BYTES], lower[SIGNS_TEXT_BYTES]; /* beside the mark */
    char won[SIGNS_TEXT_BYTES];                            /* in the middle */
    char lines[SIGNS_LINES][SIGNS_TEXT_BYTES];             /* beyond the caption, as seen from its edge */
    bool has_belief;                                       /* and behind them a bar: */
    double belief;                                         /* how full it is, 0..1 */
};

/* How it looks, in pixels of the frame. */
struct signs_look {
    double letter_px; /* of the caption; signs are smaller */
    bool boxed;
    char font[128]; /* as in struct caption_style, as is the next */
    uint32_t ink;
    bool right, bottom; /* where the caption is */
    int margin_px;      /* from the frame's left or right edge to the caption's letters */
    int safe_x_px, safe_y_px;
    int lines_top_px;   /* where the lines begin, downwards; 0: beyond the caption, away from its edge */
    int lines_width_px; /* that they may take */
    int width_px, height_px;
};

struct signs;
struct signs *signs_open(const struct signs_look *look); /* never fails */
void signs_close(struct signs **s);                      /* NULL is fine */

/* Draws what `c` says onto the frame. */
void signs_draw(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                const struct frame *frame);

#endif
