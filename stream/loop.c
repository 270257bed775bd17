/*
 * loop - see loop.h.
 */
#include "stream/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* One picture, shared by the ring and the films. */
struct small {
    int holders;
    uint8_t pixels[]; /* Y [height][width], Cb, Cr [height / 2][width / 2] */
};

struct shape {
    int width_px, height_px; /* even */
    int factor;              /* of the frame's sides */
    size_t luma, bytes;
};

struct loop {
    int width_px, height_px; /* of frames */
    struct shape shape;
    struct small *ring[LOOP_PICTURES]; /* number n stands at n % LOOP_PICTURES */
    int64_t added;                     /* since it was cleared */
};

struct loop_film {
    struct shape shape;
    int count; /* of the film: one second less than there are pictures */
    struct small *pictures[LOOP_PICTURES], *blended;
};

static void let_go(struct small **s)
{
    if (*s && --(*s)->holders == 0)
        free(*s);
    *s = NULL;
}

static struct small *new_small(const struct shape *shape)
{
    struct small *s = malloc(sizeof *s + shape->bytes);
    if (s)
        s->holders = 1;
    return s;
}

struct loop *loop_open(int width_px, int height_px)
{
    struct loop *l = xcalloc(1, sizeof *l);
    int factor = width_px / LOOP_WIDTH_PX > 1 ? width_px / LOOP_WIDTH_PX : 1;
    while (factor > 1 && height_px / factor < 2)
        factor--;
    l->width_px = width_px;
    l->height_px = height_px;
    l->shape = (struct shape){
        .width_px = width_px / factor & ~1, .height_px = height_px / factor & ~1, .factor = factor};
    l->shape.luma = (size_t)l->shape.width_px * (size_t)l->shape.height_px;
    l->shape.bytes = l->shape.luma / 2 * 3;
    return l;
}

void loop_clear(struct loop *l)
{
    for (int i = 0; i < LOOP_PICTURES; i++)
        let_go(&l->ring[i]);
    l->added = 0;
}

void loop_close(struct loop **l)
{
    if (!*l)
        return;
    loop_clear(*l);
    free(*l);
    *l = NULL;
}

/* Each pixel is the mean of factor x factor. */
static void shrink(const uint8_t *in, int stride, uint8_t *out, int width_px, int height_px, int factor)
{
    const unsigned area = (unsigned)(factor * factor);
    for (int y = 0; y < height_px; y++)
        for (int x = 0; x < width_px; x++) {
            const uint8_t *from = in + (ptrdiff_t)y * factor * stride + (ptrdiff_t)x * factor;
            unsigned sum = area / 2;
            for (int row = 0; row < factor; row++, from += stride)
                for (int i = 0; i < factor; i++)
                    sum += from[i];
            *out++ = (uint8_t)(sum / area);
        }
}

int loop_add(struct loop *l, const struct frame *f)
{
    const struct shape *s = &l->shape;
    if (f->width_px != l->width_px || f->height_px != l->height_px)
        return 0;
    struct small *picture = new_small(s);
    if (!picture)
        return -ENOMEM;
    shrink(f->planes[0], f->strides[0], picture->pixels, s->width_px, s->height_px, s->factor);
    for (int plane = 1; plane < 3; plane++)
        shrink(f->planes[plane], f->strides[plane],
               picture->pixels + s->luma + (size_t)(plane - 1) * (s->luma / 4), s->width_px / 2,
               s->height_px / 2, s->factor);
    struct small **place = &l->ring[l->added++ % LOOP_PICTURES];
    let_go(place);
    *place = picture;
    return 0;
}

struct loop_film *loop_take(const struct loop *l)
{
    int there = l->added < LOOP_PICTURES ? (int)l->added : LOOP_PICTURES;
    struct small *blended = there >= 2 * LOOP_FPS ? new_small(&l->shape) : NULL;
    if (!blended)
        return NULL;
    struct loop_film *f = xcalloc(1, sizeof *f);
    f->shape = l->shape;
    f->count = there - LOOP_FPS;
    f->blended = blended;
    for (int i = 0; i < there; i++) {
        f->pictures[i] = l->ring[(l->added - there + i) % LOOP_PICTURES];
        f->pictures[i]->holders++;
    }
    return f;
}

void loop_film_free(struct loop_film *f)
{
    if (!f)
        return;
    for (int i = 0; i < LOOP_PICTURES; i++)
        let_go(&f->pictures[i]);
    let_go(&f->blended);
    free(f);
}

void loop_film_size(const struct loop_film *f, int *width_px, int *height_px, int *count)
{
    *width_px = f->shape.width_px;
    *height_px = f->shape.height_px;
    *count = f->count;
}

/* The film is pictures LOOP_FPS and on; in its last second those before its first come in more and more. */
void loop_film_picture(struct loop_film *f, int i, struct frame *out)
{
    const struct shape *s = &f->shape;
    int into = i - (f->count - LOOP_FPS); /* the last second */
    uint8_t *pixels = f->pictures[LOOP_FPS + i]->pixels;
    if (into >= 0) {
        const uint8_t *late = pixels, *early = f->pictures[into]->pixels;
        unsigned share = (unsigned)into + 1, all = LOOP_FPS + 1;
        pixels = f->blended->pixels;
        for (size_t k = 0; k < s->bytes; k++)
            pixels[k] = (uint8_t)((late[k] * (all - share) + early[k] * share + all / 2) / all);
    }
    *out = (struct frame){.width_px = s->width_px,
                          .height_px = s->height_px,
                          .planes = {pixels, pixels + s->luma, pixels + s->luma + s->luma / 4},
                          .strides = {s->width_px, s->width_px / 2, s->width_px / 2}};
}
