/*
 * config - see config.h: names to rows, and the one way in for every value.
 *
 * The file reader and --set both end in config_assign, so they accept and refuse the same things in
 * the same words.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum { NAME_BYTES = 64 };

void config_defaults(const struct config *c)
{
    for (size_t i = 0; i < c->count; i++)
        option_defaults(c->entries[i].section, c->entries[i].module_config);
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
    const char **names = xcalloc(c->count, sizeof *names);
    for (size_t i = 0; i < c->count; i++)
        names[i] = c->entries[i].section->name;
    const char *nearest = config_nearest(section, names, c->count);
    free(names);
    return nearest;
}

/* The section that has an option of exactly this name, or NULL. */
static const char *home_of(const struct config *c, const char *key)
{
    for (size_t i = 0; i < c->count; i++)
        if (find_option(c->entries[i].section, key))
            return c->entries[i].section->name;
    return NULL;
}

const struct config_entry *config_find(const struct config *c, const char *section, struct error *e)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->entries[i].section->name, section) == 0)
            return &c->entries[i];

    char shown[NAME_BYTES];
    text_copy(shown, sizeof shown, section);
    const char *nearest = nearest_section(c, section), *home = home_of(c, section);
    if (home)
        error_set(e, EINVAL, "there is no section \"%s\"; did you mean %s.%s?", shown, home, section);
    else if (nearest)
        error_set(e, EINVAL, "there is no section \"%s\"; did you mean %s?", shown, nearest);
    else
        error_set(e, EINVAL, "there is no section \"%s\"; `reverie run --help` lists them", shown);
    return NULL;
}

static int refuse_key(const struct config *c, const struct option_section *s, const char *key,
                      struct error *e)
{
    char shown[NAME_BYTES];
    text_copy(shown, sizeof shown, key);
    const char *nearest = nearest_option(s, key), *home = home_of(c, key);
    if (home)
        return error_set(e, EINVAL, "%s has no option \"%s\"; did you mean %s.%s?", s->name, shown, home,
                         key);
    if (nearest)
        return error_set(e, EINVAL, "%s has no option \"%s\"; did you mean %s?", s->name, shown, nearest);
    return error_set(e, EINVAL, "%s has no option \"%s\"; `reverie run --help` lists them", s->name, shown);
}

int config_assign(const struct config *c, const char *section, const char *key, const char *value,
                  struct error *e)
{
    const struct config_entry *entry = config_find(c, section, e);
    if (!entry)
        return -EINVAL;
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
    char section[NAME_BYTES], key[NAME_BYTES];
    int used = 0;
    sscanf(assignment, "%63[^.=].%63[^.=]=%n", section, key, &used);
    if (used == 0)
        return error_set(e, EINVAL, "--set takes section.key=value, as in --set video.fps=30");
    int rc = config_assign(c, section, key, assignment + used, e);
    return rc < 0 ? error_prefix(e, rc, "--set") : 0;
}
