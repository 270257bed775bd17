/*
 * objective - which logit counts how much where.
 *
 * The objective is linear in the logits, so fading from one target to another is fading their weights. With
 * two subjects `modern` gives each its half of the picture with a soft border, `classic` splits the rows of
 * the logit map.
 */
#include "engine/dream/internal.h"

#include <string.h>

#define BORDER 0.16 /* height of the soft border between two subjects, share of the picture */

double dream_subject_share(const struct dream *d, int index, int count, double y)
{
    if (count < 2)
        return 1;
    bool on_top = index == (dream_first_below(&d->config) ? 1 : 0);
    double lower = (y - 0.5) / BORDER + 0.5;
    lower = lower < 0 ? 0 : lower > 1 ? 1 : lower;
    lower = lower * lower * (3 - 2 * lower);
    return on_top ? 1 - lower : lower;
}

static float *next_weights(struct dream *d, int used)
{
    return d->weights + (size_t)used * (size_t)d->max_map;
}

int dream_objective_soft(struct dream *d, const struct dream_map *map, struct objective_subject *subjects)
{
    int used = 0;
    for (int i = 0; i < d->mix_count; i++) {
        const struct dream_target *t = &d->mix[i].target;
        for (int k = 0; k < t->count; k++) {
            float *w = next_weights(d, used);
            for (int row = 0; row < map->height; row++) {
                double share = dream_subject_share(d, k, t->count, map->first + row * map->spacing);
                float weight = (float)(d->mix[i].share * share / (map->width * map->height));
                for (int column = 0; column < map->width; column++)
                    w[row * map->width + column] = weight;
            }
            subjects[used++] = (struct objective_subject){t->class_index[k], w};
        }
    }
    return used;
}

/* docs/original-2015.md, item 33: the mean logit of one subject over the upper rows, of the other over the
 * lower; a single subject counts in both. */
int dream_objective_halves(struct dream *d, int map_width, int map_height, struct objective_subject *subjects)
{
    int used = 0, cut = map_height / 2;
    for (int i = 0; i < d->mix_count; i++) {
        const struct dream_target *t = &d->mix[i].target;
        for (int half = 0; half < 2 && t->count > 0; half++) {
            int first = half == 0 || map_height == 1 ? 0 : cut,
                end = half == 0 && map_height > 1 ? cut : map_height;
            int subject = half == (dream_first_below(&d->config) ? 1 : 0) ? 0 : t->count - 1;
            float *w = next_weights(d, used);
            memset(w, 0, (size_t)map_width * (size_t)map_height * sizeof *w);
            for (int p = first * map_width; p < end * map_width; p++)
                w[p] = (float)(d->mix[i].share / ((end - first) * map_width));
            subjects[used++] = (struct objective_subject){t->class_index[subject], w};
        }
    }
    return used;
}
