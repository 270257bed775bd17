/*
 * args - see args.h: getopt_long finds the row and the value, the row says where the value goes.
 *
 * What cannot be understood is answered with what was probably meant: the nearest option, the setting of that
 * name, or the option that an operand belongs to.
 */
#include "app/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Its `struct option` is not the configuration's. */
#define option long_option
#include <getopt.h>
#undef option

#include "common/text.h"

enum { LONG_BASE = 256, ARGS_MAX = 48, HELP_COLUMNS = 31, SAID_BYTES = 81, FAULT_BYTES = 1024 };

/* ---- Saying what is wrong ---- */

int args_fault(const struct args_command *c, const char *format, ...)
{
    char text[FAULT_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    size_t n = strlen(text);
    fprintf(stderr, "reverie %s: %s%s reverie %s --help\n", c->name, text_shown(text).text,
            n && text[n - 1] == '?' ? " See" : "; see", c->name);
    return 2;
}

int args_failed(const char *command, const struct error *e)
{
    fprintf(stderr, "reverie %s: %s\n", command, text_shown(e->text).text);
    return 1;
}

static const char *nearest_arg(const struct args_command *c, const char *name)
{
    const char *names[ARGS_MAX];
    for (int i = 0; i < c->count; i++)
        names[i] = c->args[i].name;
    return config_nearest(name, names, (size_t)c->count);
}

/* `word`: "--backend" or "--backend=cuda"; `next`: the argument behind it, or NULL. */
static int unknown_option(const struct args_command *c, const char *word, const char *next)
{
    char name[SAID_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *plain = name + strspn(name, "-");
    const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : next && next[0] != '-' ? next : "VALUE";
    const char *nearest = nearest_arg(c, plain);
    const struct option_section *s;
    const struct option *o = c->config ? config_setting(c->config, plain, &s) : NULL;
    if (o && o->flags & OPTION_SECRET) { /* what was typed is not repeated */
        char variable[CONFIG_VARIABLE_BYTES];
        return args_fault(c, "there is no option %s: a secret; set the environment variable %s", name,
                          config_variable(s, o, variable));
    }
    if (o)
        return args_fault(c, "there is no option %s; did you mean --set %s.%s=%.80s?", name, s->name, o->name,
                          value);
    if (nearest)
        return args_fault(c, "there is no option %s; did you mean --%s?", name, nearest);
    return args_fault(c, "there is no option %s", name);
}

static int stray_operand(const struct args_command *c, int argc, char **argv, int first)
{
    char all[SAID_BYTES];
    if (c->stray_option && args_join(argc, argv, first, all, sizeof all)) {
        const char *quote = strchr(all, ' ') ? "\"" : "";
        return args_fault(c, "unexpected argument '%.80s'; did you mean %s %s%s%s?", argv[first],
                          c->stray_option, quote, all, quote);
    }
    return args_fault(c, "unexpected argument '%.80s'%s%s", argv[first], c->stray_hint ? ": " : "",
                      c->stray_hint ? c->stray_hint : "");
}

bool args_join(int argc, char **argv, int first, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (int i = first; i < argc && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i > first ? " " : "", argv[i]);
    return n < size;
}

/* ---- Rows ---- */

/* The row of an OPTION or a SETTING, and the struct that it fills in *values; NULL for the other kinds. */
static const struct option *row_of(const struct args_command *c, const struct arg *a, void **values)
{
    *values = c->values;
    if (a->kind == ARG_OPTION)
        return &a->option;
    for (size_t i = 0; a->kind == ARG_SETTING && i < c->config->count; i++) {
        const struct config_entry *entry = &c->config->entries[i];
        *values = entry->module_config;
        for (size_t k = 0; entry->section == a->section && k < a->section->count; k++)
            if (a->section->options[k].offset == a->offset)
                return &a->section->options[k];
    }
    return NULL;
}

static void defaults(const struct args_command *c)
{
    for (int i = 0; i < c->count; i++) {
        const struct option *o = &c->args[i].option;
        struct error e = {""};
        if (c->args[i].kind == ARG_OPTION && o->initial && option_parse(o, c->values, o->initial, &e) < 0) {
            fprintf(stderr, "reverie: the default of --%s is wrong: %s\n", c->args[i].name, e.text);
            abort();
        }
    }
}

static int append(struct arg_list *list, const char *text, struct error *e)
{
    if (list->count == ARG_LIST_MAX)
        return error_set(e, E2BIG, "given more than %d times", ARG_LIST_MAX);
    list->items[list->count++] = text;
    return 0;
}

static int take(const struct args_command *c, const struct arg *a, const char *text)
{
    struct error e = {""};
    void *values;
    const struct option *o = row_of(c, a, &values);
    int rc = 0;
    if (o)
        rc = option_parse(o, values, a->metavar ? text : "yes", &e);
    else if (a->kind == ARG_LIST)
        rc = append((struct arg_list *)(void *)((char *)c->values + a->offset), text, &e);
    else if (a->kind == ARG_TEXT)
        *(const char **)(void *)((char *)c->values + a->offset) = text;
    else if (config_set(c->config, text, &e) < 0)
        return args_fault(c, "%s", e.text); /* begins with --set */
    return rc < 0 ? args_fault(c, "--%s: %s", a->name, e.text) : ARGS_OK;
}

/* ---- Help ---- */

/* A value that would be refused stands for "not given" and is no default. */
static bool fits(const struct option *o, const char *text)
{
    _Alignas(8) char scratch[OPTION_STRING_BYTES];
    struct option alone = *o;
    alone.offset = 0;
    return option_parse(&alone, scratch, text, NULL) == 0;
}

static void help_row(const struct args_command *c, const struct arg *a)
{
    char indent[HELP_COLUMNS + 1], left[64], expected[OPTION_EXPECTED_BYTES], value[OPTION_PRINT_BYTES];
    void *values;
    const struct option *o = row_of(c, a, &values);
    snprintf(indent, sizeof indent, "%*s", HELP_COLUMNS, "");
    snprintf(left, sizeof left, "%c%c%s --%s%s%s", a->letter ? '-' : ' ', a->letter ? a->letter : ' ',
             a->letter ? "," : " ", a->name, a->metavar ? " " : "", a->metavar ? a->metavar : "");
    const char *text = a->text ? a->text : o ? o->text : "";
    int used = printf("  %-28s", left);
    if (!o || !a->metavar || o->type == OPTION_TYPE_STRING) {
        config_write_wrapped(stdout, indent, text, used);
        return;
    }
    option_print(o, values, value, sizeof value);
    bool is_given = fits(o, value);
    char *whole = xasprintf("%s (%s%s%s)", text, option_expected(o, expected, sizeof expected),
                            is_given ? "; default " : "", is_given ? value : "");
    config_write_wrapped(stdout, indent, whole, used);
    free(whole);
}

static void help(const struct args_command *c)
{
    printf("usage: reverie %s [OPTION]...%s%s\n\n%s\n", c->name, c->operands[0] ? " " : "", c->operands,
           c->text);
    for (int i = 0; i < c->count; i++)
        help_row(c, &c->args[i]);
    printf("  %-28s this text\n", "-h, --help");
    if (c->config)
        printf("  %-28s every setting that --set takes\n", "    --help=settings");
}

/* `topic` NULL: the options. */
static int help_about(const struct args_command *c, const char *topic)
{
    if (topic && (!c->config || strcmp(topic, "settings") != 0))
        return args_fault(c, "--help=%.80s: there is no such help", topic);
    if (topic)
        config_write_help(c->config, stdout);
    else
        help(c);
    return 0;
}

/* ---- Parsing ---- */

struct tables {
    struct long_option longs[ARGS_MAX + 2];
    char shorts[2 * ARGS_MAX + 4];
};

static void make_tables(const struct args_command *c, struct tables *t)
{
    size_t n = 2;
    *t = (struct tables){.shorts = ":h"};
    for (int i = 0; i < c->count; i++) {
        const struct arg *a = &c->args[i];
        int takes = a->bare ? optional_argument : a->metavar ? required_argument : no_argument;
        t->longs[i] = (struct long_option){a->name, takes, NULL, LONG_BASE + i};
        if (a->letter)
            t->shorts[n++] = a->letter;
        if (a->letter && a->metavar)
            t->shorts[n++] = ':';
    }
    t->longs[c->count] = (struct long_option){"help", optional_argument, NULL, 'h'};
}

static const struct arg *find_arg(const struct args_command *c, int got)
{
    if (got >= LONG_BASE)
        return &c->args[got - LONG_BASE];
    for (int i = 0; i < c->count; i++)
        if (c->args[i].letter == got)
            return &c->args[i];
    return NULL;
}

/* What getopt_long answers with '?' or ':'. `optopt` is the letter, the row of a long option that cannot have
 * a value, or 0 for a long one that is not there. */
static int refuse(const struct args_command *c, int got, int argc, char **argv)
{
    if (got == ':')
        return args_fault(c, "%s needs a value", argv[optind - 1]);
    if (optopt >= LONG_BASE)
        return args_fault(c, "--%s takes no value", find_arg(c, optopt)->name);
    if (optopt)
        return args_fault(c, "there is no option -%c", optopt);
    return unknown_option(c, argv[optind - 1], optind < argc ? argv[optind] : NULL);
}

int args_parse(const struct args_command *c, int argc, char **argv, int *first)
{
    struct tables t;
    make_tables(c, &t);
    defaults(c);
    optind = 0; /* glibc: forget everything of an earlier call */
    for (int got; (got = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1;) {
        if (got == 'h')
            return help_about(c, optarg);
        if (got == '?' || got == ':')
            return refuse(c, got, argc, argv);
        const struct arg *a = find_arg(c, got);
        if (a->bare && !optarg && optind < argc && strchr("0123456789", argv[optind][0]) && argv[optind][0])
            optarg = argv[optind++]; /* "--rehearse 5", which getopt leaves alone */
        int rc = take(c, a, a->bare && !optarg ? a->bare : optarg);
        if (rc != ARGS_OK)
            return rc;
    }
    *first = optind;
    return c->operands[0] == '\0' && optind < argc ? stray_operand(c, argc, argv, optind) : ARGS_OK;
}
