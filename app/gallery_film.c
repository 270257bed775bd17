/*
 * gallery_film - see gallery_parts.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "app/gallery_parts.h"
#include "common/mem.h"
#include "stream/still.h"

enum { QUALITY = 55 };

int film_begin(struct film *f, int64_t id, struct loop_film *loop, enum gallery_loop kind, struct error *e)
{
    struct animation_params p = {
        .path = kind == GALLERY_LOOP_WEBP ? "loop.webp" : "loop.mp4", .fps = LOOP_FPS, .quality = QUALITY};
    *f = (struct film){.id = id, .loop = loop};
    loop_film_size(loop, &p.width_px, &p.height_px, &f->count);
    f->rgb = buffer_alloc(3 * (size_t)p.width_px * (size_t)p.height_px);
    int rc = f->rgb ? animation_open(&f->animation, &p, e) : error_set(e, ENOMEM, "no memory for a loop");
    if (rc < 0)
        film_close(f);
    return rc;
}

int film_step(struct film *f, int count, uint8_t **data, size_t *bytes, struct error *e)
{
    struct frame picture;
    int rc = 0;
    for (; count > 0 && f->next < f->count && rc == 0; count--) {
        loop_film_picture(f->loop, f->next++, &picture);
        rc = still_scale(&picture, picture.width_px, picture.height_px, true, f->rgb);
        rc =
            rc < 0 ? error_set(e, -rc, "no memory for a loop") : animation_add_rgb24(f->animation, f->rgb, e);
    }
    if (rc == 0 && f->next < f->count)
        return 1;
    return rc < 0 ? rc : animation_finish(f->animation, data, bytes, e);
}

void film_close(struct film *f)
{
    loop_film_free(f->loop);
    animation_close(&f->animation);
    free(f->rgb);
    *f = (struct film){0};
}
