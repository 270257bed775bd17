/*
 * focus - one thing in the middle instead of a crowd.
 *
 * The weights of a single subject's logits fall off from the middle of the picture, and their sum stays. Objects
 * grow where they are asked for, and the middle is where the camera falls.
 */
#include "engine/dream/internal.h"

#include <math.h>

#define RADIUS 0.3 /* of the soft middle (its deviation), share of the picture's shorter side */

/* Weight of a place that is so many pixels off the middle. */
static double weight_at(const struct dream *d, double focus, double dx, double dy)
{
    double radius = RADIUS * (d->width < d->height ? d->width : d->height);
    return 1 - focus + focus * exp(-(dx * dx + dy * dy) / (2 * radius * radius));
}

/* [map height][map width] in place. */
static void focus_map(const struct dream *d, const struct image_view *v, double focus, float *weights)
{
    int w = model_map_size(d->model, v->width_px), h = model_map_size(d->model, v->height_px);
    double half = model_min_px(d->model) / 2.0, before = 0, after = 0;
    for (int i = 0; i < w * h; i++) {
        double x = (half + i % w * d->model->stride_px - v->offset_x) / v->scale;
        double y = (half + i / w * d->model->stride_px - v->offset_y) / v->scale;
        before += (double)weights[i];
        weights[i] *= (float)weight_at(d, focus, x - d->width / 2.0, y - d->height / 2.0);
        after += (double)weights[i];
    }
    for (int i = 0; i < w * h && after != 0; i++)
        weights[i] *= (float)(before / after);
}

void dream_focus(struct dream *d, const struct image_view *v, int subject_count)
{
    for (int i = 0; i < subject_count && d->config.focus > 0; i++)
        focus_map(d, v, d->config.focus, d->weights + (size_t)i * (size_t)d->max_map);
}
