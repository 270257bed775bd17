/*
 * theme - see theme.h.
 */
#include "stream/theme.h"

#include <math.h>

#include "common/mem.h"

enum {
    CLASSIC_LETTER_PX = 20, /* on 576 lines, as in 2015 */
    CLASSIC_LINES = 576,
    CLASSIC_PLACE_PX = 4,
    PLATE_ALPHA = 150, /* of 255 */
    AMBER = 0xffb000   /* the stripe's, where nobody chose a colour */
};
static const double MODERN_MARGIN = 20.0 / 720; /* from the frame's edge to the letters, of the height */
static const double SAFE = 0.05;                /* of width and height: where television keeps its text */
static const double PLATE_WIDTH = 0.6, PAD = 0.5, ACCENT = 0.2; /* of the frame; of a letter; of a letter */
static const double METER_ROOM = 0.6;                           /* letters below the lines */

static int even(int v)
{
    return v & ~1;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* In the lower part, at the left or right edge of the safe area; the caption lies in its upper corner. */
static void lay_plate(struct theme *t, const struct overlay_config *c, int width_px, int height_px)
{
    const double letter = t->letter_px;
    const int pad = (int)lrint(PAD * letter), rows = c->next + c->belief;
    double inside = letter * THEME_LINE + rows * letter * THEME_SMALL * THEME_LINE;
    t->accent_px = larger(2, even((int)lrint(ACCENT * letter)));
    t->plate_width_px = even((int)fmin(PLATE_WIDTH * width_px, width_px - 2 * t->safe_x_px));
    t->plate_height_px = even((int)lrint(2 * pad + inside + (c->meter ? METER_ROOM * letter : 0)));
    t->plate_x = even(t->right ? width_px - t->safe_x_px - t->plate_width_px : t->safe_x_px);
    t->plate_y = even(height_px - t->safe_y_px - t->plate_height_px);
    t->margin_x_px = t->safe_x_px + t->accent_px + pad;
    t->margin_y_px = t->plate_y + pad; /* from above */
    t->width_max_px = even(t->plate_width_px - t->accent_px - pad);
    t->lines_top_px = t->plate_y + pad + (int)lrint(letter * THEME_LINE);
}

void theme_resolve(struct theme *t, const struct overlay_config *c, int width_px, int height_px)
{
    const double percent = c->safe_percent / 100;
    const int asked_x = (int)lrint(percent * width_px), asked_y = (int)lrint(percent * height_px);
    *t = (struct theme){
        .boxed =
            c->theme == OVERLAY_CLASSIC_2015 || (c->theme == OVERLAY_PLAIN && c->style == OVERLAY_CLASSIC),
        .right = c->position == OVERLAY_TOP_RIGHT || c->position == OVERLAY_BOTTOM_RIGHT,
        .bottom = c->position == OVERLAY_BOTTOM_LEFT || c->position == OVERLAY_BOTTOM_RIGHT,
        .fade_s = c->theme == OVERLAY_CLASSIC_2015 ? 0 : c->fade_s,
        .safe_x_px = larger((int)(SAFE * width_px), asked_x),
        .safe_y_px = larger((int)(SAFE * height_px), asked_y),
    };
    t->letter_px = t->boxed ? (double)CLASSIC_LETTER_PX * height_px / CLASSIC_LINES
                            : (double)c->size_px * height_px / 720;
    int margin = t->boxed ? CLASSIC_PLACE_PX : (int)lrint(MODERN_MARGIN * height_px);
    t->margin_x_px = larger(margin, asked_x);
    t->margin_y_px = larger(margin, asked_y);
    /* The shadow may reach half into a theme's own margin. */
    t->width_max_px = even(width_px - 2 * (t->boxed ? t->margin_x_px : larger(margin / 2, asked_x)));
    if (c->theme == OVERLAY_LOWER_THIRD)
        lay_plate(t, c, width_px, height_px);
}

/* Darkest below the letters, thin where it ends. */
struct caption_image theme_plate(const struct theme *t, uint32_t ink)
{
    struct caption_image image = {.width_px = t->plate_width_px, .height_px = t->plate_height_px};
    const int fade_px = larger(1, image.width_px / 3);
    image.argb = xcalloc((size_t)image.width_px * (size_t)image.height_px, sizeof *image.argb);
    for (int y = 0; y < image.height_px; y++)
        for (int x = 0; x < image.width_px; x++) {
            int from_end = image.width_px - x, at = t->right ? image.width_px - 1 - x : x;
            uint32_t alpha =
                from_end < fade_px ? (uint32_t)(PLATE_ALPHA * from_end / fade_px) : (uint32_t)PLATE_ALPHA;
            uint32_t *pixel = &image.argb[y * image.width_px + at];
            *pixel = x < t->accent_px ? 0xff000000u | (ink ? ink & 0xffffff : AMBER) : alpha << 24;
        }
    return image;
}
