/*
 * overlay - the caption ("goldfish + volcano - @user"), drawn on output frames only, never fed back.
 *
 * Pango lays the text out (shaping, right-to-left, fonts for every script that the machine has one for) and
 * cairo paints it, once per text; a frame then costs no more than blending a small bitmap into its planes.
 * Nothing here can be wider than the frame: long text ends in an ellipsis. Text is plain: markup is not
 * interpreted, and what cannot be shown is cleaned out first.
 *
 * The old text fades out, then the new one fades in. Everything is used by one thread.
 */
#ifndef STREAM_OVERLAY_H
#define STREAM_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "config/option.h"
#include "stream/frame.h"
#include "stream/signs.h"

enum overlay_position { OVERLAY_TOP_LEFT, OVERLAY_TOP_RIGHT, OVERLAY_BOTTOM_LEFT, OVERLAY_BOTTOM_RIGHT };
enum overlay_style { OVERLAY_MODERN, OVERLAY_CLASSIC };
enum overlay_theme { OVERLAY_PLAIN, OVERLAY_CLASSIC_2015, OVERLAY_LOWER_THIRD }; /* theme.h */

struct overlay_config {
    bool enabled;
    int64_t size_px; /* letter size for a frame of 720 lines, scales with the height; style modern only */
    int position;    /* enum overlay_position */
    int style;       /* enum overlay_style: shadowed letters, or the white-on-black box of 2015 */
    double fade_s;
    char font[OPTION_STRING_BYTES];
    char colour[OPTION_STRING_BYTES]; /* "#rrggbb"; "": white */
    bool next;                        /* what comes next, and when */
    bool belief;                      /* how surely the network sees it, and what else */
    bool meter;                       /* the same as a bar */
    int theme;                        /* enum overlay_theme */
    double safe_percent;              /* what all of it keeps from each edge, at least */
};

extern const struct option_section overlay_section; /* "caption" */

struct overlay;

/* `config` is copied. 0, -EINVAL or -ENOMEM with one line; *o is NULL then. */
int overlay_open(struct overlay **o, const struct overlay_config *config, int fps, int width_px,
                 int height_px, struct error *e);
void overlay_close(struct overlay **o); /* NULL is fine */

/* The text to show from now on: any bytes, at most what KEYFRAME_CAPTION_BYTES holds is used. Empty: fades
 * out. The same text as before costs a comparison, so calling it for every frame is fine. */
void overlay_set_text(struct overlay *o, const char *bytes, size_t n);

/* The text goes at once, without a fade: somebody had a reason. */
void overlay_withdraw(struct overlay *o);

/* Draws onto the frame (whose size was given to overlay_open) and moves the fade one frame on. */
void overlay_draw(struct overlay *o, const struct frame *frame);

/* Draws what stands there besides the caption; nothing when that is off. */
void overlay_draw_signs(struct overlay *o, const struct signs_content *c, const struct frame *frame);

#endif
