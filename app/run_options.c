/*
 * run_options - see run_options.h.
 */
#include "app/run_options.h"

static const char *const watch_modes[] = {"auto", "yes", "no", NULL}; /* as enum watch_mode */

#define S struct run_options
static const struct arg arguments[] = {
    ARG_TEXT('c', "config", "FILE", S, config_path,
             "settings from a YAML file; config/default.yaml documents them all"),
    ARG_LIST(0, "set", "KEY=VALUE", S, sets, "one setting, over the file's; may be repeated"),
    ARG(0, "duration", "TIME", OPTION_SPAN(S, duration_s, NULL, 0.04, 1e16, "end after so much show")),
    ARG_FLAG(0, "offline", S, offline, "on a virtual clock: the same frames on a slow and on a fast machine"),
    ARG_TEXT(0, "script", "FILE", S, script_path, "requests from lines SECONDS USER TEXT"),
    ARG(0, "seed", "N",
        OPTION_INT(S, seed, NULL, 0, 0x1p53, NULL, "same seed, settings and script: same offline show")),
    ARG_MAYBE(
        "rehearse", "[MINUTES]", "5",
        OPTION_FLOAT(S, rehearse_min, NULL, 0.1, 1440, NULL,
                     "the whole show before a crowd that is not there, and a report; 5 without a number")),
    ARG_FLAG(0, "calm", S, calm, "with --rehearse: nothing goes wrong on purpose"),
    ARG_FLAG(0, "with-outputs", S, with_outputs,
             "with --rehearse: also the outputs of the settings, for whoever watches there"),
    ARG(0, "watch", "WHEN",
        OPTION_CHOICE(S, watch, "auto", watch_modes,
                      "draw the dream in the terminal; auto: where that looks good")),
    ARG_FLAG(0, "print-config", S, print_config, "write the settings as YAML and exit"),
};
#undef S

int run_options_parse(struct run_options *o, const struct config *config, int argc, char **argv)
{
    const struct args_command command = {
        .name = "run",
        .operands = "",
        .text =
            "The show, until SIGINT or SIGTERM. Without options: the embedded model, no account, a recording\n"
            "under recordings/. Lines typed in the terminal are requests: goldfish, or goldfish + pizza.\n",
        .args = arguments,
        .count = ARRAY_LEN(arguments),
        .values = o,
        .config = config,
        .stray_hint = "start the show, then type it"};
    int first;
    *o = (struct run_options){.seed = -1};
    int code = args_parse(&command, argc, argv, &first);
    if (code == ARGS_OK && o->rehearse_min > 0 && (o->offline || o->script_path))
        return args_fault(&command, "--rehearse is a live show with a crowd of its own; leave %s out",
                          o->offline ? "--offline" : "--script");
    if (code == ARGS_OK && o->rehearse_min == 0 && (o->calm || o->with_outputs))
        return args_fault(&command, "--%s goes with --rehearse", o->calm ? "calm" : "with-outputs");
    if (o->rehearse_min > 0)
        o->duration_s = 60 * o->rehearse_min;
    return code;
}
