/*
 * overlay - see overlay.h. The text as a picture comes from caption_text; here it becomes a sprite in the
 * frame's own colours, which is laid over the planes with the fade's level.
 */
#include "stream/overlay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/keyframes.h"
#include "common/mem.h"
#include "common/text.h"
#include "stream/caption_text.h"
#include "stream/signs.h"
#include "stream/sprite.h"
#include "stream/theme.h"

enum { LEVEL_ONE = SPRITE_LEVEL_ONE };

static const char *const position_names[] = {"top-left", "top-right", "bottom-left", "bottom-right", NULL};
static const char *const style_names[] = {"modern", "classic", NULL};
static const char *const theme_names[] = {"plain", "classic2015", "lower-third", NULL};

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
    OPTION_STRING(
        struct overlay_config, font, "", 0,
        "The letters of all that is written on the picture, as in \"Noto Serif Bold\". Empty: a plain one of "
        "this machine."),
    OPTION_STRING(struct overlay_config, colour, "", 0, "Their colour, as in #ffd080. Empty: white."),
    OPTION_BOOL(
        struct overlay_config, next, "true",
        "Whether what comes next stands under the caption while somebody waits, and in how many seconds the "
        "picture changes."),
    OPTION_BOOL(struct overlay_config, belief, "false",
                "Whether it stands there how surely the network sees the subject, and what else it sees."),
    OPTION_BOOL(struct overlay_config, meter, "false", "How surely it sees it, as a small bar."),
    OPTION_CHOICE(
        struct overlay_config, theme, "plain", theme_names,
        "How all of it looks. plain: as style and position say; classic2015: the box of 2015, without a "
        "fade; lower-third: on a dark plate in the lower part of the picture, to the left or right as "
        "position says. font and colour go over it."),
    OPTION_FLOAT(
        struct overlay_config, safe_percent, "0", 0, 20, "%",
        "How far from each edge all of it stays at least, of width and height, for screens that cut the "
        "edges off. 0: the caption keeps 2.8 % of the height, all else 5 %."),
};
const struct option_section overlay_section =
    OPTION_SECTION("caption", struct overlay_config, rows, "The line of text on the picture.");

struct overlay {
    struct overlay_config config; /* immutable after open */
    struct caption_text *renderer;
    int width_px, height_px;
    struct theme theme;
    uint32_t ink;   /* as in struct caption_style */
    int level_step; /* of LEVEL_ONE, for each frame */

    char wanted[KEYFRAME_CAPTION_BYTES];
    struct sprite shown, next; /* next: `wanted`, as long as the old one is still going */
    struct signs *signs;
    bool changing;
    int level; /* of `shown`, 0..LEVEL_ONE */
    struct sprite plate;
    int plate_level; /* it stays while there is anything to show */
};

static int even(int v)
{
    return v & ~1;
}

/* Puts the sprite of this image into its place: the letters of a shadowed one keep the margin, of a boxed one the box. */
static void place_sprite(const struct overlay *o, const struct caption_image *image, struct sprite *s)
{
    const struct theme *t = &o->theme;
    const int around = t->boxed ? 0 : image->margin_px;
    int x = t->margin_x_px - around, y = t->margin_y_px - around;
    x = x > 0 ? even(x) : 0;
    y = y > 0 ? even(y) : 0;
    const struct frame frame = {.width_px = o->width_px, .height_px = o->height_px};
    bool from_below = t->bottom && t->plate_width_px == 0;
    sprite_place(s, t->right ? even(o->width_px - x - s->width) : x,
                 from_below ? even(o->height_px - y - s->height) : y, &frame);
}

/* The sprite for a text; empty when there is nothing to show. */
static struct sprite make_sprite(struct overlay *o, const char *text)
{
    const struct caption_style style = {
        .letter_px = o->theme.letter_px,
        .font = o->config.font,
        .ink = o->ink,
        .width_max_px = o->theme.width_max_px,
        .height_max_px = even(o->height_px),
        .boxed = o->theme.boxed,
    };
    struct caption_image image = caption_text_render(o->renderer, &style, text);
    struct sprite s = sprite_make(&image, o->width_px, o->height_px);
    if (s.memory)
        place_sprite(o, &image, &s);
    free(image.argb);
    return s;
}

static void make_plate(struct overlay *o)
{
    const struct frame frame = {.width_px = o->width_px, .height_px = o->height_px};
    struct caption_image image = theme_plate(&o->theme, o->ink);
    o->plate = sprite_make(&image, o->width_px, o->height_px);
    sprite_place(&o->plate, o->theme.plate_x, o->theme.plate_y, &frame);
    free(image.argb);
}

/* "#ffd080". False: it is no colour. */
static bool read_colour(const char *text, uint32_t *ink)
{
    *ink = 0;
    if (!text[0])
        return true;
    if (text[0] != '#' || strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6)
        return false;
    *ink = CAPTION_INK | (uint32_t)strtoul(text + 1, NULL, 16);
    return true;
}

static struct signs *open_signs(const struct overlay *o)
{
    const struct theme *t = &o->theme;
    struct signs_look look = {
        .letter_px = t->letter_px,
        .boxed = t->boxed,
        .ink = o->ink,
        .right = t->right,
        .bottom = t->bottom,
        .margin_px = t->margin_x_px,
        .safe_x_px = t->safe_x_px,
        .safe_y_px = t->safe_y_px,
        .lines_top_px = t->lines_top_px,
        .lines_width_px = t->plate_width_px ? t->width_max_px : o->width_px - 2 * t->safe_x_px,
        .width_px = o->width_px,
        .height_px = o->height_px,
    };
    text_copy(look.font, sizeof look.font, o->config.font);
    return signs_open(&look);
}

int overlay_open(struct overlay **out, const struct overlay_config *config, int fps, int width_px,
                 int height_px, struct error *e)
{
    *out = NULL;
    if (fps < 1 || width_px < 2 || height_px < 2)
        return error_set(e, EINVAL, "caption: cannot be drawn on %d x %d at %d frames per second", width_px,
                         height_px, fps);
    uint32_t ink;
    if (!read_colour(config->colour, &ink))
        return error_set(e, EINVAL, "caption.colour: \"%.20s\" is no colour like #ffd080", config->colour);
    struct overlay *o = xcalloc(1, sizeof *o);
    *out = o;
    o->ink = ink;
    o->config = *config;
    o->width_px = width_px;
    o->height_px = height_px;
    theme_resolve(&o->theme, config, width_px, height_px);
    double frames = o->theme.fade_s * fps;
    o->level_step = frames > 1 ? (int)ceil(LEVEL_ONE / frames) : LEVEL_ONE;
    if (o->theme.plate_width_px > 0)
        make_plate(o);
    o->signs = open_signs(o);
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
    sprite_clear(&o->plate);
    signs_close(&o->signs);
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
    o->plate_level += o->wanted[0] ? o->level_step : -o->level_step;
    o->plate_level = o->plate_level < 0 ? 0 : o->plate_level > LEVEL_ONE ? LEVEL_ONE : o->plate_level;
}

void overlay_draw(struct overlay *o, const struct frame *frame)
{
    step_fade(o);
    sprite_draw(&o->plate, frame, o->plate_level);
    sprite_draw(&o->shown, frame, o->level);
}

void overlay_draw_signs(struct overlay *o, const struct signs_content *c, const struct frame *frame)
{
    struct signs_content wanted = *c;
    if (!o->config.next)
        wanted.lines[SIGNS_NEXT][0] = '\0';
    if (!o->config.belief)
        wanted.lines[SIGNS_BELIEF][0] = '\0';
    wanted.has_belief &= o->config.meter;
    if (o->config.enabled)
        signs_draw(o->signs, o->renderer, &wanted, frame);
}
