/*
 * cmd_bench - `reverie bench`.
 */
#ifndef APP_CMD_BENCH_H
#define APP_CMD_BENCH_H

/* Exit status: 0 measured, 1 failed, 2 usage. */
int cmd_bench(int argc, char **argv);

#endif
