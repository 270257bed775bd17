/*
 * commands - the subcommands of the program: each takes its own arguments (argv[0] is its name) and returns
 * the exit code: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

int cmd_synsets(int argc, char **argv);

#endif
