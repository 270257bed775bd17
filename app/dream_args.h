/*
 * dream_args - arguments that are settings of section "dream" under their own or shorter names, so that
 * `--preprocessing caffe` and `--set dream.preprocessing=caffe` are the same thing in every command.
 */
#ifndef APP_DREAM_ARGS_H
#define APP_DREAM_ARGS_H

#include "app/args.h"
#include "engine/dream/dream.h"

/* text NULL: what the setting says about itself. */
#define ARG_DREAM(letter, name, metavar, f, text)                                                            \
    ARG_SETTING(letter, name, metavar, dream_section, struct dream_config, f, text)

#define ARG_DREAM_MODEL                                                                                      \
    ARG_DREAM('m', "model", "FILE", model, "weights to use; without it the embedded model")
#define ARG_DREAM_PREPROCESSING                                                                              \
    ARG_DREAM(0, "preprocessing", "P", preprocessing, "instead of what the model's file says")
#define ARG_DREAM_LABELS                                                                                     \
    ARG_DREAM(0, "labels", "FILE", labels, "names of the classes, one a line, for a model that has none")
#define ARG_DREAM_TIER                                                                                       \
    ARG_DREAM(0, "tier", "T", cpu_tier, "vector instructions; auto takes the best that there are")
#define ARG_DREAM_THREADS ARG_DREAM(0, "threads", "N", threads, "threads that compute; 0: one per core")
#define ARG_DREAM_SET     ARG_SET("any setting of section dream; may be repeated")

#endif
