/*
 * commands - the subcommands of the program. Each parses its own arguments (argv[0] is the subcommand's
 * name), prints results on stdout and everything else on stderr, and returns the exit code: 0 done, 1 failed,
 * 2 usage.
 */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_still(int argc, char **argv);
int cmd_classify(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_synsets(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_crowd(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_dreamer(int argc, char **argv);

#endif
