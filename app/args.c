/*
 * args - see args.h.
 */
#include "app/args.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_BASE = 256, ARGS_MAX = 32 };

static void help(const struct args_command *c)
{
    printf("usage: reverie %s [OPTION]...%s%s\n\n%s\n", c->name, c->operands[0] ? " " : "", c->operands,
           c->text);
    for (int i = 0; i < c->count; i++) {
        const struct arg *a = &c->args[i];
        char left[64];
        snprintf(left, sizeof left, "%c%c%s --%s%s%s", a->letter ? '-' : ' ', a->letter ? a->letter : ' ',
                 a->letter ? "," : " ", a->name, a->metavar ? " " : "", a->metavar ? a->metavar : "");
        printf("  %-28s %s\n", left, a->text);
    }
    printf("  %-28s %s\n", "-h, --help", "this text");
    if (c->more_help) {
        putchar('\n');
        c->more_help(stdout);
    }
}

int args_fault(const struct args_command *c, const char *format, ...)
{
    va_list list;
    fprintf(stderr, "reverie %s: ", c->name);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "; see reverie %s --help\n", c->name);
    return 2;
}

static bool parse_number(const char *text, double min, double max, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && *value >= min && *value <= max;
}

bool args_parse_int(const char *text, double min, double max, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && (double)*value >= min && (double)*value <= max;
}

bool args_parse_size(const char *text, double min, double max, int size[2])
{
    int used = 0;
    return isdigit((unsigned char)text[0]) && sscanf(text, "%5dx%5d%n", &size[0], &size[1], &used) == 2 &&
           text[used] == '\0' && size[0] >= min && size[1] >= min && size[0] <= max && size[1] <= max;
}

static bool parse_choice(const char *text, struct arg_choice *choice)
{
    for (int i = 0; choice->names[i]; i++)
        if (strcmp(text, choice->names[i]) == 0) {
            choice->index = i;
            return true;
        }
    return false;
}

static int choice_fault(const struct args_command *c, const struct arg *a, const char *text)
{
    const struct arg_choice *choice = a->value;
    char list[256] = "";
    size_t n = 0;
    for (int i = 0; choice->names[i] && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", choice->names[i]);
    return args_fault(c, "--%s is one of %s, not '%.80s'", a->name, list, text);
}

static bool append(struct arg_list *list, const char *text)
{
    if (list->count == ARG_LIST_MAX)
        return false;
    list->items[list->count++] = text;
    return true;
}

static int take(const struct args_command *c, const struct arg *a, const char *text)
{
    switch (a->type) {
    case ARG_FLAG:
        *(bool *)a->value = true;
        return ARGS_OK;
    case ARG_STRING:
        *(const char **)a->value = text;
        return ARGS_OK;
    case ARG_NUMBER:
        if (parse_number(text, a->min, a->max, a->value))
            return ARGS_OK;
        return args_fault(c, "--%s takes a number from %g to %g, not '%.80s'", a->name, a->min, a->max, text);
    case ARG_INT:
        if (args_parse_int(text, a->min, a->max, a->value))
            return ARGS_OK;
        return args_fault(c, "--%s takes a whole number from %.0f to %.0f, not '%.80s'", a->name, a->min,
                          a->max, text);
    case ARG_SIZE:
        if (args_parse_size(text, a->min, a->max, a->value))
            return ARGS_OK;
        return args_fault(c, "--%s takes WIDTHxHEIGHT, each from %.0f to %.0f, not '%.80s'", a->name, a->min,
                          a->max, text);
    case ARG_CHOICE:
        return parse_choice(text, a->value) ? ARGS_OK : choice_fault(c, a, text);
    case ARG_LIST:
        if (append(a->value, text))
            return ARGS_OK;
        return args_fault(c, "--%s stands there more than %d times", a->name, ARG_LIST_MAX);
    }
    return 2;
}

int args_parse(const struct args_command *c, int argc, char **argv, int *first)
{
    struct option longs[ARGS_MAX + 2] = {0};
    char shorts[2 * ARGS_MAX + 4] = ":h";
    size_t n = 2;
    for (int i = 0; i < c->count && i < ARGS_MAX; i++) {
        const struct arg *a = &c->args[i];
        longs[i] =
            (struct option){a->name, a->metavar ? required_argument : no_argument, NULL, LONG_BASE + i};
        if (a->letter)
            shorts[n++] = a->letter;
        if (a->letter && a->metavar)
            shorts[n++] = ':';
    }
    longs[c->count] = (struct option){"help", no_argument, NULL, 'h'};

    optind = 0; /* glibc: forget everything of an earlier call */
    for (int got; (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (got == 'h') {
            help(c);
            return 0;
        }
        if (got == ':')
            return args_fault(c, "%s needs a value", argv[optind - 1]);
        int index = got - LONG_BASE;
        for (int i = 0; got < LONG_BASE && i < c->count; i++)
            if (c->args[i].letter == got)
                index = i;
        if (got == '?' || index < 0)
            return args_fault(c, "there is no option %.80s", argv[optind - 1]);
        int rc = take(c, &c->args[index], optarg);
        if (rc != ARGS_OK)
            return rc;
    }
    *first = optind;
    return ARGS_OK;
}
