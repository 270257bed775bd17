/*
 * print - the texts that are made from the option tables: the documented file and the option part of --help.
 */
#include "config/list.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_COLUMNS = 100, KEY_COLUMNS = 28, RULE_BYTES = OPTION_EXPECTED_BYTES + OPTION_PRINT_BYTES + 256 };

/* Columns that `bytes` of UTF-8 take: one per character is near enough for a margin. */
static int columns(const char *s, size_t bytes)
{
    int n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

void config_write_wrapped(FILE *out, const char *prefix, const char *text, int used)
{
    int at = used;
    while (*text) {
        size_t word = strcspn(text, " \n");
        int width = columns(text, word);
        if (at > 0 && at + 1 + width > PAGE_COLUMNS) {
            fputc('\n', out);
            at = 0;
        }
        if (at == 0)
            at = fprintf(out, "%s", prefix);
        else
            at += fprintf(out, " ");
        fwrite(text, 1, word, out);
        at += width;
        text += word;
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

/* The default in the words that option_print uses ("no" in a table is shown as false). */
static void print_default(const struct option_section *s, const struct option *o, char *out, size_t size)
{
    void *scratch = xcalloc(1, s->struct_size);
    option_defaults(s, scratch);
    option_print(o, scratch, out, size);
    free(scratch);
}

/* What fits, and the default; for a secret where it comes from instead. */
static char *print_rule(const struct option_section *s, const struct option *o, char out[RULE_BYTES])
{
    char expected[OPTION_EXPECTED_BYTES], initial[OPTION_PRINT_BYTES], variable[CONFIG_VARIABLE_BYTES];
    if (o->flags & OPTION_SECRET) {
        config_variable(s, o, variable);
        snprintf(out, RULE_BYTES,
                 "A secret: set the environment variable %s, or %s_FILE to the path of a file that holds it.",
                 variable, variable);
    } else {
        option_expected(o, expected, sizeof expected);
        print_default(s, o, initial, sizeof initial);
        snprintf(out, RULE_BYTES, "(%s; default %s)", expected, initial);
    }
    return out;
}

static void write_yaml_section(const struct config_entry *entry, FILE *out)
{
    const struct option_section *s = entry->section;
    fputc('\n', out);
    config_write_wrapped(out, "# ", s->text, 0);
    fprintf(out, "%s:\n", s->name);
    for (size_t i = 0; i < s->count; i++) {
        const struct option *o = &s->options[i];
        char rule[RULE_BYTES], value[OPTION_PRINT_BYTES];
        if (i > 0)
            fputc('\n', out);
        config_write_wrapped(out, "  # ", o->text, 0);
        config_write_wrapped(out, "  # ", print_rule(s, o, rule), 0);
        if (!(o->flags & OPTION_SECRET))
            fprintf(out, "  %s: %s\n", o->name, option_print(o, entry->module_config, value, sizeof value));
    }
}

/* ---- the list ---- */

/* The rows of a kind, as they would be in an item; all of it comments. */
static void write_yaml_kind(const struct config_list *l, const struct option_section *kind, FILE *out)
{
    char *name = xasprintf("%s.NAME", l->name);
    struct option_section item = *kind;
    void *scratch = xcalloc(1, kind->struct_size);
    item.name = name;
    option_defaults(kind, scratch);
    fputs("  #\n", out);
    config_write_wrapped(out, "  # ", kind->text, 0);
    fprintf(out, "  # - kind: %s\n  #   name: NAME\n", kind->name);
    for (size_t i = 0; i < kind->count; i++) {
        const struct option *o = &kind->options[i];
        char rule[RULE_BYTES], value[OPTION_PRINT_BYTES];
        config_write_wrapped(out, "  #   # ", o->text, 0);
        config_write_wrapped(out, "  #   # ", print_rule(&item, o, rule), 0);
        if (!(o->flags & OPTION_SECRET))
            fprintf(out, "  #   %s: %s\n", o->name, option_print(o, scratch, value, sizeof value));
    }
    free(scratch);
    free(name);
}

static void write_yaml_item(const struct config_item *item, FILE *out)
{
    fprintf(out, "\n  - kind: %s\n    name: \"%s\"\n", item->kind->name, item->name);
    for (size_t i = 0; i < item->section.count; i++) {
        const struct option *o = &item->section.options[i];
        char value[OPTION_PRINT_BYTES], rule[RULE_BYTES];
        if (o->flags & OPTION_SECRET)
            config_write_wrapped(out, "    # ", print_rule(&item->section, o, rule), 0);
        else
            fprintf(out, "    %s: %s\n", o->name,
                    option_print(o, item->entry.module_config, value, sizeof value));
    }
}

static void write_yaml_list(const struct config_list *l, FILE *out)
{
    fputc('\n', out);
    config_write_wrapped(out, "# ", l->text, 0);
    fprintf(out, "%s:\n", l->name);
    for (int i = 0; l->kinds[i]; i++)
        write_yaml_kind(l, l->kinds[i], out);
    for (int i = 0; i < l->count; i++)
        write_yaml_item(l->items[i], out);
}

void config_write_yaml(const struct config *c, FILE *out)
{
    fputs(
        "# Reverie's configuration. Every option, with what it does, what it accepts and its default.\n"
        "# `reverie run -c FILE` reads a file like this one; it may hold only the lines that differ. On the\n"
        "# command line `--set section.key=value` goes over the file.\n",
        out);
    for (size_t i = 0; i < c->count; i++)
        write_yaml_section(&c->entries[i], out);
    if (c->list)
        write_yaml_list(c->list, out);
}

static void write_help_option(const struct option_section *s, const struct option *o, FILE *out)
{
    char rule[RULE_BYTES], indent[KEY_COLUMNS + 1];
    snprintf(indent, sizeof indent, "%*s", KEY_COLUMNS, "");
    int used = fprintf(out, "  %s.%s", s->name, o->name);
    if (used < KEY_COLUMNS - 1)
        used += fprintf(out, "%*s", KEY_COLUMNS - 1 - used, "");
    config_write_wrapped(out, indent, o->text, used);
    config_write_wrapped(out, indent, print_rule(s, o, rule), 0);
}

static void write_help_list(const struct config_list *l, FILE *out)
{
    char *name = xasprintf("%s.NAME", l->name);
    fputc('\n', out);
    config_write_wrapped(out, "", l->text, 0);
    for (int i = 0; l->kinds[i]; i++) {
        struct option_section item = *l->kinds[i];
        item.name = name;
        fprintf(out, "\n%s, kind %s. ", l->name, l->kinds[i]->name);
        config_write_wrapped(out, "", item.text, (int)(strlen(l->name) + strlen(l->kinds[i]->name)) + 8);
        for (size_t j = 0; j < item.count; j++)
            write_help_option(&item, &item.options[j], out);
    }
    free(name);
}

void config_write_help(const struct config *c, FILE *out)
{
    fputs("Settings, for --set section.key=value and for the file given with -c:\n", out);
    for (size_t i = 0; i < c->count; i++) {
        const struct option_section *s = c->entries[i].section;
        fputc('\n', out);
        config_write_wrapped(out, "", s->text, 0);
        for (size_t j = 0; j < s->count; j++)
            write_help_option(s, &s->options[j], out);
    }
    if (c->list)
        write_help_list(c->list, out);
}
