/*
 * target - what is being dreamed, where, and how one thing takes over from another.
 *
 * What is dreamed is a mix of targets whose shares add up to one: the newest grows by elapsed time / fade time,
 * the others shrink in proportion, so a request in the middle of a fade starts from whatever mix there is and
 * nothing jumps. A wipe has the same shares, but spends them by place: the newest has all of a disc whose
 * radius is its share of the way from the middle to a corner.
 *
 * Subjects that say no place share the picture: the first half of them in the upper row, the others below, with
 * room by weight. Those rows stay where they are. A place that was asked for is part of the picture and rides along
 * with it: every target keeps the map from the picture as it is back to that of when it was set.
 */
#include "engine/dream/internal.h"

#include <math.h>
#include <string.h>

static const float weight_max = 16;

/* ---- places ---- */

/* 0 before an edge, 1 behind it, softly over `soft`. */
static double beyond(double at, double edge, double soft)
{
    if (soft <= 0)
        return at >= edge;
    double t = (at - edge) / soft + 0.5;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

/* The picture's own border is none: what reaches it goes on behind it, in the mirrored part of a view. An edge that
 * has moved out of the picture still has its soft side in it. */
static double inside(double at, double low, double high, double soft)
{
    bool has_low = low < 0 || low > 0, has_high = high < 1 || high > 1;
    return (has_low ? beyond(at, low, soft) : 1) * (has_high ? 1 - beyond(at, high, soft) : 1);
}

static void follow(const struct dream *d, const struct drift *by, double *x, double *y)
{
    double px = *x * d->width, py = *y * d->height;
    *x = (by->a * px - by->b * py + by->x0) / d->width;
    *y = (by->b * px + by->a * py + by->y0) / d->height;
}

double dream_subject_share(const struct dream *d, const struct mix *m, int index, double x, double y)
{
    const struct dream_place *p = &m->target.subjects[index].place;
    double soft_y = d->config.border, soft_x = soft_y * d->height / d->width;
    if (m->rides[index])
        follow(d, &m->drift, &x, &y);
    return inside(x, (double)p->left, (double)p->right, soft_x) *
           inside(y, (double)p->top, (double)p->bottom, soft_y);
}

/* One row of things side by side, from `first` on to `end`, between two heights. */
static void lay_row(struct dream_target *t, const int *which, int first, int end, float top, float bottom)
{
    float sum = 0, left = 0;
    for (int i = first; i < end; i++)
        sum += t->subjects[which[i]].weight;
    for (int i = first; i < end; i++) {
        struct dream_subject *s = &t->subjects[which[i]];
        float right = i + 1 == end ? 1 : left + s->weight / sum;
        s->place = (struct dream_place){left, top, right, bottom};
        left = right;
    }
}

/* Gives a place to those that have none. */
static void lay_out(struct dream_target *t, bool first_below)
{
    int which[DREAM_SUBJECTS_MAX], count = 0;
    float sum = 0, of_first_row = 0;
    for (int i = 0; i < t->count; i++) {
        struct dream_subject *s = &t->subjects[i];
        if (s->place.right > 0)
            continue;
        s->place = (struct dream_place){0, 0, 1, 1};
        if (s->weight > 0)
            which[count++] = i;
    }
    if (count < 2)
        return;
    for (int i = 0; i < count; i++) {
        sum += t->subjects[which[i]].weight;
        of_first_row += i < count / 2 ? t->subjects[which[i]].weight : 0;
    }
    float border = first_below ? 1 - of_first_row / sum : of_first_row / sum;
    lay_row(t, which, 0, count / 2, first_below ? border : 0, first_below ? 1 : border);
    lay_row(t, which, count / 2, count, first_below ? 0 : border, first_below ? border : 1);
    for (int i = 0; i < count; i++) /* their weights are spent on room; against all else they count alike */
        t->subjects[which[i]].weight = sum / (float)count;
}

bool dream_mix_is_plain(const struct mix *m)
{
    const struct dream_target *t = &m->target;
    for (int i = 0; i < t->count; i++) {
        float height = t->subjects[i].place.bottom - t->subjects[i].place.top;
        if (m->rides[i] || t->subjects[i].weight != t->subjects[0].weight || t->subjects[i].weight < 0 ||
            height * (float)t->count != 1)
            return false;
    }
    return t->count <= 2;
}

/* Those that share the picture in rows, the first one and its fellow; 0: it is not just two. */
static int two_rows(const struct mix *m, int which[2])
{
    int count = 0;
    for (int i = 0; i < m->target.count; i++) {
        if (m->rides[i] || m->target.subjects[i].weight < 0)
            continue;
        if (count == 2)
            return 0;
        which[count++] = i;
    }
    return count == 2 ? 2 : 0;
}

bool dream_set_front(struct dream *d, double front)
{
    int which[2];
    struct mix *m = d->mix_count ? &d->mix[d->mix_count - 1] : NULL;
    if (!m || !two_rows(m, which) || !(front >= 0 && front <= 1))
        return false;
    double soft = d->config.border; /* at the ends the soft border lies outside, too */
    float border = (float)(front * (1 + soft) - soft / 2);
    bool first_below = dream_first_below(&d->config);
    m->target.subjects[which[first_below]].place = (struct dream_place){0, 0, 1, border};
    m->target.subjects[which[!first_below]].place = (struct dream_place){0, border, 1, 1};
    return true;
}

/* ---- targets ---- */

static bool is_number(float v)
{
    return v > -1e6f && v < 1e6f;
}

static bool is_place(const struct dream_place *p)
{
    return is_number(p->left) && is_number(p->top) && p->right > p->left && p->bottom > p->top &&
           p->right > 0 && is_number(p->right) && is_number(p->bottom);
}

static struct mix settle(const struct dream *d, const struct dream_target *t)
{
    struct mix m = {.target.change = t->change, .drift.a = 1};
    for (int i = 0; i < t->count && m.target.count < DREAM_SUBJECTS_MAX; i++) {
        struct dream_subject s = t->subjects[i];
        if (s.class_index < 0 || s.class_index >= d->model->classes)
            continue;
        if (s.weight == 0 || !is_number(s.weight))
            s.weight = 1;
        s.weight = fminf(fmaxf(s.weight, -weight_max), weight_max);
        m.rides[m.target.count] = is_place(&s.place);
        if (!is_place(&s.place))
            s.place = (struct dream_place){0, 0, 0, 0};
        m.target.subjects[m.target.count++] = s;
    }
    lay_out(&m.target, dream_first_below(&d->config));
    return m;
}

static const struct dream_layer no_layer = {-1, -1, 1};

/* What the next step climbs, or descends. */
static void take_layer(struct dream *d, const struct dream_layer *l)
{
    d->layer = l->layer;
    d->channel = l->channel;
    d->falls = l->weight < 0;
}

void dream_set_target(struct dream *d, const struct dream_target *t, double fade_s)
{
    struct mix m = settle(d, t);
    take_layer(d, &no_layer);
    d->layer_count = 0;
    d->fade_s = fade_s;
    if (d->mix_count == 0 || fade_s <= 0) {
        m.share = 1;
        d->mix[0] = m;
        d->mix_count = 1;
        return;
    }
    if (d->mix_count == MIX_MAX) { /* the oldest has faded furthest; what is left of it goes to the next */
        d->mix[1].share += d->mix[0].share;
        memmove(d->mix, d->mix + 1, (MIX_MAX - 1) * sizeof *d->mix);
        d->mix_count--;
    }
    d->mix[d->mix_count++] = m;
}

void dream_set_layers(struct dream *d, const struct dream_layer *layers, int count)
{
    d->mix_count = 0;
    d->layer_count = count < DREAM_LAYERS_MAX ? count : DREAM_LAYERS_MAX;
    memcpy(d->layers, layers, (size_t)d->layer_count * sizeof *layers);
    take_layer(d, &layers[0]);
}

void dream_draw_layer(struct dream *d)
{
    double sum = 0, at;
    if (d->layer_count < 2)
        return;
    for (int i = 0; i < d->layer_count; i++)
        sum += fabs(d->layers[i].weight);
    at = sum * (double)rng_uniform(&d->rng);
    int i = 0;
    while (i + 1 < d->layer_count && at >= fabs(d->layers[i].weight))
        at -= fabs(d->layers[i++].weight);
    take_layer(d, &d->layers[i]);
}

static void advance_fade(struct dream *d, double elapsed_s)
{
    if (d->mix_count < 2)
        return;
    struct mix *newest = &d->mix[d->mix_count - 1];
    double grown = newest->share + elapsed_s / d->fade_s;
    if (grown >= 1) {
        d->mix[0] = *newest;
        d->mix[0].share = 1;
        d->mix_count = 1;
        return;
    }
    double shrink = (1 - grown) / (1 - newest->share);
    newest->share = grown;
    for (int i = 0; i < d->mix_count - 1; i++)
        d->mix[i].share *= shrink;
}

/* The map of a warp (engine/cpu/image_warp.h) before that of all earlier ones. */
static void warp_drift(const struct dream *d, struct drift *by, const struct image_move *move)
{
    double angle = -move->degrees * M_PI / 180, a = cos(angle) / move->zoom, b = sin(angle) / move->zoom;
    double cx = d->width * (0.5 + move->x), cy = d->height * (0.5 + move->y);
    double x0 = cx - a * cx + b * cy, y0 = cy - b * cx - a * cy;
    *by = (struct drift){.a = by->a * a - by->b * b,
                         .b = by->a * b + by->b * a,
                         .x0 = by->a * x0 - by->b * y0 + by->x0,
                         .y0 = by->b * x0 + by->a * y0 + by->y0};
}

void dream_mix_advance(struct dream *d, const struct image_move *move, double elapsed_s)
{
    for (int i = 0; i < d->mix_count; i++)
        warp_drift(d, &d->mix[i].drift, move);
    advance_fade(d, elapsed_s);
}

/* ---- shares ---- */

/* A disc about the middle that reaches the corners, soft border and all, when `grown` is 1. */
static double disc(const struct dream *d, double grown, double x, double y)
{
    double aspect = (double)d->width / d->height, soft = fmax(d->config.border, 0.02);
    double from_middle = hypot((x - 0.5) * aspect, y - 0.5), corner = hypot(0.5 * aspect, 0.5);
    return 1 - beyond(from_middle, grown * (corner + soft) - soft / 2, soft);
}

bool dream_mix_wipes(const struct dream *d)
{
    for (int i = 1; i < d->mix_count; i++)
        if (d->mix[i].target.change == DREAM_WIPE)
            return true;
    return false;
}

double dream_mix_share(const struct dream *d, int index, double x, double y)
{
    if (!dream_mix_wipes(d))
        return d->mix[index].share;
    double older = 0, own = 1; /* each takes its part of what those behind it have left */
    for (int i = 0; i < d->mix_count; i++) {
        older += d->mix[i].share;
        double grown = i == 0 ? 1 : older > 0 ? d->mix[i].share / older : 0;
        double part = i > 0 && d->mix[i].target.change == DREAM_WIPE ? disc(d, grown, x, y) : grown;
        own = i < index ? 1 : i == index ? part : own * (1 - part);
    }
    return own;
}
