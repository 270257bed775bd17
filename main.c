/*
 * main - the entry: one table of subcommands.
 *
 * What a subcommand does stands in app/cmd_NAME.c. Here only the choice is made, and the few things that hold
 * for all of them are set: a broken pipe is an error code and not the end of the program, and numbers are
 * written with a point whatever the user's language.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/version.h"
#include "common/mem.h"
#include "common/text.h"
#include "config/config.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: for the program's own use */
};

static const struct command commands[] = {
    {"run", cmd_run, "the show, until SIGINT or SIGTERM"},
    {"replay", cmd_replay, "a show once more from its tape, as it was or larger"},
    {"still", cmd_still, "dream one picture into a PNG"},
    {"classify", cmd_classify, "what the network sees in pictures: top five"},
    {"inspect", cmd_inspect, "tensors, classes and preprocessing of a model file"},
    {"probe", cmd_probe, "losses, logits and gradient of one picture, for comparison"},
    {"synsets", cmd_synsets, "how a line of chat resolves to ImageNet classes"},
    {"log", cmd_log, "what was asked and shown, as JSON lines"},
    {"crowd", cmd_crowd, "what a busy channel says, as a script: for trying things out"},
    {"status", cmd_status, "how the running show is doing; exit 0: well"},
    {"check", cmd_check, "is this configuration and this machine ready?"},
    {"bench", cmd_bench, "how fast this machine dreams, as JSON"},
    {"dreamer", cmd_dreamer, NULL},
};

static int usage(FILE *out)
{
    fputs("Reverie: a livestream that hallucinates what its viewers ask for.\n\n"
          "usage: reverie COMMAND [OPTION]...\n\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].summary)
            fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`reverie COMMAND --help` lists the options of each. To begin: reverie run\n", out);
    return out == stdout ? 0 : 2;
}

static int unknown(const char *word)
{
    const char *names[ARRAY_LEN(commands)];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    const char *nearest = config_nearest(word, names, ARRAY_LEN(names));
    fprintf(stderr, "reverie: there is no command '%.80s'; ", text_shown(word).text);
    if (nearest)
        fprintf(stderr, "did you mean reverie %s? ", nearest);
    fputs("`reverie --help` lists them\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk: an error of the write, not the end */

    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0 && (argc == 2 || strcmp(argv[2], "-v") == 0))
        return version_print(argc > 2);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
