/*
 * run_options - what `reverie run` takes on its command line.
 */
#ifndef APP_RUN_OPTIONS_H
#define APP_RUN_OPTIONS_H

#include "app/args.h"

struct run_options {
    const char *config_path, *script_path; /* NULL: none */
    struct arg_list sets;
    double duration_s;   /* 0: until it is stopped */
    double rehearse_min; /* 0: it is no rehearsal */
    bool offline, print_config, calm, with_outputs;
    int watch;    /* enum watch_mode */
    int64_t seed; /* -1: from the clock */
};

/* `config` names the settings in --help=settings and in what was probably meant; it is not filled. ARGS_OK, or
 * the exit code after everything has been said. */
int run_options_parse(struct run_options *o, const struct config *config, int argc, char **argv);

#endif
