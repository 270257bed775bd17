/*
 * sprite - see sprite.h.
 */
#include "stream/sprite.h"

#include <math.h>
#include <stdlib.h>

#include "common/colour.h"
#include "common/mem.h"

static int even(int v)
{
    return v & ~1;
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

void sprite_clear(struct sprite *s)
{
    free(s->memory);
    *s = (struct sprite){0};
}

static void make_room(struct sprite *s)
{
    size_t luma = (size_t)s->width * (size_t)s->height, chroma = luma / 4;
    uint16_t *words = xmalloc(sizeof *words * (luma + 2 * chroma) + luma + chroma);
    uint8_t *bytes = (uint8_t *)(words + luma + 2 * chroma);
    s->memory = words;
    s->values[0] = words;
    s->values[1] = words + luma;
    s->values[2] = words + luma + chroma;
    s->alpha[0] = bytes;
    s->alpha[1] = bytes + luma;
}

struct sprite sprite_make(const struct caption_image *image, int width_max_px, int height_max_px)
{
    struct sprite s = {0};
    if (image->width_px == 0)
        return s;
    s.width = even(image->width_px + 1);
    s.height = even(image->height_px + 1);
    s.width = s.width < even(width_max_px) ? s.width : even(width_max_px);
    s.height = s.height < even(height_max_px) ? s.height : even(height_max_px);
    make_room(&s);
    for (int y = 0; y < s.height; y++)
        for (int x = 0; x < s.width; x++)
            fill_luma(image, &s, x, y);
    for (int y = 0; y < s.height / 2; y++)
        for (int x = 0; x < s.width / 2; x++)
            fill_chroma(image, &s, x, y);
    return s;
}

static int inside(int at, int size, int frame_size)
{
    int most = even(frame_size) - size;
    at = even(at);
    return at < 0 || most < 0 ? 0 : at > most ? most : at;
}

void sprite_place(struct sprite *s, int x, int y, const struct frame *frame)
{
    s->x = inside(x, s->width, frame->width_px);
    s->y = inside(y, s->height, frame->height_px);
}

static void blend_row(uint8_t *out, const uint16_t *values, const uint8_t *alpha, int n, int level)
{
    const uint32_t one = 255 * SPRITE_LEVEL_ONE;
    for (int x = 0; x < n; x++) {
        uint32_t covered = (uint32_t)alpha[x] * (uint32_t)level;
        uint32_t sum = out[x] * (one - covered) + (uint32_t)values[x] * (uint32_t)level + one / 2;
        out[x] = (uint8_t)(sum / one);
    }
}

void sprite_draw(const struct sprite *s, const struct frame *frame, int level)
{
    if (!s->memory || level == 0)
        return;
    for (int plane = 0; plane < 3; plane++) {
        const int part = plane == 0 ? 1 : 2, width = s->width / part, height = s->height / part;
        for (int y = 0; y < height; y++) {
            uint8_t *row = frame->planes[plane] + (int64_t)(s->y / part + y) * frame->strides[plane];
            blend_row(row + s->x / part, s->values[plane] + y * width, s->alpha[plane > 0] + y * width, width,
                      level);
        }
    }
}
