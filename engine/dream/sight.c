/*
 * sight - what the network sees in the picture: how surely each subject, and what else.
 *
 * Softmax probabilities, averaged over the places of the logit map: a subject's over its own part of the
 * picture, the surest classes over all of it. And where: the centroid of the subjects' logit maps. It costs a look
 * of the network and no gradient.
 */
#include "engine/dream/internal.h"

#include <errno.h>
#include <math.h>

/* The logits of one look, and where they lie. */
struct looked {
    struct dream_map map;
    int positions, classes;
    const float *logits; /* [classes][positions] */
};

/* Probabilities at a place are exp(logit - *top) / *sum. */
static void softmax_at(const struct looked *l, int position, double *top, double *sum)
{
    *top = -INFINITY;
    *sum = 0;
    for (int c = 0; c < l->classes; c++)
        *top = fmax(*top, (double)l->logits[(long)c * l->positions + position]);
    for (int c = 0; c < l->classes; c++)
        *sum += exp((double)l->logits[(long)c * l->positions + position] - *top);
}

static double probability(const struct looked *l, int class_index, int position, double top, double sum)
{
    return exp((double)l->logits[(long)class_index * l->positions + position] - top) / sum;
}

/* Each subject over its part; the wanted ones together are the share. */
static void see_subjects(const struct dream *d, const struct looked *l, struct dream_sight *s)
{
    const struct mix *m = &d->mix[d->mix_count - 1];
    double weights[DREAM_SUBJECTS_MAX] = {0}, share = 0;
    int wanted = 0;
    for (int p = 0; p < l->positions; p++) {
        double x = l->map.first_x + p % l->map.width * l->map.spacing_x;
        double y = l->map.first_y + p / l->map.width * l->map.spacing_y, top, sum;
        softmax_at(l, p, &top, &sum);
        for (int k = 0; k < m->target.count; k++) {
            double w = dream_subject_share(d, m, k, x, y);
            s->belief[k] += w * probability(l, m->target.subjects[k].class_index, p, top, sum);
            weights[k] += w;
        }
    }
    for (int k = 0; k < m->target.count; k++) {
        s->belief[k] = weights[k] > 0 ? s->belief[k] / weights[k] : 0;
        if (m->target.subjects[k].weight < 0 || (weights[k] <= 0 && !m->rides[k]))
            continue; /* a front has left it no room */
        share += s->belief[k];
        wanted++;
    }
    s->share = wanted > 0 ? share / wanted : -1;
}

/* How far a place's logit of a class stands above the mean of all places; 0 below it. */
static double above_mean(const struct looked *l, int class_index, int position, double mean)
{
    double over = (double)l->logits[(long)class_index * l->positions + position] - mean;
    return over > 0 ? over : 0;
}

/* Adds a subject's evidence to the centroid; squares, so that where it is clearest counts most. */
static void add_evidence(const struct dream *d, const struct looked *l, const struct mix *m, int k,
                         double sums[3])
{
    int class_index = m->target.subjects[k].class_index;
    double mean = 0;
    for (int p = 0; p < l->positions; p++)
        mean += (double)l->logits[(long)class_index * l->positions + p] / l->positions;
    for (int p = 0; p < l->positions; p++) {
        double x = l->map.first_x + p % l->map.width * l->map.spacing_x;
        double y = l->map.first_y + p / l->map.width * l->map.spacing_y;
        double over = above_mean(l, class_index, p, mean),
               w = dream_subject_share(d, m, k, x, y) * over * over;
        sums[0] += w;
        sums[1] += w * (x - 0.5);
        sums[2] += w * (y - 0.5);
    }
}

/* Where what is wanted is seen. */
static void find_middle(const struct dream *d, const struct looked *l, struct dream_sight *s)
{
    const struct mix *m = &d->mix[d->mix_count - 1];
    double sums[3] = {0};
    for (int k = 0; k < m->target.count; k++)
        if (m->target.subjects[k].weight > 0)
            add_evidence(d, l, m, k, sums);
    s->x = sums[0] > 0 ? sums[1] / sums[0] : 0;
    s->y = sums[0] > 0 ? sums[2] / sums[0] : 0;
}

/* Puts a class in its place among the surest. */
static void rank(struct dream_sight *s, int class_index, double p)
{
    int at = s->seen_count;
    while (at > 0 && s->seen[at - 1].probability < p)
        at--;
    if (at == DREAM_SEEN_MAX)
        return;
    int last = s->seen_count < DREAM_SEEN_MAX ? s->seen_count++ : DREAM_SEEN_MAX - 1;
    for (; last > at; last--)
        s->seen[last] = s->seen[last - 1];
    s->seen[at].class_index = class_index;
    s->seen[at].probability = p;
}

static void see_all(struct dream *d, const struct looked *l, struct dream_sight *s)
{
    for (int c = 0; c < l->classes; c++)
        d->seen[c] = 0;
    for (int p = 0; p < l->positions; p++) {
        double top, sum;
        softmax_at(l, p, &top, &sum);
        for (int c = 0; c < l->classes; c++)
            d->seen[c] += probability(l, c, p, top, sum);
    }
    for (int c = 0; c < l->classes; c++)
        rank(s, c, d->seen[c] / l->positions);
}

void dream_look(struct dream *d, struct dream_sight *s)
{
    *s = (struct dream_sight){.share = -1};
    if (!d->backend)
        return;
    struct backend_step step = {.climbs = false};
    struct backend_measure m = {.logits = d->logits};
    d->profile->look(d, &step);
    int rc = d->ops->measure(d->backend, &step, &m);
    if (rc < 0) {
        if (rc != -ENOTSUP)
            dream_backend_check(d, rc);
        return;
    }
    struct looked l = {
        .map = dream_view_map(d, &step.view), .classes = d->model->classes, .logits = d->logits};
    l.positions = l.map.width * l.map.height;
    see_all(d, &l, s);
    if (d->mix_count > 0) {
        see_subjects(d, &l, s);
        find_middle(d, &l, s);
    }
}

void dream_belief(struct dream *d, double belief[DREAM_SUBJECTS_MAX])
{
    struct dream_sight s;
    dream_look(d, &s);
    for (int i = 0; i < DREAM_SUBJECTS_MAX; i++)
        belief[i] = s.belief[i];
}
