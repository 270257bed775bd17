/*
 * panel - pictures for screens that have few colours: e-paper with inks, and grey ones.
 *
 * What a panel calls red is a dull brown. So a picture is first fitted into the range that the inks really span
 * (blacks lifted, whites lowered, colours made paler), then dithered against the inks as they were measured: local
 * means then come out right, where dithering against pure colours drifts. The inks are those that Pimoroni's inky
 * library publishes as its saturated palettes (github.com/pimoroni/inky); an index means what that library means by
 * it.
 */
#ifndef STREAM_PANEL_H
#define STREAM_PANEL_H

#include <stdint.h>

enum { PANEL_INKS_MAX = 16 };

struct panel {
    const char *name;
    int count;
    uint8_t inks[PANEL_INKS_MAX][3]; /* sRGB */
    float black, white;              /* where 0 and 255 go */
    float chroma;                    /* colours are multiplied by it; 0: grey */
};

/* inky7, spectra6, bw, gray4, gray16; NULL: no such panel. */
const struct panel *panel_find(const char *name);

enum panel_dither { PANEL_FLOYD, PANEL_ORDERED, PANEL_PLAIN };

/* rgb [height][width][3] -> out [height][width], indices of inks. 0 or -ENOMEM. */
int panel_dither(const struct panel *p, enum panel_dither how, const uint8_t *rgb, int width_px,
                 int height_px, uint8_t *out);

#endif
