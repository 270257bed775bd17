/*
 * config - see config.h: names to rows, and the one way in for every value.
 *
 * The file reader and --set both end in config_assign, so they accept and refuse the same things in
 * the same words.
 */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "config/list.h"

enum { NAME_BYTES = 64, SECTIONS_BYTES = 256 };

void config_defaults(const struct config *c)
{
    for (size_t i = 0; i < c->count; i++)
        option_defaults(c->entries[i].section, c->entries[i].module_config);
}

size_t config_entries(const struct config *c)
{
    return c->count + (c->list ? (size_t)c->list->count : 0);
}

const struct config_entry *config_entry_at(const struct config *c, size_t i)
{
    return i < c->count ? &c->entries[i] : &c->list->items[i - c->count]->entry;
}

static const struct option *find_option(const struct option_section *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->options[i].name, key) == 0)
            return &s->options[i];
    return NULL;
}

static const char *nearest_option(const struct option_section *s, const char *key)
{
    const char **names = xcalloc(s->count, sizeof *names);
    for (size_t i = 0; i < s->count; i++)
        names[i] = s->options[i].name;
    const char *nearest = config_nearest(key, names, s->count);
    free(names);
    return nearest;
}

static const char *nearest_section(const struct config *c, const char *section)
{
    size_t count = config_entries(c);
    const char **names = xcalloc(count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = config_entry_at(c, i)->section->name;
    if (c->list)
        names[count++] = c->list->name;
    const char *nearest = config_nearest(section, names, count);
    free(names);
    return nearest;
}

const struct option *config_setting(const struct config *c, const char *name,
                                    const struct option_section **section)
{
    char key[NAME_BYTES];
    text_copy(key, sizeof key, name);
    for (char *p = key; *p; p++)
        *p = *p == '-' ? '_' : *p;
    for (size_t i = 0; i < c->count; i++) {
        *section = c->entries[i].section;
        const struct option *o = find_option(*section, key);
        if (o)
            return o;
    }
    return NULL;
}

static void list_sections(const struct config *c, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "", c->entries[i].section->name);
    if (c->list && n < size)
        snprintf(out + n, size - n, ", %s", c->list->name);
}

/* `key` may be NULL. What was meant: a section of nearly this name, the one that has the key, or a key where a
 * section belongs; else there is the list. */
static int refuse_section(const struct config *c, const char *section, const char *key, struct error *e)
{
    char shown[NAME_BYTES], list[SECTIONS_BYTES];
    const struct option_section *home;
    const char *nearest = nearest_section(c, section);
    const struct option *named_so = config_setting(c, section, &home);
    text_copy(shown, sizeof shown, section);
    if (named_so)
        return error_set(e, EINVAL, "there is no section \"%s\"; did you mean %s.%s?", shown, home->name,
                         named_so->name);
    if (nearest)
        return error_set(e, EINVAL, "there is no section \"%s\"; did you mean %s?", shown, nearest);
    const struct option *o = key ? config_setting(c, key, &home) : NULL;
    if (o)
        return error_set(e, EINVAL, "there is no section \"%s\"; did you mean %s.%s?", shown, home->name,
                         o->name);
    list_sections(c, list, sizeof list);
    return error_set(e, EINVAL, "there is no section \"%s\"; there are %s", shown, list);
}

static const struct config_entry *find_section(const struct config *c, const char *section)
{
    for (size_t i = 0; i < config_entries(c); i++)
        if (strcmp(config_entry_at(c, i)->section->name, section) == 0)
            return config_entry_at(c, i);
    return NULL;
}

/* Behind "outputs.", or NULL: it names no item of the list. */
static const char *item_name(const struct config *c, const char *section)
{
    size_t n = c->list ? strlen(c->list->name) : 0;
    return n > 0 && strncmp(section, c->list->name, n) == 0 && section[n] == '.' ? section + n + 1 : NULL;
}

const struct config_entry *config_find(const struct config *c, const char *section, struct error *e)
{
    const struct config_entry *entry = find_section(c, section);
    if (!entry)
        refuse_section(c, section, NULL, e);
    return entry;
}

static int refuse_key(const struct config *c, const struct option_section *s, const char *key,
                      struct error *e)
{
    char shown[NAME_BYTES];
    text_copy(shown, sizeof shown, key);
    const struct option_section *home;
    const char *nearest = nearest_option(s, key);
    const struct option *elsewhere = config_setting(c, key, &home);
    if (elsewhere && home != s)
        return error_set(e, EINVAL, "%s has no option \"%s\"; did you mean %s.%s?", s->name, shown,
                         home->name, elsewhere->name);
    if (nearest)
        return error_set(e, EINVAL, "%s has no option \"%s\"; did you mean %s?", s->name, shown, nearest);
    return error_set(e, EINVAL, "%s has no option \"%s\"; `reverie run --help=settings` lists them", s->name,
                     shown);
}

int config_assign(const struct config *c, const char *section, const char *key, const char *value,
                  struct error *e)
{
    const struct config_entry *entry = find_section(c, section);
    const char *item = entry ? NULL : item_name(c, section);
    if (item && strcmp(key, "kind") == 0)
        return config_list_add(c, value, item, e) ? 0 : -EINVAL;
    if (item)
        return error_set(e, EINVAL, "there is no %s; begin it with %s.kind=...", section, section);
    if (!entry)
        return refuse_section(c, section, key, e);
    const struct option *o = find_option(entry->section, key);
    if (!o)
        return refuse_key(c, entry->section, key, e);
    int rc;
    if (o->flags & OPTION_SECRET) {
        char variable[CONFIG_VARIABLE_BYTES];
        config_variable(entry->section, o, variable);
        rc = error_set(e, EINVAL, "a secret, not taken from here; set the environment variable %s or %s_FILE",
                       variable, variable);
    } else {
        rc = option_parse(o, entry->module_config, value, e);
    }
    return rc < 0 ? error_prefix(e, rc, "%s.%s", section, key) : 0;
}

int config_set(const struct config *c, const char *assignment, struct error *e)
{
    char section[2 * NAME_BYTES], key[NAME_BYTES], item[NAME_BYTES];
    int used = 0;
    sscanf(assignment, "%63[^.=].%63[^.=]=%n", section, key, &used);
    if (used == 0 && c->list && sscanf(assignment, "%*63[^.=].%63[^.=].%63[^.=]=%n", item, key, &used) == 2)
        snprintf(section, sizeof section, "%.*s", (int)(strcspn(assignment, ".") + 1 + strlen(item)),
                 assignment);
    if (used == 0)
        return error_set(e, EINVAL, "--set takes section.key=value, as in --set video.fps=30");
    int rc = config_assign(c, section, key, assignment + used, e);
    return rc < 0 ? error_prefix(e, rc, "--set") : 0;
}
