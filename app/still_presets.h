/*
 * still_presets - files of settings for kinds of pictures (config/pictures/), which are inside the program.
 */
#ifndef APP_STILL_PRESETS_H
#define APP_STILL_PRESETS_H

#include "config/config.h"

/* A row each. */
#define STILL_PRESETS_HELP                                                                                         \
    "settings for a kind of picture, or a file of your own that ends in .yaml. class: subjects out of noise, as "  \
    "without a preset. photo: subjects in a photograph, as -t with -i. deepdream: what a layer sees, as --layer. " \
    "print: large and sharp, for paper. classic2015: formulas and sizes of the system of 2015"

/* The preset of that name, or the file, goes over what is there. 0 or -EINVAL with a line. */
int still_preset_load(const struct config *c, const char *name, struct error *e);

#endif
