/*
 * still_target - what a still climbs: subjects in words, or layers and channels, or the channels of a guide picture.
 */
#ifndef APP_STILL_TARGET_H
#define APP_STILL_TARGET_H

#include "app/still_options.h"

enum { STILL_TEXTS_MAX = 16 };

struct still_target {
    struct dream_target subjects; /* when there are no layers */
    struct dream_layer layers[DREAM_LAYERS_MAX];
    int layer_count;
};

/* `text`: one of the texts, or NULL for o->still.layer with its guide. 0 or -errno with a line. */
int still_target_find(struct still_target *t, struct model *m, const struct still_options *o,
                      const char *text, struct error *e);

/* The texts of "a | b", each trimmed, in `copy`, which they point into. Returns how many; 0: none or too many. */
int still_target_texts(char *copy, const char *texts[STILL_TEXTS_MAX]);

#endif
