/*
 * step - the words that a decision is made of: the view, the objective, the update, and what the
 * picture was like.
 */
#ifndef ENGINE_STEP_H
#define ENGINE_STEP_H

#include <stdbool.h>
#include <stdint.h>

enum { CPU_NET_SIDE_MAX_PX = 16384 };

struct image_view {
    int width_px, height_px;   /* of the view */
    double scale;              /* view pixels per picture pixel */
    double offset_x, offset_y; /* where the picture's corner lies in the view, view pixels */
};

/* How the picture falls: zoomed, and turned clockwise, about a point that stays where it is. */
struct image_move {
    double zoom, degrees;
    double x, y; /* of that point, off the middle: shares of the width and the height */
};

/* What the gradient climbs: sum over subjects s and map positions p of weight_s[p] * logit[class_s][p] (a weight below 0 descends), minus
 * `minus_mean` * mean over p of the mean over classes of logit[.][p]. Linear in the logits, so only ReLU and
 * pool decisions have to be kept for the way back. When `layer` >= 0 it is the mean square of that layer's
 * activations instead (or, with `channel` >= 0, the mean activation of that channel); with `falls` its negative. */
struct objective_subject {
    int class_index;
    const float *weight; /* [map_h][map_w] */
};
struct objective {
    const struct objective_subject *subjects;
    int subject_count;
    float minus_mean;
    int layer;   /* index into model.layers, or -1 */
    int channel; /* or -1 */
    bool falls;  /* away from the layer */
};

/* How one step changes a row; see engine/dream/modern.c. */
struct image_step {
    float step;        /* times the momentum */
    float centre;      /* what `contrast` turns about, levels */
    float contrast;    /* share of the distance from centre that is taken away; negative: added */
    float shift;       /* levels added everywhere */
    float chroma;      /* pull towards the pixel's own grey */
    float margin;      /* soft clamp: begins this far from 0 and 255 */
    float margin_pull; /* share of the excess taken back */
    float glare;       /* levels that a channel may be off its pixel's grey before that is bent back */
    float glare_pull;  /* share of the excess taken back */
};

/* The swapped-rates update of profile classic; see engine/dream/classic.c. */
struct classic_step {
    float rate;
    float first, second; /* 1 / (1 - beta^t) of both moments */
};

/* The step of that number since the moments were zero, from 1. */
struct classic_step image_classic_step(int moment);

/* What the controllers need to know about a picture; sums over pixels. */
struct image_sums {
    double mean, square; /* of grey = (r + g + b) / 3 */
    double chroma;       /* of (r - grey)^2 + (g - grey)^2 + (b - grey)^2, over 3 */
    double extreme;      /* channel values beyond 4..251 */
    double bad;          /* not finite */
};

#endif
