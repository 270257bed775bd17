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

static const double SAFE = 0.05;  /* of width and height, on each side */
static const double SMALL = 0.8;  /* letters of signs, in those of the caption */
static const double WINNER = 1.6; /* and the winner's */
static const double LINE = 1.35;  /* from one line to the next, in letters */
static const double ARROW = 0.6;  /* the mark's height, in letters */

/* A text and its sprite. */
struct label {
    char text[SIGNS_TEXT_BYTES];
    struct sprite sprite;
    int margin_px; /* what shadow or box add */
};

struct signs {
    struct signs_look look; /* immutable after open */
    struct label upper, lower, won, lines[SIGNS_LINES];
    struct sprite arrow;
};

/* ---- sprites ---- */

/* Sets the label's text; the same as before costs a comparison. False: there is nothing to draw. */
static bool write_label(struct signs *s, struct label *l, struct caption_text *renderer, const char *text,
                        double letters)
{
    if (strcmp(text, l->text) == 0)
        return l->sprite.memory != NULL;
    text_copy(l->text, sizeof l->text, text);
    const struct caption_style style = {
        .letter_px = s->look.letter_px * letters,
        .width_max_px = (int)(s->look.width_px * (1 - 2 * SAFE)),
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

/* ---- places ---- */

static int safe_x(const struct signs *s)
{
    return (int)(SAFE * s->look.width_px);
}

static int safe_y(const struct signs *s)
{
    return (int)(SAFE * s->look.height_px);
}

/* Puts a sprite at one of the two edges, its middle at height `y`, and draws it. */
static void draw_at_edge(const struct signs *s, struct sprite *sprite, bool right, int inset_px, int y,
                         const struct frame *frame)
{
    int x = safe_x(s) + inset_px, low = safe_y(s), high = frame->height_px - low - sprite->height;
    int top = y - sprite->height / 2;
    top = top > high ? high : top < low ? low : top;
    sprite_place(sprite, right ? frame->width_px - x - sprite->width : x, top, frame);
    sprite_draw(sprite, frame, SPRITE_LEVEL_ONE);
}

/* At the edge across from the caption: what is above, the arrow, what is below. */
static void draw_front(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                       const struct frame *frame)
{
    int low = safe_y(s), line = (int)(s->look.letter_px * SMALL * LINE);
    double y = fmin(fmax(c->front * frame->height_px, low + 1.5 * line), frame->height_px - low - 1.5 * line);
    bool right = !s->look.right;
    if (!s->arrow.memory)
        s->arrow = make_arrow(&s->look);
    if (write_label(s, &s->upper, renderer, c->upper, SMALL))
        draw_at_edge(s, &s->upper.sprite, right, -s->upper.margin_px, (int)y - line, frame);
    if (write_label(s, &s->lower, renderer, c->lower, SMALL))
        draw_at_edge(s, &s->lower.sprite, right, -s->lower.margin_px, (int)y + line, frame);
    draw_at_edge(s, &s->arrow, right, 0, (int)lrint(y), frame);
}

static void draw_winner(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                        const struct frame *frame)
{
    if (!write_label(s, &s->won, renderer, c->won, WINNER))
        return;
    struct sprite *w = &s->won.sprite;
    sprite_place(w, (frame->width_px - w->width) / 2, frame->height_px * 3 / 4 - w->height / 2, frame);
    sprite_draw(w, frame, SPRITE_LEVEL_ONE);
}

/* One below the other, away from the caption's edge. */
static void draw_lines(struct signs *s, struct caption_text *renderer, const struct signs_content *c,
                       const struct frame *frame)
{
    double y = safe_y(s) + s->look.letter_px * LINE;
    for (int i = 0; i < SIGNS_LINES; i++) {
        struct label *l = &s->lines[i];
        if (!write_label(s, l, renderer, c->lines[i], SMALL))
            continue;
        int middle = (int)(y + s->look.letter_px * SMALL * LINE / 2);
        draw_at_edge(s, &l->sprite, s->look.right, s->look.margin_px - safe_x(s) - l->margin_px,
                     s->look.bottom ? frame->height_px - middle : middle, frame);
        y += s->look.letter_px * SMALL * LINE;
    }
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
    free(s);
    *out = NULL;
}
