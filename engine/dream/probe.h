/*
 * probe - what a dream sees and wants at one moment, without chance: for comparing it with other
 * programs and with formulas.
 */
#ifndef ENGINE_DREAM_PROBE_H
#define ENGINE_DREAM_PROBE_H

#include "engine/dream/dream.h"

enum { PROBE_PRIORS_MAX = 5 };

struct dream_probe {
    int map_width, map_height;   /* of the logits */
    int view_width, view_height; /* of what the network looked at, pixels */
    double network;              /* loss: what is climbed, with the sign turned */
    int prior_count;
    struct {
        int pool_px;
        double energy; /* mean log(1 + (z - mu)^2 / nu) */
        double weight; /* in the whole loss */
    } prior[PROBE_PRIORS_MAX];
    double total; /* network + sum of weight * energy */
};

/*
 * The loss of the picture of `d` and its gradient.
 *
 * `classic`: the loss of 2015, to the letter (classic.c). `modern` follows no loss but a direction: the
 * subjects' gradient of a view that is drawn anew for each step, and the prior's at a fixed ratio of their
 * root mean squares. What is given here is the loss with that direction for the view in the middle, without
 * noise and without its octaves evened out.
 *
 * logits [classes][map_height][map_width] and gradient [3][height][width] (per 0..255 unit) are new memory
 * that the caller frees. 0; -ENODATA when there is no network or nothing to climb; -ENOMEM; -EIO when the
 * hardware was lost.
 */
int dream_probe(struct dream *d, struct dream_probe *p, float **logits, float **gradient);

#endif
