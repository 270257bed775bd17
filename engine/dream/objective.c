/*
 * objective - which logit counts how much where.
 *
 * The objective is linear in the logits, so fading from one target to another is fading their weights. Subjects
 * have places with soft borders (target.c); only the two halves of `classic` split the rows of the logit map.
 * What has a place of its own goes before what shares the picture: there it is alone. A place that the zoom has
 * carried out of sight, or nearly, would have all of a step's strength in its last corner: it widens instead, until
 * its subject is everywhere.
 */
#include "engine/dream/internal.h"

#include <string.h>

#define LEAST_AREA 0.02 /* of the picture; a place that is smaller widens */

static float *weight_map(struct dream *d, int used)
{
    return d->weights + (size_t)used * (size_t)d->max_map;
}

static double column_x(const struct dream_map *map, int position)
{
    return map->first_x + position % map->width * map->spacing_x;
}

static double row_y(const struct dream_map *map, int position)
{
    return map->first_y + position / map->width * map->spacing_y;
}

/* How far a place has widened for being too small, 0..1. */
static double widened(const struct dream *d, const struct mix *m, int k, const struct dream_map *map)
{
    int positions = map->width * map->height;
    double sum = 0;
    if (!m->rides[k])
        return 0;
    for (int p = 0; p < positions; p++)
        sum += dream_subject_share(d, m, k, column_x(map, p), row_y(map, p));
    double area = sum / positions;
    return area < LEAST_AREA ? 1 - area / LEAST_AREA : 0;
}

static double share_at(const struct dream *d, const struct mix *m, int k, double more,
                       const struct dream_map *map, int position)
{
    double share = dream_subject_share(d, m, k, column_x(map, position), row_y(map, position));
    return share + more * (1 - share);
}

/* What subjects with places of their own leave to those without: [height][width]. */
static void fill_rest(const struct dream *d, const struct mix *m, const struct dream_map *map, float *rest)
{
    int positions = map->width * map->height;
    for (int p = 0; p < positions; p++)
        rest[p] = 1;
    for (int k = 0; k < m->target.count; k++) {
        if (!m->rides[k] || m->target.subjects[k].weight < 0)
            continue;
        double more = widened(d, m, k, map);
        for (int p = 0; p < positions; p++)
            rest[p] *= (float)(1 - share_at(d, m, k, more, map, p));
    }
}

/* The subjects of mix `index`, behind the `used` ones that are there. Returns how many there are then. */
static int add_soft(struct dream *d, int index, const struct dream_map *map,
                    struct objective_subject *subjects, int used)
{
    const struct mix *m = &d->mix[index];
    int positions = map->width * map->height;
    float *rest = weight_map(d, BACKEND_SUBJECTS_MAX);
    fill_rest(d, m, map, rest);
    for (int k = 0; k < m->target.count; k++) {
        const struct dream_subject *s = &m->target.subjects[k];
        bool yields = !m->rides[k] && s->weight > 0;
        double more = widened(d, m, k, map);
        float *w = weight_map(d, used);
        for (int p = 0; p < positions; p++) {
            double share = share_at(d, m, k, more, map, p) * (yields ? (double)rest[p] : 1);
            double of_mix = dream_mix_share(d, index, column_x(map, p), row_y(map, p));
            w[p] = (float)(of_mix * share * (double)s->weight / positions);
        }
        subjects[used++] = (struct objective_subject){s->class_index, w};
    }
    return used;
}

int dream_objective_soft(struct dream *d, const struct dream_map *map, struct objective_subject *subjects)
{
    int used = 0;
    for (int i = 0; i < d->mix_count; i++)
        used = add_soft(d, i, map, subjects, used);
    return used;
}

/* docs/original-2015.md, item 33: the mean logit of one subject over the upper rows, of the other over the
 * lower; a single subject counts in both. */
static int add_halves(struct dream *d, int index, int map_width, int map_height,
                      struct objective_subject *subjects, int used)
{
    const struct mix *m = &d->mix[index];
    const struct dream_target *t = &m->target;
    int cut = map_height / 2;
    for (int half = 0; half < 2 && t->count > 0; half++) {
        int first = half == 0 || map_height == 1 ? 0 : cut,
            end = half == 0 && map_height > 1 ? cut : map_height;
        int subject = half == (dream_first_below(&d->config) ? 1 : 0) ? 0 : t->count - 1;
        float *w = weight_map(d, used);
        memset(w, 0, (size_t)map_width * (size_t)map_height * sizeof *w);
        for (int p = first * map_width; p < end * map_width; p++)
            w[p] = (float)(m->share / ((end - first) * map_width));
        subjects[used++] = (struct objective_subject){t->subjects[subject].class_index, w};
    }
    return used;
}

int dream_objective_halves(struct dream *d, int map_width, int map_height, struct objective_subject *subjects)
{
    struct dream_map map = dream_view_map(d, &d->params.views[0]);
    bool wipes = dream_mix_wipes(d);
    int used = 0;
    for (int i = 0; i < d->mix_count; i++)
        used = dream_mix_is_plain(&d->mix[i]) && !wipes
                   ? add_halves(d, i, map_width, map_height, subjects, used)
                   : add_soft(d, i, &map, subjects, used);
    return used;
}
