/*
 * still - one output picture as a JPEG or PNG, at any size, also in the few colours of a panel.
 */
#ifndef STREAM_STILL_H
#define STREAM_STILL_H

#include <stdbool.h>
#include <stddef.h>

#include "stream/frame.h"
#include "stream/panel.h"

struct still_params {
    bool png;                  /* else JPEG */
    int width_px, height_px;   /* both 0: as the picture is */
    bool contain;              /* all of it, with black borders; else it covers and its edges are cut */
    const struct panel *panel; /* PNG only: indices of its inks; NULL: full colour */
    enum panel_dither dither;
};

enum { STILL_SIDE_MAX = 4096 };

/* The picture as rgb [height_px][width_px][3] of the caller's, 0..255, `contain` as above. 0, -EINVAL for a size, or
 * -ENOMEM. Any thread. */
int still_scale(const struct frame *f, int width_px, int height_px, bool contain, uint8_t *rgb);

/* *bytes is the caller's, to be freed with free(). 0, -EINVAL for a size, or -ENOMEM. Any thread. */
int still_make(const struct frame *f, const struct still_params *p, uint8_t **bytes, size_t *size);

#endif
