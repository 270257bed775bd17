/*
 * panel - see panel.h. Errors are spread by Floyd and Steinberg (1976), each second row from the right, so that no
 * grain leans one way.
 */
#include "stream/panel.h"

#include <errno.h>
#include <float.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const struct panel panels[] = {
    {"inky7",
     7,
     {{57, 48, 57},
      {255, 255, 255},
      {58, 91, 70},
      {61, 59, 94},
      {156, 72, 75},
      {208, 190, 71},
      {177, 106, 73}},
     60,
     235,
     0.7f},
    {"spectra6",
     6,
     {{0, 0, 0}, {161, 164, 165}, {208, 190, 71}, {156, 72, 75}, {61, 59, 94}, {58, 91, 70}},
     20,
     160,
     0.55f},
    {"bw", 2, {{0, 0, 0}, {255, 255, 255}}, 0, 255, 0},
    {"gray4", 4, {{0, 0, 0}, {85, 85, 85}, {170, 170, 170}, {255, 255, 255}}, 0, 255, 0},
    {"gray16",
     16,
     {{0, 0, 0},
      {17, 17, 17},
      {34, 34, 34},
      {51, 51, 51},
      {68, 68, 68},
      {85, 85, 85},
      {102, 102, 102},
      {119, 119, 119},
      {136, 136, 136},
      {153, 153, 153},
      {170, 170, 170},
      {187, 187, 187},
      {204, 204, 204},
      {221, 221, 221},
      {238, 238, 238},
      {255, 255, 255}},
     0,
     255,
     0},
};

const struct panel *panel_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(panels); i++)
        if (strcmp(panels[i].name, name) == 0)
            return &panels[i];
    return NULL;
}

/* One pixel into the range of the inks; luma by BT.601's weights, which sRGB's dithering is used to. */
static void fit(const struct panel *p, const uint8_t *rgb, float out[3])
{
    float luma = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    float lifted = p->black + luma * (p->white - p->black) / 255;
    for (int c = 0; c < 3; c++)
        out[c] = lifted + p->chroma * (rgb[c] - luma);
}

static int nearest(const struct panel *p, const float rgb[3])
{
    int best = 0;
    float least = FLT_MAX;
    for (int i = 0; i < p->count; i++) {
        float r = rgb[0] - p->inks[i][0], g = rgb[1] - p->inks[i][1], b = rgb[2] - p->inks[i][2];
        float distance = r * r + g * g + b * b;
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}

/* One row; `here` and `below` hold the errors of [width + 2][3], the pixel x at x + 1. */
static void spread_row(const struct panel *p, const uint8_t *rgb, int width_px, bool leftwards, float *here,
                       float *below, uint8_t *out)
{
    int ahead = leftwards ? -1 : 1;
    for (int i = 0; i < width_px; i++) {
        int x = leftwards ? width_px - 1 - i : i;
        float wanted[3], *e = here + 3 * (x + 1), *b = below + 3 * (x + 1);
        fit(p, rgb + 3 * x, wanted);
        for (int c = 0; c < 3; c++)
            wanted[c] += e[c];
        out[x] = (uint8_t)nearest(p, wanted);
        for (int c = 0; c < 3; c++) {
            float error = (wanted[c] - p->inks[out[x]][c]) / 16;
            e[3 * ahead + c] += 7 * error;
            b[-3 * ahead + c] += 3 * error;
            b[c] += 5 * error;
            b[3 * ahead + c] += error;
        }
    }
}

static int spread(const struct panel *p, const uint8_t *rgb, int width_px, int height_px, uint8_t *out)
{
    size_t row = 3 * ((size_t)width_px + 2);
    float *errors = calloc(2 * row, sizeof *errors);
    if (!errors)
        return -ENOMEM;
    float *here = errors, *below = errors + row;
    for (int y = 0; y < height_px; y++) {
        size_t at = (size_t)y * (size_t)width_px;
        memset(below, 0, row * sizeof *below);
        spread_row(p, rgb + 3 * at, width_px, y % 2, here, below, out + at);
        float *swapped = here;
        here = below;
        below = swapped;
    }
    free(errors);
    return 0;
}

/* Bayer's matrix of 8 x 8 (1973), -0.5..0.5. */
static float threshold(int x, int y)
{
    int value = 0, diagonal = x ^ y;
    for (int bit = 0; bit < 3; bit++)
        value = value << 2 | ((diagonal >> bit & 1) << 1) | (y >> bit & 1);
    return ((float)value + 0.5f) / 64 - 0.5f;
}

/* How far two inks that lie next to one another are apart, about. */
static float ink_distance(const struct panel *p)
{
    return p->chroma > 0 ? 96 : 255.0f / (float)(p->count - 1);
}

int panel_dither(const struct panel *p, enum panel_dither how, const uint8_t *rgb, int width_px,
                 int height_px, uint8_t *out)
{
    if (how == PANEL_FLOYD)
        return spread(p, rgb, width_px, height_px, out);
    float strength = how == PANEL_ORDERED ? ink_distance(p) : 0;
    for (int y = 0; y < height_px; y++)
        for (int x = 0; x < width_px; x++) {
            size_t at = (size_t)y * (size_t)width_px + (size_t)x;
            float wanted[3], shift = strength * threshold(x, y);
            fit(p, rgb + 3 * at, wanted);
            for (int c = 0; c < 3; c++)
                wanted[c] += shift;
            out[at] = (uint8_t)nearest(p, wanted);
        }
    return 0;
}
