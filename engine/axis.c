/*
 * axis - see axis.h. A view's pixel i looks at the picture's place (i + 0.5 - offset) / scale - 0.5, through
 * a triangle as wide as a view pixel and never narrower than a picture pixel, so shrinking does not alias.
 */
#include "engine/axis.h"

#include <math.h>

/* Mirrors at the borders, the border pixel itself doubled: ... 1 0 | 0 1 2 ... */
static int mirror(int i, int n)
{
    int period = 2 * n;
    i %= period;
    i += i < 0 ? period : 0;
    return i < n ? i : period - 1 - i;
}

static double axis_radius(double scale)
{
    return scale < 1 ? 1 / scale : 1;
}

int image_axis_taps(double scale)
{
    return (int)ceil(2 * axis_radius(scale)) + 1;
}

/* Does tap t of view pixel i look beyond the picture's borders? */
static bool is_beyond(const struct image_axis *a, int i, int t, double scale, double offset)
{
    double centre = (i + 0.5 - offset) / scale - 0.5;
    int at = (int)floor(centre - axis_radius(scale)) + 1 + t;
    return at < 0 || at >= a->size;
}

void image_axis_plan(struct image_axis *a, int view, double scale, double offset, bool is_one_way)
{
    double radius = axis_radius(scale);
    a->view = view;
    a->taps = image_axis_taps(scale);
    for (int i = 0; i < view; i++) {
        double centre = (i + 0.5 - offset) / scale - 0.5, sum = 0;
        int first = (int)floor(centre - radius) + 1;
        float *w = a->weight + (long)i * a->taps;
        for (int t = 0; t < a->taps; t++) {
            double height = 1 - fabs(first + t - centre) / radius;
            a->index[(long)i * a->taps + t] = mirror(first + t, a->size);
            w[t] = (float)(height > 0 ? height : 0);
            sum += (double)w[t];
        }
        for (int t = 0; t < a->taps; t++)
            w[t] /= (float)sum;
    }
    for (int k = 0; k < a->size + 2; k++)
        a->start[k] = 0;
    for (long n = 0; n < (long)view * a->taps; n++)
        a->start[a->index[n] + 2]++;
    for (int k = 0; k < a->size; k++)
        a->start[k + 2] += a->start[k + 1];
    for (long n = 0; n < (long)view * a->taps; n++) { /* start[k + 1] moves from the begin of k to its end */
        int at = a->start[a->index[n] + 1]++;
        a->back[at] = (int)(n / a->taps);
        a->back_weight[at] = a->weight[n];
        if (is_one_way && is_beyond(a, (int)(n / a->taps), (int)(n % a->taps), scale, offset))
            a->back_weight[at] = 0;
    }
}
