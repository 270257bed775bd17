/*
 * args - a command's own options: one table from which both parsing and --help come.
 *
 * On top of getopt_long, whose `struct option` would clash with the configuration's: getopt.h is included by
 * args.c alone.
 */
#ifndef APP_ARGS_H
#define APP_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum arg_type {
    ARG_FLAG,   /* bool *: set to true */
    ARG_STRING, /* const char ** : into argv */
    ARG_NUMBER, /* double *: min..max */
    ARG_INT,    /* int64_t *: min..max */
    ARG_SIZE,   /* int[2]: WIDTHxHEIGHT, each min..max */
    ARG_CHOICE, /* struct arg_choice *: one of its names */
    ARG_LIST,   /* struct arg_list *: may be repeated, order kept */
};

enum { ARG_LIST_MAX = 64 };

struct arg_list {
    const char *items[ARG_LIST_MAX];
    int count;
};

struct arg_choice {
    const char *const *names; /* ends with NULL */
    int index;
};

struct arg {
    char letter; /* 0: none */
    const char *name;
    const char *metavar; /* NULL for flags */
    enum arg_type type;
    void *value;
    double min, max;
    const char *text;
};

struct args_command {
    const char *name;     /* "run" */
    const char *operands; /* "IMAGE..." or "" */
    const char *text;     /* what it does, a few lines that end with a newline */
    const struct arg *args;
    int count;
    void (*more_help)(FILE *out); /* NULL: none */
};

/* Parses argv (argv[0] is the command's name). ARGS_OK: *first is the index of the first operand. Otherwise
 * everything has been said and the command returns with that exit code. */
enum { ARGS_OK = -1 };
int args_parse(const struct args_command *c, int argc, char **argv, int *first);

/* A whole number, and "WIDTHxHEIGHT", each from min to max: for operands and parts of values. */
bool args_parse_int(const char *text, double min, double max, int64_t *value);
bool args_parse_size(const char *text, double min, double max, int size[2]);

/* "reverie NAME: text; see --help" on stderr. Returns 2, the exit code for it. */
int args_fault(const struct args_command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
