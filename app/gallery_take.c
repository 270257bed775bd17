/*
 * gallery_take - see gallery_parts.h. What the dream says of itself is ahead of the pixels by its lag: a belief counts for
 * the frame that is on the screen so much later.
 */
#include "app/gallery_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { AROUND_US = LOOP_SECONDS * 1000000 / 2, FALLBACK_US = 1000000 };
#define SURER 0.005 /* what is not surer by so much is no better picture */

int take_open(struct take *t, int width_px, int height_px)
{
    const int half_px = (width_px + 1) / 2, half_rows = (height_px + 1) / 2;
    const size_t luma = (size_t)width_px * (size_t)height_px, chroma = (size_t)half_px * (size_t)half_rows;
    *t = (struct take){.pixels = buffer_alloc(luma + 2 * chroma), .loop = loop_open(width_px, height_px)};
    if (!t->pixels) {
        take_close(t);
        return -ENOMEM;
    }
    t->best = (struct frame){.width_px = width_px,
                             .height_px = height_px,
                             .planes = {t->pixels, t->pixels + luma, t->pixels + luma + chroma},
                             .strides = {width_px, half_px, half_px}};
    return 0;
}

void take_close(struct take *t)
{
    loop_film_free(t->film);
    loop_close(&t->loop);
    free(t->pixels);
    *t = (struct take){0};
}

void take_begin(struct take *t, int64_t id, int64_t now_us)
{
    loop_film_free(t->film);
    t->film = NULL;
    loop_clear(t->loop);
    t->id = id;
    t->began_us = now_us;
    t->belief = -1;
    t->has_best = false;
    t->belief_count = 0;
}

/* The surest of those that the pixels have come to; < 0: none. */
static double due(struct take *t, int64_t now_us)
{
    int kept = 0;
    double surest = -1;
    for (int i = 0; i < t->belief_count; i++)
        if (t->beliefs[i].due_us > now_us)
            t->beliefs[kept++] = t->beliefs[i];
        else if (t->beliefs[i].belief > surest)
            surest = t->beliefs[i].belief;
    t->belief_count = kept;
    return surest;
}

static void hear(struct take *t, const struct port_state *state, int64_t now_us)
{
    bool is_news = t->belief_count == 0 || t->beliefs[t->belief_count - 1].belief != state->share;
    if (state->request_id != t->id || state->share < 0 || !is_news || t->belief_count == TAKE_BELIEFS)
        return;
    t->beliefs[t->belief_count].belief = state->share;
    t->beliefs[t->belief_count++].due_us = now_us + (int64_t)(1e6 * state->lag_s);
}

static void copy(const struct frame *from, const struct frame *to)
{
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < (plane ? (to->height_px + 1) / 2 : to->height_px); y++)
            memcpy(to->planes[plane] + (ptrdiff_t)y * to->strides[plane],
                   from->planes[plane] + (ptrdiff_t)y * from->strides[plane], (size_t)to->strides[plane]);
}

void take_frame(struct take *t, const struct frame *f, const struct port_state *state, int64_t now_us)
{
    if (f->width_px != t->best.width_px || f->height_px != t->best.height_px)
        return;
    hear(t, state, now_us);
    loop_add(t->loop, f);
    double belief = due(t, now_us);
    bool is_surer = belief > t->belief + SURER || (belief >= 0 && t->belief < 0);
    bool is_last = t->belief < 0 && (!t->has_best || now_us - t->best_us >= FALLBACK_US);
    if (is_surer || is_last) {
        copy(f, &t->best);
        t->has_best = true;
        t->best_us = now_us;
        t->belief = is_surer ? belief : -1;
        loop_film_free(t->film);
        t->film = NULL;
    } else if (!t->film && t->has_best && t->belief >= 0 && now_us - t->best_us >= AROUND_US) {
        t->film = loop_take(t->loop); /* the best moment is in its middle now */
    }
}
