/*
 * still_options - what `reverie still` is asked for: section "still" beside section "dream", both from presets, from a
 * picture's recipe and from the command line, in that order.
 *
 * What makes a picture what it is stands in these two structs and nowhere else: so a preset is a file of settings, and a
 * recipe is the settings that differ from the defaults (app/still_recipe.h).
 */
#ifndef APP_STILL_OPTIONS_H
#define APP_STILL_OPTIONS_H

#include "config/config.h"
#include "engine/dream/dream.h"

enum { STILL_SIDE_MIN = 64, STILL_OCTAVES_MAX = 16, STILL_SEEDS_MAX = 64 };

struct still_config {
    /* What. */
    char text[OPTION_STRING_BYTES];  /* as in chat; several pictures with "|" between them */
    char layer[OPTION_STRING_BYTES]; /* "conv4_3:5 + 2 conv5_1" */
    char guide[OPTION_STRING_BYTES]; /* "": none */
    char mask[OPTION_STRING_BYTES];  /* "": everywhere */
    int64_t seed, seeds;             /* the first, and how many */

    /* How. */
    int64_t octaves;
    double octave_scale;
    char octave_steps[OPTION_STRING_BYTES]; /* "60,40,20", coarsest first; "": equal shares of dream.steps */
    char objects[OPTION_STRING_BYTES];      /* "60-200" pixels of the finished picture; "": dream.object_* */
    bool keep_detail, original_colours;
    int64_t memory_mb;

    /* The file. */
    bool recipe; /* is kept in it */
    int64_t quality, bits, save_every;
    double animate_s, animate_zoom; /* zoom per second */
    int64_t fps;
};

struct still_options {
    struct still_config still;
    struct dream_config dream;
    const char *output;
    const char *preset, *again; /* as given, or NULL */
    bool size_given; /* by the command line or a recipe; else the start picture's or the usual one */
    int64_t octave_steps[STILL_OCTAVES_MAX], all_steps;
    struct config_entry entries[2];
    struct config config; /* of the two sections */
};

/* ARGS_OK, or the exit code after a line on stderr. */
int still_options_parse(struct still_options *o, int argc, char **argv);

/* Sizes of objects in pixels become shares of a picture of o->dream.size, which is final by now. */
void still_options_objects(struct still_options *o);

#endif
