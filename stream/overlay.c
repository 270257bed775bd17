/*
 * overlay - see overlay.h. The text as a picture comes from caption_text; here it becomes a sprite in the
 * frame's own colours, which is laid over the planes with the fade's level.
 */
#include "stream/overlay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/colour.h"
#include "common/keyframes.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/caption_text.h"

enum {
    LEVEL_ONE = 256,
    CLASSIC_LETTER_PX = 20, /* on 576 lines, as in 2015 */
    CLASSIC_LINES = 576,
    CLASSIC_PLACE_PX = 4,
};
static const double modern_margin = 20.0 / 720; /* from the frame's edge to the text, of the height */

static const char *const position_names[] = {"top-left", "top-right", "bottom-left", "bottom-right", NULL};
static const char *const style_names[] = {"modern", "classic", NULL};

static const struct option rows[] = {
    OPTION_BOOL(struct overlay_config, enabled, "true", "Whether the subject is written on the picture."),
    OPTION_INT(
        struct overlay_config, size_px, "28", 8, 200, "px",
        "Letter size for 720 lines; it grows with the picture. classic always has 20 px for 576 lines."),
    OPTION_CHOICE(struct overlay_config, position, "top-left", position_names, "Corner of the caption."),
    OPTION_CHOICE(struct overlay_config, style, "modern", style_names,
                  "White letters with a soft shadow, or the white-on-black box of 2015."),
    OPTION_FLOAT(struct overlay_config, fade_s, "0.4", 0, 10, "s",
                 "How long a text takes to come and to go."),
};
const struct option_section overlay_section =
    OPTION_SECTION("caption", struct overlay_config, rows, "The line of text on the picture.");

/* Text in the frame's colours, at its place. Values are multiplied by alpha: 255 times a byte's range. */
struct sprite {
    int x, y, width, height; /* in luma pixels, all even */
    uint8_t *alpha[2];       /* [height][width]; [height / 2][width / 2] */
    uint16_t *values[3];     /* the same shapes: Y; Cb, Cr */
    void *memory;
};

struct overlay {
    struct overlay_config config; /* immutable after open */
    struct caption_text *renderer;
    int width_px, height_px;
    int level_step; /* of LEVEL_ONE, for each frame */

    char wanted[KEYFRAME_CAPTION_BYTES];
    struct sprite shown, next; /* next: `wanted`, as long as the old one is still going */
    bool changing;
    int level; /* of `shown`, 0..LEVEL_ONE */
};

static void sprite_clear(struct sprite *s)
{
    free(s->memory);
    *s = (struct sprite){0};
}

static int even(int v)
{
    return v & ~1;
}

/* Rectangle of the image in the frame: even, so that chroma needs no shifting, and inside. */
static void place_sprite(const struct overlay *o, const struct caption_image *image, struct sprite *s)
{
    const bool classic = o->config.style == OVERLAY_CLASSIC;
    const bool right = o->config.position == OVERLAY_TOP_RIGHT || o->config.position == OVERLAY_BOTTOM_RIGHT;
    const bool bottom =
        o->config.position == OVERLAY_BOTTOM_LEFT || o->config.position == OVERLAY_BOTTOM_RIGHT;
    int margin = CLASSIC_PLACE_PX;
    if (!classic)
        margin = (int)lrint(modern_margin * o->height_px) - image->margin_px;
    margin = margin > 0 ? even(margin) : 0;
    s->width = even(image->width_px + 1);
    s->height = even(image->height_px + 1);
    s->width = s->width < even(o->width_px) ? s->width : even(o->width_px);
    s->height = s->height < even(o->height_px) ? s->height : even(o->height_px);
    s->x = right ? even(o->width_px - margin - s->width) : margin;
    s->y = bottom ? even(o->height_px - margin - s->height) : margin;
    int x_max = even(o->width_px) - s->width, y_max = even(o->height_px) - s->height;
    s->x = s->x < 0 ? 0 : s->x > x_max ? x_max : s->x;
    s->y = s->y < 0 ? 0 : s->y > y_max ? y_max : s->y;
}

/* A pixel of the image, transparent outside. */
static uint32_t pixel(const struct caption_image *image, int x, int y)
{
    if (x < 0 || y < 0 || x >= image->width_px || y >= image->height_px)
        return 0;
    return image->argb[y * image->width_px + x];
}

/* Premultiplied colours, 0..255 -> Y, Cb, Cr times alpha, 0..255^2. BT.709, limited range. */
static void to_yuv(double r, double g, double b, double a, double yuv[3])
{
    double luma = COLOUR_LUMA(double, r, g, b);
    yuv[0] = COLOUR_BLACK_Y * a + luma * COLOUR_Y_STEPS;
    yuv[1] = COLOUR_GREY_C * a + (b - luma) / COLOUR_CB_RANGE(double) * COLOUR_C_STEPS;
    yuv[2] = COLOUR_GREY_C * a + (r - luma) / COLOUR_CR_RANGE(double) * COLOUR_C_STEPS;
}

/* Average of `n` pixels' channels. */
static void average(const uint32_t *pixels, int n, double argb[4])
{
    for (int c = 0; c < 4; c++) {
        argb[c] = 0;
        for (int i = 0; i < n; i++)
            argb[c] += (double)(pixels[i] >> (24 - 8 * c) & 0xff) / n;
    }
}

/* One chroma sample covers the two columns beside its own (half each) and its own, in two
 * rows: sited left. */
static void fill_chroma(const struct caption_image *image, struct sprite *s, int x, int y)
{
    const int at = y * (s->width / 2) + x;
    uint32_t pixels[8];
    for (int i = 0; i < 8; i++) {
        static const int columns[4] = {-1, 0, 0, 1};
        pixels[i] = pixel(image, 2 * x + columns[i % 4], 2 * y + i / 4);
    }
    double argb[4], yuv[3];
    average(pixels, 8, argb);
    to_yuv(argb[1], argb[2], argb[3], argb[0], yuv);
    s->alpha[1][at] = (uint8_t)lrint(argb[0]);
    s->values[1][at] = (uint16_t)lrint(fmax(yuv[1], 0));
    s->values[2][at] = (uint16_t)lrint(fmax(yuv[2], 0));
}

static void fill_luma(const struct caption_image *image, struct sprite *s, int x, int y)
{
    const int at = y * s->width + x;
    uint32_t one = pixel(image, x, y);
    double argb[4], yuv[3];
    average(&one, 1, argb);
    to_yuv(argb[1], argb[2], argb[3], argb[0], yuv);
    s->alpha[0][at] = (uint8_t)lrint(argb[0]);
    s->values[0][at] = (uint16_t)lrint(yuv[0]);
}

/* The sprite for a text; empty when there is nothing to show. */
static struct sprite make_sprite(struct overlay *o, const char *text)
{
    const bool classic = o->config.style == OVERLAY_CLASSIC;
    const int margin = classic ? CLASSIC_PLACE_PX : (int)lrint(modern_margin * o->height_px) / 2;
    const struct caption_style style = {
        .letter_px = classic ? (double)CLASSIC_LETTER_PX * o->height_px / CLASSIC_LINES
                             : (double)o->config.size_px * o->height_px / 720,
        .width_max_px = even(o->width_px - 2 * margin),
        .height_max_px = even(o->height_px),
        .boxed = classic,
    };
    struct sprite s = {0};
    struct caption_image image = caption_text_render(o->renderer, &style, text);
    if (image.width_px == 0)
        return s;
    place_sprite(o, &image, &s);
    size_t luma = (size_t)s.width * (size_t)s.height, chroma = luma / 4;
    uint16_t *words = xmalloc(sizeof *words * (luma + 2 * chroma) + luma + chroma);
    uint8_t *bytes = (uint8_t *)(words + luma + 2 * chroma);
    s.memory = words;
    s.values[0] = words;
    s.values[1] = words + luma;
    s.values[2] = words + luma + chroma;
    s.alpha[0] = bytes;
    s.alpha[1] = bytes + luma;
    for (int y = 0; y < s.height; y++)
        for (int x = 0; x < s.width; x++)
            fill_luma(&image, &s, x, y);
    for (int y = 0; y < s.height / 2; y++)
        for (int x = 0; x < s.width / 2; x++)
            fill_chroma(&image, &s, x, y);
    free(image.argb);
    return s;
}

int overlay_open(struct overlay **out, const struct overlay_config *config, int fps, int width_px,
                 int height_px, struct error *e)
{
    *out = NULL;
    if (fps < 1 || width_px < 2 || height_px < 2)
        return error_set(e, EINVAL, "caption: cannot be drawn on %d x %d at %d frames per second", width_px,
                         height_px, fps);
    struct overlay *o = xcalloc(1, sizeof *o);
    *out = o;
    o->config = *config;
    o->width_px = width_px;
    o->height_px = height_px;
    double frames = config->fade_s * fps;
    o->level_step = frames > 1 ? (int)ceil(LEVEL_ONE / frames) : LEVEL_ONE;
    int rc = config->enabled ? caption_text_open(&o->renderer, e) : 0;
    if (rc != 0)
        overlay_close(out);
    return rc;
}

void overlay_close(struct overlay **out)
{
    struct overlay *o = *out;
    if (!o)
        return;
    sprite_clear(&o->shown);
    sprite_clear(&o->next);
    caption_text_close(&o->renderer);
    free(o);
    *out = NULL;
}

void overlay_set_text(struct overlay *o, const char *bytes, size_t n)
{
    char clean[sizeof o->wanted];
    if (!o->config.enabled)
        return;
    text_clean(clean, sizeof clean, bytes, n);
    if (strcmp(clean, o->wanted) == 0)
        return;
    text_copy(o->wanted, sizeof o->wanted, clean);
    sprite_clear(&o->next);
    o->next = make_sprite(o, o->wanted);
    o->changing = true;
}

void overlay_withdraw(struct overlay *o)
{
    sprite_clear(&o->shown);
    sprite_clear(&o->next);
    o->wanted[0] = '\0';
    o->changing = false;
    o->level = 0;
}

/* The fade's state for the frame that is drawn now. */
static void step_fade(struct overlay *o)
{
    if (o->changing && (o->level == 0 || !o->shown.memory)) {
        sprite_clear(&o->shown);
        o->shown = o->next;
        o->next = (struct sprite){0};
        o->changing = false;
        o->level = 0;
    }
    o->level += o->changing ? -o->level_step : o->level_step;
    o->level = o->level < 0 ? 0 : o->level > LEVEL_ONE ? LEVEL_ONE : o->level;
}

static void blend_row(uint8_t *out, const uint16_t *values, const uint8_t *alpha, int n, int level)
{
    const uint32_t one = 255 * LEVEL_ONE;
    for (int x = 0; x < n; x++) {
        uint32_t covered = (uint32_t)alpha[x] * (uint32_t)level;
        uint32_t sum = out[x] * (one - covered) + (uint32_t)values[x] * (uint32_t)level + one / 2;
        out[x] = (uint8_t)(sum / one);
    }
}

void overlay_draw(struct overlay *o, const struct frame *frame)
{
    step_fade(o);
    const struct sprite *s = &o->shown;
    if (!s->memory || o->level == 0)
        return;
    for (int plane = 0; plane < 3; plane++) {
        const int part = plane == 0 ? 1 : 2, width = s->width / part, height = s->height / part;
        for (int y = 0; y < height; y++) {
            uint8_t *row = frame->planes[plane] + (int64_t)(s->y / part + y) * frame->strides[plane];
            blend_row(row + s->x / part, s->values[plane] + y * width, s->alpha[plane > 0] + y * width, width,
                      o->level);
        }
    }
}
