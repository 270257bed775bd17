/*
 * gallery_sheet - the contact sheet: the stills of a show on one picture, below each what it is and whose it was.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/gallery_parts.h"
#include "common/clock.h"
#include "common/mem.h"
#include "stream/caption_text.h"
#include "stream/picture.h"

enum {
    CELL_PX = 320,
    GAP_PX = 12,
    LETTER_PX = 17,
    LINE_PX = 24,
    CELLS_MAX = 48,
    GREY = 22,
    JPEG_QUALITY = 85
};

struct sheet {
    struct caption_text *renderer;
    float *rgb; /* [3][height][width], 0..255 */
    int width_px, height_px, across;
    int cell_height_px; /* of the still; two lines of text are below it */
};

static int columns(int count)
{
    return (int)ceil(sqrt(count));
}

/* A picture with transparency over the sheet, cut at a cell's width. */
static void lay_over(struct sheet *s, const struct caption_image *image, int left, int top)
{
    size_t plane = (size_t)s->width_px * (size_t)s->height_px;
    for (int y = 0; y < image->height_px && top + y < s->height_px; y++)
        for (int x = 0; x < image->width_px && x < CELL_PX; x++) {
            uint32_t v = image->argb[y * image->width_px + x];
            float keep = 1 - (float)(v >> 24) / 255;
            float *at = s->rgb + (size_t)(top + y) * (size_t)s->width_px + (size_t)(left + x);
            for (int c = 0; c < 3; c++)
                at[(size_t)c * plane] = at[(size_t)c * plane] * keep + (float)(v >> (16 - 8 * c) & 255);
        }
}

static void write_line(struct sheet *s, const char *text, uint32_t ink, int left, int top)
{
    const struct caption_style style = {
        .letter_px = LETTER_PX, .width_max_px = CELL_PX, .height_max_px = 2 * LINE_PX, .ink = ink};
    struct caption_image image = caption_text_render(s->renderer, &style, text);
    lay_over(s, &image, left, top);
    free(image.argb);
}

/* Puts a still into its cell. False: it cannot be read. */
static bool place(struct sheet *s, const char *path, int left, int top)
{
    float *rgb = NULL, *small = buffer_alloc(3 * sizeof(float) * CELL_PX * (size_t)s->cell_height_px);
    int width_px, height_px;
    bool done = small && picture_read(path, &rgb, &width_px, &height_px, NULL) == 0 &&
                picture_scale(rgb, width_px, height_px, small, CELL_PX, s->cell_height_px) == 0;
    size_t plane = (size_t)s->width_px * (size_t)s->height_px;
    for (int c = 0; done && c < 3; c++)
        for (int y = 0; y < s->cell_height_px; y++)
            memcpy(s->rgb + (size_t)c * plane + (size_t)(top + y) * (size_t)s->width_px + (size_t)left,
                   small + ((size_t)c * (size_t)s->cell_height_px + (size_t)y) * CELL_PX,
                   CELL_PX * sizeof(float));
    free(rgb);
    free(small);
    return done;
}

static void draw_cell(struct sheet *s, const char *dir, const struct credit *c, int at)
{
    char path[GALLERY_PATH_BYTES], line[CREDITS_TEXT_BYTES];
    int left = GAP_PX + at % s->across * (CELL_PX + GAP_PX);
    int top = GAP_PX + at / s->across * (s->cell_height_px + 2 * LINE_PX + GAP_PX);
    gallery_path(dir, c->run, c->id, "jpg", path);
    if (!place(s, path, left, top))
        return;
    write_line(s, c->text, 0, left, top + s->cell_height_px);
    if (c->belief >= 0)
        snprintf(line, sizeof line, "%s, %.0f %%", c->by, 100 * c->belief);
    else
        snprintf(line, sizeof line, "%s", c->by);
    write_line(s, line, CAPTION_INK | 0xb8b8b8, left, top + s->cell_height_px + LINE_PX);
}

/* As high as the first still is in a cell's width. 0: it cannot be read. */
static int cell_height(const char *dir, const struct credit *c)
{
    char path[GALLERY_PATH_BYTES];
    float *rgb = NULL;
    int width_px, height_px;
    gallery_path(dir, c->run, c->id, "jpg", path);
    if (picture_read(path, &rgb, &width_px, &height_px, NULL) < 0)
        return 0;
    free(rgb);
    int height = (int)lrint((double)CELL_PX * height_px / width_px);
    return height < 16 ? 16 : height > 4 * CELL_PX ? 4 * CELL_PX : height;
}

static int encode(const struct sheet *s, uint8_t **data, size_t *bytes, struct error *e)
{
    const struct picture_image image = {.rgb = s->rgb, .width_px = s->width_px, .height_px = s->height_px};
    const struct picture_style style = {.format = PICTURE_JPEG, .bits = 8, .quality = JPEG_QUALITY};
    return picture_encode(data, bytes, &image, &style, e);
}

int gallery_sheet(const char *dir, const struct credit *list, int count, int64_t until_us, uint8_t **data,
                  size_t *bytes, struct error *e)
{
    const struct credit *cells[CELLS_MAX];
    int n = 0;
    for (int i = count - 1; i >= 0 && n < CELLS_MAX; i--) /* the newest, where they do not all fit */
        if (list[i].still_bytes > 0)
            cells[n++] = &list[i];
    struct sheet s = {.across = columns(n), .cell_height_px = n ? cell_height(dir, cells[n - 1]) : 0};
    if (s.cell_height_px == 0)
        return -ENOENT;
    s.width_px = GAP_PX + s.across * (CELL_PX + GAP_PX);
    s.height_px = GAP_PX + (n + s.across - 1) / s.across * (s.cell_height_px + 2 * LINE_PX + GAP_PX);
    size_t size = 3 * (size_t)s.width_px * (size_t)s.height_px;
    s.rgb = buffer_alloc(size * sizeof *s.rgb);
    int rc =
        s.rgb ? caption_text_open(&s.renderer, e) : error_set(e, ENOMEM, "no memory for a contact sheet");
    for (size_t i = 0; i < size && s.rgb; i++)
        s.rgb[i] = GREY;
    for (int i = 0; i < n && rc == 0 && clock_real_us() < until_us; i++)
        draw_cell(&s, dir, cells[n - 1 - i], i); /* in the order of the show */
    if (rc == 0)
        rc = encode(&s, data, bytes, e);
    caption_text_close(&s.renderer);
    free(s.rgb);
    return rc;
}
