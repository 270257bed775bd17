/*
 * caption_text - see caption_text.h.
 *
 * The font map is our own, so nothing is shared with other threads or left behind. The shadow is made from
 * the text's own alpha: blurred, strengthened and moved down a little, it keeps white letters readable on any
 * picture, and works for coloured emoji too.
 */
#include "stream/caption_text.h"

#include <errno.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* First those made for screens; whatever they lack fontconfig finds elsewhere. */
static const char modern_font[] = "Noto Sans, DejaVu Sans, sans-serif Semi-Bold";
static const char boxed_font[] = "Helvetica, Nimbus Sans, Liberation Sans, DejaVu Sans, sans-serif";

/* One letter of scripts that chats are written in: loads their fonts before the show begins. */
static const char warm_up_text[] =
    "Aa\u00e9 \u042f \u03a9 \u0645 \u05d0 \u0915 \u0e01 \u4e2d \u3042 \ud55c \U0001f600";

enum { BLUR_PASSES = 3 };
static const double shadow_strength = 1.9;

struct caption_text {
    PangoFontMap *fonts;
    PangoContext *context;
};

int caption_text_open(struct caption_text **out, struct error *e)
{
    struct caption_text *t = xcalloc(1, sizeof *t);
    *out = t;
    t->fonts = pango_cairo_font_map_new();
    t->context = pango_font_map_create_context(t->fonts);
    PangoFontFamily **families = NULL;
    int count = 0;
    pango_font_map_list_families(t->fonts, &families, &count);
    g_free(families);
    if (count == 0) {
        caption_text_close(out);
        return error_set(
            e, ENOENT,
            "caption: no fonts found; install one (fonts-dejavu-core) or set caption.enabled=false");
    }
    struct caption_style style = {.letter_px = 20, .width_max_px = 1000, .height_max_px = 100};
    free(caption_text_render(t, &style, warm_up_text).argb);
    return 0;
}

void caption_text_close(struct caption_text **out)
{
    struct caption_text *t = *out;
    if (!t)
        return;
    if (t->context)
        g_object_unref(t->context);
    if (t->fonts)
        g_object_unref(t->fonts);
    free(t);
    *out = NULL;
}

/* A layout of one line, no wider than `width_max_px`. */
static PangoLayout *lay_out(struct caption_text *t, const struct caption_style *style, const char *text,
                            int width_max_px)
{
    const char *usual = style->boxed ? boxed_font : modern_font;
    PangoFontDescription *font =
        pango_font_description_from_string(style->font && style->font[0] ? style->font : usual);
    pango_font_description_set_absolute_size(font, style->letter_px * PANGO_SCALE);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, style->boxed ? CAIRO_ANTIALIAS_NONE : CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(t->context, options);
    cairo_font_options_destroy(options);

    PangoLayout *layout = pango_layout_new(t->context);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    pango_layout_set_text(layout, text, -1);
    PangoRectangle logical;
    pango_layout_get_pixel_extents(layout, NULL, &logical);
    if (logical.width > width_max_px)
        pango_layout_set_width(layout, width_max_px * PANGO_SCALE);
    return layout;
}

/* One pass of a box blur along `count` values that lie `step` apart. line: scratch of `count`. */
static void blur_line(uint8_t *values, int count, int step, int radius, uint8_t *line)
{
    int sum = 0, width = 2 * radius + 1;
    for (int i = 0; i < count; i++)
        line[i] = values[i * step];
    for (int i = 0; i < radius && i < count; i++)
        sum += line[i];
    for (int i = 0; i < count; i++) {
        sum += i + radius < count ? line[i + radius] : 0;
        sum -= i - radius > 0 ? line[i - radius - 1] : 0;
        values[i * step] = (uint8_t)((sum + width / 2) / width);
    }
}

static void blur(uint8_t *alpha, int width, int height, int radius)
{
    uint8_t *line = xmalloc((size_t)(width > height ? width : height));
    for (int pass = 0; pass < BLUR_PASSES; pass++) {
        for (int y = 0; y < height; y++)
            blur_line(alpha + (size_t)y * (size_t)width, width, 1, radius, line);
        for (int x = 0; x < width; x++)
            blur_line(alpha + x, height, width, radius, line);
    }
    free(line);
}

/* Puts the text's shadow under it: black, so that only alpha changes. */
static void add_shadow(struct caption_image *image, int radius)
{
    const int width = image->width_px, height = image->height_px, drop = radius;
    uint8_t *alpha = xcalloc((size_t)width * (size_t)height, 1);
    for (int y = drop; y < height; y++)
        for (int x = 0; x < width; x++)
            alpha[y * width + x] = (uint8_t)(image->argb[(y - drop) * width + x] >> 24);
    blur(alpha, width, height, radius);
    for (int i = 0; i < width * height; i++) {
        double shadow = fmin(alpha[i] * shadow_strength, 220);
        uint32_t own = image->argb[i] >> 24;
        uint32_t sum = own + (uint32_t)lrint(shadow * (255 - own) / 255);
        image->argb[i] = (image->argb[i] & 0xffffff) | sum << 24;
    }
    free(alpha);
}

/* Draws the layout so that its rectangle's corner lies at (margin, margin). False when cairo cannot. */
static bool paint(PangoLayout *layout, const PangoRectangle *place, const struct caption_style *style,
                  struct caption_image *image)
{
    cairo_surface_t *surface = cairo_image_surface_create_for_data(
        (unsigned char *)image->argb, CAIRO_FORMAT_ARGB32, image->width_px, image->height_px,
        image->width_px * (int)sizeof *image->argb);
    cairo_t *cr = cairo_create(surface);
    if (style->boxed) {
        cairo_set_source_rgb(cr, 0, 0, 0);
        cairo_paint(cr);
    }
    uint32_t ink = style->ink ? style->ink : 0xffffff;
    cairo_set_source_rgb(cr, (ink >> 16 & 255) / 255.0, (ink >> 8 & 255) / 255.0, (ink & 255) / 255.0);
    cairo_move_to(cr, image->margin_px - place->x, image->margin_px - place->y);
    pango_cairo_show_layout(cr, layout);
    bool done = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cr);
    cairo_surface_flush(surface);
    cairo_surface_destroy(surface);
    return done;
}

static void unite(PangoRectangle *a, const PangoRectangle *b)
{
    int right = a->x + a->width > b->x + b->width ? a->x + a->width : b->x + b->width;
    int bottom = a->y + a->height > b->y + b->height ? a->y + a->height : b->y + b->height;
    a->x = a->x < b->x ? a->x : b->x;
    a->y = a->y < b->y ? a->y : b->y;
    a->width = right - a->x;
    a->height = bottom - a->y;
}

struct caption_image caption_text_render(struct caption_text *t, const struct caption_style *style,
                                         const char *text)
{
    const int radius = style->boxed ? 0 : (int)fmax(1, lrint(style->letter_px / 14));
    struct caption_image image = {.margin_px = style->boxed ? 1 : (BLUR_PASSES + 1) * radius};
    const int room = style->width_max_px - 2 * image.margin_px;
    if (text[0] == '\0' || room < style->letter_px)
        return image;

    PangoLayout *layout = lay_out(t, style, text, room);
    PangoRectangle place, ink;
    pango_layout_get_pixel_extents(layout, &ink, &place);
    unite(&place, &ink); /* accents and slanted letters stick out */
    image.width_px = place.width + 2 * image.margin_px;
    image.height_px = place.height + 2 * image.margin_px;
    if (image.width_px > style->width_max_px)
        image.width_px = style->width_max_px;
    if (image.height_px > style->height_max_px)
        image.height_px = style->height_max_px;
    image.argb = xcalloc((size_t)image.width_px * (size_t)image.height_px, sizeof *image.argb);
    if (!paint(layout, &place, style, &image)) {
        free(image.argb);
        image = (struct caption_image){0};
    } else if (!style->boxed) {
        add_shadow(&image, radius);
    }
    g_object_unref(layout);
    return image;
}
