/*
 * signs - see signs.h.
 */
#include "stream/signs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "stream/sprite.h"
#include "stream/theme.h"

static const double SMALL = THEME_SMALL;          /* letters of signs, in those of the caption */
static const double LINE = THEME_LINE;            /* from one line to the next, in letters */
static const double WINNER = 1.6;                 /* the winner's letters, in those of the caption */
static const double ARROW = 0.6;                  /* the mark's height, in letters */
static const double METER = 0.3, METER_WIDTH = 5; /* the bar's height and width, in letters */
static const double GLIDE = 0.125;                /* of what is left to the new belief, with each frame */
enum { TRACK_ALPHA = 140, FILL_ALPHA = 235 };

/* A text and its sprite. */
struct label {
    char text[SIGNS_TEXT_BYTES];
    struct sprite sprite;
    int margin_px; /* what shadow or box add */
};

struct signs {
    struct signs_look look; /* immutable after open */
    struct label upper, lower, won, lines[SIGNS_LINES];
    struct sprite arrow, meter;
    double belief;    /* that the bar shows */
    int meter_filled; /* pixels of its sprite */
};

/* ---- sprites ---- */

/* Sets the label's text; the same as before costs a comparison. False: there is nothing to draw. */
static bool write_label(struct signs *s, struct label *l, struct caption_text *renderer, const char *text,
                        double letters, int width_max_px)
{
    if (strcmp(text, l->text) == 0)
        return l->sprite.memory != NULL;
    text_copy(l->text, sizeof l->text, text);
    const struct caption_style style = {
        .letter_px = s->look.letter_px * letters,
        .width_max_px = width_max_px,
        .height_max_px = s->look.height_px,
        .font = s->look.font,
        .ink = s->look.ink,
        .boxed = s->look.boxed,
    };
    struct caption_image image = caption_text_render(renderer, &style, l->text);
    sprite_clear(&l->sprite);
    l->sprite = sprite_make(&image, s->look.width_px, s->look.height_px);
    l->margin_px = image.margin_px;
    free(image.argb);
    return l->sprite.memory != NULL;
}

/* White inside, a dark rim around: how much of each at a place of the arrow, which points to the left. */
static uint32_t arrow_pixel(double x, double y, double size)
{
    double reach = size - fabs(y - size) - 1; /* half a square on its corner */
    double from_tip = x - fabs(y - size);
    double inner = fmin(fmin(reach, from_tip), 1.5 * size - x) - 1;
    double white = fmin(fmax(inner, 0), 1), alpha = fmin(fmax(inner + 2, 0), 1);
    uint32_t a = (uint32_t)lrint(255 * alpha), v = (uint32_t)lrint(255 * white * alpha);
    return a << 24 | v << 16 | v << 8 | v;
}

static struct sprite make_arrow(const struct signs_look *look)
{
    int size = (int)fmax(4, lrint(look->letter_px * ARROW / 2) * 2);
    struct caption_image image = {.width_px = 2 * size, .height_px = 2 * size};
    image.argb = xcalloc((size_t)image.width_px * (size_t)image.height_px, sizeof *image.argb);
    for (int y = 0; y < image.height_px; y++)
        for (int x = 0; x < image.width_px; x++) {
            int at = look->right ? image.width_px - 1 - x : x; /* it points into the picture */
            image.argb[y * image.width_px + x] = arrow_pixel(at + 0.5, y + 0.5, size);
        }
    struct sprite s = sprite_make(&image, look->width_px, look->height_px);
    free(image.argb);
    return s;
}

/* The bar: a dark track with a rim, filled from the left. */
static struct sprite make_meter(const struct signs_look *look, int width_px, int height_px, int filled_px)
{
    struct caption_image image = {.width_px = width_px, .height_px = height_px};
    const uint32_t ink = look->ink ? look->ink & 0xffffff : 0xffffff, a = look->boxed ? 255 : FILL_ALPHA;
    const uint32_t fill =
        a << 24 | (ink >> 16 & 255) * a / 255 << 16 | (ink >> 8 & 255) * a / 255 << 8 | (ink & 255) * a / 255;
    const uint32_t track = (look->boxed ? 255u : TRACK_ALPHA) << 24;
    image.argb = xcalloc((size_t)width_px * (size_t)height_px, sizeof *image.argb);
    for (int y = 0; y < height_px; y++)
        for (int x = 0; x < width_px; x++) {
            bool inside = y > 0 && y < height_px - 1 && x > 0 && x <= filled_px;
            image.argb[y * width_px + x] = inside ? fill : track;
        }
    struct sprite s = sprite_make(&image, look->width_px, look->height_px);
    free(image.argb);
    return s;
}

/* ---- places ---- */

/* Puts a sprite at one of the two edges, its middle at height `y`, and draws it. */
static void draw_at_edge(const struct signs *s, struct sprite *sprite, bool right, int inset_px, int y,
                         const struct frame *frame)
{
    int x = s->look.safe_x_px + inset_px, low = s->look.safe_y_px,
        high = frame->height_px - low - sprite->height;
    int top = y - sprite->height / 2;
    top = top > high ? high : top < low ? low : top;
    sprite_place(sprite, right ? frame->width_px - x - sprite->width : x, top, frame);
    sprite_draw(sprite, frame, SPRITE_LEVEL_ONE);
}

/* At the edge across from the caption: what is above, the arrow, what is below. */
static void draw_front(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                       const struct frame *frame)
{
    int low = s->look.safe_y_px, line = (int)(s->look.letter_px * SMALL * LINE);
    double y = fmin(fmax(c->front * frame->height_px, low + 1.5 * line), frame->height_px - low - 1.5 * line);
    int wide = frame->width_px - 2 * s->look.safe_x_px;
    bool right = !s->look.right;
    if (!s->arrow.memory)
        s->arrow = make_arrow(&s->look);
    if (write_label(s, &s->upper, renderer, c->upper, SMALL, wide))
        draw_at_edge(s, &s->upper.sprite, right, -s->upper.margin_px, (int)y - line, frame);
    if (write_label(s, &s->lower, renderer, c->lower, SMALL, wide))
        draw_at_edge(s, &s->lower.sprite, right, -s->lower.margin_px, (int)y + line, frame);
    draw_at_edge(s, &s->arrow, right, 0, (int)lrint(y), frame);
}

static void draw_winner(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                        const struct frame *frame)
{
    if (!write_label(s, &s->won, renderer, c->won, WINNER, frame->width_px - 2 * s->look.safe_x_px))
        return;
    struct sprite *w = &s->won.sprite;
    int middle = s->look.lines_top_px ? frame->height_px / 2 : frame->height_px * 3 / 4; /* above the plate */
    sprite_place(w, (frame->width_px - w->width) / 2, middle - w->height / 2, frame);
    sprite_draw(w, frame, SPRITE_LEVEL_ONE);
}

/* Where the next one of the lines has its middle: down from a given place, or away from the caption's edge. */
static int line_middle(const struct signs *s, double y)
{
    return s->look.bottom && !s->look.lines_top_px ? s->look.height_px - (int)y : (int)y;
}

/* It glides, because a belief comes with each picture of the dream only. */
static void draw_meter(struct signs *s, const struct signs_content *c, double y, const struct frame *frame)
{
    const int width = (int)fmax(8, lrint(s->look.letter_px * METER_WIDTH / 2) * 2);
    const int height = (int)fmax(4, lrint(s->look.letter_px * METER / 2) * 2);
    const double wanted = fmin(fmax(c->belief, 0), 1);
    s->belief += (wanted - s->belief) * GLIDE;
    const int filled = (int)lrint(s->belief * (width - 2));
    if (!s->meter.memory || filled != s->meter_filled) {
        sprite_clear(&s->meter);
        s->meter = make_meter(&s->look, width, height, filled);
        s->meter_filled = filled;
    }
    draw_at_edge(s, &s->meter, s->look.right, s->look.margin_px - s->look.safe_x_px, line_middle(s, y),
                 frame);
}

/* One below the other, away from the caption's edge; behind them the bar. */
static void draw_lines(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                       const struct frame *frame)
{
    const double line = s->look.letter_px * SMALL * LINE;
    double y = s->look.lines_top_px ? s->look.lines_top_px : s->look.safe_y_px + s->look.letter_px * LINE;
    for (int i = 0; i < SIGNS_LINES; i++) {
        struct label *l = &s->lines[i];
        if (!write_label(s, l, renderer, c->lines[i], SMALL, s->look.lines_width_px))
            continue;
        draw_at_edge(s, &l->sprite, s->look.right, s->look.margin_px - s->look.safe_x_px - l->margin_px,
                     line_middle(s, y + line / 2), frame);
        y += line;
    }
    if (c->has_belief)
        draw_meter(s, c, y + s->look.letter_px * METER, frame);
}

void signs_draw(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                const struct frame *frame)
{
    if (c->front >= 0)
        draw_front(s, renderer, c, frame);
    draw_winner(s, renderer, c, frame);
    draw_lines(s, renderer, c, frame);
}

/* ---- open and close ---- */

struct signs *signs_open(const struct signs_look *look)
{
    struct signs *s = xcalloc(1, sizeof *s);
    s->look = *look;
    return s;
}

void signs_close(struct signs **out)
{
    struct signs *s = *out;
    if (!s)
        return;
    sprite_clear(&s->upper.sprite);
    sprite_clear(&s->lower.sprite);
    sprite_clear(&s->won.sprite);
    for (int i = 0; i < SIGNS_LINES; i++)
        sprite_clear(&s->lines[i].sprite);
    sprite_clear(&s->arrow);
    sprite_clear(&s->meter);
    free(s);
    *out = NULL;
}
