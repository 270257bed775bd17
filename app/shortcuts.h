/*
 * shortcuts - options of a command that are settings of section "dream" under shorter names, so that
 * `--preprocessing caffe` and `--set dream.preprocessing=caffe` are the same thing everywhere.
 */
#ifndef APP_SHORTCUTS_H
#define APP_SHORTCUTS_H

#include "app/args.h"
#include "engine/dream/dream.h"

#define PREPROCESSING_HELP                                                                                   \
    "instead of what the file says: torchvision, caffe, caffe-rgb, caffe-grey, caffe-rgb-grey"

struct shortcut {
    const char *key;   /* without "dream." */
    const char *value; /* NULL: not given */
};

/* What `sets` (NULL: none) and then the shortcuts say, over what `config` holds. ARGS_OK, or the exit code
 * after a line on stderr. */
int shortcuts_apply(const struct args_command *command, struct dream_config *config,
                    const struct arg_list *sets, const struct shortcut *shortcuts, int count);

/* The defaults of section "dream". */
void shortcuts_defaults(struct dream_config *config);

#endif
