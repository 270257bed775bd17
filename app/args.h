/*
 * args - a command's own options: one static table from which both parsing and --help come.
 *
 * What a value may be is told by a row of config/option.h, as for every setting: the same types, ranges, lists
 * of choices and messages. An option that is a setting under a shorter name (--threads for dream.threads)
 * points to that setting's row and fills that setting, so the two cannot disagree. Later options go over
 * earlier ones.
 */
#ifndef APP_ARGS_H
#define APP_ARGS_H

#include "config/config.h"

enum arg_kind {
    ARG_OPTION,  /* a row of its own, filled in the command's `values`; a bool without metavar is a flag */
    ARG_SETTING, /* the row of a setting, filled where the command's `config` says */
    ARG_TEXT,    /* const char * in `values`: into argv, whatever stands there */
    ARG_SET,     /* "section.key=value" into `config` */
    ARG_LIST,    /* struct arg_list in `values`: may be repeated, order kept */
};

enum { ARG_LIST_MAX = 64 };

struct arg_list {
    const char *items[ARG_LIST_MAX];
    int count;
};

struct arg {
    char letter; /* 0: none */
    const char *name;
    const char *metavar; /* NULL for flags; "[MINUTES]": may be left out */
    const char *bare;    /* what it is then */
    enum arg_kind kind;
    struct option option;                 /* OPTION; `initial` NULL: the command has filled the field */
    const struct option_section *section; /* SETTING */
    size_t offset;                        /* TEXT, LIST: in `values`; SETTING: in the section's struct */
    const char *text;                     /* NULL: the option's own */
};

#define ARG(letter_, name_, metavar_, ...)                                                                   \
    {                                                                                                        \
        .letter = letter_, .name = name_, .metavar = metavar_, .kind = ARG_OPTION, .option = __VA_ARGS__     \
    }
#define ARG_MAYBE(name_, metavar_, bare_, ...)                                                               \
    {                                                                                                        \
        .name = name_, .metavar = metavar_, .bare = bare_, .kind = ARG_OPTION, .option = __VA_ARGS__         \
    }
#define ARG_FLAG(letter_, name_, s, f, text_) ARG(letter_, name_, NULL, OPTION_BOOL(s, f, "no", text_))
#define ARG_TEXT(letter_, name_, metavar_, s, f, text_)                                                      \
    {                                                                                                        \
        .letter = letter_, .name = name_, .metavar = metavar_, .kind = ARG_TEXT,                             \
        .offset = OPTION_OFFSET(s, f, const char *), .text = text_                                           \
    }
#define ARG_LIST(letter_, name_, metavar_, s, f, text_)                                                      \
    {                                                                                                        \
        .letter = letter_, .name = name_, .metavar = metavar_, .kind = ARG_LIST,                             \
        .offset = OPTION_OFFSET(s, f, struct arg_list), .text = text_                                        \
    }
#define ARG_SET(text_)                                                                                       \
    {                                                                                                        \
        .name = "set", .metavar = "KEY=VALUE", .kind = ARG_SET, .text = text_                                \
    }
#define ARG_SETTING(letter_, name_, metavar_, section_, s, f, text_)                                         \
    {                                                                                                        \
        .letter = letter_, .name = name_, .metavar = metavar_, .kind = ARG_SETTING, .section = &(section_),  \
        .offset = offsetof(s, f), .text = text_                                                              \
    }

struct args_command {
    const char *name;     /* "run" */
    const char *operands; /* "IMAGE..."; "": takes none */
    const char *text;     /* what it does, a few lines that end with a newline */
    const struct arg *args;
    int count;
    void *values;                /* the struct that rows of kind OPTION, TEXT and LIST fill */
    const struct config *config; /* the settings that it knows; NULL: none */
    const char *stray_option;    /* where operands are none: "-t" for "did you mean -t goldfish?", or NULL */
    const char *stray_hint;      /* or what to do instead, or NULL */
};

/* Fills the defaults of OPTION rows, then parses argv (argv[0] is the command's name). ARGS_OK: *first is the
 * index of the first operand. Otherwise everything has been said and the command returns with that exit
 * code. */
enum { ARGS_OK = -1 };
int args_parse(const struct args_command *c, int argc, char **argv, int *first);

/* The operands from argv[first] on with blanks between them. False when they do not fit into `size` bytes. */
bool args_join(int argc, char **argv, int first, char *out, size_t size);

/* "reverie NAME: text; see reverie NAME --help" on stderr. Returns 2, the exit code for it. */
int args_fault(const struct args_command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "reverie COMMAND: text" on stderr, for what fails after the arguments were right. Returns 1. */
int args_failed(const char *command, const struct error *e);

#endif
